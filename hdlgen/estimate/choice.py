"""Options that are left open, chosen: the quickest design at given lanes, or the smallest."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from math import inf
from typing import Any

from hdlgen.compiler import Options, Plan, compile_network
from hdlgen.compiler.plan import ENGINES, assign
from hdlgen.errors import InputError
from hdlgen.estimate.model import Estimate, Estimator
from hdlgen.network import Network
from hdlgen.targets import find_target

__all__ = ["Candidate", "Choice", "choose"]

_CYCLES: Mapping[str, tuple[str, ...]] = {
    "throughput": ("mean_cycles", "interval_cycles"),
    "latency": ("latency_cycles", "mean_cycles"),
    "area": (),
}
"""By goal the cycles that count, the most important ones first."""

_BEATS = (1, 2, 4, 8, 16)
_YARDSTICK = "ecp5-85k"
"""Whose look-up tables count where there is no target."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """A way to choose the open options.

    Members
    -------
    estimate : where look-up tables had to be compared
    """

    plan: Plan = field(repr=False)
    estimate: Estimate | None = None

    @property
    def options(self) -> Options:
        return self.plan.options

    @property
    def engines(self) -> tuple[str, ...]:
        return tuple(stage.engine for stage in self.plan.stages)

    @property
    def latency_cycles(self) -> int:
        """Exact, as the two below."""
        return self.plan.latency_cycles

    @property
    def interval_cycles(self) -> int:
        return self.plan.interval_cycles

    @property
    def mean_cycles(self) -> float:
        return self.plan.period_cycles / self.plan.period_frames

    @property
    def memory_bits(self) -> int:
        """Of all that surely is in block RAM."""
        return sum(memory.depth * memory.width for memory in self.plan.memories)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The best, and all candidates, the better ones first as far as cycles tell."""

    best: Candidate
    candidates: tuple[Candidate, ...]


def choose(network: Network, optimise: str, target: str | None = None, **given: Any) -> Choice:
    """The best of the options of `Options.for_target`: those ``given``, and for engine and elements per beat, where they are
    None or missing, what is best by ``optimise``, one of `hdlgen.compiler.options.GOALS`. Input buffers and chains follow
    from them: as few as cost no time.

    Of designs with equally many of the cycles that count, that with fewest elements per beat is taken, which is the smallest
    of its engine, and of several engines that with fewest look-up tables, by the estimate; without a target they are those
    of ECP5. One that does not fit the target is taken if none does.

    Raises
    ------
    InputError
        If the network cannot be compiled with what is given.
    """
    cycles = _CYCLES[optimise]
    found, refused = list[Candidate](), list[InputError]()
    for changes in _open(network, given):
        try:
            options = Options.for_target(network, target, **given | changes)
            found.append(Candidate(plan=compile_network(network, options, check=False)))
        except InputError as error:
            refused.append(error)
    if not found:
        raise refused[0]

    def counted(candidate: Candidate) -> tuple[float, ...]:
        return *(getattr(candidate, name) for name in cycles), candidate.options.elements_per_beat

    estimator, device = Estimator(), find_target(target or _YARDSTICK)
    found.sort(key=counted)
    seen = list[Candidate]()
    for _, group in groupby(found, key=counted):
        equals = list(group)
        if target is not None or equals[1:]:
            equals = [replace(each, estimate=estimator.estimate(each.plan, device)) for each in equals]
            equals.sort(key=_size)
        seen += equals
        fitting = [each for each in equals if target is None or (each.estimate is not None and each.estimate.fits)]
        if fitting:
            return Choice(best=fitting[0], candidates=(*seen, *found[len(seen) :]))
    return Choice(best=seen[0], candidates=tuple(seen))


def _open(network: Network, given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Values of the options that are left open."""
    engines: list[Any] = [given.get("engine")]
    if engines[0] is None:
        usual = {engine.name for engine, _, _ in assign(network)}
        engines += [(engine.name,) for engine in ENGINES if {engine.name} != usual and _runs(network, engine.name)]
    beats = _BEATS if given.get("elements_per_beat") is None else (given["elements_per_beat"],)
    for engine in engines:
        for elements in beats:
            yield {"engine": engine, "elements_per_beat": elements}


def _runs(network: Network, engine: str) -> bool:
    try:
        return bool(assign(network, (engine,)))
    except InputError:
        return False


def _size(candidate: Candidate) -> tuple[float, ...]:
    """Look-up tables, those of which nothing is known last, and memory."""
    luts = None if candidate.estimate is None else candidate.estimate.luts
    return inf if luts is None else luts, candidate.memory_bits
