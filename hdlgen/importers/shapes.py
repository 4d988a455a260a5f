"""Nodes that change no number of a value that depends on the input, only its axes; and those that change nothing at all.

The batch stays the first axis, or vanishes if its length is 1.
"""

import math
from dataclasses import replace

import numpy as np

from hdlgen.importers.constants import computed
from hdlgen.importers.lowering import Lowering, Operation
from hdlgen.importers.values import Constant, Value

__all__ = ["SHAPES"]


def _lengths(at: Lowering, value: Value, batch: int) -> list[int]:
    return [*([batch] if value.batched else []), *value.shape]


def _moved(at: Lowering) -> Value:
    """The numbers of all elements, moved by ONNX's reference implementation; with two batches, if the batch is free."""
    value, given = at.operands(1, 2)
    others = [None if other is None else at.integer_array(other, "its second input") for other in given]
    batch, count = at.graph.batch, math.prod(value.shape)
    for rows in (2, 3) if batch is None else (batch,):
        lengths = _lengths(at, value, rows)
        at.bounded(lengths)
        before = np.arange(math.prod(lengths)).reshape(lengths)
        arrays = [before, *(other for other in others if other is not None)]
        shape = arrays[-1].tolist() if at.node.op == "Reshape" and arrays[-1].ndim == 1 else []
        if batch is None and shape[:1] == [-1]:
            arrays[1] = np.concatenate([[rows], arrays[1][1:]])  # -1 may stand there twice
        after = computed(at, arrays)
        batched = after.shape[:1] == (rows,) and math.prod(after.shape[1:]) == count
        places = after.reshape(rows, -1)[:1]
        kept = np.array_equal(after.reshape(rows, -1), places + count * np.arange(rows)[:, None])
        moved = value.tail is not None and (np.diff(places) != 1).any()
        if not kept or moved or not (batched or rows == 1):
            order = ", and the order of outputs" if moved else ""
            at.refuse(f"makes {list(after.shape)} of {lengths}; allowed: what keeps the batch as first axis" + order)
    shape = after.shape[1:] if batched else after.shape
    if value.tail is not None:
        return replace(value, shape=shape, batched=batched)
    return replace(value, shape=shape, order=value.order.reshape(-1)[places].reshape(shape), batched=batched)


def _shape(at: Lowering) -> Constant:
    """-1 for a batch that is free."""
    lengths = _lengths(at, at.value(), -1 if at.graph.batch is None else at.graph.batch)
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
    value, (ratio, training) = at.operands(1, 3)
    mode = at.constant(training, "its training mode").array if training is not None else np.zeros(1)
    if mode.any() and (ratio is None or at.number(ratio, "its ratio") != 0):
        at.refuse("input training_mode is 1; allowed: 0, a model exported for inference")
    return value


SHAPES: dict[str, Operation] = {
    "Reshape": Operation(_moved, "allowzero"),
    "Flatten": Operation(_moved, "axis"),
    "Squeeze": Operation(_moved, "axes"),
    "Unsqueeze": Operation(_moved, "axes"),
    "Transpose": Operation(_moved, "perm"),
    "Shape": Operation(_shape, "start end"),
    "Cast": Operation(_cast, "to saturate round_mode"),
    "Identity": Operation(_same),
    "Dropout": Operation(_dropout, "ratio seed"),
}
