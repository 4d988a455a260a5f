"""Networks of any kind to programs: new designs, and other weights for finished ones."""

from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from hdlgen import network as networks
from hdlgen.compiler import compile_network
from hdlgen.compiler.band import compile_recurrent
from hdlgen.compiler.frame import Frame
from hdlgen.compiler.gather import compile_layered
from hdlgen.compiler.program import Program
from hdlgen.compiler.program_band import BandProgram
from hdlgen.compiler.program_gather import GatherProgram
from hdlgen.compiler.room import EngineFrame, engine
from hdlgen.compiler.shape import AnyNetwork, adopt
from hdlgen.errors import InputError
from hdlgen.network import LayeredNetwork, RecurrentNetwork

__all__ = ["AnyNetwork", "AnyProgram", "compile_any", "compile_for", "frame_of"]

AnyProgram = Program | BandProgram | GatherProgram


def compile_any(network: AnyNetwork, **options: Any) -> AnyProgram:
    """The program of a network; ``options`` are those of `compile_network`, `compile_recurrent` or `compile_layered`."""
    if isinstance(network, RecurrentNetwork):
        return compile_recurrent(network, **options)
    if isinstance(network, LayeredNetwork):
        return compile_layered(network, **options)
    return compile_network(network, **options)


def frame_of(program: AnyProgram) -> Frame | EngineFrame:
    """What the design is able to take."""
    return Frame.of(program) if isinstance(program, Program) else program.frame


def compile_for(root: Path, manifest: Mapping[str, Any], network: AnyNetwork) -> tuple[AnyNetwork, AnyProgram]:
    """The program of ``network`` for the design in the folder ``root``, and the network as that one computes it (`adopt`).

    Raises
    ------
    InputError
        If the network does not fit the design, or ``manifest`` does not tell of its frame.
    """
    design = networks.load(root / manifest["network"]["file"])
    network = adopt(network, design, str(root))
    table, where = manifest.get("frame", {}), str(root / "manifest.json")
    if not isinstance(design, RecurrentNetwork | LayeredNetwork):
        fixed = Frame.from_json(table, where)
        return network, compile_any(network, **fixed.options, frame=fixed)
    frame = EngineFrame.from_json(table, where)
    program, theirs = (compile_any(each, **frame.options, frame=frame) for each in (network, design))
    for (what, mine), (other, known) in zip_longest(engine(program), engine(theirs), fillvalue=("", None)):
        if what != other or mine != known:
            raise InputError(
                f"network {network.name!r}: needs another engine than the design in {root} has: {what or other} differs"
            )
    return network, program
