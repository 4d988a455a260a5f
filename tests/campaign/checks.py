"""What a design is compared with: plain loops, the plan, its Verilog, and netlists."""

import dataclasses
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from hdlgen import golden
from hdlgen.compiler import Options, Plan, compile_network, timing
from hdlgen.compiler.adopt import compile_for
from hdlgen.compiler.plan import models
from hdlgen.emit.verilog import held, verilog_files
from hdlgen.errors import InputError
from hdlgen.gateware.primitives import Library
from hdlgen.network import Network, load, save

from .. import netlist
from ..choices import Senseless
from ..compiler.test_frame import described, retrained
from ..icarus import RESETS, Bench, Phase
from ..recurrent import step_by_step
from .designs import KINDS, TENSORS, Design, draw

__all__ = ["LEVELS", "Found", "Wrong", "hardware", "look"]


_PATIENCE = 6000
"""Cycles of all frames of tensors that are worth a simulation."""

Made = Callable[[Path, Sequence[str], str], list[str]]


class Wrong(Exception):
    """Two things that are to be equal are not."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What came of a seed.

    ``outcome``: "equal"; "refused", by one line; "none", as the seed makes nothing that this level can look at; "wrong".
    ``compared``: configurations, each a network with options, that were equal.
    """

    seed: int
    kind: str
    outcome: str
    detail: str = ""
    compared: int = 0


def _same(what: str, one: object, other: object) -> None:
    if not np.array_equal(np.asarray(one), np.asarray(other)):
        raise Wrong(f"{what} differ")


def _golden(design: Design, network: Network, *, every_step: bool) -> np.ndarray:
    if not network.sequential:
        return golden.evaluate(network, design.x)
    return golden.evaluate(network, design.x, design.lengths, every_step=every_step)


def _plain(design: Design) -> list[list[int]]:
    """Outputs of every step, edge by edge."""
    lengths = np.ones(len(design.x), int) if design.lengths is None else design.lengths
    ends = np.cumsum(lengths)
    sequences = [design.x[end - length : end] for end, length in zip(ends, lengths, strict=True)]
    return [values[-1] for steps in sequences for values in step_by_step(design.network, steps)]


def _model(design: Design) -> int:
    network = design.network
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.safetensors"
        save(network, path)
        again = load(path)
    plain = _plain(design)
    steps = _golden(design, again, every_step=True)
    _same("golden model and plain loops", steps, plain)
    trace = golden.trace(network, design.x, design.lengths)
    for number, (values, reach) in enumerate(zip(trace.layers, network.ranges(), strict=True), 1):
        value = values["value"]
        if (value < reach.value_low).any() or (value > reach.value_high).any():
            raise Wrong(f"values of layer {number} leave their range")
        sums = values.get("accumulator")
        if sums is not None and (sums.min(initial=0) < reach.low or sums.max(initial=0) > reach.high):
            raise Wrong(f"sums of layer {number} leave their range")
    compared, refused = 0, None
    for each in (design, *design.others):
        try:
            plan = _compile(each)
        except InputError as error:
            refused = error
            continue
        _same("plan and golden model", _run(plan, each), _answers(network, each, plan))
        if not compared:
            other, theirs = _other(each, plan)
            if theirs is not None:
                _same("plan of other weights and golden model", _run(theirs, each), _answers(other, each, plan))
                compared += 1
        compared += 1
    if refused is not None and not compared:
        raise refused
    return compared


def _compile(design: Design) -> Plan:
    options = Options.for_target(design.network, design.target, **design.given)
    return compile_network(design.network, options)


def _run(plan: Plan, design: Design) -> np.ndarray:
    return plan.run(design.x, design.lengths)


def _answers(network: Network, design: Design, plan: Plan) -> np.ndarray:
    return _golden(design, network, every_step=plan.every_step)


def _other(design: Design, plan: Plan) -> tuple[Network, Plan | None]:
    """Other weights for the same hardware, if they fit."""
    other = retrained(design.network, design.seed)
    frame = described(plan)
    try:
        _, theirs = compile_for(Path("design"), design.network, frame, design.target, other)
    except InputError:
        return other, None
    return other, theirs


# ------------------------------------------------------------------------------------------------------------ hardware


def _phases(design: Design, plan: Plan, top: str) -> list[Phase]:
    """At full speed; with gaps; and where weights can be loaded, with others."""
    network, lengths = design.network, design.lengths
    y = _answers(network, design, plan)
    first = Phase(x=design.x, y=y, lengths=lengths)
    if plan.first.source == "spram":
        first = dataclasses.replace(first, image=held(plan.stages[0], top).image)
    phases = [first, Phase(x=design.x, y=y, lengths=lengths, stalls=True)]
    if plan.first.load_port:
        other, theirs = _other(design, plan)
        if theirs is not None:
            y = _answers(other, design, plan)
            phases.append(
                Phase(x=design.x, y=y, lengths=lengths, stalls=True, image=held(theirs.stages[0], top).image)
            )
    return phases


def _schedule(plan: Plan, design: Design) -> tuple[list[int], list[int]]:
    """Cycles of the first beats and the last results at full speed, as the compiler predicts them."""
    ends = np.ones(len(design.x), bool)
    if plan.sequential and design.lengths is not None:
        ends[:] = False
        ends[np.cumsum(design.lengths) - 1] = True
    return timing.schedule(*models(plan.stages), ends.tolist())


def hardware(design: Design, family: str, *, resets: tuple[str, ...], made: Made | None = None) -> int:
    """Sources of a family, or what is ``made`` of them, in four-state simulation; raises `Wrong`, or gives 1."""
    plan = _compile(design)
    if plan.first.fill == "flash":
        raise Senseless("weights in a flash")
    if design.kind in TENSORS and len(design.x) * plan.interval_cycles > _PATIENCE:
        raise Senseless("too many cycles")
    texts, files = verilog_files(plan, "top", Library(), [family])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in texts.items():
            (folder / file).write_text(text, encoding="ascii")
        sources = files[family]
        if made is not None:
            sources = made(folder, sources, "top")
        bench = Bench(folder, sources, "top", plan, _phases(design, plan, "top"))
        for reset in dict.fromkeys(resets):
            played = bench.run(reset, design.seed % (1 << 31))
            if played.fault is not None:
                raise Wrong(f"{family}, reset {reset}: {played.fault}")
            if reset == "pulse" and plan.first.source == "rom":
                begins = played.beats[:: plan.first.beats]
                found = [cycle - begins[0] for cycle in (*begins, *played.ends)]
                begins, ends = _schedule(plan, design)
                _same("cycles and prediction", found, [*begins, *ends])
    return 1


def _verilog(design: Design) -> int:
    return hardware(design, "generic", resets=(RESETS[design.seed % 4], "pulse"))


def _netlist(design: Design) -> int:
    family = netlist.FAMILIES[design.seed % len(netlist.FAMILIES)]
    return hardware(design, family, resets=RESETS, made=partial(netlist.synthesise, family=family))


def _routed(design: Design) -> int:
    family = list(netlist.ROUTED)[design.seed % len(netlist.ROUTED)]
    try:
        return hardware(design, netlist.ROUTED[family], resets=RESETS, made=partial(netlist.route, family=family))
    except netlist.TooLarge as error:
        raise Senseless(str(error)) from None


LEVELS: dict[str, Callable[[Design], int]] = {
    "model": _model,
    "verilog": _verilog,
    "netlist": _netlist,
    "routed": _routed,
}
_TENSOR = "tensor-"
LEVELS |= {_TENSOR + level: check for level, check in LEVELS.items()}


def look(level: str, seed: int) -> Found:
    """Compare what the seed makes; whatever goes wrong is what was found."""
    kind = "-"
    kinds = TENSORS if level.startswith(_TENSOR) else KINDS
    try:
        design = draw(seed, kinds)
        kind = design.kind
        compared = LEVELS[level](design)
    except Senseless as error:
        return Found(seed=seed, kind=kind, outcome="none", detail=str(error))
    except InputError as error:
        return Found(seed=seed, kind=kind, outcome="refused", detail=str(error))
    except Exception as error:
        return Found(seed=seed, kind=kind, outcome="wrong", detail=f"{type(error).__name__}: {error}")
    return Found(seed=seed, kind=kind, outcome="equal", compared=compared)
