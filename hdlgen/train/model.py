"""A network in PyTorch, in real numbers and in integers: every layer joined to the one before by some edges.

There is a weight for each distinct edge; :mod:`hdlgen.train.products` multiplies by them. In integers, the forward pass
computes the very integers of :mod:`hdlgen.golden`, held in floating point that is wide enough to be exact, and the
gradient passes straight through rounding.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch

from hdlgen.errors import InputError
from hdlgen.network import Network, SobolTopology
from hdlgen.quantize import MAX_SHIFT, Edges, Scales, find_edges, join, weight_limits
from hdlgen.train.penalties import GroupLasso
from hdlgen.train.products import EdgeProduct
from hdlgen.train.recipe import INPUT_BITS
from hdlgen.train.rounding import floor

__all__ = ["FRESH", "EdgeModel", "begin", "largest", "rudin_shapiro"]

_MAX_BIAS = (1 << 31) - 1
#: Size of the weights of new paths beside trained ones.
FRESH = 0.1


def rudin_shapiro(count: int) -> np.ndarray:
    """float64 (count,) of +1 and -1: -1 where the number of pairs of neighbouring ones in the index's digits is odd.

    No affine function of the index digits over GF(2), so no neuron is left with paths of one sign only.
    Source: W. Rudin (1959), H. S. Shapiro (1951).
    """
    index = np.arange(count)
    pairs = index & (index >> 1)
    odd = np.zeros(count, dtype=np.int64)
    while pairs.any():
        odd ^= pairs & 1
        pairs = pairs >> 1
    return (1 - 2 * odd).astype(np.float64)


def _signed(count: int, width: int) -> np.ndarray:
    """What ``count`` paths into ``width`` neurons begin with."""
    return rudin_shapiro(count) * math.sqrt(2 * width / count)


def _begin_with(
    network: Network, plan: Network, weights: Sequence[np.ndarray]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Real weights (P,) and biases of all paths of ``plan``, from the integers of a network of the first ones.

    In real numbers any factor of a layer will do, as the network is positively homogeneous. A value a of layer l stands
    for a * f_l: f_0 = 2**-bits, and f_l = f_{l-1} * c_l * 2**shift with the factor c_l of the weights.

    Raises
    ------
    InputError
        If the network's paths are not the first of ``plan``.
    """
    where, topology = network.where, _shared(plan)
    assert topology is not None
    if (mine := _shared(network)) is None:
        raise InputError(
            f"{where}: is another network; allowed to begin with: ReLU layers of Sobol' paths that they share"
        )
    count = mine.paths
    if network.widths != plan.widths:
        raise InputError(f"{where}: widths are {network.widths}; allowed to begin with: {plan.widths}")
    if network.input.bits != INPUT_BITS or network.input.signed:
        kind = "signed" if network.input.signed else "unsigned"
        raise InputError(
            f"{where}: input has {network.input.bits} bits, {kind}; allowed to begin with: {INPUT_BITS}, unsigned"
        )
    if count > topology.paths:
        raise InputError(f"{where}: has {count} paths; allowed to begin with: up to {topology.paths}")
    for number, width in enumerate(plan.widths):
        if not np.array_equal(mine.vertices(number, width), topology.vertices(number, width)[:count]):
            raise InputError(
                f"{where}: layer {number}: its paths visit other neurons; allowed to begin with: the same dimensions,"
                " slots, scrambling and shift"
            )
    result, biases = [], []
    factor = 2.0**-INPUT_BITS
    for number, fresh in enumerate(weights, 1):
        layer = network.weighted(number)
        trained = network.weights(number).astype(np.float64)
        scale = math.sqrt(2 * layer.width / topology.paths) / max(math.sqrt(np.square(trained).mean()), 1e-9)
        result.append(np.concatenate([trained * scale, FRESH * fresh[count:]]))
        biases.append(network.bias(number) * (scale * factor))
        if layer.activation is not None:
            factor *= scale * 2.0**layer.activation.shift
        if plan.weighted(number).bias is None and biases[-1].any():
            raise InputError(f"{where}: has biases; allowed without --bias: networks without")
    return result, biases


def _shared(network: Network) -> SobolTopology | None:
    """The topology of a network of nothing but ReLU layers of Sobol' paths that they share."""
    for number, layer in enumerate(network.layers, 1):
        if layer.incoming.shared is None or not network.weighted(number).plain(number):
            return None
    return network.layers[0].incoming.sobol


class EdgeModel:
    """Weights and biases of a network under training.

    Parameters
    ----------
    edges : of each transition; every layer reads the one before.
    weights : float64 (E_l,) each, to begin with: one for each distinct edge.
    biases : float64 (n_l,) each, to begin with, or None.
    weight_bits, activation_bits : of the integer network.
    """

    def __init__(
        self,
        edges: Sequence[Edges],
        weights: Sequence[np.ndarray],
        biases: Sequence[np.ndarray | None],
        *,
        weight_bits: int,
        activation_bits: int,
    ) -> None:
        self.edges = list(edges)
        self.widths = (edges[0].source_width, *(transition.target_width for transition in edges))
        self.activation_bits = activation_bits
        self.weight_bits = weight_bits
        self.weights = [torch.tensor(values, dtype=torch.float32).requires_grad_() for values in weights]
        self.biases = [
            None if values is None else torch.tensor(values, dtype=torch.float32).requires_grad_()
            for values in biases
        ]
        self._products = [EdgeProduct.over(edges) for edges in self.edges]
        transitions = range(1, len(self.widths))
        self._dtypes, self._max_biases = zip(*(self._exact(layer) for layer in transitions), strict=True)

    def parameters(self) -> list[torch.Tensor]:
        return [*self.weights, *(bias for bias in self.biases if bias is not None)]

    def group_lasso(self, groups: str) -> GroupLasso:
        """The penalty for the distinct edges of this network."""
        ends = [(torch.tensor(edges.source), torch.tensor(edges.target)) for edges in self.edges]
        return GroupLasso(groups, ends, self.widths)

    def _exact(self, layer: int) -> tuple[torch.dtype, int]:
        """A type in which all sums of ``layer`` are exact in any order, and the greatest bias that keeps them so."""
        source_bits = INPUT_BITS if layer == 1 else self.activation_bits
        low, _ = weight_limits(self.weight_bits)
        # The last term is the rounding of the shift.
        worst = self.edges[layer - 1].max_fan_in * -low * ((1 << source_bits) - 1) + (1 << (MAX_SHIFT - 1))
        for dtype, digits in ((torch.float32, 24), (torch.float64, 53)):
            if worst < 7 << (digits - 3):  # an eighth is left to the bias
                return dtype, min(_MAX_BIAS, (1 << digits) - 1 - worst)
        raise InputError(
            f"train: layer {layer}: sums up to {worst} are too large to train with; allowed: up to {(7 << 50) - 1};"
            " take fewer paths or bits"
        )

    def integer_weights(self, layer: int, scales: Scales) -> torch.Tensor:
        """(E_l,) integers in floating point, layer 1..L."""
        scaled = self.weights[layer - 1].to(self._dtypes[layer - 1]) * 2.0 ** scales.weight_exponents[layer - 1]
        return floor(scaled + 0.5).clamp(*weight_limits(self.weight_bits))

    def integer_bias(self, layer: int, scales: Scales) -> torch.Tensor | None:
        """(n_l,) integers in floating point, layer 1..L, or None."""
        bias = self.biases[layer - 1]
        if bias is None:
            return None
        scaled = bias.to(self._dtypes[layer - 1]) * 2.0 ** scales.accumulator_exponent(layer)
        return floor(scaled + 0.5).clamp(-self._max_biases[layer - 1], self._max_biases[layer - 1])

    def real(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of the network in real numbers, float32; ``x`` holds pixels 0..255, (N, n_0)."""
        values = x.to(torch.float32) / (1 << INPUT_BITS)
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True), 1):
            if layer > 1:
                values = values.relu_()
            values = self._products[layer - 1](values, weight)
            if bias is not None:
                values = values + bias
        return values

    def integer(self, x: torch.Tensor, scales: Scales) -> torch.Tensor:
        """Outputs of the integer network, as integers in floating point; ``x`` holds pixels 0..255, (N, n_0)."""
        last = len(self.edges)
        values = x
        for layer in range(1, last + 1):
            values = values.to(self._dtypes[layer - 1])
            values = self._products[layer - 1](values, self.integer_weights(layer, scales))
            bias = self.integer_bias(layer, scales)
            if bias is not None:
                values = values + bias
            if layer < last:
                shift = scales.shifts[layer - 1]
                half = 0.5 if shift else 0.0
                values = floor(values * 2.0**-shift + half).clamp(0, (1 << self.activation_bits) - 1)
        return values

    def logits(self, x: torch.Tensor, scales: Scales) -> torch.Tensor:
        """The outputs of the integer network on the scale of the real one."""
        return self.integer(x, scales) * 2.0 ** -scales.accumulator_exponent(len(self.edges))


def begin(plan: Network, *, seed: int, initial: Network | None = None) -> EdgeModel:
    """The network ``plan`` at the beginning of its training; the tensors of its weights are not looked at.

    Path i has the weight sign(i) * sqrt(2 / (P / n_l)), signs by :func:`rudin_shapiro`. Paths with the same edge are one
    parameter, the sum. Weights of dense layers are normal, of variance 2 / n_{l-1}, by ``seed``: with weights of one
    magnitude their neurons would be alike. Biases are 0.

    Beside paths of an ``initial`` network, which are the first ones of ``plan`` and begin with its weights and biases, the
    others have a tenth of that; its scale is chosen so that its weights have the root mean square that P paths begin with.

    Raises
    ------
    InputError
        If sums of a layer are too large to train, or ``initial`` is another network.
    """
    generator = torch.Generator().manual_seed(seed)
    layers = [plan.weighted(number) for number in range(1, len(plan.layers) + 1)]
    edges, weights = [], []
    for number, layer in enumerate(layers, 1):
        before = plan.widths[number - 1]
        if (shared := layer.connections.shared) is not None:
            count = shared[0].paths
            edges.append(find_edges(shared[0], (before, layer.width), shared[1]))
        else:
            source, target = layer.connections.ends(plan.tensors, before, layer.width)
            count = len(source)
            edges.append(join(source, target, before, layer.width))
        if layer.connections.full:
            weights.append(torch.randn(count, generator=generator).numpy() * math.sqrt(2 / before))
        else:
            weights.append(_signed(count, layer.width))
    biases = [np.zeros(layer.width) for layer in layers]
    if initial is not None:
        weights, biases = _begin_with(initial, plan, weights)
    return EdgeModel(
        edges,
        [transition.merge(values) for transition, values in zip(edges, weights, strict=True)],
        [None if layer.bias is None else values for layer, values in zip(layers, biases, strict=True)],
        weight_bits=layers[0].weight_bits,
        activation_bits=INPUT_BITS if layers[0].activation is None else layers[0].activation.bits,
    )


def largest(model: EdgeModel, densities: Sequence[float]) -> EdgeModel:
    """``model`` with the largest weights of each transition only: a share of all possible edges, one edge at least.

    Of equally large ones those of lower sources stay, then those of lower targets.
    """
    edges, weights = [], []
    for transition, weight, density in zip(model.edges, model.weights, densities, strict=True):
        values = weight.detach().numpy().astype(np.float64)
        limit = max(1, int(density * transition.source_width * transition.target_width))
        if limit >= len(values):
            edges.append(transition)
            weights.append(values)
            continue
        kept = np.sort(np.argsort(-np.abs(values), kind="stable")[:limit])
        edges.append(
            join(transition.source[kept], transition.target[kept], transition.source_width, transition.target_width)
        )
        weights.append(values[kept])
    biases = [None if bias is None else bias.detach().numpy().astype(np.float64) for bias in model.biases]
    return EdgeModel(edges, weights, biases, weight_bits=model.weight_bits, activation_bits=model.activation_bits)
