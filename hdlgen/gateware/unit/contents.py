"""What the unit of a recurrent core holds that was trained: the contents of its memories."""

from hdlgen.compiler.unit.program import BandProgram, Constants, RecurrentUnit, Unit
from hdlgen.gateware.image import Held, side_by_side

__all__ = ["constants_words", "held", "index_words", "unit_memories", "unit_words"]


def unit_memories(unit: Unit, prefix: str) -> list[tuple[str, list[int], int]]:
    """Names, words and widths of the memories of a unit that hold what was trained: weights, then biases."""
    run, chains = unit.run_length, unit.chains
    found = [(f"{prefix}_weights", unit_words(unit), unit.lanes * unit.weight_bits)]
    for what, constants in unit.constants.items():
        if constants.in_memory(run, chains):
            found.append((f"{prefix}_{what}", constants_words(constants, run, chains), constants.bits * chains))
    return found


def unit_words(unit: Unit) -> list[int]:
    """The weights of one cycle per word, lane 0 in the lowest bits, in the order of `Unit.weights`."""
    return side_by_side(unit.weights.tolist(), unit.weight_bits)


def index_words(unit: RecurrentUnit) -> list[int]:
    """The stored indices of one cycle per word, lane 0 in the lowest bits, in the order of use."""
    assert unit.recurrence.indices is not None
    return side_by_side(unit.recurrence.indices.tolist(), unit.index_bits)


def constants_words(constants: Constants, run: int, chains: int) -> list[int]:
    """The constants of one element of every chain per word, chain 0 in the lowest bits."""
    return side_by_side(constants.words(run, chains), constants.bits)


def held(program: BandProgram, prefix: str = "") -> Held:
    """All memories that hold what was trained, unit by unit."""
    contents = [memory for unit in program.units for memory in unit_memories(unit, f"{prefix}_{unit.name}")]
    return Held.of(program, contents, program.engine)
