"""Training in two phases: in real numbers, then in the integers of the hardware."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import torch
from tqdm import tqdm

from hdlgen import golden
from hdlgen.errors import InputError
from hdlgen.idx import Dataset
from hdlgen.network import Network
from hdlgen.quantize import Scales, calibrate, integer_network
from hdlgen.train.model import EdgeModel, begin, largest
from hdlgen.train.recipe import INPUT_BITS, Recipe, Schedule

__all__ = ["Epoch", "Goal", "Task", "Trained", "outputs_of", "reproducible", "train", "train_phase"]

#: Images from which the scales are chosen, fewer where layers are so wide that their values are more than so many.
_CALIBRATION = 4096
_MAX_HELD = 1 << 22
_EVALUATION_BATCH = 1000
_MAX_TARGET = 1e30


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """What an epoch of training ended with.

    Members
    -------
    phase : ``real``, ``pruned`` or ``integer``; epochs are counted from 1 in each.
    loss : mean of all steps.
    validation : the accuracy, a fraction, or the root mean square error, of the inputs that are held out.
    """

    phase: str
    epoch: int
    loss: float
    validation: float


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A trained network; accuracies are fractions, and all is that of the golden model.

    Accuracies are None where there are targets, deviations where there are classes. ``history``: of all epochs.
    """

    network: Network
    validation_accuracy: float | None
    test_accuracy: float | None
    validation_deviation: golden.Deviation | None = None
    test_deviation: golden.Deviation | None = None
    history: tuple[Epoch, ...] = ()


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


class Goal:
    """What the outputs of a network are to be, and how far they are from it.

    ``wanted`` are classes, integers (N,), which the largest output has to tell, or targets, float64 (N, outputs). A network
    is trained on targets in steps of ``unit``, a power of two that makes them numbers of about 1.
    """

    def __init__(self, wanted: np.ndarray) -> None:
        self.classes = wanted.ndim == 1
        if not self.classes and (largest := float(np.abs(wanted).max(initial=0))) > _MAX_TARGET:
            raise InputError(f"train: targets reach {largest:.4g}; allowed: up to {_MAX_TARGET:g}")
        size = 0.0 if self.classes else float(np.sqrt(np.square(wanted.astype(np.float64)).mean()))
        self.unit = 2.0 ** round(np.log2(size)) if size else 1.0

    def loss(self, outputs: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        """Cross entropy, or the mean squared error in units."""
        if self.classes:
            return torch.nn.functional.cross_entropy(outputs, wanted)
        return torch.nn.functional.mse_loss(outputs, (wanted / self.unit).to(outputs.dtype))

    def score(self, outputs: np.ndarray, wanted: np.ndarray) -> float:
        """The accuracy, a fraction, or the root mean square error."""
        if self.classes:
            return float((outputs.argmax(1) == wanted).mean())
        return golden.deviation(outputs, wanted, self.unit).root_mean_square

    def measure(
        self, network: Network, x: np.ndarray, wanted: np.ndarray, **sequences: Any
    ) -> tuple[float | None, golden.Deviation | None]:
        """Accuracy or deviation of the golden model; ``sequences``: as of :func:`hdlgen.golden.evaluate`."""
        y = golden.evaluate(network, x, **sequences)
        if self.classes:
            return float((y.argmax(1) == wanted).mean()), None
        return None, golden.deviation(y, wanted, network.output_scale or 1.0)


class Images:
    """Batches of images in random order, each moved by a few pixels, and what is wanted of them; what moves in is black.

    Without ``wanted`` that is the images themselves.
    """

    def __init__(self, images: np.ndarray, wanted: np.ndarray | None, *, augment: int, batch: int, seed: int) -> None:
        count, rows, columns = images.shape
        padded = np.pad(images, ((0, 0), (augment, augment), (augment, augment)))
        self._pixels = torch.from_numpy(padded.reshape(count, -1))
        self._wanted = None
        if wanted is not None:
            self._wanted = torch.from_numpy(wanted.astype(np.int64 if wanted.ndim == 1 else np.float32))
        self._augment, self._batch = augment, batch
        self._stride = columns + 2 * augment
        self._window = (torch.arange(rows)[:, None] * self._stride + torch.arange(columns)).flatten()
        self._generator = torch.Generator().manual_seed(seed)
        self.steps = -(-count // batch)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        order = torch.randperm(len(self._pixels), generator=self._generator)
        for chosen in order.split(self._batch):
            pixels = self._pixels[chosen]
            if self._augment:
                size = (len(chosen), 1)
                down = torch.randint(2 * self._augment + 1, size, generator=self._generator)
                right = torch.randint(2 * self._augment + 1, size, generator=self._generator)
                pixels = pixels.gather(1, self._window + down * self._stride + right)
            yield pixels, pixels if self._wanted is None else self._wanted[chosen]


def outputs_of(forward: Callable[[torch.Tensor], torch.Tensor], x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return np.concatenate([forward(part).numpy() for part in torch.tensor(x).split(_EVALUATION_BATCH)])


class Batches(Protocol):
    """So many ``steps`` of an epoch: inputs of the network, and what is wanted of them at the end."""

    steps: int

    def __iter__(self) -> Iterator[tuple[torch.Tensor, ...]]: ...


def train_phase(
    title: str,
    optimizer: torch.optim.Optimizer,
    forward: Callable[..., torch.Tensor],
    loss_of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    batches: Batches,
    score: Callable[[], float],
    *,
    epochs: int,
    option: str,
    progress: tqdm,
    history: list[Epoch],
    penalty: Callable[[], torch.Tensor] | None = None,
    most_norm: float | None = None,
    begin: Callable[[int], None] = lambda epoch: None,
) -> None:
    """Train with a learning rate along a cosine to zero, gradients cut to a norm; ``score`` is asked after each epoch,
    which goes into ``history``.

    ``begin`` is called before each, with its number.

    Raises
    ------
    InputError
        If the loss is not finite; ``option`` is the one to change.
    """
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * batches.steps)
    for epoch in range(1, epochs + 1):
        progress.set_description(f"{title} {epoch}/{epochs}")
        begin(epoch)
        total = 0.0
        for *inputs, wanted in batches:
            loss = loss_of(forward(*inputs), wanted)
            if penalty is not None:
                loss = loss + penalty()
            optimizer.zero_grad()
            loss.backward()
            if most_norm is not None:
                torch.nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], most_norm)
            optimizer.step()
            schedule.step()
            total += loss.item()
            progress.update()
        if not np.isfinite(total):
            raise InputError(f"train: loss is {total} in {title} epoch {epoch}; allowed: a lower --{option}")
        ended = Epoch(phase=title, epoch=epoch, loss=total / batches.steps, validation=score())
        progress.set_postfix(loss=f"{ended.loss:.4f}", validation=f"{ended.validation:.4f}")
        history.append(ended)


def _numpy(tensor: torch.Tensor | None) -> np.ndarray | None:
    return None if tensor is None else tensor.detach().numpy().astype(np.float64)


def _scales(model: EdgeModel, x: np.ndarray) -> Scales:
    return calibrate(
        model.edges,
        [weight.detach().numpy().astype(np.float64) for weight in model.weights],
        [_numpy(bias) for bias in model.biases],
        x[: max(1, min(_CALIBRATION, _MAX_HELD // max(model.widths)))],
        input_bits=INPUT_BITS,
        weight_bits=model.weight_bits,
        activation_bits=model.activation_bits,
    )


def _penalty(recipe: Recipe, model: EdgeModel) -> Callable[[], torch.Tensor] | None:
    if not recipe.lasso:
        return None
    lasso = model.group_lasso(recipe.lasso_groups)
    return lambda: recipe.lasso * lasso(model.weights, model.biases)


def _export(plan: Network, model: EdgeModel, scales: Scales) -> Network:
    transitions = range(1, len(model.widths))
    biases = (model.integer_bias(layer, scales) for layer in transitions)
    return integer_network(
        plan,
        edges=model.edges,
        weights=[model.integer_weights(layer, scales).numpy().astype(np.int64) for layer in transitions],
        biases=[None if bias is None else bias.numpy().astype(np.int64) for bias in biases],
        scales=scales,
    )


def check_goal(dataset: Dataset, outputs: int, *, augment: int, reconstruct: bool = False) -> None:
    """Refuse a number of ``outputs`` that does not suit what is wanted of them, and movements that would spoil it.

    Raises
    ------
    InputError
        For either.
    """
    _, rows, columns = dataset.train_images.shape
    if reconstruct:
        if outputs != rows * columns:
            raise InputError(f"train: last width is {outputs}; allowed: {rows * columns}, as many as inputs")
    elif dataset.classes is None:
        if not dataset.train_labels.shape[1]:
            raise InputError("train: inputs have no labels and no y; allowed: with --reconstruct")
        if outputs != dataset.train_labels.shape[1]:
            raise InputError(
                f"train: last width is {outputs}; allowed: {dataset.train_labels.shape[1]}, one per target"
            )
        if augment:
            raise InputError(f"train: augment is {augment}; allowed: 0 with targets, which would not move along")
    elif outputs < dataset.classes:
        raise InputError(f"train: last width is {outputs}; allowed: at least {dataset.classes}, the labels' classes")
    if augment and rows == 1:
        raise InputError(f"train: augment is {augment}; allowed: 0 for inputs that are no images (N, rows, columns)")


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """What is learnt from a dataset: ``images`` are trained on, ``x`` (N, inputs) are these as they are; ``validation`` and
    ``test``, if there is one, are inputs and what is wanted of them. ``history``: of the epochs so far."""

    goal: Goal
    images: Images
    x: np.ndarray
    wanted: np.ndarray
    validation: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray] | None
    history: list[Epoch] = field(default_factory=list)

    @classmethod
    def of(cls, dataset: Dataset, schedule: Schedule, outputs: int, *, reconstruct: bool = False) -> "Task":
        """Raises :class:`InputError` if dataset, schedule and the number of ``outputs`` do not fit together."""
        count = len(dataset.train_images)
        held_out = -(-count // 12) if schedule.validation is None else schedule.validation
        if not 0 < held_out < count:
            raise InputError(
                f"train: validation is {held_out}; allowed: 1..{count - 1}, there are {count} training images"
            )
        kept = count - held_out
        check_goal(dataset, outputs, augment=schedule.augment, reconstruct=reconstruct)
        x = dataset.train_images.reshape(count, -1)
        wanted = x if reconstruct else dataset.train_labels
        goal = Goal(wanted[:kept])
        images = Images(
            dataset.train_images[:kept],
            None if reconstruct else wanted[:kept],
            augment=schedule.augment,
            batch=schedule.batch,
            seed=schedule.seed,
        )
        test = None
        if dataset.test_images is not None and dataset.test_labels is not None:
            pixels = dataset.test_images.reshape(len(dataset.test_images), -1)
            test = pixels, pixels if reconstruct else dataset.test_labels
        return cls(
            goal=goal,
            images=images,
            x=x[:kept],
            wanted=wanted[:kept],
            validation=(x[kept:], wanted[kept:]),
            test=test,
        )

    def phase(
        self,
        title: str,
        parameters: list[torch.Tensor],
        forward: Callable[[torch.Tensor], torch.Tensor],
        *,
        learning_rate: float,
        **options: Any,
    ) -> None:
        """As :func:`train_phase`, by Adam."""
        train_phase(
            title,
            torch.optim.Adam(parameters, lr=learning_rate, fused=True),
            forward,
            self.goal.loss,
            self.images,
            lambda: self.goal.score(outputs_of(forward, self.validation[0]), self.validation[1]),
            history=self.history,
            **options,
        )

    def trained(self, network: Network, outputs: np.ndarray | None = None) -> Trained:
        """How good the golden model of ``network`` is; it was trained for these ``outputs`` of the validation inputs."""
        # What was trained is what was exported, bit for bit.
        assert outputs is None or np.array_equal(outputs, golden.evaluate(network, self.validation[0]))
        validation = self.goal.measure(network, *self.validation)
        test = (None, None) if self.test is None else self.goal.measure(network, *self.test)
        return Trained(
            network=network,
            validation_accuracy=validation[0],
            test_accuracy=test[0],
            validation_deviation=validation[1],
            test_deviation=test[1],
            history=tuple(self.history),
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
    task = Task.of(dataset, recipe, recipe.widths[-1], reconstruct=recipe.reconstruct)
    if initial is not None and recipe.kind != "sobol":
        raise InputError(f"train: init is {initial.where}; allowed: with --topology sobol")
    inputs = task.x.shape[1]
    plan = recipe.plan(inputs)
    with reproducible(recipe.threads):
        model = begin(plan, seed=recipe.seed, initial=initial)
        penalty = _penalty(recipe, model)
        steps = (recipe.epochs + recipe.pruning + recipe.qat_epochs) * task.images.steps
        with tqdm(total=steps, disable=None if progress else True, unit="step", mininterval=0.5) as bar:

            def phase(
                title: str, forward: Callable[[torch.Tensor], torch.Tensor], epochs: int, option: str = ""
            ) -> None:
                task.phase(
                    title,
                    model.parameters(),
                    forward,
                    epochs=epochs,
                    learning_rate=recipe.qat_learning_rate if option else recipe.learning_rate,
                    option=f"{option}learning-rate",
                    penalty=penalty,
                    progress=bar,
                )

            phase("real", model.real, recipe.epochs)
            if recipe.density is not None:
                model = largest(model, recipe.density)
                penalty = _penalty(recipe, model)
                plan = recipe.plan(inputs, [np.stack([e.source, e.target], axis=1) for e in model.edges])
                phase("pruned", model.real, recipe.pruning)
            scales = _scales(model, task.x)
            phase("integer", lambda pixels: model.logits(pixels, scales), recipe.qat_epochs, "qat-")
        with torch.no_grad():
            network = _export(plan, model, scales)
            outputs = model.integer(torch.tensor(task.validation[0]), scales).numpy()
    if not task.goal.classes:
        unit = task.goal.unit * 2.0 ** -scales.accumulator_exponent(len(recipe.widths))
        network = replace(network, output_scale=unit)
    return task.trained(network, outputs)
