"""The golden model of recurrent layers: sequences, hard functions and tables, formats that lose everything."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from hdlgen import golden
from hdlgen.errors import InputError
from hdlgen.layers import cells
from hdlgen.network import Network, verify

from ..recurrent import CELLS, loop, make, sequences


def small(cell: str = "gru", **options: Any) -> Network:
    choices = {"cell": cell, "width": 6, "band": 3} | options
    return make(np.random.default_rng(3), inputs=4, bands=[choices], dense=(3,))


@pytest.mark.parametrize("cell", CELLS)
def test_two_hundred_steps_and_one(cell: str) -> None:
    """Sequences do not know of each other, whatever their order and length."""
    network = small(cell)
    lengths = np.array([1, 200, 1, 17])
    x = sequences(network, lengths.tolist())
    together = golden.evaluate(network, x, lengths)
    for index, part in enumerate(np.split(x, np.cumsum(lengths)[:-1])):
        assert np.array_equal(golden.evaluate(network, part, lengths[index : index + 1])[0], together[index])
    backwards = np.split(x, np.cumsum(lengths)[:-1])[::-1]
    assert np.array_equal(golden.evaluate(network, np.concatenate(backwards), lengths[::-1]), together[::-1])
    assert together[1].tolist() == loop(network, x[1:201])[1][-1]


def test_three_dimensions_are_sequences_of_one_length() -> None:
    network = small()
    x = sequences(network, [6] * 5)
    expected = golden.evaluate(network, x, np.full(5, 6))
    assert np.array_equal(golden.evaluate(network, x.reshape(5, 6, 4)), expected)
    assert golden.evaluate(network, np.zeros((0, 6, 4), np.int8)).shape == (0, 3)


def cell_of(network: Network) -> cells._Cell:
    return cells._Cell(network.layers[0], network.tensors, network.input.width, 128)


def test_hard_functions() -> None:
    """sigmoid clamp(x/4 + 1/2, 0, 1) and tanh clamp(x, -1, 1), rounded half up."""
    network = small("gru", fraction=8, gate_bits=5, state_bits=4)
    layer = cell_of(network)
    v = np.arange(-600, 600)
    assert layer._gate(v, 8).tolist() == np.clip(np.floor((v / 256 / 4 + 0.5) * 16 + 0.5), 0, 16).tolist()
    assert layer._state(v, 8).tolist() == np.clip(np.floor(v / 256 * 8 + 0.5), -8, 7).tolist()
    fine = small("gru", fraction=3, gate_bits=6, state_bits=4)
    v = np.arange(-40, 40)
    assert cell_of(fine)._gate(v, fine.layers[0].fraction).tolist() == np.clip(v + 16, 0, 32).tolist()  # no rounding


@pytest.mark.parametrize(
    ("x", "lengths", "message"),
    [
        (np.zeros((4, 4)), [4], "x: dtype is float64; allowed: integers"),
        (np.zeros((4, 5), int), [4], "x: shape is [4, 5]; allowed: [steps of all sequences, 4] (network 'random')"),
        (
            np.zeros((4, 4), int),
            None,
            "x: shape is [4, 4]; allowed: [sequences, steps, 4] (network 'random'), or [steps of all sequences, width]"
            " beside their lengths",
        ),
        (np.zeros((2, 0, 4), int), None, "x: shape is [2, 0, 4]; allowed: [sequences, steps, 4] (network 'random'),"),
        (np.zeros((4, 4), int), [4.0], "lengths: lengths are float64 [1]; allowed: integers [sequences]"),
        (np.zeros((4, 4), int), [[4]], "lengths: lengths are int64 [1, 1]; allowed: integers [sequences]"),
        (np.zeros((4, 4), int), [4, 0], "lengths: length [1] is 0; allowed: 1 and more, 4 in all"),
        (np.zeros((4, 4), int), [5, -1], "lengths: length [0] is 5; allowed: 1 and more, 4 in all"),
        (np.zeros((4, 4), int), [1, 2], "lengths: lengths are 3 steps in all; allowed: 4, the steps of x"),
        (np.full((4, 4), 128), [4], "x: element [0, 0] is 128; allowed: -128..127 (8 bits, signed)"),
        (np.full((4, 4), -129), [4], "x: element [0, 0] is -129; allowed: -128..127 (8 bits, signed)"),
    ],
)
def test_sequences_refused(x: np.ndarray, lengths: Any, message: str) -> None:
    for function in (golden.evaluate, golden.trace):
        with pytest.raises(InputError) as caught:
            function(small(), x, None if lengths is None else np.array(lengths))
        assert str(caught.value).startswith(message)


def big(network: Network, **tensors: np.ndarray) -> Network:
    return dataclasses.replace(network, tensors=network.tensors | tensors)


def quiet(cell: str, value: int, **options: Any) -> Network:
    """All weights of the layer are ``value``, biases 0."""
    network = small(cell, band=1, bias=False, candidate_bias=False, **options)
    return big(
        network,
        **{
            "l1.in": np.full_like(network.tensors["l1.in"], value),
            "l1.u": np.full_like(network.tensors["l1.u"], value),
        },
    )


@pytest.mark.parametrize(
    ("network", "message"),
    [
        # W x reaches 4 * 128: 2^9, of which a shift by 10 leaves a rounded 1.
        (quiet("gru", -1, shift=11), "input shift is 11, which leaves nothing of sums of -508..512; allowed: 0..10"),
        # R reaches +-128 and in +-512: 640 is rounded to 1 by 10 bits.
        (
            quiet("tanh", 1, shift=0, fraction=18),
            "fraction is 18, which leaves nothing of the pre-activations -640..635 of gate 'a'; allowed: up to 17",
        ),
        (
            quiet("gru", 1, shift=0, fraction=20),
            "fraction is 20, which leaves nothing of the pre-activations -640..635 of gate 'r'; allowed: up to 15",
        ),
        (
            quiet("gru", 1, shift=0, state_bits=2, fraction=9, candidate_shift=3),
            "candidate shift is 3, which leaves nothing of sums of -2..1; allowed: 0..1",
        ),
        (
            quiet("tanh", 1, shift=0, state_table=8, table_shift=12),
            "state function shift is 12, which leaves nothing of sums of -640..635; allowed: 0..10",
        ),
        (
            quiet("ligru", 1, shift=0, gate_table=8, table_shift=12, fraction=7),
            "gate function shift is 12, which leaves nothing of sums of -512..763; allowed: 0..10",
        ),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_formats_that_lose_everything(network: Network, message: str) -> None:
    verify(network)
    with pytest.raises(InputError) as caught:
        golden.evaluate(network, np.zeros((1, 1, 4), int))
    assert str(caught.value) == f"network 'random': layer 1: {message}"


def test_the_largest_format_that_loses_not_everything() -> None:
    assert golden.trace(quiet("gru", -1, shift=10), np.full((1, 1, 4), -128)).layers[0]["input"].max() == 1
    state = golden.trace(quiet("tanh", 1, shift=0, fraction=17), np.full((1, 1, 4), -128)).layers[0]["value"]
    assert state.tolist() == [[0] * 6]  # in alone is -512, rounded up; with h it could be -640


def test_sums_beyond_64_bits_are_refused() -> None:
    """The formats exclude them; a network made in Python need not have been verified."""
    network, lstm = small("gru"), small("lstm")
    for bad, message in [
        (big(network, **{"l1.in": np.full((18, 4), 2**60)}), f"a sum of inputs could reach {2**60 * 128 * 4 + 2}"),
        (big(network, **{"l1.u": np.full((3, 3, 6), 2**60)}), "an accumulator could reach 442721857769029"),
        (big(lstm, **{"l1.bias": np.full((4, 6), -(2**63))}), "an accumulator could reach 9223372036854"),
    ]:
        with pytest.raises(InputError) as caught:
            golden.evaluate(bad, np.zeros((1, 1, 4), int))
        assert str(caught.value).startswith(f"network 'random': layer 1: {message}")
        assert str(caught.value).endswith("; allowed: 9223372036854775807 (64 bits signed)")


def test_a_table_that_sees_nothing_of_the_cell_state() -> None:
    """At 2^8 and of 16 bits it is read with a shift of 3 more than the gates, which are at 2^5."""

    def table(shift: int) -> Network:
        return small("lstm", state_table=8, table_shift=shift, fraction=5, state_fraction=2)

    x = np.zeros((1, 1, 4), int)
    assert golden.evaluate(table(12), x).shape == (1, 3)
    with pytest.raises(InputError) as caught:
        golden.evaluate(table(13), x)
    assert str(caught.value) == (
        "network 'random': layer 1: cell state's function shift is 16, which leaves nothing of sums of -32768..32767;"
        " allowed: 0..15"
    )
