"""What to train, and how: checked before any file is read."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from hdlgen.connections import InterleaverTopology, interleaver
from hdlgen.errors import InputError
from hdlgen.network import FORMAT_VERSION, Network, parse
from hdlgen.sequences.random import GENERATORS, MAX_SEED
from hdlgen.train.penalties import GROUPS

__all__ = ["INPUT_BITS", "TOPOLOGIES", "Course", "Recipe", "Schedule"]

#: Of the pixels that networks are trained on.
INPUT_BITS = 8

TOPOLOGIES = ("sobol", "random", "interleaver", "dense", "pruned")

#: The topologies that have a member; it is None for the others.
_ONLY = {
    "paths": ("sobol", "random"),
    "dimensions": ("sobol",),
    "log2_slots": ("sobol",),
    "scramble": ("sobol",),
    "kept": ("sobol",),
    "shift": ("sobol",),
    "digits": ("sobol",),
    "generator": ("random",),
    "topology_seed": ("random", "interleaver"),
    "fan_out": ("interleaver",),
    "lanes": ("interleaver",),
    "density": ("pruned",),
    "prune_epochs": ("pruned",),
}
_NEEDED = {"sobol": "paths", "random": "paths", "interleaver": "fan_out", "pruned": "density"}
_LANES = 16
_TOPOLOGY_SEED = 1
_PRUNE_EPOCHS = 20

MAX_EPOCHS = 100_000
_MAX_AUGMENT = 8


def check_rate(option: str, rate: float) -> None:
    """Refuse what is no learning rate."""
    if not (math.isfinite(rate) and 0 < rate <= 1):
        raise InputError(f"train: {option} is {rate}; allowed: more than 0, up to 1")


def check_whole(option: str, value: int, low: int, high: int) -> None:
    """Refuse integers out of range."""
    if not low <= value <= high:
        raise InputError(f"train: {option} is {value}; allowed: {low}..{high}")


@dataclass(frozen=True, kw_only=True)
class Course:
    """How to train, whatever it is.

    Parameters
    ----------
    epochs, learning_rate : Adam, cosine to zero.
    batch : inputs, or sequences, per step.
    seed : of the order of the inputs, of their augmentation, and of initial weights that are random.
    threads : of PyTorch. Results may depend on it.

    Raises
    ------
    InputError
        For the first value out of its range.
    """

    epochs: int
    learning_rate: float
    batch: int = 128
    seed: int = 1
    threads: int = 1

    def __post_init__(self) -> None:
        check_whole("epochs", self.epochs, 1, MAX_EPOCHS)
        check_whole("batch", self.batch, 1, 1 << 20)
        check_whole("seed", self.seed, 0, (1 << 63) - 1)
        check_whole("threads", self.threads, 1, 256)
        check_rate("learning-rate", self.learning_rate)


@dataclass(frozen=True, kw_only=True)
class Schedule(Course):
    """How to train on images; see :class:`Course` for what is not said here.

    Parameters
    ----------
    augment : each image is moved by up to so many pixels in both directions, anew in every epoch.
    validation : so many of the last training inputs are held out; default a twelfth.
    """

    augment: int = 1
    validation: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole("augment", self.augment, 0, _MAX_AUGMENT)
        if self.validation is not None:
            check_whole("validation", self.validation, 1, 1 << 30)


@dataclass(frozen=True, kw_only=True)
class Recipe(Schedule):
    """A network to train, and its training; see :class:`Schedule` for what is not said here.

    Parameters
    ----------
    name : of the network.
    widths : n_1..n_L; n_0 is the number of pixels.
    kind : one of `TOPOLOGIES`. ``pruned`` is trained dense, loses its smallest weights, and goes on without them.
    paths : their number, of ``sobol`` and ``random``.
    dimensions, log2_slots : of ``sobol``; dimensions default to 0..L, log2_slots to ceil(log2 n).
    generator, topology_seed : of ``random``: default drand48; and the seed of ``interleaver``; default 1.
    fan_out, lanes : of ``interleaver``: for each layer the edges out of each neuron before it; n_l means a dense layer.
        ``lanes`` defaults to 16 and divides the widths on both sides of the layers that are not dense.
    density, prune_epochs : of ``pruned``: for each layer the share of all possible edges that stays, 1 means a dense layer;
        epochs in real numbers after pruning, default 20, at the learning rate of those before.
    weight_bits, activation_bits : of the integers. Two-bit weights are {-1, 0, 1}.
    scramble, kept, shift, digits : scrambling and digital shift of the topology, as in the network file.
    bias : whether all layers have biases.
    lasso, lasso_groups : factor of a group-lasso penalty, and its groups; see :class:`hdlgen.train.penalties.GroupLasso`.
    epochs, learning_rate : of the training in real numbers.
    qat_epochs, qat_learning_rate : of the quantisation-aware training that follows; 0 epochs: rounding only.
    reconstruct : whether the outputs are to be the inputs, 0..255, whatever labels there are.
    seed : of weights only those of dense layers; the others depend on nothing.
    """

    name: str
    widths: tuple[int, ...]
    kind: str = "sobol"
    paths: int | None = None
    weight_bits: int = 8
    activation_bits: int = 8
    dimensions: tuple[int, ...] | None = None
    log2_slots: tuple[int, ...] | None = None
    scramble: int | None = None
    kept: int | None = None
    shift: int | None = None
    digits: int | None = None
    generator: str | None = None
    topology_seed: int | None = None
    fan_out: tuple[int, ...] | None = None
    lanes: int | None = None
    density: tuple[float, ...] | None = None
    prune_epochs: int | None = None
    bias: bool = False
    lasso: float = 0.0
    lasso_groups: str = "neurons"
    epochs: int = 40
    learning_rate: float = 4e-3
    qat_epochs: int = 20
    qat_learning_rate: float = 1e-3
    reconstruct: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole("qat-epochs", self.qat_epochs, 0, MAX_EPOCHS)
        check_rate("qat-learning-rate", self.qat_learning_rate)
        if not (math.isfinite(self.lasso) and 0 <= self.lasso <= 1):
            raise InputError(f"train: lasso is {self.lasso}; allowed: 0..1")
        if self.lasso_groups not in GROUPS:
            raise InputError(f"train: lasso-groups is {self.lasso_groups!r}; allowed: {', '.join(GROUPS)}")
        self._check_topology()

    def _check_topology(self) -> None:
        if self.kind not in TOPOLOGIES:
            raise InputError(f"train: topology is {self.kind!r}; allowed: {', '.join(TOPOLOGIES)}")
        for member, kinds in _ONLY.items():
            option, value = member.replace("_", "-"), getattr(self, member)
            if value is not None and self.kind not in kinds:
                raise InputError(f"train: {option} is {_show(value)}; allowed: with --topology {' or '.join(kinds)}")
            if value is None and _NEEDED.get(self.kind) == member:
                raise InputError(f"train: {option} is missing; allowed: any that suits --topology {self.kind}")
        if self.topology_seed is not None:
            check_whole("topology-seed", self.topology_seed, 0, MAX_SEED)
        if self.generator is not None and self.generator not in GENERATORS:
            raise InputError(f"train: generator is {self.generator!r}; allowed: {', '.join(GENERATORS)}")
        if self.prune_epochs is not None:
            check_whole("prune-epochs", self.prune_epochs, 0, MAX_EPOCHS)
        for option, values in (("fan-out", self.fan_out), ("density", self.density)):
            if values is not None and len(values) != len(self.widths):
                raise InputError(
                    f"train: {option} is {_show(values)}; allowed: {len(self.widths)} numbers, one for each layer"
                )
        if self.lanes is not None:
            check_whole("lanes", self.lanes, 1, 1 << 20)
        for layer, density in enumerate(self.density or (), 1):
            if not 0 < density <= 1:
                raise InputError(f"train: density of layer {layer} is {density}; allowed: more than 0, up to 1")
        # 1 is a stand-in for the number of inputs, which only the images tell.
        self._parsed([{"kind": "path" if self.paths is not None else "dense"} for _ in self.widths], 1)
        for layer, (fan_out, width) in enumerate(zip(self.fan_out or (), self.widths, strict=False), 1):
            check_whole(f"fan-out of layer {layer}", fan_out, 1, width)
        for layer, (before, width) in enumerate(pairwise(self.widths), 2):
            self._interleaver(layer, before, width)

    def plan(self, inputs: int, kept: Sequence[np.ndarray] | None = None) -> Network:
        """The network for so many inputs, without tensors of weights, after the same checks as those of a network file.

        Parameters
        ----------
        kept : of a pruned network, the edges that stay: (E_l, 2) integers for each layer, source and target. All without.
        """
        layers: list[dict[str, Any]] = []
        tensors = {}
        for layer, (before, width) in enumerate(pairwise((inputs, *self.widths)), 1):
            topology = self._interleaver(layer, before, width)
            if self.paths is not None:
                layers.append({"kind": "path"})
            elif topology is not None:
                layers.append({"kind": "path", "topology": topology.describe()})
            elif kept is not None and len(kept[layer - 1]) < before * width:
                layers.append({"kind": "explicit", "edges": f"e{layer}"})
                narrow = np.uint16 if max(before, width) <= 1 << 16 else np.uint32
                tensors[f"e{layer}"] = kept[layer - 1].astype(narrow)
            else:
                layers.append({"kind": "dense"})
        return replace(self._parsed(layers, inputs), tensors=tensors)

    def _interleaver(self, layer: int, before: int, width: int) -> InterleaverTopology | None:
        """That of a layer; None where it is dense, or of another kind."""
        if self.kind != "interleaver" or self.fan_out is None or self.fan_out[layer - 1] == width:
            return None
        try:
            return interleaver(
                before,
                width,
                lanes=_LANES if self.lanes is None else self.lanes,
                fan_out=self.fan_out[layer - 1],
                seed=_TOPOLOGY_SEED if self.topology_seed is None else self.topology_seed,
            )
        except InputError as error:
            raise InputError(f"train: layer {layer}: {error}") from None

    def _topology(self) -> dict[str, Any]:
        """The members that the paths of all layers share."""
        members: dict[str, Any] = {"kind": self.kind, "paths": self.paths}
        if self.kind == "random":
            generator = GENERATORS[0] if self.generator is None else self.generator
            seed = _TOPOLOGY_SEED if self.topology_seed is None else self.topology_seed
            return members | {"generator": generator, "seed": seed}
        members["dimensions"] = range(len(self.widths) + 1) if self.dimensions is None else self.dimensions
        for name in ("log2_slots", "scramble", "kept", "shift", "digits"):
            members[name] = getattr(self, name)
        return {
            name: value if isinstance(value, str | int) else list(value)
            for name, value in members.items()
            if value is not None
        }

    def _parsed(self, layers: Sequence[dict[str, Any]], inputs: int) -> Network:
        """The network of layers with these members, after the checks of a network file."""
        last = len(self.widths)
        relu = {"kind": "relu", "bits": self.activation_bits, "shift": 0}
        description: dict[str, Any] = {
            "format_version": FORMAT_VERSION,
            "name": self.name,
            "input": {"width": inputs, "bits": INPUT_BITS, "signed": False},
            "layers": [
                {
                    **members,
                    "width": width,
                    "weight": f"w{layer}",
                    "weight_bits": self.weight_bits,
                    "bias": f"b{layer}" if self.bias else None,
                    "activation": None if layer == last else relu,
                }
                for layer, (members, width) in enumerate(zip(layers, self.widths, strict=True), 1)
            ],
        }
        if self.paths is not None:
            description["topology"] = self._topology()
        return parse(description, "train")

    @property
    def pruning(self) -> int:
        """Epochs in real numbers after pruning."""
        if self.kind != "pruned":
            return 0
        return _PRUNE_EPOCHS if self.prune_epochs is None else self.prune_epochs


def _show(value: object) -> str:
    if isinstance(value, tuple):
        return repr(",".join(str(one) for one in value))
    return repr(value)
