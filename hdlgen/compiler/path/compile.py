"""From a path network to its program: a list of passes over one immutable value.

>>> program = compile_paths(network, Options(lanes=16))
>>> program.run(x)            # the same integers as hdlgen.golden.evaluate, in the order of the hardware
"""

from dataclasses import replace

from hdlgen.compiler.fitting import EngineFrame, Fitter
from hdlgen.compiler.options import Options
from hdlgen.compiler.path import frame as frames
from hdlgen.compiler.path import passes, timing
from hdlgen.compiler.path.passes import topology_of
from hdlgen.compiler.path.program import Program
from hdlgen.compiler.path.verify import verify
from hdlgen.errors import InputError
from hdlgen.network import Network

__all__ = ["PASSES", "compile_paths"]

PASSES = (
    passes.place,  # neurons to banks, lanes and rows: everything else refers to them
    passes.walk,  # the order of the blocks, which needs the banks; folds repeated edges
    passes.fold,  # the weights in that order
    passes.accumulate,  # widths of sums, from the folded weights
    frames.fit,  # what multiplies, and room for other weights, or what the design has that these are for
    passes.drain,  # chains that carry sums away, from the flushes of the walk
    passes.store,  # the activation memory, from the rows
    timing.predict,  # latency and interval, which follow from all the above
)


def compile_paths(
    network: Network, options: Options, *, frame: EngineFrame | None = None, check: bool = True
) -> Program:
    """Compile a path network for an engine of at most as many lanes as it has paths; the rest is as in `Engine`."""
    where, lanes = network.where, options.lane_count
    options.limit(where, Program.engine_name, Program.takes)
    topology = topology_of(network)
    paths = topology.paths
    if lanes > paths:
        raise InputError(
            f"{where}: lanes: {lanes} is more than its {paths} paths; allowed are powers of two up to {paths}"
        )
    network.ranges()  # refuses layers whose shift leaves nothing
    outputs = network.widths[-1]
    bits = max((paths - 1).bit_length(), lanes.bit_length() - 1)
    notes = []
    if min(topology.log2_slots[-1], bits) < (outputs - 1).bit_length():
        bits = (outputs - 1).bit_length()
    digits, slots = topology.changed_digits, max(topology.log2_slots)
    if digits > bits and slots > bits:
        raise InputError(
            f"{where}: topology: {digits} digits of {1 << slots} slots are scrambled or shifted; allowed are {bits} digits"
            f" with {paths} paths, or up to {1 << bits} slots"
        )
    kept = topology.kept
    if topology.scramble is not None and lanes > 1 << kept:
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
        elements_per_beat=options.elements_per_beat,
        input_bits=network.input.bits,
        merge=options.merge,
        source=options.source,
        fill=options.fill,
        banks=options.banks,
        flash_lines=options.flash_lines,
        flash_divide=options.flash_divide,
        notes=tuple(notes),
    )
    fitter = Fitter(where, options, frame)
    for step in PASSES:
        program = step(network, program, options, fitter)
        if check:
            verify(network, program)
    return replace(program, frame=fitter.frame)
