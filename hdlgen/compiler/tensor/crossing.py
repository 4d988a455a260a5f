"""Paths between channels, in blocks of which every lane has one: connectivity that is computed.

Paths i = b L + j, j < L, of a Sobol' sequence are a block. Its L sources differ in their first log2 L digits alone, and so
do its targets: they are one channel in each of L banks, all in one row. Lane l takes the path to the target in bank l; its
source is in bank M l ^ x, with a matrix M over GF(2) that is the same for all blocks. Of the blocks with the targets of one
row, a group, number k reads row R and bank x, both linear in the bits of the group and of k. All this is found from the
paths themselves, and where something of it does not hold, they are computed like any other connections.
"""

import numpy as np

from hdlgen.compiler.factors import Ints
from hdlgen.compiler.tensor.job import Crossing
from hdlgen.compiler.tensor.jobs import Asked

__all__ = ["cross", "crossed_words"]


def cross(job: Asked, lanes: int) -> Crossing | None:
    """How the paths of a job are computed, if they can be."""
    found = None if job.alone else _blocks(job, lanes)
    if found is None:
        return None
    _, value, mix = found
    groups, steps = value.shape
    columns = [
        [
            int(value[0, 0] ^ value[tuple(1 << bit if place == axis else 0 for place in range(2))])
            for bit in range(bits)
        ]
        for axis, bits in enumerate(((groups - 1).bit_length(), (steps - 1).bit_length()))
    ]
    made = Crossing(
        mix=tuple(mix.tolist()), origin=int(value[0, 0]), of_group=tuple(columns[0]), of_step=tuple(columns[1])
    )
    return made if np.array_equal(made.values(), value) else None


def _blocks(job: Asked, lanes: int) -> tuple[Ints, Ints, Ints] | None:
    """(groups, steps, lanes): the path of each lane; (groups, steps): what is read; (lanes,): the mix."""
    paths, inputs, outputs = job.paths, job.window.inputs[2], job.outputs
    if paths is None or lanes == 1 or any(n % lanes or n & (n - 1) for n in (inputs, outputs, len(paths.source))):
        return None
    if len(paths.source) < max(inputs, outputs):
        return None
    rows, target_rows = inputs // lanes, outputs // lanes
    (bank, row), (out, group) = np.divmod(paths.source, rows), np.divmod(paths.target, target_rows)
    bank, row, out, group = (ends.reshape(-1, lanes) for ends in (bank, row, out, group))
    if (row != row[:, :1]).any() or (group != group[:, :1]).any() or (np.sort(out) != np.arange(lanes)).any():
        return None
    member = np.argsort(out, axis=1)  # of each block the path of every lane
    read = np.take_along_axis(bank, member, axis=1)
    mix = read[0] ^ read[0, 0]
    if ((read ^ read[:, :1]) != mix).any() or (
        np.bincount(group[:, 0], minlength=target_rows) * target_rows != len(row)
    ).any():
        return None
    blocks = np.argsort(group[:, 0], kind="stable").reshape(target_rows, -1)
    chosen = blocks[:, :, None] * lanes + member[blocks]
    return chosen, (row[:, 0] * lanes + read[:, 0])[blocks], mix


def crossed_words(job: Asked, lanes: int) -> Ints:
    """(words, lanes): the weights, in the order of the steps."""
    found, paths = _blocks(job, lanes), job.paths
    assert found is not None
    assert paths is not None
    return paths.weights[found[0]].transpose(0, 3, 1, 2).reshape(-1, lanes)
