"""Memories and multipliers with registers on both sides, each as one module of its own.

Synthesis tools find neither the output register of a block RAM nor the registers of a multiplier by themselves, and a design
that waits for an unregistered block RAM is half as fast; and they merge the copies of a register that were made because one
cannot reach all of its loads in time. So these parts are modules with a fixed name and fixed latency; `elaborate` gives
their behaviour, and `hdlgen.gateware.ecp5` and `hdlgen.gateware.ice40` give the same module made of the device's own parts.
With a `Library` the surrounding design only refers to the module by name, and the library remembers that the module is
wanted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from amaranth.hdl import Cat, ClockSignal, Instance, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In

from hdlgen.gateware.streams import inputs, outputs
from hdlgen.targets import PIECE, Memory

__all__ = [
    "ANY_VALUE",
    "LATENCY",
    "PIECE",
    "Fanout",
    "FanoutParameters",
    "Library",
    "Multiplier",
    "MultiplierParameters",
    "Primitive",
    "Ram",
    "RamParameters",
    "Rom",
    "RomParameters",
    "Store",
    "StoreParameters",
    "read_always",
]

LATENCY = 2
"""Cycles from an address or a pair of factors to the value: one register on either side."""


ANY_VALUE = {"no_rw_check": "1"}
"""Of a memory of which no word is used that was read while it was written. Without it, Yosys adds logic that gives the old
one where block RAM would not."""


@dataclass(frozen=True, kw_only=True)
class RomParameters:
    """``depth`` words of ``width`` bits; ``init`` holds them as unsigned integers."""

    name: str
    depth: int
    width: int
    init: tuple[int, ...]

    @classmethod
    def of(cls, name: str, words: Sequence[int], width: int) -> "RomParameters":
        return cls(name=name, depth=len(words), width=width, init=tuple(words))

    @property
    def contents(self) -> tuple[int, ...]:
        """The words that are there from the beginning."""
        return self.init

    @property
    def memory(self) -> Memory:
        """What there is to be block RAM for."""
        return Memory(depth=self.depth, width=self.width)

    @property
    def address_bits(self) -> int:
        return max(self.memory.banks * self.depth - 1, 1).bit_length()

    @property
    def ports(self) -> dict[str, wiring.Member]:
        return inputs(enable=1, output_enable=1, address=self.address_bits) | outputs(data=self.width)


@dataclass(frozen=True, kw_only=True)
class StoreParameters(RomParameters):
    """A memory of ``banks`` times ``depth`` words; ``init`` holds those of bank 0.

    ``preset``: they are there from the beginning; otherwise they are written before they are read. ``single_port``: no word
    can be read while one is written, and nothing is preset.
    """

    banks: int = 1
    preset: bool = True
    single_port: bool = False

    @property
    def contents(self) -> tuple[int, ...]:
        return self.init if self.preset and not self.single_port else ()

    @property
    def memory(self) -> Memory:
        return Memory(depth=self.depth, width=self.width, banks=self.banks, written=True)

    @property
    def pieces(self) -> int:
        """Pieces of a word that are written one by one."""
        return -(-self.width // PIECE)

    @property
    def ports(self) -> dict[str, wiring.Member]:
        return super().ports | inputs(write_enable=self.pieces, write_address=self.address_bits, write_data=PIECE)


@dataclass(frozen=True, kw_only=True)
class RamParameters:
    """``depth`` rows of ``lanes`` columns of ``values`` values of ``bits`` bits, each value with its own write enable.

    What is read is one value of each column; its number, a power of two of them, stands below the row in the address.
    """

    name: str
    depth: int
    lanes: int
    bits: int
    values: int = 1

    @property
    def value_bits(self) -> int:
        """Of the number of a value."""
        return self.values.bit_length() - 1

    @property
    def ports(self) -> dict[str, wiring.Member]:
        bits, count = max(self.depth - 1, 1).bit_length(), self.lanes * self.values
        write = inputs(write_enable=count, write_address=bits, write_data=count * self.bits)
        return write | inputs(read_address=self.value_bits + bits) | outputs(read_data=self.lanes * self.bits)


@dataclass(frozen=True, kw_only=True)
class MultiplierParameters:
    """``lanes`` products of an ``a_bits`` factor, signed if ``a_signed``, and a ``w_bits`` factor, signed if ``w_signed``.

    ``kind`` is "dsp" or "lut", which differ only in what a device makes of them; or "add": weights in {-1, 0, 1} without
    any multiplication; or "shift": the highest bit of w is the sign, the rest says 0 or, less one, which power of two.
    """

    name: str
    lanes: int
    a_bits: int
    w_bits: int
    kind: str
    a_signed: bool = False
    w_signed: bool = True

    @property
    def p_bits(self) -> int:
        if self.kind == "shift":
            return self.a_bits + (1 << (self.w_bits - 1)) - 1
        return self.a_bits + (1 if self.kind == "add" else self.w_bits)

    @property
    def ports(self) -> dict[str, wiring.Member]:
        n = self.lanes
        return inputs(a=n * self.a_bits, w=n * self.w_bits) | outputs(p=n * self.p_bits)


@dataclass(frozen=True, kw_only=True)
class FanoutParameters:
    """``copies`` registers of ``width`` bits."""

    prefix: str = "hdlgen"
    width: int
    copies: int = 1

    @property
    def name(self) -> str:
        return f"{self.prefix}_fanout_{self.width}x{self.copies}"

    @property
    def ports(self) -> dict[str, wiring.Member]:
        return inputs(i=self.width) | outputs(o=self.width * self.copies)


class Library:
    """The primitives that a design refers to, by module name."""

    def __init__(self) -> None:
        self.parts: dict[str, Primitive] = {}

    def add(self, part: "Primitive") -> None:
        known = self.parts.setdefault(part.parameters.name, part)
        assert known.parameters == part.parameters, f"two parts called {part.parameters.name}"


def read_always(memory: Any, address: Any) -> list[Any]:
    """Statements that read ``memory``, a `Rom` or `Store`, at an address in every cycle."""
    return [memory.enable.eq(1), memory.output_enable.eq(1), memory.address.eq(address)]


class Primitive(wiring.Component):
    """A part that can stand in the design itself or, with a ``library``, be named there and supplied beside it.

    ``black_boxes`` are modules that tools do not know: Verilog that says what ports and parameters they have.
    """

    black_boxes: ClassVar[Mapping[str, str]] = {}

    def __init__(self, parameters: Any, *, library: Library | None = None):
        self.parameters, self.library = parameters, library
        super().__init__(parameters.ports)

    def elaborate(self, platform: object) -> Module | Instance:
        if self.library is None:
            m = Module()
            self.behaviour(m)
            return m
        self.library.add(self)
        members = self.signature.members.items()
        ports = [("i" if member.flow is In else "o", name, getattr(self, name)) for name, member in members]
        return Instance(self.parameters.name, ("i", "clk", ClockSignal()), *ports)

    def behaviour(self, m: Module) -> None:
        raise NotImplementedError


class Rom(Primitive):
    """Read-only memory: ``data`` is word ``address`` two cycles later.

    ``enable`` moves the first register on, ``output_enable`` the second; the second never without the first.
    """

    def behaviour(self, m: Module) -> None:
        p = self.parameters
        m.submodules.storage = storage = memory.Memory(shape=unsigned(p.width), depth=p.depth, init=p.init)
        port = storage.read_port()
        m.d.comb += [port.addr.eq(self.address), port.en.eq(self.enable)]
        with m.If(self.output_enable):
            m.d.sync += self.data.eq(port.data)


class Store(Primitive):
    """`Rom` that can be written, ``PIECE`` bits at a time: ``write_enable`` has a bit for every piece of a word.

    A word that is read in the cycle in which it is written may be anything. Bank b begins at address b * depth.
    """

    def behaviour(self, m: Module) -> None:
        p = self.parameters
        for piece in range(p.pieces):
            low = piece * PIECE
            bits = min(PIECE, p.width - low)
            init = [word >> low & ((1 << bits) - 1) for word in p.contents]
            storage = memory.Memory(shape=unsigned(bits), depth=p.banks * p.depth, init=init, attrs=ANY_VALUE)
            m.submodules[f"piece_{piece}"] = storage
            write, read = storage.write_port(), storage.read_port()
            m.d.comb += [write.addr.eq(self.write_address), write.data.eq(self.write_data)]
            m.d.comb += write.en.eq(self.write_enable[piece])
            m.d.comb += read.addr.eq(self.address)
            m.d.comb += read.en.eq(self.enable & ~self.write_enable.any() if p.single_port else self.enable)
            with m.If(self.output_enable):
                m.d.sync += self.data[low : low + bits].eq(read.data)


class Ram(Primitive):
    """One write and one read port: ``read_data`` is row ``read_address`` two cycles later.

    A row read in the cycle in which it is written may give either value.
    """

    def behaviour(self, m: Module) -> None:
        p = self.parameters
        shape = data.ArrayLayout(unsigned(p.bits), p.lanes * p.values)
        m.submodules.storage = storage = memory.Memory(shape=shape, depth=p.depth, init=[], attrs=ANY_VALUE)
        write = storage.write_port(granularity=1)
        read = storage.read_port()
        m.d.comb += [write.addr.eq(self.write_address), write.data.eq(self.write_data)]
        m.d.comb += [write.en.eq(self.write_enable), read.addr.eq(self.read_address[p.value_bits :]), read.en.eq(1)]
        words = Signal(len(write.data.as_value()), reset_less=True)
        m.d.sync += words.eq(read.data)
        self.select(m, self.read_address[: p.value_bits], words)

    def select(self, m: Module, number: Value, words: Value) -> None:
        """``read_data``: the value with the ``number`` of every column of ``words``, which is there LATENCY cycles later."""
        p = self.parameters
        for place in range(LATENCY):
            before, number = number, Signal(len(number), name=f"number_{place}", reset_less=True)
            m.d.sync += number.eq(before)
        size = p.bits << len(number)
        for lane in range(p.lanes):
            word = words.word_select(lane, size)
            m.d.comb += self.read_data.word_select(lane, p.bits).eq(word.word_select(number, p.bits))


class Multiplier(Primitive):
    """Products of all lanes: ``p[j] = a[j] * w[j]`` two cycles later."""

    def behaviour(self, m: Module) -> None:
        q = self.parameters
        a, w = Signal.like(self.a, reset_less=True), Signal.like(self.w, reset_less=True)
        m.d.sync += [a.eq(self.a), w.eq(self.w)]
        for j in range(q.lanes):
            factor = a.word_select(j, q.a_bits)
            value = factor.as_signed() if q.a_signed else factor
            weight = w.word_select(j, q.w_bits)
            weight = weight.as_signed() if q.w_signed else weight
            # A register of its own for each lane: tools that put registers into multipliers look at whole ones.
            product = Signal(q.p_bits, name=f"product_{j}", reset_less=True)
            m.d.comb += self.p.word_select(j, q.p_bits).eq(product)
            if q.kind not in ("add", "shift"):
                m.d.sync += product.eq((value * weight)[: q.p_bits])
                continue
            # p = plain or -plain, plain = 0 or a, or 0 or a << e: no carry chain beyond the negation.
            plain = Signal(signed(q.p_bits), name=f"plain_{j}")
            if q.kind == "add":
                kept = factor & weight[0].replicate(q.a_bits)
                m.d.comb += plain.eq(kept.as_signed() if q.a_signed else kept)
            else:
                power = Value.cast(weight)[:-1]
                m.d.comb += plain.eq(Mux(power == 0, 0, (value << power) >> 1))
            m.d.sync += product.eq((Cat(plain ^ weight[-1].replicate(q.p_bits)) + weight[-1])[: q.p_bits])


class Fanout(Primitive):
    """One register in several copies, each near the loads that it drives: every copy in ``o`` is ``i`` one cycle later."""

    def __init__(self, parameters: FanoutParameters, *, library: Library | None = None):
        # A single copy is no different from any other register, and none at all needs no module.
        apart = parameters.copies > 1 and parameters.width > 0
        super().__init__(parameters, library=library if apart else None)

    def near(self, lane: int, lanes: int) -> Value:
        """The copy for ``lane`` of ``lanes``."""
        return self.o.word_select(lane * self.parameters.copies // lanes, self.parameters.width)

    def behaviour(self, m: Module) -> None:
        copies = Signal(len(self.o), reset_less=True)
        m.d.sync += copies.eq(self.i.replicate(self.parameters.copies))
        m.d.comb += self.o.eq(copies)
