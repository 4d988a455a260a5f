"""Integers for real networks: every way of choosing them, and what each promises."""

import dataclasses
import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from hdlgen import golden
from hdlgen.errors import InputError
from hdlgen.network import InputFormat, load
from hdlgen.quantize.layered import QuantizeRecipe, choose_input, quantize_network, weight_codes
from hdlgen.quantize.real import FloatLayer, FloatNetwork


def real_network(seed: int = 0, *, skip: bool = False, density: float = 1.0, offset: float = 0.2) -> FloatNetwork:
    """12-16-16-3, with one identity layer if there is a skip connection."""
    generator = np.random.default_rng(seed)
    widths = (12, 16, 16, 3)
    layers = []
    for number, (before, width) in enumerate(itertools.pairwise(widths), 1):
        weight = generator.normal(size=(width, before)) * np.sqrt(2 / before)
        weight[generator.random(weight.shape) > density] = 0
        last = number == len(widths) - 1
        layers.append(
            FloatLayer(
                source=number - 1,
                weight=weight,
                bias=generator.normal(size=width) * offset,
                skip=1 if skip and number == 2 else None,
                activation=None if last else "identity" if skip and number == 2 else "relu",
            )
        )
    return FloatNetwork(name="real", where="real", width=12, layers=tuple(layers))


X = np.random.default_rng(9).random((400, 12))
INPUT = InputFormat(width=12, bits=8, scale=1 / 256)


def errors(
    network: FloatNetwork, recipe: QuantizeRecipe, x: np.ndarray | None = X, scale: InputFormat = INPUT
) -> float:
    """Root of the mean square of the outputs' errors, relative to the outputs."""
    made = quantize_network(network, recipe, scale, x)
    codes = scale.quantise(X)
    y = golden.evaluate(made.network, codes) * made.output_scale
    wanted = network.evaluate(scale.values(codes))
    return float(np.sqrt(np.square(y - wanted).mean() / np.square(wanted).mean()))


RECIPES = [
    {"scales": scales, "requantise": requantise, "calibration": calibration}
    for scales in ("layer", "neuron")
    for requantise in ("shift", "multiplier")
    for calibration in ("least-squares", "range")
]


@pytest.mark.parametrize("choice", RECIPES, ids=lambda choice: "-".join(choice.values()))
@pytest.mark.parametrize("skip", [False, True])
def test_more_bits_are_nearer(choice: dict[str, str], skip: bool) -> None:
    network = real_network(skip=skip)
    found = [errors(network, QuantizeRecipe(bits=bits, activation_bits=12, **choice)) for bits in (3, 5, 8, 12)]
    assert sorted(found, reverse=True) == found
    assert found[0] < (1.2 if skip else 0.6)
    assert found[2] < 0.03
    assert found[3] < 0.004


def test_finer_choices_are_nearer() -> None:
    network = real_network(1)
    base = QuantizeRecipe(bits=3, activation_bits=12)
    coarse = errors(network, dataclasses.replace(base, calibration="range"))
    assert errors(network, base) < coarse
    free = dataclasses.replace(base, requantise="multiplier")
    assert errors(network, free) < errors(network, base)
    assert errors(network, dataclasses.replace(free, scales="neuron")) < errors(network, free)


@pytest.mark.parametrize(
    ("recipe", "levels"),
    [
        (QuantizeRecipe(bits=1), [-1, 0]),
        (QuantizeRecipe(bits=3), [-3, -2, -1, 0, 1, 2, 3]),
        (QuantizeRecipe(weights="binary"), [-1, 1]),
        (QuantizeRecipe(weights="ternary"), [-1, 0, 1]),
        (QuantizeRecipe(weights="power-of-two", bits=4), [-4, -2, -1, 0, 1, 2, 4]),
        (QuantizeRecipe(weights="power-of-two", bits=1), [-1, 0]),
    ],
)
def test_levels(recipe: QuantizeRecipe, levels: list[int]) -> None:
    assert recipe.levels.tolist() == levels
    weight = np.random.default_rng(3).normal(size=(8, 30))
    weight[:, ::7] = 0
    for requantise in ("shift", "multiplier"):
        codes, scale = weight_codes(weight, dataclasses.replace(recipe, requantise=requantise))
        assert set(np.unique(codes)) <= {*levels, 0}
        assert not codes[:, ::7].any()  # absent edges stay absent
        if recipe.weights == "binary":
            assert (codes != 0).sum() == (weight != 0).sum()
        assert scale.shape == (8,)
        if requantise == "shift":
            assert np.array_equal(np.log2(scale), np.rint(np.log2(scale)))


def test_the_least_squares_are_least() -> None:
    """Among all scales of a fine grid, for binary weights in closed form."""
    weight = np.random.default_rng(3).normal(size=(1, 50))
    for recipe in (
        QuantizeRecipe(bits=3, requantise="multiplier"),
        QuantizeRecipe(weights="ternary", requantise="multiplier"),
        QuantizeRecipe(weights="binary", requantise="multiplier"),
    ):
        codes, scale = weight_codes(weight, recipe)
        found = np.square(codes * scale[0] - weight).sum()
        levels = recipe.levels
        best = min(
            np.square(levels[np.abs(weight[..., None] / s - levels).argmin(axis=-1)] * s - weight).sum()
            for s in np.linspace(0.02, 2.5, 4000)
        )
        assert found <= 1.03 * best


def test_shifts_need_no_multiplier_and_neurons_powers_of_two() -> None:
    network = real_network(2)
    made = quantize_network(network, QuantizeRecipe(bits=4), INPUT, X).network
    assert all(layer.activation is None or layer.activation.multiplier is None for layer in made.layers)
    made = quantize_network(network, QuantizeRecipe(bits=4, scales="neuron"), INPUT, X).network
    factors = np.concatenate([made.multiplier(1), made.multiplier(2)])
    assert set(factors.tolist()) <= {1 << k for k in range(24)}
    assert len(set(factors.tolist())) > 1


def test_zeros_are_absent_edges() -> None:
    sparse = quantize_network(real_network(density=0.2), QuantizeRecipe(), INPUT, X).network
    assert [layer.kind for layer in sparse.layers] == ["explicit"] * 3
    assert all(sparse.edges(number).weight.all() for number in (1, 2, 3))
    full = quantize_network(real_network(), QuantizeRecipe(), INPUT, X).network
    assert [layer.kind for layer in full.layers] == ["dense"] * 3


def test_inputs_that_are_not_above_zero() -> None:
    """The offset of the input is in the biases, of skip connections too."""
    x = X * 3 - 1.7
    scale = choose_input(x, 8, 12)
    assert scale.offset == x.min()
    assert scale.quantise(x).min() == 0
    assert scale.quantise(x).max() == 255
    network = real_network()
    eye = FloatLayer(
        source=0, weight=np.eye(12) * 0.5, bias=np.zeros(12), skip=0, skip_exponent=1, activation="identity"
    )
    first = dataclasses.replace(network.layers[0], source=1)
    rest = [dataclasses.replace(layer, source=layer.source + 1) for layer in network.layers[1:]]
    network = dataclasses.replace(network, layers=(eye, first, *rest))
    made = quantize_network(network, QuantizeRecipe(bits=12, activation_bits=12), scale, x)
    codes = scale.quantise(x)
    wanted = network.evaluate(scale.values(codes))
    assert (
        np.abs(golden.evaluate(made.network, codes) * made.output_scale - wanted).max() < 0.02 * np.abs(wanted).max()
    )
    signed = InputFormat(width=12, bits=8, signed=True, scale=1 / 64)
    assert (signed.low, signed.high, signed.quantise(np.array([-9.0, 9.0])).tolist()) == (-128, 127, [-128, 127])


def test_without_samples_nothing_saturates() -> None:
    network = real_network(4)
    made = quantize_network(network, QuantizeRecipe(activation_bits=12), INPUT, None)
    extreme = np.random.default_rng(0).integers(0, 2, (2000, 12)) * 255
    for number, values in enumerate(golden.activations(made.network, extreme)[1:-1], 1):
        assert values.max() <= made.network.value_range(number)[1] - 1
    assert errors(network, QuantizeRecipe(activation_bits=12), None) < 0.05


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"bits": 0}, "quantize: bits is 0; allowed: 1..16"),
        ({"activation_bits": 17}, "quantize: activation bits is 17; allowed: 1..16"),
        ({"weights": "int"}, "quantize: weights is 'int'; allowed: integer, binary, ternary, power-of-two"),
        ({"scales": "row"}, "quantize: scales is 'row'; allowed: layer, neuron"),
        ({"requantise": "x"}, "quantize: requantise is 'x'; allowed: shift, multiplier"),
        ({"calibration": "max"}, "quantize: calibration method is 'max'; allowed: least-squares, range"),
    ],
)
def test_wrong_recipes(members: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        QuantizeRecipe(**members)
    assert str(caught.value) == message


def test_the_example_of_the_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = (Path(__file__).parents[2] / "docs" / "quantize.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", document, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    network = load("mine.safetensors")
    assert network.widths == (8, 16, 3)
    assert [layer.weight_bits for layer in network.layers] == [4, 4]
