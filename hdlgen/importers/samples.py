"""Inputs that users hand over for calibration and comparison, and what the integers of the input mean."""

import math
import os
import re
from dataclasses import replace
from fractions import Fraction

import numpy as np

from hdlgen import golden
from hdlgen.errors import InputError
from hdlgen.importers.graph import finite
from hdlgen.importers.values import InputMeaning, LoweredNetwork, each, uniform
from hdlgen.layers import Shape
from hdlgen.network import InputFormat
from hdlgen.quantize.layered import choose_input
from hdlgen.quantize.recurrent import Sequences

__all__ = ["InputOptions", "input_format", "meaning", "number", "read_samples", "read_sequences"]

_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})(e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)


def number(text: str, what: str) -> float:
    """A number, or a fraction such as 1/255.

    Raises InputError if it is neither.
    """
    parts = [part.strip() for part in text.split("/")]
    try:
        if len(parts) <= 2 and all(_NUMBER.fullmatch(part) for part in parts):
            value = float(Fraction(parts[0]) / Fraction((parts[1:] or ["1"])[0]))
            if math.isfinite(value):
                return value
    except (ZeroDivisionError, OverflowError):
        pass
    raise InputError(f"{what} is {text[:40]!a}; allowed: a number, or a fraction such as 1/255")


class InputOptions:
    """What ``--input-bits``, ``--input-scale``, ``--input-offset`` and ``--input-signed`` say."""

    def __init__(self, bits: int, scale: str | None, offset: str | None, signed: bool) -> None:
        self.bits, self.signed = bits, signed
        self.scale = None if scale is None else number(scale, "--input-scale")
        self.offset = 0.0 if offset is None else number(offset, "--input-offset")
        if (offset is not None or signed) and scale is None:
            raise InputError(
                "--input-offset, --input-signed: of use with --input-scale only; required: --input-scale"
            )
        if not 1 + signed <= bits <= 16:
            raise InputError(f"--input-bits is {bits}; allowed: {1 + signed}..16")
        if self.scale is not None and not self.scale > 0:
            raise InputError(f"--input-scale is {self.scale:g}; allowed: above 0")

    def given(self, width: int, shape: Shape | None = None) -> InputFormat | None:
        """The format of ``width`` inputs, if the options say a scale."""
        if self.scale is None:
            return None
        known = InputFormat(width=width, bits=self.bits, signed=self.signed, scale=self.scale, offset=self.offset)
        return replace(known, shape=shape)

    def chosen(
        self,
        where: object,
        lowered: LoweredNetwork,
        calibration: str | os.PathLike[str] | None,
        input_range: str | None,
        *,
        needed: bool = True,
    ) -> tuple[InputFormat, np.ndarray | None]:
        """The format that the options say, or else that of the file's own quantiser, or else that for a file of inputs or
        LOW,HIGH; and these inputs.

        Raises InputError without any of them; and with none of the last two, if they are ``needed``.
        """
        width, shape = lowered.width, lowered.shape
        source = self.given(width, shape)
        if source is None and lowered.input is not None:
            source = input_format(lowered.input, shape)
        ends = None if input_range is None else read_range(input_range)
        x = None if calibration is None else read_samples(calibration, width, source, lowered.order)
        known = x if ends is None else np.array(ends)
        if known is None and (needed or source is None):
            raise InputError(
                f"{where}: nothing says what its inputs are like; required: --calibration X.npy (some inputs), or"
                " --input-range LOW,HIGH"
            )
        if source is None and known is not None:
            source = choose_input(known, self.bits, width, shape)
        assert source is not None
        return source, x

    def of_sequences(
        self, where: object, width: int, calibration: str | os.PathLike[str] | None, input_range: str | None
    ) -> tuple[InputFormat, Sequences]:
        """As :meth:`chosen`, of a recurrent network, which needs sequences."""
        if calibration is None:
            raise InputError(
                f"{where}: a recurrent network; required: --calibration X.npz (x, lengths of some sequences)"
            )
        source = self.given(width)
        samples = read_sequences(calibration, width, source)
        known = samples.x if input_range is None else np.array(read_range(input_range))
        return source or choose_input(known, self.bits, width), samples


def input_format(meaning: InputMeaning, shape: Shape | None = None) -> InputFormat:
    """The input whose integers are the codes of a file's quantiser, of what lies before it too.

    Raises InputError if its rounding is none to the nearest integer, or a number is too large or small.
    """
    codes, place = meaning.codes, meaning.place
    halves, bits = codes.halves, codes.bits
    if halves is None:
        raise InputError(
            f"{place}: quantises the input with rounding mode {codes.rounding} to {codes.low}..{codes.high};"
            " allowed: of numbers of both signs the modes ROUND, FLOOR and CEIL"
        )
    if bits is None:
        raise InputError(f"{place}: {codes.refusal}")
    more, rounding = halves
    # round(y / scale + zero + more) is the code of y = gain * x + offset.
    zero = (codes.zero + more) * codes.scale
    try:
        scale = each(lambda gain: float(codes.scale / gain), meaning.gain)
        offset = each(lambda gain, o: float(-(zero + o) / gain), meaning.gain, meaning.offset)
    except OverflowError:
        scale, offset = [0.0], [0.0]
    pixels = 1 if shape is None else shape[0] * shape[1]
    if not all(scale) or max(map(abs, (*scale, *offset))) > 1e30:
        raise InputError(
            f"{place}: quantises the input in steps that are no numbers of moderate size; allowed: up to 1e30"
        )
    made = InputFormat(
        width=len(scale) * pixels,
        shape=shape,
        bits=bits,
        signed=codes.low < 0,
        scale=scale[0] if uniform(scale) else tuple(scale * pixels),
        offset=offset[0] + 0.0 if uniform(offset) else tuple(offset * pixels),
        rounding=rounding,
    )
    ends = codes.low, max(codes.high, codes.low + 1)
    return made if ends == (made.low, made.high) else replace(made, clamp=ends)


def read_samples(
    path: str | os.PathLike[str], width: int, source: InputFormat | None, order: np.ndarray | None = None
) -> np.ndarray:
    """Real inputs, float64 (N, width). Integers in the file are those that hardware gets, which ``source`` gives a meaning.

    ``order`` says for each element of the file which one of the network's it is.

    Raises InputError for another type, shape or value, and for integers without a meaning.
    """
    where = os.fspath(path)
    array = golden.read_array(path)
    if array.ndim < 2 or math.prod(array.shape[1:]) != width or not len(array):
        raise InputError(f"{where}: shape is {list(array.shape)}; allowed: [1.., {width}], or {width} in more axes")
    array = array.reshape(len(array), width)
    return _reals(array if order is None else array[:, np.argsort(order)], where, source)


def read_sequences(path: str | os.PathLike[str], width: int, source: InputFormat | None) -> Sequences:
    """Sequences of real inputs, as :func:`read_samples` reads inputs: of a .npz file, or (sequences, steps, width)."""
    where = os.fspath(path)
    found = golden.read_sequences(path)
    x, lengths = found.x, found.lengths
    axes = "sequences, steps" if lengths is None else "steps of all sequences"
    if x.ndim != (3 if lengths is None else 2) or x.shape[-1] != width or not x.size:
        raise InputError(f"{where}: shape is {list(x.shape)}; allowed: [{axes}, {width}]")
    if lengths is None:
        lengths = np.full(len(x), x.shape[1])
    x = _reals(x.reshape(-1, width), where, source)
    lengths = golden.check_lengths(lengths, len(x), where, f"{where}: lengths")
    return Sequences(x=x, lengths=lengths, labels=found.labels)


def _reals(array: np.ndarray, where: str, source: InputFormat | None) -> np.ndarray:
    if array.dtype.kind == "f":
        return finite(array, where, "element").astype(np.float64)
    if array.dtype.kind not in "iu":
        raise InputError(f"{where}: dtype is {array.dtype}; allowed: real numbers, or integers with --input-scale")
    if source is None:
        raise InputError(
            f"{where}: holds integers, which mean nothing yet; required: --input-scale (1: the model reads them as they"
            " are, 1/255: it reads them divided by 255)"
        )
    for extreme in (int(array.min()), int(array.max())):
        if not source.low <= extreme <= source.high:
            raise InputError(
                f"{where}: an element is {extreme}; allowed: {source.low}..{source.high}, the integers of the input"
            )
    return source.values(array.astype(np.float64))


def read_range(text: str) -> tuple[float, float]:
    """LOW,HIGH of ``--input-range``."""
    ends = [number(word, "--input-range") for word in text.split(",")[:3]]
    if len(ends) != 2 or not ends[0] < ends[1]:
        raise InputError(f"--input-range is {text[:40]!a}; allowed: LOW,HIGH with LOW below HIGH")
    return ends[0], ends[1]


def meaning(source: InputFormat) -> str:
    """How real inputs become integers, in one line."""
    low, high = source.clamp or (source.low, source.high)
    scale, offset = source.scale, source.offset
    if isinstance(scale, tuple) or isinstance(offset, tuple):
        ends = [f"{np.min(values):.9g}..{np.max(values):.9g}" for values in (np.array(offset), np.array(scale))]
        return (
            f"round((x - offset) / scale), {low}..{high}; for each input its own: offset {ends[0]}, scale {ends[1]}"
        )
    formula = f"(x - {offset:.9g})" if offset else "x"
    return f"round({formula} / {scale:.9g}), {low}..{high}"
