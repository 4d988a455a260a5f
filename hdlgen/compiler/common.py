"""What the programs of all engines have in common."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from hdlgen.compiler.fitting import EngineFrame, engine
from hdlgen.compiler.timing import Timing
from hdlgen.integers import Interval, rounding
from hdlgen.targets import Memory

__all__ = ["BLOCK_RAM", "EngineProgram", "Squash"]

BLOCK_RAM: dict[str, tuple[str, ...]] = {
    "lanes": (),
    "multiplier": (),
    "dsps": (),
    "source": ("rom", "ram"),
    "banks": (),
    "adaptable": (),
}
"""The options of engines whose weights are in block RAM."""


@dataclass(frozen=True, kw_only=True)
class EngineProgram(Timing):
    """What the programs of all engines say of themselves.

    Members
    -------
    takes: the options that the engine understands, with the values that it does; none are all
    recurrent, every_step: its frames are the steps of sequences; each of them is answered
    shifting: shifts are data, and may differ in another network
    trained: its memories hold nothing at first that was not trained
    frame: what the design is able to take
    source, fill: where weights are, one of `SOURCES`, and what fills that at first; ``banks``: complete sets of them
    flash_lines, flash_divide: of a flash that does, as `Options` has them
    bytes_per_element, elements_per_beat, beats: of a frame that comes in; output_width, result_bits: of one that goes out
    memories: what surely is in block RAM
    """

    engine_name: ClassVar[str]
    takes: ClassVar[Mapping[str, tuple[str, ...]]] = BLOCK_RAM
    recurrent: ClassVar[bool] = False
    shifting: ClassVar[bool] = False
    trained: ClassVar[bool] = False

    name: str
    frame: EngineFrame = field(default_factory=EngineFrame)
    source: str = "rom"
    fill: str = "bitstream"
    flash_lines: int = 1
    flash_divide: int = 2
    banks: int = 1
    notes: tuple[str, ...] = ()

    # Of some engines these are fields.
    every_step = True
    elements_per_beat = 1
    results_per_beat = 1

    if TYPE_CHECKING:  # fields of some, properties of others

        @property
        def lanes(self) -> int: ...
        @property
        def input_width(self) -> int: ...
        @property
        def input_bits(self) -> int: ...
        @property
        def output_width(self) -> int: ...
        @property
        def output(self) -> Interval: ...
        @property
        def memories(self) -> list[Memory]: ...

    @property
    def bytes_per_element(self) -> int:
        return -(-self.input_bits // 8)

    @property
    def beats(self) -> int:
        return -(-self.input_width // self.elements_per_beat)

    @property
    def result_bits(self) -> int:
        return 32 if self.output.bits <= 32 else 64

    @property
    def copies(self) -> int:
        """How often a register that all lanes see is there: once for eight lanes."""
        return max(1, self.lanes // 8)

    def run(self, x: NDArray[np.integer]) -> NDArray[np.int64]:
        """What the hardware computes, in the order of the hardware: (N, input width) -> int64 (N, output width)."""
        raise NotImplementedError

    def answers(
        self, x: NDArray[np.int64], lengths: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The same of sequences, their steps one after the other: results, and how many there are of each."""
        return self.run(x), lengths

    def dsps(self, products_per_dsp: int) -> int:
        """Hardware multipliers of a device of which each makes so many small products."""
        raise NotImplementedError

    @property
    def counted(self) -> tuple[int, int] | None:
        """Look-up tables and flip-flops, about, where the program itself knows; else they are counted in its hardware."""
        return None

    def memory(self, depth: int, width: int) -> Memory:
        """A block RAM for what was trained."""
        return Memory(depth=depth, width=width, banks=self.banks, written=self.writable)

    @property
    def engine(self) -> str:
        """As a text, all that is the same in two programs only if they are the same hardware."""
        return json.dumps(list(engine(self)), default=lambda value: value.item())

    @property
    def writable(self) -> bool:
        """Whether what was trained can be written while the design runs."""
        return self.source != "rom"

    @property
    def load_port(self) -> bool:
        """Whether it can come from outside while the design runs."""
        return self.source in ("ram", "spram")


@dataclass(frozen=True, kw_only=True)
class Squash:
    """A function of an integer: clamp(v >> shift, low, high), and with a table T[that - low].

    ``addend`` is what v holds beyond the argument: the rounding of the shift and the offset of a hard sigmoid. Whoever
    makes v adds it, as a rule as part of a bias.
    """

    shift: int
    low: int
    high: int
    addend: int = 0
    table: tuple[int, ...] = ()

    @classmethod
    def rounded(cls, shift: int, low: int, high: int) -> "Squash":
        """With nothing but its rounding to be added."""
        return cls(shift=shift, low=low, high=high, addend=rounding(shift))

    @property
    def output(self) -> Interval:
        low, high = (min(self.table), max(self.table)) if self.table else (self.low, self.high)
        return Interval(low=min(low, 0), high=max(high, 0))

    @property
    def latency(self) -> int:
        """Cycles of the gateware: the clamp, and the table behind it."""
        return 3 if self.table else 1

    def __call__(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        clamped = np.clip(values >> self.shift, self.low, self.high)
        return np.array(self.table, np.int64)[clamped - self.low] if self.table else clamped
