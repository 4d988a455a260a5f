"""A design that tests the core on its board, for ever, with nothing but a clock and one or two LEDs.

Stored inputs go in, the results are compared with stored expected results, and then all over again.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.hdl import Array, Cat, ClockSignal, Const, Instance, Module, Mux, ResetSignal, Signal, Value, unsigned
from amaranth.lib import memory, wiring
from numpy.typing import NDArray

from hdlgen.emit.manifest import Manifest
from hdlgen.emit.verilog import FAMILIES, convert
from hdlgen.flow.front import Front
from hdlgen.flow.inputs import read_inputs
from hdlgen.gateware.arithmetic import later
from hdlgen.gateware.image import side_by_side
from hdlgen.gateware.primitives import Rom, RomParameters
from hdlgen.gateware.reload import IN_FORCE

__all__ = ["SelfTest", "SelfTestParameters", "Token", "compress", "parameters", "stored", "to_verilog"]

Token = tuple[int, int]
"""(number of zero beats that go before, the beat)."""

TOP = "hdlgen_selftest"
"""Name of the module."""


def compress(beats: list[int], run_bits: int) -> list[Token]:
    """Beats as tokens: each one beat and how many beats of value 0 go before it, at most 2^run_bits - 1.

    Images are mostly zeros, so this halves their size or better.
    """
    longest = (1 << run_bits) - 1
    tokens: list[Token] = []
    run = 0
    for index, beat in enumerate(beats):
        if beat == 0 and run < longest and index + 1 < len(beats):
            run += 1
        else:
            tokens.append((run, beat))
            run = 0
    return tokens


@dataclass(frozen=True, kw_only=True)
class SelfTestParameters:
    """What is stored in a self-test of the module ``core``, and what the board has.

    Parameters
    ----------
    tokens, run_bits : tuple of Token, int
        All frames one after the other, see `compress`; width of a token's run.
    beats, element_bits, elements_per_beat, input_bits : int
        Beats of one frame; width of an element on the stream, elements per beat, and bits of an element that are stored.
    expected, expected_bits : tuple of tuple of int, int
        Signed results of each frame, of so many bits; each has ``result_bits`` in ``m_axis_tdata``, where so many stand
        beside each other as ``results_per_beat``.
    lengths, every_step : tuple of int, bool
        For a recurrent core, the steps (frames) of each stored sequence, and whether it answers after every step.
    timeout, start : int
        Cycles without any beat on the output, and without weights from a flash, after which the test fails.
    block_rom, family : bool, str or None
        Whether the tokens go into block RAM; the family of devices in whose block RAM the expected results lie, where
        other weights can bring theirs along. Otherwise they are logic.
    load_port : bool
        Whether the core has a port for new weights, on which there is silence here.
    front : Front
        What the board has. With one LED only, that blinks.
    """

    core: str
    tokens: tuple[Token, ...]
    run_bits: int
    beats: int
    element_bits: int
    elements_per_beat: int
    input_bits: int
    expected: tuple[tuple[int, ...], ...]
    expected_bits: int
    result_bits: int
    timeout: int
    results_per_beat: int = 1
    lengths: tuple[int, ...] = ()
    every_step: bool = False
    block_rom: bool = False
    family: str | None = None
    load_port: bool = False
    front: Front = field(default_factory=Front)
    start: int = 0

    @property
    def beat_bits(self) -> int:
        return self.element_bits * self.elements_per_beat

    @property
    def value_bits(self) -> int:
        return self.input_bits * self.elements_per_beat

    @property
    def token_bits(self) -> int:
        return self.run_bits + self.value_bits

    @property
    def ends(self) -> tuple[bool, ...]:
        """Which of the frames of a recurrent core end a sequence."""
        return tuple(step + 1 == length for length in self.lengths for step in range(length))

    @property
    def expected_rom(self) -> RomParameters:
        beside = self.results_per_beat
        beats = [frame[place : place + beside] for frame in self.expected for place in range(0, len(frame), beside)]
        words = side_by_side(beats, self.expected_bits)
        return RomParameters.of(f"{TOP}_expected", words, self.expected_bits * beside)

    @property
    def rom_bits(self) -> int:
        """Bits of the stored inputs and results."""
        return len(self.tokens) * self.token_bits + self.expected_bits * sum(len(frame) for frame in self.expected)


def parameters(
    manifest: Manifest,
    x: NDArray[np.integer],
    y: NDArray[np.integer],
    lengths: NDArray[np.integer] | None = None,
    **options: Any,
) -> SelfTestParameters:
    """The self-test of the core of ``manifest`` with inputs ``x`` (N, width) and expected results ``y`` (N, n_L).

    A recurrent core gets the steps of sequences, beside their ``lengths``.
    """
    form = manifest.input
    element_bits, count = 8 * form.bytes_per_element, form.elements_per_beat
    beats: list[int] = []
    for image in np.asarray(x).tolist():
        image = image + [0] * (form.beats * count - len(image))
        for start in range(0, len(image), count):
            # Only the significant bits, element by element.
            part = [value % (1 << form.bits) for value in image[start : start + count]]
            beats.append(sum(value << (k * form.bits) for k, value in enumerate(part)))
    value_bits = form.bits * count
    run_bits = min(range(1, 13), key=lambda r: len(compress(beats, r)) * (r + value_bits))
    return SelfTestParameters(
        core=manifest.top,
        tokens=tuple(compress(beats, run_bits)),
        run_bits=run_bits,
        beats=form.beats,
        element_bits=element_bits,
        elements_per_beat=count,
        input_bits=form.bits,
        expected=tuple(tuple(int(v) for v in row) for row in np.asarray(y).tolist()),
        # What any weights of this engine give, not only these.
        expected_bits=max(
            manifest.accumulator_bits[-1], max(max(v, ~v).bit_length() + 1 for v in y.flatten().tolist())
        ),
        result_bits=manifest.output.bits,
        results_per_beat=manifest.output.results_per_beat,
        # Loading takes up to three cycles a beat here. A recurrent core may answer at the end of a sequence only.
        timeout=4 * (1 if lengths is None else int(max(lengths))) * (manifest.latency_cycles + 3 * form.beats) + 1000,
        lengths=() if lengths is None else tuple(int(length) for length in lengths),
        every_step=manifest.every_step,
        # An image that is not right is read again: it may need some attempts.
        start=4 * manifest.weights.start_cycles,
        **options,
    )


def stored(root: Path, manifest: Manifest, images: int, **options: Any) -> SelfTestParameters:
    """The self-test with the first ``images`` vectors of the folder ``root``; of a recurrent core so many sequences."""
    inputs = read_inputs(root, manifest, None, None, images)
    assert inputs.y is not None
    return parameters(manifest, inputs.x, inputs.y, inputs.lengths if manifest.sequential else None, **options)


class SelfTest(wiring.Component):
    """The core, its stored inputs and the comparison.

    Sends the stored frames in order and again from the start, without end; a beat every third cycle at most. The
    results may stall at no time (``m_axis_tready`` is 1). Where the weights come from a flash it waits for them.

    ``led_pass`` is lit from the moment in which every stored frame has given its expected results once.
    ``led_fail`` is lit, and ``led_pass`` dark, for ever from the first result or ``tlast`` that differs, the first
    ``frame_error``, ``timeout`` cycles without a result, or ``start`` cycles without weights. Without a ``led_fail``,
    ``led_pass`` blinks instead.
    The button starts all over. Clock and reset come from ``hdlgen_clock`` (`hdlgen.flow.clock`).

    Its ports are those of its `Front`.
    """

    def __init__(self, parameters: SelfTestParameters):
        p = self.parameters = parameters
        self.io_ports = p.front.io_ports()
        super().__init__(p.front.members({"pass": "led_pass", "fail": "led_fail"}))

    def elaborate(self, platform: object) -> Module:
        p = self.parameters
        m = Module()
        p.front.add_clock(m, self)
        s_tdata, s_tvalid, s_tready, s_tlast = Signal(p.beat_bits), Signal(), Signal(), Signal()
        m_tdata, m_tvalid = Signal(p.result_bits * p.results_per_beat), Signal()
        m_tlast, frame_error = Signal(), Signal()
        s_tuser, m_tuser = Signal(), Signal()
        user = {"i_s_axis_tuser": s_tuser, "o_m_axis_tuser": m_tuser} if p.lengths else {}
        flash: dict[str, Any] = {}
        ready: Value = Const(1, 1)
        if p.front.flash is not None:
            load_state = Signal(8)
            flash = {"o_load_state": load_state, **p.front.flash.connect(m, self, self.io_ports)}
            ready = load_state[IN_FORCE]
        m.submodules.core = Instance(
            p.core,
            i_clk=ClockSignal("sync"),
            i_rst=ResetSignal("sync"),
            i_s_axis_tdata=s_tdata,
            i_s_axis_tvalid=s_tvalid,
            o_s_axis_tready=s_tready,
            i_s_axis_tlast=s_tlast,
            o_m_axis_tdata=m_tdata,
            o_m_axis_tvalid=m_tvalid,
            **({"i_load_valid": Const(0, 1), "i_load_kind": Const(0, 2)} if p.load_port else {}),
            **({"i_load_data": Const(0, p.beat_bits)} if p.load_port else {}),
            i_m_axis_tready=Const(1),
            o_m_axis_tlast=m_tlast,
            o_frame_error=frame_error,
            **user,
            **flash,
        )
        self._inputs(m, ready, s_tdata, s_tvalid, s_tready, s_tlast)
        self._results(m, ready, m_tdata, m_tvalid, m_tlast, m_tuser, frame_error)
        if p.lengths:
            m.d.comb += s_tuser.eq(s_tlast & self._which(m, p.ends, s_tvalid & s_tready & s_tlast, "step"))
        return m

    def _which(self, m: Module, values: tuple[bool, ...], step: Value, name: str) -> Value:
        """The values in turn, the next one after ``step``."""
        number = Signal(range(max(len(values), 2)), name=name)
        with m.If(step):
            m.d.sync += number.eq(Mux(number == len(values) - 1, 0, number + 1))
        return Array(Const(int(value), 1) for value in values)[number]

    def _inputs(self, m: Module, ready: Value, tdata: Signal, tvalid: Signal, tready: Signal, tlast: Signal) -> None:
        p = self.parameters
        m.submodules.inputs = rom = memory.Memory(
            shape=unsigned(p.token_bits),
            depth=len(p.tokens),
            init=[run | value << p.run_bits for run, value in p.tokens],
            attrs={"rom_style": "block" if p.block_rom else "logic"},
        )
        port = rom.read_port()
        address = Signal(range(len(p.tokens)))
        m.d.comb += [port.addr.eq(address), port.en.eq(1)]

        run, value = Signal(p.run_bits), Signal(p.value_bits)
        beat = Signal(range(p.beats))
        padding = Const(0, p.element_bits - p.input_bits)
        elements = [Cat(value.word_select(k, p.input_bits), padding) for k in range(p.elements_per_beat)]
        m.d.comb += [tdata.eq(Cat(elements) & (run == 0).replicate(p.beat_bits)), tlast.eq(beat == p.beats - 1)]
        with m.FSM():
            with m.State("address"), m.If(ready):
                m.next = "token"
            with m.State("token"):
                # The block RAM's output takes the whole cycle; the address goes on to the next token meanwhile.
                m.d.sync += [Cat(run, value).eq(port.data)]
                m.d.sync += address.eq(Const(0) if len(p.tokens) == 1 else address + 1)
                with m.If(address == len(p.tokens) - 1):
                    m.d.sync += address.eq(0)
                m.next = "send"
            with m.State("send"):
                m.d.comb += tvalid.eq(1)
                with m.If(tready):
                    m.d.sync += beat.eq(beat + 1)
                    with m.If(tlast):
                        m.d.sync += beat.eq(0)
                    m.d.sync += run.eq(run - 1)
                    with m.If(run == 0):
                        m.next = "token"

    def _results(
        self,
        m: Module,
        ready: Value,
        tdata: Signal,
        tvalid: Signal,
        tlast: Signal,
        tuser: Signal,
        frame_error: Signal,
    ) -> None:
        p = self.parameters
        results = len(p.expected[0]) // p.results_per_beat
        rom = p.expected_rom
        m.submodules.expected = stored = _LogicRom(rom) if p.family is None else FAMILIES[p.family][Rom](rom)
        number = Signal(range(rom.depth))
        index = Signal(range(results))
        m.d.comb += [stored.address[: len(number)].eq(number), stored.enable.eq(1), stored.output_enable.eq(1)]

        # c1, c2: the beat is registered twice, the expected result appears beside it
        data_1, valid_1, last_1, is_last_1, final_1 = (
            Signal(len(tdata)),
            *(Signal(name=f"{name}_1") for name in ("valid", "last", "is_last", "final")),
        )
        m.d.sync += [valid_1.eq(tvalid), data_1.eq(tdata), last_1.eq(tlast), final_1.eq(0)]
        with m.If(tvalid):
            m.d.sync += [
                number.eq(number + 1),
                index.eq(index + 1),
                is_last_1.eq(index == results - 1),
                final_1.eq(number == rom.depth - 1),
            ]
            with m.If(index == results - 1):
                m.d.sync += index.eq(0)
            with m.If(number == rom.depth - 1):
                m.d.sync += number.eq(0)
        data, valid, last, is_last = Signal(len(tdata)), Signal(), Signal(), Signal()
        final = Signal()
        m.d.sync += [data.eq(data_1), valid.eq(valid_1), last.eq(last_1), is_last.eq(is_last_1), final.eq(final_1)]
        wrong_user = Signal()
        if p.lengths:
            ends = p.ends if p.every_step else (True,) * len(p.expected)
            end = self._which(m, ends, tvalid & (index == results - 1), "result")
            m.d.sync += wrong_user.eq(later(m, tvalid & (tuser != (end & (index == results - 1))), 1, "wrong_user"))

        # c3: differs = any bit of the result, or its tlast, or its tuser
        wide = Signal(len(tdata))
        differs, complete = Signal(), Signal()
        for place in range(p.results_per_beat):
            expected = stored.data.word_select(place, p.expected_bits).as_signed()
            m.d.comb += wide.word_select(place, p.result_bits).eq(expected)
        m.d.sync += [
            differs.eq(valid & ((data != wide) | (last != is_last) | wrong_user)),
            complete.eq(valid & final),
        ]

        # c4: the LEDs' registers; complete counts only if nothing differed up to and including its own beat
        failed, passed = Signal(), Signal()
        quiet, begun = Signal(range(max(p.timeout, p.start) + 1)), Signal(init=p.front.flash is None)
        m.d.sync += [quiet.eq(quiet + 1), begun.eq(ready)]
        with m.If(valid | (begun != ready)):
            m.d.sync += quiet.eq(0)
        with m.If(differs | frame_error | (quiet == Mux(begun, p.timeout, p.start))):
            m.d.sync += failed.eq(1)
        with m.If(complete):
            m.d.sync += passed.eq(1)
        lit_pass = passed & ~failed
        low = p.front.active_low
        if "fail" in low:
            m.d.comb += self.led_fail.eq(~failed if low["fail"] else failed)
        else:
            time = Signal(p.front.blink_bits)
            m.d.sync += time.eq(time + 1)
            lit_pass |= failed & time[-1]
        m.d.comb += self.led_pass.eq(~lit_pass if low["pass"] else lit_pass)


class _LogicRom(Rom):
    """`Rom` of look-up tables."""

    def behaviour(self, m: Module) -> None:
        p = self.parameters
        m.submodules.storage = storage = memory.Memory(
            shape=unsigned(p.width), depth=p.depth, init=p.init, attrs={"rom_style": "logic"}
        )
        port = storage.read_port()
        m.d.comb += [port.addr.eq(self.address), port.en.eq(self.enable)]
        with m.If(self.output_enable):
            m.d.sync += self.data.eq(port.data)


def to_verilog(parameters: SelfTestParameters) -> str:
    """Verilog of the module ``hdlgen_selftest``; needs the core and ``hdlgen_clock`` beside it."""
    return convert(SelfTest(parameters), TOP, f"Self-test of {parameters.core}")
