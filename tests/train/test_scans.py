"""Linear recurrences in PyTorch: the formulas of their papers in real numbers, and in integers the golden model's."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from hdlgen import golden
from hdlgen.errors import InputError
from hdlgen.network import InputFormat, Network
from hdlgen.train import SequenceData, SequenceModel, SequenceRecipe, Sequences
from hdlgen.train.sequence_training import begins

from ..scans import scan_loop

WIDTH, INPUTS = 6, 5
SOURCE = InputFormat(width=INPUTS, bits=8, signed=True)
CELLS = ("mingru", "sru", "qrnn", "indrnn")


def made(cell: str, **options: Any) -> SequenceModel:
    recipe = SequenceRecipe(name="x", cell=cell, width=WIDTH, **options)
    model = SequenceModel(recipe.network(SOURCE, 3), exponent=5, functions=recipe.functions, seed=3)
    generator = torch.Generator().manual_seed(6)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.6)
    return model


def published(cell: str, x: torch.Tensor, w: torch.Tensor, b: torch.Tensor, u: torch.Tensor | None) -> torch.Tensor:
    """The states that the papers' formulas give, for one sequence x (T, I), with a matrix for each row of the cell."""
    sigma = torch.sigmoid
    h = c = torch.zeros(WIDTH)
    found = []
    for t in range(len(x)):
        if cell == "mingru":  # Feng et al. 2024, section 3.1.3
            z, candidate = sigma(w[0] @ x[t] + b[0]), w[1] @ x[t] + b[1]
            h = (1 - z) * h + z * candidate
        elif cell == "sru":  # Lei et al. 2018, equations 1 to 4, without v; the highway is a projection
            f, r = sigma(w[0] @ x[t] + b[0]), sigma(w[2] @ x[t] + b[2])
            c = f * c + (1 - f) * (w[1] @ x[t] + b[1])
            h = r * c + (1 - r) * (w[3] @ x[t] + b[3])
        elif cell == "qrnn":  # Bradbury et al. 2017, equations 1 and 4, a filter of width 2
            both = torch.cat([x[t], x[t - 1] if t else torch.zeros(INPUTS)])
            f, z, o = sigma(w[0] @ both + b[0]), torch.tanh(w[1] @ both + b[1]), sigma(w[2] @ both + b[2])
            c = f * c + (1 - f) * z
            h = o * c
        else:  # Li et al. 2018, equation 2
            h = torch.relu(w[0] @ x[t] + u * h + b[0])
        found.append(h)
    return torch.stack(found)


@pytest.mark.parametrize("cell", CELLS)
def test_equals_the_published_formulas(cell: str) -> None:
    (one,) = made(cell, functions="smooth").cells
    x = torch.randn(9, 2, INPUTS, generator=torch.Generator().manual_seed(4))
    rows = len(one.scan.names)
    w, b = one.weight.unflatten(0, (WIDTH, rows)), one.bias.unflatten(0, (WIDTH, rows))
    with torch.no_grad():
        found = one(x)
        for sequence in range(2):
            wanted = published(cell, x[:, sequence], w.swapaxes(0, 1), b.T, one.own)
            torch.testing.assert_close(found[:, sequence], wanted, rtol=1e-5, atol=1e-6)
    assert float(found.abs().max()) > 0.1


def sequences(lengths: list[int]) -> tuple[np.ndarray, torch.Tensor]:
    x = np.random.default_rng(7).integers(-128, 128, (sum(lengths), INPUTS))
    padded = np.zeros((max(lengths), len(lengths), INPUTS))
    for index, part in enumerate(np.split(x, np.cumsum(lengths)[:-1])):
        padded[: len(part), index] = part
    return x, torch.from_numpy(padded)


OPTIONS: list[dict[str, Any]] = [
    {},
    {"functions": "smooth"},
    {"layers": 2, "window": 3, "weight_bits": 4},
    {"state_bits": 6},
    {"head_paths": 64},
]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_integers_equal_the_golden_model(cell: str, options: dict[str, Any]) -> None:
    model, lengths = made(cell, **options), [3, 11, 1, 7]
    x, padded = sequences(lengths)
    with torch.no_grad():
        scales = model.scales()
        network = model.export(scales, SOURCE)
        found = model.integer(padded, torch.tensor(lengths), scales).numpy()
    expected = golden.evaluate(network, x, np.array(lengths))
    assert np.array_equal(found, expected)
    assert np.abs(expected).max() > 0
    if "head_paths" not in options:
        assert expected[3].tolist() == scan_loop(network, x[-7:])[-1][-1]


@pytest.mark.parametrize("cell", CELLS)
def test_integers_are_close_to_the_real_numbers(cell: str) -> None:
    """Fine weights and states: the scales are right, or these would not agree."""
    model = made(cell, weight_bits=14, state_bits=12, state_fraction=7 if cell == "indrnn" else None)
    x = torch.randint(-32, 33, (3, 20, INPUTS), generator=torch.Generator().manual_seed(8))
    lengths = torch.full((20,), 3)
    with torch.no_grad():
        real, integer = model.real(x, lengths), model.logits(x, lengths, model.scales())
    assert float((real - integer).abs().max()) < 0.03
    assert float(real.abs().max()) > 0.2


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_pass_through_the_integers(cell: str) -> None:
    model = made(cell)
    x = torch.randint(-32, 33, (5, 20, INPUTS), generator=torch.Generator().manual_seed(8))
    model.logits(x, torch.full((20,), 5), model.scales()).square().sum().backward()
    for parameter in model.parameters():
        assert parameter.grad is not None
        assert float(parameter.grad.abs().max()) > 0


def data() -> SequenceData:
    x, _ = sequences([3, 3])
    part = Sequences(x=x, lengths=np.array([3, 3]), wanted=np.array([0, 2]))
    return SequenceData(input=SOURCE, exponent=5, outputs=3, train=part, validation=part, test=None)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("functions", ["hard", "smooth"])
def test_training_goes_on_where_it_was(cell: str, functions: str) -> None:
    model = made(cell, functions=functions, layers=2)
    with torch.no_grad():
        before = model.export(model.scales(), SOURCE)
        again = SequenceModel(begins(before, data(), "x"), exponent=5)
        after = again.export(again.scales(), SOURCE)
    x, _ = sequences([20, 9])
    states = [golden.activations(network, x, np.array([20, 9]))[-2] for network in (before, after)]
    assert np.abs(states[0] - states[1]).max() <= 2  # the head's scale is not known
    for one, other in zip(before.layers[:-1], after.layers[:-1], strict=True):
        assert (one.kind, one.width) == (other.kind, other.width)


def test_refuses_what_it_cannot_train() -> None:
    def trained(change: Any) -> Network:
        with torch.no_grad():
            model = made("sru")
            return change(model.export(model.scales(), SOURCE))

    def multiplied(network: Network) -> Network:
        sums, *others = network.layers
        other = replace(sums, activation=replace(sums.activation, multiplier=3))
        return replace(network, layers=(other, *others))

    begins(trained(lambda network: network), data(), "x")
    with pytest.raises(InputError, match="layer 2 cannot be trained further; allowed: a scan behind a dense layer"):
        begins(trained(multiplied), data(), "x")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": "rnn"}, "train: cell is 'rnn'; allowed: relu, tanh, gru, ligru, lstm, mingru, sru, qrnn, indrnn"),
        ({"cell": "sru", "band": 3}, "train: band is 3; allowed: with relu, tanh, gru, ligru, lstm"),
        ({"cell": "gru", "window": 2}, "train: window is 2; allowed: with --cell mingru, sru, qrnn, indrnn"),
        ({"cell": "qrnn", "window": 17}, "train: window is 17; allowed: 1..16"),
    ],
    ids=str,
)
def test_refuses(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        SequenceRecipe(name="x", width=4, **options)
    assert str(caught.value) == message
