"""What the cores of all engines have in common."""

from collections.abc import Callable
from typing import Any, ClassVar

from amaranth.hdl import Cat, Const, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import flipped

from hdlgen.compiler.path.flash import FlashTiming
from hdlgen.gateware.flash import FlashLoader, FlashReader, FlashWeights, flash_ports
from hdlgen.gateware.image import Held
from hdlgen.gateware.kit import Kit
from hdlgen.gateware.primitives import Library
from hdlgen.gateware.reload import Gate, Reload
from hdlgen.gateware.steps import Slots, StepLoader
from hdlgen.gateware.streams import BEATS, connect, core_ports, inputs, load_ports, outputs

__all__ = ["Core", "StepCore"]


class Core(wiring.Component):
    """The hardware of a program, emitted as Verilog: AXI4-Streams on both sides (docs/interface.md), and `load_ports` where
    weights can be written.

    Where a flash fills their memories there are its pins (`flash_ports`), and ``flash_address``, where the image begins;
    then a load port takes its first beat when the flash is not read any more.

    Parameters
    ----------
    flags: of both streams
    library, prefix: as `Kit` has them
    more: further ports
    """

    held: ClassVar[Callable[..., Held]]
    """What its memories hold that was trained, of a program and the prefix of their names."""

    def __init__(
        self, program: Any, *flags: str, library: Library | None = None, prefix: str = "hdlgen", **more: Any
    ):
        self.program = program
        self.kit = Kit(prefix=prefix, library=library, held=self.held(program, prefix))
        bits = 8 * program.bytes_per_element * program.elements_per_beat
        load = load_ports(bits if program.load_port else None) if program.writable else {}
        flash = flash_ports(program.flash_lines) | inputs(flash_address=24) if program.fill == "flash" else {}
        super().__init__(
            core_ports(bits, program.result_bits * program.results_per_beat, *flags) | more | load | flash
        )

    @property
    def load_bytes(self) -> int:
        """Of a beat with weights."""
        return len(self.load_data) // 8 if self.program.load_port else 1

    def fill(self, m: Module, reload: Reload, streamed: FlashWeights | None = None) -> None:
        """What the load port or the flash has goes to ``reload``, and out goes what that says: ``load_state`` is in_force,
        receiving, complete, error, loaded, and above these generation; ``load_id`` is loaded_id.

        ``streamed``: who reads the flash, once the image in it is in force.
        """
        p = self.program
        names = ("in_force", "receiving", "complete", "error", "loaded", "generation")
        m.d.comb += self.load_state.eq(Cat(getattr(reload, name) for name in names))
        m.d.comb += self.load_id.eq(reload.loaded_id)
        reading: Any = Const(0, 1)
        beat = ("data", "valid", "kind")
        if p.load_port:
            connect(m, beat, (flipped(self), "load_"), reload)
        if p.fill == "flash":
            m.submodules.flash_loader = loader = FlashLoader(self.kit.held, beat_bytes=self.load_bytes)
            self._connect_flash(m, loader, streamed)
            reading = loader.active
            connect(m, ("in_force", "error", "ready"), reload, loader)
            m.d.comb += loader.give_up.eq(self.load_valid if p.load_port else 0)
            with m.If(reading):
                connect(m, beat, loader, reload)
        if p.load_port:
            m.d.comb += self.load_ready.eq(reload.ready & ~reading)

    def _connect_flash(self, m: Module, loader: FlashLoader, streamed: FlashWeights | None) -> None:
        """One reader: first for the whole image, then for its weights where these stay in the flash."""
        m.submodules.flash_reader = reader = FlashReader(FlashTiming.of(self.program))
        m.d.comb += reader.prepare.eq(loader.active)
        connect(m, ("begin", "go"), loader, reader)
        m.d.comb += reader.address.eq(self.flash_address)
        connect(m, flash_ports(self.program.flash_lines), reader, flipped(self))
        parts: list[FlashLoader | FlashWeights] = [loader]
        if streamed is not None:
            parts.append(streamed)
            m.d.comb += streamed.run.eq(~loader.active)
            with m.If(~loader.active):
                connect(m, ("begin", "go"), streamed, reader)
                m.d.comb += reader.address.eq(self.flash_address + len(self.kit.held.header))
        else:
            m.d.comb += reader.stop.eq(~loader.active)
        for part in parts:
            connect(m, ("boundary", "byte"), reader, part)
            m.d.comb += part.got.eq(reader.valid)

    def send(self, m: Module, writer: Any, results: Any, sender: Any) -> None:
        """Join who writes results to their `Slots`, and to the `StepSender` at the output."""
        connect(m, ("commit",), writer, results)
        connect(m, ("enable",), (writer, "result_"), (sender, "write_"))
        connect(m, ("write_place",), results, sender)
        connect(m, ("row", "data"), (writer, "result_"), (sender, "write_"))
        connect(m, ("valid", "place", "release"), results, sender)
        connect(m, BEATS, (flipped(self), "m_axis_t"), (sender, "m_"))

    def add_reload(self, m: Module, loader: Any, *, due: Any, most: int) -> Any:
        """A `Reload`, and a `Gate` between the input and its ``loader``.

        Comes behind the statements that connect these two. ``due`` and ``most`` as `Gate` has them. Returns what goes to the
        memories.
        """
        m.submodules.reload = reload = Reload(self.kit.held, beat_bytes=self.load_bytes)
        m.submodules.gate = gate = Gate(most=most)
        self.fill(m, reload)
        connect(m, ("idle", "accept"), gate, reload)
        m.d.comb += loader.s_valid.eq(self.s_axis_tvalid & gate.open)
        m.d.comb += self.s_axis_tready.eq(loader.s_ready & gate.open)
        m.d.comb += gate.beat.eq(self.s_axis_tvalid & self.s_axis_tready)
        m.d.comb += [gate.last.eq(loader.s_last), gate.user.eq(loader.s_user), gate.due.eq(due)]
        m.d.comb += gate.sent.eq(self.m_axis_tvalid & self.m_axis_tready & self.m_axis_tlast)
        return reload.load


class StepCore(Core):
    """The hardware of a program whose frames are the steps of sequences.

    Where the core ``follows`` or ``precedes`` another, steps come or go with a flag that says whether they are the first of
    their sequence.
    """

    def __init__(self, program: Any, *, follows: bool = False, precedes: bool = False, **names: Any):
        self.follows, self.precedes = follows, precedes
        more = (inputs(s_axis_tfirst=1) if follows else {}) | (outputs(m_axis_tfirst=1) if precedes else {})
        super().__init__(program, "user", **names, **more)

    def take_steps(self, m: Module) -> StepLoader:
        """The loader of steps, with the input stream."""
        p = self.program
        m.submodules.loader = loader = StepLoader(
            width=p.input_width, bits=p.input_bits, data_bits=8 * p.bytes_per_element, chained=self.follows
        )
        connect(m, (*BEATS, "user"), (flipped(self), "s_axis_t"), (loader, "s_"))
        m.d.comb += self.frame_error.eq(loader.frame_error)
        if self.follows:
            m.d.comb += loader.s_first.eq(self.s_axis_tfirst)
        return loader

    def give_steps(self, m: Module, results: Slots, sender: Any) -> None:
        """The output stream from a ``sender``, such as `StepSender`, of what ``results`` say is the next step."""
        connect(m, (*BEATS, "user"), (flipped(self), "m_axis_t"), (sender, "m_"))
        if self.precedes:
            m.d.comb += [sender.first.eq(results.first), self.m_axis_tfirst.eq(sender.m_first)]
