"""Steps of a recurrent network that an exporter has unrolled, one behind the other, as the nodes RNN, GRU and LSTM.

PyTorch writes loops over nn.RNNCell, nn.GRUCell and nn.LSTMCell like that, and its second exporter nn.RNN too. What every
value is of the steps of the input is worked out with symbols: as a sum of matrices times vectors, of which each is a step of
the input, a function of a sum, or a product of two. A state is known by its form and by the state before, and a chain of
them, one for each step, all with the same weights, is a cell. What is found is then compared with what the nodes compute.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hdlgen.errors import InputError
from hdlgen.importers.evaluator import Evaluator
from hdlgen.importers.graph import MAX_NODES, Constants, Graph, Node
from hdlgen.importers.recurrent import NODES, REALS
from hdlgen.importers.symbols import Lost, Sum, Symbols
from hdlgen.quantize.recurrent import FloatCell

__all__ = ["rolled"]

#: Constants in single precision that an exporter has computed may make so much of the largest state.
_SINGLE = 1e-5
_DOUBLE = 11
_CELLS = {"Tanh": "tanh", "Relu": "relu", "GRU": "gru", "LSTM": "lstm"}


@dataclass(frozen=True, kw_only=True, eq=False)
class _Form:
    """A vector that may be a state: the sums that its gates read, in the cell's order, and the state before.

    ``candidate``: of a GRU, the sum that the reset gate multiplies; None where it multiplies the states.
    """

    kind: str
    gates: tuple[Sum, ...] = field(repr=False)
    before: int | None = None
    candidate: Sum | None = field(repr=False, default=None)


@dataclass(kw_only=True, eq=False)
class _Chain:
    """The states of a cell, vectors by number, one for each step; ``below`` is what it reads, None being the input.

    ``weights``: of inputs and states and the biases, gate by gate in the cell's order, and of a GRU what is added to the
    product that the reset gate multiplies.
    """

    kind: str
    below: "_Chain | None"
    states: list[int]
    weights: tuple[np.ndarray, ...] = field(repr=False, default=())
    resets_product: bool = True

    @property
    def stack(self) -> "list[_Chain]":
        """With all below it, the lowest first."""
        found: list[_Chain] = [self]
        while (below := found[-1].below) is not None:
            found.append(below)
        return found[::-1]


class _Chains:
    """All chains among the vectors of ``symbols``."""

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols
        self.vectors = symbols.vectors
        #: Of each vector that is a state its chain and its step.
        self.states: dict[int, tuple[_Chain, int]] = {}
        for number in range(len(self.vectors)):
            form = self.form(number)
            if form is not None:
                self.join(number, form)

    # Forms.

    def is_a(self, number: int | None, *kinds: str) -> bool:
        return number is not None and self.vectors[number].kind in kinds

    def reads(self, number: int) -> Sum:
        return self.vectors[number].of[0]

    def factors(self, number: int) -> tuple[int | None, int | None]:
        """Those of a product: vectors, or None for other sums."""
        if self.vectors[number].kind != "product":
            return None, None
        one, two = (factor.single for factor in self.vectors[number].of)
        return (two, one) if self.is_a(two, "Sigmoid") else (one, two)  # a gate comes first

    def form(self, number: int) -> _Form | None:
        vector = self.vectors[number]
        if vector.kind in ("Tanh", "Relu"):
            return _Form(kind=vector.kind, gates=vector.of)
        if vector.kind != "sum":
            return None
        terms = vector.of[0].numbers
        return self.lstm(terms) or self.gru(terms)

    def lstm(self, terms: Mapping[int, float]) -> _Form | None:
        """o * tanh(c); c = f * c' + i * g."""
        if list(terms.values()) != [1.0]:
            return None
        o, squashed = self.factors(*terms)
        if o is None or squashed is None or not (self.is_a(o, "Sigmoid") and self.is_a(squashed, "Tanh")):
            return None
        products = self.reads(squashed).numbers
        gates: dict[str, int] = {}
        for number, value in products.items():
            gate, other = self.factors(number)
            if gate is None or other is None or not self.is_a(gate, "Sigmoid") or value != 1:
                return None
            gates |= {"i": gate, "g": other} if self.is_a(other, "Tanh") else {"f": gate, "c": other}
        if len(gates) != 2 * len(products) or "g" not in gates:
            return None
        forgets = gates.get("f", gates["i"])  # in the first step nobody knows
        return _Form(kind="LSTM", gates=tuple(map(self.reads, (gates["i"], forgets, gates["g"], o))))

    def gru(self, terms: Mapping[int, float]) -> _Form | None:
        """n - z * n + z * h, in the first step without h."""
        plain = [number for number in terms if self.is_a(number, "Tanh")]
        gated = {self.factors(number): value for number, value in terms.items() if number not in plain}
        if len(plain) != 1 or terms[plain[0]] != 1 or len(gated) != len(terms) - 1:
            return None
        (n,) = plain
        minus = [gate for (gate, other), value in gated.items() if gate is not None and other == n and value == -1]
        if len(minus) != 1 or not self.is_a(minus[0], "Sigmoid"):
            return None
        rest = {factors: value for factors, value in gated.items() if factors != (minus[0], n)}
        before = None
        for (gate, other), value in rest.items():
            if gate != minus[0] or other is None or value != 1 or len(rest) > 1:
                return None
            before = other
        z, reads = self.reads(minus[0]), self.reads(n)
        if before is None:
            return _Form(kind="GRU", gates=(z, z, reads))
        for number in reads.terms:
            one = self.factors(number)[0]
            products = self.vectors[number].of if self.is_a(number, "product") else ()
            inner = list(self.reads(number).numbers) if self.is_a(number, "sum") else []
            if len(products) == 2 and self.is_a(one, "Sigmoid") and one is not None:
                sides = [side for side in products if side.single != one]
                return _Form(kind="GRU", gates=(self.reads(one), z, reads), before=before, candidate=sides[0])
            if len(inner) == 1 and (reset := self.factors(inner[0])[0]) is not None and self.is_a(reset, "Sigmoid"):
                return _Form(kind="GRU", gates=(self.reads(reset), z, reads), before=before)
        return None

    # Chains.

    def join(self, number: int, form: _Form) -> None:
        """Put a state behind the one before it, if there is one that fits."""
        read = list(form.gates[-1 if form.kind != "GRU" else 1].terms)  # a gate that reads both, whatever the kind
        if len(read) > 2:
            return
        for source in read:
            others = [other for other in read if other != source]
            if not self.is_a(source, "input") and source not in self.states:
                continue
            below, step = self.states.get(source, (None, self.vectors[source].step))
            if not others and step == 0 and form.before is None:
                self.states[number] = _Chain(kind=form.kind, below=below, states=[number]), 0
            if len(others) == 1 and others[0] in self.states:
                chain, last = self.states[others[0]]
                alike = (chain.kind, chain.below, last + 1) == (form.kind, below, step)
                alike &= form.kind != "GRU" or form.before == others[0]
                if alike and chain.states[-1] == others[0] and self.same(chain, form, source, others[0]):
                    chain.states.append(number)
                    self.states[number] = chain, step
                    return

    def same(self, chain: _Chain, form: _Form, source: int, before: int) -> bool:
        """Whether the weights are those of the chain, which has none before its second step."""
        symbols, reset = self.symbols, form.candidate
        weights = [
            np.concatenate([symbols.matrix(gate, number) for gate in form.gates]) for number in (source, before)
        ]
        bias = np.concatenate([gate.offset for gate in form.gates])
        width, more = len(form.gates[0].offset), []
        if form.kind == "GRU" and reset is not None:
            weights[1][2 * width :] = symbols.matrix(reset, before)
            more = [reset.offset]
            if list(reset.terms) != [before]:
                return False
        found = (*weights, bias, *more)
        if not chain.weights:
            chain.weights, chain.resets_product = found, form.kind != "GRU" or reset is not None
        return len(found) == len(chain.weights) and all(map(np.array_equal, found, chain.weights))


class _Rolled:
    """The graph of ``symbols`` with nodes of cells in place of their steps.

    Raises Lost if it has none, or anything else reads what is inside of them.
    """

    def __init__(self, graph: Graph, symbols: Symbols) -> None:
        self.graph, self.symbols = graph, symbols
        self.chains = _Chains(symbols)
        self.made = {name: node for node in graph.nodes for name in node.outputs}
        self.constants = Constants({name: np.array([int(name[-1])]) for name in ("\0axis 0", "\0axis 1", "\0axis 2")})
        found, behind = self.cut()
        stacks = [chain.stack for chain, *_ in found.values()]
        stack = max(stacks, key=len, default=[])
        if not stack or any(each != stack[: len(each)] for each in stacks):
            raise Lost
        for chain in stack:
            if len(chain.states) != symbols.steps or symbols.steps < 2:
                raise Lost
        self.check(stack)
        nodes = [node for number, chain in enumerate(stack, 1) for node in self.cell(number, chain)]
        for name, (chain, kind, axes) in found.items():
            nodes += self.moved(name, f"\0{kind} {stack.index(chain) + 1}", axes)
        self.nodes = (*nodes, *(node for node in graph.nodes if id(node) in behind))

    # What reads the states.

    def cut(self) -> tuple[dict[str, tuple[_Chain, str, list[str]]], set[int]]:
        """Names that are states of the last step or of all, with their axes; and nodes behind them."""
        found: dict[str, tuple[_Chain, str, list[str]]] = {}
        behind: set[int] = set()
        names = list(self.graph.outputs)
        while names:
            name = names.pop()
            states = self.states(name)
            if states is not None:
                found[name] = states
            elif name in self.made and id(self.made[name]) not in behind:
                node = self.made[name]
                behind.add(id(node))
                names += [read for read in node.inputs if node.op != "Shape" or read != self.graph.input]
            elif name == self.graph.input:
                raise Lost
        return found, behind

    def states(self, name: str) -> tuple[_Chain, str, list[str]] | None:
        places = self.symbols.places.get(name)
        if places is None or places.ndim < 2 or not places.size:
            return None
        numbers = np.empty(places.shape[:-1], np.int64)
        for index in np.ndindex(*numbers.shape):
            number = self.symbols.number(places[index])
            if number not in self.chains.states:
                return None
            numbers[index] = number
        chain, _ = self.chains.states[int(numbers.flat[0])]
        if (numbers == chain.states[-1]).all() and len(chain.states) == self.symbols.steps:
            return chain, "last", self.axes(numbers.shape, None)
        for axis in range(numbers.ndim):
            moved = np.moveaxis(numbers, axis, -1)
            if len(chain.states) == numbers.shape[axis] and (moved == chain.states).all():
                return chain, "steps", self.axes(numbers.shape, axis)
        return None

    def axes(self, shape: tuple[int, ...], time: int | None) -> list[str]:
        """What is along them."""
        batch = next((i for i in reversed(range(len(shape))) if shape[i] == self.symbols.batch and i != time), None)
        names = ["batch" if i == batch else "steps" if i == time else "one" for i in range(len(shape))]
        if batch is None or any(length > 1 for length, name in zip(shape, names, strict=True) if name == "one"):
            raise Lost
        return names

    # Nodes.

    def cell(self, number: int, chain: _Chain) -> Iterator[Node]:
        """A node for it, which reads steps first, and the axes that its outputs have too many taken from them."""
        op = {"Tanh": "RNN", "Relu": "RNN"}.get(chain.kind, chain.kind)
        weight, recurrent, bias, *more = chain.weights
        width, order = recurrent.shape[1], NODES[op][1]
        candidate = np.zeros_like(bias)
        if more:
            candidate[2 * width :] = more[0]

        def ordered(array: np.ndarray) -> np.ndarray:
            result = np.empty_like(array)
            for gate, place in enumerate(order):
                result[place * width : (place + 1) * width] = array[gate * width : (gate + 1) * width]
            return result

        for name, array in (
            ("W", ordered(weight)),
            ("R", ordered(recurrent)),
            ("B", np.concatenate([ordered(bias), ordered(candidate)])),
        ):
            self.constants[f"\0{name} {number}"] = array[None]
        first = self.made[self.name(chain.states[0])]
        place = f"{first.place}, the first of {len(chain.states)} unrolled steps ({op})"
        known: dict[str, dict[str, Any]] = {
            "RNN": {"activations": [chain.kind]},
            "GRU": {"linear_before_reset": int(chain.resets_product)},
        }
        source = f"\0steps {number - 1}"
        if number == 1:
            source = self.graph.input
            if self.symbols.time:
                source = "\0steps 0"
                yield Node(
                    op="Transpose",
                    inputs=(self.graph.input,),
                    outputs=(source,),
                    attributes={"perm": [1, 0, 2]},
                    place=place,
                )
        states, last = f"\0states {number}", f"\0last states {number}"
        inputs = (source, *(f"\0{name} {number}" for name in "WRB"))
        yield Node(op=op, inputs=inputs, outputs=(states, last), attributes=known.get(op, {}), place=place)
        yield Node(op="Squeeze", inputs=(states, "\0axis 1"), outputs=(f"\0steps {number}",), place=place)
        yield Node(op="Squeeze", inputs=(last, "\0axis 0"), outputs=(f"\0last {number}",), place=place)

    def moved(self, name: str, source: str, axes: list[str]) -> Iterator[Node]:
        """``source``, steps before the batch, with these axes."""
        place, kept = self.made[name].place, [axis for axis in axes if axis != "one"]
        operations: list[tuple[str, tuple[str, ...], dict[str, list[int]]]] = []
        if kept == ["batch", "steps"]:
            operations.append(("Transpose", (), {"perm": [1, 0, 2]}))
        operations += [("Unsqueeze", (f"\0axis {i}",), {}) for i, axis in enumerate(axes) if axis == "one"]
        for number, (op, more, attributes) in enumerate(operations or [("Identity", (), {})]):
            made = name if number == max(len(operations) - 1, 0) else f"\0{number} {name}"
            yield Node(op=op, inputs=(source, *more), outputs=(made,), attributes=attributes, place=place)
            source = made

    # The proof.

    def name(self, state: int) -> str:
        """A value of the graph that it is."""
        if state not in self.symbols.names:
            raise Lost
        return self.symbols.names[state]

    def check(self, stack: list[_Chain]) -> None:
        """Compare all states of the cells with what the nodes compute, the first step included."""
        symbols = self.symbols
        names = [self.name(state) for chain in stack for state in chain.states]
        needed, nodes = set(names), []
        for node in reversed(self.graph.nodes):
            if needed & set(node.outputs):
                needed |= set(node.inputs)
                to_real = node.op == "Cast" and node.attributes.get("to") in REALS
                nodes.append(replace(node, attributes={"to": _DOUBLE}) if to_real else node)
        values = {name: self.graph.constants[name] for name in needed if name in self.graph.constants}
        values = {name: a.astype(np.float64) if a.dtype.kind == "f" else a for name, a in values.items()}
        x = np.random.default_rng(1).normal(size=(symbols.batch, symbols.steps, self.graph.input_shape[-1]))
        values[self.graph.input] = x if symbols.time else x.swapaxes(0, 1)
        opsets = {"": self.graph.opset}
        try:
            evaluator = Evaluator([node.proto() for node in reversed(nodes)], list(values), names, opsets)
            found = iter(evaluator.run(values))
        except Exception:  # of any kind: the reference implementation has none of its own
            raise Lost from None
        states, lengths = x.reshape(-1, x.shape[-1]), np.full(symbols.batch, symbols.steps)
        for chain in stack:
            if not chain.resets_product:
                return  # which is refused as any GRU like that
            weight, recurrent, bias, *more = chain.weights
            cell = FloatCell(
                cell=_CELLS[chain.kind],
                weight=weight,
                recurrent=recurrent,
                bias=bias,
                candidate=more[0] if more else None,
            )
            states, _ = cell.run(states, lengths)
            ours = states.reshape(symbols.batch, symbols.steps, -1)
            for step in range(symbols.steps):
                theirs = np.asarray(next(found)).reshape(symbols.batch, -1)
                if not np.abs(theirs - ours[:, step]).max() <= _SINGLE * max(1.0, float(np.abs(ours).max())):
                    raise Lost


def rolled(graph: Graph) -> Graph:
    """``graph`` with nodes RNN, GRU and LSTM for steps that are unrolled; as it is if it has none.

    Raises InputError if it seems to have some, but they are not understood.
    """
    for node in graph.nodes:
        if node.domain == "" and node.op in ("Loop", "Scan"):
            raise InputError(
                f"{node.place}: a loop that is not understood; allowed: Loop with a number of steps that the file fixes, as"
                " Keras has GRU and SimpleRNN; RNN, GRU and LSTM as nodes, or unrolled"
            )
    if graph.recurrent is not None or len(graph.input_shape) != 2 or not isinstance(graph.constants, Constants):
        return graph
    nodes = {op: [node for node in graph.nodes if node.domain == "" and node.op == op] for op in ("Tanh", "Relu")}
    for time, steps in ((1, graph.input_shape[0]), (0, graph.batch or 0)):
        if steps < 2 or max(map(len, nodes.values())) < steps:
            continue
        try:
            made = _Rolled(graph, Symbols(graph, time))
        except Lost:
            continue
        constants = Constants({**graph.constants.data, **made.constants.data})
        return replace(graph, nodes=made.nodes, constants=constants)
    steps = min((length for length in (graph.batch or 0, graph.input_shape[0]) if length > 1), default=MAX_NODES)
    if len(nodes["Tanh"]) >= steps:
        raise InputError(
            f"{nodes['Tanh'][0].place}: looks like a step of nn.RNN, or of a GRUCell, LSTMCell or RNNCell, that was unrolled"
            " by an exporter, but not all steps are understood; allowed: states that begin with 0, all steps forward and"
            " alike, behind them the last step or all; or use nn.GRU, nn.LSTM, or nn.RNN with dynamo=False"
        )
    return graph
