"""Scrambling and digital shifts: the definition digit by digit, and what they leave of the sequence's evenness."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdlgen.network import SobolTopology
from hdlgen.sequences import random, sobol

seeds = st.one_of(st.none(), st.integers(0, 2**32 - 1))


def digits_of(point: int, count: int) -> list[int]:
    return [point >> (count - 1 - r) & 1 for r in range(count)]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 300), st.integers(0, 12), st.integers(0, 3), seeds, seeds, st.integers(0, 8), st.integers(0, 14)
)
def test_definition(
    paths: int, dimension: int, more: int, scramble: int | None, shift: int | None, kept: int, slot_bits: int
) -> None:
    changed = (paths - 1).bit_length() + more
    topology = SobolTopology(
        paths=paths,
        dimensions=(3, dimension),
        log2_slots=(4, slot_bits),
        scramble=scramble,
        shift=shift,
        kept=kept,
        digits=changed,
    )
    count = max(slot_bits, changed, 10)
    expected = []
    for x in sobol.points(dimension, 0, paths, count).tolist():
        x = digits_of(x, count)
        y = list(x)
        if scramble is not None:
            words = [int(random.philox_words(scramble, 64 + r, 1, stream=1)[0]) for r in range(changed)]
            for r in range(kept, changed):
                y[r] = (x[r] + sum(digits_of(words[r], 64)[q] * x[q] for q in range(kept, r))) % 2
        if shift is not None:
            word = digits_of(int(random.philox_words(shift, 1, 1, stream=2)[0]), 64)
            y = [(digit + word[r]) % 2 if r < changed else digit for r, digit in enumerate(y)]
        expected.append(sum(digit << (slot_bits - 1 - r) for r, digit in enumerate(y[:slot_bits])))
    assert topology.slots(1).tolist() == expected


@pytest.mark.parametrize(("scramble", "kept", "shift"), [(1, 6, 2), (7, 0, None), (2, 0, 9), (None, 6, 3), (5, 3, 5)])
def test_elementary_intervals_hold_as_many_points_as_before(
    scramble: int | None, kept: int, shift: int | None
) -> None:
    """Top digits depend on top digits only, so cells of 2**a x 2**b x 2**c slots exchange their points as a whole."""
    dimensions = (0, 1, 4)
    made = SobolTopology(
        paths=256, dimensions=dimensions, log2_slots=(8, 8, 8), scramble=scramble, kept=kept, shift=shift
    )
    plain = SobolTopology(paths=256, dimensions=dimensions, log2_slots=(8, 8, 8))
    after, before = ([topology.slots(layer) for layer in range(3)] for topology in (made, plain))
    assert any(not np.array_equal(a, b) for a, b in zip(after, before, strict=True))
    for bits in product(range(9), repeat=3):
        if sum(bits) > 8:
            continue
        counts = []
        for slots in (after, before):
            cell = sum(slots[layer] >> (8 - bits[layer]) << sum(bits[:layer]) for layer in range(3))
            counts.append(sorted(np.bincount(cell, minlength=1 << sum(bits)).tolist()))
        assert counts[0] == counts[1]
    for slots in after:
        assert sorted(slots.tolist()) == list(range(256))


def test_the_first_points_are_a_sequence_of_their_own() -> None:
    """With the digits stated, fewer paths visit the same slots."""
    options = {"dimensions": (0, 5), "log2_slots": (9, 3), "scramble": 11, "kept": 2, "shift": 12, "digits": 12}
    whole = SobolTopology(paths=2048, **options)
    for paths in (1, 2, 64, 1000):
        part = SobolTopology(paths=paths, **options)
        for layer in (0, 1):
            assert part.slots(layer).tolist() == whole.slots(layer)[:paths].tolist()


def test_layers_and_seeds_differ() -> None:
    rows = [sobol.scramble_rows(seed, layer, 20, 0) for seed in (1, 2) for layer in (0, 1)]
    shifts = [sobol.digital_shift(seed, layer, 20, 20) for seed in (1, 2) for layer in (0, 1)]
    assert len({tuple(row) for row in rows}) == len(set(shifts)) == 4
    assert all(row.bit_length() <= r + 1 and row & 1 for r, row in enumerate(rows[0]))
    assert sobol.scramble_rows(1, 0, 20, 20) == [1] * 20
    assert sobol.digital_shift(1, 0, 5, 20) == shifts[0] >> 15 << 15
    assert sobol.digital_shift(1, 0, 20, 5) == shifts[0] >> 15
