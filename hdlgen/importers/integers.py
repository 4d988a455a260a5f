"""From layers with quantisers to a network of integers that computes the same.

Integer weights and the scales of a file are taken as they are. What a quantiser makes of an integer sum is a staircase,
and :func:`hdlgen.quantize.steps.fit` finds the multiplier, shift and bias with the same one, for every sum that
the weights can reach.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from hdlgen.errors import InputError
from hdlgen.importers.codes import Codes
from hdlgen.importers.lowering import LoweredLayer, LoweredNetwork
from hdlgen.network import InputFormat, LayeredNetwork
from hdlgen.quantize.sparse import IntegerLayer, bits_of, layered_network
from hdlgen.quantize.steps import Staircase, Steps, fit

__all__ = ["Imported", "integer_network"]

_MAX_WEIGHT_BITS = 16
#: Of outputs whose neurons have scales of their own.
_OUTPUT_BITS = 16


@dataclass(frozen=True, kw_only=True, eq=False)
class Imported:
    """A network, and what its integers mean.

    Members
    -------
    codes : the input is ``codes``; outputs times ``output_scale`` are those of the file.
    exact : whether it computes what the file says, for every input; ``notes`` say what differs.
    """

    network: LayeredNetwork
    codes: Codes
    output_scale: Fraction
    exact: bool
    notes: tuple[str, ...]
    report: tuple[dict[str, object], ...] = field(repr=False, default=())


@dataclass
class _Reach:
    """What the neurons of a layer can pass on, and how far its integers are below the file's codes."""

    low: np.ndarray
    high: np.ndarray
    less: int = 0


def staircase(
    codes: Codes, *, gain: Fraction, offset: Fraction, values: range, first: int, last: int, less: int
) -> Staircase:
    """That of ``codes(gain * acc + offset) - less`` on ``first..last``; ``gain`` is above 0."""
    low = codes.low
    numbers = np.arange(values.start, values.stop, dtype=np.int64)
    thresholds = np.full(len(numbers), first, dtype=np.int64)
    thresholds[numbers + less > codes.high] = last + 1
    inside = np.flatnonzero((numbers + less > low) & (numbers + less <= codes.high))
    for index in inside:
        edge, closed = codes.threshold(int(numbers[index]) + less)
        least = (edge - offset) / gain
        whole = -(-least.numerator // least.denominator) if closed else least.numerator // least.denominator + 1
        thresholds[index] = min(max(whole, first), last + 1)
    # The line through the steps: a code k is reached at (k - 1/2) * scale, wherever the rounding has its steps.
    middle, _ = codes.threshold(codes.high)
    zero = codes.high - Fraction(1, 2) - middle / codes.scale - less
    return Staircase(
        first=first,
        last=last,
        values=numbers,
        thresholds=thresholds,
        gain=gain / codes.scale,
        offset=offset / codes.scale + zero,
    )


def _format(codes: Codes, place: str) -> tuple[str, int, int, range]:
    """Kind, bits, what is taken off the codes, and the values but the least, of an activation for ``codes``."""
    low = codes.low
    less = low if low > 0 else 0
    signed = low < 0
    bits = max((codes.high - less).bit_length(), (-low - 1).bit_length() if signed else 0) + signed
    bits = max(bits, 1 + signed)
    if bits > 16:
        raise InputError(f"{place}: {codes.refusal}")
    bottom = -(1 << (bits - 1)) if signed else 0
    top = (1 << (bits - signed)) - 1
    return "identity" if signed else "relu", bits, less, range(bottom + 1, top + 1)


#: A neuron that is 0.
_NOTHING = Staircase(
    first=0, last=0, values=np.array([1]), thresholds=np.array([1]), gain=Fraction(1), offset=Fraction(0)
)


def _spread(steps: Steps, dead: np.ndarray) -> Steps:
    """With zeros, and a multiplier of 1, for neurons that are dead."""

    def spread(values: np.ndarray, rest: int) -> np.ndarray:
        result = np.full(len(dead), rest, dtype=np.int64)
        result[~dead] = values[: int((~dead).sum())]
        return result

    return replace(
        steps,
        fine=spread(steps.fine, 0),
        bias=spread(steps.bias, 0),
        multiplier=spread(steps.multiplier, 1),
        wrong=spread(steps.wrong, 0),
    )


class _Builder:
    def __init__(self, lowered: LoweredNetwork, codes: Codes, widen: bool) -> None:
        bits = codes.bits
        if bits is None:
            raise InputError(f"{lowered.where}: input: {codes.refusal}")
        self.lowered, self.codes, self.widen = lowered, codes, widen
        low = -(1 << (bits - 1)) if codes.signed else 0
        self.source = InputFormat(width=lowered.width, bits=bits, signed=codes.signed)
        high = (1 << (bits - codes.signed)) - 1
        self.reach = [_Reach(np.full(lowered.width, low), np.full(lowered.width, high))]
        self.layers: list[IntegerLayer] = []
        self.notes: list[str] = list(lowered.notes)
        self.report: list[dict[str, object]] = []
        self.exact = True

    def sums(self, weight: np.ndarray, source: int) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest sum of each neuron, without bias."""
        reach = self.reach[source]
        if weight.ndim == 1:
            ends = weight * reach.low, weight * reach.high
            return np.minimum(*ends), np.maximum(*ends)
        up, down = np.maximum(weight, 0), np.minimum(weight, 0)
        return up @ reach.low + down @ reach.high, up @ reach.high + down @ reach.low

    def start(self, layer: LoweredLayer) -> tuple[np.ndarray, list[Fraction], list[Fraction]]:
        """Weights, gains above 0, and offsets, with the codes of the source as hardware has them."""
        gain, offset = list(layer.gain), list(layer.offset)
        weight = np.ones(layer.width, dtype=np.int64) if layer.matrix is None else layer.matrix.copy()
        less = self.reach[layer.source].less
        if less:
            total = weight if weight.ndim == 1 else weight.sum(axis=1)
            offset = [o + g * int(t) * less for o, g, t in zip(offset, gain, total, strict=True)]
        if layer.skip is not None and self.reach[layer.skip[0]].less:
            less = self.reach[layer.skip[0]].less
            offset = [o + g * less for o, g in zip(offset, layer.skip[1], strict=True)]
        for j, entry in enumerate(gain):
            if entry < 0:
                weight[j], gain[j] = -weight[j], -entry
        return weight, gain, offset

    def skip(
        self, layer: LoweredLayer, weight: np.ndarray, gain: list[Fraction]
    ) -> tuple[np.ndarray, list[Fraction], tuple[int, int] | None]:
        """Weights and gains in the unit in which the skip connection is a shift."""
        if layer.skip is None:
            return weight, gain, None
        source, skip_gain = layer.skip
        ratios = [g / s if s > 0 else Fraction(0) for g, s in zip(gain, skip_gain, strict=True)]
        shift = max((ratio.denominator.bit_length() - 1 for ratio in ratios), default=0)
        fits = all(other > 0 for other in skip_gain) and shift <= 30
        fits = fits and all(ratio.denominator & (ratio.denominator - 1) == 0 for ratio in ratios)
        scaled = weight
        if fits:
            factors = np.array([int(ratio * (1 << shift)) for ratio in ratios], dtype=object)
            scaled = (weight.T.astype(object) * factors).T
            fits = -(1 << 15) <= int(scaled.min()) <= int(scaled.max()) < 1 << 15
        if not fits:
            worst = max(ratios, key=lambda ratio: (ratio.denominator, ratio))
            raise InputError(
                f"{layer.place}: adds layers whose scales are as {float(worst):.6g} to 1; allowed: a small integer to a"
                " power of two, as when both are quantised alike"
            )
        return scaled.astype(np.int64), [entry / (1 << shift) for entry in skip_gain], (source, shift)

    def finest(self, weight: np.ndarray) -> list[int]:
        """How much finer each row may become."""
        if not self.widen:
            return [0] * len(weight)
        rows = weight.reshape(len(weight), -1)
        return [max(0, _MAX_WEIGHT_BITS - bits_of(row)) for row in rows]

    def hidden(self, layer: LoweredLayer) -> None:
        codes = layer.codes
        assert codes is not None
        weight, gain, offset = self.start(layer)
        weight, gain, skip = self.skip(layer, weight, gain)
        if layer.rectified:
            codes = codes.rectified()
        kind, bits, less, values = _format(codes, layer.place)
        for j, entry in enumerate(gain):
            if entry == 0:  # a constant: any sum of nothing will do
                weight[j], gain[j] = 0, codes.scale
                if skip is not None:
                    raise InputError(
                        f"{layer.place}: neuron {j} has gain 0 beside a skip connection; allowed: others"
                    )
        least, most = self.sums(weight, layer.source)
        if skip is not None:
            reach = self.reach[skip[0]]
            least, most = least + (reach.low << skip[1]), most + (reach.high << skip[1])
        stairs = [
            staircase(
                codes,
                gain=g,
                offset=o,
                values=values,
                first=int(a),
                last=int(b),
                less=less,
            )
            for g, o, a, b in zip(gain, offset, least, most, strict=True)
        ]
        # What is 0 whatever comes in needs no edges.
        dead = [
            skip is None and bool((stair.thresholds > stair.last).all()) and values.start == 1 for stair in stairs
        ]
        weight[np.array(dead)] = 0
        live = [stair for stair, nothing in zip(stairs, dead, strict=True) if not nothing]
        finest = [bits for bits, nothing in zip(self.finest(weight), dead, strict=True) if not nothing]
        steps = fit(live, [0] * len(live) if skip is not None else finest) if live else fit([_NOTHING], [0])
        if any(dead):
            self.notes.append(f"{layer.place}: {sum(dead)} of {layer.width} neurons are 0 for every input")
            steps = _spread(steps, np.array(dead))
        before = bits_of(weight)
        weight = (weight.T << steps.fine).T
        wrong = int((steps.wrong > 0).sum())
        if wrong:
            self.exact = False
            total = sum(len(stair.values) for stair in stairs)
            self.notes.append(
                f"{layer.place}: {wrong} of {layer.width} neurons have no multiplier and shift that is equal everywhere:"
                f" {int(steps.wrong.sum())} of {total} thresholds lie elsewhere"
            )
        if steps.fine.any():
            self.notes.append(
                f"{layer.place}: weights {before} -> {bits_of(weight)} bits for biases between integers, of"
                f" {int((steps.fine > 0).sum())} of {layer.width} neurons"
            )
        self.layers.append(
            IntegerLayer(
                source=layer.source,
                weight=weight,
                bias=steps.bias,
                skip=skip,
                kind=kind,
                bits=bits,
                shift=steps.shift,
                rounding=steps.rounding,
                multiplier=steps.multiplier,
            )
        )
        ends = [np.full(layer.width, values.start - 1), np.full(layer.width, values.stop - 1)]
        self.reach.append(_Reach(ends[0], ends[1], less))
        self.tell(layer, weight, steps.multiplier, f"{kind} {bits} bits", steps.shift, wrong)

    def tell(
        self,
        layer: LoweredLayer,
        weight: np.ndarray,
        multiplier: np.ndarray | None,
        activation: str,
        shift: int,
        wrong: int,
    ) -> None:
        self.report.append(
            {
                "layer": len(self.layers),
                "place": layer.place,
                "source": layer.source,
                "neurons": layer.width,
                "weights": int(np.count_nonzero(weight)),
                "of": weight.size if weight.ndim == 2 else layer.width,
                "weight_bits": bits_of(weight),
                "activation": activation,
                "shift": shift,
                "multiplier_bits": 0
                if multiplier is None or (multiplier == 1).all()
                else int(multiplier.max()).bit_length(),
                "differ": wrong,
            }
        )

    def output(self, layer: LoweredLayer) -> Fraction:
        """The last layer; what one unit of its sums means."""
        weight, gain, offset = self.start(layer)
        weight, gain, skip = self.skip(layer, weight, gain)
        unit = next((g for g, row in zip(gain, weight, strict=True) if g > 0 and np.any(row)), Fraction(1))
        for j, entry in enumerate(gain):
            if entry == 0 or not np.any(weight[j]):
                weight[j], gain[j] = 0, unit
        if any(entry != unit for entry in gain):
            factors = self.common(gain, weight)
            if factors is None or skip is not None:
                return self.rescaled(layer)
            unit = min(gain) / int(min(factors))
            weight = (weight.T * factors).T
        biases = [entry / unit for entry in offset]
        limit = 0 if skip is not None else max(0, _MAX_WEIGHT_BITS - bits_of(weight))
        denominators = [entry.denominator for entry in biases]
        fine = next((f for f in range(limit + 1) if all((1 << f) % d == 0 for d in denominators)), None)
        if fine is None or not self.widen:
            fine = 0
        unit, weight = unit / (1 << fine), weight << fine
        exact = [entry * (1 << fine) for entry in biases]
        bias = np.array([round(entry) for entry in exact], dtype=object)
        if any(abs(int(entry)) >= 1 << 31 for entry in bias):
            raise InputError(
                f"{layer.place}: a bias leaves 32 bits in units of the sum; allowed: scales nearer to it"
            )
        worst = max(abs(float(a - int(b))) for a, b in zip(exact, bias, strict=True))
        if worst:
            # Single precision does not hold products of scales exactly.
            self.exact = self.exact and worst < 2**-8
            self.notes.append(
                f"{layer.place}: biases of the outputs are rounded, by {worst:.3g} of the smallest step of a sum at most"
            )
        self.layers.append(IntegerLayer(source=layer.source, weight=weight, bias=bias.astype(np.int64), skip=skip))
        self.tell(layer, weight, None, "output", 0, 0)
        return unit

    def common(self, gain: Sequence[Fraction], weight: np.ndarray) -> np.ndarray | None:
        """Integers as the gains of the rows are, if weights times these fit."""
        denominator = math.lcm(*(entry.denominator for entry in gain))
        numbers = [int(entry * denominator) for entry in gain]
        divisor = math.gcd(*numbers)
        factors = [number // divisor for number in numbers]
        rows = weight.reshape(len(weight), -1)
        if any(factor * int(np.abs(row).max()) >= 1 << 15 for factor, row in zip(factors, rows, strict=True)):
            return None
        return np.array(factors, dtype=np.int64)

    def rescaled(self, layer: LoweredLayer) -> Fraction:
        """Outputs with scales of their own: rounded to one scale by a layer, which another one shows."""
        weight, gain, offset = self.start(layer)
        least, most = self.sums(weight, layer.source)
        ends = [
            abs(float(g) * float(value) + float(o))
            for g, o, pair in zip(gain, offset, zip(least, most, strict=True), strict=True)
            for value in pair
        ]
        top = (1 << (_OUTPUT_BITS - 1)) - 1
        scale = Fraction(2) ** math.ceil(math.log2(max(ends) / top)) if max(ends) > 0 else Fraction(1)
        codes = Codes(scale=scale, zero=0, low=-top - 1, high=top, rounding="EVEN")
        self.hidden(replace(layer, codes=codes, rectified=False))
        self.exact = False
        self.notes.append(
            f"{layer.place}: outputs have scales of their own; they are rounded to {_OUTPUT_BITS} bits of {float(scale):g}"
        )
        number = len(self.layers)
        self.layers.append(
            IntegerLayer(
                source=number, weight=np.ones(layer.width, dtype=np.int64), bias=np.zeros(layer.width, dtype=np.int64)
            )
        )
        self.tell(replace(layer, source=number, matrix=None), self.layers[-1].weight, None, "output", 0, 0)
        return scale

    def run(self) -> Imported:
        for layer in self.lowered.layers[:-1]:
            self.hidden(layer)
        unit = self.output(self.lowered.layers[-1])
        network = layered_network(
            name=self.lowered.name,
            source=self.source,
            layers=self.layers,
            where=self.lowered.where,
            output_scale=float(unit),
        )
        return Imported(
            network=network,
            codes=self.codes,
            output_scale=unit,
            exact=self.exact,
            notes=tuple(self.notes),
            report=tuple(self.report),
        )


def integer_network(lowered: LoweredNetwork, codes: Codes | None = None, *, widen: bool = True) -> Imported:
    """The integers of a file that defines them.

    Parameters
    ----------
    codes : of the input, where the file has none.
    widen : whether weights may become finer so that biases that lie between integers are met.

    Raises
    ------
    InputError
        If scales or formats leave what hardware has.
    """
    chosen = lowered.codes if lowered.codes is not None else codes
    if chosen is None:
        raise InputError(
            f"{lowered.where}: its input is not quantised; required: --input-bits and --input-scale, or --calibration"
        )
    return _Builder(lowered, chosen, widen).run()
