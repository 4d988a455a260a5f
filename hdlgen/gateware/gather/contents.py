"""What the gather engine holds: the contents of its memories, and how many bits say what goes where."""

from hdlgen.compiler.factors import factors
from hdlgen.compiler.gather.program import GatherProgram
from hdlgen.gateware.image import Held, side_by_side

__all__ = ["connectivity_bits", "delta_words", "drain_words", "held", "weight_words"]


def weight_words(program: GatherProgram) -> list[int]:
    """For each step the codes of all lanes, lane 0 in the lowest bits."""
    p = program
    if not p.books:
        two = p.code_bits < p.weight_bits  # -1 or 1
        return side_by_side(p.weights < 0 if two else factors(p.weights, p.multiplier, p.code_bits), p.code_bits)
    codes = []
    for round in p.rounds():
        book = {weight: code for code, weight in enumerate(p.books[round.job])}
        steps = p.weights[round.step : round.step + round.cycles].tolist()
        codes += [[book[weight] for weight in step] for step in steps]
    return side_by_side(codes, p.code_bits)


def delta_words(program: GatherProgram) -> list[int]:
    """For each step the deltas of all lanes, lane 0 in the lowest bits."""
    return side_by_side(program.deltas, program.delta_bits)


def drain_words(program: GatherProgram) -> list[int]:
    """The memory of `GatherProgram.drain_fields`, in the order in which the parts leave."""
    p = program
    fields = p.drain_fields
    words = []
    for job in p.layers:
        # With the rounding of the shift, where that is not added behind the multiplier.
        rounding = 0 if p.multiplies else job.squash.addend
        inverse: dict[int, int] = {}
        if job.skip is not None:
            inverse = {neuron: place for place, neuron in enumerate(p.order(job.skip[0]))}
        for place, neuron in enumerate(job.order):
            for part in range(job.splits[place]):
                final = part == job.splits[place] - 1
                values = {
                    # The bias comes with the last part.
                    "bias": job.bias[place] + rounding if final else 0,
                    "multiplier": 1 if job.multiplier is None else job.multiplier[place],
                    "row": neuron if job is p.layers[-1] else 0,
                    "skip": inverse.get(neuron, 0),
                    "last": int(final),
                }
                word = at = 0
                for name, bits in fields.items():
                    word |= values[name] % (1 << bits) << at
                    at += bits
                words.append(word)
    return words


def held(program: GatherProgram, prefix: str = "") -> Held:
    """All memories that hold what was trained: the weights of all steps, and the constants of all parts.

    If they are read-only, the deltas are above the weights.
    """
    p = program
    words, width = weight_words(p), p.lanes * p.code_bits
    if p.indexed and not p.writable:
        words = [word | deltas << width for word, deltas in zip(words, delta_words(p), strict=True)]
        width += p.lanes * p.delta_bits
    neurons = (f"{prefix}_neurons", drain_words(p), sum(p.drain_fields.values()))
    return Held.of(p, [(f"{prefix}_weights", words, width), neurons], p.engine)


def connectivity_bits(program: GatherProgram) -> int:
    """Bits that only say what goes where: indices of the stream, and of results, skip connections and parts, which are there
    in every bank."""
    indices = sum(bits for name, bits in program.drain_fields.items() if name in ("row", "skip", "last"))
    parts = sum(job.parts for job in program.layers)
    return program.steps * program.lanes * program.delta_bits + program.banks * parts * indices
