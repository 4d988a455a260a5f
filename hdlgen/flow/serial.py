"""A design that answers over the board's serial port: core, endpoint of the protocol and UART.

docs/protocol.md describes what goes over the line, `hdlgen.host` is the other end.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Annotated, Any

from amaranth.hdl import ClockSignal, Instance, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdlgen.emit.manifest import Manifest
from hdlgen.emit.verilog import FAMILIES, convert
from hdlgen.errors import InputError
from hdlgen.flow.boards import Board, Pin
from hdlgen.flow.front import FlashPins, Front
from hdlgen.flow.pll import Setting
from hdlgen.flow.synth_report import BoardTop
from hdlgen.gateware.link import Endpoint
from hdlgen.gateware.messages import LinkParameters, fixed_bytes
from hdlgen.gateware.primitives import Rom, RomParameters
from hdlgen.gateware.reload import IN_FORCE, LOADED
from hdlgen.gateware.uart import MIN_DIVISOR, UartReceiver, UartTransmitter
from hdlgen.host.protocol import Identity
from hdlgen.schema import Between, Matches, Positive, Text, parse

__all__ = [
    "KIND",
    "Line",
    "SerialTop",
    "SerialTopParameters",
    "board_top",
    "can_talk",
    "fixed_memory",
    "for_simulation",
]

TOP = "hdlgen_serial"
"""Name of the module."""

BAUDS = (1_000_000, 500_000, 250_000, 115_200)
"""Bits a second where nothing else is asked for: the first that the clock makes to 1 %. USB adapters know them."""

KIND = "serial"
"""Of this design, beside "self-test"."""

MAX_BUFFER = 1 << 15
"""Bytes of the largest input memory, and so of the largest frame."""

_TOLERANCE = Fraction(2, 100)


@dataclass(frozen=True, kw_only=True)
class Line:
    """The serial port, as a report says it. ``clock`` is in Hz, a fraction; ``divisor`` its cycles in a bit."""

    clock: Annotated[str, Matches(r"[1-9][0-9]{0,11}(/[1-9][0-9]{0,11})?", "a frequency in Hz")]
    baud: Positive
    divisor: Annotated[int, Between(MIN_DIVISOR, (1 << 16) - 1)]
    buffer_bytes: Annotated[int, Between(1, MAX_BUFFER)]
    rx: Text
    tx: Text


@dataclass(frozen=True, kw_only=True)
class SerialTopParameters:
    """The core by its module, the endpoint, and what the board has.

    The LED for pass shows life, that for failure an error; ``high`` pins are held high.
    """

    core: str
    link: LinkParameters
    front: Front = field(default_factory=Front)
    high: int = 0


class SerialTop(wiring.Component):
    """Core, endpoint and UART.

    ``led_alive`` blinks. ``led_busy`` is lit while messages or frames are under way, and a few hundredths of a second
    longer. ``led_error`` is lit from the first message that was refused to the beginning of the next session; a board
    without it shows that by blinking eight times as fast. The button starts all over. Clock and reset come from
    ``hdlgen_clock``.

    Members
    -------
    clk, button, led_alive, led_busy, led_error, flash_*
        See `Front`.
    rx, tx : In(1), Out(1)
        The line, as the FPGA sees it.
    high_* : Out(1)
        Ones.
    """

    def __init__(self, parameters: SerialTopParameters):
        p = self.parameters = parameters
        self.io_ports = p.front.io_ports()
        members = {"rx": In(1), "tx": Out(1), "led_alive": Out(1)}
        members |= p.front.members({"pass": "led_alive", "busy": "led_busy", "fail": "led_error"})
        super().__init__(members | {f"high_{number}": Out(1) for number in range(p.high)})

    def elaborate(self, platform: object) -> Module:
        p = self.parameters
        identity, flash, low = p.link.identity, p.front.flash, p.front.active_low
        m = Module()
        p.front.add_clock(m, self)
        m.submodules.receiver = receiver = UartReceiver(identity.divisor)
        m.submodules.transmitter = transmitter = UartTransmitter(identity.divisor)
        m.submodules.endpoint = endpoint = Endpoint(p.link)
        wiring.connect(m, endpoint=endpoint.tx, transmitter=transmitter.i)
        m.d.comb += [
            receiver.rx.eq(self.rx),
            self.tx.eq(transmitter.tx),
            endpoint.rx_data.eq(receiver.data),
            endpoint.rx_valid.eq(receiver.valid),
            endpoint.rx_error.eq(receiver.error),
            *(getattr(self, f"high_{number}").eq(1) for number in range(p.high)),
        ]
        load: dict[str, Any] = {}
        if identity.load or flash is not None:
            load_state = Signal(8)
            load = {"o_load_state": load_state, "o_load_id": endpoint.loaded_id}
            if identity.load:
                load |= {
                    "i_load_data": endpoint.load_data,
                    "i_load_valid": endpoint.load_valid,
                    "i_load_kind": endpoint.load_type[:2],
                    "o_load_ready": endpoint.load_ready,
                }
            if flash is not None:
                load |= flash.connect(m, self, self.io_ports)
            m.d.comb += [
                endpoint.load_state.eq(load_state),
                endpoint.ready.eq(load_state[IN_FORCE]),
                endpoint.loaded.eq(load_state[LOADED]),
            ]
        else:
            m.d.comb += endpoint.ready.eq(1)
        m.submodules.core = Instance(
            p.core,
            i_clk=ClockSignal(),
            i_rst=endpoint.core_reset,
            i_s_axis_tdata=endpoint.s_axis_tdata,
            i_s_axis_tvalid=endpoint.s_axis_tvalid,
            o_s_axis_tready=endpoint.s_axis_tready,
            i_s_axis_tlast=endpoint.s_axis_tlast,
            o_m_axis_tdata=endpoint.m_axis_tdata,
            o_m_axis_tvalid=endpoint.m_axis_tvalid,
            i_m_axis_tready=endpoint.m_axis_tready,
            o_m_axis_tlast=endpoint.m_axis_tlast,
            o_frame_error=endpoint.frame_error,
            **load,
            **({"i_s_axis_tuser": endpoint.s_axis_tuser} if identity.sequences else {}),
        )

        beat = Signal(p.front.blink_bits)
        m.d.sync += beat.eq(beat + 1)
        alive = beat[-1]
        if "fail" not in low:
            alive = (beat[-1] & ~endpoint.error) | (beat[-4] & endpoint.error)
        m.d.comb += self.led_alive.eq(alive ^ low["pass"])
        if "fail" in low:
            m.d.comb += self.led_error.eq(endpoint.error ^ low["fail"])
        if "busy" in low:
            # Lit for the rest of the sixteenth of a beat, and one more.
            before, seen, shown = Signal(), Signal(), Signal()
            m.d.sync += [before.eq(beat[-5]), seen.eq(seen | endpoint.busy)]
            with m.If(before ^ beat[-5]):
                m.d.sync += [shown.eq(seen), seen.eq(endpoint.busy)]
            m.d.comb += self.led_busy.eq((shown | seen) ^ low["busy"])
        return m


def divisor(clock: Fraction, baud: int | None, where: str) -> int:
    """Clock cycles of a bit; for the best of `BAUDS` if ``baud`` is None.

    Raises :class:`InputError` if the clock makes no rate within 2 % of ``baud``.
    """
    if baud is None:
        for usual in BAUDS:
            best = round(clock / usual)
            if best >= MIN_DIVISOR and abs(clock / best - usual) <= usual / 100:
                return best
        baud = BAUDS[-1]
    best = round(clock / baud) if baud > 0 else 0
    megahertz = float(clock / 1_000_000)
    if not MIN_DIVISOR <= best < 1 << 16:
        raise InputError(
            f"{where}: --baud {baud}: allowed at {megahertz:g} MHz are {float(clock / ((1 << 16) - 1)):.0f} to "
            f"{float(clock / MIN_DIVISOR):.0f}"
        )
    if abs(clock / best - baud) > _TOLERANCE * baud:
        near = sorted({round(clock / number) for number in (best - 1, best, best + 1) if number >= MIN_DIVISOR})
        raise InputError(
            f"{where}: --baud {baud}: {megahertz:g} MHz makes no rate within 2 %; the nearest are "
            f"{', '.join(map(str, near))}"
        )
    return best


def _identity(manifest: Manifest, *, clock: Fraction, divisor: int, block_bytes: int, where: str) -> Identity:
    """What the board will say of itself."""
    manifest.require_single_results("a serial port", where)
    form, output = manifest.input, manifest.output
    beat_bytes, beats = form.beat_bits // 8, form.beats
    for what, value, most in (
        ("input.width", form.width, (1 << 16) - 1),
        ("input.elements_per_beat", form.elements_per_beat, 255),
        ("bytes of one input", beats * beat_bytes, MAX_BUFFER),
        ("bytes of one output", output.width * output.bits // 8, (1 << 16) - 1),
    ):
        if value > most:
            raise InputError(f"{where}: {what} is {value}; allowed over a serial port are up to {most}")
    log2_buffer = max((beats - 1).bit_length(), (-(-block_bytes // beat_bytes) - 1).bit_length())
    build = {"sources": manifest.sources_sha256, "clock": str(clock), "divisor": divisor}
    return Identity(
        signed=form.signed,
        sequences=manifest.sequential,
        every_step=manifest.every_step,
        load=manifest.weights.loadable,
        flash=manifest.weights.from_flash,
        lanes=min(manifest.lanes, 255),
        log2_buffer=log2_buffer,
        width=form.width,
        bits=form.bits,
        bytes_per_element=form.bytes_per_element,
        elements_per_beat=form.elements_per_beat,
        result_bytes=output.bits // 8,
        results=output.width,
        divisor=divisor,
        clock=round(clock),
        latency=manifest.latency_cycles,
        interval=manifest.interval_cycles,
        network=manifest.identity,
        build=hashlib.sha256(json.dumps(build, sort_keys=True).encode()).digest()[:4],
        name=manifest.name,
    )


def can_talk(board: Board) -> bool:
    """Whether the board has a serial port, and a clock that is good enough for one."""
    return board.uart is not None and board.clock.tolerance <= _TOLERANCE


def for_board(manifest: Manifest, board: Board, clock: Fraction, baud: int | None, where: str) -> SerialTopParameters:
    """The top of the core of ``manifest`` on ``board``, at ``clock`` Hz.

    Raises :class:`InputError` if the board has no serial port, its frames are too large, or ``baud`` cannot be made.
    """
    if board.uart is None:
        raise InputError(f"{where}: {board.title} has no serial port in its file; --top self-test needs none")
    if board.clock.tolerance > _TOLERANCE:
        raise InputError(
            f"{where}: the oscillator of {board.title} may be off by {100 * board.clock.tolerance:g} %, too much for a "
            f"serial line; allowed are up to {float(100 * _TOLERANCE):g} %; --top self-test needs no line"
        )
    block = board.target.resources.memory_block_bits
    identity = _identity(
        manifest,
        clock=clock,
        divisor=divisor(clock, baud, board.name),
        # One block of memory at the least, in whole bytes: 9-bit bytes count as 8.
        block_bytes=1 << (block // 9 if block % 9 == 0 else block // 8).bit_length() - 1,
        where=where,
    )
    return SerialTopParameters(
        core=manifest.top,
        link=LinkParameters(identity=identity, rom=FAMILIES.get(board.target.family, {}).get(Rom, Rom)),
        front=Front.for_board(manifest, board, clock, where),
        high=len(board.uart.high),
    )


def for_simulation(manifest: Manifest, where: str, *, clock: int = 12_000_000) -> SerialTopParameters:
    """The top for a simulation: the fastest line there is, everything else as on the smallest board."""
    identity = _identity(manifest, clock=Fraction(clock), divisor=MIN_DIVISOR, block_bytes=512, where=where)
    front = Front(flash=FlashPins.for_simulation(manifest))
    return SerialTopParameters(core=manifest.top, link=LinkParameters(identity=identity), front=front)


def fixed_memory(manifest: Manifest, summary: Mapping[str, Any], where: str) -> RomParameters:
    """The memory with the identity of the core of ``manifest``, on the board that a report's ``summary`` is about."""
    line: Line = parse(Line, {name: value for name, value in summary.items() if name != "kind"}, where, "board_top")
    identity = _identity(
        manifest, clock=Fraction(line.clock), divisor=line.divisor, block_bytes=line.buffer_bytes, where=where
    )
    return fixed_bytes(identity)


def pins(board: Board, flash: FlashPins | None = None) -> dict[str, Pin]:
    """Ports of the top on ``board``, which has a serial port, and where they go."""
    assert board.uart is not None
    ports = {
        "clk": board.clock.pin,
        "button": board.reset,
        "rx": board.uart.rx,
        "tx": board.uart.tx,
        "led_alive": board.leds["pass"],
        "led_busy": board.leds.get("busy"),
        "led_error": board.leds.get("fail"),
        **(flash.pins(board) if flash is not None else {}),
        **{f"high_{number}": pin for number, pin in enumerate(board.uart.high)},
    }
    return {name: pin for name, pin in ports.items() if pin is not None}


def board_top(manifest: Manifest, baud: int | None, where: str) -> Callable[[Board, Setting], BoardTop]:
    """What `hdlgen.flow.synth.synthesise` takes as ``board_top``: this design, for the clock that is chosen."""

    def top(board: Board, setting: Setting) -> BoardTop:
        parameters = for_board(manifest, board, setting.frequency, baud, where)
        identity = parameters.link.identity
        return BoardTop(
            kind=KIND,
            name=TOP,
            verilog=to_verilog(parameters),
            pins=pins(board, parameters.front.flash),
            summary=vars(
                Line(
                    clock=str(setting.frequency),
                    baud=round(setting.frequency / identity.divisor),
                    divisor=identity.divisor,
                    buffer_bytes=identity.buffer_bytes,
                    rx=f"pin {pins(board)['rx'].pin}",
                    tx=f"pin {pins(board)['tx'].pin}",
                )
            ),
        )

    return top


def to_verilog(parameters: SerialTopParameters) -> str:
    """Verilog of the module ``hdlgen_serial``."""
    return convert(SerialTop(parameters), TOP, f"{parameters.core} behind a serial port")
