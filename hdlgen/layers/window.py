"""A window that moves over a tensor: what convolutions and pooling read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hdlgen.description import MAX_WIDTH, refuse, whole
from hdlgen.errors import InputError
from hdlgen.layers.base import Shape

__all__ = ["MAX_READ", "Window", "around", "parse_window"]

#: Values under the kernel, everywhere: what evaluation holds of an input at once.
MAX_READ = 1 << 26


@dataclass(frozen=True, kw_only=True)
class Window:
    """``kernel`` (height, width) pixels of a tensor ``inputs``, every ``stride`` (down, across) pixels.

    ``padding`` (top, bottom, left, right) pixels stand around the tensor, which are nothing.
    """

    inputs: Shape
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]

    @property
    def outputs(self) -> tuple[int, int]:
        """Positions down and across."""
        top, bottom, left, right = self.padding
        over = zip(self.inputs, ((top, bottom), (left, right)), self.kernel, self.stride, strict=False)
        down, across = ((length + sum(around) - size) // step + 1 for length, around, size, step in over)
        return down, across

    @property
    def pixels(self) -> int:
        """Of the tensor."""
        return self.inputs[0] * self.inputs[1]

    @property
    def taps(self) -> np.ndarray:
        """int64 (positions, kernel pixels): which pixel is read; :attr:`pixels` stands for one outside."""
        ends = []
        for axis, (count, before) in enumerate(zip(self.outputs, self.padding[::2], strict=True)):
            ends.append(np.arange(count)[:, None] * self.stride[axis] + np.arange(self.kernel[axis]) - before)
        y, x = ends[0][:, None, :, None], ends[1][None, :, None, :]
        inside = (y >= 0) & (y < self.inputs[0]) & (x >= 0) & (x < self.inputs[1])
        found = np.where(inside, y * self.inputs[1] + x, self.pixels)
        return found.reshape(-1, self.kernel[0] * self.kernel[1])

    def tensors(self, values: np.ndarray, dtype: Any, outside: int = 0) -> np.ndarray:
        """``values`` (N, elements) as (N, pixels + 1, channels), the last pixel one outside."""
        result = np.full((len(values), self.pixels + 1, self.inputs[2]), outside, dtype)
        result[:, :-1] = values.reshape(len(values), self.pixels, self.inputs[2])
        return result


def around(length: int, size: int, stride: int) -> tuple[int, int]:
    """Padding with which ``length`` pixels become ceil(length / stride), the smaller half first."""
    total = max((-(-length // stride) - 1) * stride + size - length, 0)
    return total // 2, total - total // 2


def parse_window(where: str, members: Mapping[str, Any], inputs: Shape) -> Window:
    """Of the members ``kernel``, ``stride`` (1 where left out) and ``padding`` (0) of a layer that reads ``inputs``."""

    def lengths(name: str, default: list[int] | None, what: str, limits: list[tuple[int, int]]) -> tuple[int, ...]:
        value = members.get(name, default)
        if not isinstance(value, list) or len(value) != len(limits):
            refuse(where, name, value, what)
        return tuple(whole(where, f"{name}[{i}]", x, *limits[i]) for i, x in enumerate(value))

    kernel = lengths("kernel", list(inputs[:2]), "[height, width]", [(1, MAX_WIDTH)] * 2)
    stride = lengths("stride", [1, 1], "[down, across]", [(1, MAX_WIDTH)] * 2)
    limits = [(0, kernel[axis] - 1) for axis in (0, 0, 1, 1)]
    padding = lengths("padding", [0] * 4, "[top, bottom, left, right]", limits)
    made = Window(inputs=inputs, kernel=kernel, stride=stride, padding=padding)  # type: ignore[arg-type]
    for axis, name in enumerate(("height", "width")):
        padded = inputs[axis] + sum(padding[2 * axis : 2 * axis + 2])
        if kernel[axis] > padded:
            raise InputError(
                f"{where}: kernel {name} is {kernel[axis]}; allowed: 1..{padded}, that of the padded input"
            )
    down, across = made.outputs
    if (values := down * across * kernel[0] * kernel[1] * inputs[2]) > MAX_READ:
        raise InputError(
            f"{where}: kernel reads {values} values in {down} x {across} places; allowed: up to {MAX_READ}"
        )
    return made
