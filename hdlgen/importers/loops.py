"""Loops of ONNX files that run a number of steps which the file says, as the nodes of all steps, one behind the other.

Exporters of TensorFlow write recurrent layers like that. Whether a step is the last one must depend on constants alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from hdlgen.importers.evaluator import Evaluator

__all__ = ["without_loops"]

_MAX_STEPS = 4096
#: What may decide of single numbers whether a loop goes on.
_COUNTING = ("Add", "And", "Cast", "Equal", "Greater", "Identity", "Less", "Not", "Or", "Sub")


class _Loop:
    """The node ``loop``, where ``known`` gives small constants by name, or raises KeyError.

    Raises KeyError, IndexError or ValueError if it is no loop that can be unrolled.
    """

    def __init__(self, loop: Any, known: Mapping[str, np.ndarray], opset: int) -> None:
        self.loop, self.opset = loop, opset
        (body,) = (item.g for item in loop.attribute if item.name == "body")
        self.body, self.outer = body, known
        most, self.go_on, *first = loop.input
        self.steps = int(known[most].reshape(()))
        self.names = [info.name for info in body.input]
        self.outputs = [info.name for info in body.output]
        carried = len(first)
        if not 1 <= self.steps <= _MAX_STEPS or len(self.names) != 2 + carried or len(self.outputs) < 1 + carried:
            raise ValueError
        if len(loop.output) != len(self.outputs) - 1:
            raise ValueError
        self.first, self.results = first, self.outputs[1 : 1 + carried]
        self.made = {name: node for node in body.node for name in node.output}
        self.constants = {tensor.name: tensor for tensor in body.initializer}
        if not self.all_steps():
            raise ValueError

    def name(self, step: int, name: str) -> str:
        return f"{self.loop.output[0]} {step} {name}"

    def all_steps(self) -> bool:
        """Whether it goes on until the last one."""
        from onnx import numpy_helper

        needed, nodes, carried = [self.outputs[0]], dict[int, Any](), set[int]()
        given: dict[str, np.ndarray] = {}
        while needed:
            name = needed.pop()
            if name in self.names[2:]:
                place = self.names.index(name) - 2
                if place not in carried:
                    carried.add(place)
                    given[name] = self.outer[self.first[place]]
                    needed.append(self.results[place])
            elif name in self.made and id(self.made[name]) not in nodes:
                node = self.made[name]
                if node.op_type not in _COUNTING or node.domain:
                    raise ValueError
                nodes[id(node)] = node
                needed += node.input
            elif name not in self.made and name not in self.names:
                tensor = self.constants.get(name)
                if tensor is not None and any(length > 1 for length in tensor.dims):
                    raise ValueError
                given[name] = self.outer[name] if tensor is None else numpy_helper.to_array(tensor)
        if any(array.size != 1 for array in given.values()):
            raise ValueError
        ordered = [node for node in self.body.node if id(node) in nodes]
        ends = [self.outputs[0], *(self.results[place] for place in sorted(carried))]
        values = {self.names[0]: np.array(0), self.names[1]: np.array(True), **given}
        evaluator = Evaluator(ordered, list(values), ends, {"": self.opset})
        if self.go_on and not self.outer[self.go_on].all():
            return False
        for step in range(self.steps - 1):
            values[self.names[0]] = np.array(step)
            going, *carries = evaluator.run(values)
            if not going.all():
                return False
            values |= {self.names[2 + place]: value for place, value in zip(sorted(carried), carries, strict=True)}
        return True

    def tensors(self) -> Iterator[Any]:
        """New constants."""
        from onnx import numpy_helper

        for tensor in self.body.initializer:
            renamed = type(tensor)()
            renamed.CopyFrom(tensor)
            renamed.name = self.name(-1, tensor.name)
            yield renamed
        for step in range(self.steps):
            yield numpy_helper.from_array(np.array(step), self.name(step, self.names[0]))
        yield numpy_helper.from_array(np.array(True), self.name(-1, self.names[1]))
        yield numpy_helper.from_array(np.array([0]), self.name(-1, "axes"))

    def nodes(self) -> Iterator[Any]:
        from onnx import helper

        carried = dict(zip(self.names[2:], self.first, strict=True))
        scans: list[list[str]] = [[] for _ in self.outputs[1 + len(self.first) :]]
        shared = {name: self.name(-1, name) for name in (*self.constants, self.names[1])}
        for step in range(self.steps):
            own = {name: self.name(step, name) for name in (self.names[0], *self.made)}
            called = {**shared, **own, **carried, "": ""}
            for node in self.body.node:
                renamed = type(node)()
                renamed.CopyFrom(node)
                renamed.input[:] = [called.get(name, name) for name in node.input]
                renamed.output[:] = [called[name] for name in node.output]
                yield renamed
            results = [called.get(name, name) for name in self.outputs[1:]]
            carried = dict(zip(self.names[2:], results[: len(self.first)], strict=True))
            for number, (scan, result) in enumerate(zip(scans, results[len(self.first) :], strict=True)):
                scan.append(self.name(step, f"scan {number}"))
                axes = [self.name(-1, "axes")] if self.opset >= 13 else []
                attributes = {} if axes else {"axes": [0]}
                yield helper.make_node("Unsqueeze", [result, *axes], [scan[-1]], **attributes)
        ends = [*carried.values(), *scans]
        for output, end in zip(self.loop.output, ends, strict=True):
            if output:
                yield (
                    helper.make_node("Identity", [end], [output])
                    if isinstance(end, str)
                    else helper.make_node("Concat", end, [output], axis=0)
                )


class _Small(dict[str, np.ndarray]):
    """Constants of one element by name, of all the ``tensors``."""

    def __init__(self, tensors: Sequence[Any]) -> None:
        super().__init__()
        self.tensors = {tensor.name: tensor for tensor in tensors if all(length == 1 for length in tensor.dims)}

    def __missing__(self, name: str) -> np.ndarray:
        from onnx import numpy_helper

        return numpy_helper.to_array(self.tensors[name])


def without_loops(nodes: Sequence[Any], tensors: Sequence[Any], opset: int, most: int) -> tuple[list[Any], list[Any]]:
    """Messages of ``nodes`` with the number of each, from 1 on, as (number, message); and of further tensors.

    Loops that are not understood, or would make more than ``most`` nodes, stay as they are.
    """
    made: list[tuple[int, Any]] = []
    more: list[Any] = []
    known = _Small(tensors)
    for number, node in enumerate(nodes, 1):
        if node.op_type == "Loop" and not node.domain:
            try:
                loop = _Loop(node, known, opset)
                if loop.steps * (len(loop.body.node) + len(loop.outputs)) + len(made) > most:
                    raise ValueError
                unrolled, tensors_of = [*loop.nodes()], [*loop.tensors()]
            except Exception:  # of any kind: what a node does is anybody's
                unrolled = tensors_of = []
            more += tensors_of
            made += [(number, each) for each in unrolled or [node]]
            continue
        if node.op_type in _COUNTING and not node.domain and all(name in known.tensors for name in node.input):
            constant(node, known, opset)
        made.append((number, node))
    return made, more


def constant(node: Any, known: _Small, opset: int) -> None:
    """Compute single numbers of constants."""
    from onnx import numpy_helper

    given = {name: known[name] for name in node.input}
    try:
        (value,) = Evaluator([node], list(given), list(node.output), {"": opset}).run(given)
        known.tensors[node.output[0]] = numpy_helper.from_array(value)
    except Exception:  # of any kind, as above
        return
