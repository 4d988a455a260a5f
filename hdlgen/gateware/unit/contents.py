"""What the unit of a recurrent core holds that was trained: the contents of its memories."""

from hdlgen.compiler.unit.program import BandProgram, Constants
from hdlgen.gateware.image import Held, side_by_side

__all__ = ["constants_words", "held"]


def constants_words(constants: Constants, run: int, chains: int) -> list[int]:
    """The constants of one element of every chain per word, chain 0 in the lowest bits."""
    return side_by_side(constants.words(run, chains), constants.bits)


def held(program: BandProgram, prefix: str = "") -> Held:
    """All memories that hold what was trained, unit by unit: the weights of one cycle per word, lane 0 in the lowest bits,
    in the order of `Unit.weights`; then constants."""
    contents = []
    for unit in program.units:
        name, run, chains = f"{prefix}_{unit.name}", unit.run_length, unit.chains
        weights = side_by_side(unit.weights, unit.weight_bits)
        contents.append((f"{name}_weights", weights, unit.lanes * unit.weight_bits))
        for what, constants in unit.constants.items():
            if constants.in_memory(run, chains):
                words = constants_words(constants, run, chains)
                contents.append((f"{name}_{what}", words, constants.bits * chains))
    return Held.of(program, contents, program.engine)
