"""What onnxruntime says of an ONNX file, to compare with.

Quantisers of QONNX are not known to it; they are replaced by the standard operations that define them. Data outside of
the file are put into it first, by the same rules as when it is imported.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np

from hdlgen.errors import InputError
from hdlgen.importers.graph import Graph
from hdlgen.importers.onnx_file import parse_model, read_bytes

__all__ = ["run_onnx"]

_ROUND = {"ROUND": "Round", "HALF_EVEN": "Round", "FLOOR": "Floor", "CEIL": "Ceil"}
_FEWEST_OPERATIONS = 13


def _standard(model: Any, graph: Graph) -> None:
    """Replace the nodes that are QONNX's own."""
    from onnx import helper, numpy_helper

    nodes, made = [], []

    def constant(name: str, values: Any) -> str:
        made.append(numpy_helper.from_array(np.asarray(values, dtype=np.float32), name))
        return name

    for number, node in enumerate(model.graph.node):
        base = f"hdlgen.{number}"
        if node.op_type in ("Quant", "IntQuant"):
            attributes = {item.name: helper.get_attribute_value(item) for item in node.attribute}
            mode = attributes.get("rounding_mode", b"ROUND").decode().upper()
            if mode not in _ROUND:
                raise InputError(
                    f"{graph.where}: rounding mode is {mode[:40]!a}; allowed to compare: {', '.join(_ROUND)}"
                )
            x, scale, zero, bits = node.input
            width = int(np.asarray(graph.constants[bits]).reshape(-1)[0])
            signed, narrow = bool(attributes.get("signed", 1)), bool(attributes.get("narrow", 0))
            low = -(1 << (width - 1)) + narrow if signed else 0
            high = (1 << (width - 1)) - 1 if signed else (1 << width) - 1 - narrow
            steps = [
                ("Div", [x, scale]),
                ("Add", ["", zero]),
                ("Max", ["", constant(f"{base}.low", low)]),
                ("Min", ["", constant(f"{base}.high", high)]),
                (_ROUND[mode], [""]),
                ("Sub", ["", zero]),
                ("Mul", ["", scale]),
            ]
            last = x
            for index, (op, inputs) in enumerate(steps):
                output = node.output[0] if index == len(steps) - 1 else f"{base}.{index}"
                nodes.append(helper.make_node(op, [name or last for name in inputs], [output]))
                last = output
        elif node.op_type == "BipolarQuant":
            x, scale = node.input
            zero, one = constant(f"{base}.zero", 0), constant(f"{base}.one", 1)
            minus = constant(f"{base}.minus", -1)
            nodes += [
                helper.make_node("GreaterOrEqual", [x, zero], [f"{base}.0"]),
                helper.make_node("Where", [f"{base}.0", one, minus], [f"{base}.1"]),
                helper.make_node("Mul", [f"{base}.1", scale], [node.output[0]]),
            ]
        else:
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(made)


def _prepared(path: Path, graph: Graph, output: str) -> bytes:
    from onnx import helper, numpy_helper

    model = parse_model(read_bytes(path), str(path))
    for tensor in model.graph.initializer:
        if tensor.data_location == 1:
            tensor.CopyFrom(numpy_helper.from_array(graph.constants[tensor.name], tensor.name))
    _standard(model, graph)
    del model.graph.output[:]
    del model.graph.value_info[:]
    model.graph.output.append(helper.make_empty_tensor_value_info(output))
    standard = [entry for entry in model.opset_import if entry.domain in ("", "ai.onnx", "ai.onnx.ml")]
    if any(entry.domain != "ai.onnx.ml" and entry.version < _FEWEST_OPERATIONS for entry in standard):
        raise InputError(
            f"{path}: operations are of version {standard[0].version}; allowed to compare: {_FEWEST_OPERATIONS} and later"
        )
    del model.opset_import[:]
    model.opset_import.extend(standard)
    return model.SerializeToString()


def run_onnx(path: str | os.PathLike[str], graph: Graph, output: str, x: np.ndarray) -> np.ndarray:
    """The value ``output`` of the file for real inputs (N, width): (N, outputs).

    Raises
    ------
    InputError
        If onnxruntime is not installed, or does not run the file.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        if error.name != "onnxruntime":
            raise
        raise InputError("onnxruntime is not installed; remedy: pip install 'hdlgen[import]'") from None
    data = _prepared(Path(path), graph, output)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # As it stands: no two operations are made one, which would round otherwise.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        typed = x.astype(graph.input_type).reshape(len(x), *graph.input_shape)
        batch = graph.batch or 256
        results = []
        for start in range(0, len(typed), batch):
            part = typed[start : start + batch]
            count = len(part)
            if graph.batch is not None and count < batch:
                part = np.concatenate([part, np.repeat(part[:1], batch - count, axis=0)])
            results.append(session.run([output], {graph.input: part})[0].reshape(len(part), -1)[:count])
    except Exception as error:  # of its own kinds, which have no common base
        text = " ".join(str(error).split())
        raise InputError(f"{path}: onnxruntime does not run it: {ascii(text)[1:-1][:200]}") from None
    return np.concatenate(results)
