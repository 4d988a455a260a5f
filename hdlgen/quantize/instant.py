"""Instant quantisation: integers by sampling, without data.

A layer with max(0, x) or x is positively homogeneous, so each neuron's weights may be divided by the sum of their
magnitudes if the next layer's are multiplied by it. Then the magnitudes are probabilities: of N samples of a
low-discrepancy sequence, c_i hit weight i, and the signed counts are the integers. Weights that no sample hits are absent.
Only the outputs carry a scale; all of them carry one, since an output gets samples in proportion to its own.

Source: A. Keller, "Structural Sparsity" and the talks on quantising trained networks by sampling.
"""

import math
from dataclasses import replace

import numpy as np

from hdlgen.errors import InputError
from hdlgen.network import Activation, InputFormat
from hdlgen.quantize.layered import (
    Quantized,
    QuantizeRecipe,
    activation_scale,
    input_scale,
    multipliers,
    quantized,
    rounded_bias,
)
from hdlgen.quantize.real import FREE, FloatLayer, FloatNetwork, bounds
from hdlgen.quantize.sparse import IntegerLayer, bits_of
from hdlgen.sequences import sobol

__all__ = ["MAX_SAMPLES", "instant_network", "path_network", "sample_counts", "sample_paths"]

MAX_SAMPLES = 1 << 22
_BITS = 32


def _points(dimension: int, count: int) -> np.ndarray:
    """The first points of a component of the Sobol' sequence, in the middle of the cells of 2**-32."""
    return (sobol.points(dimension, 0, count, _BITS).astype(np.float64) + 0.5) / (1 << _BITS)


def _edges(row: np.ndarray) -> np.ndarray:
    """Ends of the intervals of 0..1 whose lengths are as the magnitudes; the last is 1."""
    ends = np.cumsum(np.abs(row))
    return ends / ends[-1]


def sample_counts(row: np.ndarray, count: int, shift: float = 0.0) -> np.ndarray:
    """Signed numbers of ``count`` samples in proportion to the magnitudes of ``row``: int64, of the same length.

    The samples are the first points of van der Corput's sequence, moved by ``shift`` modulo 1, so more samples come
    between those of fewer. Magnitudes add up to ``count`` unless all of ``row`` are 0.
    """
    if count == 0 or not row.any():
        return np.zeros(len(row), dtype=np.int64)
    hit = np.searchsorted(_edges(row), (_points(0, count) + shift) % 1.0, side="right")
    # The end of the last interval that is not empty belongs to it.
    hit = np.minimum(hit, int(np.flatnonzero(row)[-1]))
    return np.bincount(hit, minlength=len(row)) * np.sign(row).astype(np.int64)


def _matrix(layer: FloatLayer, sources: int) -> np.ndarray:
    if layer.weight.ndim == 2:
        return layer.weight
    return np.diag(layer.weight) if sources <= 4096 else layer.weight[:, None]


class _Assembler:
    """Integer layers from signed counts: neuron j is the mean of what its samples read."""

    def __init__(
        self, network: FloatNetwork, source: InputFormat, activation_bits: int, x: np.ndarray | None
    ) -> None:
        self.network, self.source, self.bits = network, source, activation_bits
        scale, self.offset = input_scale(source)
        self.units = [scale]  # what 1 means, times the factor of each neuron
        self.factors = [np.ones(network.width)]
        self.tops = [np.full(network.width, float(max(-source.low, source.high)))]
        self.samples = None if x is None else [source.quantise(x).astype(np.float64)]
        self.layers: list[IntegerLayer] = []

    def bias(self, layer: FloatLayer, per_step: np.ndarray) -> np.ndarray:
        return rounded_bias(layer, per_step, 0.0 if layer.source else self.offset, remedy="more samples")

    def hidden(self, layer: FloatLayer, counts: np.ndarray, norms: np.ndarray, samples: np.ndarray) -> None:
        """``norms``: real sums of magnitudes, factors of the source included; ``samples``: how many each neuron has."""
        unit = self.units[layer.source]
        safe = np.maximum(samples, 1)
        # One unit of the sum means unit * norm / samples; divided by the norm, which goes forward, unit / samples.
        norms = np.where(norms > 0, norms, 1.0)
        bias = self.bias(layer, unit * norms / safe)
        signed = layer.activation == "identity"
        activation = Activation(kind="identity" if signed else "relu", bits=self.bits, shift=0, multiplier="m")
        negative, positive = bounds(counts, np.zeros_like(self.tops[layer.source]), self.tops[layer.source])
        reach = positive + np.maximum(bias, 0)
        reach = np.maximum(reach, np.maximum(-bias, 0) - negative) / safe if signed else reach / safe
        # In units of the layer before; a power of two, no finer than the sums.
        least, top = 2.0 ** (1 - int(safe.max()).bit_length()), float(reach.max(initial=0.0))
        step = max(least, 2.0 ** math.ceil(math.log2(top / activation.high))) if top > 0 else 1.0
        if self.samples is not None:
            sums = np.rint(self.samples[layer.source] @ counts.T.astype(np.float64)).astype(np.int64) + bias
            values = sums / safe if signed else np.maximum(sums, 0) / safe
            step = activation_scale(values, activation.high, QuantizeRecipe(), least)
        # The mean over the samples, in steps.
        shift, multiplier = multipliers(1 / (safe * step))
        activation = replace(activation, shift=shift)
        if self.samples is not None:
            self.samples.append(activation.apply(sums, multiplier).astype(np.float64))
        self.tops.append(np.minimum(reach / step + 1, activation.high))
        self.units.append(unit * step)
        self.factors.append(norms)
        plain = replace(activation, multiplier=None)
        self.layers.append(
            IntegerLayer(source=layer.source, weight=counts, bias=bias, activation=plain, multiplier=multiplier)
        )

    def outputs(self, layer: FloatLayer, counts: np.ndarray, per_sample: float, edges: str) -> Quantized:
        """All that was made, with these outputs; ``per_sample`` is what one sample weighs, the same for all of them."""
        scale = self.units[layer.source] * per_sample
        bias = self.bias(layer, np.full(layer.width, scale))
        self.layers.append(IntegerLayer(source=layer.source, weight=counts, bias=bias))
        if any(bits_of(each.weight) > 16 for each in self.layers):
            raise InputError(
                f"{self.network.where}: a weight has too many samples for 16 bits; allowed: fewer samples"
            )
        return quantized(self.network, self.source, self.layers, scale, edges)


def _check(network: FloatNetwork, count: int, what: str) -> None:
    if not 1 <= count <= MAX_SAMPLES:
        raise InputError(f"quantize: {what} is {count}; allowed: 1..{MAX_SAMPLES}")
    network.refuse_tensors("with samples and paths")
    for layer in network.layers:
        if layer.skip is not None:
            raise InputError(
                f"{layer.place}: adds another layer; allowed with samples and paths: layers without skips"
            )
        if layer.limits != FREE:
            raise InputError(
                f"{layer.place}: clips at other values than 0; allowed with samples and paths: max(0, x)"
            )


def instant_network(
    network: FloatNetwork,
    samples: int,
    source: InputFormat,
    *,
    activation_bits: int = 8,
    x: np.ndarray | None = None,
    edges: str = "auto",
) -> Quantized:
    """``samples`` for each neuron; outputs get as many as the greatest has, in proportion to their scales.

    Without ``x`` the steps of the activations are those that no input can exceed; with it they are chosen by inputs.

    Raises InputError for a number of samples that is not allowed, and for networks with skip connections.
    """
    _check(network, samples, "samples")
    made = _Assembler(network, source, activation_bits, x)
    shifts = _points(0, max(network.widths)) / samples
    for layer in network.layers:
        real = _matrix(layer, network.widths[layer.source]) * made.factors[layer.source]
        norms = np.abs(real).sum(axis=1)
        if layer.activation is None:
            top = float(norms.max())
            numbers = np.rint(norms / top * samples).astype(np.int64) if top > 0 else np.zeros(len(norms), np.int64)
            counts = np.stack([sample_counts(*entry) for entry in zip(real, numbers.tolist(), shifts, strict=False)])
            return made.outputs(layer, counts, (top or 1.0) / samples, edges)
        counts = np.stack([sample_counts(row, samples, shift) for row, shift in zip(real, shifts, strict=False)])
        made.hidden(layer, counts, norms, np.abs(counts).sum(axis=1))
    raise AssertionError("a network ends with outputs")


def sample_paths(network: FloatNetwork, paths: int, factors: list[np.ndarray]) -> list[np.ndarray]:
    """How many of ``paths`` paths use each edge, signed: int64 (n_l, n_{l-1}) for each layer.

    Path i begins at an output, chosen in proportion to the outputs' scales, and goes back to the input, edge by edge in
    proportion to the magnitudes; its choices are the components of point i of the Sobol' sequence.
    """
    matrices = [_matrix(layer, network.widths[layer.source]) * factors[layer.source] for layer in network.layers]
    norms = np.abs(matrices[-1]).sum(axis=1)
    if not norms.any():
        raise InputError(f"{network.where}: all weights of the outputs are 0; allowed: some that are not")
    neuron = np.searchsorted(_edges(norms), _points(0, paths), side="right")
    neuron = np.minimum(neuron, int(np.flatnonzero(norms)[-1]))
    alive = np.ones(paths, dtype=bool)
    counts: list[np.ndarray] = [np.zeros(matrix.shape, dtype=np.int64) for matrix in matrices]
    for dimension, (matrix, count) in enumerate(zip(reversed(matrices), reversed(counts), strict=True), 1):
        totals = np.abs(matrix).sum(axis=1)
        alive &= totals[neuron] > 0
        ends = np.cumsum(np.abs(matrix), axis=1) / np.where(totals > 0, totals, 1.0)[:, None]
        ends[:, -1] = 1.0
        # One search for all rows: row j lies in j..j+1.
        flat = (ends + np.arange(len(matrix))[:, None]).reshape(-1)
        found = np.searchsorted(flat, neuron + _points(dimension, paths), side="right")
        before = np.clip(found - neuron * matrix.shape[1], 0, matrix.shape[1] - 1)
        sign = np.sign(matrix[neuron, before]).astype(np.int64)
        alive &= sign != 0
        np.add.at(count, (neuron[alive], before[alive]), sign[alive])
        neuron = np.where(alive, before, 0)
    return counts


def path_network(
    network: FloatNetwork,
    paths: int,
    source: InputFormat,
    *,
    activation_bits: int = 8,
    x: np.ndarray | None = None,
    edges: str = "auto",
) -> Quantized:
    """The network that ``paths`` paths leave, sampled backwards from the outputs. Neurons on no path are never read.

    A neuron is the mean over the paths through it, so that each has a multiplier of its own.

    Raises InputError as :func:`instant_network`; and for layers that do not read the one before.
    """
    _check(network, paths, "paths")
    for number, layer in enumerate(network.layers, 1):
        if layer.source != number - 1:
            raise InputError(f"{layer.place}: reads layer {layer.source}; allowed with paths: layers in a chain")
    factors = [np.ones(network.width)]
    norms = []
    for layer in network.layers:
        real = np.abs(_matrix(layer, network.widths[layer.source]) * factors[-1]).sum(axis=1)
        norms.append(real)
        factors.append(np.where(real > 0, real, 1.0))
    counts = sample_paths(network, paths, factors)
    made = _Assembler(network, source, activation_bits, x)
    for layer, count, norm in zip(network.layers[:-1], counts, norms, strict=False):
        made.hidden(layer, count, norm, np.abs(count).sum(axis=1))
    return made.outputs(network.layers[-1], counts[-1], float(norms[-1].sum()) / paths, edges)
