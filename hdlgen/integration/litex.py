"""A core in a LiteX system on a chip: behind registers on its bus, or as a module with streams.

>>> core = add_core(soc, "core")                          # doctest: +SKIP
>>> soc.submodules.network = Streams(platform, "core")    # doctest: +SKIP

Needs LiteX (``pip install 'hdlgen[soc]'``). docs/system.md goes from a network to a system that answers.
"""

import os
from pathlib import Path
from typing import Any

from litex.gen import LiteXModule
from litex.soc.integration.soc import SoCRegion
from litex.soc.interconnect import stream, wishbone
from litex.soc.interconnect.csr import CSRStatus, CSRStorage
from litex.soc.interconnect.csr_eventmanager import EventManager, EventSourceLevel
from migen import ClockSignal, Instance, ResetSignal, Signal

from hdlgen.emit.manifest import Manifest, check_sources, read_manifest
from hdlgen.errors import InputError

__all__ = ["Registers", "Streams", "add_core"]

SPAN = 256
"""Bytes of the registers."""


def _read(directory: str | os.PathLike[str]) -> tuple[Path, Manifest]:
    root = Path(directory).resolve()
    manifest = read_manifest(root)
    check_sources(root, manifest)
    taken = ("clk", "rst", "s_axis_", "m_axis_", "frame_error", "load_")
    pins = [port.name for port in manifest.ports if not port.name.startswith(taken)]
    if pins:
        raise InputError(
            f"{root}: port {pins[0]}: the weights come from a flash; allowed in LiteX: --weights rom or ram"
        )
    return root, manifest


def _add_sources(platform: Any, root: Path, names: tuple[str, ...]) -> None:
    for name in names:
        platform.add_source(str(root / name), "verilog")


def _sources(root: Path, manifest: Manifest, family: str) -> tuple[str, ...]:
    if family not in manifest.synthesis:
        raise InputError(f"{root}: family {family!r}; allowed: {', '.join(manifest.synthesis)}")
    return tuple(manifest.synthesis[family])


class Registers(LiteXModule):
    """A core with the registers of docs/bus.md on the Wishbone ``bus``, and the interrupt ``ev.answer``.

    Parameters
    ----------
    platform: of the SoC; gets the Verilog
    directory: of a design that was compiled with ``--bus wishbone``
    family: "generic", "ice40", "ecp5", "gowin", ..: whose memories and multipliers are taken

    Raises
    ------
    InputError
        If it is no such design, its files were changed, or it needs a flash.
    """

    def __init__(self, platform: Any, directory: str | os.PathLike[str], family: str = "generic"):
        root, manifest = _read(directory)
        if manifest.bus is None or manifest.bus.kind != "wishbone":
            kind = "none" if manifest.bus is None else manifest.bus.kind
            raise InputError(f"{root}: bus {kind}; required for LiteX: hdlgen compile --bus wishbone")
        self.manifest = manifest
        self.software = root / "bus"
        self.bus = bus = wishbone.Interface(data_width=32, adr_width=32, addressing="word")
        interrupt = Signal()
        self.ev = EventManager()
        self.ev.answer = EventSourceLevel()
        self.ev.finalize()
        self.comb += self.ev.answer.trigger.eq(interrupt)
        self.specials += Instance(
            manifest.bus.top,
            i_clk=ClockSignal("sys"),
            i_rst=ResetSignal("sys"),
            i_wb_cyc=bus.cyc,
            i_wb_stb=bus.stb,
            i_wb_we=bus.we,
            i_wb_adr=bus.adr[:6],
            i_wb_sel=bus.sel,
            i_wb_dat_w=bus.dat_w,
            o_wb_dat_r=bus.dat_r,
            o_wb_ack=bus.ack,
            o_wb_err=bus.err,
            o_irq=interrupt,
        )
        _add_sources(platform, root, (*_sources(root, manifest, family), manifest.bus.source))


class Streams(LiteXModule):
    """A core as a module with streams: frames go into ``sink``, results come from ``source``, both with ``last``.

    Their ``data`` is as wide as the core's; cores of sequences have a ``user`` in both (docs/interface.md).
    Registers: ``error`` is the core's frame_error, ``reset`` resets it. Weights are those of the bitstream.
    """

    def __init__(self, platform: Any, directory: str | os.PathLike[str], family: str = "generic"):
        root, manifest = _read(directory)
        self.manifest = manifest
        user = [("user", 1)] if manifest.sequential else []
        self.sink = sink = stream.Endpoint([("data", manifest.input.beat_bits), *user])
        self.source = source = stream.Endpoint([("data", manifest.output.beat_bits), *user])
        self.reset = CSRStorage(1, description="1 holds the core in reset.")
        self.error = CSRStatus(1, description="A frame had its last beat in the wrong place.")
        more: dict[str, Any] = {}
        if manifest.sequential:
            more |= {"i_s_axis_tuser": sink.user, "o_m_axis_tuser": source.user}
        if manifest.weights.loadable:
            more |= {"i_load_data": 0, "i_load_valid": 0, "i_load_kind": 0, "o_load_ready": Signal()}
        if manifest.weights.source != "rom":
            more |= {"o_load_state": Signal(8), "o_load_id": Signal(32)}
        self.specials += Instance(
            manifest.top,
            i_clk=ClockSignal("sys"),
            i_rst=ResetSignal("sys") | self.reset.storage,
            i_s_axis_tdata=sink.data,
            i_s_axis_tvalid=sink.valid & ~self.reset.storage,
            o_s_axis_tready=sink.ready,
            i_s_axis_tlast=sink.last,
            o_m_axis_tdata=source.data,
            o_m_axis_tvalid=source.valid,
            i_m_axis_tready=source.ready,
            o_m_axis_tlast=source.last,
            o_frame_error=self.error.status,
            **more,
        )
        _add_sources(platform, root, _sources(root, manifest, family))


def add_core(
    soc: Any,
    directory: str | os.PathLike[str],
    name: str = "network",
    *,
    origin: int | None = None,
    family: str = "generic",
) -> Registers:
    """Add the core in ``directory`` to a SoC as `Registers`: a region ``name`` of its bus, and an interrupt if it has any.

    ``origin``: where, by default where there is room. Software finds the region's base in the constants and regions that
    LiteX writes, and the driver in ``software`` of what is returned.
    """
    core = Registers(soc.platform, directory, family)
    soc.add_module(name=name, module=core)
    soc.bus.add_slave(name, core.bus, SoCRegion(origin=origin, size=SPAN, cached=False))
    if soc.irq.enabled:
        soc.irq.add(name, use_loc_if_exists=True)
    return core
