"""Products with the weights of edges: sums and gradients are those of a matrix, in both forms."""

import numpy as np
import pytest
import torch

from hdlgen import networks
from hdlgen.idx import Dataset
from hdlgen.train import Recipe, train
from hdlgen.train.model import begin
from hdlgen.train.products import EdgeProduct

from ..compiler.networks import make

#: Edges in no order, some of them twice or three times; neurons without any on both sides.
INPUTS, OUTPUTS, COUNT = 23, 17, 60


def edges(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    source, target = rng.integers(1, INPUTS - 1, COUNT), rng.integers(2, OUTPUTS, COUNT)
    source[7:9], target[7:9] = source[3], target[3]
    return source, target


def integers(*shape: int, seed: int) -> torch.Tensor:
    """In double precision, where their sums are exact in any order."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-99, 100, shape, generator=generator).double().requires_grad_()


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize(
    ("lead", "by_neuron"), [((5,), False), ((5,), True), ((3, 4), False), ((1,), False), ((0,), False)]
)
def test_sums_and_gradients_are_those_of_a_matrix(sparse, lead, by_neuron):
    source, target = edges(1)
    product = EdgeProduct(source, target, INPUTS, OUTPUTS, sparse=sparse)
    x, weights, wanted = integers(*lead, INPUTS, seed=2), integers(COUNT, seed=3), integers(*lead, OUTPUTS, seed=4)
    if by_neuron:
        x = x.detach().T.contiguous().T.requires_grad_()
    y = product(x, weights)
    y.backward(wanted.detach())
    matrix = np.zeros((INPUTS, OUTPUTS))
    for s, t, w in zip(source, target, weights.tolist(), strict=True):
        matrix[s, t] += w
    rows, gradient = x.detach().numpy().reshape(-1, INPUTS), wanted.detach().numpy().reshape(-1, OUTPUTS)
    assert np.array_equal(y.detach().numpy().reshape(-1, OUTPUTS), rows @ matrix)
    assert x.grad is not None
    assert np.array_equal(x.grad.numpy().reshape(-1, INPUTS), gradient @ matrix.T)
    assert weights.grad is not None
    assert np.array_equal(weights.grad.numpy(), (rows.T @ gradient)[source, target])


@pytest.mark.parametrize("sparse", [False, True])
def test_gradients_are_those_of_differences(sparse):
    product = EdgeProduct(*edges(1), INPUTS, OUTPUTS, sparse=sparse)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(4, INPUTS, dtype=torch.float64, generator=generator).requires_grad_()
    weights = torch.randn(COUNT, dtype=torch.float64, generator=generator).requires_grad_()
    assert torch.autograd.gradcheck(product, (x, weights))
    # Of one of both alone, as with the input's values and with weights that stay.
    assert torch.autograd.gradcheck(lambda w: product(x.detach(), w), (weights,))
    assert torch.autograd.gradcheck(lambda v: product(v, weights.detach()), (x,))


@pytest.mark.parametrize(
    ("widths", "count", "sparse"),
    [
        ((784, 4096), 1 << 14, True),
        ((4096, 4096), 1 << 18, True),
        ((4096, 10), 1 << 14, False),
        ((784, 256), 8192, True),
        ((256, 256), 8192, True),
        ((256, 256), 8193, False),
        ((64, 64), 16, False),
    ],
)
def test_the_form_follows_from_the_sizes(widths, count, sparse):
    keys = np.arange(count)
    product = EdgeProduct(keys // widths[1], keys % widths[1], *widths)
    assert product.sparse is sparse
    assert product.to("meta").sparse is sparse


def test_no_limit_on_widths_but_memory():
    """A matrix of these widths would have 2**40 entries."""
    model = begin(make((1 << 20, 1 << 20, 16), 64, input_bits=8, activation_bits=8, bias=False), seed=1)
    x = torch.full((2, 1 << 20), 255)
    model.real(x).square().sum().backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in model.weights)


def test_both_forms_train_as_well(monkeypatch):
    """Sums of real numbers are rounded in another order, so weights may differ; integers are exact."""
    images, labels = networks.test_set()
    images = images[:3600].reshape(-1, 28, 28)
    dataset = Dataset(
        train_images=images[:3000],
        train_labels=labels[:3000],
        test_images=images[3000:],
        test_labels=labels[3000:3600],
    )
    recipe = Recipe(name="n", widths=(64, 10), paths=1024, bias=True, epochs=6, qat_epochs=3, batch=50)
    right = []
    for sparse, pairs in ((True, 1 << 15), (False, 1 << 30)):
        monkeypatch.setattr("hdlgen.train.products._LEAST_PAIRS", pairs)
        assert begin(recipe.plan(784), seed=1)._products[0].sparse is sparse
        right.append(train(dataset, recipe, progress=False).test_accuracy)
    assert min(right) > 0.8
    assert max(right) - min(right) < 0.03
