"""From lowered layers to a network of real numbers."""

import math
from fractions import Fraction

import numpy as np

from hdlgen.errors import InputError
from hdlgen.importers.lowering import LoweredLayer, LoweredNetwork
from hdlgen.quantize.real import FloatLayer, FloatNetwork

__all__ = ["float_network"]


def _power_of_two(gains: list[Fraction]) -> int | None:
    """The exponent of 2 that all gains are, if they are."""
    first = gains[0]
    if first <= 0 or any(gain != first for gain in gains):
        return None
    mantissa, exponent = math.frexp(float(first))
    return exponent - 1 if mantissa == 0.5 and -30 <= exponent - 1 <= 30 else None


def float_network(lowered: LoweredNetwork) -> FloatNetwork:
    """``lowered`` without its quantisers, if it has some: a note says so."""
    layers: list[FloatLayer] = []
    number = {0: 0}
    notes = list(lowered.notes)
    # What codes of layers mean is in the gains of those that read them; real values need none of it.
    meaning: dict[int, tuple[Fraction, Fraction]] = {}
    if lowered.codes is not None:
        meaning[0] = (lowered.codes.scale, -lowered.codes.scale * lowered.codes.zero)
    for index, layer in enumerate(lowered.layers, 1):
        last = index == len(lowered.layers)
        gain, offset = _in_reals(layer, meaning)
        factors = np.array([float(entry) for entry in gain])
        weight = factors if layer.matrix is None else layer.matrix * factors[:, None]
        skip, exponent = None, 0
        if layer.skip is not None:
            source, skip_gain = layer.skip
            scale = meaning.get(source, (Fraction(1), Fraction(0)))[0]
            gains = [entry / scale for entry in skip_gain]
            found = _power_of_two(gains)
            skip = number[source]
            if found is None:  # a layer that multiplies, and nothing else
                signed = source == 0 or layers[skip - 1].activation == "identity" or any(entry < 0 for entry in gains)
                layers.append(
                    FloatLayer(
                        source=skip,
                        weight=np.array([float(entry) for entry in gains]),
                        bias=np.zeros(layer.width),
                        activation="identity" if signed else "relu",
                        place=layer.place,
                    )
                )
                skip = len(layers)
            else:
                exponent = found
        activation = None
        if not last:
            positive = layer.rectified or (layer.codes is not None and layer.codes.low >= layer.codes.zero)
            if not positive and layer.matrix is None:  # a sum of what is not negative
                read = [
                    layers[number[source] - 1]
                    for source in {layer.source, layer.skip[0] if layer.skip else 0}
                    if source
                ]
                signs = (
                    bool((weight >= 0).all()) and not any(offset) and (layer.skip is None or min(layer.skip[1]) >= 0)
                )
                inputs = 0 in (layer.source, layer.skip[0] if layer.skip else layer.source)
                positive = signs and not inputs and all(other.activation == "relu" for other in read)
            activation = "relu" if positive else "identity"
        if layer.codes is not None:
            meaning[index] = (layer.codes.scale, -layer.codes.scale * layer.codes.zero)
            if f"{lowered.where}: quantisers are dropped" not in notes:
                notes.append(f"{lowered.where}: quantisers are dropped")
        bias = np.array([float(entry) for entry in offset])
        for what, values in (("weights", weight), ("biases", bias)):
            if not np.isfinite(values).all():
                raise InputError(f"{layer.place}: {what} are not finite; allowed: finite numbers")
        layers.append(
            FloatLayer(
                source=number[layer.source],
                weight=weight,
                bias=bias,
                skip=skip,
                skip_exponent=exponent,
                activation=activation,
                place=layer.place,
            )
        )
        number[index] = len(layers)
    return FloatNetwork(
        name=lowered.name, where=lowered.where, width=lowered.width, layers=tuple(layers), notes=tuple(notes)
    )


def _in_reals(
    layer: LoweredLayer, meaning: dict[int, tuple[Fraction, Fraction]]
) -> tuple[list[Fraction], list[Fraction]]:
    """Gain and offset for sources that are real values, not codes: code = (value - zero point) / scale."""
    gain, offset = list(layer.gain), list(layer.offset)
    if layer.source in meaning:
        scale, zero = meaning[layer.source]
        total = [1] * layer.width if layer.matrix is None else layer.matrix.sum(axis=1).tolist()
        offset = [o - g / scale * zero * Fraction(t) for o, g, t in zip(offset, gain, total, strict=True)]
        gain = [entry / scale for entry in gain]
    if layer.skip is not None and layer.skip[0] in meaning:
        scale, zero = meaning[layer.skip[0]]
        offset = [o - g / scale * zero for o, g in zip(offset, layer.skip[1], strict=True)]
    return gain, offset
