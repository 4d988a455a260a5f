"""Networks of convolutions to train on images: a notation for their layers, and how to train; checked at once."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hdlgen.errors import InputError
from hdlgen.network import FORMAT_VERSION, Network, parse
from hdlgen.train.recipe import INPUT_BITS, MAX_EPOCHS, Schedule, check_rate, check_whole

__all__ = ["GROUPS", "INITIAL", "ImageRecipe"]

#: Of a group lasso: the weights into a channel, those out of one, and those of a channel and tap in all filters of a layer.
GROUPS = ("filters", "channels", "shapes")
#: What weights of paths begin with: one magnitude and the signs of a rule, or normal numbers.
INITIAL = ("constant", "normal")

_MAX_BITS = 8
_MAX_SIDE = 64
_JOINED = "connections dense, depthwise, groups=NUMBER, sobol=PATHS or random=PATHS"
_WINDOW = re.compile(r"(\d{1,4})(?:x(\d{1,4}))?(?:/(\d{1,4})(?:x(\d{1,4}))?)?")
_NUMBER = re.compile(r"\d{1,9}")

_Members = dict[str, Any]


class _Wrong(Exception):
    """A word is none of the notation; says what would be allowed, where that is less than all of its kind."""


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise _Wrong
    return int(text)


def _window(text: str) -> tuple[list[int], list[int] | None]:
    """Kernel and stride, (down, across); None where no stride is said."""
    found = _WINDOW.fullmatch(text)
    if found is None:
        raise _Wrong
    sizes = [None if size is None else int(size) for size in found.groups()]
    kernel, stride = ([first, first if second is None else second] for first, second in (sizes[:2], sizes[2:]))
    return kernel, None if stride[0] is None else stride  # type: ignore[return-value]


def _paths(members: _Members) -> Callable[[str], _Members]:
    return lambda text: {"kind": "path", "topology": {**members, "paths": _number(text)}}


def _plain(kind: str) -> Callable[[str], _Members]:
    def members(text: str) -> _Members:
        if text:
            raise _Wrong
        return {"kind": kind}

    return members


#: Of connections, by their names: the members of a description, from what stands behind "=".
_CONNECTIONS: dict[str, Callable[[str], _Members]] = {
    "dense": _plain("dense"),
    "depthwise": _plain("depthwise"),
    "groups": lambda text: {"kind": "groups", "groups": _number(text)},
    "sobol": _paths({"kind": "sobol", "dimensions": [0, 1]}),
    "random": _paths({"kind": "random", "generator": "philox", "seed": 1}),
}


def _connections(text: str) -> _Members:
    name, _, value = text.partition("=")
    try:
        return _CONNECTIONS[name](value)
    except (KeyError, _Wrong):
        raise _Wrong(_JOINED) from None


def _conv(channels: str, window: str, connections: str = "dense") -> _Members:
    kernel, stride = _window(window)
    return {
        "channels": _number(channels),
        "kernel": kernel,
        "stride": stride or [1, 1],
        "padding": [(size - 1 + back) // 2 for size in kernel for back in (0, 1)],
        "connections": _connections(connections),
    }


def _pool(of: str) -> Callable[..., _Members]:
    def members(window: str | None = None) -> _Members:
        if window is None:
            return {"kind": "pool", "of": of}
        kernel, stride = _window(window)
        return {"kind": "pool", "of": of, "kernel": kernel, "stride": stride or kernel}

    return members


#: By its first part: what a word looks like, and the members of a layer's description, from its other parts.
_WORDS: dict[str, tuple[str, Callable[..., _Members]]] = {
    "conv": (
        "conv:CHANNELS:KERNEL[/STRIDE][:CONNECTIONS], as conv:32:3/2:sobol=256 or conv:16:1x5",
        lambda *parts: {"kind": "conv", **_conv(*parts)},
    ),
    "max": ("max, or max:SIZE[/STRIDE]", _pool("max")),
    "mean": ("mean, or mean:SIZE[/STRIDE]", _pool("mean")),
    "dense": ("dense:WIDTH", lambda width: {"kind": "dense", "width": _number(width)}),
    "path": (
        "path:WIDTH:CONNECTIONS, as path:64:sobol=512",
        lambda width, connections: {**_connections(connections), "width": _number(width)},
    ),
}


def _layer(word: str) -> _Members:
    """The members of a layer's description that its word gives."""
    name, *parts = word.split(":")
    shape, members = _WORDS.get(name, ("; ".join(shape for shape, _ in _WORDS.values()), None))
    try:
        if members is None:
            raise _Wrong
        return members(*parts)
    except (_Wrong, TypeError) as error:  # TypeError: too many parts, or too few
        allowed = str(error) if isinstance(error, _Wrong) else ""
        raise InputError(f"train: layers have {word!r}; allowed: {allowed or shape}") from None


@dataclass(frozen=True, kw_only=True)
class ImageRecipe(Schedule):
    """A network of convolutions, and its training; see :class:`~hdlgen.train.recipe.Schedule` for what is not said here.

    Parameters
    ----------
    name : of the network.
    layers : a word for each, with spaces between them: ``conv:CHANNELS:KERNEL[/STRIDE][:CONNECTIONS]``, padded so that a
        stride of 1 keeps the size; ``max:SIZE`` and ``mean:SIZE``, and ``mean`` of everything; ``dense:WIDTH``, and
        ``path:WIDTH:CONNECTIONS``. Connections are ``dense``, ``depthwise``, ``groups=NUMBER``, ``sobol=PATHS`` (components
        0 and 1 of the sequence) and ``random=PATHS``.
    weight_bits, activation_bits : 2..8 and 1..8, of the integers. Two-bit weights are {-1, 0, 1}.
    multiplier_bits : 2..16, of the factor of each channel.
    initial : one of `INITIAL`, of the weights of paths; others are normal.
    doublings : in real numbers paths begin with 1 / 2**doublings of them, and are doubled so often, at equal distances.
    flip : images are also mirrored, left and right.
    cutout : a square of so many pixels of each image is black.
    lasso, lasso_groups : factor of a group-lasso penalty in real numbers, and its groups, one of `GROUPS`.
    decay : weight decay.
    epochs, learning_rate : of the training in real numbers.
    qat_epochs, qat_learning_rate : of the training in integers that follows.
    """

    name: str
    layers: str
    weight_bits: int = 4
    activation_bits: int = 8
    multiplier_bits: int = 16
    initial: str = "constant"
    doublings: int = 0
    flip: bool = False
    cutout: int = 0
    lasso: float = 0.0
    lasso_groups: str = "filters"
    decay: float = 0.0
    epochs: int = 20
    learning_rate: float = 4e-3
    qat_epochs: int = 10
    qat_learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole("qat-epochs", self.qat_epochs, 0, MAX_EPOCHS)
        check_rate("qat-learning-rate", self.qat_learning_rate)
        check_whole("weight-bits", self.weight_bits, 2, _MAX_BITS)
        check_whole("activation-bits", self.activation_bits, 1, _MAX_BITS)
        check_whole("multiplier-bits", self.multiplier_bits, 2, 16)
        check_whole("doublings", self.doublings, 0, min(16, self.epochs - 1))
        check_whole("cutout", self.cutout, 0, _MAX_SIDE)
        for option, factor in (("lasso", self.lasso), ("decay", self.decay)):
            if not (math.isfinite(factor) and 0 <= factor <= 1):
                raise InputError(f"train: {option} is {factor}; allowed: 0..1")
        for option, value, allowed in (
            ("lasso-groups", self.lasso_groups, GROUPS),
            ("initial", self.initial, INITIAL),
        ):
            if value not in allowed:
                raise InputError(f"train: {option} is {value!r}; allowed: {', '.join(allowed)}")
        words = self.layers.split()
        if not words or "of" in [_layer(word) for word in words][-1]:
            raise InputError(f"train: layers end with {words[-1:]}; allowed: conv, dense or path")

    def plan(self, shape: tuple[int, int, int]) -> Network:
        """The network for images (height, width, channels), without tensors, after the checks of a network file."""
        words = self.layers.split()
        described = []
        for number, word in enumerate(words, 1):
            members = _layer(word)
            activation: dict[str, Any] = {"kind": "relu", "bits": self.activation_bits, "shift": 0}
            if "of" in members:
                described.append({**members, "activation": activation})
                continue
            last = number == len(words)
            described.append(
                {
                    **members,
                    "weight": f"w{number}",
                    "weight_bits": self.weight_bits,
                    "bias": f"b{number}",
                    "activation": None if last else {**activation, "multiplier": f"m{number}"},
                }
            )
        height, width, channels = shape
        description: dict[str, Any] = {
            "format_version": FORMAT_VERSION,
            "name": self.name,
            "input": {
                "width": height * width * channels,
                "bits": INPUT_BITS,
                "signed": False,
                "shape": [height, width, channels],
            },
            "layers": described,
        }
        return parse(description, "train")
