"""Weights as a multiplier takes them: in two's complement, or, where a shifter multiplies, as sign and exponent."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

import numpy as np
import numpy.typing as npt

from hdlgen.errors import InputError
from hdlgen.integers import signed_bits
from hdlgen.schema import Between, OneOf

__all__ = [
    "CODE_BITS",
    "MULTIPLIERS",
    "PIECE",
    "Form",
    "Ints",
    "as_far_as_they_go",
    "choose_multiplier",
    "dsps_for",
    "factor",
    "factors",
    "pieces",
]

MULTIPLIERS = ("auto", "dsp", "lut", "shift", "add")
"""What can be asked for; "auto" is one of the others."""

CODE_BITS = 5
"""Of a code at the most: a code book has up to 16 entries, and lanes without an edge need a zero beside them."""

PIECE = 16
"""Bits of a factor that one multiplier of any device takes, with a sign or without."""

_MOST = 48
"""Bits of a weight, repeated edges added up."""

Ints = npt.NDArray[np.int64]
P = TypeVar("P")


@dataclass(frozen=True, kw_only=True)
class Form:
    """How weights are stored and multiplied.

    Parameters
    ----------
    kind: what multiplies, before it is known what the device has
    weight_bits, code_bits: of a weight at the multiplier, and of what is stored for it
    books: for every layer the weights that its codes stand for; none where weights are stored themselves
    """

    kind: Annotated[str, OneOf(*MULTIPLIERS[1:])]
    weight_bits: Annotated[int, Between(1, _MOST)]
    code_bits: Annotated[int, Between(1, _MOST)]
    books: tuple[tuple[Annotated[int, Between(-(1 << _MOST), 1 << _MOST)], ...], ...] = ()

    def possible(self, layers: int) -> bool:
        """Whether there can be hardware of it, for so many layers."""
        bits = {"add": (2,), "shift": range(1, _MOST.bit_length() + 2)}.get(self.kind, range(1, _MOST + 1))
        if self.books:
            fits = self.code_bits <= CODE_BITS and all(1 <= len(book) <= 1 << self.code_bits for book in self.books)
        else:
            fits = self.code_bits == self.weight_bits or (self.kind, self.code_bits) == ("add", 1)
        return self.weight_bits in bits and fits and len(self.books) in (0, layers)

    def lacks(self, layer: int, weights: Ints) -> tuple[int, str] | None:
        """A weight that it does not have for a layer, counted from 0, and a message on those that it has."""
        least, most = _ends(self.kind, self.weight_bits)
        if self.books:
            allowed, said = self.books[layer], f"has a code book of {', '.join(map(str, self.books[layer]))}"
        elif self.kind == "add":
            allowed = (-1, 1) if self.code_bits < self.weight_bits else (-1, 0, 1)
            said = f"adds and subtracts: it takes {', '.join(map(str, allowed))}"
        elif self.kind == "shift":
            allowed = (0, *(sign << k for sign in (-1, 1) for k in range(most.bit_length())))
            said = f"has shifters for 0 and powers of two up to {most}"
        else:
            ends = int(weights.min()), int(weights.max())
            allowed = tuple(end for end in ends if least <= end <= most)
            weights, said = np.array(ends), f"has multipliers for {least} to {most}"
        others = np.setdiff1d(weights, allowed).tolist()
        return (others[0], said) if others else None


def dsps_for(products: int, a_bits: int, w_bits: int, each: int) -> int:
    """Hardware multipliers for so many products of factors of these bits; one makes ``each`` of 8 x 8 bits."""
    return -(-products // each) if max(a_bits, w_bits) <= 8 else products


def choose_multiplier(weights: Ints, wanted: str, where: str, *, stated_bits: int = 2) -> tuple[str, int]:
    """What multiplies, and the bits of a weight in its form.

    Parameters
    ----------
    weights: all of the network, at least one
    wanted: one of `MULTIPLIERS`; "auto" adds where all weights are -1, 0 or 1, and shifts where they are powers of two and
        take no more bits so
    stated_bits: in two's complement there are no fewer

    Raises
    ------
    InputError
        If ``wanted`` cannot multiply by these weights.
    """
    size = np.abs(weights)
    ternary, others = bool(size.max() <= 1), weights[size & (size - 1) != 0]
    plain = max(stated_bits, signed_bits(int(weights.min()), int(weights.max())))
    # A sign, and 0 or one more than the exponent.
    short = 1 + int(size.max()).bit_length().bit_length()
    if wanted == "add" and not ternary:
        raise InputError(
            f"{where}: multiplier: add needs weights in -1, 0, 1; the largest weight here is {size.max()}"
        )
    if wanted == "shift" and len(others):
        raise InputError(
            f"{where}: multiplier: shift needs weights that are 0 or powers of two; one here is {others.flat[0]}"
        )
    kind = wanted
    if wanted == "auto":
        kind = "add" if ternary else "shift" if not len(others) and short <= plain else "dsp"
    return kind, {"add": 2, "shift": short}.get(kind, plain)


def as_far_as_they_go(program: P, dsps: tuple[int, int] | None, notes: list[str], sums: str) -> P:
    """The program with what makes its products: the device's multipliers (None: there are enough), as far as they go.

    Its ``needed`` says how many the lanes take, and ``sums``, as notes call these, which are multiplied, too.
    """
    given: Any = program
    kind, scale = given.multiplier, "lut" if given.multiplier == "lut" else "dsp"
    if dsps is not None:
        left, products = dsps
        lanes, others = given.needed(products)
        if kind == "dsp" and lanes > left:
            kind = "lut"
        if others > left - (lanes if kind == "dsp" else 0):
            scale = "lut"
        for made, what in ((kind, "the lanes' are"), (scale, f"that of the {sums} is")):
            if made == "lut" and dsps[0]:
                notes.append(f"the device has too few multipliers: {what} made of logic")
    return replace(given, multiplier=kind, scale_multiplier=scale)


def pieces(bits: int) -> tuple[int, ...]:
    """Of a factor of so many bits, those that one multiplier takes, the lowest first."""
    return tuple(min(PIECE, bits - at) for at in range(0, bits, PIECE))


def factor(weight: int, kind: str, bits: int) -> int:
    """A weight for a multiplier of that kind, as an unsigned number of ``bits`` bits."""
    if kind == "shift":
        return abs(weight).bit_length() | int(weight < 0) << (bits - 1)
    return weight % (1 << bits)


def factors(weights: Ints, kind: str, bits: int) -> Ints:
    """`factor` of every weight."""
    values, places = np.unique(weights, return_inverse=True)
    codes = np.array([factor(value, kind, bits) for value in values.tolist()], np.int64)
    return codes[places].reshape(weights.shape)


def _ends(kind: str, bits: int) -> tuple[int, int]:
    """The least and the greatest weight that a multiplier of that kind takes; of "shift" powers of two only."""
    if kind == "add":
        return -1, 1
    if kind == "shift":
        most = (1 << (1 << (bits - 1)) - 1) >> 1  # of one bit, for no exponent, nothing but 0
        return -most, most
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1
