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

from ..layered import inputs, layered_networks, make
from ..mixed import MIXED


@settings(deadline=None, max_examples=40, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(network=layered_networks(activated_end=True, sobol=True), adders=st.sampled_from([1, 2, 3, 8]))
def test_exact(network: Network, adders: int) -> None:
    """Verified weight by weight, and run; every value stays in the range that it has room for."""
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


@given(st.integers(-5000, 5000))
def test_digits(constant: int) -> None:
    """As few as in the form in which no two that are not zero are neighbours, which is a shortest one."""
    found = digits(constant)
    assert sum(sign << shift for shift, sign in found) == constant
    assert len({shift for shift, _ in found}) == len(found)
    assert len(found) == (3 * abs(constant) ^ abs(constant)).bit_count()


def test_common_sums() -> None:
    """What rows have in common, shifted or negated, is added once; and sums are exact for the matrix whatever is shared."""
    inside = [Interval(low=0, high=15)] * 3
    # x + 2 y is in all of them: once negated, once shifted, once beside z.
    adders, ends = share(np.array([[1, 2, 0], [-1, -2, 0], [4, 8, 0], [1, 2, 1]], np.int64), inside, [0] * 3)
    assert [end and (end[0][1], end[1]) for end in ends] == [(0, 1), (0, -1), (2, 1), (0, 1)]
    assert len(adders.made) == 2
    assert (adders.reached[3].low, adders.reached[3].high) == (0, 45)
    rng = np.random.default_rng(5)
    matrix = rng.integers(-8, 8, (24, 20))
    adders, ends = share(matrix, [Interval(low=-8, high=7)] * 20, [0] * 20)
    for row, end in zip(matrix, ends, strict=True):
        assert end is not None
        (number, shift), sign = end
        assert np.array_equal(sign * (adders.factors[number] << shift), row)
    plain = sum(len(digits(int(weight))) for weight in matrix.flat) - len(matrix)
    assert len(adders.made) < 0.6 * plain
    assert max(adders.depth) <= 8


def test_what_nobody_reads() -> None:
    """Neurons without a reader, and what only they read, take nothing; constants are added to biases."""
    relu = Activation(bits=4, shift=6)
    layers = [{"kind": "dense", "width": 6, "activation": relu} for _ in range(2)] + [{"kind": "dense", "width": 2}]
    network = make(1, width=5, layers=layers)
    network.tensors["w3"][:, 1:] = 0
    network.tensors["w3"][:, 0] = 7
    network.tensors["w2"][0] = [3, -5, 6, 0, 0, 0]
    network.tensors["w1"][:] = 11
    network.tensors["w1"][1] = 0
    network.tensors["b1"][1] = 640  # a neuron that is always 10
    program = compile_spatial(network, Options())
    x = inputs(network, 9)
    assert np.array_equal(program.run(x), golden.evaluate(network, x))
    assert [sum(number >= 0 for number in layer) for layer in program.neurons] == [5, 3, 1, 2]
    assert program.edges == 2 + 3 + 2 * 5


@pytest.mark.parametrize(
    ("network", "options", "said"),
    [
        (
            make(1, width=5, layers=[{"kind": "dense", "width": 65}]),
            {},
            "layer 1 (dense) can be run by no engine that is allowed: the spatial engine, layer 1: it takes and gives whole "
            "frames, of up to 2048 bits, and these have 40 and 2080",
        ),
        (
            MIXED["paths before"][0](),
            {},
            "can be run by no engine that is allowed: the spatial engine, layer 2: it keeps no state",
        ),
        (
            make(1, width=5, layers=[{"kind": "dense", "width": 5}]),
            {"lanes": 4},
            "lanes: 4 is no option of the spatial engine; allowed are adders, dsps, weights",
        ),
        (
            make(1, width=5, layers=[{"kind": "dense", "width": 5}]),
            {"source": "ram"},
            "weights: 'ram'; allowed with the spatial engine is rom",
        ),
        (
            make(1, width=5, layers=[{"kind": "dense", "width": 5}]),
            {"engine": "gather", "adders": 2},
            "adders: 2 is no option of the gather engine; allowed are ",
        ),
    ],
)
def test_refused(network: Network, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        compile_network(network, Options(**{"engine": "spatial", **options}))
    assert said in str(caught.value)


def test_only_where_asked_for() -> None:
    """Without its name no layer is its; with others, only whole networks are."""
    network = make(1, width=5, layers=[{"kind": "dense", "width": 5}])
    assert compile_network(network, Options()).stages[0].engine == "gather"
    assert compile_network(network, Options(engine="spatial")).stages[0].engine == "spatial"
    with pytest.raises(InputError, match="the spatial engine, layer 2: it runs whole networks only"):
        compile_network(MIXED["edges behind"][0](), Options(engine=("unit", "spatial"), lanes=4))
