"""Blocks along the diagonal: every sum reads the values of its own group, or just one value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hdlgen.connections.base import Connections, Tensors
from hdlgen.description import MAX_EDGES, Present, Shape, Shapes, refuse, whole
from hdlgen.errors import InputError

__all__ = ["Depthwise", "Groups"]


def _ends(inputs: int, outputs: int, groups: int) -> tuple[np.ndarray, np.ndarray]:
    size = inputs // groups
    target, member = np.divmod(np.arange(outputs * size, dtype=np.int64), size)
    return target // (outputs // groups) * size + member, target


@dataclass(frozen=True, kw_only=True)
class Groups(Connections):
    """Inputs and outputs are ``groups`` equal parts, and part g reads part g; the weights are (outputs, inputs / groups)."""

    kind: ClassVar[str] = "groups"
    required: ClassVar[tuple[str, ...]] = ("groups",)

    groups: int

    @classmethod
    def parse(cls, where: str, members: Mapping[str, Any], inputs: int, outputs: int) -> "Groups":
        groups = whole(where, "groups", members["groups"], 1, min(inputs, outputs))
        if inputs % groups or outputs % groups:
            refuse(where, "groups", groups, f"divisors of {inputs} and of {outputs}")
        if inputs // groups * outputs > MAX_EDGES:
            weights = f"{inputs} x {outputs} / {groups} weights"
            raise InputError(f"{where}: {weights}; allowed: up to {MAX_EDGES}")
        return cls(groups=groups)

    def describe(self) -> dict[str, Any]:
        return {"groups": self.groups}

    def parts(self, inputs: int) -> int:
        return self.groups

    def expected(self, where: str, at: str, present: Present, inputs: int, outputs: int) -> tuple[Shape, Shapes]:
        return (outputs, inputs // self.groups), {}

    def ends(self, tensors: Tensors, inputs: int, outputs: int) -> tuple[np.ndarray, np.ndarray]:
        return _ends(inputs, outputs, self.groups)


@dataclass(frozen=True, kw_only=True)
class Depthwise(Connections):
    """Sum j reads value j // (outputs / inputs) alone; the weights are (outputs,)."""

    kind: ClassVar[str] = "depthwise"

    @classmethod
    def parse(cls, where: str, members: Mapping[str, Any], inputs: int, outputs: int) -> "Depthwise":
        if outputs % inputs:
            raise InputError(f"{where}: depthwise from {inputs} to {outputs}; allowed: multiples of {inputs}")
        return cls()

    def parts(self, inputs: int) -> int:
        return inputs

    def expected(self, where: str, at: str, present: Present, inputs: int, outputs: int) -> tuple[Shape, Shapes]:
        return (outputs,), {}

    def ends(self, tensors: Tensors, inputs: int, outputs: int) -> tuple[np.ndarray, np.ndarray]:
        return _ends(inputs, outputs, inputs)
