"""Random networks for the tests of the compiler, the gateware and what is emitted."""

from collections.abc import Callable
from typing import Any

import numpy as np

from hdlgen.compiler.path.program import Program
from hdlgen.network import Activation, InputFormat, Network, SobolTopology, Weighted, log2_slots

from ..choices import Choices, strategy

__all__ = ["input_place", "inputs", "make", "network_and_lanes", "networks", "path_network", "powers"]


def input_place(program: Program, buffer: int, lane: int, row: int) -> tuple[int, int]:
    """The word, of any block that has the lane's column, and the place in its beat of a row of the input layer."""
    elements = program.elements_per_beat
    beat, element = divmod(row + program.input_offset[lane], elements)
    moved = min(elements, program.columns)
    return (buffer * program.buffer_rows // elements + beat) * moved + lane % moved, element


def make(
    widths: tuple[int, ...],
    paths: int,
    *,
    dimensions: tuple[int, ...] | None = None,
    slots: tuple[int, ...] | None = None,
    weight_bits: tuple[int, ...] | int = 4,
    activation_bits: tuple[int, ...] | int = 6,
    shift: tuple[int, ...] | int = 2,
    bias: tuple[bool, ...] | bool = True,
    input_bits: int = 6,
    seed: int = 1,
    **changes: int | None,
) -> Network:
    """A network of random weights; what is given as one value holds for every layer.

    ``changes``: scramble, kept, digital_shift and digits of the topology.
    """
    changes["shift"] = changes.pop("digital_shift", None)
    count = len(widths) - 1
    rng = np.random.default_rng(seed)

    def every(value: object) -> tuple:
        return value if isinstance(value, tuple) else (value,) * count

    rows = zip(widths[1:], every(weight_bits), every(activation_bits), every(shift), every(bias), strict=True)
    layers, tensors = [], {}
    for number, (width, bits, kept, down, biased) in enumerate(rows, 1):
        half = 1 << (bits - 1)
        tensors[f"w{number}"] = rng.integers(-half, half, paths)
        if biased:
            tensors[f"b{number}"] = rng.integers(-half << (input_bits - 1), half << (input_bits - 1), width).astype(
                np.int32
            )
        layers.append(
            Weighted(
                width=width,
                weight=f"w{number}",
                bias=f"b{number}" if biased else None,
                weight_bits=bits,
                activation=Activation(bits=kept, shift=down) if number < count else None,
            )
        )
    return Network(
        name="random",
        input=InputFormat(width=widths[0], bits=input_bits),
        topology=SobolTopology(
            paths=paths,
            dimensions=dimensions or tuple(range(count + 1)),
            log2_slots=slots or log2_slots(widths),
            **changes,
        ),
        layers=tuple(layers),
        tensors=tensors,
    )


def powers(widths: tuple[int, ...], paths: int, *, weight_bits: int, **changes: Any) -> Network:
    """As `make`, with weights 0 and plus or minus 1, 2, 4 .. 2^(weight_bits - 2)."""
    network = make(widths, paths, weight_bits=weight_bits, **changes)
    rng = np.random.default_rng(2)
    for layer in network.layers:
        sizes = (1 << rng.integers(0, weight_bits, paths)) >> 1
        network.tensors[layer.weight][:] = np.where(rng.random(paths) < 0.5, -sizes, sizes)
    return network


def path_network(
    choose: Choices, *, transitions: int = 5, width: int = 70, paths: int = 600, most_bits: int = 16
) -> Network:
    """Any network up to the given sizes whose layers all leave something."""
    count = choose.integer(1, transitions)
    widths = tuple(choose.integer(1, width) for _ in range(count + 1))

    def bits() -> int:
        return choose.integer(1, most_bits)

    def per_layer(one: Callable[[], int]) -> tuple:
        return tuple(one() for _ in range(count))

    network = make(
        widths,
        choose.integer(1, paths),
        dimensions=tuple(choose.integer(0, 40) for _ in widths),
        slots=tuple(least + choose.integer(0, 4) for least in log2_slots(widths)),
        weight_bits=per_layer(bits),
        activation_bits=per_layer(bits),
        shift=per_layer(lambda: choose.integer(0, 8)),
        bias=per_layer(choose.flag),
        input_bits=bits(),
        seed=choose.integer(0, 2**32 - 1),
        scramble=choose.optional(0, 2**32 - 1),
        digital_shift=choose.optional(0, 2**32 - 1),
    )
    return choose.usable(network)


networks = strategy(path_network)


@strategy
def network_and_lanes(choose: Choices, *, lanes: int = 64, **limits: int) -> tuple[Network, int]:
    """A network and a number of lanes that it can have."""
    network = path_network(choose, **limits)
    most = min(lanes, network.topology.paths).bit_length() - 1
    return network, 1 << choose.integer(0, most)


def inputs(network: Network, count: int, seed: int = 1) -> np.ndarray:
    """All at the top, all zero, and random ones: int64 (count, width)."""
    top = (1 << network.input.bits) - 1
    x = np.random.default_rng(seed).integers(0, top + 1, (count, network.input.width))
    x[0], x[-1] = top, 0
    return x
