"""Interleavers: the definition in plain integers, no clash, every neuron as often as the next."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdlgen.connections import InterleaverTopology, flaws, interleaver
from hdlgen.errors import InputError


@st.composite
def interleavers(draw: st.DrawFn) -> tuple[InterleaverTopology, int, int]:
    """An interleaver with the widths of its layers."""
    lanes, rows = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    runs = draw(st.integers(1, 6))
    source, target = lanes * rows, lanes * runs
    fan_out = runs // np.gcd(rows, runs) * draw(st.integers(1, 4))
    topology = InterleaverTopology(
        lanes=lanes,
        fan_in=source * int(fan_out) // target,
        fan_out=int(fan_out),
        start=tuple(draw(st.integers(0, rows - 1)) for _ in range(lanes)),
        sweep=tuple(draw(st.integers(0, rows - 1)) for _ in range(lanes)),
    )
    return topology, source, target


@settings(max_examples=200, deadline=None)
@given(interleavers())
def test_definition(made: tuple[InterleaverTopology, int, int]) -> None:
    """One address register per bank, which an adder moves on, makes all connections; no two lanes want one bank."""
    topology, width_in, width_out = made
    z, rows = topology.lanes, width_in // topology.lanes
    source, target = topology.vertices(0, width_in), topology.vertices(1, width_out)
    assert len(source) == len(target) == width_in * topology.fan_out == width_out * topology.fan_in
    register = list(topology.start)
    found = np.full((width_out, topology.fan_in), -1)
    for cycle in range(rows * topology.fan_out):
        if cycle and cycle % rows == 0:
            register = [(row + sweep) % rows for row, sweep in zip(register, topology.sweep, strict=True)]
        for lane in range(z):
            bank = (lane + cycle) % z
            neuron = cycle // topology.fan_in * z + lane
            found[neuron, cycle % topology.fan_in] = register[bank] * z + bank
        assert {
            int(found[cycle // topology.fan_in * z + lane, cycle % topology.fan_in]) % z for lane in range(z)
        } == {*range(z)}
        register = [(row + 1) % rows for row in register]
    assert source.tolist() == found.reshape(-1).tolist()
    assert target.tolist() == [neuron for neuron in range(width_out) for _ in range(topology.fan_in)]
    assert (np.bincount(source, minlength=width_in) == topology.fan_out).all()
    # Within a sweep every source neuron is read once.
    order = np.lexsort((target % z, target // z * topology.fan_in + np.arange(len(target)) % topology.fan_in))
    for sweep in range(topology.fan_out):
        part = source[order][sweep * width_in : (sweep + 1) * width_in]
        assert sorted(part.tolist()) == list(range(width_in))


@pytest.mark.parametrize(
    ("source", "target", "lanes", "fan_out"),
    [(784, 256, 16, 16), (1024, 1024, 32, 16), (300, 300, 4, 30), (256, 256, 16, 8), (64, 128, 8, 6)],
)
def test_made_for_widths(source: int, target: int, lanes: int, fan_out: int) -> None:
    topology = interleaver(source, target, lanes=lanes, fan_out=fan_out, seed=5)
    assert (topology.lanes, topology.fan_out, topology.fan_in) == (lanes, fan_out, source * fan_out // target)
    assert flaws(topology, (source, target)) == (0, 0)
    assert topology == interleaver(source, target, lanes=lanes, fan_out=fan_out, seed=5)
    assert topology.start != interleaver(source, target, lanes=lanes, fan_out=fan_out, seed=6).start


def test_flaws_are_counted() -> None:
    """Four neurons, two rows in two banks: every neuron of a lane gets the same two sources, or one source twice."""
    same = InterleaverTopology(lanes=2, fan_in=2, fan_out=2, start=(0, 0), sweep=(0, 0))
    assert same.vertices(0, 4).reshape(4, 2).tolist() == [[0, 3], [1, 2], [0, 3], [1, 2]]
    assert flaws(same, (4, 4)) == (0, 2)
    assert flaws(interleaver(4, 4, lanes=2, fan_out=2), (4, 4)) == (0, 0)
    single = InterleaverTopology(lanes=1, fan_in=4, fan_out=4, start=(0,), sweep=(0,))
    assert flaws(single, (2, 2)) == (4, 1)


def test_impossible_widths() -> None:
    with pytest.raises(InputError, match=r"^interleaver: lanes is 16; allowed: divisors of 4 \(both widths\)$"):
        interleaver(300, 16, lanes=16, fan_out=1)
    with pytest.raises(
        InputError, match=r"^interleaver: fan_out is 5; allowed: multiples of 16 \(784 to 256 neurons\)"
    ):
        interleaver(784, 256, lanes=16, fan_out=5)
