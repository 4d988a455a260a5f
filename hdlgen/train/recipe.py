"""What to train, and how: checked before any file is read."""

import math
from dataclasses import dataclass
from typing import Any

from hdlgen.errors import InputError
from hdlgen.network import FORMAT_VERSION, SobolTopology, parse
from hdlgen.train.penalties import GROUPS

__all__ = ["Recipe"]

_MAX_EPOCHS = 100_000
_MAX_AUGMENT = 8


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A network to train, and its training.

    Parameters
    ----------
    name : of the network.
    widths : n_1..n_L; n_0 is the number of pixels.
    paths, dimensions, log2_slots : the topology; dimensions default to 0..L, log2_slots to ceil(log2 n).
    weight_bits, activation_bits : of the integers. Two-bit weights are {-1, 0, 1}.
    scramble, kept, shift, digits : scrambling and digital shift of the topology, as in the network file.
    bias : whether all layers have biases.
    lasso, lasso_groups : factor of a group-lasso penalty, and its groups; see :class:`hdlgen.train.penalties.GroupLasso`.
    epochs, learning_rate : of the training in real numbers; Adam, cosine to zero.
    qat_epochs, qat_learning_rate : of the quantisation-aware training that follows; 0 epochs: rounding only.
    batch : images per step.
    augment : each image is moved by up to so many pixels in both directions, anew in every epoch.
    validation : so many of the last training images are held out; default a twelfth.
    seed : of the order of the images and of their augmentation; the initial weights depend on nothing.
    threads : of PyTorch. Results may depend on it.

    Raises
    ------
    InputError
        For the first value out of its range.
    """

    name: str
    widths: tuple[int, ...]
    paths: int
    weight_bits: int = 8
    activation_bits: int = 8
    dimensions: tuple[int, ...] | None = None
    log2_slots: tuple[int, ...] | None = None
    scramble: int | None = None
    kept: int | None = None
    shift: int | None = None
    digits: int | None = None
    bias: bool = False
    lasso: float = 0.0
    lasso_groups: str = "neurons"
    epochs: int = 40
    learning_rate: float = 4e-3
    qat_epochs: int = 20
    qat_learning_rate: float = 1e-3
    batch: int = 128
    augment: int = 1
    validation: int | None = None
    seed: int = 1
    threads: int = 1

    def __post_init__(self) -> None:
        self._whole("epochs", self.epochs, 1, _MAX_EPOCHS)
        self._whole("qat-epochs", self.qat_epochs, 0, _MAX_EPOCHS)
        self._whole("batch", self.batch, 1, 1 << 20)
        self._whole("augment", self.augment, 0, _MAX_AUGMENT)
        self._whole("seed", self.seed, 0, (1 << 63) - 1)
        self._whole("threads", self.threads, 1, 256)
        if self.validation is not None:
            self._whole("validation", self.validation, 1, 1 << 30)
        for option, rate in (("learning-rate", self.learning_rate), ("qat-learning-rate", self.qat_learning_rate)):
            if not (math.isfinite(rate) and 0 < rate <= 1):
                raise InputError(f"train: {option} is {rate}; allowed: more than 0, up to 1")
        if not (math.isfinite(self.lasso) and 0 <= self.lasso <= 1):
            raise InputError(f"train: lasso is {self.lasso}; allowed: 0..1")
        if self.lasso_groups not in GROUPS:
            raise InputError(f"train: lasso-groups is {self.lasso_groups!r}; allowed: {', '.join(GROUPS)}")
        # A stand-in for the number of inputs, which only the images tell.
        self.topology(1)

    @staticmethod
    def _whole(option: str, value: int, low: int, high: int) -> None:
        if not low <= value <= high:
            raise InputError(f"train: {option} is {value}; allowed: {low}..{high}")

    def topology(self, inputs: int) -> SobolTopology:
        """The topology for so many inputs, after the same checks as those of a network file."""
        last = len(self.widths)
        topology: dict[str, Any] = {
            "kind": "sobol",
            "paths": self.paths,
            "dimensions": list(range(last + 1) if self.dimensions is None else self.dimensions),
        }
        if self.log2_slots is not None:
            topology["log2_slots"] = list(self.log2_slots)
        for member in ("scramble", "kept", "shift", "digits"):
            if getattr(self, member) is not None:
                topology[member] = getattr(self, member)
        description = {
            "format_version": FORMAT_VERSION,
            "name": self.name,
            "input": {"width": inputs, "bits": 8, "signed": False},
            "topology": topology,
            "layers": [
                {
                    "kind": "path",
                    "width": width,
                    "weight": f"w{layer}",
                    "bias": f"b{layer}" if self.bias else None,
                    "weight_bits": self.weight_bits,
                    "activation": None
                    if layer == last
                    else {"kind": "relu", "bits": self.activation_bits, "shift": 0},
                }
                for layer, width in enumerate(self.widths, 1)
            ],
        }
        return parse(description, "train")[2]
