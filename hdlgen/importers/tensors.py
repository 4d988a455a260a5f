"""Nodes of tensors: convolutions, pools, means over all pixels, zeros around an image.

ONNX has channels before height and width, [channels, height, width], or [channels, steps] of a signal; what an element is
in the network's order is known by its value (:class:`hdlgen.importers.values.Value`). A mean is a convolution of weights 1.
"""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from hdlgen.description import MAX_EDGES, MAX_WIDTH, show
from hdlgen.importers.lowering import Lowering, Operation
from hdlgen.importers.values import Constant, Value
from hdlgen.layers import Window, around, parse_window

__all__ = ["TENSORS"]

_WINDOW = "auto_pad dilations kernel_shape pads strides"
_PADS = ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")


def _numbers(at: Lowering, name: str, count: int, default: int) -> list[int]:
    """An attribute with so many integers."""
    found = at.attribute(name, [default] * count)
    if len(found) != count or any(type(entry) is not int or abs(entry) >= 1 << 31 for entry in found):
        at.refuse(f"attribute {name} is {show(found)}; allowed: {count} integers")
    return list(found)


def _window(at: Lowering, value: Value, kernel: Sequence[int] | None) -> tuple[Window, bool]:
    """That of the node's attributes, and whether ``ceil_mode`` makes it read behind what there is and its padding.

    Without a ``kernel``, it is an attribute.
    """
    shape, zeros = at.tensor(value)
    rank = value.order.ndim - 1
    sizes = _numbers(at, "kernel_shape", rank, 0 if kernel is None else 1)
    if kernel is not None and at.attribute("kernel_shape", list(kernel)) != list(kernel):
        at.refuse(f"attribute kernel_shape is {show(sizes)}; allowed: that of the weights, {list(kernel)}")
    sizes = list(sizes if kernel is None else kernel)
    strides, pads = _numbers(at, "strides", rank, 1), _numbers(at, "pads", 2 * rank, 0)
    dilations = _numbers(at, "dilations", rank, 1)
    if dilations != [1] * rank:
        at.refuse(f"attribute dilations is {dilations}; allowed: 1")
    if min(*sizes, *strides) < 1:
        at.refuse(f"kernel and strides are {sizes} and {strides}; allowed: 1 and more")
    how, ceil, over = at.attribute("auto_pad", "NOTSET"), at.flag("ceil_mode", 0), False
    if how not in _PADS:
        at.refuse(f"attribute auto_pad is {show(how)}; allowed: {', '.join(_PADS)}")
    padding = [0, 0] if rank == 1 else []
    for axis, (size, stride) in enumerate(zip(sizes, strides, strict=True), 2 - rank):
        length = shape[axis] + sum(zeros[2 * axis : 2 * axis + 2])
        before, after = pads[axis + rank - 2], pads[axis + 2 * rank - 2]
        if how != "NOTSET":
            before, after = around(length, size, stride) if how != "VALID" else (0, 0)
            before, after = (after, before) if how == "SAME_LOWER" else (before, after)
        if ceil and how == "NOTSET":
            last = -(-(length + before + after - size) // stride) * stride  # where the last window begins
            last -= stride * (last >= length + before)
            over |= last + size > length + before + after
            after = max(after, last + size - length - before)
        padding += [before + zeros[2 * axis], after + zeros[2 * axis + 1]]
    given = {"kernel": [1, *sizes][-2:], "stride": [1, *strides][-2:], "padding": padding}
    return parse_window(at.node.place, given, shape), over


def _ordered(at: Lowering, value: Value, window: Window, channels: int) -> np.ndarray:
    """The order of what a window makes of ``value``."""
    shape = (*window.outputs, channels)
    if math.prod(shape) > MAX_WIDTH:
        at.refuse(f"makes a tensor of {list(shape)}; allowed: up to {MAX_WIDTH} elements")
    made = np.arange(math.prod(shape)).reshape(shape).transpose(2, 0, 1)
    return made if value.order.ndim == 3 else made[:, 0]


def _conv(at: Lowering) -> Value:
    value, (w, b) = at.operands(2, 3)
    weight = at.numbers(w, "its kernel")
    rank = value.order.ndim - 1
    if weight.array.ndim != rank + 2 or not weight.array.size:
        at.refuse(
            f"its kernel has shape {list(weight.array.shape)}; allowed: {rank + 2} axes, with {rank} of the kernel"
        )
    window, _ = _window(at, value, weight.array.shape[2:])
    if rank == 1:
        weight = weight.moved(lambda array: array[:, :, None])
    count, inputs, groups = len(weight.array), window.inputs[2], at.attribute("group", 1)
    if groups < 1 or inputs % groups or count % groups or weight.array.shape[1] != inputs // groups:
        at.refuse(
            f"its kernel has shape {list(weight.array.shape)} and attribute group is {groups}, for {inputs} channels;"
            " allowed: as many channels as a group has"
        )
    return _convolved(at, value, weight, window, b)


def _convolved(
    at: Lowering, value: Value, weight: Constant, window: Window, bias: Value | Constant | None = None
) -> Value:
    count = len(weight.array)
    if (weights := count * window.inputs[2] * math.prod(window.kernel)) > MAX_EDGES:
        at.refuse(f"has {weights} weights between all channels; allowed: up to {MAX_EDGES}")
    result = at.weighed(value, weight, _ordered(at, value, window, count), window)
    if bias is None:
        return result
    constant = at.numbers(bias, "its bias")
    if constant.array.shape != (count,):
        at.refuse(f"its bias has shape {list(constant.array.shape)}; allowed: [{count}]")
    moved = constant.moved(lambda array: array.reshape(-1, *[1] * (value.order.ndim - 1)))
    return at.scaled(result, offset=at.entries(moved, result, "its bias"))


def _mean(at: Lowering, value: Value, window: Window, order: np.ndarray) -> Value:
    """Weights of 1, and a gain."""
    channels = window.inputs[2]
    ones = np.ones((channels, 1, *window.kernel), np.int64)
    made = at.weighed(value, Constant.scaled(ones, np.ones(())), order, window)
    return at.scaled(made, Fraction(1, math.prod(window.kernel)))


def _average(at: Lowering) -> Value:
    value = at.value()
    window, over = _window(at, value, None)
    padded = window.padding != at.tensor(value)[1] and not at.flag("count_include_pad", 0)
    if over or padded:
        what = "ceil_mode reads behind the end" if over else "count_include_pad is 0 and there are pads"
        at.refuse(f"{what}, so that means are of different counts; allowed: of as many pixels everywhere")
    return _mean(at, value, window, _ordered(at, value, window, window.inputs[2]))


def _max(at: Lowering) -> Value:
    value = at.value()
    if at.flag("storage_order", 0):
        at.refuse("attribute storage_order is 1; allowed: 0")
    window, _ = _window(at, value, None)
    return at.greatest(value, window, _ordered(at, value, window, window.inputs[2]))


def _axes(at: Lowering, value: Value, given: Value | Constant | None) -> list[int]:
    """Those of one input that a node reduces."""
    if at.node.op.startswith("Global"):
        return list(range(1, value.order.ndim))
    rank = value.order.ndim + value.batched
    axes = at.attribute("axes", []) if given is None else at.integer_array(given, "its axes").reshape(-1).tolist()
    found = sorted({axis % rank - value.batched for axis in axes if -rank <= axis < rank})
    if len(found) != len(axes) or not found or found[0] < 0:
        at.refuse(f"reduces axes {show(axes)}; allowed: some of {rank}, each once, without the batch")
    return found


def _reduced(at: Lowering) -> Value:
    """GlobalAveragePool, GlobalMaxPool; ReduceMean and ReduceMax over all pixels."""
    value, (given,) = at.operands(1, 2)
    axes, op = _axes(at, value, given), at.node.op
    kept = [axis for axis in range(value.order.ndim) if axis not in axes]
    if at.shape_of(value.affine) is None and kept == [0]:  # perhaps the input, of which nothing is known yet
        at.tensor(value)
    shape = at.tensor_shape(value)
    rows = value.order.transpose(*kept, *axes).reshape(math.prod(value.shape[axis] for axis in kept), -1)
    channel = rows[:, 0] % value.channels
    if rows.shape[1] != shape[0] * shape[1] or (rows % value.channels != channel[:, None]).any():
        at.refuse(f"reduces axes {axes} of {list(value.shape)}; allowed: all pixels, and not the channels")
    lengths = [1 if axis in axes else length for axis, length in enumerate(value.shape)]
    if not (op.startswith("Global") or at.flag("keepdims", 1)):
        lengths = [value.shape[axis] for axis in kept]
    order = channel.reshape(lengths)
    window = Window(inputs=shape, kernel=shape[:2], stride=(1, 1), padding=(0, 0, 0, 0))
    return (
        _mean(at, value, window, order) if op.endswith(("AveragePool", "Mean")) else at.greatest(value, window, order)
    )


def _pad(at: Lowering) -> Value:
    """Zeros around an image: a value whose order says where they are."""
    value, (pads, constant, axes) = at.operands(1, 4)
    if at.attribute("mode", "constant") != "constant":
        at.refuse(f"attribute mode is {show(at.attribute('mode', 'constant'))}; allowed: constant")
    filled = at.attribute("value", 0.0) if constant is None else at.number(constant, "its value")
    if filled != 0:
        at.refuse(f"pads with {filled:g}; allowed: 0")
    rank = value.order.ndim + value.batched
    numbers = at.attribute("pads", []) if pads is None else at.integer_array(pads, "its pads").reshape(-1).tolist()
    chosen = list(range(rank)) if axes is None else at.integer_array(axes, "its axes").reshape(-1).tolist()
    ends = np.zeros((rank, 2), np.int64)
    if len(numbers) != 2 * len(chosen) or not all(-rank <= axis < rank for axis in chosen):
        at.refuse(f"pads are {show(numbers)}; allowed: two for each of the axes")
    for place, axis in enumerate(chosen):
        ends[axis] = numbers[place], numbers[place + len(chosen)]
    lengths = np.array([1] * value.batched + list(value.shape)) + ends.sum(axis=1)
    if ends.min() < 0 or (value.batched and ends[0].any()):
        at.refuse(f"pads are {show(numbers)}; allowed: 0 and more, and none of the batch")
    at.bounded(lengths.tolist())
    order = np.pad(value.order, ends[value.batched :].tolist(), constant_values=-1)
    return at.made(value, at.affine(value), order) if ends.any() else value


TENSORS: dict[str, Operation] = {
    "Conv": Operation(_conv, f"{_WINDOW} group"),
    "AveragePool": Operation(_average, f"{_WINDOW} ceil_mode count_include_pad"),
    "MaxPool": Operation(_max, f"{_WINDOW} ceil_mode storage_order"),
    "GlobalAveragePool": Operation(_reduced),
    "GlobalMaxPool": Operation(_reduced),
    "ReduceMean": Operation(_reduced, "axes keepdims noop_with_empty_axes"),
    "ReduceMax": Operation(_reduced, "axes keepdims noop_with_empty_axes"),
    "Pad": Operation(_pad, "mode pads value"),
}
