"""Engines that take an element of a step in each cycle, a *row*, into a state, and write results so many cycles behind the
last one: a row a cycle, a pause behind very short steps, and two places for results."""

from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from hdlgen.compiler import timing
from hdlgen.compiler.common import EngineProgram
from hdlgen.compiler.factors import Ints
from hdlgen.compiler.options import Options
from hdlgen.compiler.timing import Clock, Sender, Slots, Stage, Stream
from hdlgen.integers import Interval
from hdlgen.network import Network
from hdlgen.targets import Memory

__all__ = ["RowProgram", "StepProgram", "alone", "predict", "read_by", "stage"]


@dataclass(frozen=True, kw_only=True)
class StepProgram(EngineProgram):
    """The program of an engine that takes the steps of sequences, an element a cycle.

    Parameters
    ----------
    read: what an element can be
    every_step: results after every step, or after the last of each sequence
    """

    recurrent = True

    input_width: int
    input_bits: int
    input_signed: bool
    read: Interval
    every_step: bool

    @property
    def lanes(self) -> int:
        """One element a cycle."""
        return 1

    @property
    def memories(self) -> list[Memory]:
        return []

    def dsps(self, products_per_dsp: int) -> int:
        return 0

    def answers(self, x: Ints, lengths: Ints) -> tuple[Ints, Ints]:
        return self.run(x, lengths), lengths if self.every_step else np.ones_like(lengths)

    def run(self, x: NDArray[np.integer], lengths: NDArray[np.integer]) -> Ints:  # type: ignore[override]
        """For x, the steps of all sequences, and the ``lengths`` of these: int64 (steps, output width) or, without
        ``every_step``, (sequences, output width)."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class RowProgram(StepProgram):
    """The program of an engine of rows."""

    LOADED: ClassVar[int] = 1
    """Cycles from a beat to its row."""

    @property
    def result_at(self) -> int:
        """From the last row of a step to the cycle in which its last result is written."""
        raise NotImplementedError

    @property
    def pause(self) -> int:
        """Cycles between two steps, so that states are written before they are read again."""
        raise NotImplementedError

    def start(self) -> Any:
        """The state at the beginning of a sequence."""
        raise NotImplementedError

    def advance(self, row: Ints, state: Any) -> tuple[Any, Ints]:
        """The state after a step of these rows, and its results."""
        raise NotImplementedError

    def run(self, x: NDArray[np.integer], lengths: NDArray[np.integer]) -> Ints:  # type: ignore[override]
        ends = np.cumsum(np.asarray(lengths, np.int64))
        first = np.isin(np.arange(len(x)), [0, *ends])
        state, found = self.start(), np.zeros((len(x), self.output_width), np.int64)
        for number, row in enumerate(np.asarray(x, np.int64)):
            state, found[number] = self.advance(row, self.start() if first[number] else state)
        return found if self.every_step else found[ends - 1]


def alone(network: Network, first: int, number: int) -> str | None:
    """Why such an engine cannot take layer ``number`` in a stage that begins with ``first``: `Engine.lacks`."""
    if network.layer(number).sources != (number - 1,):
        return "it reads the layer before only"
    return "it runs one layer" if number > first else None


def read_by(network: Network, options: Options) -> dict[str, Any]:
    """What a `RowProgram` has to know of its input, and of the results."""
    low, high = network.value_range(0)
    return {
        "input_width": network.input.width,
        "input_bits": network.input.bits,
        "input_signed": network.input.signed,
        "read": Interval(low=low, high=high),
        "every_step": options.results == "step",
    }


class _Loader:
    """Takes a beat a cycle while there is a place for results. Mirrors `hdlgen.gateware.rows.RowCore`."""

    def __init__(self, clock: Clock, input: Stream, results: Slots, program: RowProgram):
        self.clock, self.input, self.results, self.program = clock, input, results, program
        self.done = 0  # what happens before this cycle is settled
        clock.add(self)

    def _reserve(self) -> None:
        self.results.occupied += 1

    def poll(self, now: int) -> None:
        if now < self.done or not self.results.free:
            return
        cycle, limit, program = now, now + self.input.ahead, self.program
        while cycle < limit and self.input.offered(cycle):
            last, ends = self.input.take(cycle)
            cycle += 1
            if last:
                if program.every_step or ends:
                    self.clock.at(cycle, self._reserve)
                    written = cycle - 1 + program.LOADED + program.result_at
                    self.clock.at(written + 1, self.results.ready.append, ends)
                cycle += program.pause
                break
        self.done = cycle
        if cycle > now:
            self.clock.wake(cycle)

    def state(self, now: int) -> tuple:
        return max(self.done - now, 0), self.results.state()


def stage(program: RowProgram) -> Stage:
    """The core in a chain."""

    def build(clock: Clock, input: Stream) -> Stream:
        results = Slots()
        _Loader(clock, input, results, program)
        return Sender(clock, results, [True] * program.output_width)

    return Stage(beats=program.beats, results=program.output_width, recurrent=True, build=build)


_Program = TypeVar("_Program", bound=RowProgram)


def predict(program: _Program) -> _Program:
    """Fill in how long it takes."""
    return replace(program, **asdict(timing.predict([stage(program)])))
