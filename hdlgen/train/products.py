"""Values times the weights of edges, summed in the neurons that the edges reach, with the gradients of both.

    y[b, t] = sum of w[e] x[b, s] over the edges e from s to t
    dx[b, s] = sum of w[e] dy[b, t] over the edges e from s to t,   dw[e] = sum over b of x[b, s] dy[b, t]

Where edges are few these are what they say: each neuron gathers what it sums, so nothing is scattered, nothing collides,
and work and memory are in proportion to the edges. Where they are many they are scattered into a matrix, and it is
multiplied.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from hdlgen.quantize import Edges

__all__ = ["EdgeProduct"]

#: Gathering pays from so many pairs of neurons on, and from so many for each edge: measured by
#: scripts/benchmark_training.py.
_LEAST_PAIRS = 1 << 15
_PAIRS_OF_AN_EDGE = 8

with warnings.catch_warnings():
    # PyTorch says of the first such tensor of a process that they are new.
    warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
    torch.sparse_csr_tensor([0, 1], [0], [1.0], check_invariants=False)


class _Gathered(torch.autograd.Function):
    """The equations above, of values with a neuron in each row, x (inputs, B) -> y (outputs, B), and weights (E,)."""

    @staticmethod
    def forward(context: Any, x: torch.Tensor, weights: torch.Tensor, edges: "EdgeProduct") -> torch.Tensor:
        context.edges = edges
        context.save_for_backward(x, weights)
        return _bags(x, weights[edges.by_target], edges.source, edges.target_starts)

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> Any:
        (x, weights), edges, gradient = context.saved_tensors, context.edges, gradient.contiguous()
        of_x = of_weights = None
        if context.needs_input_grad[0]:
            of_x = _bags(gradient, weights[edges.by_source], edges.target, edges.source_starts)
        if context.needs_input_grad[1]:
            zeros = torch.zeros_like(weights)
            size = len(x), len(gradient)
            pattern = torch.sparse_csr_tensor(edges.source_starts, edges.target, zeros, size, check_invariants=False)
            of_weights = zeros.clone()
            of_weights[edges.by_source] = torch.sparse.sampled_addmm(pattern, x, gradient.T).values()
        return of_x, of_weights, None


def _bags(rows: torch.Tensor, weights: torch.Tensor, chosen: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
    """The sums of ``rows[chosen] * weights`` from each start to the next."""
    return functional.embedding_bag(
        chosen, rows, starts, mode="sum", per_sample_weights=weights, include_last_offset=True
    )


def _by_neuron(values: torch.Tensor) -> bool:
    """Whether values (B, n) lie in memory neuron by neuron."""
    return values.ndim == 2 and not values.is_contiguous() and values.T.is_contiguous()


class EdgeProduct(torch.nn.Module):
    """Values (.., inputs) times weights (E,): sums (.., outputs), on any device, with gradients of both.

    Edges may come in any order; those with the same ends add up. ``sparse`` says whether they are gathered, by their
    number and the widths alone; then a batch takes least time whose values lie in memory neuron by neuron, as the sums do.
    Sums of integers are exact wherever those of any order are.

    Parameters
    ----------
    source, target : integers (E,), the neurons at both ends.
    inputs, outputs : number of neurons on both sides.
    sparse : the form to take; None: the one that is quicker.
    """

    by_source: torch.Tensor
    by_target: torch.Tensor
    source: torch.Tensor
    target: torch.Tensor
    source_starts: torch.Tensor
    target_starts: torch.Tensor
    flat: torch.Tensor

    def __init__(
        self, source: np.ndarray, target: np.ndarray, inputs: int, outputs: int, *, sparse: bool | None = None
    ) -> None:
        super().__init__()
        self.inputs, self.outputs = inputs, outputs
        pairs = inputs * outputs
        self.sparse = pairs >= max(_LEAST_PAIRS, _PAIRS_OF_AN_EDGE * len(source)) if sparse is None else sparse

        def keep(name: str, values: np.ndarray, kind: type = np.int32) -> None:
            self.register_buffer(name, torch.from_numpy(values.astype(kind)), persistent=False)

        if not self.sparse:
            keep("flat", source * outputs + target, np.int64)
            return
        by_source, by_target = np.lexsort((target, source)), np.lexsort((source, target))
        keep("by_source", by_source, np.int64)
        keep("by_target", by_target, np.int64)
        keep("source", source[by_target])
        keep("target", target[by_source])
        keep("source_starts", np.searchsorted(source[by_source], np.arange(inputs + 1)))
        keep("target_starts", np.searchsorted(target[by_target], np.arange(outputs + 1)))

    @classmethod
    def over(cls, edges: Edges) -> "EdgeProduct":
        """That of the distinct edges of a transition, with a weight for each."""
        return cls(edges.source, edges.target, edges.source_width, edges.target_width)

    def of(self, weights: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
        """What multiplies values by ``weights``, for more than one multiplication by the same ones."""
        if not self.sparse:
            zeros = torch.zeros(self.inputs * self.outputs, dtype=weights.dtype, device=weights.device)
            matrix = zeros.index_add(0, self.flat, weights).view(self.inputs, self.outputs)
            return lambda values: (matrix.T @ values.T).T if _by_neuron(values) else values @ matrix

        def gathered(values: torch.Tensor) -> torch.Tensor:
            rows = values.reshape(-1, self.inputs).T.contiguous()
            return _Gathered.apply(rows, weights, self).T.reshape(*values.shape[:-1], self.outputs)

        return gathered

    def forward(self, values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        return self.of(weights)(values)
