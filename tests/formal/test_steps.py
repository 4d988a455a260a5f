"""Frames of time steps: only good steps of good sequences are handed on, each with the right flags and its own elements."""

from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Array, Assert, Assume, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hdlgen.gateware.steps import Slots, StepLoader

from . import prover
from .prover import Fault

BITS = 2


class Framing(wiring.Component):
    """The loader, against a description that counts beats and remembers no more than the contract names.

    A frame is good if its ``tlast`` comes with its beat number ``width``. A sequence is broken from its first bad frame on
    to the next ``tlast`` with ``tuser``. A good frame of a sequence that is not broken is committed; it is the first
    if what came before it was the end of a sequence, or a broken one, or nothing.
    """

    def __init__(self, width: int, fault: Fault | None = None) -> None:
        self.width, self.fault = width, fault
        self.loader = StepLoader(width=width, bits=BITS, data_bits=8)
        members = {"data": 8, "valid": 1, "last": 1, "user": 1, "free": 1, "place": 1, "tracked": 3}
        super().__init__({name: In(size) for name, size in members.items()})

    @property
    def ports(self) -> list[Value]:
        return [self.data, self.valid, self.last, self.user, self.free, self.place, self.tracked]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        loader, width = self.loader, self.width
        m.submodules.loader, inner = prover.opened(loader, self.fault)
        m.d.comb += [
            loader.s_data.eq(self.data),
            loader.s_valid.eq(self.valid),
            loader.s_last.eq(self.last),
            loader.s_user.eq(self.user),
            loader.free.eq(self.free),
            loader.write_place.eq(self.place),
        ]
        # Beats of the frame that came already; more than ``width`` are as many.
        count = Signal(range(width + 2))
        broken, between, error = Signal(), Signal(init=1), Signal()
        beat, good, bad = Signal(), Signal(), Signal()
        number = count + 1
        m.d.comb += [
            beat.eq(self.valid & loader.s_ready),
            good.eq(beat & self.last & (number == width)),
            bad.eq(beat & Mux(self.last, number < width, number == width)),
            Assert(loader.commit == (good & ~broken)),
            Assert(~loader.commit | (loader.first == between)),
            Assert(~loader.commit | (loader.last == self.user)),
            Assert(loader.frame_error == error),
            Assert(loader.s_ready == self.free),
        ]
        with m.If(beat):
            m.d.sync += count.eq(Mux(self.last, 0, Mux(number > width, width + 1, number)))
        with m.If(bad):
            m.d.sync += [error.eq(1), broken.eq(1), between.eq(1)]
        with m.If(good & ~broken):
            m.d.sync += between.eq(self.user)
        with m.If(beat & self.last & self.user):
            m.d.sync += broken.eq(0)

        # Any one element of the frame: what was written last of it, at the cycle after the frame's last beat.
        begun, before = Signal(), Signal.like(self.tracked)
        sent, written, committed, place = Signal(BITS), Signal(BITS), Signal(), Signal()
        m.d.sync += [begun.eq(1), before.eq(self.tracked), committed.eq(loader.commit), place.eq(self.place)]
        m.d.comb += [Assume(self.tracked < width), Assume(~begun | (self.tracked == before))]
        with m.If(beat & (count == self.tracked)):
            m.d.sync += sent.eq(self.data)
        now = Signal(BITS)
        m.d.comb += now.eq(
            Mux(loader.write_enable & (loader.write_index == self.tracked), loader.write_data, written)
        )
        m.d.sync += written.eq(now)
        m.d.comb += [Assert(~committed | (now == sent)), Assert(~loader.write_enable | (loader.write_to == place))]

        # For the induction: what the registers have to do with that.
        m.d.comb += [
            Assert(inner["dropping"] == (count >= width)),
            Assert(inner["dropping"] | (inner["index"] == count)),
            Assert(inner["final"] == (inner["index"] == width - 1)),
            Assert(inner["broken"] == broken),
            Assert(inner["fresh"] == between),
            Assert(count <= width + 1),
            Assert((count <= self.tracked) | (count >= width) | (now == sent)),
            Assert(~inner["dropping"] | (inner["index"] == 0)),
            Assert(~inner["dropping"] | ~committed),
            Assert(~committed | (count == 0)),
        ]
        return m


@pytest.mark.parametrize("width", [1, 2, 5])
def test_framing(width: int, tmp_path: Path) -> None:
    specification = Framing(width)
    prover.prove(specification, tmp_path, ports=specification.ports, depth=3)


def _user_anywhere(m: Module, inner: dict[str, Any]) -> None:
    """tuser ends a broken sequence on any beat."""
    with m.If(inner["beat"] & inner["self"].s_user):
        m.d.sync += inner["broken"].eq(0)


def _not_fresh(m: Module, inner: dict[str, Any]) -> None:
    """What follows a bad frame goes on with the sequence before it."""
    with m.If(inner["wrong"]):
        m.d.sync += inner["fresh"].eq(0)


def _forgives(m: Module, inner: dict[str, Any]) -> None:
    """Only the bad frame is dropped, not the rest of its sequence."""
    m.d.sync += inner["broken"].eq(0)


@pytest.mark.parametrize("fault", [_user_anywhere, _not_fresh, _forgives])
def test_framing_mutants_fail(fault: Fault, tmp_path: Path) -> None:
    mutant = Framing(2, fault)
    prover.refute(mutant, tmp_path, ports=mutant.ports, depth=10)


class Places(wiring.Component):
    """The places between a writer and a reader: what is committed comes out, once, in order, with its flags.

    A step is a free number, written at its commit into the place that is named; the reader has to find it at the place
    that is named to it.
    """

    def __init__(self, places: int, fault: Fault | None = None) -> None:
        self.slots, self.fault = Slots(places), fault
        super().__init__({name: In(1) for name in ("reserve", "commit", "release", "first", "last", "value")})

    @property
    def ports(self) -> list[Value]:
        return [self.reserve, self.commit, self.release, self.first, self.last, self.value]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        slots, places = self.slots, self.slots.places
        m.submodules.slots, inner = prover.opened(slots, self.fault)
        # Steps in order, as many as there are places: reserved, and of these committed.
        flags = [Signal(2, name=f"flags_{n}") for n in range(places)]
        values = [Signal(name=f"value_{n}") for n in range(places)]
        reserved, committed = Signal(range(places + 1)), Signal(range(places + 1))
        memory = Signal(places)
        given = self.first | (self.last << 1)
        m.d.comb += [
            slots.reserve.eq(self.reserve),
            slots.reserve_first.eq(self.first),
            slots.reserve_last.eq(self.last),
            slots.commit.eq(self.commit),
            slots.release.eq(self.release),
            Assume(~self.reserve | slots.free),
            Assume(~self.release | slots.valid),
            Assume(~self.commit | (committed < reserved + self.reserve)),
            Assert(slots.free == (reserved < places)),
            Assert(slots.valid == (committed != 0)),
            Assert((committed == 0) | (slots.first == flags[0][0])),
            Assert((committed == 0) | (slots.last == flags[0][1])),
            Assert((committed == 0) | (memory.bit_select(slots.place, 1) == values[0])),
        ]
        with m.If(self.commit):
            m.d.sync += memory.bit_select(slots.write_place, 1).eq(self.value)
        kept = reserved - self.release
        m.d.sync += [
            reserved.eq(reserved + self.reserve - self.release),
            committed.eq(committed + self.commit - self.release),
        ]
        for n in range(places):
            after_flags, after_value = Signal(2, name=f"after_flags_{n}"), Signal(name=f"after_value_{n}")
            m.d.comb += [
                after_flags.eq(Mux(self.release, [*flags, 0][n + 1], flags[n])),
                after_value.eq(Mux(self.release, [*values, 0][n + 1], values[n])),
            ]
            m.d.sync += [
                flags[n].eq(Mux(self.reserve & (kept == n), given, after_flags)),
                values[n].eq(Mux(self.commit & (committed - self.release == n), self.value, after_value)),
            ]
        # For the induction: the places follow from the one that is read.
        m.d.comb += [
            Assert(inner["occupied"] == reserved),
            Assert(inner["filled"] == committed),
            Assert(committed <= reserved),
            Assert(reserved <= places),
            Assert(slots.write_place == (slots.place + committed)[: slots.place_bits]),
            Assert(inner["reserve_place"] == (slots.place + reserved)[: slots.place_bits]),
        ]
        for n in range(places):
            place = (slots.place + n)[: slots.place_bits]
            m.d.comb += Assert((reserved <= n) | (Array(inner["flags"])[place] == flags[n]))
            m.d.comb += Assert((committed <= n) | (memory.bit_select(place, 1) == values[n]))
        return m


@pytest.mark.parametrize("places", [2, 4])
def test_places(places: int, tmp_path: Path) -> None:
    specification = Places(places)
    prover.prove(specification, tmp_path, ports=specification.ports, depth=3)


def _flags_of_the_other(m: Module, inner: dict[str, Any]) -> None:
    """The flags are those of the place that is written."""
    slots = inner["self"]
    m.d.comb += slots.first.eq(Mux(slots.write_place, inner["flags"][1][0], inner["flags"][0][0]))


def test_places_mutant_fails(tmp_path: Path) -> None:
    mutant = Places(2, _flags_of_the_other)
    prover.refute(mutant, tmp_path, ports=mutant.ports, depth=8)
