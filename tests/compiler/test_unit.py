"""The compiler of recurrent networks: the program computes what the golden model does, in the order of the hardware."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.compiler import Options
from hdlgen.compiler.unit.compile import compile_units
from hdlgen.compiler.unit.program import FETCH, Recurrence
from hdlgen.layers import covers
from hdlgen.network import BandRnn, Network

from ..recurrent import CELLS, GATES, recurrent_networks
from .recurrent import layer, make_recurrent, sequences


@settings(deadline=None, max_examples=150)
@given(
    network=recurrent_networks(most=40),
    lanes=st.sampled_from([1, 2, 4, 8, 16, 32]),
    every_step=st.booleans(),
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4),
)
def test_program_equals_golden(network: Network, lanes: int, every_step: bool, lengths: list[int]) -> None:
    program = compile_units(network, Options(lanes=lanes, results="step" if every_step else "sequence"))
    x, counts = sequences(network, lengths)
    expected = golden.evaluate(network, x, counts, every_step=every_step)
    assert np.array_equal(program.run(x, counts), expected)


@pytest.mark.parametrize(
    ("members", "lanes", "form", "cycles"),
    [
        ({"band": 9}, 8, "band", 9),
        ({"band": 1}, 8, "rotate", 1),
        ({"band": 31}, 8, "band", 31),
        ({"band": 33}, 8, "broadcast", 32),  # N products per neuron are cheaper
        ({"band": 63}, 8, "broadcast", 32),  # full
        ({"band": 5, "cyclic": True}, 8, "band", 5),
        ({"band": 32, "cyclic": True}, 8, "broadcast", 32),
        ({"groups": 1}, 8, "broadcast", 32),
        ({"groups": 2}, 8, "broadcast", 16),
        ({"groups": 4}, 8, "rotate", 8),
        ({"groups": 8}, 8, "rotate", 4),
        ({"groups": 32}, 8, "rotate", 1),
    ],
)
def test_cheapest_recurrence(members: dict[str, Any], lanes: int, form: str, cycles: int) -> None:
    network = make_recurrent(4, [layer("tanh", 32, **members)])
    program = compile_units(network, Options(lanes=lanes))
    recurrence = program.units[0].recurrence
    assert isinstance(recurrence, Recurrence)
    assert (recurrence.form, recurrence.cycles) == (form, cycles)
    assert program.units[0].recurrent_words == cycles * 32 // lanes


@pytest.mark.parametrize(
    ("width", "members", "lanes", "note"),
    [
        (
            24,
            {"groups": 4},
            4,
            "layer 1: 4 groups of 6 on 4 lanes: 11 products per neuron and gate, 5 of them of weight zero, "
            "computed as a band of 11",
        ),
        (
            10,
            {"band": 3, "cyclic": True},
            4,
            "layer 1: ring of 3 on 4 lanes: 10 products per neuron and gate, 7 of them of weight zero, "
            "computed as full recurrence",
        ),
        (8, {"band": 13}, 4, "layer 1: a band of 13 is full recurrence: 8 products per neuron and gate"),
    ],
)
def test_notes_on_costlier_forms(width: int, members: dict[str, Any], lanes: int, note: str) -> None:
    network = make_recurrent(3, [layer("tanh", width, **members)])
    assert compile_units(network, Options(lanes=lanes)).notes == (note,)


def edges_of(rows: list[tuple[int, int]], width: int, **changes: Any) -> Network:
    """A layer of tanh cells with these edges, (source, row), and a head unless ``head`` is ()."""
    head = changes.pop("head", (3,))
    network = make_recurrent(4, [layer("tanh", width, edges=len(rows), **changes)], head)
    tensors = network.tensors | {"l1.edges": np.array(rows, np.int32), "l1.u": np.full(len(rows), 3, np.int8)}
    return replace(network, tensors=tensors)


@pytest.mark.parametrize(
    ("rows", "form", "cycles", "note"),
    [
        # A band with a hole, two groups, and all of a ring's.
        (
            [(k + d, k) for k in range(8) for d in (-1, 1) if 0 <= k + d < 8],
            "band",
            3,
            "14 edges are computed as what holds them, without indices: band of 3",
        ),
        (
            [(j, k) for k in range(8) for j in range(8) if j // 4 == k // 4],
            "rotate",
            4,
            "32 edges are computed as what holds them, without indices: 2 groups of 4",
        ),
        (
            [((k + d) % 8, k) for k in range(8) for d in (-1, 0, 1)],
            "band",
            3,
            "24 edges are computed as what holds them, without indices: ring of 3",
        ),
        (
            [(k, k) for k in range(8)],
            "rotate",
            1,
            "8 edges are computed as what holds them, without indices: diagonal",
        ),
        (
            [(0, 7), (7, 0), (3, 4), (5, 4), (1, 4), (4, 6)],
            "gather",
            3,
            "6 of 64 recurrent weights with stored indices: 6 cycles of 4 lanes, 25% used",
        ),
    ],
)
def test_cheapest_form_of_edges(rows: list[tuple[int, int]], form: str, cycles: int, note: str) -> None:
    program = compile_units(edges_of(rows, 8), Options(lanes=4))
    recurrence = program.units[0].recurrence
    assert isinstance(recurrence, Recurrence)
    assert (recurrence.form, recurrence.cycles) == (form, cycles)
    assert program.notes == (f"layer 1: {note}",)


def test_lanes_are_balanced() -> None:
    """Neurons of like work share a group: of one group's four lanes none waits. Results are not put in another order."""
    rows = [(j, k) for k in range(8) for j in range(7 if k % 2 else 3)]
    unit = compile_units(edges_of(rows, 8), Options(lanes=4)).units[0]
    assert unit.recurrence is not None
    assert unit.recurrence.lengths == (7, 3)
    assert unit.order == (1, 3, 5, 7, 0, 2, 4, 6)
    assert unit.recurrence.products == unit.lanes * unit.recurrent_words == 40
    last = compile_units(edges_of(rows, 8, head=()), Options(lanes=4)).units[0]
    assert last.recurrence is not None
    assert last.recurrence.lengths == (7, 7)
    assert last.order == tuple(range(8))


def test_repeated_edges_are_one() -> None:
    """Their weights are added up, and those that add up to 0 are left out."""
    network = edges_of([(0, 5)] * 3 + [(7, 1), (7, 1), (2, 6), (6, 2)], 8)
    network.tensors["l1.u"][3:5] = 7, -7
    recurrence = compile_units(network, Options(lanes=2)).units[0].recurrence
    assert recurrence is not None
    assert recurrence.products == 3
    x, counts = sequences(network, [3, 2])
    assert np.array_equal(
        compile_units(network, Options(lanes=2)).run(x, counts), golden.evaluate(network, x, counts)
    )


@settings(deadline=None, max_examples=40)
@given(
    cell=st.sampled_from(CELLS),
    width=st.integers(1, 30),
    share=st.integers(1, 12),
    lanes=st.sampled_from([1, 2, 4, 8, 16]),
    head=st.sampled_from([(), (3,)]),
    seed=st.integers(0, 99),
)
def test_edges_are_gathered(cell: str, width: int, share: int, lanes: int, head: tuple[int, ...], seed: int) -> None:
    """Any edges are multiplied once, in the lane of their neuron, by the state of theirs; the same as the full matrix."""
    gates = GATES[cell]
    edges = max(1, gates * width * width // share)
    network = make_recurrent(3, [layer(cell, width, edges=edges, weight_bits=4)], head, seed=seed)
    program = compile_units(network, Options(lanes=lanes))
    x, counts = sequences(network, [4, 1, 2], seed)
    assert np.array_equal(program.run(x, counts), golden.evaluate(network, x, counts))
    rnn = network.layer(1)
    assert isinstance(rnn, BandRnn)
    recurrent = rnn.recurrent_edges(network.tensors)
    form = covers(recurrent, width=width, gates=gates)[0]
    laid = form.laid_out(recurrent).astype(np.int16)
    tensors = {name: tensor for name, tensor in network.tensors.items() if name != "l1.edges"} | {"l1.u": laid}
    full = replace(rnn.with_recurrence(form), weight_bits=16)
    matrix = replace(network, layers=(full, *network.layers[1:]), tensors=tensors)
    assert np.array_equal(golden.evaluate(matrix, x, counts), golden.evaluate(network, x, counts))
    unit = program.units[0]
    if unit.gathered:
        assert unit.recurrence is not None
        assert min(unit.recurrence.lengths) >= FETCH
        assert np.count_nonzero(unit.weights[unit.forward_words :]) == unit.recurrence.products
        assert sorted(unit.order) == list(range(width))


def gru(band: int) -> Network:
    """As large as the spoken digits' network."""
    return make_recurrent(20, [layer("gru", 64, band=band, weight_bits=8)], (10,))


def test_cycles_of_a_step() -> None:
    """Multiplications by lanes, and one cycle to decide."""
    program = compile_units(gru(9), Options(lanes=8))
    products = 3 * 64 * (9 + 20)
    assert program.multiplications == products + 640
    assert program.interval_cycles == products // 8 + 1
    assert program.units[0].chains == 1
    assert program.units[1].lanes == 1


def test_cost_is_linear_in_the_band() -> None:
    units = {band: compile_units(gru(band), Options(lanes=8)) for band in (1, 3, 9, 27)}
    for band, program in units.items():
        unit = program.units[0]
        assert unit.recurrent_words == 24 * band
        assert program.interval_cycles == 24 * band + 24 * 20 + 1
        assert unit.weights.size == 3 * 64 * (band + 20)


def test_chains_keep_up() -> None:
    """Where a block is shorter than a chain, there are more chains."""
    slow = compile_units(make_recurrent(2, [layer("tanh", 64, band=1)]), Options(lanes=16))
    assert slow.units[0].chains == 8
    assert slow.interval_cycles == 64 * (2 + 1) // 16 + 1


def test_equal_layers_cost_nothing() -> None:
    """They work at once, on different steps: a stack is as fast as one layer, however many there are."""
    band = layer("gru", 64, band=9, weight_bits=8)
    for count in (1, 2, 3, 5):
        program = compile_units(make_recurrent(64, [band] * count), Options(lanes=32), check=False)
        assert (program.interval_cycles, program.mean) == (439, 439)
        assert [unit.places for unit in program.units] == [2, *[4] * (count - 1)]


def test_paths_are_a_matrix() -> None:
    """Path inputs and heads are computed as what they are: matrices, with a note about the zeros in them."""
    band = layer("tanh", 8, paths=24, rectify=True)
    network = make_recurrent(4, [band], path=(6,), paths=40)
    program = compile_units(network, Options(lanes=4, results="step"))
    assert [unit.rectify for unit in program.units] == [True, True]
    assert re.fullmatch(
        r"layer 1: 24 paths are computed as a matrix: 32 products, \d+ of them of weight zero", program.notes[0]
    )
    assert re.fullmatch(
        r"layer 2: 40 paths are computed as a matrix: 48 products, \d+ of them of weight zero", program.notes[1]
    )
    x, counts = sequences(network, [3, 2])
    assert np.array_equal(program.run(x, counts), golden.evaluate(network, x, counts, every_step=True))
