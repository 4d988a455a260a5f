"""Small networks whose programs the proofs are about."""

from typing import Any

import numpy as np

from hdlgen.compiler import Options
from hdlgen.compiler.path.compile import compile_paths
from hdlgen.compiler.path.program import Program
from hdlgen.network import Activation, InputFormat, Network, SobolTopology, Weighted

__all__ = ["small_network", "small_program"]


def small_network(
    widths: tuple[int, ...], *, paths: int, log2_slots: tuple[int, ...] | None = None, input_bits: int = 2
) -> Network:
    """A network with Sobol' dimensions 0, 1, 2, ... and small weights of both signs."""
    slots = log2_slots or tuple(max((width - 1).bit_length(), 0) for width in widths)
    tensors = {
        f"w{number}": (np.arange(paths, dtype=np.int64) * (2 * number + 1) % 7 - 3)
        for number in range(1, len(widths))
    }
    layers = tuple(
        Weighted(
            width=width,
            weight=f"w{number}",
            weight_bits=3,
            activation=Activation(bits=2, shift=1) if number + 1 < len(widths) else None,
        )
        for number, width in enumerate(widths[1:], 1)
    )
    return Network(
        name="formal",
        input=InputFormat(width=widths[0], bits=input_bits),
        topology=SobolTopology(paths=paths, dimensions=tuple(range(len(widths))), log2_slots=slots),
        layers=layers,
        tensors=tensors,
    )


def small_program(
    widths: tuple[int, ...],
    *,
    paths: int,
    lanes: int,
    log2_slots: tuple[int, ...] | None = None,
    input_bits: int = 2,
    **options: Any,
) -> Program:
    network = small_network(widths, paths=paths, log2_slots=log2_slots, input_bits=input_bits)
    return compile_paths(network, Options(lanes=lanes, **options))
