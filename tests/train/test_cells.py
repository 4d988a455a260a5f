"""Recurrent cells in PyTorch: those of torch.nn where these exist, and in integers the golden model's."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from hdlgen import golden
from hdlgen.network import InputFormat, Network
from hdlgen.quantize.tables import function_table
from hdlgen.train import BandCell, SequenceModel, SequenceRecipe

from ..recurrent import CELLS, loop

WIDTH, INPUTS, STEPS, COUNT = 7, 5, 9, 4
SOURCE = InputFormat(width=INPUTS, bits=8, signed=True)


def cell(name: str, functions: str = "hard", **options: Any) -> BandCell:
    recipe = SequenceRecipe(name="x", cell=name, width=WIDTH, functions=functions, **options)
    layer = recipe.network(SOURCE, 2).layers[0]
    result = BandCell(layer, INPUTS, functions=functions, seed=3)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in result.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.7)
    return result


def dense(one: BandCell) -> np.ndarray:
    """(gates, N, N): how gate g of neuron k weighs the state of neuron j, [g, k, j]."""
    weights = one.recurrent.detach().numpy()
    result = np.zeros((len(weights), WIDTH, WIDTH), np.float32)
    for i, row in enumerate(one.layer.recurrence.sources()):
        for k, j in enumerate(row):
            if j >= 0:
                result[:, k, j] += weights[:, i, k]
    return result


REFERENCES = {
    "tanh": lambda: torch.nn.RNN(INPUTS, WIDTH, nonlinearity="tanh"),
    "relu": lambda: torch.nn.RNN(INPUTS, WIDTH, nonlinearity="relu"),
    "gru": lambda: torch.nn.GRU(INPUTS, WIDTH),
    "lstm": lambda: torch.nn.LSTM(INPUTS, WIDTH),
}
SHAPES = [{}, {"band": 3}, {"band": 1}, {"band": 5, "cyclic": True}, {"cyclic": True}, {"groups": 7}, {"groups": 1}]


@pytest.mark.parametrize("name", sorted(REFERENCES))
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_equals_torch(name: str, shape: dict[str, Any]) -> None:
    """The full band; and with zeros in torch's matrices every other."""
    one = cell(name, "smooth", **shape)
    reference = REFERENCES[name]()
    with torch.no_grad():
        reference.weight_hh_l0.copy_(torch.from_numpy(dense(one).reshape(-1, WIDTH)))
        reference.weight_ih_l0.copy_(one.input_weight)
        reference.bias_ih_l0.copy_(one.bias.reshape(-1))
        reference.bias_hh_l0.zero_()
        if one.candidate_bias is not None:
            reference.bias_hh_l0[2 * WIDTH :] = one.candidate_bias
        x = torch.randn(STEPS, COUNT, INPUTS, generator=torch.Generator().manual_seed(5))
        expected = reference(x)[0]
        found = one(x)
    assert torch.allclose(found, expected, rtol=0, atol=1e-5)
    assert float(expected.abs().max()) > 0.1


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_gradients_equal_torch(name: str) -> None:
    one = cell(name, "smooth")
    reference = REFERENCES[name]()
    with torch.no_grad():
        reference.weight_hh_l0.copy_(torch.from_numpy(dense(one).reshape(-1, WIDTH)))
        reference.weight_ih_l0.copy_(one.input_weight)
        reference.bias_ih_l0.copy_(one.bias.reshape(-1))
        reference.bias_hh_l0.zero_()
        if one.candidate_bias is not None:
            reference.bias_hh_l0[2 * WIDTH :] = one.candidate_bias
    x = torch.randn(4, COUNT, INPUTS, generator=torch.Generator().manual_seed(5))
    one(x).square().mean().backward()
    reference(x)[0].square().mean().backward()
    assert torch.allclose(one.input_weight.grad, reference.weight_ih_l0.grad, rtol=1e-3, atol=1e-5)
    assert torch.allclose(one.bias.grad.reshape(-1), reference.bias_ih_l0.grad, rtol=1e-3, atol=1e-5)


def test_single_input_product_is_shared() -> None:
    """With the same matrix for every gate, one product for all of them is the same."""
    shared, apart = cell("gru", shared=True), cell("gru")
    with torch.no_grad():
        for name, parameter in shared.named_parameters():
            if name != "input_weight":
                dict(apart.named_parameters())[name].copy_(parameter)
        apart.input_weight.copy_(shared.input_weight.repeat(3, 1))
        x = torch.randn(STEPS, COUNT, INPUTS)
        assert torch.allclose(shared(x), apart(x), rtol=0, atol=1e-6)


OPTIONS = [
    {},
    {"band": 3},
    {"band": 1, "shared": True},
    {"band": 5, "cyclic": True, "weight_bits": 4},
    {"groups": 7, "state_bits": 6},
    {"band": 3, "input_paths": 64},
    {"band": 3, "functions": "smooth"},
    {"band": 3, "layers": 2},
    {"band": 3, "head_paths": 64},
]


def exported(name: str, options: dict[str, Any]) -> tuple[SequenceModel, Any, Network]:
    recipe = SequenceRecipe(name="x", cell=name, width=WIDTH, **options)
    model = SequenceModel(recipe.network(SOURCE, 3), exponent=5, functions=options.get("functions", "hard"), seed=3)
    generator = torch.Generator().manual_seed(6)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.6)
        scales = model.scales()
        return model, scales, model.export(scales, SOURCE)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_integers_equal_the_golden_model(name: str, options: dict[str, Any]) -> None:
    model, scales, network = exported(name, options)
    lengths = np.array([3, 11, 1, 7])
    rng = np.random.default_rng(7)
    x = rng.integers(-128, 128, (lengths.sum(), INPUTS))
    padded = np.zeros((11, 4, INPUTS))
    for index, part in enumerate(np.split(x, np.cumsum(lengths)[:-1])):
        padded[: len(part), index] = part
    with torch.no_grad():
        found = model.integer(torch.from_numpy(padded), torch.from_numpy(lengths), scales).numpy()
    expected = golden.evaluate(network, x, lengths)
    assert np.array_equal(found, expected)
    assert np.abs(expected).max() > 0
    assert expected[3].tolist() == loop(network, x[-7:])[1][-1]


@pytest.mark.parametrize("name", CELLS)
def test_integers_are_close_to_the_real_numbers(name: str) -> None:
    """Fine weights and states: the scales are right, or these would not agree."""
    options = {"band": 3, "weight_bits": 14, "state_bits": 12}
    if name in ("relu", "ligru"):
        options["state_fraction"] = 8
    model, scales, _ = exported(name, options)
    generator = torch.Generator().manual_seed(8)
    x = torch.randint(-32, 33, (3, 20, INPUTS), generator=generator)
    lengths = torch.full((20,), 3)
    with torch.no_grad():
        real, integer = model.real(x, lengths), model.logits(x, lengths, scales)
    assert float((real - integer).abs().max()) < 0.03
    assert float(real.abs().max()) > 0.2


@pytest.mark.parametrize("name", CELLS)
def test_gradients_pass_through_the_integers(name: str) -> None:
    model, scales, _ = exported(name, {"band": 3})
    x = torch.randint(-32, 33, (5, 20, INPUTS), generator=torch.Generator().manual_seed(8))
    model.logits(x, torch.full((20,), 5), scales).square().sum().backward()
    for parameter in model.parameters():
        assert parameter.grad is not None
        assert float(parameter.grad.abs().max()) > 0


def test_table() -> None:
    table = function_table(np.tanh, entries=16, shift=3, source=4, target=7, limits=(-128, 127))
    assert table.dtype == np.int32
    assert table.tolist() == [max(-128, min(127, int(np.floor(np.tanh((i - 8) / 2) * 128 + 0.5)))) for i in range(16)]


def test_the_reference_can_differ() -> None:
    """The comparison with torch would notice another order of the gates."""
    one = cell("gru", "smooth")
    other = cell("gru", "smooth")
    with torch.no_grad():
        other.bias.copy_(one.bias[[1, 0, 2]])
        x = torch.randn(STEPS, COUNT, INPUTS, generator=torch.Generator().manual_seed(5))
        assert not torch.allclose(one(x), other(x), rtol=0, atol=1e-3)
    assert replace(one.layer) == other.layer


@pytest.mark.parametrize("name", CELLS)
def test_edges_equal_the_full_band(name: str) -> None:
    """Edges, some of them repeated, and the same weights in a full band: the same states, in reals and in integers."""
    full = cell(name)
    rng = np.random.default_rng(5)
    gates, count = len(full.layer.gates), 30
    source, row = rng.integers(0, WIDTH, count), rng.integers(0, gates * WIDTH, count)
    layer = replace(full.layer, band=None, edges="edges")
    sparse = BandCell(layer, INPUTS, ends=(source, row), seed=3)
    assert sparse.recurrent.shape == (count,)
    gate, k = np.divmod(row, WIDTH)
    with torch.no_grad():
        for one, other in zip(sparse.parameters(), full.parameters(), strict=True):
            if one.shape == other.shape:
                one.copy_(other)
        # Multiples of 1/8, whose integers add up as they do.
        sparse.recurrent.copy_(torch.from_numpy(rng.integers(-4, 5, count) / 8))
        full.recurrent.zero_()
        place = torch.tensor(gate), torch.tensor(source - k + WIDTH - 1), torch.tensor(k)
        full.recurrent.index_put_(place, sparse.recurrent, accumulate=True)
        x = torch.from_numpy(rng.integers(-128, 128, (STEPS, COUNT, INPUTS)))
        assert torch.allclose(sparse(x.float() / 128), full(x.float() / 128), atol=1e-5)
        scales = full.scales(7)
        assert torch.equal(sparse.integer(x.double(), scales), full.integer(x.double(), scales))
