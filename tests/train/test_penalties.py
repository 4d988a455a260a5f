"""The group lasso against its definition, and its gradient against differences."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from hdlgen.errors import InputError
from hdlgen.train import GroupLasso
from hdlgen.train.model import begin

from ..compiler.networks import make

WIDTHS = (5, 4, 3, 2)


def network(seed: int) -> tuple[list, list, list]:
    """Ends, weights and biases of sparse transitions; some neurons have no weights at all."""
    rng = np.random.default_rng(seed)
    ends, weights = [], []
    for source, target in pairwise(WIDTHS):
        chosen = rng.choice(source * target, max(source, target), replace=False)
        ends.append((torch.tensor(chosen // target), torch.tensor(chosen % target)))
        weights.append(torch.tensor(rng.normal(size=len(chosen))).requires_grad_())
    biases = [torch.tensor(rng.normal(size=width)).requires_grad_() for width in WIDTHS[1:]]
    biases[1] = None
    return ends, weights, biases


def defined(groups: str, ends: list, weights: list, biases: list) -> float:
    """Group by group."""
    members: dict[tuple, list[float]] = {}

    def put(key: tuple, value: float) -> None:
        members.setdefault(key, []).append(value)

    last = len(WIDTHS) - 1
    for layer, (pair, values) in enumerate(zip(ends, weights, strict=True), 1):
        for source, target, value in zip(pair[0].tolist(), pair[1].tolist(), values.tolist(), strict=True):
            if groups == "rows":
                put((layer, target), value)
            elif groups == "columns":
                put((layer, source), value)
            else:
                if layer > 1:
                    put((layer - 1, source), value)
                if layer < last:
                    put((layer, target), value)
    if groups == "neurons":
        for layer, bias in enumerate(biases[:-1], 1):
            for neuron, value in enumerate([] if bias is None else bias.tolist()):
                put((layer, neuron), value)
    return sum(math.sqrt(len(group)) * math.sqrt(sum(v * v for v in group)) for group in members.values())


@pytest.mark.parametrize("groups", ["rows", "columns", "neurons"])
@pytest.mark.parametrize("seed", range(3))
def test_definition_and_gradient(groups: str, seed: int) -> None:
    ends, weights, biases = network(seed)
    penalty = GroupLasso(groups, ends, WIDTHS)
    value = penalty(weights, biases)
    assert value.item() == pytest.approx(defined(groups, ends, weights, biases), rel=1e-12)
    value.backward()
    step = 1e-6
    for tensor in [*weights, *(bias for bias in biases if bias is not None)]:
        gradient = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
        for index in range(len(tensor)):
            with torch.no_grad():
                tensor[index] += step
                above = defined(groups, ends, weights, biases)
                tensor[index] -= 2 * step
                below = defined(groups, ends, weights, biases)
                tensor[index] += step
            assert gradient[index].item() == pytest.approx((above - below) / (2 * step), abs=1e-5)


def test_groups_of_zeros_have_no_gradient() -> None:
    ends, weights, biases = network(1)
    zeros = [torch.zeros_like(weight).requires_grad_() for weight in weights]
    GroupLasso("rows", ends, WIDTHS)(zeros, biases).backward()
    assert all(weight.grad is not None and not weight.grad.any() for weight in zeros)


def test_of_a_path_network() -> None:
    """Its groups are those of the distinct edges."""
    model = begin(make((8, 4, 3), 64), seed=1)
    expected = 0.0
    for edges, weight in zip(model.edges, model.weights, strict=True):
        matrix = edges.dense(weight.detach().numpy().astype(np.float64))
        present = edges.dense(np.ones(len(edges)))
        expected += (np.sqrt(present.sum(axis=0)) * np.linalg.norm(matrix, axis=0)).sum()
    assert model.group_lasso("rows")(model.weights, model.biases).item() == pytest.approx(expected, rel=1e-5)


def test_bad_groups() -> None:
    with pytest.raises(InputError) as caught:
        GroupLasso("edges", [], WIDTHS)
    assert str(caught.value) == "train: lasso-groups is 'edges'; allowed: rows, columns, neurons"
    with pytest.raises(InputError) as caught:
        GroupLasso("neurons", [], (3, 2))
    assert str(caught.value) == "train: lasso-groups is 'neurons'; allowed: rows and columns without hidden layers"
