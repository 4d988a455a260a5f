"""From a network to the program of an engine: a list of passes over one immutable value.

>>> program = compile_network(network, lanes=16)
>>> program.run(x)            # the same integers as hdlgen.golden.evaluate, in the order of the hardware
"""

from hdlgen import golden
from hdlgen.compiler import frame as frames
from hdlgen.compiler import passes, timing
from hdlgen.compiler.frame import Frame
from hdlgen.compiler.program import FILLS, SOURCES, Layer, Program, Requantise, Transition
from hdlgen.compiler.program_factors import MULTIPLIERS
from hdlgen.compiler.program_flash import LINES
from hdlgen.compiler.room import check_banks
from hdlgen.compiler.verify import verify
from hdlgen.errors import InputError
from hdlgen.network import Network

__all__ = ["PASSES", "Frame", "Layer", "Program", "Requantise", "Transition", "compile_network"]

PASSES = (
    passes.place,  # neurons to banks, lanes and rows: everything else refers to them
    passes.walk,  # the order of the blocks, which needs the banks; folds repeated edges
    passes.fold,  # the weights in that order
    passes.accumulate,  # widths of sums, from the folded weights
    frames.fit,  # room for other weights, or the widths of the design that these are for
    passes.drain,  # chains that carry sums away, from the flushes of the walk
    passes.store,  # the activation memory, from the rows
    timing.predict,  # latency and interval, which follow from all the above
)

MAX_LANES = 64


def compile_network(
    network: Network,
    *,
    lanes: int = 16,
    elements_per_beat: int = 1,
    merge: bool = True,
    multiplier: str = "auto",
    input_buffers: int | None = None,
    source: str = "rom",
    fill: str | None = None,
    banks: int | None = None,
    flash_lines: int = 1,
    flash_divide: int = 2,
    adaptable: bool | None = None,
    frame: Frame | None = None,
    check: bool = True,
) -> Program:
    """Compile a network for an engine of ``lanes`` lanes.

    Parameters
    ----------
    lanes: 1, 2, 4 .. 64, at most the number of paths
    elements_per_beat: input elements per beat of the input stream, 1, 2, 4 .. 16
    merge: fold repeated edges into one wherever that saves whole blocks
    multiplier: "dsp" (vendor multipliers where there are any), "lut" (plain logic), "shift" (only for weights that are 0 or
        powers of two, with either sign), "add" (only for weights in {-1, 0, 1}), or "auto": "add" where it is possible,
        "shift" where it is and weights take no more bits so, else "dsp"
    input_buffers: 1 or 2 frames of input memory; None takes 1 where that costs no time
    source: where the weights are: "rom" (block RAM, in the bitstream), "ram" (block RAM, can be written), "spram" (the
        single-port RAM of the iCE40 UltraPlus, is to be written first), "flash" (SPI flash beside the device)
    fill: with "spram", what writes it first: "port" (whoever is at the load port; default) or "flash" (the design itself,
        after configuration; the load port may do it as well)
    banks: with "ram", 2 to go on with the old weights while new ones come, or 1; default 2
    flash_lines: with a flash, lines on which it gives data: 1, 2 or 4
    flash_divide: with a flash, cycles of its clock: 2, 4 or 8
    adaptable: leave room for the weights of a retrained network: shifts and all biases in memory, sums one bit wider; None
        does so where weights can be written
    frame: take the widths of a design that this network is to run on; the other options are to be ``frame.options``
    check: verify the program after every pass

    Raises
    ------
    InputError
        If an option does not fit the network.
    """
    where = f"network {network.name!r}"
    paths = network.topology.paths
    if lanes not in (1, 2, 4, 8, 16, 32, MAX_LANES):
        raise InputError(f"{where}: lanes: {lanes}; allowed are 1, 2, 4, 8, 16, 32 and 64")
    if lanes > paths:
        raise InputError(
            f"{where}: lanes: {lanes} is more than its {paths} paths; allowed are powers of two up to {paths}"
        )
    if elements_per_beat not in (1, 2, 4, 8, 16):
        raise InputError(f"{where}: elements per beat: {elements_per_beat}; allowed are 1, 2, 4, 8 and 16")
    if multiplier not in MULTIPLIERS:
        raise InputError(f"{where}: multiplier: {multiplier!r}; allowed are {', '.join(MULTIPLIERS)}")
    if input_buffers not in (None, 1, 2):
        raise InputError(f"{where}: input buffers: {input_buffers}; allowed are 1 and 2")
    if source not in SOURCES:
        raise InputError(f"{where}: weights: {source!r}; allowed are {', '.join(SOURCES)}")
    fill = FILLS[source][0] if fill is None else fill
    if fill not in FILLS[source]:
        allowed = " and ".join(FILLS[source])
        raise InputError(f"{where}: fill: {fill!r} of weights in {source}; allowed with {source}: {allowed}")
    banks = check_banks(where, source, banks)
    if flash_lines not in LINES or (fill != "flash" and flash_lines != 1):
        raise InputError(
            f"{where}: flash lines: {flash_lines} of weights in {source}; allowed with flash: 1, 2 and 4"
        )
    if flash_divide not in (2, 4, 8) or (fill != "flash" and flash_divide != 2):
        raise InputError(f"{where}: flash divide: {flash_divide} of weights in {source}; allowed with flash: 2, 4, 8")
    golden.accumulator_bits(network)  # refuses layers whose shift leaves nothing
    outputs = network.widths[-1]
    bits = max((paths - 1).bit_length(), lanes.bit_length() - 1)
    notes = []
    if min(network.topology.log2_slots[-1], bits) < (outputs - 1).bit_length():
        bits = (outputs - 1).bit_length()
    digits, slots = network.topology.changed_digits, max(network.topology.log2_slots)
    if digits > bits and slots > bits:
        raise InputError(
            f"{where}: topology: {digits} digits of {1 << slots} slots are scrambled or shifted; allowed are {bits} digits"
            f" with {paths} paths, or up to {1 << bits} slots"
        )
    kept = network.topology.kept
    if network.topology.scramble is not None and lanes > 1 << kept:
        raise InputError(
            f"{where}: lanes: {lanes}; allowed are up to {1 << kept}, as the scrambling leaves {kept} digits"
            " (topology: kept)"
        )
    if 1 << bits != paths:
        notes.append(f"{paths} paths padded to {1 << bits} by paths of weight zero")
    program = Program(
        name=network.name,
        lanes=lanes,
        index_bits=bits,
        elements_per_beat=elements_per_beat,
        input_bits=network.input.bits,
        merge=merge,
        source=source,
        fill=fill,
        banks=banks,
        flash_lines=flash_lines,
        flash_divide=flash_divide,
        notes=tuple(notes),
    )
    for step in PASSES:
        program = step(
            network,
            program,
            merge=merge,
            multiplier=multiplier,
            input_buffers=input_buffers,
            adaptable=program.writable if adaptable is None else adaptable,
            frame=frame,
        )
        if check:
            verify(network, program)
    return program
