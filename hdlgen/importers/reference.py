"""What a file itself says of inputs, to compare with: ONNX's reference implementation runs its graph.

What depends on the input is computed in double precision, so that no rounding of single precision decides to which side of
a threshold a sum falls; sums at a threshold stay there. Constants have the precision that the file says. Data outside of
the file are read by the same rules as when it is imported.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hdlgen.errors import InputError
from hdlgen.importers.codes import ROUNDINGS, along
from hdlgen.importers.evaluator import Evaluator, one_line
from hdlgen.importers.graph import Graph
from hdlgen.importers.onnx_file import INTEGERS, STANDARD, parse_model, read_bytes
from hdlgen.importers.reals import float_network
from hdlgen.importers.values import LoweredNetwork
from hdlgen.integers import limits

__all__ = ["Reference"]

_QUANTISERS = ("BipolarQuant", "DequantizeLinear", "IntQuant", "Quant")
_REALS = (1, 10, 11, 16)
_DOUBLE = 11
_BATCH = 1024
_MAX_BATCH = 1 << 16
#: By so much of a step double precision may err.
_MISSED = 2.0**-32


def _ties(steps: np.ndarray) -> np.ndarray:
    """With halves that double precision has missed; constants in single precision are what they are."""
    if steps.dtype != np.float64:
        return steps
    halves = np.rint(2 * steps) / 2
    return np.where(np.abs(steps - halves) < _MISSED, halves, steps)


def _operations() -> list[Any]:
    """Quantisers, as their documents define them, with real numbers in double precision; and what depends on training."""
    from onnx.reference.op_run import OpRun

    class Quant(OpRun):
        def _run(self, x, scale, zero, width, rounding_mode="ROUND", signed=1, narrow=0):
            bits = int(np.reshape(width, -1)[0])
            steps = _ties(x / scale + zero)
            if bits == 1 and signed:
                steps = np.where(steps >= 0, 1.0, -1.0)
            else:
                low, high = limits(bits, signed)
                steps = np.clip(steps, low + (narrow and signed), high - (narrow and not signed))
                steps = ROUNDINGS.get(rounding_mode.upper(), np.rint)(steps)
            return ((steps.astype(np.float64) - zero) * np.float64(scale),)

    class BipolarQuant(OpRun):
        def _run(self, x, scale):
            return (np.where(_ties(x / scale) >= 0, 1.0, -1.0) * np.float64(scale),)

    class QuantizeLinear(OpRun):
        def _run(self, x, scale, zero=None, axis=1, block_size=0, output_dtype=0, saturate=1, precision=0):
            kind = np.dtype(np.uint8) if zero is None else zero.dtype
            whole = np.iinfo(kind)
            ends = (int(whole.min), int(whole.max))
            if output_dtype:
                ends = limits(*INTEGERS[output_dtype])
            zeros = 0 if zero is None else along(zero.astype(np.float64), x.shape, axis, block_size)
            steps = np.rint(_ties(x / along(scale, x.shape, axis, block_size))) + zeros
            return (np.clip(steps, *ends).astype(np.int32),)

    class DequantizeLinear(OpRun):
        def _run(self, x, scale, zero=None, axis=1, block_size=0, output_dtype=0):
            zeros = 0 if zero is None else along(zero.astype(np.float64), x.shape, axis, block_size)
            return ((x - zeros) * along(scale.astype(np.float64), x.shape, axis, block_size),)

    class BatchNormalization(OpRun):
        def _run(self, x, scale, bias, mean, variance, epsilon=1e-5, **_):
            scale, bias, mean, variance = (
                along(values.astype(np.float64), x.shape, 1, 0) for values in (scale, bias, mean, variance)
            )
            return (scale * (x - mean) / np.sqrt(variance + epsilon) + bias,)

    class Same(OpRun):
        def _run(self, x, *_, **__):
            return (x,)

    qonnx = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general")
    linear = ("", "com.microsoft")
    return [
        type(name, (operation,), {"op_domain": domain})
        for name, operation, domains in (
            ("Quant", Quant, qonnx),
            ("IntQuant", Quant, qonnx),
            ("BipolarQuant", BipolarQuant, qonnx),
            ("QuantizeLinear", QuantizeLinear, linear),
            ("DequantizeLinear", DequantizeLinear, linear),
            ("BatchNormalization", BatchNormalization, ("",)),
            ("Dropout", Same, ("",)),
            ("ZipMap", Same, ("ai.onnx.ml",)),
        )
        for domain in domains
    ]


def _understood(model: Any, graph: Graph) -> None:
    """Domains by one name each, and types that NumPy does not have by attributes."""
    for entry in (*model.graph.node, *model.opset_import):
        if entry.domain in STANDARD:
            entry.domain = ""
    known = {entry.domain for entry in model.opset_import}
    for node in model.graph.node:
        if node.domain not in known:
            known.add(node.domain)
            model.opset_import.add(domain=node.domain, version=1)
        zero = node.input[2] if len(node.input) > 2 else ""
        if node.op_type == "QuantizeLinear" and zero in graph.narrow:
            kind = graph.narrow[zero], graph.constants[zero].dtype.kind == "i"
            number = next(number for number, bits in INTEGERS.items() if bits == kind)
            if not any(item.name == "output_dtype" for item in node.attribute):
                node.attribute.add(name="output_dtype", type=2, i=number)


def _groups(model: Any, graph: Graph) -> tuple[list[Any], list[Any], list[Any]]:
    """Nodes of constants in the precision of the file; those behind its quantisers, which are exact; and of the input."""
    protos = {name: node for node in model.graph.node for name in node.output if name}
    single, exact, dependent = list[Any](), list[Any](), list[Any]()
    quantised, of_input = set[str](), {graph.input}
    for node in graph.nodes:
        group, names = single, set(node.inputs)
        if names & of_input:
            group = dependent
            of_input.update(node.outputs)
        elif names & quantised:
            group = exact
        if group is exact or (group is single and node.op in _QUANTISERS):
            quantised.update(node.outputs)
        group.append(protos[node.outputs[0]])
    return single, exact, dependent


class Reference:
    """What the file ``path`` says of real inputs; ``graph`` and ``lowered`` are what was made of it.

    Elements of inputs and outputs are in the order of the network.
    """

    def __init__(self, path: str | os.PathLike[str], graph: Graph, lowered: LoweredNetwork) -> None:
        self.path, self.graph, self.lowered = path, graph, lowered
        #: Names of the outputs behind those that the network has.
        self.behind: list[str] = []
        self.onnx = Path(path).suffix.lower() == ".onnx"
        if self.onnx:
            self._guarded(self._prepare)

    def _prepare(self) -> None:
        graph, output = self.graph, self.lowered.output
        if (graph.batch or 0) > _MAX_BATCH:
            raise InputError(f"{self.path}: its batch is {graph.batch}; allowed to compare: up to {_MAX_BATCH}")
        model = parse_model(read_bytes(Path(self.path)), str(self.path))
        _understood(model, graph)
        single, exact, dependent = _groups(model, graph)
        opsets, operations = {entry.domain: entry.version for entry in model.opset_import}, _operations()
        values: dict[str, np.ndarray] = {}
        for nodes in (single, exact, dependent):
            values |= {
                name: graph.constants[name] for node in nodes for name in node.input if name in graph.constants
            }
            if nodes is not single:
                values = {name: a.astype(np.float64) if a.dtype.kind == "f" else a for name, a in values.items()}
                for item in (item for node in nodes if node.op_type == "Cast" for item in node.attribute):
                    item.i = _DOUBLE if item.name == "to" and item.i in _REALS else item.i
            if nodes and nodes is not dependent:
                made = [name for node in nodes for name in node.output if name]
                found = Evaluator(nodes, list(values), made, opsets, operations).run(values)
                values |= dict(zip(made, found, strict=True))
        self.constants = values
        reached, tail = {output}, []
        for node in dependent:
            if reached & set(node.input):
                reached |= set(node.output)
                tail.append(node)
        self.behind = [name for name in graph.outputs if name != output and name in reached]
        ends = [output, *self.behind]
        self.whole = Evaluator(dependent, [graph.input, *values], ends, opsets, operations)
        if self.behind:
            self.tail = Evaluator(tail, [output, *values], self.behind, opsets, operations)

    def _guarded(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except InputError:
            raise
        except Exception as error:  # of any kind: what a node does is anybody's
            raise InputError(
                f"{self.path}: ONNX's reference implementation does not run it: {one_line(error)}"
            ) from None

    def _batches(self, runner: Evaluator, name: str, rows: np.ndarray, shape: tuple[int, ...]) -> list[np.ndarray]:
        """Each output of ``runner`` as (N, ..) for rows (N, ..), each of which has a ``shape`` in the graph."""
        batch, parts = self.graph.batch or _BATCH, []
        for start in range(0, len(rows), batch):
            part = rows[start : start + batch]
            count = len(part)
            if self.graph.batch is not None and count < batch:
                part = np.concatenate([part, np.repeat(part[:1], batch - count, axis=0)])
            found = runner.run({name: part.reshape(shape), **self.constants})
            self.shape = (-1, *found[0].shape[1:]) if found[0].shape[:1] == (len(part),) else found[0].shape
            parts.append([values.reshape(len(part), -1)[:count] for values in found])
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    def run(self, x: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """For real inputs (N, width) the outputs (N, outputs), and all that the file has behind them."""
        if not self.onnx:
            return float_network(self.lowered).evaluate(x), []
        kind = self.graph.input_type
        typed = x[:, self.lowered.order].astype(kind).astype(np.float64 if kind.kind == "f" else kind)
        shape = (-1, *self.graph.input_shape)
        outputs, *behind = self._guarded(self._batches, self.whole, self.graph.input, typed, shape)
        result = np.empty_like(outputs)
        result[:, self.lowered.outputs] = outputs
        return result, behind

    def after(self, outputs: np.ndarray) -> list[np.ndarray]:
        """What the file has behind ``outputs`` (N, outputs), after a run of as many inputs."""
        if not self.behind:
            return []
        outputs = outputs[:, self.lowered.outputs]
        return self._guarded(self._batches, self.tail, self.lowered.output, outputs, self.shape)
