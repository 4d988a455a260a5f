"""Engines in a row: the results of one are the elements of the next, frame by frame or step by step.

::

    s_axis -> stage 1 -> join -> stage 2 -> join -> .. -> m_axis

All stages work at once, on different frames. Where a stage has a state, frames are the time steps of sequences; then a stage
without one has a `Companion`, which knows of every frame in it whether it is the first or the last step of its sequence.
"""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import fifo, wiring
from amaranth.lib.wiring import In, Out, flipped

from hdlgen.compiler.plan import Join, Plan, Stage
from hdlgen.gateware.delay.core import DelayCore
from hdlgen.gateware.draw.core import DrawCore
from hdlgen.gateware.gather.core import GatherCore
from hdlgen.gateware.path.core import PathCore
from hdlgen.gateware.primitives import Library
from hdlgen.gateware.scan.core import ScanCore
from hdlgen.gateware.spatial.core import SpatialCore
from hdlgen.gateware.spot.core import SpotCore
from hdlgen.gateware.streams import BEATS, beats, connect, core_ports, inputs, outputs
from hdlgen.gateware.tensor.core import TensorCore
from hdlgen.gateware.unit.core import UnitCore

__all__ = ["CORES", "ChainCore", "Companion", "JoinPipeline", "stage_prefix"]

#: The core of each engine, by its name; its ``held`` says what its memories hold that was trained.
CORES: dict[str, Any] = {
    "path": PathCore,
    "gather": GatherCore,
    "tensor": TensorCore,
    "unit": UnitCore,
    "scan": ScanCore,
    "delay": DelayCore,
    "spatial": SpatialCore,
    "spot": SpotCore,
    "draw": DrawCore,
}

FLAGS = ("user", "first")
"""Of steps on their way: the last and the first of a sequence."""

IN_FLIGHT = 8
"""Frames for which a `Companion` has room: more than any engine holds, which are two for its inputs, two that it computes
and two of results."""


def stage_prefix(plan: Plan, number: int, prefix: str) -> str:
    """What the names of the modules of stage ``number``, from 0 on, begin with."""
    return prefix if plan.single is not None else f"{prefix}_stage{number + 1}"


class JoinPipeline(wiring.Component):
    """y = clamp((x + 2^(shift-1)) >> shift, low, high) for every value of a stream, ``Join.LATENCY`` cycles later.

    An elastic pipeline: a value moves on whenever there is room before it.

    Members
    -------
    i_*, o_*: values and the flags that travel with them
    """

    def __init__(self, join: Join):
        self.join = join
        super().__init__({**beats("i_", In, join.input_bits, *FLAGS), **beats("o_", Out, join.output_bits, *FLAGS)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        join = self.join
        rounded, flags, full = Signal(signed(join.input_bits + 1)), Signal(1 + len(FLAGS)), Signal()
        moves = Signal()
        m.d.comb += [moves.eq(~self.o_valid | self.o_ready), self.i_ready.eq(~full | moves)]
        # s1: rounded = x + 2^(shift-1)
        with m.If(self.i_ready):
            m.d.sync += full.eq(self.i_valid)
            m.d.sync += rounded.eq(self.i_data.as_signed() + ((1 << join.shift) >> 1))
            m.d.sync += flags.eq(Cat(self.i_last, self.i_user, self.i_first))
        # s2: y = clamp(rounded >> shift, low, high)
        shifted = rounded >> join.shift
        clamped = Mux(shifted < join.low, join.low, Mux(shifted > join.high, join.high, shifted))
        with m.If(moves):
            m.d.sync += [self.o_valid.eq(full), self.o_data.eq(clamped)]
            m.d.sync += Cat(self.o_last, self.o_user, self.o_first).eq(flags)
        return m


class Companion(wiring.Component):
    """Remembers of every frame in an engine without a state where it stands in its sequence.

    Frames go past it to the engine, and results from the engine. A frame with a misplaced ``last`` takes its sequence with
    it, as `StepLoader` does it: the engine forgets that frame, and none of the others up to the end of the sequence reaches
    it. What follows begins another sequence.

    Parameters
    ----------
    beats: of a frame

    Members
    -------
    i_*: the frames that come; with ``i_first``, where they are known to be right, the flag of each frame's last beat;
        ``s_valid``, ``s_ready``: the same at the engine
    done: the last result of a frame leaves the engine
    first, user: flags of the frame whose results leave
    """

    def __init__(self, *, beats: int, checked: bool):
        self.beats, self.checked = beats, checked
        super().__init__(
            inputs(i_valid=1, i_last=1, i_user=1, i_first=1, s_ready=1, done=1)
            | outputs(i_ready=1, s_valid=1, first=1, user=1)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.flags = flags = fifo.SyncFIFO(width=2, depth=IN_FLIGHT)
        beat, good, swallowed = Signal(), Signal(), Signal()
        m.d.comb += [
            self.s_valid.eq(self.i_valid & ~swallowed & flags.w_rdy),
            self.i_ready.eq(swallowed | (self.s_ready & flags.w_rdy)),
            beat.eq(self.i_valid & self.i_ready),
            flags.w_en.eq(good),
            flags.r_en.eq(self.done),
            Cat(self.first, self.user).eq(flags.r_data),
        ]
        if self.checked:
            m.d.comb += [good.eq(beat & self.i_last), flags.w_data.eq(Cat(self.i_first, self.i_user))]
            return m
        index = Signal(range(max(self.beats, 2)))
        final = Signal(init=self.beats == 1)
        # The rest of a frame, which the engine forgets by itself; the rest of a sequence, which never reaches it.
        dropping, broken = Signal(), Signal()
        fresh = Signal(init=1)
        wrong, ends = Signal(), Signal()
        m.d.comb += swallowed.eq(broken & ~dropping)
        m.d.comb += wrong.eq(beat & ~broken & (self.i_last != final))
        m.d.comb += ends.eq(beat & (self.i_last | (final & ~broken)))
        m.d.comb += good.eq(beat & self.i_last & final & ~broken)
        m.d.comb += flags.w_data.eq(Cat(fresh, self.i_user))
        with m.If(beat & ~broken):
            m.d.sync += [index.eq(index + 1), final.eq(index == self.beats - 2)]
        with m.If(ends):
            m.d.sync += [index.eq(0), final.eq(self.beats == 1), dropping.eq(~self.i_last)]
        with m.If(good):
            m.d.sync += fresh.eq(self.i_user)
        with m.If(wrong):
            m.d.sync += [broken.eq(1), fresh.eq(1)]
        with m.If(beat & self.i_last & self.i_user):
            m.d.sync += broken.eq(0)
        return m


class _Link:
    """Values on their way from one stage to the next: ``user`` and ``first`` of steps, on the last value of each."""

    def __init__(self, name: str, bits: int):
        self.signature = wiring.Signature(beats("", In, bits, *FLAGS))
        for member, shape in self.signature.members.items():
            setattr(self, member, Signal(shape.shape, name=f"{name}_{member}"))


class ChainCore(wiring.Component):
    """Stages in a row: what is emitted as Verilog where a network takes more than one engine.

    AXI4-Stream on both sides; see docs/interface.md.
    """

    def __init__(self, plan: Plan, *, library: Library | None = None, prefix: str = "hdlgen"):
        self.plan, self.library, self.prefix = plan, library, prefix
        data = 8 * plan.first.bytes_per_element * plan.first.elements_per_beat
        super().__init__(core_ports(data, plan.result_bits, *(("user",) if plan.sequential else ())))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        user = ("user",) if self.plan.sequential else ()
        link: Any = _Link("input", len(self.s_axis_tdata))
        connect(m, (*BEATS, *user), (flipped(self), "s_axis_t"), link)
        for number, stage in enumerate(self.plan.stages):
            link = self._stage(m, number, stage, link)
        m.d.comb += self.m_axis_tdata.eq(link.data.as_signed())
        connect(m, ("valid", "ready", "last"), flipped(link), (flipped(self), "m_axis_t"))
        if user:
            m.d.comb += self.m_axis_tuser.eq(link.user & link.last)
        return m

    def _stage(self, m: Module, number: int, stage: Stage, link: Any) -> Any:
        """The stage between what comes and what goes."""
        plan, program = self.plan, stage.program
        stateful = program.recurrent
        behind = number < len(plan.stages) - 1
        given = {"follows": number > 0, "precedes": behind} if stateful else {}
        prefix = stage_prefix(plan, number, self.prefix)
        core = CORES[stage.engine](program, library=self.library, prefix=prefix, **given)
        m.submodules[f"stage{number + 1}"] = core
        out: Any = _Link(f"stage{number + 1}", program.result_bits)
        source = flipped(link)
        if number == 0:
            m.d.comb += self.frame_error.eq(core.frame_error)
        if plan.sequential and not stateful:
            m.submodules[f"companion{number + 1}"] = companion = Companion(beats=program.beats, checked=number > 0)
            connect(m, ("valid", "ready", "last", "user", "first"), source, (companion, "i_"))
            m.d.comb += companion.done.eq(out.valid & out.ready & out.last)
            connect(m, ("user", "first"), companion, out)
            connect(m, ("valid", "ready"), (companion, "s_"), (core, "s_axis_t"))
        else:
            connect(m, ("valid", "ready"), source, (core, "s_axis_t"))
        if stateful:
            connect(m, ("user", "first") if number else ("user",), source, (core, "s_axis_t"))
            connect(m, ("user", "first") if behind else ("user",), (core, "m_axis_t"), out)
        # As many bits as the stage reads of each value.
        m.d.comb += core.s_axis_tdata.eq(link.data)
        connect(m, ("last",), source, (core, "s_axis_t"))
        connect(m, BEATS, (core, "m_axis_t"), out)
        if stage.join is None:
            return out
        m.submodules[f"join{number + 1}"] = join = JoinPipeline(stage.join)
        joined = _Link(f"join{number + 1}", stage.join.output_bits)
        connect(m, (*BEATS, *FLAGS), flipped(out), (join, "i_"))
        connect(m, (*BEATS, *FLAGS), (join, "o_"), joined)
        return joined
