"""Graphs with nodes RNN, GRU and LSTM: the cells, and the graph of what is behind them.

Exporters surround these nodes with others that move axes, pick a step, or make zeros for the first state. What a value is
of the cells is known by its axes; nodes that only move or pick them vanish, and all others behind the cells are a graph of
its own, which is read as that of any feed-forward network.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np

from hdlgen.errors import InputError
from hdlgen.importers.graph import MAX_ELEMENTS, Graph, Node
from hdlgen.importers.operations import Reader, lower
from hdlgen.importers.reals import float_network
from hdlgen.importers.values import Constant
from hdlgen.layers import GATES
from hdlgen.quantize.recurrent import FloatCell, FloatRecurrent

__all__ = ["NODES", "REALS", "float_recurrent"]

#: Of each kind of node: activations that are understood, with the cell that they make; for each of the cell's gates its
#: place among those of the node; and an attribute of its own.
NODES: dict[str, tuple[dict[tuple[str, ...], str], tuple[int, ...], str]] = {
    "RNN": ({("tanh",): "tanh", ("relu",): "relu"}, (0,), ""),
    "GRU": ({("sigmoid", "tanh"): "gru"}, (1, 0, 2), "linear_before_reset"),
    "LSTM": ({("sigmoid", "tanh", "tanh"): "lstm"}, (0, 2, 3, 1), "input_forget"),
}
_ATTRIBUTES = "activation_alpha activation_beta activations clip direction hidden_size layout output_sequence"
#: Axes: those of the input that are free to be steps or the batch, and what is along the others.
_FIRST, _SECOND, _FEATURES, _LAYERS, _ONE = "first", "second", "features", "layers", "one"
#: Nodes that do the same in every step.
_EVERY_STEP = "Add Clip Div LeakyRelu LogSoftmax MatMul Max Min Mul Neg PRelu Relu Sigmoid Softmax Sub Sum"
_SAME = ("Cast", "Dropout", "Identity")
_MOVES = ("Concat", "Gather", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze")
REALS = (1, 10, 11, 16)
#: What the graph behind the cells calls their states.
_STATES = "\0states"


@dataclass(frozen=True)
class _Flow:
    """States of these cells, 0 being the input, along ``axes``; or ``name``, what nodes behind them make of them.

    Along two axes at once, their names have a blank between. ``width`` is the length of the last one.
    """

    cells: tuple[int, ...]
    axes: tuple[str, ...]
    width: int
    name: str = _STATES

    def without(self, axis: int) -> "_Flow":
        return replace(self, axes=self.axes[:axis] + self.axes[axis + 1 :])

    def single(self, axis: int) -> bool:
        """Whether the length of this axis is 1."""
        return self.axes[axis] == _ONE or (self.axes[axis] == _LAYERS and len(self.cells) == 1)


class _Walk(Reader):
    """``flows``: by name, of what depends on the input: lists for lengths, which are numbers or axes, False for zeros in
    shapes made of them, and None for anything else."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph)
        self.kind = "" if graph.recurrent is None else graph.recurrent.op
        for self.node in filter(Graph.has_state, graph.nodes):  # before anything that exporters make of them
            self.check()
        axes = (_FIRST, _FEATURES) if len(graph.input_shape) == 1 else (_FIRST, _SECOND, _FEATURES)
        if len(graph.input_shape) > 2:
            raise InputError(
                f"{graph.where}: input has {len(graph.input_shape) + 1} axes; allowed before a {self.kind}: steps,"
                " batch and features"
            )
        self.flows: dict[str, _Flow | list[int | str] | bool | None] = {
            graph.input: _Flow((0,), axes, graph.input_shape[-1])
        }
        self.cells: list[FloatCell] = []
        self.time = ""
        self.behind: list[Node] = []

    def refuse_here(self, what: str, allowed: str) -> NoReturn:
        self.refuse(f"{what} in a recurrent network ({self.kind}); allowed there: {allowed}")

    # The recurrent nodes.

    def check(self) -> None:
        """The attributes of a node, and which of its inputs there are."""
        node = self.node
        op, names = node.op, [*node.inputs, *[""] * 8]
        for name in node.attributes:
            if name not in (*_ATTRIBUTES.split(), *NODES[op][2].split()):
                self.refuse(f"{op} has an attribute {name!a}; allowed: those of {op} in ONNX")
        direction, reset = self.attribute("direction", "forward"), self.flag("linear_before_reset", 0)
        for found, what in (
            (
                direction != "forward",
                f"is {direction}: it begins with the last step, and hardware has no memory of whole sequences, but takes"
                " steps as they come; allowed: forward (bidirectional=False), trained so",
            ),
            ("clip" in node.attributes, "clips its sums (attribute clip); allowed: without it"),
            (
                op == "GRU" and not reset,
                "resets the states before their product (linear_before_reset is 0); allowed: 1, the product is reset, as"
                " PyTorch's nn.GRU and Keras' reset_after have it",
            ),
            (self.flag("input_forget", 0), "couples input and forget gate (input_forget is 1); allowed: 0"),
            (names[7], "has peepholes (input P); allowed: without them"),
            (names[4], "has an input sequence_lens; allowed: without it, all steps are of the sequence"),
        ):
            if found:
                self.refuse(f"{op} {what}")
        self.cell_kind()

    def cell_kind(self) -> str:
        known, op = NODES[self.node.op][0], self.node.op
        default = next(iter(known))
        given = [str(name) for name in self.attribute("activations", list(default))]
        lower_case = tuple(name.lower() for name in given)
        scaled = any(self.node.attributes.get(f"activation_{which}") for which in ("alpha", "beta"))
        if lower_case not in known or scaled:
            allowed = " or ".join(", ".join(name.capitalize() for name in names) for names in known)
            self.refuse(f"{op} has activations {', '.join(given)}{' with factors' * scaled}; allowed: {allowed}")
        return known[lower_case]

    def cell(self) -> None:
        op, source = self.node.op, next(iter(self.node.inputs), "")
        flow, batch_first = self.flows.get(source), self.flag("layout", 0)
        if not isinstance(flow, _Flow) or flow.name != _STATES or flow.cells != (len(self.cells),):
            self.refuse(f"{op} reads {source!a}; allowed: the input, or what the {self.kind} before it gives")
        axes = (flow.axes[1], flow.axes[0], *flow.axes[2:]) if batch_first and len(flow.axes) > 1 else flow.axes
        time = axes[0]
        if len(axes) != 3 or axes[2] != _FEATURES or time not in (_FIRST, _SECOND) or self.time not in ("", time):
            self.refuse(
                f"{op} reads other axes than the steps of the input, the batch and features; allowed: all steps"
            )
        self.time, batch = time, axes[1]
        self.cells.append(self.read_cell(None if flow.cells[0] else self.graph.input_shape[-1]))
        new = (len(self.cells),)
        every = (batch, time, _LAYERS, _FEATURES) if batch_first else (time, _LAYERS, batch, _FEATURES)
        last = (batch, _LAYERS, _FEATURES) if batch_first else (_LAYERS, batch, _FEATURES)
        width = self.cells[-1].width
        found = (
            _Flow(new, every, width),
            _Flow(new, last, width),
            None,
        )  # None: no layer gives an LSTM's cell states
        self.flows |= zip(self.node.outputs, found, strict=False)

    def read_cell(self, inputs: int | None) -> FloatCell:
        op, names = self.node.op, [*self.node.inputs, *[""] * 8]
        for name, what in zip(names[5:7], ("h", "c"), strict=True):
            zero = self.flows[name] is False if name in self.flows else not name or self.zero(name)
            if not zero:
                self.refuse(f"{op} begins with a state {what} other than 0; allowed: 0")
        cell, order = self.cell_kind(), NODES[op][1]
        gates = len(GATES[cell])
        w, u = (self.numbers(self.get(name), what).real() for name, what in zip(names[1:3], ("W", "R"), strict=True))
        width = u.shape[-1] if u.ndim else 0
        read = self.cells[-1].width if inputs is None else inputs
        b = np.zeros((1, 2 * gates * width))
        if names[3]:
            b = self.numbers(self.get(names[3]), "B").real()
        for what, array, shape in (
            ("W", w, (1, gates * width, read)),
            ("R", u, (1, gates * width, width)),
            ("B", b, (1, 2 * gates * width)),
        ):
            if array.shape != shape or not array.size:
                self.refuse(f"{op}: {what} has shape {list(array.shape)}; allowed: {list(shape)}")

        def ordered(array: np.ndarray) -> np.ndarray:
            return array.reshape(gates, width, -1)[list(order)].reshape(gates * width, -1)

        own, recurrent = (ordered(half)[:, 0] for half in np.split(b[0], 2))
        candidate = None
        if cell == "gru":  # the gate multiplies it with the product
            candidate = recurrent[2 * width :].copy()
            recurrent[2 * width :] = 0
        return FloatCell(
            cell=cell,
            weight=ordered(w[0]),
            recurrent=ordered(u[0]),
            bias=own + recurrent,
            candidate=candidate,
            place=self.node.place,
        )

    # Nodes around them.

    def step(self, node: Node) -> None:
        self.node = node
        if not node.outputs:
            self.refuse("has no output; allowed: one")
        known = [self.flows[name] for name in node.inputs if name in self.flows]
        flows = [value for value in known if isinstance(value, _Flow)]
        if Graph.has_state(node):
            self.cell()
        elif node.op == "Shape" and flows:
            self.flows[node.outputs[0]] = self.lengths(flows[0])
        elif not flows and (known or node.op in ("ConstantOfShape", "Expand")):
            self.flows[node.outputs[0]] = self.made_of_lengths()
        elif not flows:
            super().step(node)
            self.behind.append(node)
        else:
            self.flows[node.outputs[0]] = self.moved(flows)

    def zero(self, name: str) -> bool:
        return not self.numbers(self.get(name), "first state").array.any()

    def lengths(self, flow: _Flow) -> list[int | str]:
        found = [self.length(flow, i) or axis for i, axis in enumerate(flow.axes)]
        return found[self.attribute("start", 0) : self.attribute("end", len(found))]

    def made_of_lengths(self) -> list[int | str] | bool | None:
        """Other lengths; False where it is 0 in all elements; None if it is neither."""
        op, names = self.node.op, self.node.inputs
        if op not in (*self.folded, "ConstantOfShape", "Expand"):
            self.refuse_here(f"{op} of lengths", "the last step as y[:, -1], and lengths of first states")
        if op == "ConstantOfShape":
            value = self.node.attributes.get("value")
            return False if value is None or not np.any(value() if callable(value) else value) else None
        if op == "Expand" and names and names[0] not in self.flows:
            return False if self.zero(names[0]) else None
        if self.flows.get(next(iter(names), "")) is False:
            return False
        read = [self.flows[name] if name in self.flows else self.whole(name) for name in names]
        lists = [value for value in read if isinstance(value, list)]
        self.bounded([sum(map(len, lists))])
        return self.of_lengths(op, lists) if len(lists) == len(names) else None

    def of_lengths(self, op: str, lists: Sequence[list[int | str]]) -> list[int | str] | None:
        """Shapes of these lists do not matter: all have one axis."""
        first, *rest = lists
        if op in ("Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze"):
            return first
        if op == "Concat":
            return [length for each in lists for length in each]
        numbers = [[length for length in each if isinstance(length, int)] for each in rest]
        if not numbers or [*map(len, numbers)] != [*map(len, rest)]:
            return None
        if op == "Gather" and all(-len(first) <= i < len(first) for i in numbers[0]):
            return [first[i] for i in numbers[0]]
        if op == "Slice" and [*map(len, numbers)] in ([1, 1], [1, 1, 1], [1] * 4) and numbers[3:] in ([], [[1]]):
            return first[numbers[0][0] : numbers[1][0]]
        (a,), (b,) = (each if len(each) == 1 else [""] for each in (first, numbers[0]))
        product = a * b if isinstance(a, int) and isinstance(b, int) else MAX_ELEMENTS
        return [product] if op == "Mul" and abs(product) < MAX_ELEMENTS else None

    def whole(self, name: str) -> list[int | str] | None:
        constant = self.get(name)
        known = isinstance(constant, Constant) and constant.array.dtype.kind in "iu"
        return self.integer_array(constant, "lengths").reshape(-1).tolist() if known else None

    def moved(self, flows: Sequence[_Flow]) -> _Flow:
        op, flow = self.node.op, flows[0]
        axes = flow.axes
        mode = self.node.inputs[2] if op == "Dropout" and len(self.node.inputs) > 2 else ""
        if mode and self.numbers(self.get(mode), "its training mode").array.any():
            self.refuse_here("Dropout in training", "a model exported for inference")
        if op in _SAME and (op != "Cast" or self.attribute("to", 1) in REALS):
            return flow
        plain = flow.axes == (self.batch, _FEATURES)
        if op in _MOVES and not (plain and op != "Unsqueeze"):
            found = self.picked(flows)
            if found is None:
                steps = "the last step, all steps, or the states of the last layer"
                self.refuse_here(f"{op} of values along {', '.join(map(self.called, axes))}", steps)
            return found
        if any(name in self.flows and not isinstance(self.flows[name], _Flow) for name in self.node.inputs):
            self.refuse_here(f"{op} with lengths of values or an LSTM's cell states", "states and constants")
        if any(each.axes != axes or each.cells != flow.cells for each in flows) or flow.cells != (len(self.cells),):
            self.refuse_here(f"{op} of states of several layers, or of other steps", f"of the last {self.kind} only")
        if not self.cells:
            self.refuse_here(f"{op} before its first {self.kind}", "the input as it is (its scale: --input-scale)")
        if not plain and (op not in _EVERY_STEP.split() or axes[-1] != _FEATURES):
            self.refuse_here(f"{op} of all steps", f"the last step first; or {_EVERY_STEP.replace(' ', ', ')}")
        aliases = {name: value.name for name, value in self.flows.items() if isinstance(value, _Flow)}
        inputs = tuple(aliases.get(name, name) for name in self.node.inputs)
        attributes = dict(self.node.attributes)
        if not plain and attributes.get("axis") == len(axes) - 1:
            attributes["axis"] = -1
        self.behind.append(replace(self.node, inputs=inputs, attributes=attributes))
        width = flow.width
        if op in ("Gemm", "MatMul") and len(self.node.inputs) > 1 and self.node.inputs[1] not in self.flows:
            shape = self.constant(self.get(self.node.inputs[1]), "its weights").array.shape
            width = (shape or (0,))[0 if self.attribute("transB", 0) else -1]
        return replace(flow, name=self.node.outputs[0], width=width)

    @property
    def batch(self) -> str:
        return _FIRST if self.time == _SECOND else _SECOND

    def called(self, axis: str) -> str:
        return "steps" if axis == self.time else "batch" if axis in (_FIRST, _SECOND) else axis

    def integers(self, place: int, name: str) -> list[int] | None:
        """An input, or else an attribute; None if there is neither, or it is no constant."""
        given = self.node.inputs[place] if place < len(self.node.inputs) else ""
        if given:
            return None if given in self.flows else self.integer_array(self.get(given), name).reshape(-1).tolist()
        value = self.node.attributes.get(name)
        value = [value] if isinstance(value, int) else value
        return value if isinstance(value, list) and all(isinstance(entry, int) for entry in value) else None

    def picked(self, flows: Sequence[_Flow]) -> _Flow | None:
        """What nodes that move axes, or pick a step or a layer, make; None if it is anything else."""
        op, flow = self.node.op, flows[0]
        axes, count = flow.axes, len(flow.axes)
        if op == "Concat":
            axis = self.attribute("axis", 0) % count
            alike = all(each.axes == axes and each.name == _STATES for each in flows)
            if not alike or axes[axis] != _LAYERS or len(flows) < len(self.node.inputs):
                return None
            return replace(flow, cells=tuple(number for each in flows for number in each.cells))
        if op == "Transpose":
            order = self.attribute("perm", [*range(count)][::-1])
            return replace(flow, axes=tuple(axes[i] for i in order)) if sorted(order) == [*range(count)] else None
        if op == "Reshape":
            return self.reshaped(flow)
        if op in ("Squeeze", "Unsqueeze"):
            chosen = self.integers(1, "axes")
            if op == "Unsqueeze":
                if chosen is None or len(chosen) != 1 or not -count - 1 <= chosen[0] <= count:
                    return None
                at = chosen[0] % (count + 1)
                return replace(flow, axes=(*axes[:at], _ONE, *axes[at:]))
            if chosen is None or any(not -count <= i < count or not flow.single(i) for i in chosen):
                return None
            gone = [i % count for i in chosen]
            return replace(flow, axes=tuple(axis for i, axis in enumerate(axes) if i not in gone))
        return self.gathered(flow) if op == "Gather" else self.sliced(flow)

    def reshaped(self, flow: _Flow) -> _Flow | None:
        """With the same axes but for those of length 1; or with steps and batch as one axis, and back."""
        given = self.flows.get(self.node.inputs[-1])
        shape = given if isinstance(given, list) else self.integers(1, "shape")
        if shape is None:
            return None
        flow = replace(flow, axes=tuple(name for axis in flow.axes for name in axis.split()))
        axes = [axis for i, axis in enumerate(flow.axes) if not flow.single(i)]
        if len(axes) == 3 and axes[2] == _FEATURES and shape == [-1, flow.width]:
            return replace(flow, axes=(" ".join(axes[:2]), _FEATURES))
        rest, made = [i for i in range(len(flow.axes)) if not flow.single(i)], list[str]()
        for place, length in enumerate(shape):
            same = length == 0 and not self.flag("allowzero", 0) and place in rest[:1]
            if rest and (same or length in (-1, self.length(flow, rest[0]) or flow.axes[rest[0]])):
                made.append(flow.axes[rest.pop(0)])
            elif length == 1:
                made.append(_ONE)
            else:
                return None
        return None if rest else replace(flow, axes=tuple(made))

    def gathered(self, flow: _Flow) -> _Flow | None:
        name, axis = self.node.inputs[-1], self.attribute("axis", 0) % len(flow.axes)
        if name in self.flows:
            return None
        index = self.integer_array(self.get(name), "its index")
        found = self.narrowed(flow, axis, int(index.reshape(-1)[0])) if index.size == 1 and index.ndim < 2 else None
        return found if found is None or index.ndim else found.without(axis)

    def sliced(self, flow: _Flow) -> _Flow | None:
        found: _Flow | None = flow
        starts, ends, chosen, steps = (
            self.integers(place, what) for place, what in enumerate(("starts", "ends", "axes", "steps"), 1)
        )
        starts, ends = starts or [], ends or []
        chosen, steps = chosen or [*range(len(starts))], steps or [1] * len(starts)
        if not len(starts) == len(ends) == len(chosen) == len(steps) or set(steps) != {1}:
            return None
        for start, end, axis in zip(starts, ends, chosen, strict=True):
            if found is None or not -len(flow.axes) <= axis < len(flow.axes):
                return None
            whole = end >= (self.length(found, axis) or 1 << 30)
            if start or not whole:
                found = self.narrowed(found, axis, start) if end == start + 1 or (start == -1 and whole) else None
        return found

    def narrowed(self, flow: _Flow, axis: int, index: int) -> _Flow | None:
        """Of one place along an axis, which stays: any layer's, but the last step's only."""
        kind, length = flow.axes[axis], self.length(flow, axis)
        if kind == _LAYERS:
            return replace(flow, cells=(flow.cells[index],)) if -len(flow.cells) <= index < len(flow.cells) else None
        last = index in (-1, -1 if length is None else length - 1)
        if not last or not (kind == _ONE or (kind == self.time and self.cells)):
            return None
        axis %= len(flow.axes)
        return replace(flow, axes=(*flow.axes[:axis], _ONE, *flow.axes[axis + 1 :]))

    def length(self, flow: _Flow, axis: int) -> int | None:
        """Of an axis, if it is known."""
        free = {_FIRST: self.graph.batch, _SECOND: self.graph.input_shape[0] or None, _ONE: 1}
        kind = flow.axes[axis]
        if kind == _FEATURES:
            return flow.width or None
        return len(flow.cells) if kind == _LAYERS else free.get(kind)

    # The whole.

    def network(self) -> FloatRecurrent:
        graph = self.graph
        for node in graph.nodes:
            self.step(node)
        name, *others = graph.outputs
        flow, count = self.flows.get(name), (len(self.cells),)
        axes = [axis for i, axis in enumerate(flow.axes) if not flow.single(i)] if isinstance(flow, _Flow) else []
        orders = ((_FIRST,), (_SECOND,), (_FIRST, _SECOND), (_SECOND, _FIRST), ())
        known = [[*order, _FEATURES] for order in orders]
        if not isinstance(flow, _Flow) or flow.cells != count or axes not in known:
            raise InputError(
                f"{graph.where}: output {name!a} is no function of the states of the last {self.kind}, features last;"
                " allowed: the last step or all steps, or layers behind them"
            )
        notes = [f"{graph.where}: output {other!a} is dropped; the network has one" for other in others]
        head = None
        if flow.name != _STATES:
            width, needed, nodes = self.cells[-1].width, {flow.name}, []
            for node in reversed(self.behind):
                if needed & set(node.outputs):
                    needed |= set(node.inputs)
                    nodes.append(node)
            part = replace(
                graph,
                input=_STATES,
                input_shape=(width,),
                batch=None,
                outputs=(flow.name,),
                nodes=tuple(reversed(nodes)),
            )
            head = float_network(lower(part))
        return FloatRecurrent(
            name=graph.name,
            where=graph.where,
            cells=tuple(self.cells),
            head=head,
            every_step=self.time in axes,
            notes=(*notes, *(() if head is None else head.notes)),
        )


def float_recurrent(graph: Graph) -> FloatRecurrent:
    """The cells of ``graph``, which has some, and what is behind them.

    Raises InputError at the first node that is not understood; what a recurrent node asks for comes first.
    """
    return _Walk(graph).network()
