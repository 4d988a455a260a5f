"""What of a unit of a recurrent core depends on its weights: room for others, or the room that a finished design has."""

from dataclasses import replace

from hdlgen.compiler.fitting import Fitter, span, whole
from hdlgen.compiler.unit.program import Constants, RecurrentUnit, Unit
from hdlgen.integers import Interval

__all__ = ["fit_unit"]


def fit_unit(unit: Unit, layer: str, fitter: Fitter, *, declared: int, raw: bool) -> Unit:
    """The unit of ``layer`` with the widths of the design.

    Shifts, limits and tables are wired in: networks with others are of another shape (`hdlgen.compiler.adopt`). Biases
    are in memory if the design is adaptable, or if they have to be.

    Parameters
    ----------
    declared: bits of the weights as the network declares them; merged paths may need more
    raw: the sums are the results, without an activation
    """
    forward = unit.forward
    weights = fitter.interval(
        f"{layer}: weights",
        span(int(unit.weights.min()), int(unit.weights.max())),
        own=whole(unit.weight_bits),
        wide=whole(max(unit.weight_bits, declared)),
    )
    sums = fitter.interval(f"{layer}: sums of inputs", forward.sums)

    def constants(what: str, given: Constants, likely: Interval) -> Constants:
        """Trained ones; where there are none, there is room for ``likely``."""
        words = given.words(unit.run_length, unit.chains)
        what = f"{layer}: {what}"
        if not fitter.in_memory(what, fitter.adaptable or any(word != words[0] for word in words)):
            fitter.wired(what, list(given.values))
            return given
        wide = whole(given.span.bits + 1) if any(given.values) else whole(likely.bits)
        return replace(given, span=fitter.interval(what, given.span, wide=wide), stored=True)

    if not isinstance(unit, RecurrentUnit):
        forward = replace(forward, sums=sums, before=constants("biases with rounding", forward.before, sums))
        if raw:
            limits = forward.biased
            forward = replace(forward, squash=replace(forward.squash, low=limits.low, high=limits.high))
        return replace(unit, weight_bits=weights.bits, forward=forward, output=forward.output)
    cell, forward = unit.cell, replace(forward, sums=sums)
    candidate = cell.candidate is not None
    recurrence = replace(unit.recurrence, sums=fitter.interval(f"{layer}: sums of states", unit.recurrence.sums))
    likely = recurrence.sums
    if not unit.shared:
        forward = replace(forward, after=constants("biases with rounding", forward.after, likely))
    if unit.shared or candidate:
        what = "biases with rounding" if unit.shared else "biases of the candidate"
        cell = replace(cell, bias=constants(what, cell.bias, likely))
    if unit.shared and candidate:
        cell = replace(cell, late_bias=constants("biases of the candidate's input", cell.late_bias, likely))
    return replace(unit, weight_bits=weights.bits, forward=forward, recurrence=recurrence, cell=cell)
