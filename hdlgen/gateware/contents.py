"""What the engine of a path network holds that was trained: the contents of its memories.

A memory's contents follow from the program alone. The order of the memories is fixed: weights, biases chain by chain,
biases of the output layer.
"""

import numpy as np

from hdlgen.compiler.program import Program, Requantise, flushes
from hdlgen.compiler.program_factors import factors
from hdlgen.gateware.image import Held
from hdlgen.gateware.primitives import RomParameters, StoreParameters

__all__ = [
    "bias_rom",
    "bias_words",
    "chain_events",
    "held",
    "result_rom",
    "weight_rom",
    "weight_words",
]


def _memory(program: Program, name: str, width: int, words: list[int], *, single_port: bool = False) -> RomParameters:
    if not program.writable:
        return RomParameters(name=name, depth=len(words), width=width, init=tuple(words))
    return StoreParameters(
        name=name,
        depth=len(words),
        width=width,
        init=tuple(words),
        banks=program.banks,
        preset=program.fill == "bitstream",
        single_port=single_port,
    )


def weight_words(program: Program) -> list[int]:
    """The weights of one block per word, lane 0 in the lowest bits, transition after transition."""
    words: list[int] = []
    for transition in program.transitions:
        assert transition.weights is not None
        codes = factors(transition.weights, program.multiplier, program.weight_bits)
        bits = codes[:, :, np.newaxis] >> np.arange(program.weight_bits) & 1
        rows = np.packbits(bits.reshape(len(bits), -1).astype(np.uint8), axis=1, bitorder="little")
        words += [int.from_bytes(row, "little") for row in rows]
    return words


def weight_rom(program: Program, prefix: str) -> RomParameters:
    """The memory of all weights."""
    words = weight_words(program)
    width = program.lanes * program.weight_bits
    return _memory(program, f"{prefix}_weights", width, words, single_port=program.source == "spram")


def chain_events(program: Program, index: int, chain: int) -> list[list[tuple[int, int, bool, bool]]]:
    """What comes out of a chain in one transition: per flush, per position: (lane, row, kept, a part of a sum)."""
    continued = program.layers[index + 1].continued
    events = []
    for _block, flags, rows in flushes(program, index):
        if not any(flags[chain :: program.chains]):
            continue
        event = []
        for lane in range(chain, program.lanes, program.chains):
            event.append((lane, rows[lane], flags[lane], rows[lane] == 0 and lane in continued))
        events.append(event)
    return events


def bias_word(program: Program, step: Requantise, neuron: int) -> int:
    """The word of the bias memory for a neuron: bias with rounding term, above it the shift."""
    shift = (step.shift - program.shift_low) << program.bias_bits if program.shift_bits else 0
    return (step.bias[neuron] + step.rounding) % (1 << program.bias_bits) | shift


def bias_words(program: Program, chain: int) -> tuple[list[int], list[int]]:
    """The bias words of a chain in the order in which it needs them, and where each transition's begin."""
    words: list[int] = []
    starts: list[int] = []
    for index, transition in enumerate(program.transitions):
        step = transition.requantise
        starts.append(len(words))
        if step is None:
            continue
        layer = program.layers[index + 1]
        bank = {lane: number for number, lane in enumerate(layer.lane)}
        for event in chain_events(program, index, chain):
            for lane, row, kept, merged in event:
                if kept and not merged:
                    words.append(bias_word(program, step, layer.first[bank[lane]] + row))
    return words, starts


def bias_rom(program: Program, chain: int, prefix: str) -> RomParameters | None:
    """The bias memory of a chain; None where it needs none."""
    words, _starts = bias_words(program, chain)
    if not program.hidden_bias or not words:
        return None
    width = program.bias_bits + program.shift_bits
    return _memory(program, f"{prefix}_bias_{chain}", width, words)


def result_rom(program: Program, prefix: str) -> RomParameters | None:
    """The memory of the output layer's biases; None where they are wired in."""
    bits = program.result_bias_bits
    if not bits:
        return None
    words = [value % (1 << bits) for value in program.result_bias]
    return _memory(program, f"{prefix}_result_bias", bits, words)


def held(program: Program, prefix: str = "") -> Held:
    """All memories that hold what was trained, weights first."""
    found = [
        weight_rom(program, prefix),
        *(bias_rom(program, chain, prefix) for chain in range(program.chains)),
        result_rom(program, prefix),
    ]
    memories = tuple(rom for rom in found if rom is not None)
    return Held(shape=_shape(program, memories), memories=memories)


def _shape(program: Program, memories: tuple[RomParameters, ...]) -> str:
    layers = [
        (layer.neurons, layer.cells, layer.classes, layer.first, layer.phase, layer.lane) for layer in program.layers
    ]
    walks = [(t.columns, t.merged, t.steps, *([t.first] if any(t.first) else [])) for t in program.transitions]
    bits = [layer.bits for layer in program.layers]
    widths = (program.weight_bits, program.sum_bits, program.accumulator_bits, program.bias_bits)
    more = (program.result_bias_bits, program.shift_low, program.shift_bits, program.multiplier)
    forms = [(rom.depth, rom.width) for rom in memories]
    return repr((layers, walks, bits, widths, more, forms))
