"""What is counted in a component, and what is not: constants, what is there twice, what nobody reads."""

from amaranth.hdl import Module, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from hdlgen.estimate.netlist import contents
from hdlgen.estimate.storage import STORES, Storage, gowin_multipliers


class Small(wiring.Component):
    """A register of a sum, the same again, one that stays 0, and one that nobody reads."""

    def __init__(self) -> None:
        super().__init__({"a": In(4), "b": In(4), "enable": In(1), "o": Out(5), "p": Out(5), "q": Out(3)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        one, two, never, unread = Signal(5), Signal(5), Signal(3), Signal(7)
        with m.If(self.enable):
            m.d.sync += [one.eq(self.a + self.b), two.eq(self.a + self.b), never.eq(0), unread.eq(self.a)]
        m.d.comb += [self.o.eq(one), self.p.eq(two), self.q.eq(never)]
        return m


class Stored(wiring.Component):
    def __init__(self) -> None:
        super().__init__({"address": In(8), "data": In(12), "write": In(1), "o": Out(12)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.storage = storage = memory.Memory(shape=12, depth=256, init=[])
        write, read = storage.write_port(), storage.read_port()
        m.d.comb += [write.addr.eq(self.address), write.data.eq(self.data), write.en.eq(self.write)]
        m.d.comb += [read.addr.eq(self.address), read.en.eq(1), self.o.eq(read.data)]
        return m


def test_what_is_left() -> None:
    found = contents(Small())
    assert found.counts["register"] == 5
    assert found.counts["adders"] == 1
    assert found.counts["add"] == 4
    assert found.counts["mux"] == 0, "to keep a value costs no look-up table"
    assert found.depth > 1


def test_what_is_read() -> None:
    found = contents(Small(), used={("o", 0), ("o", 1)})
    assert found.counts["register"] == 2
    assert contents(Small(), used=()).counts["register"] == 0


def test_memories() -> None:
    (found,) = contents(Stored()).storages
    assert found == Storage(depth=256, width=12, written=True, asynchronous=False, columns=1)
    assert not contents(Stored(), used=()).storages


def test_what_memories_become() -> None:
    """As Yosys does it; each of these was looked at in a netlist."""

    def ram(depth: int, width: int, columns: int = 1) -> Storage:
        return Storage(depth=depth, width=width, written=True, asynchronous=False, columns=columns)

    assert STORES["ice40"].choice(ram(504, 18, 2)) == ("block", 3)
    assert STORES["ice40"].choice(ram(4, 16)) == ("bit", 64)
    assert STORES["gowin"].choice(ram(32, 15)) == ("lutram", 8)
    assert STORES["gowin"].choice(ram(49, 32, 4)) == ("block", 1)
    rom = Storage(depth=256, width=16, written=False, asynchronous=False, columns=1)
    assert STORES["gowin"].choice(rom) == ("block", 1)
    assert gowin_multipliers([(9, 4), (9, 9), (18, 8), (3, 3)]) == (3, 9)
