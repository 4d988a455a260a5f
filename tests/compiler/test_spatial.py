"""Programs of the spatial engine: exact, and no more adders than common sums leave."""

from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.compiler import Options, compile_network
from hdlgen.compiler.spatial.compile import compile_spatial
from hdlgen.compiler.spatial.sharing import digits, share
from hdlgen.errors import InputError
from hdlgen.integers import Interval
from hdlgen.network import Activation, Network

from ..layered import inputs, layered_networks, make, mixture


@settings(deadline=None, max_examples=60, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(network=layered_networks(activated_end=True, sobol=True), adders=st.sampled_from([1, 2, 3, 8]))
def test_exact(network: Network, adders: int) -> None:
    """Verified weight by weight, and run; everything but constants is as wide as it needs to be."""
    try:
        network.ranges()
    except InputError:
        assume(False)
    x = inputs(network, 5)
    program = compile_spatial(network, Options(adders=adders))
    assert np.array_equal(program.run(x), golden.evaluate(network, x))
    values: list[Any] = []
    for value in program.values:
        values.append(value.of(x, values))
        assert value.reached.low <= values[-1].min()
        assert values[-1].max() <= value.reached.high
