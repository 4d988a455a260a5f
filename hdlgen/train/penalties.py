"""Penalties that drive whole groups of weights to zero, so that rows, columns or neurons can be removed.

Group lasso: sum over groups g of sqrt(size of g) * (Euclidean norm of the group's weights). M. Yuan and Y. Lin, "Model
selection and estimation in regression with grouped variables", J. R. Stat. Soc. B 68 (2006).
"""

from collections.abc import Sequence

import torch

from hdlgen.errors import InputError

__all__ = ["GROUPS", "GroupLasso", "root"]

#: ``rows``: the weights into one neuron. ``columns``: those out of one neuron, of one transition. ``neurons``: all of a
#: hidden neuron, in, out, and its bias.
GROUPS = ("rows", "columns", "neurons")


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(context, squares):
        norms = squares.sqrt()
        context.save_for_backward(norms)
        return norms

    @staticmethod
    def backward(context, gradient):
        (norms,) = context.saved_tensors
        return torch.where(norms > 0, gradient / (2 * norms), torch.zeros_like(norms))


def root(squares: torch.Tensor) -> torch.Tensor:
    """sqrt, with the gradient 0 at 0."""
    return _Norm.apply(squares)


class GroupLasso:
    """The penalty of a network of L transitions.

    Parameters
    ----------
    groups : one of `GROUPS`.
    ends : for each transition the source and the target neuron of its weights, integers (E_l,) each.
    widths : n_0..n_L.
    """

    def __init__(self, groups: str, ends: Sequence[tuple[torch.Tensor, torch.Tensor]], widths: Sequence[int]) -> None:
        if groups not in GROUPS:
            raise InputError(f"train: lasso-groups is {groups!r}; allowed: {', '.join(GROUPS)}")
        if groups == "neurons" and len(widths) < 3:
            raise InputError("train: lasso-groups is 'neurons'; allowed: rows and columns without hidden layers")
        self._groups, self._ends, self._widths = groups, ends, tuple(widths)

    def _sums(self, values: Sequence[torch.Tensor], biases: Sequence[torch.Tensor | None]) -> list[torch.Tensor]:
        """For each set of groups the sums of their values."""

        def add(layer: int, side: int) -> torch.Tensor:
            width, weights = self._widths[layer - 1 + side], values[layer - 1]
            return torch.zeros(width, dtype=weights.dtype).index_add(0, self._ends[layer - 1][side], weights)

        transitions = range(1, len(self._widths))
        if self._groups != "neurons":
            return [add(layer, 1 if self._groups == "rows" else 0) for layer in transitions]
        result = []
        for layer in transitions[:-1]:
            bias = biases[layer - 1]
            total = add(layer, 1) + add(layer + 1, 0)
            result.append(total if bias is None else total + bias)
        return result

    def __call__(self, weights: Sequence[torch.Tensor], biases: Sequence[torch.Tensor | None]) -> torch.Tensor:
        """The penalty of weights (E_l,) and biases (n_l,), a scalar; biases count with ``neurons`` only."""
        squares = self._sums([w * w for w in weights], [None if b is None else b * b for b in biases])
        with torch.no_grad():
            sizes = self._sums(
                [torch.ones_like(w) for w in weights], [None if b is None else torch.ones_like(b) for b in biases]
            )
        terms = [(size.sqrt() * root(square)).sum() for size, square in zip(sizes, squares, strict=True)]
        return torch.stack(terms).sum()
