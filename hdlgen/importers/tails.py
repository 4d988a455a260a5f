"""What may stand behind the outputs: nodes that leave it to the user, or to the outputs' order, what they compute.

The outputs of hardware are the values before them. A value behind them is one of these kinds:

``scores`` : an increasing function of each output, the same for all of one input: the order stays.
``sigmoid`` : as scores; 1/2 stands for an output of 0.
``complement``, ``pair`` : 1 - p of a sigmoid of one output, and [1 - p, p].
``steps`` : scores that are quantised, so that outputs may become equal.
``end`` : an index of the largest ones, or what is looked up by it, or a decision at 0: nothing can be computed with it.
"""

from dataclasses import replace
from typing import NoReturn

import numpy as np

from hdlgen.importers.lowering import Lowering
from hdlgen.importers.shapes import SHAPES
from hdlgen.importers.values import Constant, Tail, Value

__all__ = ["BEGINS", "tail"]

BEGINS = {
    "Softmax": "the largest output stays the largest",
    "LogSoftmax": "the largest output stays the largest",
    "Sigmoid": "the order of the outputs stays; 0 is the threshold",
    "ArgMax": "the class is the index of the largest output",
    "TopK": "the outputs themselves are what hardware gives",
}
_LOOK_UPS = ("ArrayFeatureExtractor", "Gather", "LabelEncoder", "ZipMap")
_QUANTISERS = ("DequantizeLinear", "Quant", "QuantizeLinear")
_DECISIONS = ("Binarizer", "Greater", "GreaterOrEqual", "Round")


def tail(at: Lowering) -> Value:
    """The value of a node behind the outputs, or of one that begins what is there."""
    values = [value for value in map(at.get, filter(None, at.node.inputs)) if isinstance(value, Value)]
    if not values:
        at.refuse("reads a constant; allowed: what depends on the input")
    behind = [value for value in values if value.tail is not None]
    if behind and len(behind) < len(values):
        _refuse(at, behind[0])
    value = values[0]
    if value.tail is None:
        if len(values) > 1:
            at.refuse("reads two values that depend on the input; allowed: one")
        at.notes.append(f"{at.node.place}: dropped, with what comes after it: {BEGINS[at.node.op]}")
        begin = Tail(kind="scores", output=at.node.inputs[0], begin=at.node.place)
        value = Value(value.shape, at.affine(value), value.place, batched=value.batched, tail=begin)
        return _increasing(at, value)
    if len(values) == 1 and at.node.op in SHAPES and at.node.domain == "":
        if at.node.op == "Cast" and _kind(value) != "end" and at.attribute("to", 1) not in (1, 10, 11, 16):
            _refuse(at, value)
        made = SHAPES[at.node.op].function(at)
        if not isinstance(made, Value):
            _refuse(at, value)
        return made
    return _behind(at, values)


def _kind(value: Value) -> str:
    assert value.tail is not None
    return value.tail.kind


def _refuse(at: Lowering, value: Value) -> NoReturn:
    at.affine(value)
    raise AssertionError("a value behind the outputs is read")


def _as(value: Value, kind: str, shape: tuple[int, ...] | None = None) -> Value:
    assert value.tail is not None
    return replace(value, tail=replace(value.tail, kind=kind), shape=value.shape if shape is None else shape)


def _axis(at: Lowering, value: Value, default: int) -> int:
    """The axis of a node, of those of one input: all outputs have to be along it."""
    axis = at.attribute("axis", default)
    rank = len(value.shape) + value.batched
    inner = (axis + rank if axis < 0 else axis) - value.batched
    if not 0 <= inner < len(value.shape) or any(n != 1 for i, n in enumerate(value.shape) if i != inner):
        at.refuse(
            f"attribute axis is {axis} of {rank} axes; allowed: the one of the outputs, so that each input has its own"
        )
    return inner


def _increasing(at: Lowering, value: Value) -> Value:
    """The first node, or another one of its kind behind it."""
    op = at.node.op
    if op in ("Softmax", "LogSoftmax"):
        old = at.graph.opset < 13
        inner = _axis(at, value, 1 if old else -1)
        if value.shape[inner] < 2:
            at.refuse("has one output for each input; allowed: several")
        return _as(value, "scores")
    if op == "Sigmoid":
        first = value.tail is not None and value.tail.begin == at.node.place
        return _as(value, "sigmoid" if first else "scores")
    inner = _axis(at, value, -1 if op == "TopK" else 0)
    if op == "ArgMax":
        if at.flag("select_last_index", 0):
            at.refuse("attribute select_last_index is 1; allowed: 0, the first of equal outputs")
        axes = list(value.shape)
        axes[inner : inner + 1] = [1] if at.flag("keepdims", 1) else []
        return _as(value, "end", tuple(axes))
    if not at.flag("largest", 1):
        at.refuse("attribute largest is 0; allowed: 1")
    return _as(value, "end")


def _number(at: Lowering) -> float | None:
    """The one number among the inputs, the same for all elements."""
    constants = [value for value in map(at.get, filter(None, at.node.inputs)) if isinstance(value, Constant)]
    if len(constants) != 1 or constants[0].array.dtype.kind not in "fiu" or np.unique(constants[0].array).size != 1:
        return None
    return float(constants[0].array.reshape(-1)[0])


def _behind(at: Lowering, values: list[Value]) -> Value:
    op, value = at.node.op, values[0]
    kind, number = _kind(value), _number(at)
    scores = kind in ("scores", "sigmoid")
    first = isinstance(at.get(at.node.inputs[0]), Value)
    if op == "Concat" and [_kind(each) for each in values] == ["complement", "sigmoid"] and len(at.node.inputs) == 2:
        inner = _axis(at, value, 1)
        return _as(value, "pair", (*value.shape[:inner], 2, *value.shape[inner + 1 :]))
    if len(values) == 1:
        if (scores and op in BEGINS) or (kind == "pair" and op in ("ArgMax", "TopK")):
            return _increasing(at, value)
        if scores and op == "Log":
            return _as(value, "scores")
        if scores and number is not None and ((op == "Mul" and number > 0) or (op == "Div" and first and number > 0)):
            return _as(value, "scores")
        if kind == "sigmoid" and op == "Sub" and not first and number == 1 and value.count == 1:
            return _as(value, "complement")
        if kind == "sigmoid" and op in _DECISIONS and first:
            threshold = {"Round": 0.5, "Binarizer": at.attribute("threshold", 0.0)}.get(op, number)
            if threshold == 0.5:
                return _as(value, "end")
        if (scores or kind == "steps") and op in _QUANTISERS and first:
            if at.number(at.inputs(2, 4)[1], "its scale") <= 0:
                at.refuse("scale is not above 0; allowed: above 0")
            return _as(value, "steps")
        if op in _LOOK_UPS and (kind == "end" or op == "ZipMap"):
            return _as(value, "end")
    _refuse(at, value)
