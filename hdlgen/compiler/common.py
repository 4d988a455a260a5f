"""What the programs of all engines have in common."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from hdlgen.integers import Interval
from hdlgen.targets import Memory

__all__ = ["FILLS", "LINES", "SOURCES", "EngineProgram", "Squash"]

SOURCES = ("rom", "ram", "spram", "flash")
"""Block RAM with the contents that the bitstream gives it; block RAM that can be written; the UltraPlus' single-port RAM;
the SPI flash beside the device."""

FILLS = {"rom": ("bitstream",), "ram": ("bitstream",), "spram": ("port", "flash"), "flash": ("flash",)}
"""What fills them at first, by source; the usual one first. Single-port RAM: the load port alone, or the flash before it."""

LINES = (1, 2, 4)
"""Over which a flash gives its data."""


class EngineProgram:
    """What the programs of all engines say of themselves; each is a frozen dataclass.

    Members
    -------
    takes: the options that the engine understands, with the values that it does; none are all
    recurrent, every_step: its frames are the steps of sequences; each of them is answered
    shifting: shifts are data, and may differ in another network
    trained: its memories hold nothing at first that was not trained
    source, fill: where weights are, one of `SOURCES`, and what fills that at first; ``banks``: complete sets of them
    bytes_per_element, elements_per_beat, beats: of a frame that comes in; output_width, result_bits: of one that goes out
    memories: what surely is in block RAM
    """

    engine_name: ClassVar[str]
    takes: ClassVar[Mapping[str, tuple[str, ...]]]
    recurrent: ClassVar[bool] = False
    shifting: ClassVar[bool] = False
    trained: ClassVar[bool] = False
    every_step: bool = True
    source: str
    banks: int
    notes: tuple[str, ...]

    if TYPE_CHECKING:  # fields of some, properties of others

        @property
        def fill(self) -> str: ...
        @property
        def bytes_per_element(self) -> int: ...
        @property
        def elements_per_beat(self) -> int: ...
        @property
        def beats(self) -> int: ...
        @property
        def output_width(self) -> int: ...
        @property
        def result_bits(self) -> int: ...
        @property
        def memories(self) -> list[Memory]: ...

    def run(self, x: NDArray[np.integer]) -> NDArray[np.int64]:
        """What the hardware computes, in the order of the hardware: (N, input width) -> int64 (N, output width)."""
        raise NotImplementedError

    def answers(
        self, x: NDArray[np.int64], lengths: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The same of sequences, their steps one after the other: results, and how many there are of each."""
        return self.run(x), lengths

    def wiring(self) -> Iterator[tuple[str, object]]:
        """What two programs have in common that are the same hardware, where their frames do not say that."""
        return iter(())

    def dsps(self, products_per_dsp: int) -> int:
        """Hardware multipliers of a device of which each makes so many small products."""
        raise NotImplementedError

    def memory(self, depth: int, width: int) -> Memory:
        """A block RAM for what was trained."""
        return Memory(depth=depth, width=width, banks=self.banks, written=self.writable)

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
