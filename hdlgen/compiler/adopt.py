"""Other weights for a finished design: the network as the design computes it, and its plan."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from hdlgen.compiler.fitting import Frame, engine
from hdlgen.compiler.options import Options
from hdlgen.compiler.plan import Plan, assign, compile_network
from hdlgen.connections import Connections
from hdlgen.description import MAX_BITS
from hdlgen.errors import InputError
from hdlgen.integers import scatter, signed_bits
from hdlgen.layers import Weighted
from hdlgen.network import Network
from hdlgen.schema import parse

__all__ = ["adopt", "compile_again", "compile_for"]

Parts = Iterator[tuple[str, object]]


def compile_again(where: str, design: Network, frame: Mapping[str, Any], target: str | None) -> tuple[Plan, Frame]:
    """The plan of the network of a ``design``, as it was when its manifest, the file ``where``, got this ``frame``,
    which is returned, too.

    Raises :class:`InputError` if the ``frame`` is not what `Plan.frame` gives of that network.
    """
    known = parse(Frame, frame, where, "frame")
    options = replace(Options.from_json(known.options, f"{where}: frame.options"), target=target)
    chosen = assign(design, options.engine)
    if len(known.stages) != len(chosen):
        raise InputError(
            f"{where}: frame: {len(known.stages)} stages; allowed: {len(chosen)}; compile the design again"
        )
    try:
        plan = compile_network(design, options, frames=known.stages, check=False)
    except InputError as error:
        raise InputError(f"{where}: frame is not that of the design: {error}") from None
    if plan.frame.hardware != known.hardware:
        raise InputError(
            f"{where}: frame is not that of the design: it makes other hardware; compile the design again"
        )
    return plan, known


def compile_for(
    root: Path, design: Network, frame: Mapping[str, Any], target: str | None, network: Network
) -> tuple[Network, Plan]:
    """The plan of ``network`` for the design in the folder ``root``, and the network as that one computes it (`adopt`).

    ``design``: its own network; ``frame``, ``target``: as its manifest has them.

    Raises :class:`InputError` if the network does not fit the design, or ``frame`` is not what `Plan.frame` gives.
    """
    theirs, known = compile_again(str(root / "manifest.json"), design, frame, target)
    chosen = assign(design, theirs.options.engine)
    shifting = [n for kind, first, last in chosen if kind.program.shifting for n in range(first, last + 1)]
    network = adopt(network, design, str(root), shifts=shifting)
    plan = compile_network(network, theirs.options, frames=known.stages)
    for mine, other in zip(plan.stages, theirs.stages, strict=True):
        _same_engine(network, root, engine(mine.join), engine(other.join))
        _same_engine(network, root, engine(mine.program), engine(other.program))
    return network, plan


def _same_engine(network: Network, root: Path, mine: Parts, known: Parts) -> None:
    """Refuse anything that is not in memory and differs."""
    for (what, value), (other, theirs) in zip_longest(mine, known, fillvalue=("", None)):
        if what != other or value != theirs:
            raise InputError(
                f"network {network.name!r}: needs another engine than the design in {root} has: {what or other} differs"
            )


_TRAINED = ("weight", "weight_bits", "code_book", "bias", "recurrent", "edges")
"""Members of layers that may differ: the names of tensors that are weights, and what bounds them."""


def adopt(network: Network, design: Network, where: str, *, shifts: Collection[int]) -> Network:
    """``network`` for the design of ``design`` in the folder ``where``.

    Explicit edges that only the design has are added, with weight zero: nothing else is changed, and that changes no
    result. ``shifts``: layers whose activations may shift by another number.

    Raises :class:`InputError` with the first thing in which ``network`` differs from ``design`` and that another engine
    would be needed for.
    """
    if network.widths == design.widths:  # if not, that is said below
        network = _with_edges(network, design, where)
    theirs = dict(_structure(design, shifts))
    for what, mine in _structure(network, shifts):
        known = theirs.get(what, "none")
        if mine != known:
            if what.endswith(" table"):
                mine = known = "another one"  # they are too long for a message
            raise InputError(
                f"network {network.name!r}: {what}: {mine}; the design in {where} is made for {known}: only weights, biases,"
                f" multipliers{' and shifts' * bool(shifts)} may differ"
            )
    return network


def _structure(network: Network, shifts: Collection[int]) -> Iterator[tuple[str, object]]:
    """What has to be equal, from the coarse to the fine."""
    yield "widths", network.widths
    yield "input bits", network.input.bits
    yield "input signed", network.input.signed
    yield "topology", network.topology
    for number, layer in enumerate(network.layers, 1):
        yield f"layer {number}: kind", layer.kind
        for what, value in _members(network, f"layer {number}:", layer):
            if not (number in shifts and what.endswith(" activation shift")):
                yield what, value


def _members(network: Network, where: str, value: object) -> Iterator[tuple[str, object]]:
    assert is_dataclass(value)
    for field in fields(value):
        part = getattr(value, field.name)
        what = f"{where} {field.name.replace('_', ' ')}"
        if field.name in _TRAINED:
            continue
        if field.name == "table":
            yield what, network.tensors[part].tolist()
        elif field.name == "multiplier":
            yield what, "none" if part is None else "one for each neuron"
        elif is_dataclass(part):
            yield what, "there"
            yield from _members(network, what, part)
        else:
            yield what, "none" if part is None else part


def _with_edges(network: Network, design: Network, where: str) -> Network:
    """With all edges of the explicit layers of ``design``; layers that are dense there become dense."""
    tensors, layers = dict(network.tensors), []
    for number, layer in enumerate(network.layers, 1):
        layers.append(layer)
        theirs = design.layers[number - 1]
        name = dict(layer.incoming.tensors()).get("edges")
        others = layer.stateful or theirs.stateful or theirs.incoming.ruled or theirs.source != layer.source
        if name is None or others:
            continue  # what differs is said later
        inputs = network.widths[layer.read]
        mine, wished = network.edges(number), design.edges(number)
        keys = mine.target * inputs + mine.source
        wanted = np.unique(wished.target * inputs + wished.source)
        new = np.setdiff1d(keys, wanted)
        if len(new):
            raise InputError(
                f"network {network.name!r}: layer {number}: has {len(new)} edges that the design in {where} lacks, the "
                f"first from {new[0] % inputs} to {new[0] // inputs}; allowed are its {len(wanted)} edges"
            )
        missing, weights = np.setdiff1d(wanted, keys), network.weights(number)
        if theirs.incoming.full:
            matrix = scatter(weights, keys, layer.width * inputs).reshape(layer.width, inputs)
            bits = signed_bits(int(matrix.min()), int(matrix.max()))
            if bits > MAX_BITS:
                raise InputError(
                    f"network {network.name!r}: layer {number}: its repeated edges add up to weights of {bits} bits; allowed"
                    f" are {MAX_BITS} in the design in {where}, which is dense there"
                )
            layers[-1] = _weighted(network.weighted(number), matrix, tensors, theirs.incoming, bits)
        elif len(missing):
            ends = np.stack([missing % inputs, missing // inputs], axis=1)
            stored = tensors[name]
            tensors[name] = np.concatenate([stored, ends.astype(stored.dtype)])
            weights = np.concatenate([weights, np.zeros(len(missing), np.int64)])
            layers[-1] = _weighted(network.weighted(number), weights, tensors, layer.incoming)
    return replace(network, layers=tuple(layers), tensors=tensors)


def _weighted(
    layer: Weighted, weights: np.ndarray, tensors: dict[str, np.ndarray], theirs: Connections, bits: int = 1
) -> Weighted:
    """The layer with these weights of ``bits`` in ``tensors``, without a code book, and with the connections ``theirs``."""
    dropped = {name for _, name in layer.connections.tensors()} - {name for _, name in theirs.tensors()}
    for name in dropped | ({layer.code_book} if layer.code_book is not None else set()):
        del tensors[name]
    bits = max(bits, layer.weight_bits)
    tensors[layer.weight] = weights.astype(np.int8 if bits <= 8 else np.int16)
    return replace(layer, code_book=None, connections=theirs, weight_bits=bits)
