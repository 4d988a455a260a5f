"""From a real network to a layered one of integers.

A value v of layer l stands for the integer (v - o_l) / s_l; o_l is 0 but for the input. Weights of neuron j are
integers times q_j, so its sum counts in steps of u_j = s_source * q_j, and the activation multiplies by u_j / s_l: a
power of two, or the nearest m / 2**shift. Biases are rounded to whole steps of the sum.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hdlgen.errors import InputError
from hdlgen.layers import Shape
from hdlgen.network import Activation, InputFormat, Network, Skip, Term
from hdlgen.quantize.real import FloatLayer, FloatNetwork, bounds, product
from hdlgen.quantize.scales import weight_limits
from hdlgen.quantize.sparse import IntegerLayer, stored_network
from hdlgen.quantize.storage import CHOICES, Storage

__all__ = [
    "QuantizeRecipe",
    "Quantized",
    "activation_scale",
    "choose_input",
    "input_scale",
    "multipliers",
    "quantize_network",
    "quantized",
    "rounded_bias",
    "weight_codes",
]

#: Weights that may be these, whatever their bits.
_FIXED = {"binary": (-1, 1), "ternary": (-1, 0, 1)}
_WEIGHTS = ("integer", *_FIXED, "power-of-two")
_SCALES = ("layer", "neuron")
_REQUANTISE = ("shift", "multiplier")
_CALIBRATIONS = ("least-squares", "range")
#: Bits of the multipliers chosen here; the sums are much narrower than 48 bits, so products stay in 64.
_MULTIPLIER_BITS = 15
_MAX_SHIFT = 40
#: Trial scales between a quarter of the range and all of it.
_TRIALS = 48
#: Samples of activations that scales are chosen by.
_MAX_VALUES = 1 << 20
#: Values of the largest layer that are held; of images there are so many samples.
_MAX_HELD = 1 << 24


@dataclass(frozen=True, kw_only=True)
class QuantizeRecipe:
    """How to choose integers. The members are the options of ``hdlgen quantize``.

    Raises InputError for a value that is not allowed.
    """

    bits: int = 8
    activation_bits: int = 8
    weights: str = "integer"
    scales: str = "layer"
    requantise: str = "shift"
    calibration: str = "least-squares"
    edges: str = "auto"

    def __post_init__(self) -> None:
        for what, value, allowed in (
            ("weights", self.weights, _WEIGHTS),
            ("scales", self.scales, _SCALES),
            ("requantise", self.requantise, _REQUANTISE),
            ("calibration method", self.calibration, _CALIBRATIONS),
            ("edges", self.edges, CHOICES),
        ):
            if value not in allowed:
                raise InputError(f"quantize: {what} is {value!a}; allowed: {', '.join(allowed)}")
        for what, number in (("bits", self.bits), ("activation bits", self.activation_bits)):
            if not 1 <= number <= 16:
                raise InputError(f"quantize: {what} is {number}; allowed: 1..16")

    @property
    def levels(self) -> np.ndarray:
        """The integers that weights may be, ascending."""
        if self.weights in _FIXED:
            return np.array(_FIXED[self.weights])
        if self.weights == "power-of-two":
            powers = 1 << np.arange(max(self.bits - 1, 1))
            return np.concatenate([-powers[::-1], [0], powers[powers < 1 << (self.bits - 1)]])
        low, high = weight_limits(self.bits)
        return np.arange(low, high + 1)

    @property
    def weight_bits(self) -> int:
        return 2 if self.weights in _FIXED else self.bits


@dataclass(frozen=True, kw_only=True, eq=False)
class Quantized:
    """A network, and what its integers mean.

    Members
    -------
    storage : how edges are stored, and what that costs.
    steps : for each layer the q of its neurons, float64 (width,), where weights were rounded to multiples of it.
    units : for each layer what a sum of 1 means, float64 (width,), likewise.
    """

    network: Network
    output_scale: float
    storage: Storage
    layers: tuple[IntegerLayer, ...] = field(repr=False)
    steps: tuple[np.ndarray, ...] = field(repr=False, default=())
    units: tuple[np.ndarray, ...] = field(repr=False, default=())


def choose_input(x: np.ndarray, bits: int, width: int, shape: Shape | None = None) -> InputFormat:
    """From real samples of ``width`` inputs: unsigned integers over their range, from 0 where none is negative.

    Of tensors, which are padded with 0, one of the integers stands for 0.
    """
    low, high = min(float(x.min()), 0.0), float(x.max())
    scale = (high - low) / ((1 << bits) - 1) or 1.0
    offset = low if shape is None else -round(-low / scale) * scale or 0.0
    return InputFormat(width=width, bits=bits, scale=scale, offset=offset, shape=shape)


def input_scale(source: InputFormat) -> tuple[float, float]:
    """Scale and offset, the same for all inputs."""
    if not isinstance(source.scale, float) or not isinstance(source.offset, float) or source.scale <= 0:
        raise ValueError("an input has a scale of its own, or none above 0; allowed: one for all inputs")
    return source.scale, source.offset


def _round_to(levels: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The nearest of ``levels``, the greater one of two that are as near."""
    if len(levels) == levels[-1] - levels[0] + 1:
        return np.clip(np.floor(values + 0.5), levels[0], levels[-1]).astype(np.int64)
    middle = (levels[1:] + levels[:-1]) / 2
    return levels[np.searchsorted(middle, values, side="right")]


def weight_codes(
    weight: np.ndarray, recipe: QuantizeRecipe, *, scales: Sequence[float] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Integers for weights, float64 (width, n) or (width,), and q of each neuron, (width,).

    Weights of 0 stay 0. ``scales``: the only ones that are allowed, for the whole layer.
    """
    levels, whole = recipe.levels, recipe.scales == "layer" or scales is not None
    rows = weight.reshape(1 if whole else len(weight), -1)
    magnitude = np.abs(rows).max(axis=1, keepdims=True)
    full = np.where(magnitude == 0, 1.0, magnitude) / np.abs(levels).max()

    def codes_of(scale: np.ndarray) -> np.ndarray:
        return np.where(rows == 0, 0, _round_to(levels, rows / scale))

    exponent = np.ceil(np.log2(full))
    if scales is not None:
        trials = [np.full_like(full, scale) for scale in scales]
    elif recipe.calibration == "range":
        trials = [np.exp2(exponent) if recipe.requantise == "shift" else full]
    elif recipe.requantise == "shift":
        trials = [np.exp2(exponent - k) for k in range(5)]
    elif recipe.weights == "binary":
        count = np.maximum((rows != 0).sum(axis=1, keepdims=True), 1)
        trials = [np.maximum(np.abs(rows).sum(axis=1, keepdims=True) / count, np.finfo(float).tiny)]
    else:
        trials = [full * (1 - k / _TRIALS) for k in range(_TRIALS * 15 // 16)]
    errors = [np.square(codes_of(trial) * trial - rows).sum(axis=1) for trial in trials]
    best = np.stack(trials)[np.argmin(errors, axis=0), np.arange(len(rows))]
    return codes_of(best).reshape(weight.shape), np.broadcast_to(best[:, 0], (len(weight),)).copy()


def activation_scale(values: np.ndarray, high: int, recipe: QuantizeRecipe, base: float) -> float:
    """s_l for sums in real units: base * 2**k for shifts, else any."""
    magnitude = float(np.abs(values).max(initial=0.0)) or base
    full = magnitude / high
    if recipe.requantise == "shift":
        exponent = math.ceil(math.log2(full / base))
        trials = [base * 2.0 ** max(exponent - k, 0) for k in range(4)]  # no finer than the sums
    else:
        trials = [full * (1 - k / _TRIALS) for k in range(_TRIALS * 3 // 4)]
    if recipe.calibration == "range":
        return trials[0]
    sample = values.reshape(-1)[:: -(-values.size // _MAX_VALUES)]

    def error(scale: float) -> float:
        codes = np.clip(np.floor(sample / scale + 0.5), -high - 1, high)
        return float(np.square(codes * scale - sample).sum())

    return min(trials, key=error)


def rounded_bias(
    layer: FloatLayer, unit: np.ndarray, offset: float, skip_offset: float = 0.0, *, remedy: str
) -> np.ndarray:
    """In steps of the sums, int64, with what 0 means in the layers it reads; ``remedy`` is what would make it fit."""
    real = layer.bias + math.ldexp(skip_offset, layer.skip_exponent)
    if offset:
        real += offset * layer.weight.reshape(len(layer.weight), -1).sum(axis=1)
    whole = np.floor(real / unit + 0.5)
    if np.abs(whole).max(initial=0) >= 1 << 31:
        raise InputError(f"{layer.place}: a bias leaves 32 bits in steps of the sum; allowed: {remedy}")
    return whole.astype(np.int64)


def multipliers(ratio: np.ndarray) -> tuple[int, np.ndarray]:
    """Shift and multipliers with m / 2**shift nearest to ``ratio``; powers of two are exact, with small multipliers."""
    mantissa, exponent = np.frexp(ratio)
    if (mantissa == 0.5).all():
        shift = max(0, 1 - int(exponent.min()))
        if int(exponent.max()) - 1 + shift < 24 and shift <= _MAX_SHIFT:
            return shift, (1 << (exponent.astype(np.int64) - 1 + shift)).astype(np.int64)
    shift = min(max(0, _MULTIPLIER_BITS - int(exponent.max())), _MAX_SHIFT)
    return shift, np.maximum(np.rint(np.ldexp(ratio, shift)), 1).astype(np.int64)


class _Quantizer:
    def __init__(
        self, network: FloatNetwork, recipe: QuantizeRecipe, source: InputFormat, x: np.ndarray | None
    ) -> None:
        self.network, self.recipe = network, recipe
        scale, offset = input_scale(source)
        self.scales, self.offsets = [scale], [offset]
        self.sampled = x is not None
        if x is not None and network.shape is not None:
            x = x[: max(1, _MAX_HELD // max(network.widths))]
        #: What each layer passes on: of the samples (N, width), or where there are none its ends (2, width).
        self.known = [
            np.repeat([[source.low], [source.high]], network.width, axis=1) if x is None else source.quantise(x)
        ]
        self.layers: list[IntegerLayer] = []
        self.steps: list[np.ndarray] = []
        self.units: list[np.ndarray] = []
        #: Its activation passes on integers of the input as they are.
        self.input = Activation(kind="identity" if source.signed else "relu", bits=source.bits, shift=0)

    def sums(self, layer: FloatLayer, integer: IntegerLayer) -> np.ndarray:
        """Of what is known of the layers it reads: int64 (rows, pixels, channels)."""
        known = self.known[layer.source] - integer.zero_point
        if self.sampled:  # in double precision, which is faster than integers, and exact
            total = product(integer.weight.astype(np.float64), known.astype(np.float64), layer.window)
        else:
            total = np.stack(bounds(integer.weight, known[0], known[1], layer.window))
        result = np.rint(total).astype(np.int64).reshape(len(total), -1, len(layer.bias)) + integer.bias
        if integer.skip is not None:
            result += (self.known[integer.skip.source] << integer.skip.shift).reshape(result.shape)
        return result

    def layer(self, layer: FloatLayer) -> None:
        """Append the integers of ``layer`` and what they mean."""
        if layer.greatest:
            self.greatest(layer)
        elif layer.skip is not None and layer.shape is not None:
            self.added(layer, layer.skip)
        else:
            self.weighted(layer)
        number = len(self.layers)
        needed = {read for later in self.network.layers[number:] for read in (later.source, later.skip)}
        for read in (layer.source, layer.skip):  # of images they are large
            if read is not None and read not in needed:
                self.known[read] = self.known[read][:0]

    def weighted(self, layer: FloatLayer) -> None:
        last = layer.activation is None
        recipe = self.recipe
        source, zero_point = self.scales[layer.source], 0
        skip = None
        if layer.weight.ndim != 2 and layer.weight.any() and len(np.unique(np.abs(layer.weight))) == 1:
            recipe = replace(recipe, weights="ternary", scales="layer", requantise="multiplier")  # 1 and -1: exact
        if last:
            recipe = replace(recipe, scales="layer")
        if layer.skip is not None:
            # The sum's unit is that of the other layer, or a power of two less.
            other = math.ldexp(self.scales[layer.skip], layer.skip_exponent)
            trials = [other / (source * 2**shift) for shift in range(16)]
            codes, step = weight_codes(layer.weight, recipe, scales=trials)
            skip = Skip(source=layer.skip, shift=round(math.log2(other / (source * step[0]))))
        else:
            codes, step = weight_codes(layer.weight, recipe)
        unit = source * step
        self.steps.append(step)
        self.units.append(unit)
        offset = self.offsets[layer.source]
        if layer.window is not None and any(layer.window.padding):
            zero_point = self.zero_point(layer.source, layer.zero)
            offset += source * zero_point - layer.zero
        skip_offset = 0.0 if layer.skip is None else self.offsets[layer.skip]
        bias = rounded_bias(layer, unit, offset, skip_offset, remedy="fewer weight bits")
        integer = IntegerLayer(
            source=layer.source,
            weight=codes,
            bias=bias,
            window=layer.window,
            zero_point=zero_point,
            skip=skip,
            weight_bits=self.recipe.weight_bits if recipe is self.recipe or last else None,
        )
        if last:
            self.layers.append(integer)
        else:
            self.activated(layer, integer, self.sums(layer, integer), unit)

    def zero_point(self, source: int, zero: float = 0.0) -> int:
        """The integer of a layer that stands for ``zero``, or is next to it."""
        return round((zero - self.offsets[source]) / self.scales[source])

    def activated(self, layer: FloatLayer, integer: IntegerLayer, sums: np.ndarray, unit: np.ndarray) -> None:
        """Append ``integer``, whose activation is chosen by its ``sums`` in these units."""
        signed = layer.activation == "identity"
        activation = Activation(
            kind=layer.activation or "relu",
            bits=max(self.recipe.activation_bits, 1 + signed),
            shift=0,
            multiplier="m",
        )
        real = np.clip(sums * unit if signed else np.maximum(sums * unit, 0), *layer.limits)
        scale = activation_scale(real, activation.high, self.recipe, float(unit.min()))
        shift, multiplier = multipliers(unit / scale)
        whole = activation.low, activation.high
        low, high = (int(np.clip(np.rint(limit / scale), *whole)) for limit in layer.limits)
        clamp = (low, high) if low < high and (low, high) != whole else None
        activation = replace(activation, shift=shift, clamp=clamp)
        values = activation.apply(sums, multiplier).reshape(len(sums), -1)
        self.known.append(values if self.sampled else np.sort(values, axis=0))
        activation = replace(activation, multiplier=None)
        if integer.terms is not None and multiplier[0] != 1:
            activation = replace(activation, multiplier=int(multiplier[0]))
        self.layers.append(replace(integer, activation=activation, multiplier=None if integer.terms else multiplier))
        self.scales.append(scale)
        self.offsets.append(0.0)

    def greatest(self, layer: FloatLayer) -> None:
        """A pool, in the scale and the format of what it reads."""
        source, channels = layer.source, len(layer.weight)
        before = self.layers[source - 1].activation if source else self.input
        assert before is not None
        activation = replace(before, shift=0, multiplier=None, rounding="up")
        ones, zeros = np.ones(channels, np.int64), np.zeros(channels, np.int64)
        self.layers.append(
            IntegerLayer(source=source, weight=ones, bias=zeros, window=layer.window, activation=activation)
        )
        self.known.append(product(ones, self.known[source], layer.window))
        self.scales.append(self.scales[source])
        self.offsets.append(self.offsets[source])
        self.steps.append(np.ones(channels))
        self.units.append(np.full(channels, self.scales[source]))

    def added(self, layer: FloatLayer, other: int) -> None:
        """A sum of two tensors, with multipliers that are as their scales."""
        places = layer.source, other
        units = np.array(self.scales)[[*places]] * [float(layer.weight[0]), math.ldexp(1.0, layer.skip_exponent)]
        shift, factors = multipliers(units / units.min())
        unit = np.full(len(layer.weight), units.min() / 2.0**shift)
        first, second = (
            Term(source=place, zero_point=self.zero_point(place), multiplier=int(factor))
            for place, factor in zip(places, factors, strict=True)
        )
        integer = IntegerLayer(
            source=layer.source, weight=np.ones(0, np.int64), bias=np.zeros(0, np.int64), terms=(first, second)
        )
        read = [(self.known[term.source] - term.zero_point) * term.multiplier for term in (first, second)]
        self.steps.append(np.ones(len(layer.weight)))
        self.units.append(unit)
        self.activated(layer, integer, (read[0] + read[1]).reshape(len(read[0]), -1, len(unit)), unit)


def quantize_network(
    network: FloatNetwork, recipe: QuantizeRecipe, source: InputFormat, x: np.ndarray | None = None
) -> Quantized:
    """Integers for ``network``, layer by layer, each calibrated with what the integers before it give.

    Parameters
    ----------
    x : real samples (N, width) of the input. Without them ranges are those that no input can leave, which are wider than
        what inputs reach, and the activations are coarser for it.

    Raises
    ------
    InputError
        If a number leaves the formats of the network file.
    """
    quantizer = _Quantizer(network, recipe, source, x)
    for layer in network.layers:
        quantizer.layer(layer)
    return quantized(
        network,
        source,
        quantizer.layers,
        float(quantizer.units[-1][0]),
        recipe.edges,
        steps=tuple(quantizer.steps),
        units=tuple(quantizer.units),
    )


def quantized(
    network: FloatNetwork,
    source: InputFormat,
    layers: Sequence[IntegerLayer],
    output_scale: float,
    edges: str,
    **members: tuple[np.ndarray, ...],
) -> Quantized:
    """What these ``layers`` make of ``network``."""
    made, storage = stored_network(
        name=network.name, source=source, layers=layers, edges=edges, where=network.where, output_scale=output_scale
    )
    return Quantized(network=made, output_scale=output_scale, storage=storage, layers=tuple(layers), **members)
