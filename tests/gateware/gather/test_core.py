"""The whole gather core: every result equal to the golden model, every frame at the predicted cycle."""

from math import gcd
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.compiler import Options, timing
from hdlgen.compiler.fitting import EngineFrame
from hdlgen.compiler.gather.compile import compile_gather
from hdlgen.compiler.gather.timing import stage
from hdlgen.connections import interleaver
from hdlgen.errors import InputError
from hdlgen.gateware.gather.contents import connectivity_bits
from hdlgen.network import Activation, Network, Skip

from ...layered import inputs, layered_networks, make, mixture
from ..bench import run, send_all


def check_full_speed(network: Network, frames: int = 4, frame: EngineFrame | None = None, **options: Any) -> None:
    program = compile_gather(network, Options(**options), frame=frame)
    x = inputs(network, frames)
    recording = run(program, send_all(program, x), len(x))
    assert recording.results == golden.evaluate(network, x).tolist()
    assert not any(recording.errors)
    begins, ends = timing.schedule([stage(program)], [0], [True] * len(x))
    assert recording.accepted[:: program.beats] == begins
    assert recording.ends == ends


@pytest.mark.parametrize("lanes", [1, 2, 8, 16])
def test_mixture(lanes: int) -> None:
    """Dense, path and explicit layers, other sources, skip connections, a code book, multipliers, signed values."""
    check_full_speed(mixture(), frames=5, lanes=lanes)


@pytest.mark.parametrize("lanes", [1, 4])
@pytest.mark.parametrize("skipped", [1, 2])
def test_skips_begin_with_the_first_neuron(skipped: int, lanes: int) -> None:
    """Layers of one round or a few, of which one has a skip connection, or the one behind it."""
    relu = Activation(bits=8, shift=7)
    layers: list[dict[str, Any]] = [{"kind": "dense", "width": 5, "activation": relu} for _ in range(3)]
    layers[skipped]["skip"] = Skip(source=skipped, shift=5)
    check_full_speed(make(1, width=5, layers=[*layers, {"kind": "dense", "width": 3}]), lanes=lanes)


def test_other_weights() -> None:
    """In the frame of an adaptable design; some weights are zero that were not."""
    network, other = mixture(), mixture()
    for name in ("w1", "w2", "w5"):
        other.tensors[name][..., ::3] = 0
    options = {"lanes": 4, "adaptable": True}
    frame = compile_gather(network, Options(**options)).frame  # type: ignore[arg-type]
    check_full_speed(other, frames=5, frame=frame, **options)


@pytest.mark.parametrize(
    ("source", "target", "lanes", "fan_out"), [(24, 16, 4, 2), (12, 12, 2, 5), (3, 6, 1, 2), (40, 24, 8, 3)]
)
def test_interleavers(source: int, target: int, lanes: int, fan_out: int) -> None:
    """Two of them, and a dense layer: no index is stored."""
    relu = Activation(bits=8, shift=6)
    back = source // gcd(source, target)
    layers = [
        {"width": target, "topology": interleaver(source, target, lanes=lanes, fan_out=fan_out)},
        {"width": source, "topology": interleaver(target, source, lanes=lanes, fan_out=back)},
    ]
    network = make(
        1,
        width=source,
        layers=[{"kind": "path", "activation": relu, **layer} for layer in layers] + [{"kind": "dense", "width": 5}],
    )
    program = compile_gather(network, Options(lanes=lanes))
    assert connectivity_bits(program) == 0
    check_full_speed(network, lanes=lanes)


@pytest.mark.parametrize(
    ("values", "kind", "code_bits", "coded"),
    [
        ((-1, 1), "add", 1, False),
        ((-1, 0, 1), "add", 2, False),
        ((-8, -1, 0, 4, 16), "shift", 4, False),
        ((-7, 0, 100, 3), "dsp", 2, True),
        ((-512, 0, 4, 1), "shift", 2, True),
    ],
)
@pytest.mark.parametrize("signed", [False, True])
def test_few_bits(values: tuple[int, ...], kind: str, code_bits: int, coded: bool, signed: bool) -> None:
    """Adders, shifters and code books, on unsigned and signed values."""
    activation = Activation(kind="identity" if signed else "relu", bits=6, shift=3)
    codes = {"codes": len(values)} if coded else {}
    layers = [{"kind": "dense", "width": width, "weight_bits": 12, **codes} for width in (6, 5)]
    network = make(7, width=9, signed=signed, layers=[{**layers[0], "activation": activation}, layers[1]])
    rng = np.random.default_rng(2)
    for number in (1, 2):
        stored = network.tensors[f"w{number}"]
        if coded:
            network.tensors[f"c{number}"][:] = values
        else:
            stored[:] = rng.choice(values, stored.shape)
            stored.flat[: len(values)] = values
    program = compile_gather(network, Options(lanes=4))
    assert (program.multiplier, program.code_bits) == (kind, code_bits)
    check_full_speed(network, lanes=4)


@pytest.mark.parametrize("rounding", ["up", "even"])
@pytest.mark.parametrize("clamp", [(-7, 7), (-8, -1), (-3, 0), (2, 5), (-1, 7), (0, 4)])
def test_clamps(clamp: tuple[int, int], rounding: str) -> None:
    """Limits of any sign within those of the format; both are reached."""
    activation = Activation(kind="identity", bits=4, shift=5, rounding=rounding, clamp=clamp)
    wide = Activation(bits=8, shift=2, clamp=(3, 200))
    layers = [{"width": 6, "activation": activation}, {"width": 6, "activation": wide}, {"width": 5}]
    network = make(3, width=9, signed=True, layers=[{"kind": "dense", "weight_bits": 4, **layer} for layer in layers])
    values = golden.activations(network, inputs(network, 200))
    assert [(int(v.min()), int(v.max())) for v in values[1:3]] == [clamp, (3, 200)]
    check_full_speed(network, lanes=4)


@settings(deadline=None, max_examples=30, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(network=layered_networks(), lanes=st.sampled_from([1, 2, 4, 8]), source=st.sampled_from(["rom", "ram"]))
def test_random_networks(network: Network, lanes: int, source: str) -> None:
    try:
        network.ranges()
    except InputError:
        assume(False)
    check_full_speed(network, lanes=lanes, source=source)
