"""What the engine of a path network holds that was trained: the contents of its memories.

A memory's contents follow from the program alone.
"""

from hdlgen.compiler.factors import factors
from hdlgen.compiler.path.program import Program, flushes
from hdlgen.gateware.image import Held, side_by_side

__all__ = ["bias_words", "held", "weight_words"]


def weight_words(program: Program) -> list[int]:
    """The weights of one block per word, lane 0 in the lowest bits, transition after transition."""
    words: list[int] = []
    for transition in program.transitions:
        assert transition.weights is not None
        codes = factors(transition.weights, program.multiplier, program.weight_bits)
        words += side_by_side(codes, program.weight_bits)
    return words


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
        shift = step.shift - program.shift_low if program.shift_bits else 0
        first = {lane: layer.first[bank] for bank, lane in enumerate(layer.lane)}
        for _block, flags, rows in flushes(program, index):
            for lane in range(chain, program.lanes, program.chains):
                # In row 0 there may be a part of a sum.
                if flags[lane] and (rows[lane] or lane not in layer.continued):
                    # Bias with rounding term, above it the shift.
                    word = (step.bias[first[lane] + rows[lane]] + step.rounding) % (1 << program.bias_bits)
                    words.append(word | shift << program.bias_bits)
    return words, starts


def held(program: Program, prefix: str = "") -> Held:
    """All memories that hold what was trained: weights, biases chain by chain, biases of the output layer.

    There are none for what is wired in.
    """
    p = program
    contents = [(f"{prefix}_weights", weight_words(p), p.lanes * p.weight_bits)]
    for chain in range(p.chains):
        words, _starts = bias_words(p, chain)
        if p.hidden_bias and words:
            contents.append((f"{prefix}_bias_{chain}", words, p.bias_bits + p.shift_bits))
    bits = p.result_bias_bits
    if bits:
        contents.append((f"{prefix}_result_bias", [value % (1 << bits) for value in p.result_bias], bits))
    layers = [(layer.neurons, layer.cells, layer.classes, layer.first, layer.phase, layer.lane) for layer in p.layers]
    walks = [(t.columns, t.merged, t.steps, *([t.first] if any(t.first) else [])) for t in p.transitions]
    widths = (p.weight_bits, p.sum_bits, p.accumulator_bits, p.bias_bits)
    more = (p.result_bias_bits, p.shift_low, p.shift_bits, p.multiplier)
    return Held.of(p, contents, layers, walks, [layer.bits for layer in p.layers], widths, more)
