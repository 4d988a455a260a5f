"""Programs of the gather engine: exact, balanced, and as soon as the values are there."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.compiler import Options
from hdlgen.compiler.faults import CompilerFault
from hdlgen.compiler.gather.compile import compile_gather
from hdlgen.compiler.gather.program import GatherProgram
from hdlgen.compiler.gather.verify import verify
from hdlgen.errors import InputError
from hdlgen.network import Activation, Network, Skip

from ..layered import inputs, layered_networks, make, mixture

RELU = Activation(bits=8, shift=9)


def pruned(widths: tuple[int, ...], density: float, seed: int = 1) -> Network:
    """All layers explicit, with random edges."""
    layers = []
    for number, (inside, outside) in enumerate(itertools.pairwise(widths), 1):
        last = number == len(widths) - 1
        count = round(inside * outside * density)
        layers.append(
            {"kind": "explicit", "width": outside, "edge_count": count, "activation": None if last else RELU}
        )
    network = make(seed, width=widths[0], layers=layers)
    rng = np.random.default_rng(seed)
    for number, (inside, outside) in enumerate(itertools.pairwise(widths), 1):
        count = len(network.tensors[f"w{number}"])
        keys = rng.choice(inside * outside, count, replace=False)
        network.tensors[f"e{number}"] = np.stack([keys % inside, keys // inside], axis=1).astype(np.int32)
        weights = network.tensors[f"w{number}"]
        weights[weights == 0] = 1
    return network


@settings(deadline=None, max_examples=120, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(network=layered_networks(activated_end=True, sobol=True), lanes=st.sampled_from([1, 2, 4, 16, 64]))
def test_exact(network: Network, lanes: int) -> None:
    try:
        network.ranges()
    except InputError:
        assume(False)
    x = inputs(network, 5)
    assert np.array_equal(compile_gather(network, Options(lanes=lanes)).run(x), golden.evaluate(network, x))


def test_utilisation() -> None:
    """Nine tenths of all multiplications are needed, and more, waits at the borders of the layers included."""
    network = pruned((784, 300, 300, 10), 0.1)
    program = compile_gather(network, Options(lanes=16))
    assert program.edges == 32820
    assert program.utilisation == program.edges / (16 * program.interval_cycles)
    assert program.utilisation >= 0.95
    # The layers lie where the input was: half the memory.
    assert program.depth <= 2048 < 2 * 784 + 600
    assert np.array_equal(program.run(inputs(network, 3)), golden.evaluate(network, inputs(network, 3)))


def test_large_neurons_are_spread() -> None:
    """One neuron with as many edges as all others together costs no more than its share."""
    network = make(1, width=64, layers=[{"kind": "explicit", "width": 16, "edge_count": 64 + 15 * 4}])
    pairs = network.tensors["e1"]
    pairs[:64] = np.stack([np.arange(64), np.full(64, 3)], axis=1)
    pairs[64:, 1] = np.repeat([n for n in range(16) if n != 3], 4)
    network.tensors["w1"][:] = 7
    program = compile_gather(network, Options(lanes=8))
    assert program.joins
    assert sum(program.layers[0].cycles) < 64 / 2
    x = inputs(network, 4)
    assert np.array_equal(program.run(x), golden.evaluate(network, x))


def test_dense_layers_need_no_index() -> None:
    network = make(
        2, width=30, layers=[{"kind": "dense", "width": 20, "activation": RELU}, {"kind": "dense", "width": 20}]
    )
    program = compile_gather(network, Options(lanes=4))
    assert not program.indexed
    assert program.steps == 5 * 30 + 5 * 20
    assert program.layers[-1].natural


def test_no_wait_at_the_border() -> None:
    """The values that come last are read last."""
    network = make(
        3, width=40, layers=[{"kind": "dense", "width": 40, "activation": RELU}, {"kind": "dense", "width": 20}]
    )
    program = compile_gather(network, Options(lanes=4))
    assert [sum(job.delays) for job in program.layers] == [0, 0]


@pytest.mark.parametrize(
    ("values", "kind", "weight_bits", "code_bits"),
    [
        ((-1, 1), "add", 2, 1),
        ((-1, 0, 1), "add", 2, 2),
        ((-4, 0, 2, 1), "shift", 3, 3),
        ((-3, 0, 2, 1), "dsp", 3, 3),
        ((-128, 0, 127), "dsp", 8, 8),
    ],
)
def test_weights(values: tuple[int, ...], kind: str, weight_bits: int, code_bits: int) -> None:
    network = make(4, width=9, layers=[{"kind": "dense", "width": 6}])
    network.tensors["w1"] = np.random.default_rng(1).choice(values, (6, 9)).astype(np.int16)
    program = compile_gather(network, Options(lanes=4))
    assert (program.multiplier, program.weight_bits, program.code_bits) == (kind, weight_bits, code_bits)


def test_code_books() -> None:
    """As many bits as there are entries, the zero of lanes without an edge included; a book for each layer if need be."""
    layers = [
        {"kind": "explicit", "width": 20, "edge_count": 100, "codes": 15, "activation": RELU, "weight_bits": 12},
        {"kind": "dense", "width": 5, "codes": 16, "weight_bits": 12},
    ]
    network = make(6, width=20, layers=layers)
    network.tensors["e1"] = np.stack([np.arange(100) % 20, np.arange(100) // 5], axis=1).astype(np.int32)
    program = compile_gather(network, Options(lanes=4))
    assert program.code_bits == 4
    assert len(set(program.books)) == 2
    program = compile_gather(make(6, width=20, layers=layers[:1] + [{**layers[1], "codes": 0}]), Options(lanes=4))
    assert (program.code_bits, program.books) == (program.weight_bits, ())


def test_skip_alone_keeps_its_source() -> None:
    """A value is not overwritten before its last reader, also where that is a skip connection."""
    layers = [
        {"kind": "dense", "width": 8, "activation": RELU},
        {"kind": "dense", "width": 8, "activation": RELU},
        {"kind": "dense", "width": 8, "activation": RELU, "skip": Skip(source=0, shift=4)},
        {"kind": "dense", "width": 8, "skip": Skip(source=1, shift=2)},
    ]
    network = make(5, width=8, layers=layers)
    for lanes in (1, 4, 8):
        x = inputs(network, 6)
        assert np.array_equal(compile_gather(network, Options(lanes=lanes)).run(x), golden.evaluate(network, x))


def _early(p: GatherProgram) -> GatherProgram:
    job = max(range(len(p.layers)), key=lambda number: sum(p.layers[number].delays))
    late = p.layers[job]
    delays = tuple(max(delay - 1, 0) for delay in late.delays)
    return replace(p, layers=(*p.layers[:job], replace(late, delays=delays), *p.layers[job + 1 :]))


def _moved(p: GatherProgram) -> GatherProgram:
    return replace(p, layers=tuple(replace(job, base=2 * p.place_stride) for job in p.layers))


@pytest.mark.parametrize("change", [_early, _moved])
def test_verify_finds(change) -> None:  # type: ignore[no-untyped-def]
    network = mixture()
    program = compile_gather(network, Options(lanes=4))
    with pytest.raises(CompilerFault):
        verify(network, change(program))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"multiplier": "add"},
            "network 'layered': multiplier: add needs weights in -1, 0, 1; the largest weight here is 129",
        ),
        (
            {"multiplier": "shift"},
            "network 'layered': multiplier: shift needs weights that are 0 or powers of two; one here is 89",
        ),
    ],
)
def test_options_are_checked(options: dict, message: str) -> None:
    with pytest.raises(InputError) as caught:
        compile_gather(mixture(), Options(**options))
    assert str(caught.value) == message


def test_layers_that_nobody_reads() -> None:
    program = compile_gather(mixture(), Options(lanes=4))
    assert [job.number for job in program.layers] == [1, 2, 3, 5, 6]
    assert "layer 4: no layer reads it; it is not computed" in program.notes
