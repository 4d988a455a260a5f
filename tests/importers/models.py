"""Small ONNX files for tests, made by hand."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FILES = Path(__file__).parent / "files"
QONNX = "qonnx.custom_op.general"


def node(op: str, inputs: str, outputs: str, **attributes: Any) -> onnx.NodeProto:
    """``inputs`` and ``outputs`` with blanks between."""
    domain = QONNX if op in ("Quant", "BipolarQuant") else ""
    return helper.make_node(
        op, inputs.split(" "), outputs.split(" "), name=f"n_{outputs}", domain=domain, **attributes
    )


def model(
    nodes: Sequence[onnx.NodeProto],
    tensors: dict[str, Any],
    *,
    shape: Sequence[int | str | None] = ("N", 4),
    outputs: str = "y",
    kind: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    """A model with input x. Tensors of real numbers are float32."""
    arrays = {name: np.asarray(value) for name, value in tensors.items()}
    arrays = {name: a.astype(np.float32) if a.dtype == np.float64 else a for name, a in arrays.items()}
    graph = helper.make_graph(
        list(nodes),
        "test",
        [helper.make_tensor_value_info("x", kind, list(shape))],
        [helper.make_empty_tensor_value_info(name) for name in outputs.split(" ")],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(QONNX, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def write(path: Path, made: onnx.ModelProto) -> Path:
    path.write_bytes(made.SerializeToString())
    return path
