"""A network of tensors in PyTorch, in real numbers and in integers: convolutions, pooling, and sums of vectors, which are
convolutions of one pixel.

Real numbers
    z = sum of w x, over connections and taps; a = relu(gain (z - mean) / sqrt(variance + eps) + offset), the batch
    normalisation of S. Ioffe and C. Szegedy (arXiv 1502.03167).
Integers
    of the network file: acc = bias + sum of W x, a = clamp((acc m + 2**(s-1)) >> s, 0, high). With the steps of weights,
    d[j] of each channel, of what is read, x, and of what is passed on, y, normalisation is part of
    ``m[j] = gain[j] / sqrt(variance[j] + eps) d[j] x / y 2**s``; gains are above 0. The gradient passes straight through
    rounding.

In double precision the integers are those of :mod:`hdlgen.golden`, all of them: 2**21 terms of less than 2**15, times a
multiplier of 16 bits, and a bias beside them stay exact. In single precision, which training takes, very few values are one
step off.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from hdlgen.connections import Groups
from hdlgen.description import MAX_SHIFT
from hdlgen.layers.window import Window
from hdlgen.network import Layer, Network, verify
from hdlgen.quantize import Edges, join, weight_limits
from hdlgen.train.image_recipe import ImageRecipe
from hdlgen.train.model import FRESH, rudin_shapiro
from hdlgen.train.penalties import root
from hdlgen.train.recipe import INPUT_BITS
from hdlgen.train.rounding import floor

__all__ = ["ImageModel"]

_EPS = 1e-5
_MOMENTUM = 0.1
#: The least gain of a channel: integers have none of 0.
_LEAST_GAIN = 1e-3
_MAX_BIAS = 1 << 24
#: Steps that are tried, as shares of the largest value, and values that they are chosen from.
_SHARES = np.arange(8, 41) / 40
_SAMPLES = 1 << 16
#: A group of weights whose root mean square is so much less than that of its layer counts as 0.
_NOTHING = 0.02
_DIMENSIONS = {"filters": (1, 2, 3), "channels": (0, 2, 3), "shapes": (0,)}


class _Rescale(torch.autograd.Function):
    """clamp(floor(z gain + offset), 0, high), channels in dimension 1; the gradient is that without floor."""

    @staticmethod
    def forward(context: Any, z: torch.Tensor, gain: torch.Tensor, offset: torch.Tensor, high: int) -> torch.Tensor:
        wide = (1, -1, 1, 1)
        value = z * gain.view(wide)
        value += offset.view(wide)
        context.save_for_backward(z, gain, (value > 0) & (value < high + 1))
        return value.floor_().clamp_(0, high)

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> Any:
        z, gain, inside = context.saved_tensors
        gradient = gradient * inside
        return gradient * gain.view(1, -1, 1, 1), (gradient * z).sum((0, 2, 3)), gradient.sum((0, 2, 3)), None


def _steps(values: np.ndarray, high: int, low: int) -> np.ndarray:
    """For each row of values the step of the least squared error, whose multiples low..high show them."""
    largest = np.maximum(np.abs(values).max(axis=1, keepdims=True), 1e-12)
    best, steps = np.full(len(values), np.inf), np.zeros(len(values))
    for share in _SHARES:
        step = largest * share / high
        error = np.square(np.clip(np.rint(values / step), low, high) * step - values).sum(axis=1)
        steps = np.where(error < best, step[:, 0], steps)
        best = np.minimum(error, best)
    return steps


class _Pool:
    """The greatest value under a window, or the mean; what 1 means stays, and so does the layer."""

    def __init__(self, layer: Any) -> None:
        self._layer, self._window = layer, layer.window

    def real(self, values: torch.Tensor, *, training: bool = False) -> torch.Tensor:
        pool = functional.max_pool2d if self._layer.of == "max" else functional.avg_pool2d
        return pool(values, self._window.kernel, self._window.stride)

    def calibrate(self, values: torch.Tensor, before: float) -> float:
        return before

    def integer(self, values: torch.Tensor, before: float) -> tuple[torch.Tensor, float]:
        if self._layer.of == "max":
            return self.real(values), before
        count = math.prod(self._window.kernel)
        total = functional.avg_pool2d(values, self._window.kernel, self._window.stride, divisor_override=1)
        return floor((total + count // 2) / count), before

    def export(self, before: float) -> tuple[Layer, dict[str, np.ndarray], float]:
        return self._layer, {}, before


class _Sums:
    """Channels that are joined by a kernel slice for each connection: E distinct ones of T taps.

    Where connections are blocks along the diagonal their weights are the kernels; others are scattered into dense ones.
    """

    def __init__(self, network: Network, number: int, recipe: ImageRecipe, generator: torch.Generator) -> None:
        layer: Any = network.layers[number - 1]
        vector = Window(inputs=(1, 1, network.widths[layer.read]), kernel=(1, 1), stride=(1, 1), padding=(0, 0, 0, 0))
        self.window: Window = getattr(layer, "window", vector)
        self.channels: int = getattr(layer, "channels", layer.width)
        self.layer, self.shape = layer, layer.shapes("train", "", {}, network.widths)["weight"]
        self.last = layer.activation is None
        self.multiplier_bits = recipe.multiplier_bits
        self.low, self.high = weight_limits(recipe.weight_bits)
        self.most = (1 << recipe.activation_bits) - 1
        self.inputs = self.window.inputs[2]
        source, target = layer.connections.ends(network.tensors, self.inputs, self.channels)
        self.paths, taps = len(source), math.prod(self.window.kernel)
        self.blocks = math.gcd(self.inputs * self.channels // self.paths, self.inputs, self.channels)
        ends = Groups(groups=self.blocks).ends({}, self.inputs, self.channels)
        self.joined: Edges | None = None
        count = self.paths * taps
        if not all(np.array_equal(*both) for both in zip(ends, (source, target), strict=True)):
            self.joined, self.blocks = join(source, target, self.inputs, self.channels), 1
            self._flat = torch.tensor(self.joined.target * self.inputs + self.joined.source)
            # The first path of each edge.
            self._first = np.full(len(self.joined), self.paths)
            np.minimum.at(self._first, self.joined.of_path, np.arange(self.paths))
        rule = self.joined is not None and recipe.initial == "constant"
        values = rudin_shapiro(count) if rule else torch.randn(count, generator=generator).numpy()
        values = values.reshape(-1, taps) * math.sqrt(2 * self.channels / count)
        if self.joined is not None:
            values[self.paths >> recipe.doublings :] *= FRESH
            values = np.stack([self.joined.merge(tap) for tap in values.T], axis=1)
        self.weights = torch.tensor(values, dtype=torch.float32).requires_grad_()
        self.present, self.alive = torch.ones_like(self.weights), torch.ones(self.channels)
        self.gain = torch.ones(self.channels).requires_grad_(not self.last)
        self.offset = torch.zeros(self.channels).requires_grad_()
        self.mean, self.variance = torch.zeros(self.channels), torch.ones(self.channels)
        self.steps, self.step, self.shift = torch.ones(self.channels), 1.0, 0

    def parameters(self) -> list[torch.Tensor]:
        return [self.weights, self.offset] if self.last else [self.weights, self.gain, self.offset]

    def grown(self, share: float) -> None:
        """So much of the paths is there, from the first on."""
        if self.joined is not None:
            self.present[:] = torch.tensor(self._first < max(1, share * self.paths))[:, None]

    def kernel(self, values: torch.Tensor) -> torch.Tensor:
        """(channels, inputs / blocks, down, across) of (E, T)."""
        if self.joined is not None:
            flat = torch.zeros(self.channels * self.inputs, values.shape[1], dtype=values.dtype)
            values = flat.index_copy(0, self._flat, values)
        return values.reshape(self.channels, -1, *self.window.kernel)

    def _read(self, values: torch.Tensor) -> torch.Tensor:
        if values.shape[1:] == (self.inputs, *self.window.inputs[:2]):
            return values
        return values.permute(0, 2, 3, 1).reshape(len(values), -1, 1, 1)  # elements in the order y, x, channel

    def _convolved(self, values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        top, bottom, left, right = self.window.padding
        values, around = self._read(values), (top, left)
        if (bottom, right) != (top, left):
            values, around = functional.pad(values, (left, right, top, bottom)), (0, 0)
        weights = self.kernel(weights).to(memory_format=torch.channels_last)
        return functional.conv2d(values, weights, None, self.window.stride, around, 1, self.blocks)

    def _gain(self) -> torch.Tensor:
        return self.gain.abs().clamp_min(_LEAST_GAIN)

    def normalised(self, values: torch.Tensor, *, training: bool) -> torch.Tensor:
        """Real values before the activation."""
        z = self._convolved(values, self.weights * self.present)
        if self.last:
            return z + self.offset.view(1, -1, 1, 1)
        mean, variance = self.mean, self.variance
        return functional.batch_norm(z, mean, variance, self._gain(), self.offset, training, _MOMENTUM, _EPS)

    def real(self, values: torch.Tensor, *, training: bool = False) -> torch.Tensor:
        found = self.normalised(values, training=training)
        return found if self.last else found.relu_()

    def calibrate(self, values: torch.Tensor, before: float) -> float:
        """Choose steps from real ``values`` that are read, whose integers count in steps of ``before``; returns its own."""
        weights = self.kernel(self.weights * self.present).detach().numpy().astype(np.float64)
        rows = weights.reshape(1 if self.last else self.channels, -1)
        self.steps = torch.tensor(np.broadcast_to(_steps(rows, self.high, self.low), self.channels).copy())
        if self.last:
            self.step = before * float(self.steps[0])
            return self.step
        found = self.real(values).flatten()
        found = found[:: max(1, len(found) // _SAMPLES)].numpy().astype(np.float64)
        self.step = float(_steps(found[None], self.most, 0)[0])
        largest = float(self._factor(before).max())
        self.shift = min(max(0, self.multiplier_bits - 1 - math.frexp(largest)[1]), MAX_SHIFT)
        return self.step

    def _factor(self, before: float) -> torch.Tensor:
        """What an integer sum is multiplied by, float64 (channels,)."""
        spread = (self.variance + _EPS).sqrt()
        return (self._gain() / spread).to(torch.float64) * self.steps * (before / self.step)

    def codes(self) -> torch.Tensor:
        """(E, T) integers in float64."""
        steps = self.steps[:, None] if self.joined is None else self.steps[torch.tensor(self.joined.target)][:, None]
        values = (self.weights * self.present).to(torch.float64).reshape(len(steps), -1)
        return floor(values / steps + 0.5).clamp(self.low, self.high).reshape(self.weights.shape)

    def biases(self, before: float) -> torch.Tensor:
        """(channels,) integers in float64."""
        offset, unit = self.offset.to(torch.float64), self.steps * before
        if not self.last:
            spread = (self.variance + _EPS).sqrt()
            offset = offset * (spread / self._gain()).to(torch.float64) - self.mean
        return floor(offset / unit + 0.5).clamp(-_MAX_BIAS, _MAX_BIAS) * self.alive

    def multipliers(self, before: float) -> torch.Tensor:
        """(channels,) integers in float64."""
        scaled = self._factor(before) * 2.0**self.shift
        return floor(scaled + 0.5).clamp(1, (1 << self.multiplier_bits) - 1)

    def integer(self, values: torch.Tensor, before: float) -> tuple[torch.Tensor, float]:
        """What is passed on, and what 1 means in it."""
        z = self._convolved(values, self.codes().to(values.dtype))
        bias = self.biases(before)
        if self.last:
            return z + bias.to(values.dtype).view(1, -1, 1, 1), self.step
        gain = self.multipliers(before) * 2.0**-self.shift
        return _Rescale.apply(z, gain.to(values.dtype), (bias * gain + 0.5).to(values.dtype), self.most), self.step

    def groups(self, of: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Norms of the groups of weights, normalisation included, beside that of all; and square roots of their sizes."""
        kernel, dimensions = self.kernel(self.weights * self.present), _DIMENSIONS[of]
        if not self.last:
            kernel = kernel * (self._gain() / (self.variance + _EPS).sqrt()).view(-1, 1, 1, 1)
        squares = kernel.square().sum(dimensions)
        return root(squares / squares.sum()), self.kernel(self.present).sum(dimensions).sqrt()

    def cut(self, of: str) -> None:
        """Groups with next to nothing in them have nothing from now on; a channel without weights passes on 0."""
        with torch.no_grad():
            norms, sizes = self.groups(of)
            least = _NOTHING * norms.norm() / sizes.norm()
            stays = (norms > least * sizes).to(torch.float32)
            for dimension in _DIMENSIONS[of]:
                stays = stays.unsqueeze(dimension)
            full = stays.expand(self.kernel(self.present).shape).reshape(
                self.channels * (self.inputs // self.blocks), -1
            )
            self.present *= (full if self.joined is None else full[self._flat]).reshape(self.present.shape)
            if not self.last:
                self.alive *= (self.kernel(self.present).sum((1, 2, 3)) > 0).to(torch.float32)

    def export(self, before: float) -> tuple[Layer, dict[str, np.ndarray], float]:
        """The layer of a network file, its tensors, and what 1 means in its values."""
        codes = self.codes().numpy().astype(np.int64)
        if self.joined is not None:
            codes = np.stack([self.joined.split(tap) for tap in codes.T], axis=1)
        tensors = {self.layer.weight: codes.reshape(self.shape).astype(np.int8)}
        if self.layer.bias is not None:
            tensors[self.layer.bias] = self.biases(before).numpy().astype(np.int32)
        activation = self.layer.activation
        if activation is None:
            return self.layer, tensors, self.step
        assert isinstance(activation.multiplier, str)
        tensors[activation.multiplier] = self.multipliers(before).numpy().astype(np.int32)
        return replace(self.layer, activation=replace(activation, shift=self.shift)), tensors, self.step


class ImageModel:
    """Weights, gains and offsets of ``plan`` at the beginning of its training.

    Weights of paths have one magnitude and the signs of :func:`~hdlgen.train.model.rudin_shapiro`, in the order of paths and
    taps, or are normal; those of other connections are normal, by the seed.
    """

    def __init__(self, plan: Network, recipe: ImageRecipe) -> None:
        generator = torch.Generator().manual_seed(recipe.seed)
        assert plan.shapes[0] is not None
        self._plan, self._shape = plan, plan.shapes[0]
        self._layers = [
            _Sums(plan, number, recipe, generator) if layer.matrix_names else _Pool(layer)
            for number, layer in enumerate(plan.layers, 1)
        ]
        self._sums = [layer for layer in self._layers if isinstance(layer, _Sums)]
        self.grown(2.0**-recipe.doublings)

    def parameters(self) -> list[torch.Tensor]:
        return [tensor for layer in self._sums for tensor in layer.parameters()]

    def grown(self, share: float) -> None:
        """So much of the paths of each layer is there, from the first on."""
        for layer in self._sums:
            layer.grown(share)

    def _grouped(self, of: str) -> list[_Sums]:
        """Layers with such groups: filters only of hidden layers, channels only of such as hidden layers pass on."""
        return {"filters": self._sums[:-1], "channels": self._sums[1:], "shapes": self._sums}[of]

    def penalty(self, of: str) -> torch.Tensor:
        """The group lasso: over groups, the sum of sqrt(size) times the norm.

        Norms are beside that of the layer, as normalisation makes its size arbitrary.
        """
        groups = [layer.groups(of) for layer in self._grouped(of)]
        return torch.stack([(norms * sizes).sum() for norms, sizes in groups]).sum()

    def cut(self, of: str) -> None:
        """Groups with next to nothing in them have nothing from now on."""
        for layer in self._grouped(of):
            layer.cut(of)

    def _tensor(self, x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        return x.view(len(x), *self._shape).permute(0, 3, 1, 2).to(dtype)

    def real(self, x: torch.Tensor, *, training: bool = False) -> torch.Tensor:
        """Logits of the network in real numbers, float32; ``x`` holds pixels 0..255, (N, n_0)."""
        values = self._tensor(x, torch.float32) / (1 << INPUT_BITS)
        for layer in self._layers:
            values = layer.real(values, training=training)
        return values.flatten(1)

    def calibrate(self, x: torch.Tensor) -> None:
        """Choose all steps from sample inputs."""
        with torch.no_grad():
            values, step = self._tensor(x, torch.float32) / (1 << INPUT_BITS), 2.0**-INPUT_BITS
            for layer in self._layers:
                step = layer.calibrate(values, step)
                values = layer.real(values)

    def integer(self, x: torch.Tensor, dtype: torch.dtype = torch.float64) -> torch.Tensor:
        """Outputs of the integer network, as integers in floating point; ``x`` holds pixels 0..255, (N, n_0)."""
        values, step = self._tensor(x, dtype), 2.0**-INPUT_BITS
        for layer in self._layers:
            values, step = layer.integer(values, step)
        return values.flatten(1)

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """The outputs of the integer network in single precision, on the scale of the real one."""
        return self.integer(x, torch.float32) * self._sums[-1].step

    def network(self) -> Network:
        """The integer network."""
        tensors, layers = dict(self._plan.tensors), list[Layer]()
        step = 2.0**-INPUT_BITS
        with torch.no_grad():
            for trained in self._layers:
                layer, own, step = trained.export(step)
                layers.append(layer)
                tensors |= own
        network = replace(self._plan, layers=tuple(layers), tensors=tensors)
        verify(network)
        return network
