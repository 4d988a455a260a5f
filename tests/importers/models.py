"""Small ONNX files for tests, made by hand."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch.nn import functional

FILES = Path(__file__).parent / "files"
QONNX = "qonnx.custom_op.general"


def node(op: str, inputs: str, outputs: str, *, domain: str | None = None, **attributes: Any) -> onnx.NodeProto:
    """``inputs`` and ``outputs`` with blanks between."""
    if domain is None:
        domain = QONNX if op in ("Quant", "IntQuant", "BipolarQuant") else ""
    return helper.make_node(
        op, inputs.split(" "), outputs.split(" "), name=f"n_{outputs}", domain=domain, **attributes
    )


def quant(inputs: str, output: str, *, signed: int = 1, narrow: int = 0, rounding: str = "ROUND") -> onnx.NodeProto:
    return node("Quant", inputs, output, signed=signed, narrow=narrow, rounding_mode=rounding)


def model(
    nodes: Sequence[onnx.NodeProto],
    tensors: dict[str, Any],
    *,
    shape: Sequence[int | str | None] = ("N", 4),
    outputs: str = "y",
    kind: int = TensorProto.FLOAT,
    opset: int = 17,
    functions: Sequence[onnx.FunctionProto] = (),
) -> onnx.ModelProto:
    """A model with input x. Tensors of real numbers are float32; those that are messages are taken as they are."""
    given = [tensor for tensor in tensors.values() if isinstance(tensor, TensorProto)]
    tensors = {name: tensor for name, tensor in tensors.items() if not isinstance(tensor, TensorProto)}
    arrays = {name: np.asarray(value) for name, value in tensors.items()}
    arrays = {name: a.astype(np.float32) if a.dtype == np.float64 else a for name, a in arrays.items()}
    graph = helper.make_graph(
        list(nodes),
        "test",
        [helper.make_tensor_value_info("x", kind, list(shape))],
        [helper.make_empty_tensor_value_info(name) for name in outputs.split(" ")],
        [*given, *(numpy_helper.from_array(array, name) for name, array in arrays.items())],
    )
    domains = {QONNX, *(each.domain for each in nodes if each.domain)}
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in sorted(domains))]
    return helper.make_model(
        graph, opset_imports=opsets, ir_version=10 if opset > 18 else 8, functions=list(functions)
    )


def write(path: Path, made: onnx.ModelProto) -> Path:
    path.write_bytes(made.SerializeToString())
    return path


def run_plain(path: Path, x: np.ndarray) -> np.ndarray:
    """The first output as the file stands, by onnxruntime.

    Fused, integers of 4 bits are multiplied in less precision, and sums of products of unsigned and signed bytes saturate
    on processors without VNNI.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options)
    return session.run(None, {session.get_inputs()[0].name: x})[0]


_ROUNDINGS = {
    "ROUND": np.rint,
    "FLOOR": np.floor,
    "CEIL": np.ceil,
    "UP": lambda x: np.where(x > 0, np.ceil(x), np.floor(x)),
    "DOWN": np.trunc,
    "HALF_UP": lambda x: np.where(x > 0, np.floor(x + 0.5), np.ceil(x - 0.5)),
    "HALF_DOWN": lambda x: np.where(x > 0, np.ceil(x - 0.5), np.floor(x + 0.5)),
}


def _quantised(x: np.ndarray, scale: Any, zero: Any, bits: Any, signed: int, narrow: int, rounding: str) -> Any:
    """As QONNX defines it; steps of constants are in single precision, and others at a half where they are next to it."""
    steps = x / scale + zero
    if steps.dtype == np.float64:
        steps = np.where(np.abs(steps - np.rint(2 * steps) / 2) < 1e-9, np.rint(2 * steps) / 2, steps)
    if bits == 1 and signed:
        codes = np.where(steps >= 0, 1.0, -1.0)
    else:
        low, high = (narrow - 2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1 - narrow)
        codes = np.clip(_ROUNDINGS[rounding](steps), low, high)
    return (codes.astype(np.float64) - zero) * np.float64(scale)


def plain(nodes: Sequence[onnx.NodeProto], tensors: dict[str, Any], x: np.ndarray) -> np.ndarray:
    """What the graph computes, by definition, with all that depends on ``x`` in double precision."""
    values: dict[str, Any] = {name: np.asarray(value) for name, value in tensors.items()}
    values = {name: v.astype(np.float32) if v.dtype == np.float64 else v for name, v in values.items()}
    known, values["x"] = set(values), x.astype(np.float64)
    for each in nodes:
        a = {item.name: helper.get_attribute_value(item) for item in each.attribute}
        p, *more = (values[name] for name in each.input)
        if not set(each.input) <= known:
            more = [m.astype(np.float64) if m.dtype == np.float32 else m for m in more]
        else:
            known.add(each.output[0])
        match each.op_type:
            case "Add" | "Sub" | "Mul" | "Div":
                made = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}[each.op_type](
                    p, *more
                )
            case "Neg":
                made = -p
            case "Relu":
                made = np.maximum(p, 0)
            case "Clip":
                made = np.clip(p, *more)
            case "Transpose":
                made = p.T
            case "Gemm":
                made = p @ (more[0].T if a.get("transB") else more[0]) + (more[1] if len(more) > 1 else 0)
            case "MatMul":
                made = p @ more[0]
            case "BatchNormalization":
                axes = (-1, *[1] * (p.ndim - 2))
                scale, bias, mean, variance = (parameter.reshape(axes) for parameter in more)
                made = scale * (p - mean) / np.sqrt(variance + a.get("epsilon", 1e-5)) + bias
            case "Conv":
                around, bias = (
                    [a.get("pads", [0] * 4)[axis] for axis in (1, 3, 0, 2)],
                    more[1] if len(more) > 1 else None,
                )
                both = (None if t is None else torch.tensor(t) for t in (more[0], bias))
                options = {"stride": a.get("strides", 1), "groups": a.get("group", 1)}
                made = functional.conv2d(functional.pad(torch.tensor(p), around), *both, **options).numpy()
            case "MaxPool":
                made = functional.max_pool2d(torch.tensor(p), a["kernel_shape"], a.get("strides", 1)).numpy()
            case "GlobalAveragePool":
                made = p.mean(axis=(2, 3), keepdims=True)
            case "Flatten":
                made = p.reshape(len(p), -1)
            case "Quant":
                made = _quantised(p, *more[:2], int(more[2]), a["signed"], a["narrow"], a["rounding_mode"].decode())
            case "BipolarQuant":
                made = _quantised(p, more[0], 0.0, 1, 1, 0, "ROUND")
            case "QuantizeLinear":
                limits = np.iinfo(np.uint8 if len(more) < 2 else tensors[each.input[2]].dtype)
                made = np.clip(np.rint(p / more[0]) + (more[1] if len(more) > 1 else 0.0), limits.min, limits.max)
            case "DequantizeLinear":
                scale = more[0].astype(np.float64)
                scale = scale.reshape(-1, *[1] * (p.ndim - 1)) if a.get("axis") == 0 and scale.ndim else scale
                made = (p - (np.float64(more[1]) if len(more) > 1 else 0.0)) * scale
        values[each.output[0]] = made
    return values["y"]
