"""What may stand behind the outputs: nodes that leave it to the user, or to the outputs' order, what they compute.

The outputs of hardware are the values before them. A value behind them is one of these kinds:

``scores`` : an increasing function of each output, the same for all of one input: the order stays.
``sigmoid`` : as scores; 1/2 stands for an output of 0.
``complement``, ``pair`` : 1 - p of a sigmoid of one output, and [1 - p, p].
``steps`` : scores that are quantised, so that outputs may become equal.
``end`` : an index of the largest ones, or what is looked up by it, or a decision at 0: nothing can be computed with it.
"""

from dataclasses import replace

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
    behind = [value.tail for value in values if value.tail is not None]
    if not behind:
        if len(values) > 1:
            at.refuse("reads two values that depend on the input; allowed: one")
        value = values[0]
        at.notes.append(f"{at.node.place}: dropped, with what comes after it: {BEGINS[at.node.op]}")
        begin = Tail(kind="scores", output=at.node.inputs[0], begin=at.node.place)
        value = Value(value.shape, value.order, at.affine(value), value.place, batched=value.batched, tail=begin)
        return _as(value, *_increasing(at, value, begin))
    made = None
    if len(behind) == len(values):
        if len(values) == 1 and at.node.op in SHAPES and at.node.domain == "":
            reals = at.node.op != "Cast" or behind[0].kind == "end" or at.attribute("to", 1) in (1, 10, 11, 16)
            moved = SHAPES[at.node.op].function(at) if reals else None
            if isinstance(moved, Value):
                return moved
        else:
            made = _behind(at, values[0], [each.kind for each in behind])
    if made is None:
        at.refuse_behind(behind[0])
    return _as(values[0], *made)


#: The kind of a value behind the outputs, and its shape.
_Made = tuple[str, tuple[int, ...]]


def _as(value: Value, kind: str, shape: tuple[int, ...]) -> Value:
    assert value.tail is not None
    return replace(value, tail=replace(value.tail, kind=kind), shape=shape)


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


def _increasing(at: Lowering, value: Value, behind: Tail) -> _Made:
    """The first node, or another one of its kind behind it."""
    op, shape = at.node.op, value.shape
    if op in ("Softmax", "LogSoftmax"):
        if shape[_axis(at, value, 1 if at.graph.opset < 13 else -1)] < 2:
            at.refuse("has one output for each input; allowed: several")
        return "scores", shape
    if op == "Sigmoid":
        return "sigmoid" if behind.begin == at.node.place else "scores", shape
    inner = _axis(at, value, -1 if op == "TopK" else 0)
    if op == "ArgMax":
        if at.flag("select_last_index", 0):
            at.refuse("attribute select_last_index is 1; allowed: 0, the first of equal outputs")
        return "end", (*shape[:inner], *([1] if at.flag("keepdims", 1) else []), *shape[inner + 1 :])
    if not at.flag("largest", 1):
        at.refuse("attribute largest is 0; allowed: 1")
    return "end", shape


def _number(at: Lowering) -> float | None:
    """The one number among the inputs, the same for all elements."""
    constants = [value for value in map(at.get, filter(None, at.node.inputs)) if isinstance(value, Constant)]
    if len(constants) != 1 or constants[0].array.dtype.kind not in "fiu" or np.unique(constants[0].array).size != 1:
        return None
    return float(constants[0].array.reshape(-1)[0])


def _behind(at: Lowering, value: Value, kinds: list[str]) -> _Made | None:
    """What a node makes of values behind the outputs, of these ``kinds``; None where it is anything else."""
    op, kind, number, shape = at.node.op, kinds[0], _number(at), value.shape
    scores, single = kind in ("scores", "sigmoid"), len(kinds) == 1
    first = isinstance(at.get(at.node.inputs[0]), Value)
    if op == "Concat" and kinds == ["complement", "sigmoid"] and len(at.node.inputs) == 2:
        inner = _axis(at, value, 1)
        return "pair", (*shape[:inner], 2, *shape[inner + 1 :])
    if not single:
        return None
    if (scores and op in BEGINS) or (kind == "pair" and op in ("ArgMax", "TopK")):
        assert value.tail is not None
        return _increasing(at, value, value.tail)
    positive = number is not None and number > 0
    if scores and (op == "Log" or (positive and (op == "Mul" or (op == "Div" and first)))):
        return "scores", shape
    if kind == "sigmoid" and op == "Sub" and not first and number == 1 and value.order.size == 1:
        return "complement", shape
    if kind == "sigmoid" and op in _DECISIONS and first:
        threshold = {"Round": 0.5, "Binarizer": at.attribute("threshold", 0.0)}.get(op, number)
        return ("end", shape) if threshold == 0.5 else None
    if (scores or kind == "steps") and op in _QUANTISERS and first:
        if at.number(at.inputs(2, 4)[1], "its scale") <= 0:
            at.refuse("scale is not above 0; allowed: above 0")
        return "steps", shape
    return ("end", shape) if op in _LOOK_UPS and (kind == "end" or op == "ZipMap") else None
