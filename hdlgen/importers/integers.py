"""From layers with quantisers to a network of integers that computes the same.

Integer weights and the scales of a file are taken as they are. What a quantiser makes of an integer sum is a staircase,
and :func:`hdlgen.quantize.steps.fit` finds the multiplier, shift and bias with the same one, for every sum that
the weights can reach.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from hdlgen import layers
from hdlgen.errors import InputError
from hdlgen.importers.codes import Codes
from hdlgen.importers.samples import input_format
from hdlgen.importers.values import LoweredLayer, LoweredNetwork, Term
from hdlgen.network import Activation, InputFormat, Network, Skip, parse_names
from hdlgen.quantize.real import bounds
from hdlgen.quantize.sparse import IntegerLayer, bits_of, stored_network
from hdlgen.quantize.steps import MULTIPLIER_BITS, Staircase, Steps, fit
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
#: Values of a term of a sum that are tried with all of the other one, and bits of its multipliers.
_PAIRS = 1024
_SUM_BITS = 31


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


def with_class_names(imported: Imported, names: Sequence[str]) -> Imported:
    """With the ``names`` that a file has for the classes; a note says why not, where a network cannot have them."""
    network = imported.network
    try:
        known = parse_names("its file", "list of classes", list(names), network.widths[-1])
    except InputError as error:
        return replace(imported, notes=(*imported.notes, f"outputs without names: {error}"))
    return replace(imported, network=replace(network, output_names=known))


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
        #: With tensors hardware has zero points and longer multipliers, as those of TFLite.
        self.tensors = lowered.shape is not None
        self.multiplier_bits = _SUM_BITS if self.tensors else MULTIPLIER_BITS

    def note(self, layer: LoweredLayer, text: str, *, exact: bool = False) -> None:
        """Say ``text`` of a layer, which is no longer equal to the file's unless it is ``exact``."""
        self.notes.append(f"{layer.place}: {text}")
        self.exact &= exact

    def sums(self, layer: LoweredLayer, weight: np.ndarray, skip: Skip | None) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest sum of each channel, without bias."""
        reach, zero = self.reach[self.numbers[layer.main.source]], self.zero_point(layer)
        least, most = bounds(weight, reach.low - zero, reach.high - zero, layer.window)
        if skip is not None:
            other = self.reach[skip.source]
            least, most = least + (other.low << skip.shift), most + (other.high << skip.shift)
        return least.reshape(-1, len(weight)).min(axis=0), most.reshape(-1, len(weight)).max(axis=0)

    def zero_point(self, layer: LoweredLayer) -> int:
        """Of kernels that read pixels outside: the integer that these count as, of what hardware has."""
        if layer.window is None or not any(layer.window.padding):
            return 0
        reach = self.reach[self.numbers[layer.main.source]]
        zero = (layer.main.zero - reach.base) / reach.unit
        if zero.denominator != 1:
            raise InputError(
                f"{layer.place}: pads with 0, which is {float(zero):.9g} as an integer of what it reads; allowed: a"
                " whole one (--input-offset)"
            )
        return int(zero)

    def start(self, layer: LoweredLayer) -> tuple[np.ndarray, _Rationals, _Rationals, _Rationals]:
        """Weights, gains above 0, gains of the skip connection and offsets, of what hardware has of the sources."""
        gain, offset = _rational(layer.main.gain), _rational(layer.offset)
        matrix = layer.main.matrix
        weight = layer.kernels(np.ones(len(gain), dtype=np.int64)) if matrix is None else matrix.copy()
        reach, other = self.reach[self.numbers[layer.main.source]], None
        if reach.base and not (layer.window is not None and any(layer.window.padding)):
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
        if self.tensors:  # biases that are whole but for single precision are no reason for longer weights
            biases = [stair.offset / stair.gain for stair in stairs]
            near = _SINGLE * max([Fraction(1), *map(abs, biases)])
            finest = [0 if abs(b - round(b)) <= near else most for b, most in zip(biases, finest, strict=True)]
        if skip is None:
            # What is 0 whatever comes in needs no edges.
            dead = np.array([stair.nothing for stair in stairs])
            live = np.flatnonzero(~dead)
            weight[dead] = 0
            stairs[:] = [
                replace(s, first=0, last=0) if nothing else s for s, nothing in zip(stairs, dead, strict=True)
            ]
            if len(live):
                found = fit([stairs[j] for j in live], [finest[j] for j in live], bits=self.multiplier_bits)
                steps = _spread(found, live, len(stairs))
                if any(end.any() for end in steps.reached(stairs)):
                    return steps, weight, skip
            # All are 0, or as near to it as can be.
            wrong = np.where(dead, 0, [len(stair.values) for stair in stairs])
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
        if layer.main.window is not None and layer.main.matrix is None:
            self.pooled(layer)
            return
        if layer.shape is not None and layer.skip is not None:
            self.added(layer, layer.skip, codes)
            return
        weight, gain, other, offset = self.start(layer)
        weight, gain, skip = self.shifted(layer, weight, gain, other) or self.aligned(layer, weight, gain, other)
        activation, less = _format(codes, layer.place)
        zero = int(codes.zero) if self.tensors and codes.zero_after else 0
        ends = (end.tolist() for end in self.sums(layer, weight, skip))
        stairs = [
            staircase(codes, gain=g, offset=o, first=a, last=b, less=less + zero)
            for g, o, a, b in zip(gain, offset, *ends, strict=True)
        ]
        before, live = bits_of(weight), _live(weight)
        steps, weight, skip = self.fitted(stairs, weight, skip)
        lost = live - _live(weight)
        if lost:
            self.note(layer, f"{lost} of {len(weight)} neurons are 0 for every input", exact=True)
        weight = (weight.T << steps.fine).T
        wrong = int((steps.wrong > 0).sum())
        if wrong:
            self.differ += wrong
            self.note(
                layer,
                f"{wrong} of {len(weight)} neurons have no multiplier and shift that is equal everywhere:"
                f" {int(steps.wrong.sum())} of {sum(len(stair.values) for stair in stairs)} thresholds lie elsewhere",
            )
        if steps.fine.any():
            finer = f"{int((steps.fine > 0).sum())} of {len(weight)} neurons"
            text = f"weights {before} -> {bits_of(weight)} bits for biases between integers, of {finer}"
            self.note(layer, text, exact=True)
        self.layers.append(
            IntegerLayer(
                source=self.numbers[layer.main.source],
                weight=weight,
                bias=steps.bias,
                window=layer.window,
                zero_point=self.zero_point(layer),
                skip=skip,
                activation=replace(activation, shift=steps.shift, rounding=steps.rounding, zero_point=zero),
                multiplier=steps.multiplier,
            )
        )
        low, high = (np.tile(end + zero, layer.width // len(end)) for end in steps.reached(stairs))
        self.reach.append(_Reach(low, high, base=Fraction(less)))

    def pooled(self, layer: LoweredLayer) -> None:
        """The greatest values, as what it reads has them."""
        source, ones = self.numbers[layer.main.source], np.ones(len(layer.offset), np.int64)
        before = self.layers[source - 1].activation if source else None
        if before is None:
            before = Activation(kind="identity" if self.source.signed else "relu", bits=self.source.bits, shift=0)
        activation = replace(before, shift=0, multiplier=None, rounding="up", zero_point=0)
        reach = self.reach[source]
        low, high = bounds(ones, reach.low, reach.high, layer.window)
        self.layers.append(
            IntegerLayer(source=source, weight=ones, bias=0 * ones, window=layer.window, activation=activation)
        )
        self.reach.append(replace(reach, low=low, high=high))

    def added(self, layer: LoweredLayer, other: Term, codes: Codes) -> None:
        """A sum of two tensors. Its multipliers are the least with which all pairs of values have the right sum."""
        activation, less = _format(codes, layer.place)
        offset, gains, zeros, values = layer.offset[0], list[Fraction](), list[int](), list[np.ndarray]()
        for term in (layer.main, other):
            reach, number = self.reach[self.numbers[term.source]], term.source
            before = (
                self.lowered.layers[number - 1].codes if number else self.lowered.input and self.lowered.input.codes
            )
            gains.append(term.gain[0] * reach.unit)
            zeros.append(round((Fraction(before.zero if before else 0) - reach.base) / reach.unit))
            values.append(np.arange(int(reach.low.min()), int(reach.high.max()) + 1))
            offset += term.gain[0] * reach.base
        # What zero points leave of it is near to none.
        after = round(codes.zero)
        rest = offset + gains[0] * zeros[0] + gains[1] * zeros[1] + (codes.zero - after) * codes.scale
        zeros[0] -= round(rest / gains[0])
        every = [-(-len(those) // _PAIRS) for those in values]
        first, second = (those[::step] for those, step in zip(values, every, strict=True))
        wanted = np.empty((len(second), len(first)), np.int64)
        for row, value in enumerate(second.tolist()):
            ends = {"first": int(first[0]), "last": int(first[-1])}
            stairs = staircase(codes, gain=gains[0], offset=offset + gains[1] * value, less=less, **ends)
            wanted[row] = codes.low - less + np.searchsorted(stairs.thresholds, first, side="right")
        best: tuple[int, Activation, list[int]] | None = None
        for shift, halves in itertools.product(range(_SUM_BITS), ("up", "even")):
            factors = [round(gain / codes.scale * (1 << shift)) for gain in gains]
            if not 1 <= min(factors) <= max(factors) < 1 << _SUM_BITS:
                continue
            tried = replace(activation, shift=shift, rounding=halves, zero_point=after - less)
            sums = factors[0] * (first - zeros[0]) + factors[1] * (second - zeros[1])[:, None]
            wrong = int((tried.apply(sums, np.ones(1, np.int64)) != wanted).sum())
            if best is None or wrong < best[0]:
                best = wrong, tried, factors
            if not wrong:
                break
        if best is None:
            ratio = float(max(gains) / min(gains))
            raise InputError(
                f"{layer.place}: adds tensors whose scales differ by {ratio:.3g}; allowed: scales nearer to each other"
            )
        wrong, activation, factors = best
        if wrong or max(every) > 1:
            of = f"{wrong:,} of {wanted.size:,} pairs of values{' that were tried' if max(every) > 1 else ''}"
            self.note(layer, f"{of} have another sum, rounded to the other side")
        terms = [
            layers.Term(source=self.numbers[term.source], zero_point=zero, multiplier=factor)
            for term, zero, factor in zip((layer.main, other), zeros, factors, strict=True)
        ]
        none = np.zeros(0, np.int64)
        self.layers.append(
            IntegerLayer(
                source=terms[0].source, weight=none, bias=none, terms=(terms[0], terms[1]), activation=activation
            )
        )
        low, high = (wanted.min(), wanted.max()) if max(every) == 1 else (activation.low, activation.high)
        self.reach.append(_Reach(np.full(layer.width, low), np.full(layer.width, high), base=Fraction(less)))

    def output(self, layer: LoweredLayer) -> Fraction:
        """The last layer; what one unit of its sums means."""
        weight, gain, other, offset = self.start(layer)
        found = self.shifted(layer, weight, gain, other)
        if found is None and (gain == gain[0]).all():
            found = self.aligned(layer, weight, gain, other)
        factors = None if found is None or found[2] is not None else self.common(gain, weight)
        if factors is not None:
            found = (weight.T * factors).T, np.full(len(gain), min(gain) / int(min(factors))), None
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
        self.layers.append(
            IntegerLayer(
                source=self.numbers[layer.main.source],
                weight=weight,
                bias=bias,
                window=layer.window,
                zero_point=self.zero_point(layer),
                skip=skip,
            )
        )
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
        reached = np.maximum(*map(np.abs, self.sums(layer, weight, None)))
        largest = gain.astype(float) * reached + abs(offset).astype(float)
        if layer.skip is not None:
            reach = self.reach[self.numbers[layer.skip.source]]
            largest += abs(other).astype(float) * np.maximum(np.abs(reach.low), np.abs(reach.high))
        top = (1 << (_WIDE_BITS - 1)) - 1
        scale = Fraction(2) ** math.ceil(math.log2(max(largest) / top)) if max(largest) > 0 else Fraction(1)
        self.hidden(replace(layer, codes=_wide(scale)))
        what = f"{_WIDE_BITS} bits of {float(scale):g}"
        self.note(layer, f"outputs have scales of their own; they are rounded to {what}")
        alone = replace(layer, main=Term(0, None, layer.main.gain), skip=None)
        ones, zeros = np.ones(len(gain), dtype=np.int64), np.zeros(len(gain), dtype=np.int64)
        self.layers.append(
            IntegerLayer(source=len(self.layers), weight=alone.kernels(ones), bias=zeros, window=alone.window)
        )
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

    Raises
    ------
    InputError
        If scales or formats leave what hardware has.
    """
    if lowered.input is not None:
        source = input_format(lowered.input, lowered.shape)
        return _Builder(lowered, source, lowered.input.codes, widen, edges).run()
    if source is None or not isinstance(source.scale, float) or not isinstance(source.offset, float):
        raise InputError(
            f"{lowered.where}: its input is not quantised; required: --input-bits and --input-scale, or --calibration"
        )
    step = Fraction(source.scale)
    codes = Codes(scale=step, zero=-Fraction(source.offset) / step, low=source.low, high=source.high, rounding="EVEN")
    return _Builder(lowered, source, codes, widen, edges).run()
