"""From a network of sums to its program for the spatial engine.

>>> program = compile_spatial(network, Options(engine="spatial"))
>>> program.run(x)            # the same integers as hdlgen.golden.evaluate, adder by adder
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import numpy as np

from hdlgen.compiler.factors import Ints
from hdlgen.compiler.fitting import EngineFrame, Fitter
from hdlgen.compiler.options import Options
from hdlgen.compiler.spatial.program import Bit, Clamp, Constant, Element, Offset, SpatialProgram, Sum, Value
from hdlgen.compiler.spatial.sharing import share
from hdlgen.compiler.spatial.timing import predict
from hdlgen.compiler.spatial.verify import verify
from hdlgen.integers import Interval, rounding
from hdlgen.layers import Activation
from hdlgen.network import Network

__all__ = ["compile_spatial", "matrix_of"]


def compile_spatial(
    network: Network, options: Options, *, frame: EngineFrame | None = None, check: bool = True
) -> SpatialProgram:
    """Compile a network; the rest is as in `Engine`."""
    options.limit(network.where, SpatialProgram.engine_name, SpatialProgram.takes)
    fitter = Fitter(network.where, options, frame)
    matrices = [matrix_of(network, number) for number in range(1, len(network.layers) + 1)]
    wanted = _wanted(network, matrices)
    maker = _Maker(options.adders)
    neurons = [maker.elements(network, wanted[0])]
    sums = []
    for number, matrix in enumerate(matrices, 1):
        layer, rows = network.weighted(number), wanted[number]
        read = [maker.rectified(value) if layer.rectified else value for value in neurons[layer.read]]
        if layer.skip is not None:
            read += neurons[layer.skip.source]
            matrix = np.concatenate([matrix, np.eye(layer.width, dtype=np.int64) << layer.skip.shift], axis=1)
        reached, found = maker.layer(
            matrix[rows], read, network.bias(number)[rows], layer.activation, network.multiplier(number)[rows]
        )
        sums.append(reached)
        neurons.append([-1] * layer.width)
        for row, value in zip(rows.tolist(), found, strict=True):
            neurons[-1][row] = value
    fitter.wired("network", _digest(network))
    program = SpatialProgram(
        name=network.name,
        input_width=network.input.width,
        input_bits=network.input.bits,
        input_signed=network.input.signed,
        adders=options.adders,
        values=tuple(maker.values),
        neurons=tuple(map(tuple, neurons)),
        sums=tuple(sums),
        edges_of=tuple(
            int(np.count_nonzero(matrix[rows])) for matrix, rows in zip(matrices, wanted[1:], strict=True)
        ),
        weight_bits=max(network.weighted(number).weight_bits for number in range(1, len(network.layers) + 1)),
        frame=fitter.frame,
        notes=_notes(wanted),
    )
    program = predict(program)
    if check:
        verify(network, program)
    return program


def matrix_of(network: Network, number: int) -> Ints:
    """Weights of layer ``number``, (width, width of what it reads), repeated edges added up."""
    edges, read = network.edges(number), network.weighted(number).read
    matrix = np.zeros((network.widths[number], network.widths[read]), np.int64)
    np.add.at(matrix, (edges.target, edges.source), edges.weight)
    return matrix


def _wanted(network: Network, matrices: Sequence[Ints]) -> list[Ints]:
    """Of the input and each layer the neurons that the outputs depend on."""
    wanted = [np.zeros(width, bool) for width in network.widths]
    wanted[-1][:] = True
    for number in range(len(matrices), 0, -1):
        layer = network.weighted(number)
        wanted[layer.read] |= (matrices[number - 1][wanted[number]] != 0).any(axis=0)
        if layer.skip is not None:
            wanted[layer.skip.source] |= wanted[number]
    return [np.flatnonzero(each) for each in wanted]


def _notes(wanted: Sequence[Ints]) -> tuple[str, ...]:
    return tuple(
        f"layer {number}: no output depends on it" for number, rows in enumerate(wanted) if number and not len(rows)
    )


def _digest(network: Network) -> str:
    """Of all that makes hardware: nothing of it can be changed."""
    parts = [repr(network.layers).encode(), *(network.tensors[name].tobytes() for name in sorted(network.tensors))]
    return sha256(b"".join(parts)).hexdigest()


class _Maker:
    """Makes values, and says when they are there: behind so many ``adders`` comes a register."""

    def __init__(self, adders: int):
        self.adders = adders
        self.values: list[Value] = []
        self.level: list[int] = []  # adders, or clamps, in a row to each
        self._known: dict[Value, int] = {}

    def put(self, kind: Any, level: int, reached: Interval, **members: Any) -> int:
        """The number of a value, which may be there already."""
        value = kind(reached=reached, cycle=max(level - 1, 0) // self.adders, **members)
        number = self._known.setdefault(value, len(self.values))
        if number == len(self.values):
            self.values.append(value)
            self.level.append(level)
        return number

    def constant(self, value: int) -> int:
        return self.put(Constant, 0, Interval(low=value, high=value))

    def elements(self, network: Network, wanted: Ints) -> list[int]:
        """The elements of the frame, -1 for those that nobody reads."""
        reached = Interval(low=network.input.low, high=network.input.high)
        found = [-1] * network.input.width
        for number in wanted.tolist():
            found[number] = self.put(Element, 0, reached, number=number)
        return found

    def offset(self, source: int, shift: int, sign: int, constant: int) -> int:
        """constant + sign * (source << shift)."""
        if (shift, sign, constant) == (0, 1, 0):
            return source
        ends = [constant + sign * (end << shift) for end in self._ends(source)]
        level = self.level[source] + bool(constant or sign < 0)
        return self.put(
            Offset, level, Interval(low=min(ends), high=max(ends)), source=source, shift=shift, sign=sign,
            constant=constant,
        )  # fmt: skip

    def clamp(self, source: int, shift: int, low: int, high: int) -> int:
        """clamp(source >> shift, low, high)."""
        least, most = (end >> shift for end in self._ends(source))
        reached = Interval(low=max(min(least, high), low), high=max(min(most, high), low))
        if reached.low == reached.high:
            return self.constant(reached.low)
        if (shift, least, most) == (0, reached.low, reached.high):
            return source
        level = self.level[source] + ((least, most) != (reached.low, reached.high))
        return self.put(Clamp, level, reached, source=source, shift=shift, low=reached.low, high=reached.high)

    def rectified(self, source: int) -> int:
        """max(source, 0)."""
        return source if source < 0 else self.clamp(source, 0, 0, max(self.values[source].reached.high, 0))

    def _ends(self, number: int) -> tuple[int, int]:
        return self.values[number].reached.low, self.values[number].reached.high

    def linear(self, matrix: Ints, sources: Sequence[int], constants: Ints) -> list[int]:
        """matrix @ sources + constants; a source of which nothing is read may be -1."""
        known = [number >= 0 and self._ends(number)[0] == self._ends(number)[1] for number in sources]
        fixed = [self._ends(number)[0] if same else 0 for number, same in zip(sources, known, strict=True)]
        constants = constants + matrix @ np.array(fixed, np.int64)
        columns = np.flatnonzero((matrix != 0).any(axis=0) & ~np.array(known, bool))
        numbers = [sources[column] for column in columns.tolist()]
        adders, ends = share(
            matrix[:, columns], [self.values[n].reached for n in numbers], [self.level[n] for n in numbers]
        )
        for made, reached, level in zip(
            adders.made, adders.reached[len(numbers) :], adders.depth[len(numbers) :], strict=True
        ):
            first, second = numbers[made.first], numbers[made.second]
            numbers.append(
                self.put(Sum, level, reached, first=first, second=second, shift=made.shift, sign=made.sign)
            )
        found = []
        for end, constant in zip(ends, constants.tolist(), strict=True):
            if end is None:
                found.append(self.constant(constant))
            else:
                (number, shift), sign = end
                found.append(self.offset(numbers[number], shift, sign, constant))
        return found

    def layer(
        self, matrix: Ints, read: Sequence[int], bias: Ints, activation: Activation | None, multiplier: Ints
    ) -> tuple[Interval, list[int]]:
        """What sums can be, and the neurons' values."""
        sums = bias
        addend = 0 if activation is None else rounding(activation.shift)
        even = activation is not None and activation.rounding == "even" and addend > 0
        if activation is not None and activation.multiplier is not None:
            numbers = self.linear(matrix, read, sums)
            each = list(dict.fromkeys(numbers))
            scale = np.zeros((len(numbers), len(each)), np.int64)
            scale[np.arange(len(numbers)), [each.index(number) for number in numbers]] = multiplier
            numbers = self.linear(scale, each, np.full(len(numbers), 0 if even else addend))
        else:
            numbers = self.linear(matrix, read, sums + (0 if even else addend))
        reached = [self.values[number].reached for number in numbers]
        whole = Interval(low=min((0, *(x.low for x in reached))), high=max((0, *(x.high for x in reached))))
        if activation is None:
            return whole, numbers
        if even:
            numbers = [self._to_even(number, activation.shift) for number in numbers]
        return whole, [self.clamp(number, activation.shift, activation.low, activation.high) for number in numbers]

    def _to_even(self, number: int, shift: int) -> int:
        """What is to be shifted: half of the divisor less one is added, and the bit that will be the lowest."""
        value = self.values[number].reached
        bit = self.put(Bit, self.level[number], Interval(low=0, high=1), source=number, shift=shift)
        half = self.offset(number, 0, 1, rounding(shift) - 1)
        reached = Interval(low=value.low + rounding(shift) - 1, high=value.high + rounding(shift))
        level = 1 + max(self.level[half], self.level[bit])
        return self.put(Sum, level, reached, first=half, second=bit, shift=0, sign=1)
