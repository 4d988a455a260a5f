"""The whole gather core: every result equal to the golden model, every frame at the predicted cycle."""

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.compiler.gather import compile_layered
from hdlgen.compiler.gather_timing import schedule
from hdlgen.errors import InputError
from hdlgen.network import LayeredNetwork
from hdlgen.topology.layered import layered_ranges

from ..layered import inputs, layered_networks, mixture
from .bench import run, send_all


def check_full_speed(network: LayeredNetwork, lanes: int, frames: int = 4) -> None:
    program = compile_layered(network, lanes=lanes)
    x = inputs(network, frames)
    recording = run(program, send_all(program, x), len(x))
    assert recording.results == golden.evaluate(network, x).tolist()
    assert not any(recording.errors)
    begins, ends = schedule(program, len(x))
    assert recording.accepted[:: program.beats] == begins
    assert recording.ends == ends


@pytest.mark.parametrize("lanes", [1, 2, 8, 16])
def test_mixture(lanes: int) -> None:
    """Dense, path and explicit layers, other sources, skip connections, a code book, multipliers, signed values."""
    check_full_speed(mixture(), lanes, frames=5)


@settings(deadline=None, max_examples=30, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(network=layered_networks(), lanes=st.sampled_from([1, 2, 4, 8]))
def test_random_networks(network: LayeredNetwork, lanes: int) -> None:
    try:
        layered_ranges(network)
    except InputError:
        assume(False)
    check_full_speed(network, lanes)
