"""Inputs that users hand over for calibration and comparison, and what the integers of the input mean."""

import os
from fractions import Fraction

import numpy as np

from hdlgen import golden
from hdlgen.errors import InputError
from hdlgen.importers.codes import Codes
from hdlgen.importers.graph import finite
from hdlgen.quantize.layered import InputScale, choose_input

__all__ = ["InputOptions", "codes_of", "meaning", "number", "read_labels", "read_range", "read_samples"]


def number(text: str, what: str) -> float:
    """A number, or a fraction such as 1/255.

    Raises
    ------
    InputError
        If it is neither.
    """
    try:
        return float(Fraction(text))
    except (ValueError, ZeroDivisionError, OverflowError):
        raise InputError(f"{what} is {text[:40]!a}; allowed: a number, or a fraction such as 1/255") from None


class InputOptions:
    """What ``--input-bits``, ``--input-scale``, ``--input-offset`` and ``--input-signed`` say."""

    def __init__(self, bits: int, scale: str | None, offset: str | None, signed: bool) -> None:
        self.bits, self.signed = bits, signed
        self.scale = None if scale is None else number(scale, "--input-scale")
        self.offset = None if offset is None else number(offset, "--input-offset")
        if (self.offset is not None or signed) and scale is None:
            raise InputError(
                "--input-offset, --input-signed: of use with --input-scale only; required: --input-scale"
            )
        if not 1 <= bits <= 16:
            raise InputError(f"--input-bits is {bits}; allowed: 1..16")
        self.given()

    def given(self) -> InputScale | None:
        """The scale, if the options say one."""
        if self.scale is None:
            return None
        return InputScale(bits=self.bits, signed=self.signed, scale=self.scale, offset=self.offset or 0.0)

    def of(self, x: np.ndarray | None, input_range: tuple[float, float] | None) -> InputScale | None:
        """The scale that the options say, or else the one for real samples or for a range."""
        given = self.given()
        if given is not None:
            return given
        if input_range is not None:
            return choose_input(np.array(input_range), self.bits)
        return None if x is None else choose_input(x, self.bits)


def codes_of(scale: InputScale) -> Codes:
    """The same as a quantiser."""
    step = Fraction(scale.scale)
    return Codes(scale=step, zero=-Fraction(scale.offset) / step, low=scale.low, high=scale.high, rounding="EVEN")


def read_samples(path: str | os.PathLike[str], width: int, scale: InputScale | Codes | None) -> np.ndarray:
    """Real inputs, float64 (N, width). Integers in the file are those that hardware gets, which ``scale`` gives a meaning.

    Raises
    ------
    InputError
        For another type, shape or value, and for integers without a scale.
    """
    where = os.fspath(path)
    array = golden.read_array(path)
    if array.ndim < 2 or int(np.prod(array.shape[1:])) != width or not len(array):
        raise InputError(f"{where}: shape is {list(array.shape)}; allowed: [1.., {width}], or {width} in more axes")
    array = array.reshape(len(array), width)
    if array.dtype.kind == "f":
        return finite(array, where, "element").astype(np.float64)
    if array.dtype.kind not in "iu":
        raise InputError(f"{where}: dtype is {array.dtype}; allowed: real numbers, or integers with --input-scale")
    if scale is None:
        raise InputError(
            f"{where}: holds integers, which mean nothing yet; required: --input-scale (1: the model reads them as they"
            " are, 1/255: it reads them divided by 255)"
        )
    low, high = scale.low, scale.high
    for extreme in (int(array.min()), int(array.max())):
        if not low <= extreme <= high:
            raise InputError(f"{where}: an element is {extreme}; allowed: {low}..{high}, the integers of the input")
    if isinstance(scale, Codes):
        return (array.astype(np.float64) - float(scale.zero)) * float(scale.scale)
    return scale.values(array.astype(np.float64))


def read_labels(path: str | os.PathLike[str], count: int) -> np.ndarray:
    """Classes, integers (count,)."""
    labels = golden.read_array(path)
    if labels.dtype.kind not in "iu" or labels.shape != (count,):
        raise InputError(f"{path}: labels are {labels.dtype} {list(labels.shape)}; allowed: integers [{count}]")
    return labels


def read_range(text: str) -> tuple[float, float]:
    """LOW,HIGH of ``--input-range``."""
    ends = [number(word, "--input-range") for word in text.split(",")]
    if len(ends) != 2 or not ends[0] < ends[1]:
        raise InputError(f"--input-range is {text[:40]!a}; allowed: LOW,HIGH with LOW below HIGH")
    return ends[0], ends[1]


def meaning(codes: Codes) -> str:
    """How real inputs become integers, in one line."""
    offset = -codes.scale * codes.zero
    formula = f"(x - {float(offset):.9g})" if offset else "x"
    return f"round({formula} / {float(codes.scale):.9g}), {codes.low}..{codes.high}"
