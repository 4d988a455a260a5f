"""The contract of a bus: every access is answered once and within a bound, answers stand until they are taken, and what was
taken of a frame enters the core in order, whole, with its end where it belongs."""

from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hdlgen.gateware.bus.bank import Bank
from hdlgen.gateware.bus.fronts import AxiLite, Front, Wishbone
from hdlgen.gateware.bus.registers import BusParameters

from . import prover

PARAMETERS = BusParameters(core="core", beat_bits=16, beats=3, result_bits=32, results=2, score_bits=17, patience=3)

DATA = 0x2C


class Around(wiring.Component):
    """Any master and any core, each of which keeps the rules on its side.

    ``core``: its s_axis_tready, m_axis_tvalid, m_axis_tlast and m_axis_tdata are free, but for the stream's rules.
    """

    def __init__(self, front: Front, fault: prover.Fault | None = None):
        self.front, self.fault = front, fault
        members = {name: In(member.shape) for name, member in front.signature.members.items() if member.flow is In}
        core = {
            "core_ready": In(1),
            "core_valid": In(1),
            "core_last": In(1),
            "core_data": In(32),
            "core_error": In(1),
        }
        super().__init__(members | core)

    @property
    def ports(self) -> list[Value]:
        return [getattr(self, name) for name in self.signature.members]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self.bank = bank = Bank(self.front.parameters)
        bank_module, self.inner = prover.opened(bank, self.fault if self.of_bank else None)
        m.submodules.bank = bank_module
        front = Module()
        self.front.attach(front, bank)
        self.front._MustUse__used = True
        if self.fault is not None and not self.of_bank:
            self.fault(front, {"self": self.front, "bank": bank})
        m.submodules.front = front
        for name, member in self.front.signature.members.items():
            if member.flow is In:
                m.d.comb += getattr(self.front, name).eq(getattr(self, name))
        m.d.comb += [
            bank.s_axis_tready.eq(self.core_ready),
            bank.m_axis_tvalid.eq(self.core_valid),
            bank.m_axis_tlast.eq(self.core_last),
            bank.m_axis_tdata.eq(self.core_data),
            bank.frame_error.eq(self.core_error),
        ]
        # The core's side of its streams; its reset begins them anew.
        offered = Signal(34)
        stalled = Signal()
        m.d.sync += offered.eq(Cat(self.core_data, self.core_last, 1))
        m.d.sync += stalled.eq(self.core_valid & ~bank.m_axis_tready & ~bank.core_reset)
        m.d.comb += Assume(~stalled | (Cat(self.core_data, self.core_last, self.core_valid) == offered))
        self.stream(m)
        self.statements(m)
        return m

    of_bank = True

    def stream(self, m: Module) -> None:
        """What enters the core: beats stand until they are taken, and every third is the last of a frame."""
        bank = self.bank
        before = Signal(18)
        waited = Signal()
        place = Signal(2)
        m.d.sync += before.eq(Cat(bank.s_axis_tdata, bank.s_axis_tlast, 1))
        m.d.sync += waited.eq(bank.s_axis_tvalid & ~bank.s_axis_tready & ~self.inner["forget"])
        with m.If(waited & ~bank.core_reset):
            m.d.comb += Assert(Cat(bank.s_axis_tdata, bank.s_axis_tlast, bank.s_axis_tvalid) == before)
        with m.If(bank.core_reset):
            m.d.sync += place.eq(0)
            m.d.comb += Assert(~bank.s_axis_tvalid)
        with m.Elif(bank.s_axis_tvalid & bank.s_axis_tready):
            m.d.sync += place.eq(place + 1)
            m.d.comb += Assert(bank.s_axis_tlast == (place == 2))
            with m.If(place == 2):
                m.d.sync += place.eq(0)
        m.d.comb += Assert(place == self.inner["beat"])

    def statements(self, m: Module) -> None:
        raise NotImplementedError


class AxiContract(Around):
    """AXI4-Lite: a response for every address and none besides, within a bound, and it stands until it is taken."""

    def __init__(self, fault: prover.Fault | None = None):
        super().__init__(AxiLite(PARAMETERS), fault)

    def statements(self, m: Module) -> None:
        bus = self.front
        for name, payload in (("aw", "awaddr"), ("w", "wdata"), ("ar", "araddr")):
            valid, ready = getattr(bus, f"s_axi_{name}valid"), getattr(bus, f"s_axi_{name}ready")
            now = Cat(getattr(bus, f"s_axi_{payload}"), *([bus.s_axi_wstrb] if name == "w" else []), valid)
            before = Signal(len(now), name=f"{name}_before")
            waits = Signal(name=f"{name}_waits")
            m.d.sync += [before.eq(now), waits.eq(valid & ~ready)]
            m.d.comb += Assume(~waits | (now == before))
        for name, payload in (("b", bus.s_axi_bresp), ("r", Cat(bus.s_axi_rdata, bus.s_axi_rresp))):
            valid, ready = getattr(bus, f"s_axi_{name}valid"), getattr(bus, f"s_axi_{name}ready")
            now = Cat(payload, valid)
            before = Signal(len(now), name=f"{name}_before")
            waits = Signal(name=f"{name}_waits")
            m.d.sync += [before.eq(now), waits.eq(valid & ~ready)]
            m.d.comb += Assert(~waits | (now == before))
        owed = {}
        for name, asked, answered in (
            ("write", bus.s_axi_awvalid & bus.s_axi_awready, bus.s_axi_bvalid & bus.s_axi_bready),
            ("read", bus.s_axi_arvalid & bus.s_axi_arready, bus.s_axi_rvalid & bus.s_axi_rready),
        ):
            owed[name] = count = Signal(2, name=f"{name}_owed")
            m.d.sync += count.eq(count + asked - answered)
            m.d.comb += Assert(~answered | (count != 0))
            m.d.comb += Assert(count <= 1)
        m.d.comb += Assert(bus.s_axi_awready == bus.s_axi_wready)
        m.d.comb += Assert(~bus.s_axi_awready | (bus.s_axi_awvalid & bus.s_axi_wvalid))
        m.d.comb += Assert(bus.s_axi_bvalid == owed["write"])
        m.d.comb += Assert(~bus.s_axi_arready == owed["read"])
        m.d.comb += Assert(~(bus.s_axi_awready & bus.s_axi_bvalid))
        m.d.comb += Assert((self.inner["asked"] | bus.s_axi_rvalid) == ~bus.s_axi_arready)
        m.d.comb += Assert(~(self.inner["asked"] & bus.s_axi_rvalid))
        # Nobody waits for long who does not wait for himself.
        patient = Signal(range(PARAMETERS.patience + 8))
        with m.If(bus.s_axi_awvalid & bus.s_axi_wvalid & ~bus.s_axi_awready & (~bus.s_axi_bvalid | bus.s_axi_bready)):
            m.d.sync += patient.eq(patient + 1)
        with m.Else():
            m.d.sync += patient.eq(0)
        m.d.comb += Assert(patient <= PARAMETERS.patience + 1)
        m.d.comb += Assert(bus.s_axi_awready | (patient == self.inner["waited"]))


class WishboneContract(Around):
    """Wishbone: ack or err answers each cycle that was begun, within a bound, for one cycle, and never both."""

    def __init__(self, fault: prover.Fault | None = None):
        super().__init__(Wishbone(PARAMETERS), fault)

    def statements(self, m: Module) -> None:
        bus = self.front
        now = Cat(bus.wb_adr, bus.wb_we, bus.wb_sel, bus.wb_dat_w, bus.wb_cyc, bus.wb_stb)
        before = Signal(len(now))
        waits = Signal()
        ended = bus.wb_ack | bus.wb_err
        asked = bus.wb_cyc & bus.wb_stb
        m.d.sync += [before.eq(now), waits.eq(asked & ~ended)]
        m.d.comb += Assume(~waits | (now == before))
        m.d.comb += Assert(~(bus.wb_ack & bus.wb_err))
        m.d.comb += Assert(~ended | asked)
        m.d.comb += Assert(~ended | waits)
        patient = Signal(range(PARAMETERS.patience + 8))
        with m.If(asked & ~ended):
            m.d.sync += patient.eq(patient + 1)
        with m.Else():
            m.d.sync += patient.eq(0)
        m.d.comb += Assert(patient <= PARAMETERS.patience + 2)
        reading = self.inner["asked"]
        m.d.comb += Assert(~reading | waits)
        m.d.comb += Assert(~reading | (~ended & (patient == 1)))
        m.d.comb += Assert(reading | ended | (patient == self.inner["waited"]))


class WordsArrive(AxiContract):
    """The words of a frame whose writes were answered without an error are its beats, in order."""

    def statements(self, m: Module) -> None:
        super().statements(m)
        bus, bank = self.front, self.bank
        # The master writes DATA alone, at first; the beats of the first frame are watched.
        m.d.comb += Assume(~bus.s_axi_awvalid | (bus.s_axi_awaddr == DATA) & (bus.s_axi_wstrb == 0b1111))
        written = Signal(range(16))
        words = [Signal(32, name=f"word_{number}") for number in range(2)]
        refused = Signal()
        with m.If(bank.write & bank.write_ready):
            with m.If(bank.write_error):
                m.d.sync += refused.eq(1)
            with m.Elif(written < 2):
                m.d.sync += written.eq(written + 1)
                with m.Switch(written):
                    for number, word in enumerate(words):
                        with m.Case(number):
                            m.d.sync += word.eq(bus.s_axi_wdata)
        beat = Signal(range(16))
        with m.If(bank.s_axis_tvalid & bank.s_axis_tready & (beat < 3)):
            m.d.sync += beat.eq(beat + 1)
            with m.Switch(beat):
                for number in range(3):
                    with m.Case(number):
                        half = words[number // 2].word_select(number % 2, 16)
                        m.d.comb += Assert(bank.s_axis_tdata == half)
                        m.d.comb += Assert(written > number // 2)


def impatient(m: Module, inner: dict[str, Any]) -> None:
    """A word waits for ever."""
    m.d.comb += inner["self"].write_ready.eq(~inner["into"] | inner["self"].free)


def unsteady(m: Module, inner: dict[str, Any]) -> None:
    """A word is written over one that waits."""
    m.d.comb += inner["self"].offer.eq(inner["self"].write & inner["into"])


def without_end(m: Module, inner: dict[str, Any]) -> None:
    """A frame's last beat is one too late."""
    m.d.comb += inner["last"].eq(inner["beat"] == 3)


def wrong_half(m: Module, inner: dict[str, Any]) -> None:
    """The upper half of a word comes first."""
    m.d.comb += inner["self"].s_axis_tdata.eq(inner["word"][16:])


def test_axi_lite(tmp_path: Path) -> None:
    specification = AxiContract()
    prover.prove(specification, tmp_path, ports=specification.ports, depth=2)


def test_wishbone(tmp_path: Path) -> None:
    specification = WishboneContract()
    prover.prove(specification, tmp_path, ports=specification.ports, depth=2)


def test_words(tmp_path: Path) -> None:
    specification = WordsArrive()
    prover.prove(specification, tmp_path, ports=specification.ports, depth=9, mode="bmc")


@pytest.mark.parametrize(
    ("contract", "fault", "depth"),
    [
        (AxiContract, impatient, 13),
        (WishboneContract, impatient, 13),
        (AxiContract, unsteady, 13),
        (WishboneContract, without_end, 13),
        (WordsArrive, wrong_half, 13),
    ],
)
def test_mutant_fails(contract: Any, fault: prover.Fault, depth: int, tmp_path: Path) -> None:
    specification = contract(fault)
    prover.refute(specification, tmp_path, ports=specification.ports, depth=depth)
