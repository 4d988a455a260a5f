"""How edges are stored: what it costs is what the compiler makes of it, and the cheapest is chosen."""

from pathlib import Path

import numpy as np
import pytest

from hdlgen.cli import main
from hdlgen.compiler import Options
from hdlgen.compiler.gather.compile import compile_gather
from hdlgen.errors import InputError
from hdlgen.network import InputFormat, load
from hdlgen.quantize.layered import QuantizeRecipe, quantize_network
from hdlgen.quantize.real import FloatLayer, FloatNetwork
from hdlgen.quantize.storage import LANES, choose_storage

from ..importers.models import model, node, write


def network(widths: tuple[int, ...], density: tuple[float, ...]) -> FloatNetwork:
    rng = np.random.default_rng(0)
    layers = []
    for number, share in enumerate(density, 1):
        weight = rng.normal(size=(widths[number], widths[number - 1]))
        weight[rng.random(weight.shape) > share] = 0
        activation = None if number == len(density) else "relu"
        layers.append(
            FloatLayer(source=number - 1, weight=weight, bias=np.zeros(widths[number]), activation=activation)
        )
    return FloatNetwork(name="real", where="real", width=widths[0], layers=tuple(layers))


@pytest.mark.parametrize(
    ("widths", "density", "bits", "kinds"),
    [
        ((196, 64, 32, 10), (0.3, 0.3, 0.3), 8, "eee"),
        ((196, 64, 32, 10), (1.0, 1.0, 1.0), 8, "ddd"),
        ((64, 64, 64, 10), (0.8, 0.9, 1.0), 1, "ddd"),
        ((196, 64, 64, 10), (0.05, 1.0, 1.0), 8, "edd"),
        ((24, 64, 10), (0.7, 0.7), 8, "ee"),
    ],
)
def test_the_cheapest_is_chosen(widths: tuple[int, ...], density: tuple[float, ...], bits: int, kinds: str) -> None:
    """Bits times cycles, of a design on 16 lanes: as estimated, and least."""
    source = InputFormat(width=widths[0], bits=8, scale=1 / 255)
    x, cost = np.random.default_rng(1).random((50, widths[0])), {}
    for choice in ("auto", "dense", "explicit"):
        recipe = QuantizeRecipe(bits=bits, edges=choice, weights="binary" if bits == 1 else "integer")
        made = quantize_network(network(widths, density), recipe, source, x)
        program = compile_gather(made.network, Options(lanes=LANES))
        stored = program.weights.size * (program.code_bits + program.delta_bits)
        _, estimate, cycles = made.storage.costs[0]
        assert tuple(layer.kind for layer in made.network.layers) == made.storage.kinds
        assert estimate == pytest.approx(stored, rel=0.25)
        assert cycles == pytest.approx(program.interval_cycles, rel=0.2)
        cost[choice] = stored * program.interval_cycles
        if choice == "auto":
            assert "".join(kind[0] for kind in made.storage.kinds) == kinds
    assert cost["auto"] <= 1.1 * min(cost["dense"], cost["explicit"])


def test_other_choices_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        choose_storage([(np.ones((2, 2), np.int64), 2, 8)], "sparse")
    assert str(caught.value) == "quantize: edges is 'sparse'; allowed: auto, dense, explicit"


@pytest.mark.parametrize("choice", ["auto", "dense", "explicit"])
def test_the_commands_say_it(choice: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weight = np.random.default_rng(0).normal(size=(40, 20))
    weight[np.random.default_rng(1).random(weight.shape) > 0.5] = 0
    write(tmp_path / "m.onnx", model([node("Gemm", "x w", "y")], {"w": weight}, shape=["N", 40]))
    words = [
        str(tmp_path / "m.onnx"),
        "-o",
        str(tmp_path / "a.safetensors"),
        "--input-range",
        "0,1",
        "--edges",
        choice,
    ]
    for verb in ("import", "quantize"):
        with pytest.raises(SystemExit) as caught:
            main([verb, *words, "--bits", "8"])
        assert not caught.value.code
        kind = load(tmp_path / "a.safetensors").layers[0].kind
        assert kind == ("explicit" if choice == "auto" else choice)
        (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("edges: "))
        other = "explicit" if kind == "dense" else "dense"
        assert line.startswith(f"edges: all {kind}: ")
        assert f"; all {other}: " in line
        assert line.endswith(" cycles (on 16 lanes)")
