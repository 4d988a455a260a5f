"""Random graphs of the neurons of a recurrent layer: which states each of them reads."""

import networkx
import numpy as np

from hdlgen.errors import InputError

__all__ = ["GRAPHS", "check_graph", "random_graph"]

#: By what NetworkX makes them of: neurons, degree, the probability of rewiring, and a seed.
_MAKERS = {
    "erdos-renyi": lambda n, degree, rewire, seed: networkx.gnm_random_graph(n, n * degree, seed, directed=True),
    "watts-strogatz": lambda n, degree, rewire, seed: networkx.watts_strogatz_graph(n, degree, rewire, seed),
    "barabasi-albert": lambda n, degree, rewire, seed: networkx.barabasi_albert_graph(n, degree // 2, seed),
}
GRAPHS = tuple(_MAKERS)


def check_graph(kind: str, width: int, degree: int) -> None:
    """Refuse what is no graph of ``width`` neurons.

    Raises
    ------
    InputError
        For an unknown kind, or a degree that it cannot have.
    """
    if kind not in GRAPHS:
        raise InputError(f"train: graph is {kind!r}; allowed: {', '.join(GRAPHS)}")
    even = kind != "erdos-renyi"
    if not 1 <= degree < width or (even and degree % 2):
        numbers = f"{'even ' if even else ''}integers {1 + even}..{width - 1}"
        raise InputError(f"train: degree is {degree}; allowed: {numbers} (width {width}, {kind})")


def random_graph(kind: str, width: int, *, degree: int, rewire: float, seed: int) -> np.ndarray:
    """int64 (E, 2), ascending: each neuron whose state is read, and the one that reads it. All read themselves, too.

    Parameters
    ----------
    kind : ``erdos-renyi``: width * degree edges anywhere, in one direction; P. Erdős and A. Rényi, 1959.
        ``watts-strogatz``: a ring in which each neuron and its ``degree`` next ones read each other, every pair of which
        gets another end with the probability ``rewire``; D. J. Watts and S. H. Strogatz, 1998. ``barabasi-albert``: one
        neuron after the other is joined, in both directions, to degree / 2 of those before it, the more probable the more
        they are joined to already; A.-L. Barabási and R. Albert, 1999.
    seed : of NetworkX; the same graph on every machine.
    """
    check_graph(kind, width, degree)
    graph = _MAKERS[kind](width, degree, rewire, seed)
    ends = np.array(graph.edges(), np.int64).reshape(-1, 2)
    loops = np.tile(np.arange(width)[:, None], 2)
    return np.unique(np.concatenate([ends, loops, *([] if graph.is_directed() else [ends[:, ::-1]])]), axis=0)
