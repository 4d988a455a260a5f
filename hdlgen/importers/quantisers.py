"""Nodes that quantise: those of QONNX, and QuantizeLinear with DequantizeLinear.

Of constants they make integers with scales.
"""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from hdlgen.importers.codes import FREE, Codes, along
from hdlgen.importers.lowering import Lowering, Operation
from hdlgen.importers.onnx_file import INTEGERS
from hdlgen.importers.values import Constant, Value
from hdlgen.integers import limits

__all__ = ["LINEAR", "QONNX"]

#: Zero points of weights may be fractions with such denominators.
_MAX_DENOMINATOR = 16
_MAX_ZERO = 1 << 20


def _positive(at: Lowering, value: Value | Constant | None) -> Fraction:
    scale = at.number(value, "its scale")
    if scale <= 0:
        at.refuse(f"scale is {scale:g}; allowed: above 0")
    return Fraction(scale)


def _scales(at: Lowering, value: Value | Constant | None) -> np.ndarray:
    scales = at.numbers(value, "its scale").array
    if not (scales > 0).all():
        at.refuse("a scale is not above 0; allowed: numbers above 0")
    return scales


def _quantised(at: Lowering, value: Value, codes: Codes, *, plain: bool = False) -> Value:
    """A quantiser behind ``value``; with a clamp before it they make one activation."""
    if codes.bits is None:
        at.refuse(codes.refusal)
    if value.pooled is not None and value.closed is None:
        return at.greatest(_quantised(at, value.pooled[0], codes, plain=plain), value.pooled[1], value.order)
    function, limits = value.affine, value.limits
    if value.codes is not None or value.closed is not None:
        function, limits = at.affine(value), FREE
    result = at.made(value, function, limits=limits)
    result.codes, result.plain = codes, plain
    return result


def _fitting(at: Lowering, array: np.ndarray, shape: Sequence[int], what: str) -> np.ndarray:
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        at.refuse(f"{what} has shape {list(array.shape)}; allowed: what broadcasts to {list(shape)}")


# QONNX.


def _quant(at: Lowering) -> Value | Constant:
    value, scale, zero, width = at.inputs(4, 4)
    bits = at.number(width, "its bit width")
    if bits != int(bits) or not 1 <= bits <= 32:
        at.refuse(f"bit width is {bits:g}; allowed: integers 1..32")
    rounding = at.attribute("rounding_mode", "ROUND").upper()
    signed, narrow = at.flag("signed", 1), at.flag("narrow", 0)
    try:
        codes = Codes.quant(int(bits), signed=signed, narrow=narrow, rounding=rounding)
    except ValueError as error:
        at.refuse(str(error))
    if isinstance(value, Constant):
        return _weights(at, value, scale, zero, None if signed and bits == 1 else codes)
    assert isinstance(value, Value)
    step, shift = _positive(at, scale), Fraction(at.number(zero, "its zero point"))
    if signed and bits == 1:
        return _quantised(at, value, Codes.bipolar(step, shift))
    return _quantised(at, value, replace(codes, scale=step, zero=shift))


def _bipolar(at: Lowering) -> Value | Constant:
    value, scale = at.inputs(2, 2)
    if isinstance(value, Constant):
        return _weights(at, value, scale, Constant(np.zeros((), np.float32)), None)
    assert isinstance(value, Value)
    return _quantised(at, value, Codes.bipolar(_positive(at, scale)))


def _weights(
    at: Lowering, value: Constant, scale: Value | Constant | None, zero: Value | Constant | None, codes: Codes | None
) -> Constant:
    """Constants as integers; without ``codes`` they are +1 and -1."""
    array = at.numbers(value, "what it quantises, at").array
    scales, zeros = _scales(at, scale), at.numbers(zero, "its zero point").array
    scales, zeros = (_fitting(at, values, array.shape, "its scale") for values in (scales, zeros))
    if np.abs(zeros).max(initial=0) > _MAX_ZERO:
        at.refuse(f"a zero point is {float(np.abs(zeros).max()):g}; allowed: up to {_MAX_ZERO}")
    with np.errstate(over="ignore"):
        steps = array / scales + zeros  # in the file's precision
    integers = np.where(steps >= 0, 1, -1) if codes is None else codes.rounded(steps)
    # Fractions of a zero point make the integers larger and the scale smaller.
    finest = {Fraction(float(entry)).denominator for entry in np.unique(zeros)}
    factor = max(finest, default=1)
    if factor > _MAX_DENOMINATOR:
        at.refuse(f"zero point is {float(zeros.reshape(-1)[0]):g}; allowed: integers, and halves to sixteenths")
    integers = integers * factor - np.rint(zeros.astype(np.float64) * factor).astype(np.int64)
    return Constant.scaled(integers, scales.astype(np.float64) / factor)


# QuantizeLinear and DequantizeLinear.


def _along(at: Lowering, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Scales or zero points along the node's axis, or in blocks of it, in a shape that broadcasts."""
    if array.size == 1:
        return array.reshape(())
    axis, block = at.attribute("axis", 1), at.attribute("block_size", 0)
    axis += len(shape) if axis < 0 else 0
    if not 0 <= axis < len(shape):
        at.refuse(f"axis is {at.attribute('axis', 1)}; allowed: {-len(shape)}..{len(shape) - 1}")
    if block:
        blocks = [-(-length // block) if index == axis else length for index, length in enumerate(shape)]
        if block < 1 or list(array.shape) != blocks:
            at.refuse(f"scales have shape {list(array.shape)}; allowed in blocks of {block}: {blocks}")
    elif array.ndim != 1 or shape[axis] != array.size:
        at.refuse(f"has {array.size} scales for axis {axis} of {list(shape)}; allowed: as many as the axis is long")
    return along(array, shape, axis, block)


def _limits(at: Lowering, zero: Value | Constant | None) -> tuple[int, int]:
    """Least and greatest integer of the type that a node quantises to."""
    number = at.attribute("output_dtype", 0)
    kinds = {(bits, signed): number for number, (bits, signed) in INTEGERS.items()}
    if zero is not None:
        constant = at.constant(zero, "its zero point")
        kind = constant.array.dtype
        found = kinds.get((constant.bits or 8 * kind.itemsize, kind.kind == "i")) if kind.kind in "iu" else None
        if found is None:
            at.refuse(f"quantises to {kind}; allowed: integers of 2, 4, 8 and 16 bits")
        if number not in (0, found):
            at.refuse(f"output_dtype is {number}, and the zero point has type {found}; allowed: the same")
        number = found
    if (number or 2) not in INTEGERS:
        at.refuse(
            f"output_dtype is {number}; allowed: {', '.join(map(str, INTEGERS))}, integers of 2, 4, 8 and 16 bits"
        )
    return limits(*INTEGERS[number or 2])


def _quantizelinear(at: Lowering) -> Value | Constant:
    value, scale, zero = at.inputs(2, 3)
    low, high = _limits(at, zero)
    if isinstance(value, Constant):
        array = at.numbers(value, "what it quantises, at").array
        scales = _along(at, _scales(at, scale), array.shape)
        zeros = _along(at, _zeros(at, zero), array.shape)
        with np.errstate(over="ignore"):
            steps = np.clip(np.rint(array / scales), -_MAX_ZERO, _MAX_ZERO).astype(np.int64)
        kind = np.min_scalar_type(low if low < 0 else high)
        return Constant(np.clip(steps + zeros, low, high).astype(kind))
    assert isinstance(value, Value)
    codes = Codes(
        scale=_positive(at, scale), zero=_whole(at, zero), low=low, high=high, rounding="EVEN", zero_after=True
    )
    return _quantised(at, value, codes, plain=True)


def _zeros(at: Lowering, zero: Value | Constant | None) -> np.ndarray:
    return np.zeros((), np.int64) if zero is None else at.integer_array(zero, "its zero point")


def _whole(at: Lowering, zero: Value | Constant | None) -> int:
    _zeros(at, zero)
    return 0 if zero is None else int(at.number(zero, "its zero point"))


def _dequantizelinear(at: Lowering) -> Value | Constant:
    value, scale, zero = at.inputs(2, 3)
    if at.attribute("output_dtype", 1) not in (0, 1, 10, 11, 16):
        at.refuse(f"output_dtype is {at.attribute('output_dtype', 1)}; allowed: real numbers (1, 10, 11, 16)")
    if isinstance(value, Constant):
        array = at.integer_array(value, "what it reads")
        zeros = _along(at, _zeros(at, zero), array.shape)
        return Constant.scaled(array - zeros, _along(at, _scales(at, scale), array.shape))
    assert isinstance(value, Value)
    exact, shift = _positive(at, scale), _whole(at, zero)
    if value.plain and value.codes is not None and (value.codes.scale, value.codes.zero) == (exact, shift):
        # Shared with the codes, so that both end in one layer.
        if value.closed is None:
            value.closed = at.close(value)
        return at.made(value, value.closed)
    return at.scaled(value, exact, -exact * shift)


QONNX: dict[str, Operation] = {
    "Quant": Operation(_quant, "signed narrow rounding_mode"),
    "IntQuant": Operation(_quant, "signed narrow rounding_mode"),
    "BipolarQuant": Operation(_bipolar),
}
LINEAR: dict[str, Operation] = {
    "QuantizeLinear": Operation(_quantizelinear, "axis block_size output_dtype precision saturate"),
    "DequantizeLinear": Operation(_dequantizelinear, "axis block_size output_dtype"),
}
