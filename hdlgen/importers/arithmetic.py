"""Nodes that compute: sums, products with constants, and activations."""

import math
from fractions import Fraction

import numpy as np

from hdlgen.description import show
from hdlgen.importers.codes import FREE, Limits
from hdlgen.importers.lowering import Lowering, Operation
from hdlgen.importers.values import ONE, ZERO, Constant, Value, each

__all__ = ["ARITHMETIC", "SCIKIT"]

#: From here on a limit of single precision means that there is none.
_ENDLESS = 3.4e38


def _matrix(at: Lowering, value: Value | Constant | None) -> Constant:
    weight = at.numbers(value, "its matrix")
    while weight.array.ndim > 2 and weight.array.shape[0] == 1:
        weight = weight.moved(lambda array: array[0])
    if weight.array.ndim != 2:
        at.refuse(f"its matrix has shape {list(weight.array.shape)}; allowed: two axes")
    return weight


def _gemm(at: Lowering) -> Value:
    value, (b, c) = at.operands(2, 3)
    if at.flag("transA", 0):
        at.refuse("attribute transA is 1; allowed: 0")
    weight = _matrix(at, b)
    if not at.flag("transB", 0):
        weight = weight.moved(np.transpose)
    result = at.linear(value, weight, "its matrix")
    alpha, beta = (Fraction(at.attribute(name, 1.0)) for name in ("alpha", "beta"))
    bias = [] if c is None else [beta * entry for entry in at.entries(c, result, "its bias")]
    return at.scaled(result, alpha, bias or ZERO)


def _matmul(at: Lowering) -> Value:
    value, (b,) = at.operands(2, 2)
    return at.linear(value, _matrix(at, b).moved(np.transpose), "its matrix", squeezed=True)


def _add(at: Lowering, first: Value, second: Value) -> Value:
    if first.shape != second.shape:
        at.refuse(f"adds {list(first.shape)} and {list(second.shape)}; allowed: equal shapes")
    if first.channels != second.channels or not np.array_equal(first.order, second.order):
        at.refuse(f"adds values of {list(first.shape)} whose elements are in different orders; allowed: in the same")
    return at.made(first, at.affine(first).plus(at.affine(second)))


def _sum(at: Lowering) -> Value:
    """Add, of any number of inputs."""
    inputs = at.inputs(1, 64)
    result, *others = (value for value in inputs if isinstance(value, Value))
    for other in others:
        result = _add(at, result, other)
    for value in inputs:
        if isinstance(value, Constant):
            result = at.scaled(result, offset=at.entries(value, result, "its constant"))
    return result


def _arithmetic(at: Lowering) -> Value:
    """Sub, Mul and Div."""
    a, b = at.inputs(2, 2)
    op = at.node.op
    if isinstance(a, Value) and isinstance(b, Value):
        if op != "Sub":
            at.refuse(f"{op} of two values that depend on the input; allowed: Add and Sub")
        return _add(at, a, at.scaled(b, -ONE))
    value, other = (a, b) if isinstance(a, Value) else (b, a)
    assert isinstance(value, Value)
    numbers = at.entries(other, value, "its constant")
    if op == "Mul":
        return at.scaled(value, numbers)
    if op == "Sub":
        return at.scaled(value, offset=[-n for n in numbers]) if value is a else at.scaled(value, -ONE, numbers)
    if value is b or not all(numbers):
        at.refuse("divides by what depends on the input, or by 0; allowed: constants that are not 0")
    return at.scaled(value, [1 / number for number in numbers])


def _neg(at: Lowering) -> Value:
    return at.scaled(at.value(), -ONE)


def _batchnormalization(at: Lowering) -> Value:
    value, parameters = at.operands(5, 5)
    if at.flag("training_mode", 0):
        at.refuse("attribute training_mode is 1; allowed: 0, a model exported for inference")
    if not at.flag("spatial", 1):
        at.refuse("attribute spatial is 0; allowed: 1")
    if not value.shape or not value.batched:
        at.refuse("reads one value of each input; allowed: an axis of channels behind the batch")
    channels = value.shape[0]
    arrays: list[np.ndarray] = []
    for what, parameter in zip(("scale", "bias", "mean", "variance"), parameters, strict=True):
        array = at.numbers(parameter, what).real()
        if array.shape != (channels,):
            at.refuse(f"{what} has shape {list(array.shape)}; allowed: [{channels}]")
        arrays.append(array)
    scale, bias, mean, variance = arrays
    spread = variance + at.attribute("epsilon", 1e-5)
    if not (spread > 0).all():
        at.refuse("variance plus epsilon is not above 0 everywhere; allowed: what a square root takes")
    numbers = scale / np.sqrt(spread), bias, mean
    axes = (channels, *[1] * (len(value.shape) - 1))
    gain, b, m = (at.entries(Constant(array.reshape(axes)), value, "its numbers") for array in numbers)
    return at.scaled(value, gain, each(lambda b, m, gain: b - m * gain, b, m, gain))


def _scaler(at: Lowering) -> Value:
    """scikit-learn's: (x - offset) * scale."""
    value = at.value()
    numbers = []
    for name in ("offset", "scale"):
        entries = at.attribute(name, [])
        if not isinstance(entries, list) or len(entries) not in (1, math.prod(value.shape)):
            at.refuse(f"attribute {name} has {len(entries)} numbers; allowed: 1 or {math.prod(value.shape)}")
        numbers.append(at.entries(Constant(np.array(entries, np.float64)), value, f"attribute {name}"))
    offset, scale = numbers
    return at.scaled(value, scale, [-a * b for a, b in zip(offset, scale, strict=True)])


# Activations: a clamp.


def _clamped(at: Lowering, value: Value, limits: Limits) -> Value:
    """``value`` between ``limits``; one clamp with that which it has."""
    low, high = limits
    if low is not None and high is not None and low >= high:
        at.refuse(f"clips to {float(low):g}..{float(high):g}; allowed: min below max")
    if limits == FREE:
        return value
    if value.pooled is not None and value.closed is None:
        return at.greatest(_clamped(at, value.pooled[0], limits), value.pooled[1], value.order)
    if value.closed is None and value.tail is None:
        if value.codes is None:
            return at.made(value, value.affine, limits=_both(value.limits, limits))
        codes = value.codes
        unit, zero = (Fraction(1), Fraction(0)) if value.plain else (codes.scale, Fraction(codes.zero))
        steps = [None if limit is None else limit / unit + zero for limit in limits]
        if all(step is None or step.denominator == 1 for step in steps):
            ends = (codes.low, codes.high)
            least, most = (end if step is None else int(step) for step, end in zip(steps, ends, strict=True))
            if least <= codes.high and most >= codes.low:  # or else it is a number that no code stands for
                result = at.made(value, value.affine, limits=value.limits)
                result.codes, result.plain = codes.narrowed(least, most), value.plain
                return result
    return at.made(value, at.affine(value), limits=limits)


def _both(first: Limits, second: Limits) -> Limits:
    """The limits of a clamp behind a clamp."""

    def clamp(value: Fraction | None, missing: Fraction | None) -> Fraction | None:
        if value is None:
            return missing
        low, high = second
        value = value if low is None else max(value, low)
        return value if high is None else min(value, high)

    return clamp(first[0], second[0]), clamp(first[1], second[1])


def _limit(at: Lowering, value: Value | Constant | float | None, what: str) -> Fraction | None:
    """A limit, None where it is as good as none. Infinity is allowed here, and only here."""
    if isinstance(value, Value):
        at.refuse(f"{what} depends on the input; allowed: constants")
    if isinstance(value, Constant):
        array = value.array
        if array.dtype.kind not in "fiu" or not array.size or np.isnan(array).any() or np.unique(array).size > 1:
            at.refuse(
                f"{what} is {array.dtype} {list(array.shape)}; allowed: one number, or the same in all elements"
            )
        value = float(array.reshape(-1)[0])
    if value is None:
        return None
    if not isinstance(value, float) or math.isnan(value):
        at.refuse(f"{what} is {show(value)}; allowed: numbers")
    endless = value >= _ENDLESS if what == "max" else value <= -_ENDLESS
    if math.isinf(value) and not endless:
        at.refuse(f"{what} is {value:g}; allowed: finite numbers")
    return None if endless else Fraction(value)


def _relu(at: Lowering) -> Value:
    return _clamped(at, at.value(), (ZERO, None))


def _hard(at: Lowering) -> Value:
    """HardSigmoid."""
    alpha, beta = (Fraction(at.attribute(name, default)) for name, default in (("alpha", 0.2), ("beta", 0.5)))
    return _clamped(at, at.scaled(at.value(), alpha, beta), (ZERO, ONE))


def _clip(at: Lowering) -> Value:
    value, (low, high) = at.operands(1, 3)
    given = at.node.attributes
    ends = [
        _limit(at, given.get(name) if limit is None else limit, name) for name, limit in (("min", low), ("max", high))
    ]
    return _clamped(at, value, (ends[0], ends[1]))


def _extreme(at: Lowering) -> Value:
    """Max and Min with constants."""
    inputs = [value for value in at.inputs(1, 64) if value is not None]
    values = [value for value in inputs if isinstance(value, Value)]
    if len(values) > 1:
        at.refuse(f"{at.node.op} of two values that depend on the input; allowed: of one, and constants")
    result, least = values[0], at.node.op == "Max"
    for value in inputs:
        if isinstance(value, Constant):
            if value.array.ndim > 1 + len(result.shape):
                at.refuse(f"its constant has shape {list(value.array.shape)}; allowed: one number")
            limit = _limit(at, value, "min" if least else "max")
            result = _clamped(at, result, (limit, None) if least else (None, limit))
    return result


def _leaky(at: Lowering) -> Value:
    """Of slope 0 or 1."""
    value, (given,) = at.operands(1, 2)
    slope = at.number(given, "its slope") if given is not None else at.attribute("alpha", 0.01)
    if slope not in (0.0, 1.0):
        at.refuse(f"slope is {slope:g}; allowed: 0, which is Relu, and 1")
    return value if slope else _clamped(at, value, (ZERO, None))


ARITHMETIC: dict[str, Operation] = {
    "Gemm": Operation(_gemm, "alpha beta transA transB"),
    "MatMul": Operation(_matmul),
    "Add": Operation(_sum),
    "Sum": Operation(_sum),
    "Sub": Operation(_arithmetic),
    "Mul": Operation(_arithmetic),
    "Div": Operation(_arithmetic),
    "Neg": Operation(_neg),
    "BatchNormalization": Operation(_batchnormalization, "epsilon momentum training_mode spatial"),
    "Relu": Operation(_relu),
    "HardSigmoid": Operation(_hard, "alpha beta"),
    "Clip": Operation(_clip, "min max"),
    "Max": Operation(_extreme),
    "Min": Operation(_extreme),
    "LeakyRelu": Operation(_leaky, "alpha"),
    "PRelu": Operation(_leaky),
}
SCIKIT: dict[str, Operation] = {"Scaler": Operation(_scaler, "offset scale")}
