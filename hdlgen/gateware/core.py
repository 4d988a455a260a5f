"""What the cores of all engines have in common."""

from collections.abc import Callable
from typing import Any, ClassVar

from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import flipped

from hdlgen.gateware.image import Held
from hdlgen.gateware.kit import Kit
from hdlgen.gateware.primitives import Library
from hdlgen.gateware.reload import Gate, Reload
from hdlgen.gateware.streams import BEATS, LOAD, connect, core_ports, inputs, load_ports, outputs

__all__ = ["Core", "StepCore"]


class Core(wiring.Component):
    """The hardware of a program, emitted as Verilog: AXI4-Streams on both sides (docs/interface.md), and `load_ports` where
    weights can be written.

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
        super().__init__(core_ports(bits, program.result_bits, *flags) | more | load)

    def say(self, m: Module, reload: Reload) -> None:
        """What it says of its weights: ``load_state`` is in_force, receiving, complete, error, loaded, and above these
        generation; ``load_id`` is loaded_id."""
        names = ("in_force", "receiving", "complete", "error", "loaded", "generation")
        m.d.comb += self.load_state.eq(Cat(getattr(reload, name) for name in names))
        m.d.comb += self.load_id.eq(reload.loaded_id)

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
        m.submodules.reload = reload = Reload(self.kit.held, beat_bytes=len(self.load_data) // 8)
        m.submodules.gate = gate = Gate(most=most)
        self.say(m, reload)
        connect(m, LOAD, (flipped(self), "load_"), reload)
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

    def pass_first(self, m: Module, loader: Any, results: Any, sender: Any) -> None:
        """Those flags to a `StepLoader`, and from `Slots` through a `StepSender`."""
        if self.follows:
            m.d.comb += loader.s_first.eq(self.s_axis_tfirst)
        if self.precedes:
            m.d.comb += [sender.first.eq(results.first), self.m_axis_tfirst.eq(sender.m_first)]
