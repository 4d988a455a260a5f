"""Which slots the paths connect, as linear relations over GF(2): no path is enumerated.

The slot of path i in layer l is linear in the bits of i. For 2**m paths the pairs (slot in layer k, slot in layer l)
are therefore a linear subspace: 2**dimension distinct pairs, each hit equally often. Following a path into a layer
and any other path out of it composes two such relations, which gives a subspace again. So the edges of a transition,
and the pairs of input and output that are connected through all layers, are counted by elimination on a few dozen
vectors. Scrambling and digital shifts exchange the slots of a layer among each other, so no number here depends on them.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from hdlgen.sequences import sobol

__all__ = ["compose", "edge_rank", "path_relation", "reach_rank", "suggest_dimensions"]

#: Dimensions that a suggestion is chosen from: the low ones are good in all their low-dimensional projections.
CANDIDATES = range(64)
#: The search takes time with the square of the number of layers.
SEARCHED_LAYERS = 17


def _echelon(vectors: Iterable[int]) -> list[int]:
    """A basis of the span, leading bits all different."""
    basis: dict[int, int] = {}
    for vector in vectors:
        while vector:
            top = vector.bit_length()
            if top not in basis:
                basis[top] = vector
                break
            vector ^= basis[top]
    return [basis[top] for top in sorted(basis)]


def path_relation(path_bits: int, left: tuple[int, int], right: tuple[int, int]) -> list[int]:
    """Vectors that span the relation of two layers by 2**path_bits paths.

    Parameters
    ----------
    left, right : (dimension, log2 of the slots) of each layer. A vector is left slot << right bits | right slot.
    """
    columns = []
    for dimension, bits in (left, right):
        working = max(bits, path_bits)
        numbers = sobol.direction_numbers(dimension, working)[:path_bits]
        columns.append([number >> (working - bits) for number in numbers])
    return [(high << right[1]) | low for high, low in zip(*columns, strict=True)]


def compose(left: Sequence[int], right: Sequence[int], bits: tuple[int, int, int]) -> list[int]:
    """The relation {(a, c) : some b with (a, b) in left and (b, c) in right}; ``bits`` are the widths of a, b, c."""
    a_bits, b_bits, c_bits = bits
    below = a_bits + c_bits
    b_mask = (1 << b_bits) - 1
    vectors = [((vector & b_mask) << below) | ((vector >> b_bits) << c_bits) for vector in left]
    vectors += [((vector >> c_bits) << below) | (vector & ((1 << c_bits) - 1)) for vector in right]
    # In an echelon basis the vectors without a b part span all sums in which the two b cancel.
    return [vector for vector in _echelon(vectors) if vector >> below == 0]


def edge_rank(path_bits: int, left: tuple[int, int], right: tuple[int, int]) -> int:
    """log2 of the number of distinct slot edges between two layers."""
    return len(_echelon(path_relation(path_bits, left, right)))


def reach_rank(path_bits: int, layers: Sequence[tuple[int, int]]) -> int:
    """log2 of the number of pairs (slot of the first layer, slot of the last) that some chain of paths connects.

    ``layers`` holds (dimension, log2 of the slots), two layers at least.
    """
    relation = path_relation(path_bits, layers[0], layers[1])
    for middle, last in pairwise(layers[1:]):
        step = path_relation(path_bits, middle, last)
        relation = compose(relation, step, (layers[0][1], middle[1], last[1]))
    return len(_echelon(relation))


def _loss(path_bits: int, layers: Sequence[tuple[int, int]]) -> int:
    """Missing factors of two: of edges in each transition, and of connected pairs through the whole network."""
    loss = layers[0][1] + layers[-1][1] - reach_rank(path_bits, layers)
    for left, right in pairwise(layers):
        loss += min(path_bits, left[1] + right[1]) - edge_rank(path_bits, left, right)
    return loss


def suggest_dimensions(path_bits: int, dimensions: Sequence[int], log2_slots: Sequence[int]) -> tuple[int, ...]:
    """Dimensions that lose no more edges and no more reachability than the given ones, less where that is found.

    Descends one layer at a time, from the given dimensions and from 0, 1, 2, ...; deterministic, and the given
    dimensions come back unless others are better. Networks of more than 16 layers are left as they are.
    """

    def loss(choice: Sequence[int]) -> int:
        return _loss(path_bits, list(zip(choice, log2_slots, strict=True)))

    best, least = tuple(dimensions), loss(dimensions)
    if least == 0 or len(best) > SEARCHED_LAYERS:
        return best
    for start in (tuple(dimensions), tuple(range(len(dimensions)))):
        current, current_loss = start, loss(start)
        improved = current_loss > 0
        while improved:
            improved = False
            for layer in range(len(current)):
                for candidate in CANDIDATES:
                    trial = (*current[:layer], candidate, *current[layer + 1 :])
                    trial_loss = loss(trial)
                    if trial_loss < current_loss:
                        current, current_loss, improved = trial, trial_loss, True
        if current_loss < least:
            best, least = current, current_loss
    return best
