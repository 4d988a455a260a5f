"""Full recurrences to bands, rings and groups: an order of the neurons that keeps much inside, and only that stays."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hdlgen.connections import Tensors
from hdlgen.errors import InputError
from hdlgen.layers import FORMS, Layer, Recurrence, parse_recurrence
from hdlgen.network import BandRnn, Network
from hdlgen.prune.removal import fixed_layers, rebuilt

__all__ = ["Narrowed", "best_order", "narrow"]

#: Of all searches for an order together, in elements of its matrix.
_EFFORT = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Narrowed:
    """The narrower ``network``; by the numbers of its recurrent layers: ``orders``, int64 (N,), the neuron before that
    stands at each place, and ``kept``, the share of the magnitudes of recurrent weights that stays.
    """

    network: Network
    orders: dict[int, np.ndarray] = field(repr=False)
    kept: dict[int, float]


def best_order(strength: np.ndarray, near: np.ndarray) -> np.ndarray:
    """An order of N neurons in which pairs of much ``strength`` are at places that are ``near`` each other.

    From several beginnings, in each of which the neuron that is bound most to those near a place takes it, the two neurons
    whose exchange brings most change places for as long as one brings something (B. W. Kernighan and S. Lin, 1970, without
    their steps back). Exact sums and ties to the lower numbers: the same order on every machine.

    Parameters
    ----------
    strength : integers (N, N), symmetric, of less than 2**53 together.
    near : bool (N, N), symmetric.

    Returns
    -------
    int64 (N,)
        The neuron at each place.
    """
    count = len(strength)
    bound, close = strength.astype(np.float64), near.astype(np.float64)  # exact, and quick
    np.fill_diagonal(bound, 0)

    def inside(order: np.ndarray) -> float:
        return float((bound[np.ix_(order, order)] * close).sum())

    def begun(first: int) -> np.ndarray:
        order, left = [first], np.ones(count, dtype=bool)
        for place in range(1, count):
            left[order[-1]] = False
            sums = bound[:, np.array(order)[near[place, :place]]].sum(axis=1)
            order.append(int(np.where(left, sums, -1).argmax()))
        return np.array(order)

    def climbed(order: np.ndarray) -> np.ndarray:
        order, pairs = order.copy(), bound[np.ix_(order, order)]
        there = pairs @ close  # what the neuron of each place would have inside at each other place
        while True:
            here = np.diag(there)
            gain = there + there.T - here[:, None] - here - 2 * pairs * (1 - close)
            one, other = np.unravel_index(gain.argmax(), gain.shape)
            if gain[one, other] <= 0:
                return order
            there += np.outer(pairs[:, other] - pairs[:, one], close[one] - close[other])
            before, after = [one, other], [other, one]
            pairs[:, before] = pairs[:, after]
            for moved in (there, pairs, order):
                moved[before] = moved[after]

    starts = range(min(count, max(1, _EFFORT // count**2)))
    return max([climbed(np.arange(count)), *(climbed(begun(first)) for first in starts)], key=inside)


def _movable(network: Network) -> list[bool]:
    """Per layer 0..L, whether its neurons may change places: whoever reads it can say so of its weights."""
    movable = [not fixed for fixed in fixed_layers(network, inputs=False)]
    for number, layer in enumerate(network.layers, 1):
        for skipped in layer.sources[1:]:
            movable[number] = movable[skipped] = False
    return movable


def _strength(layer: BandRnn, tensors: Tensors) -> np.ndarray:
    """int64 (N, N): the magnitudes of the weights from neuron to neuron, of all gates together."""
    edges = layer.recurrent_edges(tensors).nonzero(layer.width)
    strength = np.zeros((layer.width, layer.width), np.int64)
    np.add.at(strength, (edges.source, edges.target % layer.width), np.abs(edges.weight))
    return strength


def narrow(network: Network, *, band: int | None = None, cyclic: bool = False, groups: int | None = None) -> Narrowed:
    """The network with every recurrence cut to a ``band`` of so many, ``cyclic`` or not, or to so many ``groups``.

    The neurons of each layer are put into the order of :func:`best_order` by the magnitudes of all gates' weights, in both
    directions; the weights that its inputs and readers have for them move along, so that the order itself changes no output.
    What then lies outside is left out. Neurons keep their places where the layer's values are the outputs, or paths or a
    skip connection read them.

    Raises InputError if a band or groups do not suit a layer, there is no recurrent layer, or none or both are asked for.
    """
    where = network.where
    network.refuse_special("to prune")
    asked = {"band": band, "groups": groups, "cyclic": cyclic or None}
    members = {name: value for name, value in asked.items() if value is not None}
    forms = dict[int, Recurrence]()
    for number, layer in enumerate(network.layers, 1):
        if isinstance(layer, BandRnn):
            chosen = parse_recurrence(f"{where}: layer {number}", members, layer.width)
            kind = next(name for name in FORMS if name in chosen)
            forms[number] = FORMS[kind](width=layer.width, gates=len(layer.gates), **chosen)
    if not forms:
        raise InputError(f"{where}: has no recurrent layer; allowed with a band or groups: networks with such")
    tensors, movable = dict(network.tensors), _movable(network)
    places, kept = [np.arange(width) for width in network.widths], dict[int, float]()
    for number, form in forms.items():
        strength, near = _strength(network.recurrent(number), tensors), form.near
        if movable[number]:
            places[number] = best_order(strength + strength.T, near)
        inside = strength[np.ix_(places[number], places[number])] * near
        kept[number] = float(inside.sum() / max(strength.sum(), 1))
    layers = list[Layer]()
    for number, layer in enumerate(network.layers, 1):
        moved: Any
        bias = network.bias(number) if layer.folds else np.zeros(layer.width, np.int64)
        moved = layer.between(where, number, (places[layer.read], places[number]), bias, tensors)
        layers.append(moved.laid_out(where, number, forms[number], tensors) if number in forms else moved)
    orders = {number: places[number] for number in forms}
    return Narrowed(network=rebuilt(network, layers, tensors), orders=orders, kept=kept)
