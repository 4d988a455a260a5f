"""Going on with the training of a network that comes from elsewhere, in the integers of the hardware.

Which edges there are, what reads what, and all numbers but weights and biases (scales, shifts, multipliers, skip
connections) stay as they are; the forward pass computes the very integers of :mod:`hdlgen.golden`, as in
:mod:`hdlgen.train.model`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from tqdm import tqdm

from hdlgen.errors import InputError
from hdlgen.idx import Dataset
from hdlgen.network import Activation, InputFormat, Network, Skip
from hdlgen.quantize import Edges, find_edges, join
from hdlgen.quantize.layered import Quantized, QuantizeRecipe, quantize_network
from hdlgen.quantize.real import FloatNetwork
from hdlgen.quantize.sparse import layered_network
from hdlgen.train.products import EdgeProduct
from hdlgen.train.recipe import INPUT_BITS, Schedule
from hdlgen.train.rounding import nearest, round_half
from hdlgen.train.training import Goal, Task, Trained, reproducible

__all__ = ["GraphModel", "Stage", "Tuned", "tune", "tune_real"]

#: Inputs from which scales are chosen.
_CALIBRATION = 2000
_MAX_BIAS = (1 << 31) - 1
#: Scales of outputs that are tried where nothing says what they mean.
_EXPONENTS = range(-32, 9)


@dataclass(frozen=True, kw_only=True, eq=False)
class Stage:
    """A layer under training. Its integers are what is rounded from real numbers, in steps.

    Members
    -------
    source : number of the layer that is read; ``rectified``: of its values max(0, a).
    edges : the distinct ones; others stay absent.
    weights : float64 (E,), real, to begin with, and ``steps`` (E,), what an integer of 1 means.
    levels : the integers that weights may be, ascending; None: the weights stay as they are.
    bias : int64 (width,), to begin with, or None, and ``units`` (width,), what 1 means.
    """

    source: int
    rectified: bool = False
    edges: Edges
    weights: np.ndarray = field(repr=False)
    steps: np.ndarray = field(repr=False)
    levels: np.ndarray | None = field(repr=False)
    bias: np.ndarray | None = field(repr=False)
    units: np.ndarray = field(repr=False)
    skip: Skip | None
    activation: Activation | None
    multiplier: np.ndarray = field(repr=False)


class GraphModel:
    """Weights and biases of stages 1..L under training; stage l reads the input (0) or a stage before it.

    Parameters
    ----------
    where : how messages begin.
    source : format of the input.
    """

    def __init__(self, where: str, source: InputFormat, stages: Sequence[Stage]) -> None:
        self.stages = list(stages)
        # In real numbers, so that the steps of training mean the same in all layers.
        self._weights, self._biases = [], []
        self._fixed, self._products, self._levels = [], [], []
        bounds = [max(-source.low, source.high)]
        self._dtypes, self._limits = [], []
        for number, stage in enumerate(self.stages, 1):
            codes = stage.weights / stage.steps
            if stage.levels is not None:
                codes = np.clip(codes, stage.levels[0], stage.levels[-1])
            trained = stage.levels is not None
            self._weights.append(
                torch.tensor(codes * stage.steps, dtype=torch.float32).requires_grad_() if trained else None
            )
            self._biases.append(
                None
                if stage.bias is None
                else torch.tensor(stage.bias * stage.units, dtype=torch.float64).requires_grad_()
            )
            self._fixed.append(torch.tensor(np.rint(codes)))
            self._products.append(EdgeProduct.over(stage.edges))
            levels = np.zeros(1) if stage.levels is None else stage.levels.astype(np.float64)
            self._levels.append((torch.tensor(levels), torch.tensor((levels[1:] + levels[:-1]) / 2)))
            # The worst sum of any order, and the greatest bias with which it and its product stay exact.
            most = np.abs(np.rint(codes)) if stage.levels is None else np.full(len(codes), np.abs(levels).max())
            worst = int(np.bincount(stage.edges.target, most).max()) * bounds[stage.source]
            if stage.skip is not None:
                worst += bounds[stage.skip.source] << stage.skip.shift
            factor = int(stage.multiplier.max())
            limit = ((1 << 53) - 1) // factor - worst
            if stage.activation is not None:
                limit -= (1 << stage.activation.shift) // factor + 1
            if limit < worst >> 3:  # what is left to the bias
                raise InputError(
                    f"{where}: layer {number}: sums up to {worst} times {factor} are too large to train with;"
                    f" allowed: up to {(1 << 53) - 1}; take fewer bits"
                )
            self._dtypes.append(torch.float32 if worst < 1 << 24 else torch.float64)
            self._limits.append(min(_MAX_BIAS, limit))
            activation = stage.activation
            bounds.append(0 if activation is None else max(-activation.low, activation.high))

    def parameters(self) -> list[torch.Tensor]:
        return [tensor for tensor in (*self._weights, *self._biases) if tensor is not None]

    def integer_weights(self, layer: int) -> torch.Tensor:
        """(E_l,) integers in float64, layer 1..L."""
        weights, stage = self._weights[layer - 1], self.stages[layer - 1]
        if weights is None:
            return self._fixed[layer - 1]
        return nearest(weights.to(torch.float64) / torch.tensor(stage.steps), *self._levels[layer - 1])

    def integer_bias(self, layer: int) -> torch.Tensor | None:
        """(n_l,) integers in float64, layer 1..L, or None."""
        bias, stage, limit = self._biases[layer - 1], self.stages[layer - 1], self._limits[layer - 1]
        if bias is None:
            return None
        return round_half(bias / torch.tensor(stage.units), even=False).clamp(-limit, limit)

    def _product(self, layer: int, values: torch.Tensor) -> torch.Tensor:
        dtype = self._dtypes[layer - 1]
        product = self._products[layer - 1](values.to(dtype), self.integer_weights(layer).to(dtype))
        return product.to(torch.float64)

    def integer(self, x: torch.Tensor) -> torch.Tensor:
        """Outputs (N, n_L), integers in float64, for integers ``x`` (N, n_0)."""
        values = [x.to(torch.float64)]
        for layer, stage in enumerate(self.stages, 1):
            read = values[stage.source]
            total = self._product(layer, read.relu() if stage.rectified else read)
            bias = self.integer_bias(layer)
            if bias is not None:
                total = total + bias
            if stage.skip is not None:
                total = total + values[stage.skip.source] * 2.0**stage.skip.shift
            activation = stage.activation
            if activation is not None:
                scaled = total * torch.tensor(stage.multiplier) * 2.0**-activation.shift
                total = round_half(scaled, even=activation.rounding == "even").clamp(activation.low, activation.high)
            values.append(total)
        return values[-1]

    def integers(self) -> list[tuple[np.ndarray, np.ndarray | None]]:
        """Weights (E_l,) and biases (n_l,), int64, of each layer."""
        with torch.no_grad():
            result = []
            for layer in range(1, len(self.stages) + 1):
                bias = self.integer_bias(layer)
                weights = self.integer_weights(layer).numpy().astype(np.int64)
                result.append((weights, None if bias is None else bias.numpy().astype(np.int64)))
            return result


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """How good the network was before, and what became of it."""

    before: Trained
    after: Trained


def _check_input(where: str, source: InputFormat, inputs: int) -> None:
    if source.signed or source.bits != INPUT_BITS:
        kind = "signed" if source.signed else "unsigned"
        raise InputError(f"{where}: input has {source.bits} bits, {kind}; allowed to tune: {INPUT_BITS}, unsigned")
    if source.width != inputs:
        raise InputError(f"{where}: reads {source.width} inputs, the training data have {inputs}; allowed: as many")


def _of_network(network: Network) -> list[Stage]:
    """Stages of integers alone. In real numbers any factor of a layer will do; weights get the size of initial ones."""
    scales = [2.0**-INPUT_BITS]
    stages = []
    for number in range(1, len(network.layers) + 1):
        layer = network.weighted(number)
        if layer.code_book is not None:
            raise InputError(f"{network.where}: layer {number}: has a code book; allowed to tune: layers without")
        found, widths = network.edges(number), (network.widths[layer.read], layer.width)
        common = layer.incoming.shared
        edges = find_edges(common[0], widths, common[1]) if common else join(found.source, found.target, *widths)
        codes = edges.merge(found.weight)
        high = max((1 << (layer.weight_bits - 1)) - 1, 0)
        low = min(-max(high, 1), int(codes.min()) if found.weight.min() < -high else 0)
        low = max(low, -(1 << (layer.weight_bits - 1)))
        size = np.sqrt(2 * layer.width / len(edges))
        step = size / max(float(np.sqrt(np.square(codes.astype(np.float64)).mean())), 1e-9)
        unit = scales[layer.read] * step
        multiplier = network.multiplier(number)
        stages.append(
            Stage(
                source=layer.read,
                rectified=layer.rectified and network.value_range(layer.read)[0] < 0,
                edges=edges,
                weights=codes * step,
                steps=np.full(len(edges), step),
                levels=np.arange(low, high + 1),
                bias=None if layer.bias is None else network.bias(number),
                units=np.full(layer.width, unit),
                skip=layer.skip,
                activation=layer.activation,
                multiplier=multiplier,
            )
        )
        shift = 0 if layer.activation is None else layer.activation.shift
        scales.append(float(np.ldexp(unit, shift) / multiplier.mean()))
    return stages


def _with_integers(network: Network, model: GraphModel) -> Network:
    """``network`` with other weights and biases."""
    tensors = dict(network.tensors)
    for number, (stage, (weights, bias)) in enumerate(zip(model.stages, model.integers(), strict=True), 1):
        layer = network.weighted(number)
        old = tensors[layer.weight]
        # Unsigned tensors may hold negative weights now.
        kind = np.int8 if layer.weight_bits <= 8 else np.int16
        tensors[layer.weight] = stage.edges.split(weights).astype(kind).reshape(old.shape)
        if layer.bias is not None and bias is not None:
            tensors[layer.bias] = bias.astype(np.int32)
    return replace(network, tensors=tensors)


def _of_reals(real: FloatNetwork, made: Quantized, recipe: QuantizeRecipe) -> list[Stage]:
    """Stages that begin with real weights. Layers of one edge to a neuron (scales of skip connections) keep theirs."""
    stages = []
    for number, (layer, integer) in enumerate(zip(real.layers, made.layers, strict=True), 1):
        matrix = layer.weight.ndim == 2
        source_width = real.widths[layer.source]
        if matrix:
            target, source = np.nonzero(layer.weight)
            values, codes = layer.weight[target, source], integer.weight[target, source]
        else:
            target = source = np.arange(layer.width)
            values, codes = layer.weight, integer.weight
        if not len(target):  # a layer has one edge at least
            target = source = np.zeros(1, dtype=np.int64)
            values = codes = np.zeros(1)
        edges = join(source, target, source_width, layer.width)
        steps = np.broadcast_to(made.steps[number - 1], (layer.width,))[edges.target]
        stages.append(
            Stage(
                source=layer.source,
                edges=edges,
                weights=edges.merge(values) if matrix else edges.merge(codes) * steps,
                steps=steps,
                levels=recipe.levels if matrix else None,
                bias=integer.bias if integer.bias.any() else None,
                units=np.broadcast_to(made.units[number - 1], (layer.width,)),
                skip=integer.skip,
                activation=integer.activation,
                multiplier=np.ones(layer.width, np.int64) if integer.multiplier is None else integer.multiplier,
            )
        )
    return stages


def _assembled(real: FloatNetwork, made: Quantized, model: GraphModel) -> Network:
    layers = []
    for integer, stage, (weights, bias) in zip(made.layers, model.stages, model.integers(), strict=True):
        matrix = stage.edges.dense(weights).T if integer.weight.ndim == 2 else weights
        layers.append(replace(integer, weight=matrix, bias=integer.bias if bias is None else bias))
    return layered_network(
        name=real.name,
        source=made.network.input,
        layers=layers,
        kinds=[layer.kind for layer in made.network.layers],
        where=real.where,
        output_scale=made.output_scale,
    )


def _output_scale(model: GraphModel, goal: Goal, x: np.ndarray, wanted: np.ndarray) -> float:
    """The power of two with which the outputs have the least loss as they are."""
    with torch.no_grad():
        y, classes = model.integer(torch.tensor(x)), torch.tensor(wanted.astype(np.int64))
        return min((2.0**k for k in _EXPONENTS), key=lambda scale: float(goal.loss(y * scale, classes)))


def _fit(model: GraphModel, output_scale: float | None, task: Task, schedule: Schedule, *, progress: bool) -> None:
    with reproducible(schedule.threads):
        if output_scale is None:
            output_scale = _output_scale(model, task.goal, task.x[:_CALIBRATION], task.wanted[:_CALIBRATION])
        scale, steps = output_scale / task.goal.unit, schedule.epochs * task.images.steps
        with tqdm(total=steps, disable=None if progress else True, unit="step", mininterval=0.5) as bar:
            task.phase(
                "integer",
                model.parameters(),
                lambda pixels: model.integer(pixels) * scale,
                epochs=schedule.epochs,
                learning_rate=schedule.learning_rate,
                option="learning-rate",
                progress=bar,
            )


def _compared(model: GraphModel, before: Network, after: Network, task: Task) -> Tuned:
    with torch.no_grad():
        outputs = model.integer(torch.tensor(task.validation[0])).numpy()
    return Tuned(before=replace(task.trained(before), history=()), after=task.trained(after, outputs))


def tune(network: Network, dataset: Dataset, schedule: Schedule, *, progress: bool = True) -> Tuned:
    """Go on with the training of a network of integers; the same arguments give the same network on the same machine.

    Weights stay within -(2**(b-1) - 1) .. 2**(b-1) - 1 of their b bits, or -2**(b-1) in layers that have it.

    Raises
    ------
    InputError
        If network and data do not fit together, a layer has a code book, sums are too large, or training diverges.
    """
    if network.sequential:
        raise InputError(
            f"{network.where}: is a recurrent network; allowed to tune: others (hdlgen train sequences --init)"
        )
    network.refuse_special("to tune")
    _check_input(network.where, network.input, int(np.prod(dataset.train_images.shape[1:])))
    model = GraphModel(network.where, network.input, _of_network(network))
    if dataset.classes is None and network.output_scale is None:
        raise InputError(f"{network.where}: has no output scale; allowed to tune for targets: networks with one")
    task = Task.of(dataset, schedule, network.widths[-1])
    _fit(model, network.output_scale, task, schedule, progress=progress)
    return _compared(model, network, _with_integers(network, model), task)


def tune_real(
    real: FloatNetwork,
    recipe: QuantizeRecipe,
    source: InputFormat,
    dataset: Dataset,
    schedule: Schedule,
    *,
    progress: bool = True,
) -> Tuned:
    """Quantise a network of real numbers, calibrated by its first training inputs, and train the integers.

    ``before`` is what quantising alone makes. Edges whose real weight is 0 stay absent.

    Raises
    ------
    InputError
        As with :func:`tune`.
    """
    inputs = int(np.prod(dataset.train_images.shape[1:]))
    _check_input(real.where, source, inputs)
    task = Task.of(dataset, schedule, real.widths[-1])
    made = quantize_network(real, recipe, source, source.values(task.x[:_CALIBRATION].astype(np.float64)))
    model = GraphModel(real.where, source, _of_reals(real, made, recipe))
    _fit(model, made.output_scale, task, schedule, progress=progress)
    return _compared(model, made.network, _assembled(real, made, model), task)
