"""From a network to a plan: stages in a row, each an engine with the layers that it runs best.

>>> plan = compile_network(network, Options(lanes=16))
>>> plan.run(x)               # the same integers as hdlgen.golden.evaluate, in the order of the hardware

A stage takes the outputs of the one before as its inputs: a frame for every frame, or for every time step. All stages
work at once, on different frames.
"""

import itertools
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from hdlgen import golden
from hdlgen.compiler import delay, draw, gather, path, scan, spatial, spot, tensor, timing, unit
from hdlgen.compiler.common import EngineProgram
from hdlgen.compiler.engines import Engine
from hdlgen.compiler.faults import require, require_activation
from hdlgen.compiler.fitting import EngineFrame, Frame
from hdlgen.compiler.options import Options
from hdlgen.errors import InputError
from hdlgen.integers import round_shift
from hdlgen.network import Network
from hdlgen.targets import Memory, find_target

__all__ = ["ENGINES", "Join", "Plan", "Stage", "assign", "compile_network", "models"]

#: The engines, the most special one first: a layer is run by the first that can.
ENGINES: tuple[Engine, ...] = (
    *(unit.ENGINE, scan.ENGINE, delay.ENGINE, spot.ENGINE, draw.ENGINE),
    *(path.ENGINE, tensor.ENGINE, gather.ENGINE, spatial.ENGINE),
)

_BY_NAME = {engine.name: engine for engine in ENGINES}

_CHECKED = 4
"""Steps of each of two sequences, or frames, on which a plan is compared with the golden model."""


@dataclass(frozen=True, kw_only=True)
class Join:
    """clamp((v + 2^(shift-1)) >> shift, low, high) of the results of a stage.

    Members
    -------
    input_bits, output_bits : of a value, in two's complement.
    """

    input_bits: int
    output_bits: int
    shift: int
    low: int
    high: int

    LATENCY = 2
    """Cycles from a result to what becomes of it."""

    def __call__(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.clip(round_shift(values, self.shift), self.low, self.high)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A run of layers on one engine.

    Members
    -------
    engine : its name.
    first, last : the layers.
    network : they, as a network of their own, whose outputs are those of the program.
    join : what becomes of the results before they are the inputs of the next stage, or outputs; None: nothing.
    """

    engine: str
    first: int
    last: int
    network: Network
    program: EngineProgram
    join: Join | None = None

    def run(self, x: NDArray[np.int64], lengths: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Outputs and lengths of steps, and their sequences, in the order of the hardware."""
        values, lengths = self.program.answers(x, lengths)
        return (values if self.join is None else self.join(values)), lengths


@dataclass(frozen=True, kw_only=True)
class Plan(timing.Timing):
    """Everything about the hardware of one network."""

    name: str
    stages: tuple[Stage, ...]
    options: Options
    notes: tuple[str, ...] = ()

    @property
    def first(self) -> EngineProgram:
        return self.stages[0].program

    @property
    def last(self) -> EngineProgram:
        return self.stages[-1].program

    @property
    def frame(self) -> Frame:
        """What the design is able to take: other weights are compiled for it (`hdlgen.compiler.adopt`)."""
        hardware = "".join(f"{stage.program.engine}{stage.join}" for stage in self.stages)
        return Frame(
            options=self.options.as_json(),
            hardware=sha256(hardware.encode()).hexdigest(),
            stages=tuple(stage.program.frame for stage in self.stages),
        )

    @property
    def result_bits(self) -> int:
        """Of the output stream."""
        return self.last.result_bits if self.stages[-1].join is None else 32

    @property
    def memories(self) -> list[Memory]:
        """What surely is in block RAM, stage by stage."""
        return [memory for stage in self.stages for memory in stage.program.memories]

    @property
    def sequential(self) -> bool:
        """Frames are steps of sequences."""
        return any(stage.program.recurrent for stage in self.stages)

    @property
    def every_step(self) -> bool:
        """There are results of every step, not only of the last of each sequence."""
        return all(stage.program.every_step for stage in self.stages)

    @property
    def single(self) -> EngineProgram | None:
        """The program, if that is all there is: one stage whose results are the outputs."""
        return self.first if len(self.stages) == 1 and self.stages[0].join is None else None

    @property
    def trained(self) -> bool:
        """Its memories hold nothing at first that was not trained."""
        return all(stage.program.trained for stage in self.stages) and self.single is not None

    def run(self, x: NDArray[np.integer], lengths: NDArray[np.integer] | None = None) -> NDArray[np.int64]:
        """What the hardware computes, in the order of the hardware.

        Parameters
        ----------
        x: integers (N, input width), or the steps of all sequences
        lengths: steps of each sequence, where there are sequences

        Returns
        -------
        int64 (N, output width); for sequences a row for each, or for each step where `every_step`
        """
        values = np.asarray(x, np.int64)
        counts = np.ones(len(values), np.int64) if lengths is None else np.asarray(lengths, np.int64)
        for stage in self.stages:
            values, counts = stage.run(values, counts)
        return values


def _cuts(network: Network) -> list[int]:
    """Layers behind which the network can be cut: those behind read nothing from before."""
    least = itertools.accumulate((min(layer.sources) for layer in network.layers[:0:-1]), min)
    reaches = zip(range(len(network.layers), 0, -1), (len(network.layers), *least), strict=True)
    return [number for number, reach in reaches if reach >= number][::-1]


def assign(network: Network, names: Collection[str] | None = None) -> list[tuple[Engine, int, int]]:
    """Which engine runs which layers: (engine, first, last) in order.

    Raises :class:`InputError` if there is a layer that none of the engines called ``names`` (None: of all) can take.
    """
    engines = [engine for engine in ENGINES if (not engine.whole if names is None else engine.name in names)]
    cuts, stages, first = _cuts(network), list[tuple[Engine, int, int]](), 1
    while first <= len(network.layers):
        ends = [_ends(network, engine, first, cuts) for engine in engines]
        place = next((place for place, found in enumerate(ends) if found), None)
        if place is None:
            raise InputError(f"{network.where}: {_lacking(network, engines, first)}")
        # A stage ends where a more special engine takes over.
        last = next(
            (end for end in ends[place] if any(_ends(network, other, end + 1, cuts) for other in engines[:place])),
            ends[place][-1],
        )
        stages.append((engines[place], first, last))
        first = last + 1
    return stages


def _lacks(network: Network, engine: Engine, first: int) -> tuple[int, str | None]:
    """The first layer from ``first`` on that ``engine`` cannot take, and why; or one behind the last."""
    numbers = range(first, len(network.layers) + 1)
    lacks = ((number, engine.missing(network, first, number)) for number in numbers)
    return next((found for found in lacks if found[1] is not None), (numbers.stop, None))


def _ends(network: Network, engine: Engine, first: int, cuts: Sequence[int]) -> list[int]:
    """The layers with which a stage of ``engine`` that begins with layer ``first`` can end."""
    least = len(network.layers) if engine.whole else first
    return [number for number in cuts if least <= number < _lacks(network, engine, first)[0]]


def _lacking(network: Network, engines: Sequence[Engine], first: int) -> str:
    """Why no engine runs the layers from ``first`` on."""
    reasons, furthest = [], first
    for engine in engines:
        number, why = _lacks(network, engine, first)
        reasons.append(f"the {engine.name} engine, layer {number}: {why}")
        furthest = max(furthest, number)
    kind = network.layer(furthest).kind
    return f"layer {furthest} ({kind}) can be run by no engine that is allowed: {'; '.join(reasons)}"


def compile_network(
    network: Network, options: Options, *, frames: Sequence[EngineFrame] = (), check: bool = True
) -> Plan:
    """The plan of a network of any layers.

    Where the device of the options has too few block RAMs, the plan's notes say so.

    Parameters
    ----------
    frames: of the stages of a design that this network is to run on; the options are to be those of the design
    check: verify every program after every pass, and the plan against the golden model

    Raises
    ------
    InputError
        If no engine can run a layer, an option does not fit the network or its target, or the network does not fit
        the frames.
    CompilerFault
        If a program is not the network.
    """
    chosen = assign(network, options.engine)
    several = len(chosen) > 1
    if several and options.source != "rom":
        raise InputError(
            f"{network.where}: weights: {options.source!r} with {len(chosen)} stages; allowed: rom, or a network that one"
            " engine runs"
        )
    device = None if options.target is None else find_target(options.target)
    if device is not None and options.source == "spram" and not device.resources.spram_bits:
        raise InputError(
            f"{network.where}: weights: 'spram'; allowed on {device.name}, which has no single-port RAM: rom, ram, flash"
        )
    if several:
        engines = {engine.name: engine.takes for engine, _, _ in chosen}
        taken = {name for takes in engines.values() for name in takes}
        options.limit(network.where, " or ".join(engines), dict.fromkeys(sorted(taken), ()))
    stages: list[Stage] = []
    left = options.dsps
    for place, (engine, first, last) in enumerate(chosen):
        part = network.part(first, last) if several else network
        if engine.rectified and part.input.signed:  # the join before it leaves nothing negative
            part = replace(part, input=replace(part.input, bits=_bits(part.input.high), signed=False))
        part, join = _raw(network, part, first, last, engine, chosen[place + 1 :])
        given = replace(options.of_stage([engine.takes for engine, _, _ in chosen], place), dsps=left)
        if "results" in engine.takes and any(layer.stateful for layer in network.layers[last:]):
            given = replace(given, results="step")
        try:
            program = engine.compile(part, given, frame=frames[place] if frames else None, check=check)
        except InputError as error:
            raise InputError(_renumbered(str(error), first)) from None
        if join is not None:
            join = replace(join, input_bits=program.result_bits)
        stages.append(Stage(engine=engine.name, first=first, last=last, network=part, program=program, join=join))
        if left is not None:
            left = max(left[0] - program.dsps(left[1]), 0), left[1]
    notes = tuple(_renumbered(note, stage.first) for stage in stages for note in stage.program.notes)
    plan = Plan(name=network.name, stages=tuple(stages), options=options, notes=notes)
    times = plan.single or timing.predict(*models(stages))
    plan = replace(plan, **{member.name: getattr(times, member.name) for member in fields(timing.Timing)})
    if device is not None and (needed := device.blocks(plan.memories)) > (have := device.resources.memory_blocks):
        said = f"needs at least {needed} block RAMs; {device.name} ({device.device}) has {have}"
        plan = replace(plan, notes=(*notes, said))
    if check:
        verify(network, plan)
    return plan


def _renumbered(text: str, first: int) -> str:
    """What an engine says of the layers of its stage, said of those of the network."""
    return re.sub(r"(^|: )layer (\d+)", lambda found: f"{found[1]}layer {int(found[2]) + first - 1}", text)


def _raw(
    network: Network, part: Network, first: int, last: int, engine: Engine, behind: Sequence[tuple[Engine, int, int]]
) -> tuple[Network, Join | None]:
    """The part as its engine computes it, and what is left to the join.

    The path engine's results are sums: their activation is the join's. And paths read nothing negative.
    """
    form = network.layer(last).activation
    if engine.raw and form is not None:
        layers = (*part.layers[:-1], replace(part.layers[-1], activation=None))  # type: ignore[type-var]
        bits = _bits(form.high) + (not behind)
        return replace(part, layers=layers), Join(
            input_bits=0, output_bits=bits, shift=form.shift, low=form.low, high=form.high
        )
    if behind and behind[0][0].rectified:
        least, high = network.value_range(last)
        high = max(high, 0)
        if least < 0:
            return part, Join(input_bits=0, output_bits=_bits(high), shift=0, low=0, high=high)
    return part, None


def _bits(high: int) -> int:
    """Of a value from 0 to ``high``."""
    return max(high.bit_length(), 1)


def models(stages: Sequence[Stage]) -> tuple[list[timing.Stage], list[int]]:
    """The chain as `hdlgen.compiler.timing` takes it: the stages, and the registers behind each."""
    joins = [0 if stage.join is None else Join.LATENCY for stage in stages]
    return [_BY_NAME[stage.engine].model(stage.program) for stage in stages], joins


def verify(network: Network, plan: Plan) -> None:
    """Raise `CompilerFault` unless what is between the stages is what the layers say, and the plan computes of a few inputs
    what the golden model does."""
    for stage, behind in zip(plan.stages, (*plan.stages[1:], None), strict=True):
        _verify_join(network, stage, behind)
    generator = np.random.Generator(np.random.Philox(0))
    x = generator.integers(network.input.low, network.input.high + 1, (_CHECKED, network.input.width))
    lengths = np.array([_CHECKED // 2, _CHECKED - _CHECKED // 2])
    if plan.sequential:
        wanted = golden.evaluate(network, x, lengths, every_step=plan.every_step)
    else:
        wanted = golden.evaluate(network, x)
    require(np.array_equal(plan.run(x, lengths), wanted), "the plan computes something else than the network")


def _verify_join(network: Network, stage: Stage, behind: Stage | None) -> None:
    """What the program leaves to the join is an activation that it lacks, or that paths read nothing negative."""
    layer, last, join, what = network.layer(stage.last), stage.network.layers[-1], stage.join, f"layer {stage.last}"
    left = layer.activation != last.activation
    paths = behind is not None and _BY_NAME[behind.engine].rectified
    low, high = network.value_range(stage.last) if paths or left else (0, 0)
    require((join is None) == (low >= 0 and not left), f"{what}: a join too few or too many")
    if join is None:
        return
    require(join.input_bits == stage.program.result_bits, f"{what}: a join of other results")
    require(
        max(high, 0) >> (join.output_bits - (behind is None)) == 0, f"{what}: a join whose outputs are too narrow"
    )
    if left:
        require(last.activation is None, f"{what}: two activations")
        require_activation(join, layer.activation, what)  # type: ignore[arg-type]
    else:
        values = np.array([low, -1, 0, max(high, 0)], np.int64)
        require(np.array_equal(join(values), np.maximum(values, 0)), f"{what}: a join of other values")
