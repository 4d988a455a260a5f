"""A design that takes raw samples from a sensor's line and shows the class of every frame on lights: docs/sensors.md."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from amaranth.hdl import (
    Cat,
    ClockSignal,
    Const,
    Instance,
    IOBufferInstance,
    IOPort,
    Module,
    ResetSignal,
    Shape,
    Signal,
    signed,
    unsigned,
)
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdlgen.emit.manifest import Manifest
from hdlgen.emit.verilog import convert
from hdlgen.errors import InputError
from hdlgen.flow.boards import Board, Pin
from hdlgen.flow.front import Front
from hdlgen.flow.pll import Setting
from hdlgen.flow.serial import can_talk, divisor
from hdlgen.flow.synth_report import BoardTop
from hdlgen.gateware.filterbank import Bank, cycles
from hdlgen.gateware.sensor import (
    FRAME_BITS,
    Greatest,
    I2cSampler,
    I2sSampler,
    Scaler,
    Segments,
    Sender,
    SpiSampler,
    UartSampler,
)
from hdlgen.golden.scaling import Scaling
from hdlgen.network import FilterBank, Network

__all__ = [
    "ADDRESS",
    "KIND",
    "LINES",
    "SHOWS",
    "SensorTop",
    "SensorTopParameters",
    "board_top",
    "for_simulation",
    "scaling",
]

TOP = "hdlgen_sensor"
"""Name of the module."""

KIND = "sensor"
"""Of this design, beside "serial" and "self-test"."""

LINES = ("spi", "i2c", "uart", "i2s")
SHOWS = ("leds", "segments")

ADDRESS = 0x42
"""By I2C, where no other is asked for."""

MAX_GAIN = 8
"""By I2S, in bits."""

_LEAST_BIT = 8
"""Cycles of a bit by I2S, at least: what is on the line is seen two of them late, and that before it changes."""

_TOLERANCE = Fraction(1, 20)
"""Of the rate of a microphone."""

_INPUTS = {
    "spi": {"spi_clock": "clock", "spi_mosi": "mosi", "spi_select": "select"},
    "i2c": {"i2c_clock": "clock"},
    "uart": {"rx": "rx"},
    "i2s": {"i2s_data": "sound"},
}
"""By the line: ports of the top, and what they are to the sampler."""

_DIGITS = 16
"""As many classes has a digit."""


@dataclass(frozen=True, kw_only=True)
class SensorTopParameters:
    """The core by its module, what comes in and how, and where it shows.

    Parameters
    ----------
    signed, element_bits, elements, width : of the core's input
    results, result_bits : of its output
    loadable : whether it has a port for other weights, which is not used
    scaling : of samples, or None: ``bank`` makes the core's input of them
    line, divisor, address, gain : one of `LINES`; for "uart" and "i2s" the cycles of a bit, for "i2c" the address, for "i2s"
        the bits by which samples are raised
    lights : for each LED of the row whether 0 lights it; with as many as results the one of the class is lit, otherwise they
        show its number, the first is its lowest bit
    segments, digits : the same of segments a to g, and of the enables of digits, of which the first is on
    """

    core: str
    signed: bool
    element_bits: int
    elements: int
    width: int
    results: int
    result_bits: int
    loadable: bool
    scaling: Scaling | None
    line: str
    bank: FilterBank | None = None
    divisor: int = 0
    address: int = 0
    gain: int = 0
    lights: tuple[bool, ...] = ()
    segments: tuple[bool, ...] = ()
    digits: tuple[bool, ...] = ()
    front: Front = field(default_factory=Front)


class SensorTop(wiring.Component):
    """A sampler, scaling or a bank of filters, the core, and lights.

    ``led_error`` is lit from the first frame on that had too few or too many samples, or that came too fast.

    Members
    -------
    clk, button, led_error, flash_*
        See `Front`.
    spi_clock, spi_mosi, spi_select : In(1)
        With "spi"; ``spi_select`` is active low.
    i2c_clock, i2c_data : In(1), driven from both ends
        With "i2c".
    rx : In(1)
        With "uart".
    i2s_data : In(1); i2s_clock, i2s_select : Out(1)
        With "i2s".
    light_*, segment_*, digit_* : Out(1)
        Of `SensorTopParameters`.
    """

    def __init__(self, parameters: SensorTopParameters):
        p = self.parameters = parameters
        self.io_ports = p.front.io_ports()
        self.flash_ports = dict(self.io_ports)
        members: dict[str, Any] = {name: In(1) for name in _INPUTS[p.line]}
        if p.line == "i2c":
            self.io_ports["i2c_data"] = IOPort(1, name="i2c_data")
        if p.line == "i2s":
            members |= {name: Out(1) for name in ("i2s_clock", "i2s_select")}
        for name, pins in (("light", p.lights), ("segment", p.segments), ("digit", p.digits)):
            members |= {f"{name}_{number}": Out(1) for number in range(len(pins))}
        super().__init__(members | p.front.members({"fail": "led_error"}))

    def elaborate(self, platform: object) -> Module:
        p = self.parameters
        m = Module()
        p.front.add_clock(m, self)
        shape = (signed if p.signed else unsigned)(p.element_bits)
        m.submodules.sender = sender = Sender(shape, p.element_bits, p.elements, p.width)
        m.submodules.greatest = greatest = Greatest(p.results, p.result_bits)
        load: dict[str, Any] = {}
        source = self._filtered(m, load) if p.scaling is None else self._scaled(m, p.scaling, shape)
        m.d.comb += [sender.data.eq(source.o), sender.valid.eq(source.o_valid), sender.end.eq(source.o_end)]
        frame_error = Signal()
        if p.loadable:
            load |= {"i_load_data": Const(0, 8), "i_load_valid": Const(0, 1), "i_load_kind": Const(0, 2)}
        if p.front.flash is not None:
            load |= p.front.flash.connect(m, self, self.flash_ports)
        m.submodules.core = Instance(
            p.core,
            i_clk=ClockSignal(),
            i_rst=ResetSignal(),
            i_s_axis_tdata=sender.s_axis_tdata,
            i_s_axis_tvalid=sender.s_axis_tvalid,
            o_s_axis_tready=sender.s_axis_tready,
            i_s_axis_tlast=sender.s_axis_tlast,
            o_m_axis_tdata=greatest.m_axis_tdata,
            o_m_axis_tvalid=greatest.m_axis_tvalid,
            i_m_axis_tready=greatest.m_axis_tready,
            o_m_axis_tlast=greatest.m_axis_tlast,
            o_frame_error=frame_error,
            **load,
        )
        self._show(m, greatest)
        if "fail" in p.front.active_low:
            m.d.comb += self.led_error.eq((frame_error | sender.overrun) ^ p.front.active_low["fail"])
        return m

    def _scaled(self, m: Module, scaling: Scaling, shape: Shape) -> Any:
        """Samples of a line, as the core takes them."""
        p, bits = self.parameters, scaling.raw_bits
        sampler: Any
        if p.line == "uart":
            sampler = UartSampler(bits, p.width, p.divisor)
        elif p.line == "i2c":
            sampler = I2cSampler(bits, p.address)
            m.submodules.i2c_data = IOBufferInstance(
                self.io_ports["i2c_data"], i=sampler.data_in, o=Const(0, 1), oe=sampler.low
            )
        else:
            sampler = SpiSampler(bits)
        m.submodules.sampler = sampler
        for port, name in _INPUTS[p.line].items():
            m.d.comb += getattr(sampler, name).eq(getattr(self, port))
        m.submodules.scaler = scaler = Scaler(scaling, shape)
        m.d.comb += [scaler.data.eq(sampler.data), scaler.valid.eq(sampler.valid), scaler.end.eq(sampler.end)]
        return scaler

    def _filtered(self, m: Module, ports: dict[str, Any]) -> Any:
        """Steps of sound, whose sequences end for the core's ``ports``."""
        p = self.parameters
        assert p.bank is not None
        m.submodules.sampler = sampler = I2sSampler(p.divisor, p.gain)
        m.submodules.bank = bank = Bank(p.bank)
        m.d.comb += [sampler.sound.eq(self.i2s_data), self.i2s_clock.eq(sampler.clock)]
        m.d.comb += [self.i2s_select.eq(sampler.select), bank.data.eq(sampler.data), bank.valid.eq(sampler.valid)]
        ports["i_s_axis_tuser"] = bank.last
        return bank

    def _show(self, m: Module, greatest: Greatest) -> None:
        p = self.parameters
        lit: Any = greatest.number
        if p.lights and p.results <= len(p.lights):
            lit = Cat(greatest.number == number for number in range(p.results))
        lit = Cat(bit & greatest.known for bit in lit)
        for number, low in enumerate(p.lights):
            m.d.comb += getattr(self, f"light_{number}").eq((lit[number] if number < len(lit) else 0) ^ low)
        if p.segments:
            m.submodules.segments = segments = Segments()
            m.d.comb += [segments.digit.eq(greatest.number), segments.known.eq(greatest.known)]
            for number, low in enumerate(p.segments):
                m.d.comb += getattr(self, f"segment_{number}").eq(segments.o[number] ^ low)
        for number, low in enumerate(p.digits):
            m.d.comb += getattr(self, f"digit_{number}").eq((number == 0) ^ low)


def scaling(manifest: Manifest, raw: tuple[int, int] | None, where: str) -> Scaling:
    """From ``raw``, the integers that a sensor gives, to those of the core's input; None: they are the same.

    Raises :class:`InputError` if there is no such line, or samples have more than 16 bits.
    """
    form = manifest.input
    low, high = (form.low, form.high) if raw is None else raw
    try:
        found = Scaling(low=low, high=high, to_low=form.low, to_high=form.high)
    except ValueError as error:
        raise InputError(f"{where}: --raw {low}:{high}: {error}") from None
    if not (low >= -(1 << 15) and high < 1 << 15) and not (low >= 0 and high < 1 << 16):
        raise InputError(f"{where}: --raw {low}:{high}: allowed are -32768..32767, or 0..65535")
    return found


def bank_of(model: Network, manifest: Manifest) -> FilterBank:
    """What the core of ``model`` is to be fed by behind a microphone.

    Raises :class:`InputError` if its inputs are not those of a bank of filters, or it answers every step of a sequence.
    """
    bank = model.input.features
    if not isinstance(bank, FilterBank) or (model.input.bits, model.input.signed) != (8, True):
        raise InputError(
            f"{model.where}: --sensor i2s: its input is not that of a filter bank; allowed: 8 bits, signed, with features "
            "filter-bank, as networks that are trained on what hdlgen hear writes"
        )
    if not manifest.sequential or manifest.every_step:
        raise InputError(f"{model.where}: --sensor i2s: allowed are cores that answer sequences, not each step")
    return bank


def bit_cycles(manifest: Manifest, bank: FilterBank, clock: Fraction, where: str) -> int:
    """Of a bit of the microphone's clock.

    Raises :class:`InputError` if the rate of samples would be another, or there is no time for bank or core.
    """
    found = round(clock / (FRAME_BITS * bank.rate))
    if found < _LEAST_BIT or abs(clock / (FRAME_BITS * found) / bank.rate - 1) > _TOLERANCE:
        raise InputError(
            f"{where}: --sensor i2s: {float(clock) / 1e6:g} MHz makes no {bank.rate} samples/s; allowed: a --clock of "
            f"{FRAME_BITS} * {bank.rate} Hz times an integer, {_LEAST_BIT} at least, or up to 5 % from that"
        )
    sample = found * FRAME_BITS
    for what, needed, allowed in (
        ("the filter bank for a sample", cycles(bank), sample),
        ("the core for a step", manifest.interval_cycles, sample * bank.hop),
    ):
        if needed > allowed:
            raise InputError(f"{where}: --sensor i2s: {what} takes {needed} cycles; allowed at this clock: {allowed}")
    return found


def parameters_of(
    manifest: Manifest, front: Front, line: str, found: Scaling | None, where: str, **more: Any
) -> SensorTopParameters:
    """Of the core of ``manifest``; ``more`` are members of the parameters.

    Raises :class:`InputError` if its frames are steps of sequences, or it waits for weights.
    """
    form = manifest.input
    if manifest.sequential and found is not None:
        raise InputError(
            f"{where}: its frames are steps of sequences, whose ends a sensor does not tell; take --top serial"
        )
    if manifest.weights.fill == "port":
        raise InputError(
            f"{where}: its weights must be loaded, for which a sensor has no way; compile with --fill flash"
        )
    return SensorTopParameters(
        core=manifest.top,
        signed=form.signed,
        element_bits=8 * form.bytes_per_element,
        elements=form.elements_per_beat,
        width=form.width,
        results=manifest.output.width,
        result_bits=manifest.output.bits,
        loadable=manifest.weights.loadable,
        scaling=found,
        line=line,
        front=front,
        **more,
    )


def for_simulation(manifest: Manifest, line: str, raw: tuple[int, int] | None, **more: Any) -> SensorTopParameters:
    """The top for a simulation, with an LED for errors."""
    front = Front(active_low={"fail": False})
    found = None if "bank" in more else scaling(manifest, raw, manifest.top)
    return parameters_of(manifest, front, line, found, manifest.top, **more)


def board_top(
    manifest: Manifest,
    line: str,
    show: str,
    raw: tuple[int, int] | None,
    baud: int | None,
    where: str,
    *,
    address: int = ADDRESS,
    bank: FilterBank | None = None,
    gain: int = 0,
) -> Callable[[Board, Setting], BoardTop]:
    """What `hdlgen.flow.synth.synthesise` takes as ``board_top``: this design, for the clock that is chosen.

    ``bank``, of `bank_of`, is needed for the line "i2s", and ``gain`` is for it.

    Raises :class:`InputError`, when it is called, if the board lacks what is asked for, or has too few lights.
    """
    found = scaling(manifest, raw, where) if bank is None else None

    def top(board: Board, setting: Setting) -> BoardTop:
        places = _places(board, line, show, where)
        front = Front.for_board(manifest, board, setting.frequency, where)
        front = Front(**vars(front) | {"active_low": {n: low for n, low in front.active_low.items() if n == "fail"}})
        more: dict[str, Any] = {
            f"{name}s": tuple(pin.active_low for port, pin in places.items() if port.startswith(f"{name}_"))
            for name in ("light", "segment", "digit")
        }
        if line == "i2c":
            more["address"] = address
        if bank is not None:
            more |= {"bank": bank, "gain": gain, "divisor": bit_cycles(manifest, bank, setting.frequency, where)}
        if line == "uart":
            more["divisor"] = divisor(setting.frequency, baud, board.name)
        parameters = parameters_of(manifest, front, line, found, where, **more)
        most = _DIGITS if show == "segments" else 1 << len(parameters.lights)
        if parameters.results > most:
            raise InputError(
                f"{where}: has {parameters.results} classes; the {show} of {board.title} show up to {most}"
            )
        pins = {"clk": board.clock.pin, "button": board.reset, "led_error": board.leds.get("fail"), **places}
        pins |= {} if front.flash is None else front.flash.pins(board)
        return BoardTop(
            kind=KIND,
            name=TOP,
            verilog=convert(SensorTop(parameters), TOP, f"{manifest.top} between a sensor and lights"),
            pins={name: pin for name, pin in pins.items() if pin is not None},
            summary=_summary(parameters, places, setting.frequency),
        )

    return top


def _places(board: Board, line: str, show: str, where: str) -> dict[str, Pin]:
    """The pins of the line and the lights.

    Raises :class:`InputError` if the board has none, or uses one for both.
    """
    if line == "uart" and board.uart is not None and can_talk(board):
        places = {"rx": board.uart.rx}
    elif line == "i2c" and board.i2c is not None:
        places = {"i2c_clock": board.i2c.clock, "i2c_data": board.i2c.data}
    elif line == "i2s" and board.i2s is not None:
        places = {"i2s_clock": board.i2s.clock, "i2s_select": board.i2s.select, "i2s_data": board.i2s.data}
    elif line == "spi" and board.spi is not None:
        places = {"spi_clock": board.spi.clock, "spi_mosi": board.spi.mosi, "spi_select": board.spi.select}
    else:
        raise InputError(f"{where}: --sensor {line}: {board.title} has no pins for it in its file")
    pins = (
        {}
        if board.show is None
        else {"light": board.show.leds}
        if show == "leds"
        else {"segment": board.show.segments, "digit": board.show.digits}
    )
    if not any(pins.values()):
        raise InputError(f"{where}: --show {show}: {board.title} has none in its file")
    return places | {f"{name}_{number}": pin for name, row in pins.items() for number, pin in enumerate(row)}


def _summary(p: SensorTopParameters, places: Mapping[str, Pin], clock: Fraction) -> dict[str, Any]:
    """What the report says."""
    shown: dict[str, Any] = {"pins": {name: f"pin {pin.pin}" for name, pin in places.items()}}
    if p.bank is not None:
        sample = p.divisor * FRAME_BITS
        rate = {"line": p.line, "bit_clock_hz": round(clock / p.divisor), "samples_hz": round(clock / sample)}
        used = {"cycles_per_sample": sample, "busy_cycles": cycles(p.bank), "cycles_per_step": sample * p.bank.hop}
        return rate | used | {"gain": p.gain} | shown
    q = p.scaling
    assert q is not None
    ends = {
        "spi": {"sclk_hz_at_most": int(clock / 4)},
        "i2c": {"address": p.address, "scl_hz_at_most": int(clock / 8)},
        "uart": {"baud": round(clock / max(p.divisor, 1))},
    }[p.line]
    form = {"sample_bits": q.raw_bits, "sample_signed": q.signed, "raw": [q.low, q.high]}
    return {"line": p.line, **ends, **form, "multiplier": q.multiplier, "shift": q.shift, **shown}
