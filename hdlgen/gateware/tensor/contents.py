"""What the tensor engine holds: the contents of its memories."""

from typing import Any

from hdlgen.compiler.factors import factors
from hdlgen.compiler.tensor.program import TensorProgram
from hdlgen.gateware.image import Held, side_by_side

__all__ = ["constant_words", "held", "weights_names"]


def weights_names(program: TensorProgram) -> list[str]:
    """Of the memories of the weights."""
    count = program.lanes // program.weight_lanes
    return ["weights"] if count == 1 else [f"weights_{number}" for number in range(count)]


def constant_words(program: TensorProgram) -> list[int]:
    """What is known of the outputs, ``outlets`` of them a word, the first in the lowest bits."""
    fields = program.fields
    width, words = sum(fields.values()), []
    for job in program.jobs:
        known = {"bias": job.bias, "multiplier": job.multiplier, "right": job.right}
        for start in range(0, job.outputs, program.outlets):
            word = 0
            for place, output in enumerate(range(start, min(start + program.outlets, job.outputs))):
                at = place * width
                for name, bits in fields.items():
                    word |= known[name][output] % (1 << bits) << at
                    at += bits
            words.append(word)
    return words


def held(program: TensorProgram, prefix: str = "") -> Held:
    """All memories that hold what was trained: the weights, and the constants of the outputs."""
    p = program
    codes, lanes = factors(p.weights, p.multiplier, p.code_bits), p.weight_lanes
    memories: list[tuple[str, Any, int]] = [
        (f"{prefix}_{name}", side_by_side(codes[:, n * lanes : (n + 1) * lanes], p.code_bits), lanes * p.code_bits)
        for n, name in enumerate(weights_names(p))
    ]
    if p.fetched:
        name, words, _ = memories[0]
        memories = [(name, [*words, *constant_words(p)], p.weights_memory[1])]
    else:
        memories.append((f"{prefix}_constants", constant_words(p), p.constant_bits))
    return Held.of(p, memories, p.engine)
