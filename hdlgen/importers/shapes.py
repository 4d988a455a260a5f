"""Nodes that change no number of a value that depends on the input, only its axes; and those that change nothing at all.

The batch stays the first axis, or vanishes if its length is 1. Elements keep their order.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hdlgen.importers.lowering import Lowering, Operation
from hdlgen.importers.values import Constant, Value

__all__ = ["SHAPES"]


def _lengths(at: Lowering, value: Value) -> list[int]:
    """All axes; -1 is a batch whose length is free."""
    batch = [-1 if at.graph.batch is None else at.graph.batch] if value.batched else []
    return [*batch, *value.shape]


def _shaped(at: Lowering, value: Value, wanted: Sequence[int]) -> Value:
    """With these lengths, of as many elements; -1 is the free batch."""
    lengths, batch = tuple(wanted), -1 if at.graph.batch is None else at.graph.batch
    rest, count = lengths[1:], math.prod(value.shape)
    first = (value.batched or batch == 1) and lengths[:1] == (batch,) and math.prod(rest) == count
    if first and min(rest, default=1) > 0:
        return replace(value, shape=rest, batched=True)
    alone = not value.batched or batch == 1
    if not alone or min(lengths, default=1) < 1 or math.prod(lengths) != count:
        at.refuse(
            f"makes {_text(_lengths(at, value))} to {_text(wanted)}; allowed: what keeps the batch as first axis"
        )
    return replace(value, shape=lengths, batched=False)


def _axis(at: Lowering, axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        at.refuse(f"axis is {axis}; allowed: {-rank}..{rank - 1}")
    return axis + rank if axis < 0 else axis


def _reshape(at: Lowering) -> Value:
    value, shape = at.inputs(2, 2)
    if not isinstance(value, Value):
        at.refuse("reads a constant; allowed: what depends on the input")
    wanted = at.integers(shape, "its shape", 8)
    old = _lengths(at, value)
    if not at.flag("allowzero", 0):
        wanted = [old[i] if entry == 0 and i < len(old) else entry for i, entry in enumerate(wanted)]
    # A length that is left open: of the batch if that is free, else what the others leave.
    if at.graph.batch is None and value.batched and wanted[:1] == [-1] and wanted.count(-1) == 1:
        return _shaped(at, value, wanted)
    open_ones = [index for index, entry in enumerate(wanted) if entry == -1]
    if at.graph.batch is None and value.batched:
        open_ones = [index for index in open_ones if index]
    if len(open_ones) == 1:
        total = math.prod(value.shape) * (at.graph.batch or 1 if value.batched else 1)
        known = math.prod(entry for index, entry in enumerate(wanted) if index != open_ones[0] and entry != -1)
        if known > 0 and total % known == 0:
            wanted[open_ones[0]] = total // known
    return _shaped(at, value, wanted)


def _flatten(at: Lowering) -> Value:
    value = at.value()
    lengths = _lengths(at, value)
    axis = at.attribute("axis", 1)
    if axis != len(lengths):
        axis = _axis(at, axis, len(lengths))
    # Lengths before the axis, the batch's apart, have to be 1.
    if value.batched and axis > 0 and math.prod(lengths[1:axis]) == 1:
        return _shaped(at, value, [lengths[0], math.prod(lengths[axis:])])
    rows = math.prod(lengths[:axis])
    return _shaped(at, value, [rows, math.prod(value.shape) // max(rows, 1)])


def _axes(at: Lowering) -> tuple[Value, list[int] | None]:
    value, given = at.inputs(1, 2)
    if not isinstance(value, Value):
        at.refuse("reads a constant; allowed: what depends on the input")
    axes = at.attribute("axes", None) if given is None else at.integers(given, "its axes", 8)
    if axes is not None and not (isinstance(axes, list) and all(isinstance(axis, int) for axis in axes)):
        at.refuse("attribute axes is no list of integers; allowed: integers")
    return value, axes


def _squeeze(at: Lowering) -> Value:
    value, axes = _axes(at)
    lengths = _lengths(at, value)
    if axes is None:
        gone = {index for index, length in enumerate(lengths) if length == 1}
    else:
        gone = {_axis(at, axis, len(lengths)) for axis in axes}
        if any(lengths[index] != 1 for index in gone):
            at.refuse(f"squeezes axes {axes} of {_text(lengths)}; allowed: axes of length 1")
    return _shaped(at, value, [length for index, length in enumerate(lengths) if index not in gone])


def _unsqueeze(at: Lowering) -> Value:
    value, axes = _axes(at)
    lengths = _lengths(at, value)
    rank = len(lengths) + len(axes or ())
    new = {_axis(at, axis, rank) for axis in axes or ()}
    rest = iter(lengths)
    if len(new) != len(axes or ()):
        at.refuse(f"adds axes {axes}; allowed: each once")
    return _shaped(at, value, [1 if index in new else next(rest) for index in range(rank)])


def _transpose(at: Lowering) -> Value:
    value = at.value()
    lengths = _lengths(at, value)
    order = at.attribute("perm", None)
    order = list(range(len(lengths)))[::-1] if order is None else order
    if sorted(order) != list(range(len(lengths))):
        at.refuse(f"attribute perm is {order}; allowed: an order of the {len(lengths)} axes")
    longer = [axis for axis in order if lengths[axis] != 1]
    if longer != sorted(longer):
        at.refuse(f"moves axes {_text(lengths)} as {order}; allowed: what keeps the order of all elements")
    return _shaped(at, value, [lengths[axis] for axis in order])


def _text(lengths: Sequence[int]) -> str:
    return f"[{', '.join('batch' if length == -1 else str(length) for length in lengths)}]"


def _shape(at: Lowering) -> Constant:
    lengths = _lengths(at, at.value())
    start, end = at.attribute("start", 0), at.attribute("end", len(lengths))
    return Constant(np.array(lengths[start:end], dtype=np.int64))


def _cast(at: Lowering) -> Value:
    value, to = at.value(), at.attribute("to", 1)
    if to not in (1, 10, 11, 16) and value.tail is None:
        at.refuse(f"casts to type number {to}; allowed: real numbers (1, 10, 11, 16)")
    return value


def _same(at: Lowering) -> Value:
    return at.value(1, 3)


def _dropout(at: Lowering) -> Value:
    value, ratio, training = at.inputs(1, 3)
    if not isinstance(value, Value):
        at.refuse("reads a constant; allowed: what depends on the input")
    mode = at.constant(training, "its training mode").array if training is not None else np.zeros(1)
    if mode.any() and (ratio is None or at.number(ratio, "its ratio") != 0):
        at.refuse("input training_mode is 1; allowed: 0, a model exported for inference")
    return value


SHAPES: dict[str, Operation] = {
    "Reshape": Operation(_reshape, "allowzero"),
    "Flatten": Operation(_flatten, "axis"),
    "Squeeze": Operation(_squeeze, "axes"),
    "Unsqueeze": Operation(_unsqueeze, "axes"),
    "Transpose": Operation(_transpose, "perm"),
    "Shape": Operation(_shape, "start end"),
    "Cast": Operation(_cast, "to saturate round_mode"),
    "Identity": Operation(_same),
    "Dropout": Operation(_dropout, "ratio seed"),
}
