"""Training in two phases: in real numbers, then in the integers of the hardware."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from hdlgen import golden
from hdlgen.errors import InputError
from hdlgen.idx import Dataset
from hdlgen.network import LayeredNetwork, Network, RecurrentNetwork
from hdlgen.quantize import Scales, calibrate, integer_network, integer_plan
from hdlgen.train.model import INPUT_BITS, EdgeModel, PathModel, begin, largest
from hdlgen.train.recipe import Recipe

__all__ = ["Trained", "reproducible", "train"]

#: Images from which the scales are chosen.
_CALIBRATION = 4096
_EVALUATION_BATCH = 1000


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A trained network; accuracies are fractions and those of the golden model."""

    network: Network | RecurrentNetwork | LayeredNetwork
    validation_accuracy: float
    test_accuracy: float | None


@contextmanager
def reproducible(threads: int) -> Iterator[None]:
    """PyTorch with so many threads and deterministic algorithms; as before afterwards."""
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])


class _Images:
    """Batches of images in random order, each moved by a few pixels; what moves in is black."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, *, augment: int, batch: int, seed: int) -> None:
        count, rows, columns = images.shape
        padded = np.pad(images, ((0, 0), (augment, augment), (augment, augment)))
        self._pixels = torch.from_numpy(padded.reshape(count, -1))
        self._labels = torch.from_numpy(labels.astype(np.int64))
        self._augment, self._batch = augment, batch
        self._stride = columns + 2 * augment
        self._window = (torch.arange(rows)[:, None] * self._stride + torch.arange(columns)).flatten()
        self._generator = torch.Generator().manual_seed(seed)
        self.steps = -(-count // batch)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        order = torch.randperm(len(self._labels), generator=self._generator)
        for chosen in order.split(self._batch):
            pixels = self._pixels[chosen]
            if self._augment:
                size = (len(chosen), 1)
                down = torch.randint(2 * self._augment + 1, size, generator=self._generator)
                right = torch.randint(2 * self._augment + 1, size, generator=self._generator)
                pixels = pixels.gather(1, self._window + down * self._stride + right)
            yield pixels, self._labels[chosen]


def _accuracy(forward: Callable[[torch.Tensor], torch.Tensor], x: np.ndarray, labels: np.ndarray) -> float:
    with torch.no_grad():
        classes = [forward(part).argmax(1).numpy() for part in torch.tensor(x).split(_EVALUATION_BATCH)]
    return float((np.concatenate(classes) == labels).mean())


def _phase(
    title: str,
    model: EdgeModel,
    forward: Callable[[torch.Tensor], torch.Tensor],
    images: _Images,
    validation: tuple[np.ndarray, np.ndarray],
    *,
    epochs: int,
    learning_rate: float,
    option: str,
    penalty: Callable[[], torch.Tensor] | None,
    progress: tqdm,
) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * images.steps)
    for epoch in range(1, epochs + 1):
        progress.set_description(f"{title} {epoch}/{epochs}")
        total = 0.0
        for pixels, labels in images:
            loss = torch.nn.functional.cross_entropy(forward(pixels), labels)
            if penalty is not None:
                loss = loss + penalty()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
            progress.update()
        if not np.isfinite(total):
            raise InputError(f"train: loss is {total} in {title} epoch {epoch}; allowed: a lower --{option}")
        progress.set_postfix(loss=f"{total / images.steps:.4f}", validation=f"{_accuracy(forward, *validation):.2%}")


def _numpy(tensor: torch.Tensor | None) -> np.ndarray | None:
    return None if tensor is None else tensor.detach().numpy().astype(np.float64)


def _scales(model: EdgeModel, x: np.ndarray) -> Scales:
    return calibrate(
        model.edges,
        [weight.detach().numpy().astype(np.float64) for weight in model.weights],
        [_numpy(bias) for bias in model.biases],
        x[:_CALIBRATION],
        input_bits=INPUT_BITS,
        weight_bits=model.weight_bits,
        activation_bits=model.activation_bits,
    )


def _golden_accuracy(network: Network | LayeredNetwork, x: np.ndarray, labels: np.ndarray) -> float:
    return float((golden.evaluate(network, x).argmax(1) == labels).mean())


def _numbers(recipe: Recipe) -> dict[str, Any]:
    return {
        "weight_bits": recipe.weight_bits,
        "activation_bits": recipe.activation_bits,
        "bias": recipe.bias,
    }


def _begin(recipe: Recipe, inputs: int, initial: Network | None) -> PathModel:
    return PathModel(recipe.topology(inputs), (inputs, *recipe.widths), **_numbers(recipe), initial=initial)


def _penalty(recipe: Recipe, model: EdgeModel) -> Callable[[], torch.Tensor] | None:
    if not recipe.lasso:
        return None
    lasso = model.group_lasso(recipe.lasso_groups)
    return lambda: recipe.lasso * lasso(model.weights, model.biases)


def _export(
    recipe: Recipe, model: EdgeModel, scales: Scales, plan: LayeredNetwork | None
) -> Network | LayeredNetwork:
    transitions = range(1, len(model.widths))
    weights = [model.integer_weights(layer, scales).numpy().astype(np.int64) for layer in transitions]
    biases = [
        None if bias is None else bias.numpy().astype(np.int64)
        for bias in (model.integer_bias(layer, scales) for layer in transitions)
    ]
    if plan is not None:
        return integer_plan(plan, edges=model.edges, weights=weights, biases=biases, scales=scales)
    return integer_network(
        name=recipe.name,
        topology=recipe.topology(model.widths[0]),
        widths=model.widths,
        edges=model.edges,
        weights=weights,
        biases=biases,
        scales=scales,
        weight_bits=recipe.weight_bits,
        activation_bits=recipe.activation_bits,
    )


def train(dataset: Dataset, recipe: Recipe, *, initial: Network | None = None, progress: bool = True) -> Trained:
    """Train a network; the same arguments give the same network on the same machine.

    From scratch, or going on from ``initial``, a network whose Sobol' paths are the first ones of the new network.

    The test images are looked at once, by the golden model, when all is done; validation images are never trained on.

    Raises
    ------
    InputError
        If recipe and images do not fit together, or training diverges.
    """
    count, rows, columns = dataset.train_images.shape
    held_out = -(-count // 12) if recipe.validation is None else recipe.validation
    if not 0 < held_out < count:
        raise InputError(
            f"train: validation is {held_out}; allowed: 1..{count - 1}, there are {count} training images"
        )
    if recipe.widths[-1] < dataset.classes:
        raise InputError(
            f"train: last width is {recipe.widths[-1]}; allowed: at least {dataset.classes}, the labels' classes"
        )
    if initial is not None and recipe.kind != "sobol":
        raise InputError(f"train: init is {initial.where}; allowed: with --topology sobol")
    inputs = rows * columns
    plan = None if recipe.kind == "sobol" else recipe.plan(inputs)
    x = dataset.train_images.reshape(count, -1)
    labels = dataset.train_labels
    kept = count - held_out
    validation = x[kept:], labels[kept:]
    with reproducible(recipe.threads):
        model: EdgeModel = (
            _begin(recipe, inputs, initial) if plan is None else begin(plan, **_numbers(recipe), seed=recipe.seed)
        )
        penalty = _penalty(recipe, model)
        images = _Images(
            dataset.train_images[:kept], labels[:kept], augment=recipe.augment, batch=recipe.batch, seed=recipe.seed
        )
        steps = (recipe.epochs + recipe.pruning + recipe.qat_epochs) * images.steps
        with tqdm(total=steps, disable=not progress, unit="step", mininterval=0.5) as bar:

            def phase(
                title: str, forward: Callable[[torch.Tensor], torch.Tensor], epochs: int, rate: float, option: str
            ) -> None:
                _phase(
                    title,
                    model,
                    forward,
                    images,
                    validation,
                    epochs=epochs,
                    learning_rate=rate,
                    option=option,
                    penalty=penalty,
                    progress=bar,
                )

            phase("real", model.real, recipe.epochs, recipe.learning_rate, "learning-rate")
            if recipe.density is not None:
                model = largest(model, recipe.density)
                penalty = _penalty(recipe, model)
                plan = recipe.plan(inputs, [np.stack([e.source, e.target], axis=1) for e in model.edges])
                phase("pruned", model.real, recipe.pruning, recipe.learning_rate, "learning-rate")
            scales = _scales(model, x[:kept])
            phase(
                "integer",
                lambda pixels: model.logits(pixels, scales),
                recipe.qat_epochs,
                recipe.qat_learning_rate,
                "qat-learning-rate",
            )
        with torch.no_grad():
            network = _export(recipe, model, scales, plan)
            trained_for = model.integer(torch.tensor(validation[0]), scales).numpy()
    # What was trained is what was exported, bit for bit.
    assert np.array_equal(trained_for, golden.evaluate(network, validation[0]))
    test = None
    if dataset.test_images is not None and dataset.test_labels is not None:
        test = _golden_accuracy(
            network, dataset.test_images.reshape(len(dataset.test_images), -1), dataset.test_labels
        )
    return Trained(network=network, validation_accuracy=_golden_accuracy(network, *validation), test_accuracy=test)
