"""Parts of a graph, computed by ONNX's reference implementation."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["Evaluator", "one_line"]


def one_line(error: Exception) -> str:
    return ascii(" ".join(str(error).split()))[1:-1][:200]


class Evaluator:
    """The ``nodes`` that make ``outputs`` of the values ``given``, with versions of operations by domain.

    What they cannot compute raises an exception of any kind.
    """

    def __init__(
        self,
        nodes: Sequence[Any],
        given: Sequence[str],
        outputs: Sequence[str],
        opsets: Mapping[str, int],
        operations: Sequence[Any] = (),
    ) -> None:
        from onnx import helper
        from onnx.reference import ReferenceEvaluator

        ends = [[helper.make_empty_tensor_value_info(name) for name in names] for names in (given, outputs)]
        graph = helper.make_graph(nodes, "part", *ends)
        self.evaluator = ReferenceEvaluator(graph, opsets=dict(opsets), new_ops=list(operations))

    def run(self, given: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        with np.errstate(all="ignore"):
            return [np.asarray(value) for value in self.evaluator.run(None, dict(given))]
