"""Training of networks of convolutions on images: in real numbers, then in the integers of the hardware."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from tqdm import tqdm

from hdlgen import golden
from hdlgen.errors import InputError
from hdlgen.idx import Dataset
from hdlgen.prune import remove_channels
from hdlgen.train.image_model import ImageModel
from hdlgen.train.image_recipe import ImageRecipe
from hdlgen.train.training import Epoch, Goal, Trained, outputs_of, reproducible, train_phase

__all__ = ["train_images"]

#: Images from which steps are chosen.
_CALIBRATION = 1024


class _Batches:
    """Images (N, height, width, channels) in random order, moved, mirrored, and with a black square, and their classes."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, recipe: ImageRecipe) -> None:
        around = (recipe.augment, recipe.augment)
        self._padded = torch.from_numpy(np.pad(images, ((0, 0), around, around, (0, 0))))
        self._labels = torch.from_numpy(labels.astype(np.int64))
        self._rows, self._columns = (torch.arange(size) for size in images.shape[1:3])
        self._recipe = recipe
        self._generator = torch.Generator().manual_seed(recipe.seed)
        self.steps = -(-len(images) // recipe.batch)

    def _drawn(self, count: int, high: int) -> torch.Tensor:
        return torch.randint(high, (count, 1), generator=self._generator)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        order = torch.randperm(len(self._padded), generator=self._generator)
        for chosen in order.split(self._recipe.batch):
            count, moves = len(chosen), 2 * self._recipe.augment + 1
            rows, columns = self._rows + self._drawn(count, moves), self._columns.expand(count, -1)
            if self._recipe.flip:
                columns = torch.where(self._drawn(count, 2) > 0, columns.flip(1), columns)
            columns = columns + self._drawn(count, moves)
            pixels = self._padded[chosen[:, None, None], rows[:, :, None], columns[:, None, :]]
            if size := self._recipe.cutout:
                inside = []
                for places in (self._rows, self._columns):
                    start = self._drawn(count, len(places)) - size // 2
                    inside.append((places >= start) & (places < start + size))
                pixels = pixels * ~(inside[0][:, :, None] & inside[1][:, None, :])[..., None]
            yield pixels.flatten(1), self._labels[chosen]


def _four(images: np.ndarray) -> np.ndarray:
    """(N, height, width, channels), of (N, height, width) or so already."""
    return images if images.ndim == 4 else images[..., None]


def train_images(dataset: Dataset, recipe: ImageRecipe, *, progress: bool = True) -> Trained:
    """Train a network of convolutions; the same arguments give the same network on the same machine.

    The test images are looked at once, by the golden model, when all is done; validation images are never trained on.

    Parameters
    ----------
    dataset : images (N, height, width) or (N, height, width, channels), and their classes.

    Raises
    ------
    InputError
        If recipe and images do not fit together, or training diverges.
    """
    images, history = _four(dataset.train_images), list[Epoch]()
    plan = recipe.plan(images.shape[1:])
    count = len(images)
    held_out = -(-count // 12) if recipe.validation is None else recipe.validation
    if not 0 < held_out < count:
        raise InputError(
            f"train: validation is {held_out}; allowed: 1..{count - 1}, there are {count} training images"
        )
    if dataset.classes is None:
        raise InputError("train: images have no labels; allowed: classes, integers (N,)")
    if plan.widths[-1] < dataset.classes:
        raise InputError(
            f"train: last width is {plan.widths[-1]}; allowed: at least {dataset.classes}, one per class"
        )
    kept, goal = count - held_out, Goal(dataset.train_labels)
    batches = _Batches(images[:kept], dataset.train_labels[:kept], recipe)
    x, labels = images[kept:].reshape(held_out, -1), dataset.train_labels[kept:]
    with reproducible(recipe.threads):
        model = ImageModel(plan, recipe)
        with tqdm(
            total=(recipe.epochs + recipe.qat_epochs) * batches.steps,
            disable=None if progress else True,
            unit="step",
            mininterval=0.5,
        ) as bar:

            def phase(
                title: str,
                forward: Callable[[torch.Tensor], torch.Tensor],
                shown: Callable[[torch.Tensor], torch.Tensor],
                epochs: int,
                rate: float,
                option: str,
                **more: Callable[..., object],
            ) -> None:
                train_phase(
                    title,
                    torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=recipe.decay, fused=True),
                    forward,
                    goal.loss,
                    batches,
                    lambda: goal.score(outputs_of(shown, x), labels),
                    epochs=epochs,
                    option=option,
                    progress=bar,
                    history=history,
                    **more,  # type: ignore[arg-type]
                )

            def grow(epoch: int) -> None:
                model.grown(2.0 ** ((epoch - 1) * (recipe.doublings + 1) // recipe.epochs - recipe.doublings))

            phase(
                "real",
                lambda pixels: model.real(pixels, training=True),
                model.real,
                recipe.epochs,
                recipe.learning_rate,
                "learning-rate",
                **({"begin": grow} if recipe.doublings else {}),
                **({"penalty": lambda: recipe.lasso * model.penalty(recipe.lasso_groups)} if recipe.lasso else {}),
            )
            if recipe.lasso:
                model.cut(recipe.lasso_groups)
            model.calibrate(torch.tensor(images[:_CALIBRATION].reshape(-1, plan.widths[0])))
            phase(
                "integer",
                model.logits,
                model.logits,
                recipe.qat_epochs,
                recipe.qat_learning_rate,
                "qat-learning-rate",
            )
        network = remove_channels(model.network()) if recipe.lasso else model.network()
        if dataset.names is not None and len(dataset.names) == network.widths[-1]:
            network = replace(network, output_names=dataset.names)
        outputs = outputs_of(model.integer, x)
    # What was trained is what was exported, bit for bit.
    assert np.array_equal(outputs, golden.evaluate(network, x))
    validation, _ = goal.measure(network, x, labels)
    test = None
    if dataset.test_images is not None and dataset.test_labels is not None:
        pixels = dataset.test_images.reshape(len(dataset.test_images), -1)
        test, _ = goal.measure(network, pixels, dataset.test_labels)
    return Trained(network=network, validation_accuracy=validation, test_accuracy=test, history=tuple(history))
