"""New weights take effect between frames only, and nobody reads the bank that is written: for all surroundings."""

from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Array, Assert, Assume, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hdlgen.compiler import Options
from hdlgen.compiler.path.compile import compile_paths
from hdlgen.gateware.image import Held
from hdlgen.gateware.path.contents import held
from hdlgen.gateware.reload import Gate, Reload
from hdlgen.gateware.steps import StepLoader

from ..compiler.networks import make
from . import prover


def memories(banks: int) -> Held:
    return held(compile_paths(make((4, 3), 8), Options(lanes=2, source="ram", banks=banks)))


class Switch(wiring.Component):
    """With ports that may do anything, and ``idle`` as `Sequencer` has it: only after ``accept`` was low.

    - the bank that is read changes only while no frame is on its way;
    - no piece is written into the bank that is read while a frame may be on its way.
    """

    def __init__(self, dut: Reload, fault: prover.Fault | None = None):
        self.dut, self.fault = dut, fault
        super().__init__({name: In(m.shape) for name, m in dut.signature.members.items() if m.flow is In})

    @property
    def ports(self) -> list[Value]:
        return [self.data, self.valid, self.kind, self.idle]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        dut = self.dut
        m.submodules.dut, inner = prover.opened(dut, self.fault)
        for name in self.signature.members:
            m.d.comb += getattr(dut, name).eq(getattr(self, name))
        # A frame may be on its way from the moment in which ``accept`` is high until ``idle`` says that there is none.
        accepted = Signal(init=1, reset_less=True)
        m.d.sync += accepted.eq(dut.accept)
        m.d.comb += Assume(~self.idle | ~accepted)
        busy = Signal()  # a reset ends all frames
        now_busy = busy & ~self.idle
        m.d.sync += busy.eq(now_busy | dut.accept)

        bank, started = Signal(reset_less=True), Signal(reset_less=True)
        m.d.sync += [bank.eq(dut.load.bank), started.eq(1)]
        was_busy = Signal()
        m.d.sync += was_busy.eq(now_busy | dut.accept)
        m.d.comb += Assert(~started | (bank == dut.load.bank) | ~was_busy)
        if dut.held.banks == 1:
            m.d.comb += Assert(~dut.load.select.any() | (~now_busy & ~dut.accept))
        else:
            for number, store in enumerate(dut.held.stores):
                upper = dut.load.address >= store.depth
                m.d.comb += Assert(~dut.load.select[number] | (upper != dut.load.bank))
        if self.fault is not None:
            return m
        # For the induction.
        receiving, waits, in_force = dut.receiving, inner["waits"], inner["in_force"]
        phases = (receiving, dut.complete, inner["leaving"], inner["switching"])
        m.d.comb += Assert(sum(phases) <= 1)
        m.d.comb += Assert(~inner["starting"] | ((inner["left"] == 0) & ~inner["byte_valid"]))
        if dut.held.banks == 1:
            m.d.comb += [
                Assert(~(receiving | dut.complete | inner["leaving"] | inner["switching"] | waits) | ~in_force),
                Assert(in_force | waits | ~now_busy),
                Assert(~waits | ((inner["left"] == 0) & ~inner["byte_valid"] & ~dut.load.select.any())),
                Assert(~dut.load.select.any() | ~in_force),
                Assert(~dut.load.bank),
            ]
        else:
            stores, memory, word = dut.held.stores, inner["memory"], inner["word"]
            first = Array(Mux(inner["other"], store.depth, 0) for store in stores)[memory]
            at_work = receiving & ~inner["in_crc"] & ~inner["starting"]
            m.d.comb += [
                Assert(~at_work | (memory < len(stores))),
                Assert(~at_work | (inner["address"] == first + word)),
                Assert(~at_work | (word <= inner["last_word"])),
                Assert(in_force),
            ]
            # What is on its way to the memories was meant for the bank that is still not read.
            for number in range(len(stores)):
                m.d.comb += Assert(~dut.load.select[number] | receiving)
        return m


@pytest.mark.parametrize("banks", [1, 2])
def test_switch(banks: int, tmp_path: Path) -> None:
    specification = Switch(Reload(memories(banks)))
    prover.prove(specification, tmp_path, ports=specification.ports, depth=3)


def at_once(m: Module, inner: dict[str, Any]) -> None:
    """COMMIT is obeyed whatever there is and whoever is on the way."""
    with m.If(inner["commit"]):
        m.d.sync += inner["bank"].eq(inner["other"])


def without_header(m: Module, inner: dict[str, Any]) -> None:
    """Not wrong in itself: the first piece is written sooner, within the reach of the solver."""
    with m.If(inner["starting"]):
        m.d.sync += inner["in_header"].eq(0)


def goes_on(m: Module, inner: dict[str, Any]) -> None:
    """The one bank is written while frames may still read it."""
    without_header(m, inner)
    m.d.sync += inner["waits"].eq(0)


def own_bank(m: Module, inner: dict[str, Any]) -> None:
    """The image goes where the weights in force are."""
    without_header(m, inner)
    with m.If(inner["write"]):
        m.d.sync += inner["self"].load.address.eq(inner["word"])
    m.d.sync += inner["bank"].eq(0)


@pytest.mark.parametrize(("fault", "banks"), [(at_once, 2), (goes_on, 1), (own_bank, 2)])
def test_mutant_fails(fault: prover.Fault, banks: int, tmp_path: Path) -> None:
    specification = Switch(Reload(memories(banks)), fault)
    prover.refute(specification, tmp_path, ports=specification.ports, depth=30)


def test_sooner_is_still_right(tmp_path: Path) -> None:
    """What makes the mutants quick does not make them wrong."""
    for banks in (1, 2):
        specification = Switch(Reload(memories(banks)), without_header)
        prover.prove(specification, tmp_path / str(banks), ports=specification.ports, depth=30, mode="bmc")


class Between(wiring.Component):
    """The gate before the loader of a core: when it says that nothing is on its way, that is so.

    - With ``idle`` the next beat is the first of a sequence, everything due has left, and ``accept`` was low, as `Switch`
      assumes: so none can begin before what waits for ``idle`` has been done.
    - Only with ``accept`` a sequence begins; one that has begun is never held up.
    - ``idle`` comes as soon as it can.
    """

    WIDTH = 2

    def __init__(self, fault: prover.Fault | None = None):
        self.gate, self.loader, self.fault = Gate(most=6), StepLoader(width=self.WIDTH, bits=1, data_bits=8), fault
        names = ("valid", "last", "user", "free", "accept", "sent", "every_step")
        super().__init__(dict.fromkeys(names, In(1)))

    @property
    def ports(self) -> list[Value]:
        return [self.valid, self.last, self.user, self.free, self.accept, self.sent, self.every_step]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        gate, loader = self.gate, self.loader
        m.submodules.gate, inner = prover.opened(gate, self.fault)
        m.submodules.loader, steps = prover.opened(loader)
        due = loader.commit & (loader.last | self.every_step)
        beat = Signal()
        m.d.comb += [
            loader.s_valid.eq(self.valid & gate.open),
            loader.s_last.eq(self.last),
            loader.s_user.eq(self.user),
            loader.free.eq(self.free),
            beat.eq(loader.s_valid & loader.s_ready),
            gate.beat.eq(beat),
            gate.last.eq(self.last),
            gate.user.eq(self.user),
            gate.due.eq(due),
            gate.sent.eq(self.sent),
            gate.accept.eq(self.accept),
        ]
        # Frames of results on their way: no more than the places that there are for them.
        waiting, begun = Signal(range(gate.most + 1)), Signal()
        m.d.sync += waiting.eq(waiting + due - self.sent)
        m.d.comb += [Assume(~self.sent | (waiting != 0)), Assume(~due | (waiting < gate.most))]
        # A sequence lasts from its first beat to one with both, whatever lies between.
        with m.If(beat):
            m.d.sync += begun.eq(~(self.last & self.user))
        between = steps["fresh"] & (steps["index"] == 0) & ~steps["dropping"] & ~steps["broken"]
        accepted, could = Signal(init=1), Signal()
        m.d.sync += [accepted.eq(self.accept), could.eq(~self.accept & ~begun & (waiting == 0))]
        m.d.comb += [
            Assert(~gate.idle | ~accepted),
            Assert(~gate.idle | (~begun & (waiting == 0))),
            Assert(~gate.idle | between),
            Assert(~beat | begun | self.accept),
            Assert(~begun | gate.open),
            Assert(gate.idle == could),
        ]
        # For the induction.
        m.d.comb += [
            Assert(inner["inside"] == begun),
            Assert(inner["waiting"] == waiting),
            Assert(begun | between),
            Assert(steps["final"] == (steps["index"] == self.WIDTH - 1)),
            Assert(~steps["dropping"] | (steps["broken"] & (steps["index"] == 0))),
            Assert(~steps["broken"] | steps["fresh"]),
            Assert(~could | (~begun & (waiting == 0))),
        ]
        return m


def test_between_sequences(tmp_path: Path) -> None:
    specification = Between()
    prover.prove(specification, tmp_path, ports=specification.ports, depth=3)


def between_frames(m: Module, inner: dict[str, Any]) -> None:
    """A sequence ends with any of its frames."""
    with m.If(inner["self"].beat):
        m.d.sync += inner["inside"].eq(~inner["self"].last)


def results_forgotten(m: Module, inner: dict[str, Any]) -> None:
    """What has come in is not waited for."""
    m.d.sync += inner["waiting"].eq(0)


def too_soon(m: Module, inner: dict[str, Any]) -> None:
    """``idle`` although a sequence may just begin."""
    m.d.sync += inner["self"].idle.eq(~(inner["inside"] | inner["waiting"].any()))


@pytest.mark.parametrize("fault", [between_frames, results_forgotten, too_soon])
def test_between_mutants_fail(fault: prover.Fault, tmp_path: Path) -> None:
    specification = Between(fault)
    prover.refute(specification, tmp_path, ports=specification.ports, depth=10)
