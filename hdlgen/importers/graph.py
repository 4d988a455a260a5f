"""What every reader of foreign files makes of them: nodes, constants and names, and nothing of the file's format."""

from collections import UserDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np

from hdlgen.description import show
from hdlgen.errors import InputError

__all__ = ["MAX_ELEMENTS", "MAX_NODES", "RECURRENT", "Constants", "Graph", "Node", "finite", "sort"]

MAX_NODES = 1 << 16
MAX_ELEMENTS = 1 << 28
#: Nodes with a state.
RECURRENT = ("RNN", "GRU", "LSTM")


@dataclass(frozen=True, kw_only=True, eq=False)
class Node:
    """One operation. ``place`` is what messages call it: the file, its number, its name and its kind.

    ``domain`` says whose operation it is; it is empty for those of ONNX itself.
    """

    op: str
    domain: str = ""
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(repr=False, default_factory=dict)
    place: str

    def proto(self) -> Any:
        """As a message of ONNX; raises an exception of any kind if it cannot be one."""
        from onnx import helper, numpy_helper

        read = {name: numpy_helper.from_array(a()) if callable(a) else a for name, a in self.attributes.items()}
        return helper.make_node(self.op, self.inputs, self.outputs, domain=self.domain, **read)


class Constants(UserDict[str, Any]):
    """Tensors by name, read when they are asked for: what a file holds beside the network is never looked at."""

    def __getitem__(self, name: str) -> np.ndarray:
        if callable(self.data[name]):
            self.data[name] = self.data[name]()
        return self.data[name]


@dataclass(frozen=True, kw_only=True, eq=False)
class Graph:
    """Members
    -------
    input_shape : of one input, without the batch; with ``recurrent`` nodes without the first axis, 0 for a free length.
    batch : the length of the batch that the file fixes, or None.
    input_type : the type of the input's elements.
    opset : version of ONNX's operations.
    nodes : in an order in which every node comes after what it reads.
    narrow : bits of those constants whose integers have fewer than 8.
    """

    name: str
    where: str
    input: str
    input_shape: tuple[int, ...]
    batch: int | None = None
    input_type: np.dtype = field(default_factory=lambda: np.dtype(np.float32))
    opset: int = 17
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...] = field(repr=False)
    constants: Mapping[str, np.ndarray] = field(repr=False)
    narrow: Mapping[str, int] = field(repr=False, default_factory=dict)

    @property
    def recurrent(self) -> Node | None:
        """The first node with a state."""
        return next(filter(self.has_state, self.nodes), None)

    @staticmethod
    def has_state(node: Node) -> bool:
        return node.domain == "" and node.op in RECURRENT


def sort(nodes: Sequence[Node], known: set[str]) -> tuple[Node, ...]:
    """``nodes`` in an order in which they can be computed from the names ``known``; as they stand if that is one.

    Raises InputError if a name is made twice or by nobody, or the graph has a cycle.
    """
    made: dict[str, Node] = {}
    for node in nodes:
        for name in node.outputs:
            if name in known or name in made:
                raise InputError(f"{node.place}: output {show(name)} exists already; allowed: each name once")
            made[name] = node
    for node in nodes:
        for name in node.inputs:
            if name not in known and name not in made:
                raise InputError(
                    f"{node.place}: reads {show(name)}, which nothing makes; allowed: outputs of other nodes, the"
                    " input, and constants"
                )
    number = {id(node): index for index, node in enumerate(nodes)}
    read = [{number[id(made[name])] for name in node.inputs if name in made} for node in nodes]
    if all(max(before, default=-1) < index for index, before in enumerate(read)):
        return tuple(nodes)
    try:
        return tuple(nodes[index] for index in TopologicalSorter(dict(enumerate(read))).static_order())
    except CycleError as error:
        place = nodes[max(error.args[1])].place
        raise InputError(f"{place}: reads what is made from it; allowed: graphs without cycles") from None


def finite(values: np.ndarray, place: str, what: str) -> np.ndarray:
    """``values``, all of which are numbers.

    Raises InputError at the first NaN or infinity.
    """
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        index = tuple(int(axis[0]) for axis in np.nonzero(~np.isfinite(np.atleast_1d(values))))
        where = f" {list(index)}" if values.ndim else ""
        raise InputError(f"{place}: {what}{where} is {np.atleast_1d(values)[index]}; allowed: finite numbers")
    return values
