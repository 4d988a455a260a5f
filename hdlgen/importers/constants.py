"""Nodes that read constants only: what exporters compute shapes and weights with. Their result is a constant.

Each computes in the types that the file says, so that the constants are those of any other program that runs it.
"""

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from hdlgen.description import show
from hdlgen.importers.graph import finite
from hdlgen.importers.lowering import Lowering, Operation
from hdlgen.importers.values import Constant, Value

__all__ = ["FOLDED"]

_UNARY: dict[str, Callable[[Any], Any]] = {
    "Abs": np.abs,
    "Exp": np.exp,
    "Log": np.log,
    "Reciprocal": np.reciprocal,
    "Relu": lambda x: np.maximum(x, x.dtype.type(0)),
    "Sqrt": np.sqrt,
}
_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "Add": np.add,
    "Div": np.divide,
    "Max": np.maximum,
    "Min": np.minimum,
    "Mul": np.multiply,
    "Pow": np.power,
    "Sub": np.subtract,
    "Sum": np.add,
}
_REDUCE: dict[str, Callable[..., Any]] = {
    "ReduceL1": lambda x, **axes: np.abs(x).sum(**axes),
    "ReduceL2": lambda x, **axes: np.sqrt(np.square(x).sum(**axes)),
    "ReduceMax": np.max,
    "ReduceMean": np.mean,
    "ReduceMin": np.min,
    "ReduceProd": np.prod,
    "ReduceSum": np.sum,
    "ReduceSumSquare": lambda x, **axes: np.square(x).sum(**axes),
}


def _constants(at: Lowering, least: int = 1, most: int = 64) -> list[Constant]:
    return [value for value in at.inputs(least, most) if isinstance(value, Constant)]


def _computed(at: Lowering, function: Callable[[], np.ndarray]) -> np.ndarray:
    """The array; what NumPy refuses is refused."""
    try:
        with np.errstate(all="ignore"):
            return np.asarray(function())
    except (ValueError, IndexError, TypeError, ArithmeticError) as error:
        at.refuse(f"cannot be computed: {show(str(error))[1:-1]}")


def _numbers(at: Lowering, constant: Constant) -> np.ndarray:
    if constant.array.dtype.kind not in "fiu":
        at.refuse(f"reads elements of type {constant.array.dtype}; allowed: numbers")
    return constant.array


def _unary(at: Lowering) -> Constant:
    (constant,) = _constants(at, 1, 1)
    array = _numbers(at, constant)
    return Constant(_computed(at, lambda: _UNARY[at.node.op](array)).astype(array.dtype))


def _neg(at: Lowering) -> Constant:
    (constant,) = _constants(at, 1, 1)
    array = _numbers(at, constant)
    if constant.integers is not None and constant.scale is not None:
        return Constant.scaled(-constant.integers, constant.scale)
    return Constant(_computed(at, lambda: -array))


def _binary(at: Lowering) -> Constant:
    op, constants = at.node.op, _constants(at)
    arrays = [_numbers(at, constant) for constant in constants]
    one = {array.dtype for array in arrays if array.dtype != np.float64}
    if len(one) > 1 or (op in ("Div", "Pow") and arrays[0].dtype.kind != "f") or (len(arrays) != 2 and op in _TWO):
        kinds = " and ".join(str(array.dtype) for array in arrays)
        at.refuse(f"{op} of constants {kinds}; allowed: numbers of one type, real ones to divide")
    shape = _computed(at, lambda: np.array(np.broadcast_shapes(*(array.shape for array in arrays)))).tolist()
    at.bounded(shape)
    if op == "Mul" and constants[0].integers is None:
        constants.reverse()
    if op in ("Mul", "Div") and constants[0].integers is not None and constants[1].integers is None:
        # A factor of a scale is part of it.
        integers, scale, factor = constants[0].integers, constants[0].scale, constants[1].array
        assert scale is not None
        product = _computed(at, lambda: _BINARY[op](scale, factor.astype(np.float64)))
        if np.shape(product) == integers.shape and np.isfinite(product).all():
            negative = product < 0
            return Constant.scaled(np.where(negative, -integers, integers), np.abs(product))
    return Constant(_computed(at, lambda: reduce(_BINARY[op], arrays)))


_TWO = ("Div", "Mul", "Pow", "Sub")


def _reduce(at: Lowering) -> Constant:
    data, *more = _constants(at, 1, 2)
    array = _numbers(at, data)
    axes = at.attribute("axes", None)
    if more:
        axes = at.integers(more[0], "its axes")
    if axes is not None and not axes and at.flag("noop_with_empty_axes", 0):
        return data
    keep = at.flag("keepdims", 1)
    chosen = tuple(axes) if axes else None
    return Constant(_computed(at, lambda: _REDUCE[at.node.op](array, axis=chosen, keepdims=keep)).astype(array.dtype))


def _moved(at: Lowering, constant: Constant, function: Callable[[np.ndarray], np.ndarray]) -> Constant:
    _computed(at, lambda: function(constant.array))
    return constant.moved(function)


def _reshape(at: Lowering) -> Constant:
    data, shape = _constants(at, 2, 2)
    wanted = at.integers(shape, "its shape", 8)
    if not at.flag("allowzero", 0):
        old = data.array.shape
        wanted = [old[i] if entry == 0 and i < len(old) else entry for i, entry in enumerate(wanted)]
    return _moved(at, data, lambda array: array.reshape(wanted))


def _flatten(at: Lowering) -> Constant:
    (data,) = _constants(at, 1, 1)
    axis = at.attribute("axis", 1)
    rank = data.array.ndim
    if not -rank <= axis <= rank:
        at.refuse(f"attribute axis is {axis}; allowed: {-rank}..{rank}")
    axis += rank if axis < 0 else 0
    rows = math.prod(data.array.shape[:axis])
    return _moved(at, data, lambda array: array.reshape(rows, math.prod(array.shape[axis:])))


def _transpose(at: Lowering) -> Constant:
    (data,) = _constants(at, 1, 1)
    order = at.attribute("perm", None)
    return _moved(at, data, lambda array: np.transpose(array, order))


def _squeeze(at: Lowering) -> Constant:
    data, *more = _constants(at, 1, 2)
    axes = at.integers(more[0], "its axes") if more else at.attribute("axes", None)
    if at.node.op == "Squeeze":
        return _moved(at, data, lambda array: np.squeeze(array, None if axes is None else tuple(axes)))
    return _moved(at, data, lambda array: np.expand_dims(array, tuple(axes or ())))


def _concat(at: Lowering) -> Constant:
    arrays = [constant.array for constant in _constants(at)]
    at.bounded([sum(array.size for array in arrays)])
    return Constant(_computed(at, lambda: np.concatenate(arrays, axis=at.attribute("axis", 0))))


def _gather(at: Lowering) -> Constant:
    data, index = _constants(at, 2, 2)
    at.bounded([*data.array.shape[:8], index.array.size])
    if index.array.dtype.kind not in "iu":
        at.refuse(f"its indices are {index.array.dtype}; allowed: integers")
    axis = at.attribute("axis", 0)
    return Constant(_computed(at, lambda: np.take(data.array, index.array, axis=axis)))


def _slice(at: Lowering) -> Constant:
    data, *more = _constants(at, 1, 5)
    given = [at.attribute(name, None) for name in ("starts", "ends", "axes")] + [None]
    if more:
        given = [at.integers(value, "its ends", 8) for value in more] + [None] * (4 - len(more))
    starts, ends, axes, steps = given
    if starts is None or ends is None:
        at.refuse("has no starts and ends; allowed: both")
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    rank = data.array.ndim
    if not len(starts) == len(ends) == len(axes) == len(steps) or any(not -rank <= axis < rank for axis in axes):
        at.refuse(
            "starts, ends, axes and steps do not fit together; allowed: as many of each, of axes that are there"
        )
    cut = [slice(None)] * rank
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        cut[axis] = slice(start, end if step > 0 or end > -(1 << 31) else None, step)
    return _moved(at, data, lambda array: array[tuple(cut)])


def _cast(at: Lowering) -> Constant:
    (value,) = _constants(at, 1, 1)
    to = at.attribute("to", 1)
    kinds = {1: np.float32, 6: np.int32, 7: np.int64, 10: np.float16, 11: np.float64, 16: np.float32}
    if value.integers is not None and to in (1, 11):
        return value
    if to not in kinds or value.array.dtype.kind not in "fiub":
        at.refuse(f"casts a constant {value.array.dtype} to type {to}; allowed: to float, int32 or int64")
    finite(value.array, at.node.place, "its constant")
    return Constant(_computed(at, lambda: value.array.astype(kinds[to])))


def _shape(at: Lowering) -> Constant:
    (value,) = _constants(at, 1, 1)
    lengths = list(value.array.shape)
    return Constant(np.array(lengths[at.attribute("start", 0) : at.attribute("end", len(lengths))], dtype=np.int64))


def _clip(at: Lowering) -> Constant:
    value, *ends = at.inputs(1, 3)
    assert isinstance(value, Constant)
    limits = []
    for name, limit in zip(("min", "max"), ends, strict=True):
        limits.append(limit.array if isinstance(limit, Constant) else at.attribute(name, None))
    if limits == [None, None]:
        return value
    array = _numbers(at, value)
    return Constant(_computed(at, lambda: np.clip(array, *limits)).astype(array.dtype))


def _same(at: Lowering) -> Value | Constant:
    return _constants(at, 1, 3)[0]


FOLDED: dict[str, Operation] = {
    **{op: Operation(_unary) for op in _UNARY},
    **{op: Operation(_binary) for op in _BINARY},
    **{op: Operation(_reduce, "axes keepdims noop_with_empty_axes") for op in _REDUCE},
    "Neg": Operation(_neg),
    "Reshape": Operation(_reshape, "allowzero"),
    "Flatten": Operation(_flatten, "axis"),
    "Transpose": Operation(_transpose, "perm"),
    "Squeeze": Operation(_squeeze, "axes"),
    "Unsqueeze": Operation(_squeeze, "axes"),
    "Concat": Operation(_concat, "axis"),
    "Gather": Operation(_gather, "axis"),
    "Slice": Operation(_slice, "starts ends axes"),
    "Cast": Operation(_cast, "to saturate round_mode"),
    "Shape": Operation(_shape, "start end"),
    "Clip": Operation(_clip, "min max"),
    "Identity": Operation(_same),
}
