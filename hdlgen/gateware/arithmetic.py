"""What the engines share: shapes of values, earlier values, counters, small tables, shift with limits, sums."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdlgen.compiler.common import Squash
from hdlgen.compiler.factors import PIECE
from hdlgen.gateware.kit import PLAIN, Kit
from hdlgen.gateware.primitives import read_always
from hdlgen.integers import Interval

__all__ = [
    "Accumulators",
    "Squasher",
    "Timeline",
    "beyond",
    "choose",
    "counter",
    "each_later",
    "later",
    "look_up",
    "partial_products",
    "shift_out",
    "value_shape",
]

SHALLOW = 64
"""Up to so many entries of a table stand in logic; a block RAM for them would be nearly empty."""


def value_shape(interval: Interval) -> Shape:
    """The narrowest shape for the interval's values."""
    return (signed if interval.low < 0 else unsigned)(interval.stored_bits)


def later(m: Module, value: Any, cycles: int, name: str, *, start: int = 1) -> Any:
    """``value`` of so many cycles before, 0 after reset; registers are numbered from ``start``."""
    value = Value.cast(value)
    for number in range(start, start + cycles):
        late = Signal(value.shape(), name=f"{name}_{number}")
        m.d.sync += late.eq(value)
        value = late
    return value


def each_later(m: Module, values: Sequence[Value], name: str) -> list[Value]:
    """All the values of the cycle before."""
    return [later(m, value, 1, f"{name}_{number}") for number, value in enumerate(values)]


class Timeline:
    """A value at several cycles, its registers shared."""

    def __init__(self, m: Module, name: str, value: Any, start: int):
        self.m, self.name, self.start = m, name, start
        self.values = [value]

    def at(self, cycle: int) -> Any:
        while (reached := self.start + len(self.values)) <= cycle:
            self.values.append(later(self.m, self.values[-1], 1, f"{self.name}_at", start=reached))
        return self.values[cycle - self.start]


def counter(m: Module, enable: Any, size: int, name: str) -> Signal:
    """The number of earlier cycles with ``enable``, modulo ``size``."""
    number = Signal(range(max(size, 2)), name=name)
    with m.If(enable):
        m.d.sync += number.eq(Mux(number == size - 1, 0, number + 1))
    return number


def shift_out(m: Module, names: Sequence[str], loads: Sequence[Value], sums: Sequence[Value]) -> Signal:
    """Sums that leave one after the other, the first one first: held' = load ? own sum : held of the one behind."""
    held = [Signal(own.shape(), name=name, reset_less=True) for name, own in zip(names, sums, strict=True)]
    for own, load, value, behind in zip(held, loads, sums, [*held[1:], held[-1]], strict=True):
        m.d.sync += own.eq(Mux(load, value, behind))
    return held[0]


def look_up(m: Module, kit: Kit, what: str, address: Value, entries: Sequence[int], width: int) -> Value:
    """entries[address], of ``width`` bits, `hdlgen.gateware.primitives.LATENCY` cycles later."""
    if len(entries) > SHALLOW:
        m.submodules[what] = rom = kit.rom(what, entries, width)
        m.d.comb += read_always(rom, address)
        return rom.data
    found, entry = Signal(width, name="found"), Signal(width, name="entry")
    m.d.sync += [found.eq(Array(Const(value, width) for value in entries)[address]), entry.eq(found)]
    return entry


def choose(index: Value, values: Sequence[int]) -> Value:
    """values[index], a constant where all are the same."""
    return Const(values[0]) if len(set(values)) == 1 else Array(Const(value) for value in values)[index]


def partial_products(
    m: Module, kit: Kit, name: str, a: Value, w: Value, sizes: Sequence[Sequence[int]], kind: str, shape: Any
) -> list[Value]:
    """Signals whose sum is a * w, `hdlgen.gateware.primitives.LATENCY` + 1 cycles later: both are cut into `pieces`, of
    these ``sizes``. a is signed, and so its highest piece; w is not. ``name`` begins those of the parts."""
    factors = [
        [value[number * PIECE : number * PIECE + size] for number, size in enumerate(own)]
        for value, own in ((a, sizes[0]), (w, sizes[1]))
    ]
    sums, count = [], len(factors[1])
    for i, one in enumerate(factors[0]):
        highest = i == len(factors[0]) - 1
        what = "scale_signed" if highest else "scale"
        m.submodules[f"{name}multiplier_{i}"] = multiplier = kit.multiplier(
            lanes=count, a_bits=PIECE, w_bits=PIECE, kind=kind, a_signed=highest, w_signed=False, what=what
        )
        row: Any = 0
        for j, other in enumerate(factors[1]):
            m.d.comb += multiplier.a.word_select(j, PIECE).eq(one.as_signed() if highest else one)
            m.d.comb += multiplier.w.word_select(j, PIECE).eq(other)
            product = multiplier.p.word_select(j, 2 * PIECE)
            row = row + ((product.as_signed() if highest else product) << (PIECE * (i + j)))
        part = Signal(shape, name=f"{name}part_{i}")
        m.d.sync += part.eq(row)
        sums.append(part)
    return sums


def beyond(value: Value, reached: Interval, low: int, high: int) -> tuple[Any, Any]:
    """Whether ``value``, which can be what is ``reached``, is less than ``low``, and whether it is more than ``high``."""
    under: Any = Const(0, 1)
    over: Any = Const(0, 1)
    negative = value[-1] if reached.low < 0 else Const(0, 1)
    if reached.high > high:
        if high >= 0 and high & (high + 1) == 0:  # 2^n - 1
            over = ~negative & value[high.bit_length() :].any()
        elif high & (high - 1) == 0:  # 2^n: to be it or to be more is the same
            over = ~negative & value[high.bit_length() - 1 :].any()
        else:
            over = value > high
    if reached.low < low:
        if low == 0:
            under = negative
        elif -low & (-low - 1) == 0:  # -2^n
            under = negative & ~value[(-low).bit_length() - 1 :].all()
        else:
            under = value < low
    return under, over


class Squasher(wiring.Component):
    """`Squash` of a value in the range ``reached``, ``squash.latency`` cycles later."""

    def __init__(self, squash: Squash, reached: Interval, kit: Kit, what: str):
        self.squash, self.kit, self.what = squash, kit, what
        low, high = reached.low >> squash.shift, reached.high >> squash.shift
        self.shifted = Interval(low=low, high=high)
        clamped = Interval(low=max(min(low, squash.high), squash.low), high=min(max(high, squash.low), squash.high))
        self.clamped = Interval(low=min(clamped.low, 0), high=max(clamped.high, 0))
        self.output = squash.output if squash.table else self.clamped
        super().__init__({"i": In(value_shape(reached)), "o": Out(value_shape(self.output))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        q = self.squash
        value = Signal(value_shape(self.shifted))
        m.d.comb += value.eq(self.i >> q.shift)
        under, over = Signal(), Signal()
        below, above = beyond(value, self.shifted, q.low, q.high)
        m.d.comb += over.eq(above)
        m.d.comb += under.eq(below)
        clamped = Signal(value_shape(self.clamped))
        # s1: o = under ? low : over ? high : value
        m.d.sync += clamped.eq(Mux(under, q.low, Mux(over, q.high, value)))
        if not q.table:
            m.d.comb += self.o.eq(clamped)
            return m
        bits = len(self.o)
        m.submodules.rom = rom = self.kit.rom(self.what, [v % (1 << bits) for v in q.table], bits)
        # Entry v of 2^k is at v + 2^(k-1): the highest bit the other way round.
        size = (len(q.table) - 1).bit_length()
        index = Signal(signed(size))
        m.d.comb += index.eq(clamped)
        m.d.comb += rom.address.eq(Cat(index[: size - 1], ~index[size - 1]))
        m.d.comb += [rom.enable.eq(1), rom.output_enable.eq(1), self.o.eq(rom.data)]
        return m


class Accumulators(wiring.Component):
    """One sum per lane: sum' = sum + product, and out it goes with ``flush``.

    ``o[j]`` is sum + product, complete where the lane's group flushes; the sum then starts again at 0. Without ``valid``
    nothing changes, and there must be no ``flush``. Groups are the lanes with equal low index bits. There is no reset: a
    flush of all groups clears the sums.
    Latency ``LATENCY`` cycles, which takes the products from wherever the multipliers are to the adders. ``o`` comes
    straight from the adders, so that the one register behind an adder is that of its own sum.

    Members
    -------
    i: products, lanes x p_bits, signed
    valid, flush: of the same cycle; flush is one bit per group, and set only where valid is
    o: lanes x sum_bits
    """

    LATENCY = 1

    def __init__(self, kit: Kit = PLAIN, *, lanes: int, p_bits: int, sum_bits: int, groups: int, copies: int = 1):
        self.kit, self.copies = kit, copies
        self.lanes, self.p_bits, self.sum_bits, self.groups = lanes, p_bits, sum_bits, groups
        super().__init__({"i": In(lanes * p_bits), "valid": In(1), "flush": In(groups), "o": Out(lanes * sum_bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        fanout = self.kit.fanout(m, "fanout", Cat(self.valid, self.flush), self.copies)
        totals = []
        for j in range(self.lanes):
            own = fanout.near(j, self.lanes)
            valid, flush = own[0], own[1 + j % self.groups]
            product = Signal(signed(self.p_bits), name=f"product_{j}", reset_less=True)
            m.d.sync += product.eq(self.i.word_select(j, self.p_bits))
            total = Signal(signed(self.sum_bits), name=f"total_{j}")
            kept = Signal(signed(self.sum_bits), name=f"sum_{j}", reset_less=True)
            m.d.comb += total.eq(kept + product)
            # A clear and a clock enable cost no logic; selecting zero before the adder would. A flush is always valid.
            with m.If(valid):
                m.d.sync += kept.eq(total)
            with m.If(flush):
                m.d.sync += kept.eq(0)
            totals.append(total)
        m.d.comb += self.o.eq(Cat(*totals))
        return m
