"""Removal of channels and taps that make no difference to a network of tensors; the outputs stay the same, bit for bit."""

from dataclasses import replace
from typing import Any

import numpy as np

from hdlgen.network import Layer, Network, describe, parse, verify

__all__ = ["remove_channels"]


def _channels(network: Network, number: int) -> int:
    shape = network.shapes[number]
    return network.widths[number] if shape is None else shape[2]


def _some(stays: np.ndarray) -> np.ndarray:
    """What stays, or the first."""
    return stays if stays.any() else np.arange(len(stays)) == 0


def _full(layer: Layer) -> bool:
    """It reads all channels of its source, by a matrix."""
    return bool(getattr(layer, "connections", layer.incoming).full) and len(layer.sources) == 1


def _nothing(network: Network) -> list[np.ndarray]:
    """For each layer 1..L which channels of its source are nothing to it everywhere, for every input: its zero point."""
    values = [(np.full(network.widths[0], low), np.full(network.widths[0], high)) for low, high in [(0, 1)]]
    values += [(reach.value_low, reach.value_high) for reach in network.ranges()]
    masks = []
    for layer in network.layers:
        zero, (low, high) = getattr(layer, "zero_point", 0), values[layer.read]
        masks.append(((low == zero) & (high == zero)).reshape(-1, _channels(network, layer.read)).all(axis=0))
    return masks


def _kept(network: Network) -> list[np.ndarray]:
    """For each layer 0..L which channels stay: those that outputs depend on, and all that a rule joins."""
    nothing, count = _nothing(network), len(network.layers)
    keep = [np.full(_channels(network, number), number in (0, count)) for number in range(count + 1)]
    while True:
        before = sum(int(mask.sum()) for mask in keep)
        for number, layer in reversed(list(enumerate(network.layers, 1))):
            if not layer.matrix_names:  # channel by channel
                both = np.any([keep[one] for one in (number, *layer.sources)], axis=0)
                for one in (number, *layer.sources):
                    keep[one] = both
            elif _full(layer):
                read = layer.read
                weights = network.tensors[layer.weight][_some(keep[number])]
                # (channels, pixels, channels read, taps)
                pixels = network.widths[read] // len(keep[read]) if weights.ndim == 2 else 1
                used = weights.reshape(len(weights), pixels, len(keep[read]), -1).any(axis=(0, 1, 3))
                keep[read] = keep[read] | (used & ~nothing[number - 1])
            else:
                for one in (number, *layer.sources):
                    keep[one] = np.ones(len(keep[one]), dtype=bool)
        if sum(int(mask.sum()) for mask in keep) == before:
            return [_some(mask) for mask in keep]


def _trimmed(weights: np.ndarray, members: dict[str, Any]) -> np.ndarray:
    """A kernel without outer rows and columns of nothing but 0 that reach into the padding; ``members`` are changed."""
    kernel, around = members["kernel"], members["padding"]
    for axis in (0, 1):
        for end, side in ((0, 2 * axis), (-1, 2 * axis + 1)):
            while (
                around[side]
                and kernel[axis] > 1
                and not weights.take(end, axis=axis - 2).any()
                # What is left still is larger than the padding.
                and kernel[axis] - 1 > max(around[side] - 1, around[side ^ 1])
            ):
                weights = np.delete(weights, end, axis=axis - 2)
                kernel[axis] -= 1
                around[side] -= 1
    return weights


def remove_channels(network: Network) -> Network:
    """Remove channels that are always nothing, or that no output depends on, and outer taps of kernels that are all 0.

    Channels go where layers on both sides read all (``dense`` connections), or pass channels on; where paths, groups or
    edges join channels all stay. Taps go where they reach into the padding, which becomes less.

    Raises InputError as :meth:`Network.ranges`.
    """
    keep, tensors = _kept(network), dict(network.tensors)
    description = describe(network)
    for number, (layer, members) in enumerate(zip(network.layers, description["layers"], strict=True), 1):
        targets = keep[number]
        if not layer.matrix_names:
            continue
        for role, name in layer.roles():
            if name is not None and role in ("bias", "multiplier", "shifts"):
                tensors[name] = tensors[name][targets]
        weights = tensors[members["weight"]]
        if _full(layer):
            pixels = weights.shape[1] // len(keep[layer.read])
            weights = weights[targets][:, np.tile(keep[layer.read], pixels)]
        if "kernel" in members:
            weights = _trimmed(weights, members)
        tensors[members["weight"]] = weights
        members["channels" if "channels" in members else "width"] = int(targets.sum())
    result = replace(parse(description, network.where), tensors=tensors)
    verify(result)
    return result
