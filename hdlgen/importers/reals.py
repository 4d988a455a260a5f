"""From lowered layers to a network of real numbers."""

import math

import numpy as np

from hdlgen.errors import InputError
from hdlgen.importers.values import LoweredLayer, LoweredNetwork, Term, each
from hdlgen.quantize.real import FREE, FloatLayer, FloatNetwork, product

__all__ = ["float_network"]


def _power_of_two(gains: np.ndarray) -> int | None:
    """The exponent of 2 that all gains are, if they are."""
    if gains[0] <= 0 or (gains != gains[0]).any():
        return None
    mantissa, exponent = math.frexp(float(gains[0]))
    return exponent - 1 if mantissa == 0.5 and -30 <= exponent - 1 <= 30 else None


def float_network(lowered: LoweredNetwork) -> FloatNetwork:
    """``lowered`` without its quantisers, if it has some: a note says so."""
    layers: list[FloatLayer] = []
    number = {0: 0}
    notes = list(lowered.notes)
    # Layers read codes where a quantiser is before them: code = gain * real value + offset, element by element.
    codes: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    if lowered.input is not None:
        scale, zero = lowered.input.codes.scale, lowered.input.codes.zero
        gains = np.array(each(lambda gain: float(gain / scale), lowered.input.gain))
        codes[0] = gains, np.array(each(lambda offset: float(offset / scale + zero), lowered.input.offset))

    def real(term: Term) -> tuple[np.ndarray, np.ndarray]:
        """Weights of real values, and what the offsets of codes add."""
        factors = np.array(each(float, term.gain))
        weight = factors if term.matrix is None else term.matrix * factors[:, None]
        if term.source not in codes:
            return weight, np.zeros(len(weight))
        gains, offsets = codes[term.source]
        return weight * gains, product(weight, offsets)

    for index, layer in enumerate(lowered.layers, 1):
        weight, more = real(layer.main)
        bias = np.array(each(float, layer.offset)) + more
        skip, exponent, gains = None, 0, np.ones(1)
        if layer.skip is not None:
            gains, more = real(layer.skip)
            bias = bias + more
            found, skip = _power_of_two(gains), number[layer.skip.source]
            if found is None:  # a layer that multiplies, and nothing else
                signed = skip == 0 or layers[skip - 1].activation == "identity" or bool((gains < 0).any())
                kind = "identity" if signed else "relu"
                none = np.zeros(layer.width)
                layers.append(FloatLayer(source=skip, weight=gains, bias=none, activation=kind, place=layer.place))
                skip = len(layers)
            exponent = found or 0
        activation = None
        if index < len(lowered.layers):
            least = layer.limits[0] if layer.codes is None else layer.codes.limited(layer.limits).limits[0]
            positive = least is not None and least >= 0
            if not positive and layer.main.matrix is None:  # a sum of what is not negative
                read = [number[source] for source in layer.sources]
                signs = (weight >= 0).all() and not bias.any() and gains.min() >= 0
                positive = bool(signs) and all(place and layers[place - 1].activation == "relu" for place in read)
            activation = "relu" if positive else "identity"
        if layer.codes is not None:
            scale, zero = layer.codes.scale, layer.codes.zero
            codes[index] = np.full(layer.width, float(1 / scale)), np.full(layer.width, float(zero))
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
                skip=skip,
                skip_exponent=exponent,
                activation=activation,
                limits=_limits(layer, activation),
                place=layer.place,
            )
        )
        number[index] = len(layers)
    return FloatNetwork(
        name=lowered.name, where=lowered.where, width=lowered.width, layers=tuple(layers), notes=tuple(notes)
    )


def _limits(layer: LoweredLayer, activation: str | None) -> tuple[float, float]:
    """Those that the activation does not have already."""
    low, high = (end if limit is None else float(limit) for limit, end in zip(layer.limits, FREE, strict=True))
    return -math.inf if activation == "relu" and low == 0 else low, high
