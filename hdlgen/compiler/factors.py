"""Weights as a multiplier takes them: in two's complement, or, where a shifter multiplies, as sign and exponent."""

import numpy as np
import numpy.typing as npt

from hdlgen.errors import InputError
from hdlgen.integers import signed_bits

__all__ = ["MULTIPLIERS", "are_powers", "choose_multiplier", "factor", "factors", "factors_allowed"]

MULTIPLIERS = ("auto", "dsp", "lut", "shift", "add")
"""What can be asked for; "auto" is one of the others."""

Ints = npt.NDArray[np.int64]


def are_powers(weights: Ints) -> bool:
    """Whether all are 0, or plus or minus a power of two."""
    size = np.abs(weights)
    return bool((size & (size - 1) == 0).all())


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
    ternary, powers = bool(size.max() <= 1), are_powers(weights)
    plain = max(stated_bits, signed_bits(int(weights.min()), int(weights.max())))
    # A sign, and 0 or one more than the exponent.
    short = 1 + int(size.max()).bit_length().bit_length()
    if wanted == "add" and not ternary:
        raise InputError(
            f"{where}: multiplier: add needs weights in -1, 0, 1; the largest weight here is {size.max()}"
        )
    if wanted == "shift" and not powers:
        raise InputError(
            f"{where}: multiplier: shift needs weights that are 0 or powers of two; one here is"
            f" {int(weights[size & (size - 1) != 0][0])}"
        )
    kind = wanted
    if wanted == "auto":
        kind = "add" if ternary else "shift" if powers and short <= plain else "dsp"
    return kind, {"add": 2, "shift": short}.get(kind, plain)


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


def factors_allowed(kind: str, bits: int) -> tuple[int, int]:
    """The least and the greatest weight that a multiplier of that kind takes; of "shift" powers of two only."""
    if kind == "add":
        return -1, 1
    if kind == "shift":
        most = (1 << (1 << (bits - 1)) - 1) >> 1  # of one bit, for no exponent, nothing but 0
        return -most, most
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1
