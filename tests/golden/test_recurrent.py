"""The golden model of recurrent networks against plain loops in Python's integers."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.network import RecurrentNetwork, verify_recurrent

from ..recurrent import loop, recurrent_networks, sequences


@settings(max_examples=300, deadline=None)
@given(recurrent_networks(), st.lists(st.integers(1, 7), min_size=1, max_size=4))
def test_equals_the_loops(network: RecurrentNetwork, lengths: list[int]) -> None:
    verify_recurrent(network)
    x = sequences(network, lengths)
    traced = golden.trace(network, x, np.array(lengths))
    last = golden.evaluate(network, x, np.array(lengths))
    every = golden.evaluate(network, x, np.array(lengths), every_step=True)
    assert last.dtype == every.dtype == np.int64
    assert np.array_equal(traced.outputs, every)
    start = 0
    for index, length in enumerate(lengths):
        part = slice(start, start + length)
        states, outputs = loop(network, x[part])
        for layer, expected in zip(traced.layers, states, strict=True):
            assert layer["state"][part].tolist() == expected
        assert every[part].tolist() == outputs
        assert last[index].tolist() == outputs[-1]
        start += length
