"""From layers with quantisers to a network of integers that computes the same.

Integer weights and the scales of a file are taken as they are. What a quantiser makes of an integer sum is a staircase,
and :func:`hdlgen.quantize.steps.fit` finds the multiplier, shift and bias with the same one, for every sum that
the weights can reach.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from hdlgen.errors import InputError
from hdlgen.importers.codes import Codes
from hdlgen.importers.samples import input_format
from hdlgen.importers.values import LoweredLayer, LoweredNetwork, Term
from hdlgen.network import Activation, InputFormat, Network, Skip
from hdlgen.quantize.real import bounds
from hdlgen.quantize.sparse import IntegerLayer, bits_of, stored_network
from hdlgen.quantize.steps import Staircase, Steps, fit
from hdlgen.quantize.storage import Storage

__all__ = ["Imported", "integer_network", "staircase"]

_MAX_WEIGHT_BITS = 16
#: Of outputs whose neurons have scales of their own, and of values that are added in another scale.
_WIDE_BITS = 16
#: Skip connections and biases are met to this many bits behind the step of a sum.
_FINE_BITS = 8
#: Single precision holds products of scales, and so biases, to about this much.
_SINGLE = Fraction(1, 1 << 22)
_MAX_BIAS = 1 << 31


@dataclass(frozen=True, kw_only=True, eq=False)
class Imported:
    """A network, and what its integers mean.

    Members
    -------
    output_scale : outputs times this are those of the file.
    exact : whether it computes what the file says, for every input; ``notes`` say what differs.
    differ : how many neurons differ from the file's somewhere.
    """

    network: Network
    output_scale: Fraction
    storage: Storage | None
    exact: bool
    notes: tuple[str, ...]
    differ: int = 0


@dataclass
class _Reach:
    """What the neurons of a layer can pass on; integer q is ``unit * q + base`` in what reads it."""

    low: np.ndarray
    high: np.ndarray
    unit: Fraction = Fraction(1)
    base: Fraction = Fraction(0)


def _floors(slope: Fraction, start: Fraction, x: np.ndarray, low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
    """floor(slope * x + start), clamped to low..high, and whether that is an integer; exact."""
    divisor = math.lcm(slope.denominator, start.denominator)
    a, b = int(slope * divisor), int(start * divisor)

    def exactly(chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        products = chosen.astype(object) * a + b
        return np.clip(products // divisor, low, high).astype(np.int64), np.asarray(
            products % divisor == 0, dtype=bool
        )

    largest = int(np.abs(x).max(initial=0))
    if divisor < 1 << 62 and abs(a) * largest + abs(b) < 1 << 62:
        found, rest = np.divmod(x * a + b, divisor)
        return np.clip(found, low, high), rest == 0
    if max(abs(low), abs(high)) >= 1 << 40 or abs(slope) >= 1 << 60 or abs(start) >= 1 << 60:
        return exactly(x)
    # Where double precision leaves no doubt it is right; within the limits it errs by less than 2**-10.
    near = float(slope) * x + float(start)
    found = np.clip(np.floor(near), low, high).astype(np.int64)
    whole = np.zeros(len(x), dtype=bool)
    doubt = (np.abs(near - np.rint(near)) < 2**-8) & (near > low - 2) & (near < high + 2)
    found[doubt], whole[doubt] = exactly(x[doubt])
    return found, whole


def staircase(codes: Codes, *, gain: Fraction, offset: Fraction, first: int, last: int, less: int = 0) -> Staircase:
    """That of ``codes(gain * acc + offset) - less`` on ``first..last``; ``gain`` is above 0."""
    low = codes.low - less
    values = np.arange(low + 1, max(codes.high - less, low + 1) + 1, dtype=np.int64)
    twice, closed = codes.steps(values + less)
    slope, start = codes.scale / (2 * gain), -(codes.zero * codes.scale + offset) / gain
    floor, whole = _floors(slope, start, twice, first - 2, last + 2)
    thresholds = np.clip(floor + 1 - (closed & whole), first, last + 1)
    thresholds[values + less > codes.high] = last + 1
    # The line through the steps: a code k is reached at (k - 1/2) * scale, wherever the rounding has its steps.
    middle, _ = codes.threshold(codes.high)
    zero = codes.high - Fraction(1, 2) - middle / codes.scale - less
    return Staircase(
        first=first,
        last=last,
        values=values,
        thresholds=thresholds,
        gain=gain / codes.scale,
        offset=offset / codes.scale + zero,
    )


def _format(codes: Codes, place: str) -> tuple[Activation, int]:
    """The format of an activation for ``codes``, with limits if they are narrower, and what is taken off them."""
    less = max(codes.low, 0)
    fitting = replace(codes, low=codes.low - less, high=max(codes.high - less, codes.low - less + 1))
    if fitting.bits is None:
        raise InputError(f"{place}: {codes.refusal}")
    whole = Activation(kind="identity" if fitting.low < 0 else "relu", bits=fitting.bits, shift=0)
    ends = fitting.low, fitting.high
    return replace(whole, clamp=None if ends == (whole.low, whole.high) else ends), less


def _wide(scale: Fraction) -> Codes:
    top = (1 << (_WIDE_BITS - 1)) - 1
    return Codes(scale=scale, zero=0, low=-top - 1, high=top, rounding="EVEN")


def _spread(steps: Steps, live: np.ndarray, count: int) -> Steps:
    """Those of the neurons ``live`` among ``count``; the others have zeros, and a multiplier of 1."""

    def spread(values: np.ndarray, rest: int) -> np.ndarray:
        result = np.full(count, rest, dtype=np.int64)
        result[live] = values
        return result

    fine, bias, wrong = (spread(values, 0) for values in (steps.fine, steps.bias, steps.wrong))
    return replace(steps, fine=fine, bias=bias, multiplier=spread(steps.multiplier, 1), wrong=wrong)


def _live(weight: np.ndarray) -> int:
    """How many neurons have weights."""
    return int(np.any(weight.reshape(len(weight), -1), axis=1).sum())


#: Arrays of fractions or integers of any size, which NumPy has no type for.
_Rationals = Any


def _rational(values: Sequence[Any]) -> _Rationals:
    return np.array(values, dtype=object)


#: Weights, gains, and what is added.
_Summed = tuple[np.ndarray, _Rationals, Skip | None]


class _Builder:
    def __init__(self, lowered: LoweredNetwork, source: InputFormat, codes: Codes, widen: bool, edges: str) -> None:
        self.lowered, self.source, self.widen, self.edges = lowered, source, widen, edges
        ends = [np.full(lowered.width, end) for end in (codes.low, codes.high)]
        self.reach = [_Reach(ends[0], ends[1])]
        if lowered.input is None:  # layers read real numbers
            self.reach[0] = _Reach(ends[0], ends[1], codes.scale, -codes.scale * codes.zero)
        self.layers: list[IntegerLayer] = []
        #: The numbers that layers of the graph have here.
        self.numbers = [0]
        self.notes: list[str] = list(lowered.notes)
        self.exact = True
        self.differ = 0

    def note(self, layer: LoweredLayer, text: str, *, exact: bool = False) -> None:
        """Say ``text`` of a layer, which is no longer equal to the file's unless it is ``exact``."""
        self.notes.append(f"{layer.place}: {text}")
        self.exact &= exact

    def sums(self, weight: np.ndarray, source: int, skip: Skip | None) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest sum of each neuron, without bias."""
        reach = self.reach[source]
        least, most = bounds(weight, reach.low, reach.high)
        if skip is not None:
            other = self.reach[skip.source]
            least, most = least + (other.low << skip.shift), most + (other.high << skip.shift)
        return least, most

    def start(self, layer: LoweredLayer) -> tuple[np.ndarray, _Rationals, _Rationals, _Rationals]:
        """Weights, gains above 0, gains of the skip connection and offsets, of what hardware has of the sources."""
        gain, offset = _rational(layer.main.gain), _rational(layer.offset)
        weight = np.ones(layer.width, dtype=np.int64) if layer.main.matrix is None else layer.main.matrix.copy()
        reach, other = self.reach[self.numbers[layer.main.source]], None
        if reach.base:
            offset = offset + gain * weight.reshape(len(weight), -1).sum(axis=1).astype(object) * reach.base
        gain = gain * reach.unit
        if layer.skip is not None:
            reach = self.reach[self.numbers[layer.skip.source]]
            other = _rational(layer.skip.gain)
            offset, other = offset + other * reach.base, other * reach.unit
        negative = np.array(gain < 0, dtype=bool)
        weight[negative], gain = -weight[negative], abs(gain)
        # Any gain will do of nothing.
        nothing = (gain == 0) | ~np.any(weight.reshape(len(weight), -1), axis=1)
        weight[nothing], gain[nothing] = 0, Fraction(0) if other is None else abs(other[nothing])
        gain[gain == 0] = next((entry for entry in gain if entry), Fraction(1))
        return weight, gain, other, offset

    def shifted(self, layer: LoweredLayer, weight: np.ndarray, gain: _Rationals, other: _Rationals) -> _Summed | None:
        """In the unit in which the skip connection is a shift, if that is one of integers."""
        if layer.skip is None:
            return weight, gain, None
        if any(entry <= 0 for entry in other):
            return None
        ratios = gain / other
        shift = max(ratio.denominator.bit_length() - 1 for ratio in ratios)
        if shift > 30 or any(ratio.denominator & (ratio.denominator - 1) for ratio in ratios):
            return None
        scaled = (weight.T.astype(object) * [int(ratio * (1 << shift)) for ratio in ratios]).T
        if not -(1 << 15) <= int(scaled.min()) <= int(scaled.max()) < 1 << 15:
            return None
        return (
            scaled.astype(np.int64),
            other / (1 << shift),
            Skip(source=self.numbers[layer.skip.source], shift=shift),
        )

    def aligned(self, layer: LoweredLayer, weight: np.ndarray, gain: _Rationals, other: _Rationals) -> _Summed:
        """The same by a layer before, which rounds the other one to the unit of the sums, or near it."""
        assert layer.skip is not None
        reach = self.reach[self.numbers[layer.skip.source]]
        fine = min(_FINE_BITS, max(0, _MAX_WEIGHT_BITS - bits_of(weight))) if self.widen else 0
        gain = gain / (1 << fine)
        ratios = other / gain
        most = (abs(ratios) * np.maximum(abs(reach.low), abs(reach.high)).astype(object)).max()
        shift = max(0, math.ceil(most).bit_length() - (_WIDE_BITS - 1))
        factors = ratios / reach.unit
        alone, offset = Term(layer.skip.source, None, list(factors)), list(-factors * reach.base)
        self.hidden(replace(layer, main=alone, skip=None, offset=offset, codes=_wide(Fraction(1 << shift))))
        self.note(
            layer,
            f"adds layers of different scales; the other one is rounded to {float(1 << shift):g} of the smallest step of a"
            " sum",
        )
        return weight << fine, gain, Skip(source=len(self.layers), shift=shift)

    def fitted(
        self, stairs: list[Staircase], weight: np.ndarray, skip: Skip | None
    ) -> tuple[Steps, np.ndarray, Skip | None]:
        """The integers for staircases, the weights that are of use, and the skip connection in the unit that they need.

        Of neurons that are 0 whatever comes in the sums are 0 then, in ``stairs`` too.
        """
        rows = weight.reshape(len(weight), -1)
        finest = [max(0, _MAX_WEIGHT_BITS - bits_of(row)) if self.widen else 0 for row in rows]
        if skip is None:
            # What is 0 whatever comes in needs no edges.
            dead = np.array([stair.nothing for stair in stairs])
            live = np.flatnonzero(~dead)
            weight[dead] = 0
            stairs[:] = [
                replace(s, first=0, last=0) if nothing else s for s, nothing in zip(stairs, dead, strict=True)
            ]
            if len(live):
                steps = _spread(fit([stairs[j] for j in live], [finest[j] for j in live]), live, len(stairs))
                if any(end.any() for end in steps.reached(stairs)):
                    return steps, weight, skip
            # All are 0, or as near to it as can be.
            wrong = np.array([0 if stair.nothing else len(stair.values) for stair in stairs])
            stairs[:] = [replace(stair, first=0, last=0) for stair in stairs]
            none = np.zeros_like(wrong)
            steps = Steps(shift=0, rounding="up", fine=none, bias=none, multiplier=none + 1, wrong=wrong)
            return steps, np.zeros_like(weight), skip
        # A skip connection is as fine as all sums of its layer.
        best: tuple[Steps, int] | None = None
        for fine in range(min(*finest, _FINE_BITS, 62 - skip.shift) + 1):
            steps = fit(stairs, [fine] * len(stairs), coarsest=fine)
            if best is None or steps.wrong.sum() < best[0].wrong.sum():
                best = steps, fine
            if not steps.wrong.any():
                break
        assert best is not None
        return best[0], weight, replace(skip, shift=skip.shift + best[1])

    def hidden(self, layer: LoweredLayer) -> None:
        codes = layer.codes
        assert codes is not None
        weight, gain, other, offset = self.start(layer)
        weight, gain, skip = self.shifted(layer, weight, gain, other) or self.aligned(layer, weight, gain, other)
        activation, less = _format(codes, layer.place)
        source = self.numbers[layer.main.source]
        ends = (end.tolist() for end in self.sums(weight, source, skip))
        stairs = [
            staircase(codes, gain=g, offset=o, first=a, last=b, less=less)
            for g, o, a, b in zip(gain, offset, *ends, strict=True)
        ]
        before, live = bits_of(weight), _live(weight)
        steps, weight, skip = self.fitted(stairs, weight, skip)
        lost = live - _live(weight)
        if lost:
            self.note(layer, f"{lost} of {layer.width} neurons are 0 for every input", exact=True)
        weight = (weight.T << steps.fine).T
        wrong = int((steps.wrong > 0).sum())
        if wrong:
            self.differ += wrong
            self.note(
                layer,
                f"{wrong} of {layer.width} neurons have no multiplier and shift that is equal everywhere:"
                f" {int(steps.wrong.sum())} of {sum(len(stair.values) for stair in stairs)} thresholds lie elsewhere",
            )
        if steps.fine.any():
            finer = f"{int((steps.fine > 0).sum())} of {layer.width} neurons"
            text = f"weights {before} -> {bits_of(weight)} bits for biases between integers, of {finer}"
            self.note(layer, text, exact=True)
        self.layers.append(
            IntegerLayer(
                source=source,
                weight=weight,
                bias=steps.bias,
                skip=skip,
                activation=replace(activation, shift=steps.shift, rounding=steps.rounding),
                multiplier=steps.multiplier,
            )
        )
        low, high = steps.reached(stairs)
        self.reach.append(_Reach(low, high, base=Fraction(less)))

    def output(self, layer: LoweredLayer) -> Fraction:
        """The last layer; what one unit of its sums means."""
        weight, gain, other, offset = self.start(layer)
        found = self.shifted(layer, weight, gain, other)
        if found is None and (gain == gain[0]).all():
            found = self.aligned(layer, weight, gain, other)
        factors = None if found is None or found[2] is not None else self.common(gain, weight)
        if factors is not None:
            found = (weight.T * factors).T, np.full(layer.width, min(gain) / int(min(factors))), None
        if found is None or (found[1] != found[1][0]).any():
            return self.rescaled(layer, weight, gain, other, offset)
        weight, gain, skip = found
        unit = gain[0]
        fine, worst = self.fineness(offset / unit, bits_of(weight), layer.place)
        unit, weight = unit / (1 << fine), weight << fine
        if skip is not None:
            skip = replace(skip, shift=skip.shift + fine)
        bias = np.array([round(entry / unit) for entry in offset], dtype=np.int64)
        if worst:
            what = f"by {float(worst):.3g} of the smallest step of a sum at most"
            self.note(layer, f"biases of the outputs are rounded, {what}")
        source = self.numbers[layer.main.source]
        self.layers.append(IntegerLayer(source=source, weight=weight, bias=bias, skip=skip))
        return unit

    def fineness(self, biases: _Rationals, bits: int, place: str) -> tuple[int, Fraction]:
        """How many bits finer the sums of the outputs have to be, and by how much biases are still rounded."""
        best: tuple[int, Fraction] | None = None
        for fine in range(max(0, _MAX_WEIGHT_BITS - bits) + 1 if self.widen else 1):
            whole = _rational([round(entry * (1 << fine)) for entry in biases])
            if max(abs(whole)) >= _MAX_BIAS:
                break
            errors = abs(biases - whole * Fraction(1, 1 << fine))
            if (errors <= abs(biases) * _SINGLE).all():
                return fine, Fraction(0)
            if best is None or best[1] > Fraction(1, 1 << _FINE_BITS):
                best = fine, max(errors)
        if best is None:
            raise InputError(f"{place}: a bias leaves 32 bits in units of the sum; allowed: scales nearer to it")
        return best

    def common(self, gain: _Rationals, weight: np.ndarray) -> np.ndarray | None:
        """Integers as the gains of the rows are, if weights times these fit."""
        denominator = math.lcm(*(entry.denominator for entry in gain))
        numbers = _rational([int(entry * denominator) for entry in gain])
        factors = numbers // math.gcd(*numbers)
        fits = max(factors * abs(weight.reshape(len(weight), -1)).max(axis=1).astype(object)) < 1 << 15
        return factors.astype(np.int64) if fits else None

    def rescaled(
        self, layer: LoweredLayer, weight: np.ndarray, gain: _Rationals, other: _Rationals, offset: np.ndarray
    ) -> Fraction:
        """Outputs with scales of their own: rounded to one scale by a layer, which another one shows."""
        reached = np.maximum(*map(np.abs, self.sums(weight, self.numbers[layer.main.source], None)))
        largest = gain.astype(float) * reached + abs(offset).astype(float)
        if layer.skip is not None:
            reach = self.reach[self.numbers[layer.skip.source]]
            largest += abs(other).astype(float) * np.maximum(np.abs(reach.low), np.abs(reach.high))
        top = (1 << (_WIDE_BITS - 1)) - 1
        scale = Fraction(2) ** math.ceil(math.log2(max(largest) / top)) if max(largest) > 0 else Fraction(1)
        self.hidden(replace(layer, codes=_wide(scale)))
        what = f"{_WIDE_BITS} bits of {float(scale):g}"
        self.note(layer, f"outputs have scales of their own; they are rounded to {what}")
        ones, zeros = np.ones(layer.width, dtype=np.int64), np.zeros(layer.width, dtype=np.int64)
        self.layers.append(IntegerLayer(source=len(self.layers), weight=ones, bias=zeros))
        return scale

    def run(self) -> Imported:
        for layer in self.lowered.layers[:-1]:
            self.hidden(layer)
            self.numbers.append(len(self.layers))
        unit = self.output(self.lowered.layers[-1])
        network, storage = stored_network(
            name=self.lowered.name,
            source=self.source,
            layers=self.layers,
            edges=self.edges,
            where=self.lowered.where,
            output_scale=float(unit),
        )
        return Imported(
            network=network,
            output_scale=unit,
            storage=storage,
            exact=self.exact,
            notes=tuple(self.notes),
            differ=self.differ,
        )


def integer_network(
    lowered: LoweredNetwork, source: InputFormat | None = None, *, widen: bool = True, edges: str = "auto"
) -> Imported:
    """The integers of a file that defines them.

    Parameters
    ----------
    source : format of the input, with one scale, where the file has none.
    widen : whether weights may become finer so that biases that lie between integers are met.
    edges : as for :func:`hdlgen.quantize.storage.choose_storage`.

    Raises InputError if scales or formats leave what hardware has.
    """
    if lowered.input is not None:
        return _Builder(lowered, input_format(lowered.input), lowered.input.codes, widen, edges).run()
    if source is None or not isinstance(source.scale, float) or not isinstance(source.offset, float):
        raise InputError(
            f"{lowered.where}: its input is not quantised; required: --input-bits and --input-scale, or --calibration"
        )
    step = Fraction(source.scale)
    codes = Codes(scale=step, zero=-Fraction(source.offset) / step, low=source.low, high=source.high, rounding="EVEN")
    return _Builder(lowered, source, codes, widen, edges).run()
