"""From lowered layers to a network of real numbers."""

import math
from dataclasses import replace

import numpy as np

from hdlgen.errors import InputError
from hdlgen.importers.codes import Limits
from hdlgen.importers.values import LoweredNetwork, Term, along_inputs, each
from hdlgen.quantize.real import FREE, FloatLayer, FloatNetwork

__all__ = ["float_network"]


def _power_of_two(gains: np.ndarray) -> int | None:
    """The exponent of 2 that all gains are, if they are."""
    if gains[0] <= 0 or (gains != gains[0]).any():
        return None
    mantissa, exponent = math.frexp(float(gains[0]))
    return exponent - 1 if mantissa == 0.5 and -30 <= exponent - 1 <= 30 else None


def float_network(lowered: LoweredNetwork) -> FloatNetwork:
    """``lowered`` without its quantisers, if it has some, but within their limits: a note says so.

    Raises InputError where nothing is left without one, and for numbers that are not finite.
    """
    layers: list[FloatLayer] = []
    number = {0: 0}
    notes = list(lowered.notes)
    # Layers read codes where a quantiser is before them: code = gain * real value + offset, element by element.
    codes: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    channels = [lowered.width if lowered.shape is None else lowered.shape[2]]
    channels += [len(layer.offset) for layer in lowered.layers]
    if lowered.input is not None:
        scale, point = lowered.input.codes.scale, lowered.input.codes.zero
        gains = np.array(each(lambda gain: float(gain / scale), lowered.input.gain))
        codes[0] = gains, np.array(each(lambda offset: float(offset / scale + point), lowered.input.offset))

    def real(term: Term) -> tuple[np.ndarray, np.ndarray, float]:
        """Weights of real values, what the offsets of codes add, and what 0 outside of a tensor is."""
        factors, zero = np.array(each(float, term.gain)), float(term.zero)
        weight = factors if term.matrix is None else (term.matrix.T * factors).T
        gains, offsets = codes.get(term.source, (np.ones(1), np.zeros(1)))
        if weight.ndim == 1:  # channel by channel
            return weight * gains, weight * offsets, zero
        gains, offsets = (np.broadcast_to(values, channels[term.source]) for values in (gains, offsets))
        if term.window is not None and any(
            term.window.padding
        ):  # for all channels the same: there is no other zero point
            zero, offsets = (zero - float(offsets[0])) / float(gains[0]), 0 * offsets
        more = (weight * along_inputs(offsets, weight)).reshape(len(weight), -1).sum(axis=1)
        return weight * along_inputs(gains, weight), more, zero

    for index, layer in enumerate(lowered.layers, 1):
        weight, more, zero = real(layer.main)
        bias = np.array(each(float, layer.offset)) + more
        if layer.main.window is not None and layer.main.matrix is None:  # the greatest, in what units ever
            weight, bias = np.ones(len(bias)), np.zeros(len(bias))
        weight = layer.kernels(weight)
        skip, exponent, gains = None, 0, np.ones(1)
        if layer.skip is not None:
            gains, more, _ = real(layer.skip)
            bias = bias + more
            found, skip = _power_of_two(gains), number[layer.skip.source]
            if found is None:  # a layer that multiplies, and nothing else
                signed = skip == 0 or layers[skip - 1].activation == "identity" or bool((gains < 0).any())
                kind = "identity" if signed else "relu"
                alone = replace(layer, skip=None)
                layers.append(
                    FloatLayer(
                        source=skip,
                        weight=alone.kernels(gains),
                        bias=np.zeros(len(gains)),
                        window=alone.window,
                        shape=layer.shape,
                        activation=kind,
                        place=layer.place,
                    )
                )
                skip = len(layers)
            exponent = found or 0
        activation, limits = None, layer.limits
        if index < len(lowered.layers):
            if layer.codes is not None:
                if layer.codes.rounding == "BIPOLAR":
                    raise InputError(
                        f"{layer.place}: passes on signs, of one bit; allowed: where the file has integers as weights"
                    )
                limits = layer.codes.limited(limits).limits
            least = limits[0]
            positive = least is not None and least >= 0
            if not positive and layer.main.matrix is None:  # a sum of what is not negative
                read = [number[source] for source in layer.sources]
                signs = (weight >= 0).all() and not bias.any() and gains.min() >= 0
                positive = bool(signs) and all(place and layers[place - 1].activation == "relu" for place in read)
            activation = "relu" if positive else "identity"
        if layer.codes is not None:
            count = len(layer.offset)
            codes[index] = np.full(count, float(1 / layer.codes.scale)), np.full(count, float(layer.codes.zero))
            if f"{lowered.where}: quantisers are dropped" not in notes:
                notes.append(f"{lowered.where}: quantisers are dropped")
        for what, values in (("weights", weight), ("biases", bias)):
            if not np.isfinite(values).all():
                raise InputError(f"{layer.place}: {what} are not finite; allowed: finite numbers")
        layers.append(
            FloatLayer(
                source=number[layer.main.source],
                weight=weight,
                bias=bias,
                window=layer.window,
                zero=zero,
                shape=layer.shape,
                skip=skip,
                skip_exponent=exponent,
                activation=activation,
                limits=_limits(limits, activation),
                place=layer.place,
            )
        )
        number[index] = len(layers)
    return FloatNetwork(
        name=lowered.name,
        where=lowered.where,
        width=lowered.width,
        shape=lowered.shape,
        layers=tuple(layers),
        notes=tuple(notes),
    )


def _limits(limits: Limits, activation: str | None) -> tuple[float, float]:
    """Those that the activation does not have already."""
    low, high = (end if limit is None else float(limit) for limit, end in zip(limits, FREE, strict=True))
    return -math.inf if activation == "relu" and low == 0 else low, high
