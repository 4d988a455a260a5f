"""What would make a design fit a device that it does not fit."""

from collections.abc import Iterator
from typing import Any

from hdlgen.compiler import Options, Plan, compile_network
from hdlgen.errors import InputError
from hdlgen.estimate.model import Estimate, Estimator
from hdlgen.network import Network
from hdlgen.targets import TARGETS, find_target

__all__ = ["remedies", "shortages"]


def shortages(network: Network, plan: Plan, **given: Any) -> list[str]:
    """What the target of ``plan`` has too little of, in one line with what would help, or nothing.

    ``given`` are the options of `Options.for_target` that the plan was made with.
    """
    assert plan.options.target is not None
    estimator, target = Estimator(), find_target(plan.options.target)
    found = estimator.estimate(plan, target)
    if found.fits:
        return []
    helps = list(remedies(network, found, estimator, **given))
    would = (
        f"would fit: {', '.join(helps)}" if helps else "no single option or larger device of its family would help"
    )
    return [f"{target.name}: needs {' and '.join(found.shortages)}, so the design will not fit; {would}"]


def remedies(network: Network, found: Estimate, estimator: Estimator, **given: Any) -> Iterator[str]:
    """The options, by the estimate, each of which alone would make the design fit; of each kind the first."""
    for changes in _changes(found):
        for text, change in changes:
            change, name = dict(change), change.get("target", found.target)
            change.pop("target", None)
            try:
                options = Options.for_target(
                    network, name, **{key: value for key, value in given.items() if key != "target"} | change
                )
                plan = compile_network(network, options, check=False)
            except (InputError, TypeError):
                continue
            if estimator.estimate(plan, find_target(name)).fits:
                yield text
                break


def _changes(found: Estimate) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """By kind, those that change least first."""
    options, target = found.options, find_target(found.target)
    if options.multiplier != "auto" and any("multipliers" in each or "LUTs" in each for each in found.shortages):
        yield [(f"--multiplier {kind}", {"multiplier": kind}) for kind in ("auto", "lut", "dsp")]
    if options.banks > 1:
        yield [("--banks 1", {"banks": 1})]
    if any("block" in each for each in found.shortages):
        sources = [name for name in ("rom", "spram", "flash") if name != options.source]
        yield [(f"--weights {name}", {"source": name, "banks": None, "fill": None}) for name in sources]
    if not isinstance(options.lanes, tuple):
        fewer = [options.lanes >> shift for shift in range(1, 7) if options.lanes >> shift]
        yield [(f"--lanes {lanes}", {"lanes": lanes}) for lanes in fewer]
    larger = [each for each in TARGETS.values() if each.family == target.family and each.name != target.name]
    yield [
        (f"--target {each.name}", {"target": each.name})
        for each in sorted(larger, key=lambda each: each.resources.luts)
    ]
