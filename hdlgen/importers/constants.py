"""Nodes that read constants only: what exporters compute shapes and weights with. Their result is a constant.

ONNX's reference implementation computes it in the types that the file says, so it is that of any other program that runs
the file. Integers with scales stay so as long as nodes move them or multiply them by a constant.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hdlgen.importers.evaluator import Evaluator, one_line
from hdlgen.importers.graph import finite
from hdlgen.importers.lowering import Lowering, Operation
from hdlgen.importers.values import Constant

__all__ = ["FOLDED", "all_computed", "computed"]

_MOVING = ("Concat", "Flatten", "Gather", "Identity", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze")
_REDUCING = ("L1", "L2", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")
#: Their results are as large as what they read, broadcast.
_BROADCASTING = (
    *("Abs", "Add", "Cast", "Clip", "Div", "Exp", "Log", "Max", "Min", "Mul", "Neg", "Pow", "Reciprocal", "Relu"),
    *("Sqrt", "Sub", "Sum"),
)
#: Types that constants may be cast to: float32, float64; int32, int64, float16, bfloat16.
_REALS = (1, 11)
_TYPES = (*_REALS, 6, 7, 10, 16)


def computed(at: Lowering, arrays: Sequence[np.ndarray | None]) -> np.ndarray:
    """What the node makes of these inputs."""
    (array,) = all_computed(at, arrays, 1)
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


def all_computed(at: Lowering, arrays: Sequence[np.ndarray | None], outputs: int) -> list[np.ndarray]:
    """So many outputs."""
    given = {f"x{index}": array for index, array in enumerate(arrays) if array is not None}
    names = tuple("" if array is None else f"x{index}" for index, array in enumerate(arrays))
    made = tuple(f"y{index}" for index in range(outputs))
    try:
        node = replace(at.node, inputs=names, outputs=made).proto()
        return Evaluator([node], list(given), made, {"": at.graph.opset}).run(given)
    except Exception as error:  # of any kind: the reference implementation has none of its own
        at.refuse(f"cannot be computed: {one_line(error)}")


def _bound(at: Lowering, arrays: Sequence[np.ndarray]) -> None:
    """Refuse results that would be too large, before they are made."""
    shape: Sequence[int] = arrays[0].shape
    if at.node.op == "Concat":
        shape = [sum(array.size for array in arrays)]
    elif at.node.op == "ConstantOfShape":
        shape = [abs(length) for length in at.integer_array(Constant(arrays[0]), "its shape").reshape(-1).tolist()]
    elif at.node.op == "Gather":
        shape = [array.size for array in arrays]
    elif at.node.op in _BROADCASTING:
        try:
            shape = np.broadcast_shapes(*(array.shape for array in arrays))
        except ValueError as error:
            at.refuse(f"cannot be computed: {one_line(error)}")
    at.bounded(shape)


def _exact(at: Lowering, constants: Sequence[Constant]) -> Constant | None:
    """Integers with scales, if they stay so."""
    op, data = at.node.op, constants[0]
    if op == "Mul" and len(constants) == 2 and data.integers is None:
        constants, data = constants[::-1], constants[1]
    count = len(constants) if op == "Concat" else 1
    rest = [constant.array for constant in constants[count:]]
    if data.integers is None or data.scale is None:
        return None
    if op in _MOVING and all(constant.integers is not None for constant in constants[:count]):
        integers, scales = (
            computed(at, [*(getattr(constant, part) for constant in constants[:count]), *rest])
            for part in ("integers", "scale")
        )
        return Constant.scaled(integers, scales)
    if op == "Cast" and at.attribute("to", 1) in _REALS:
        return data
    if op == "Neg":
        return Constant.scaled(-data.integers, data.scale)
    if op in ("Mul", "Div") and len(constants) == 2 and constants[1].integers is None:
        scale = computed(at, [data.scale, constants[1].real()])  # a factor of a scale is part of it
        if scale.shape == data.integers.shape and np.isfinite(scale).all():
            return Constant.scaled(np.where(scale < 0, -data.integers, data.integers), np.abs(scale))
    return None


def _fold(at: Lowering) -> Constant:
    op = at.node.op
    given = at.inputs(1, 64)[: len(at.node.inputs)]
    constants = [value for value in given if isinstance(value, Constant)]
    _bound(at, [constant.array for constant in constants])
    if op == "Cast":
        finite(constants[0].array, at.node.place, "its constant")
        if at.attribute("to", 1) not in _TYPES:
            at.refuse(f"casts a constant to type {at.attribute('to', 1)}; allowed: {', '.join(map(str, _TYPES))}")
    exact = _exact(at, constants)
    if exact is not None:
        return exact
    # What comes of scales has double precision, whatever it meets.
    wide = any(constant.array.dtype == np.float64 for constant in constants)
    arrays = [value.array if isinstance(value, Constant) else None for value in given]
    if wide:
        arrays = [a.astype(np.float64) if a is not None and a.dtype.kind == "f" else a for a in arrays]
    return Constant(computed(at, arrays), bits=constants[0].bits if op in _MOVING else None)


FOLDED: dict[str, Operation] = dict.fromkeys(
    (*_MOVING, *(f"Reduce{name}" for name in _REDUCING), *_BROADCASTING, "ConstantOfShape", "Shape"),
    Operation(_fold, None),
)
