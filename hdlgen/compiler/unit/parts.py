"""The parts of a unit: its constants, what becomes of its sums, and how its states come to the lanes."""

from dataclasses import dataclass, field

import numpy as np

from hdlgen.compiler.common import Squash
from hdlgen.compiler.factors import Ints
from hdlgen.compiler.fitting import HELD, span
from hdlgen.integers import Interval, rounding

__all__ = ["Cell", "Constants", "Forward", "Recurrence", "plus"]


@dataclass(frozen=True, kw_only=True)
class Constants:
    """An integer for every element, in the order of the stream: group by group, gate by gate.

    Parameters
    ----------
    span: what there is room for
    stored: in a memory, even if all are the same
    """

    values: tuple[int, ...] = field(metadata=HELD)
    span: Interval
    stored: bool

    @classmethod
    def of(cls, values: tuple[int, ...]) -> "Constants":
        """With no more room than they need, and wired in where that can be."""
        return cls(values=values, span=span(*values), stored=False)

    @property
    def bits(self) -> int:
        """Of one of them; without a sign where none is negative."""
        return self.span.stored_bits

    def in_memory(self, run: int, chains: int) -> bool:
        """Whether they are in a memory: where all words are the same they are not, unless they are to be."""
        words = self.words(run, chains)
        return self.stored or any(word != words[0] for word in words)

    def words(self, run: int, chains: int) -> list[list[int]]:
        """What ``chains`` chains of ``run`` elements need at a time: element i of chain c is lane c run + i."""
        words: list[list[int]] = self.array().reshape(-1, chains, run).transpose(0, 2, 1).reshape(-1, chains).tolist()
        return words

    def array(self) -> Ints:
        return np.array(self.values, np.int64)


def plus(a: Interval, b: Interval) -> Interval:
    """What sums of both can be."""
    return Interval(low=a.low + b.low, high=a.high + b.high)


@dataclass(frozen=True, kw_only=True)
class Forward:
    """What becomes of a forward sum A: squash(A + before) + after, stored for the gates or handed on.

    ``before`` and ``after`` have one entry per element.
    """

    sums: Interval
    before: Constants
    squash: Squash
    after: Constants

    @property
    def biased(self) -> Interval:
        """A + before."""
        return plus(self.sums, self.before.span)

    @property
    def squashed(self) -> Interval:
        reached, out, shift = self.biased, self.squash.output, self.squash.shift
        if self.squash.table:
            return out
        return Interval(low=max(reached.low >> shift, out.low), high=min(reached.high >> shift, out.high))

    @property
    def output(self) -> Interval:
        return plus(self.squashed, self.after.span)


@dataclass(frozen=True, kw_only=True)
class Recurrence:
    """How the states come to the lanes.

    ``form`` is "band": lane j meets positions p, p + 1, .. of the state from p = q L + j on, by a window over the rows of
    the state that shifts by one neuron a cycle; neuron k stands at position k + ``offset``. Or "rotate": as a ring
    inside of blocks of ``block`` lanes. Or "broadcast": all lanes meet the same state, those of a block of ``block``
    neurons one after the other. Or "gather": every lane meets the states at the positions that are stored for it.

    Parameters
    ----------
    cycles: of a recurrent block: products per neuron and gate; "gather": of the longest block
    rows: rows of L states in memory
    ring: whether the positions are taken modulo the width
    reach: a group needs the states of so many groups behind it
    lengths: "gather": cycles of all blocks, group by group, gate by gate
    indices: "gather": (words, lanes): the positions, block after block
    products: "gather": of a step that the network asks for
    """

    form: str
    cycles: int
    offset: int
    rows: int
    ring: bool
    block: int
    reach: int
    state: Interval
    sums: Interval
    lengths: tuple[int, ...] = ()
    indices: Ints | None = field(default=None, repr=False, compare=False)
    products: int = 0


@dataclass(frozen=True, kw_only=True)
class Cell:
    """The arithmetic between recurrent sums and the new state.

    Parameters
    ----------
    kind: "relu", "tanh", "gru", "ligru", "lstm"
    roles: what becomes of each gate's pre-activation: "gate" or "state" function, or "candidate" (GRU)
    bias: added to the recurrent sum, one entry per element
    late_bias: added to the stored input of a GRU's candidate gate, one entry per neuron
    gate, state: the functions; ``gate`` is None in cells without gates
    fraction: g; a gate of 2^g is 1
    candidate: GRU: v of the recurrent sum
    reset_shift: GRU: fraction bits of r v beyond those of the pre-activations
    cell: LSTM: the saturation of the cell state, shift g
    cell_up: LSTM: i u is shifted left by so much
    cell_output: LSTM: the state function of the cell state
    """

    kind: str
    roles: tuple[str, ...]
    bias: Constants
    late_bias: Constants
    gate: Squash | None
    state: Squash
    fraction: int = 0
    candidate: Squash | None = None
    reset_shift: int = 0
    cell: Squash | None = None
    cell_up: int = 0
    cell_output: Squash | None = None

    @property
    def rounding(self) -> int:
        """Half of a shift by ``fraction``."""
        return rounding(self.fraction)

    @property
    def first_latency(self) -> int:
        """Cycles from a recurrent sum to the function of its pre-activation: two sums, and the slowest function."""
        functions = [self.gate if role == "gate" else self.state for role in self.roles if role != "candidate"]
        return 2 + max(function.latency for function in functions if function is not None)

    @property
    def latency(self) -> int:
        """Cycles from the recurrent sum of a neuron's last gate to its new state."""
        rest = {"relu": 0, "tanh": 0, "ligru": 4, "gru": 7 + self.state.latency}
        if self.cell_output is not None:
            return self.first_latency + 9 + self.cell_output.latency
        return self.first_latency + rest[self.kind]

    def products(self, spread: int) -> dict[str, tuple[Interval, Interval]]:
        """Its multiplications, by name: the ranges of a gate and of the signed other factor; states differ by ``spread``."""
        if self.gate is None:
            return {}
        if self.cell is not None and self.cell_output is not None:
            signed = {"forget": self.cell.output, "fresh": self.state.output, "output": self.cell_output.output}
        else:
            signed = {} if self.candidate is None else {"reset": self.candidate.output}
            signed["update"] = Interval(low=-spread, high=spread)
        return {name: (Interval(low=0, high=1 << self.fraction), factor) for name, factor in signed.items()}

    def step(self, sums: Ints, stored: Ints, state: Ints, cell: Ints) -> tuple[Ints, Ints]:
        """New state and cell state; ``sums`` (recurrent sums with ``bias``) and ``stored`` are (gates, neurons)."""
        squashed = [
            self.gate(total) if role == "gate" and self.gate is not None else self.state(total)
            for role, total in zip(self.roles, sums + stored, strict=True)
        ]
        g = self.fraction
        if self.kind in ("relu", "tanh"):
            return squashed[0], cell
        if self.kind == "ligru":
            z, a = squashed
            return a + ((z * (state - a) + self.rounding) >> g), cell
        if self.kind == "gru":
            assert self.candidate is not None
            r, z, v = squashed[0], squashed[1], self.candidate(sums[2])
            late = (stored[2] + self.late_bias.array()) << self.reset_shift
            n = self.state((r * v + late + rounding(self.reset_shift)) >> self.reset_shift)
            return n + ((z * (state - n) + self.rounding) >> g), cell
        assert self.cell is not None
        assert self.cell_output is not None
        i, f, u, o = squashed
        cell = self.cell(f * cell + ((i * u) << self.cell_up) + self.cell.addend)
        return (o * self.cell_output(cell + self.cell_output.addend) + self.rounding) >> g, cell
