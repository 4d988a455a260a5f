"""What a design takes and reaches on a device, before synthesis.

Cycles come from the plan and are exact. Block RAMs and multipliers are counted in what the design is made of. Look-up tables
and flip-flops are a sum over its adders, multiplexers, registers and so on, each with a coefficient of its family; the clock
follows from the longest way between two registers and from the size. The coefficients are in coefficients.json, which
scripts/fit_estimate.py writes; docs/estimate.md says how far off they are.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from math import log2
from typing import Any

from hdlgen.compiler import Options, Plan, compile_network
from hdlgen.emit.ports import ports
from hdlgen.emit.verilog import core_of, form_of
from hdlgen.errors import InputError
from hdlgen.estimate.netlist import Contents, contents
from hdlgen.estimate.storage import STORES, gowin_multipliers
from hdlgen.gateware.primitives import Library, RomParameters
from hdlgen.network import Network
from hdlgen.targets import TARGETS, Target, find_target

__all__ = ["Estimate", "Estimator", "Size", "estimate", "estimate_plan"]

_STARTS = {"SB_RAM40_4K": 2.0, "SB_SPRAM256KA": 2.0, "ICESTORM_DSP": 1.0, "memory": 2.0}
"""How late the outputs of instances are, in levels of look-up tables; those with a register at the output are not."""

_MEMORIES = ("DP16KD", "SB_RAM40_4K")
_MULTIPLIERS = ("MULT18X18D", "ICESTORM_DSP", "MULT9X9", "MULT18X18", "MULT12X12")


@dataclass(frozen=True, kw_only=True)
class Size:
    """What a design is made of on a device.

    Members
    -------
    counts : what the coefficients are for
    memory_blocks, dsps, sprams : exact
    depth, fanout : as in `Contents`
    """

    counts: Mapping[str, float]
    memory_blocks: int
    dsps: int
    sprams: int
    depth: float
    fanout: int


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Of a design on a target.

    Members
    -------
    engines : of the stages
    latency_cycles, interval_cycles, mean_cycles : exact
    memory_blocks, dsps : exact
    luts, flipflops : as nextpnr reports them, about; None where nothing is known
    fmax_mhz : about what place and route reaches; None where nothing is known
    shortages : what the target has too little of
    missing : of what there is no estimate, and why
    """

    target: str
    options: Options
    engines: tuple[str, ...]
    lanes: tuple[int, ...]
    latency_cycles: int
    interval_cycles: int
    mean_cycles: float
    memory_blocks: int
    dsps: int
    luts: int | None
    flipflops: int | None
    fmax_mhz: float | None
    shortages: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def fits(self) -> bool:
        return not self.shortages

    @property
    def inferences_per_second(self) -> float | None:
        return None if self.fmax_mhz is None else self.fmax_mhz * 1e6 / self.mean_cycles

    @property
    def latency_us(self) -> float | None:
        return None if self.fmax_mhz is None else self.latency_cycles / self.fmax_mhz


@cache
def coefficients() -> dict[str, Any]:
    """As scripts/fit_estimate.py wrote them."""
    found: dict[str, Any] = json.loads(files("hdlgen.estimate").joinpath("coefficients.json").read_text("utf-8"))
    return found


def speed_class(target: Target) -> str:
    """Targets with the same delays."""
    names = {"ice40-hx1k": "ice40-hx", "ice40-hx8k": "ice40-hx"}
    return f"ecp5-{target.speed}" if target.family == "ecp5" else names.get(target.name, target.name)


class Estimator:
    """Estimates of plans; what several of them have in common is counted once."""

    def __init__(self) -> None:
        self._cores: dict[str, tuple[Contents, Library]] = {}
        self._parts: dict[Any, Contents] = {}

    def size(self, plan: Plan, target: Target) -> Size:
        """What the design is made of, its pins out of context included."""
        core, library = self._core(plan)
        found, family = Contents(), target.family
        found.add(core)
        found.storages += core.storages
        for (name, used, enables), count in core.parts.items():
            if name in library.parts:
                special = f"{family}-logic" if family == "ice40" and not target.resources.dsps else family
                part = self._part(library.parts[name], special, used)
                found.add(part, count)
                found.storages += [
                    replace(memory, columns=min(memory.columns, max(enables, 1))) for memory in part.storages
                ] * count
        counts: Counter[str] = Counter(found.counts)
        for stage in plan.stages:
            counts[f"engine {stage.engine}"] += 1
        blocks = found.instances(*_MEMORIES)
        for memory in found.storages:
            kind, count = STORES[family].choice(memory)
            if kind == "block":
                blocks += count
            else:
                counts["lutram" if kind == "lutram" else "store" if memory.written else "table"] += count
        dsps = found.instances(*_MULTIPLIERS)
        if family == "gowin":
            inferred, counts["multiply"] = gowin_multipliers(found.products)
            dsps += inferred
        else:
            counts["multiply"] = sum(a * b for a, b in found.products)
        counts["products"] = len(found.products)
        counts["fixed register"] = found.instances("TRELLIS_FF")
        if family != "ecp5":  # the ports go to pins: a register each, and one behind every fourth output
            listed = [(port.direction, port.width) for port in ports(plan) if port.name != "clk"]
            outputs = sum(width for direction, width in listed if direction == "output")
            counts["pins"] = sum(width for _, width in listed) + 2 * -(-outputs // 4)
        if "-nodffe" in target.yosys:
            counts["mux"] += counts["kept"]
        return Size(
            counts={name: count for name, count in sorted(counts.items()) if count},
            memory_blocks=blocks,
            dsps=dsps,
            sprams=found.instances("SB_SPRAM256KA"),
            depth=found.depth,
            fanout=found.fanout,
        )

    def _core(self, plan: Plan) -> tuple[Contents, Library]:
        key = plan.frame.hardware
        if key not in self._cores:
            library = Library()
            self._cores[key] = contents(core_of(plan, "core", library)), library
        return self._cores[key]

    def _part(self, part: Any, family: str, used: frozenset[tuple[str, int]]) -> Contents:
        parameters = part.parameters
        if isinstance(parameters, RomParameters):  # what is in it takes no room
            parameters = replace(parameters, init=())
        form = form_of(type(part), parameters, family)
        key = form, parameters, used
        if key not in self._parts:
            self._parts[key] = contents(form(parameters), _STARTS, used)
        return self._parts[key]

    def estimate(self, plan: Plan, target: Target) -> Estimate:
        """Of a plan that was made for ``target``."""
        size = self.size(plan, target)
        engines = tuple(stage.engine for stage in plan.stages)
        known, missing = coefficients(), list[str]()
        cells = known["cells"].get(target.family)
        lacking = [name for name in dict.fromkeys(engines) if name not in known["engines"]]
        luts = flipflops = fmax = None
        if plan.last.counted is not None:  # of an engine that stands alone
            luts, flipflops = plan.last.counted
            missing.append(f"no estimate of Fmax for the {engines[0]} engine: too few were measured")
        elif cells is None or lacking:
            what = f"the {' and '.join(lacking)} engine" if lacking else target.family
            missing.append(f"no estimate of cells and Fmax for {what}: too few were measured")
        else:
            luts, flipflops = (round(_sum(cells[kind], size.counts)) for kind in ("luts", "flipflops"))
            delays = known["delays"].get(speed_class(target))
            late = [name for name in dict.fromkeys(engines) if name not in known["timed"]]
            if late:
                missing.append(f"no estimate of Fmax for the {' and '.join(late)} engine: too few were measured")
            elif delays is None:
                missing.append(f"no estimate of Fmax for {target.name}: too few were measured")
            else:
                fmax = 1000 / _sum(delays, timing(size, luts))
        return Estimate(
            target=target.name,
            options=plan.options,
            engines=engines,
            lanes=tuple(stage.program.lanes for stage in plan.stages),
            latency_cycles=plan.latency_cycles,
            interval_cycles=plan.interval_cycles,
            mean_cycles=plan.period_cycles / plan.period_frames,
            memory_blocks=size.memory_blocks,
            dsps=size.dsps,
            luts=luts,
            flipflops=flipflops,
            fmax_mhz=None if fmax is None else round(fmax, 1),
            shortages=tuple(_shortages(size, luts, target)),
            missing=tuple(missing),
            notes=plan.notes,
        )


def _sum(weights: Mapping[str, float], counts: Mapping[str, float]) -> float:
    return sum(weight * counts.get(name, 0) for name, weight in weights.items())


def timing(size: Size, luts: float) -> dict[str, float]:
    """What the period of the clock is a sum of."""
    engines = dict.fromkeys((name for name in size.counts if name.startswith("engine ")), 1.0)
    return {"one": 1.0, "depth": size.depth, "size": log2(max(luts, 2)), **engines}


def _shortages(size: Size, luts: int | None, target: Target) -> Iterator[str]:
    have = target.resources
    dsps = have.dsps * have.multipliers_per_dsp
    for what, needed, available in (
        ("LUTs", luts or 0, have.luts),
        ("block RAMs", size.memory_blocks, have.memory_blocks),
        ("multipliers", size.dsps, dsps),
        ("single-port RAMs", size.sprams, have.spram_bits >> 18),
    ):
        if needed > available:
            yield f"{needed:,} {what} of {available:,}"


def estimate_plan(plan: Plan, target: Target) -> Estimate:
    """Of one plan that was made for ``target``."""
    return Estimator().estimate(plan, target)


def estimate(
    network: Network, targets: Sequence[str] | None = None, **given: Any
) -> tuple[list[Estimate], dict[str, str]]:
    """Of a network on these targets, all by default, with ``given`` options of `Options.for_target`.

    Returns
    -------
    estimates; and by target why the network cannot be compiled for it

    Raises
    ------
    InputError
        If there is no such target, or it can be compiled for none.
    """
    estimator = Estimator()
    found, refused = list[Estimate](), dict[str, str]()
    for target in [find_target(name) for name in targets or TARGETS]:
        try:
            plan = compile_network(network, Options.for_target(network, target.name, **given), check=False)
        except InputError as error:
            refused[target.name] = str(error)
        else:
            found.append(estimator.estimate(plan, target))
    if not found:
        raise InputError(next(iter(refused.values())))
    return found, refused
