"""Tensors in the memory of a tensor core, and jobs: what is computed of which, in which loops.

Terms
-----
lane
    Multiply-accumulate with a stream of weights. L of them, and as many columns has the memory of the values.
element
    A value of a tensor; element e lies in column e mod L of row e / L. A pixel begins at a multiple of its ``pitch``, a
    power of two or a multiple of L.
job
    A layer, or one and the pooling behind it, in the order of the work.
together
    How many channels of a pixel are read at a time. Lane l reads channel l mod K of these K. Where the lanes are ``joined``,
    the sums of K lanes beside each other are parts of one sum: then L / K outputs are computed at a time. Otherwise every
    lane has an output of its own, whose channel it reads.
step
    One word of weights.
group
    The steps of L / K outputs, or K where lanes are not joined. Behind it their sums leave, ``outlets`` at a time.
loops
    What is computed when: `LOOPS`, the outermost first. Every loop says how far what is read moves.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from hdlgen.compiler.factors import Ints
from hdlgen.compiler.fitting import HELD
from hdlgen.integers import Interval

__all__ = ["INNER", "LOOPS", "Crossing", "Job", "Loop", "Pair", "Tensor"]

LOOPS = ("y", "x", "group", "pool_y", "pool_x", "tap_y", "tap_x", "step")
"""Pixels of the target, groups of its channels, what is pooled, the kernel, and channels of the source."""

INNER = 3
"""Loops that make a sum; those before them, from ``group`` on, what is pooled."""

Pair = tuple[tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """Where values are: (y, x, c) is element ``base`` + (y * ``width`` + x) * ``pitch`` + the position of c.

    With B ``banks`` and R = ``channels`` / B that is r B + b for channel c = b R + r: R channels beside each other lie in
    one column. With one bank it is c.
    """

    base: int
    height: int
    width: int
    channels: int
    pitch: int
    banks: int = 1

    @property
    def size(self) -> int:
        return self.height * self.width * self.pitch

    @property
    def order(self) -> Ints:
        """The channel of every position."""
        return np.arange(self.channels).reshape(self.banks, -1).T.reshape(-1)

    @property
    def elements(self) -> Ints:
        """All that have values, in order."""
        pixels = self.base + np.arange(self.height * self.width)[:, None] * self.pitch
        return (pixels + np.arange(self.channels)).reshape(-1)


@dataclass(frozen=True, kw_only=True)
class Loop:
    """``count`` times; each time the element that is read moves by ``source``, its pixel by ``down`` and ``across``, and the
    word of weights by ``word``."""

    count: int = 1
    source: int = 0
    down: int = 0
    across: int = 0
    word: int = 0


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """How paths between channels are computed: lane l reads element e ^ v ^ ``mix``[l], with the pixel's first element e.

    v is ``origin`` and, for every bit that is set in the number of the group and of the step, what stands there for it in
    ``of_group`` and ``of_step``. Of Sobol' sequences all that is linear: [mathematics.md](mathematics.md).
    """

    mix: tuple[int, ...]
    origin: int
    of_group: tuple[int, ...]
    of_step: tuple[int, ...]

    def values(self) -> Ints:
        """v, (groups, steps)."""
        found = np.array([self.origin], np.int64)
        for bit in (*reversed(self.of_group), *reversed(self.of_step)):
            found = (found[:, None] ^ np.array([0, bit])).reshape(-1)
        return found.reshape(1 << len(self.of_group), 1 << len(self.of_step))


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job.

    Parameters
    ----------
    number, last: of the layer in the network, and of the pooling behind it, if there is one
    width, outputs: values of the target, and its channels
    source, target: what is read and written; the last job writes no tensor
    origin, down, across: element and pixel where the loops begin, perhaps outside
    outside: what is read there
    rectify: and instead of what is less
    begin: its first word of weights
    constants: the first word of its constants
    bias, multiplier, right: of each output: (sum + bias) * multiplier / 2^(``program.shift`` + right), rounded
    twice, even: the same of the shift by ``right`` alone; halves go to the even neighbour, not up
    zero_point, low, high: added to that, and limits of the outcome
    crossing: lanes read what paths say, and not what is of their number
    table: sums are two values, of which these tables are looked up and added; see `TensorProgram.tables`
    """

    number: int
    last: int
    width: int
    outputs: int
    source: Tensor
    target: Tensor | None
    loops: tuple[Loop, ...]
    origin: int
    down: int = 0
    across: int = 0
    outside: int = 0
    rectify: bool = False
    together: int
    joined: bool
    begin: int
    constants: int
    bias: tuple[int, ...] = field(metadata=HELD)
    multiplier: tuple[int, ...] = field(metadata=HELD)
    right: tuple[int, ...] = field(metadata=HELD)
    sums: Interval
    twice: bool = False
    even: bool = False
    zero_point: int = 0
    low: int
    high: int
    table: int | None = None
    crossing: Crossing | None = None
    edges: int

    def loop(self, name: str) -> Loop:
        return self.loops[LOOPS.index(name)]

    def turn(self, name: str, what: str) -> int:
        """By how much ``what`` moves when a loop does, and those within it begin again."""
        place = LOOPS.index(name)
        return getattr(self.loops[place], what) - sum(
            (loop.count - 1) * getattr(loop, what) for loop in self.loops[place + 1 :]
        )

    @property
    def steps(self) -> int:
        """Of a group."""
        return math.prod(loop.count for loop in self.loops[-INNER:])

    @property
    def groups(self) -> int:
        return self.loop("group").count

    @property
    def words(self) -> int:
        """Of weights."""
        return self.groups * self.steps

    @property
    def pooled(self) -> int:
        """Values of which the greatest is passed on."""
        return self.loop("pool_y").count * self.loop("pool_x").count

    @property
    def pixels(self) -> int:
        return self.loop("y").count * self.loop("x").count

    @property
    def flushes(self) -> int:
        """How often the sums of a group leave."""
        return self.pixels * self.groups * self.pooled
