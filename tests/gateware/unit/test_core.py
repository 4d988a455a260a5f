"""The whole recurrent core: every result equal to the golden model, every step at the predicted cycle."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.compiler import Options
from hdlgen.compiler.unit.compile import compile_units
from hdlgen.compiler.unit.program import BandProgram, Unit
from hdlgen.compiler.unit.timing import predict, stage
from hdlgen.gateware.arithmetic import SHALLOW
from hdlgen.network import Network

from ...compiler.recurrent import layer, make_recurrent, sequences
from ...recurrent import recurrent_networks
from .. import sequence_bench
from ..sequence_bench import run_sequences, sequence_beats


def check_full_speed(network: Network, program: BandProgram, lengths: list[int], seed: int = 1) -> None:
    x, counts = sequences(network, lengths, seed)
    sequence_bench.check_full_speed(network, program, stage(program), x, counts)


def with_chains(program: BandProgram, log2: int) -> BandProgram:
    """The program with 2^log2 chains in every unit, or as many as there are lanes."""
    units: list[Unit] = []
    for unit in program.units:
        source = {"source_run": units[-1].run_length, "source_chains": units[-1].chains} if units else {}
        units.append(replace(unit, chains=min(1 << log2, unit.lanes), **source))
    return predict(replace(program, units=tuple(units)))


CASES: list[tuple[dict[str, Any], int, tuple[int, ...], int]] = [
    (layer("gru", 16), 4, (5,), 4),
    (layer("tanh", 16, band=1), 3, (), 4),
    (layer("relu", 12, band=3, weight_bits=3), 6, (4,), 8),
    (layer("ligru", 16, band=7), 5, (3,), 4),
    (layer("lstm", 16, band=5), 5, (6,), 8),
]


@pytest.mark.parametrize(("given", "inputs", "head", "lanes"), CASES)
@pytest.mark.parametrize("results", ["sequence", "step"])
def test_cells(given: dict[str, Any], inputs: int, head: tuple[int, ...], lanes: int, results: str) -> None:
    network = make_recurrent(inputs, [given], head)
    program = compile_units(network, Options(lanes=lanes, results=results))
    check_full_speed(network, program, [1, 3, 2, 5])


SMALL: list[tuple[dict[str, Any], int]] = [
    (layer("relu", 2, groups=1), 1),
    (layer("gru", 2, band=1, shared=True), 1),
    (layer("gru", 2, band=1, shared=True), 2),
    (layer("lstm", 3, band=1, shared=True), 1),
]


@pytest.mark.parametrize(("given", "inputs"), SMALL)
def test_steps_that_come_slowly(given: dict[str, Any], inputs: int) -> None:
    """Each is alone in the core: its own sums are waited for, also where there are few blocks before they are wanted."""
    network = make_recurrent(inputs, [given])
    program = compile_units(network, Options(lanes=1, results="step"))
    x, lengths = sequences(network, [4])
    pace = program.latency_cycles
    recording = run_sequences(
        program, sequence_beats(program, x, lengths), len(x), offer=lambda cycle: cycle % pace == 0
    )
    assert recording.results == golden.evaluate(network, x, lengths, every_step=True).tolist()


EDGES: list[tuple[dict[str, Any], int, tuple[int, ...], int, int]] = [
    (layer("gru", 9, edges=50, weight_bits=5), 4, (3,), 4, 0),
    (layer("lstm", 10, edges=60, shared=True), 2, (5,), 8, 2),
    (layer("ligru", 19, edges=90), 1, (), 16, 1),
    (layer("tanh", 6, edges=9, in_edges=5), 3, (2,), 1, 0),
    (layer("relu", 11, edges=24), 2, (4,), 2, 1),
]


@pytest.mark.parametrize(("given", "inputs", "head", "lanes", "chains"), EDGES)
def test_edges(given: dict[str, Any], inputs: int, head: tuple[int, ...], lanes: int, chains: int) -> None:
    """States by stored indices, some rows without any, before a layer that reads them in their new order."""
    network = make_recurrent(inputs, [given], head)
    program = with_chains(compile_units(network, Options(lanes=lanes, results="step")), chains)
    assert program.units[0].gathered
    check_full_speed(network, program, [1, 3, 2])


@pytest.mark.parametrize("results", ["sequence", "step"])
def test_equal_layers(results: str) -> None:
    """A third layer as fast as the second costs no time: its steps have four places."""
    programs = [
        compile_units(make_recurrent(16, [layer("gru", 16, band=3)] * count, ()), Options(lanes=16, results=results))
        for count in (1, 2, 3)
    ]
    assert len({program.period_cycles for program in programs}) == 1
    assert max(unit.places for unit in programs[-1].units) == 4
    check_full_speed(make_recurrent(16, [layer("gru", 16, band=3)] * 3, ()), programs[-1], [9, 1, 3])


def test_many_blocks() -> None:
    """Their lengths stand in a block RAM."""
    network = make_recurrent(2, [layer("lstm", 17, edges=120)], (2,))
    program = compile_units(network, Options(lanes=1))
    assert len(program.units[0].recurrent_lengths) > SHALLOW
    check_full_speed(network, program, [2, 1])


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_other_weights(cell: str) -> None:
    """In the frame of an adaptable design, whose constants are in memory even where all of them are the same."""
    given = [layer(cell, 4, band=3, shared=cell == "gru", bias=False), layer("relu", 4, band=1)]
    options = Options(lanes=4, adaptable=True)
    frame = compile_units(make_recurrent(2, given, (3,)), options).frame
    other = make_recurrent(2, given, (3,), seed=2)
    check_full_speed(other, compile_units(other, options, frame=frame), [1, 3, 2])


@settings(deadline=None, max_examples=12, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    network=recurrent_networks(most=17),
    lanes=st.sampled_from([1, 2, 4, 8, 16]),
    chains=st.integers(0, 4),
    results=st.sampled_from(["step", "sequence"]),
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=3),
)
def test_random_networks(network: Network, lanes: int, chains: int, results: str, lengths: list[int]) -> None:
    """Any cell, band, number of groups and lanes, any widths, and other chains than the compiler would choose."""
    program = compile_units(network, Options(lanes=lanes, results=results))
    check_full_speed(network, with_chains(program, chains), lengths)


def test_heads() -> None:
    """Dense layers with biases, and with fewer bits between them than their formats could hold."""
    network = make_recurrent(3, [layer("tanh", 11, band=1)], (7, 3, 5), head_shift=13)
    for lanes, chains in ((4, 0), (4, 1), (2, 1)):
        program = with_chains(compile_units(network, Options(lanes=lanes, results="step")), chains)
        check_full_speed(network, program, [2, 1])
