"""Other weights for a board that runs: over its serial port, into the memory of its weights."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hdlgen import network as networks
from hdlgen.compiler.adopt import compile_for
from hdlgen.emit.manifest import check_sources, read_manifest
from hdlgen.emit.verilog import held
from hdlgen.errors import InputError, Refused
from hdlgen.flow.inputs import ask, read_inputs
from hdlgen.gateware.image import image_id
from hdlgen.host import Board
from hdlgen.network import Network

__all__ = ["Loaded", "image_for", "load", "loaded_network"]

_CHECKED = 16
"""Inputs of the folder, or sequences, that a board is asked after it was loaded."""


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What is in force on the board now: its bytes, what the board says of them, inputs that it answered correctly."""

    name: str
    image_bytes: int
    id: str
    checked: int


def image_for(directory: str | os.PathLike[str], network: Network | None) -> tuple[str, bytes]:
    """The name of a network and its image for the design in ``directory``; None means the design's own.

    Raises :class:`InputError` if the folder is no design whose weights can be written, or it does not fit ``network``.
    """
    root = Path(directory)
    manifest = read_manifest(root)
    check_sources(root, manifest)
    if manifest.weights.source == "flash":
        raise InputError(
            f"{root}: its weights are in flash; `hdlgen patch` makes the image of others, and `hdlgen program` writes it"
        )
    if not manifest.weights.loadable:
        raise InputError(
            f"{root}: its weights are part of the bitstream; compile with --weights ram, or exchange them with "
            f"`hdlgen patch`"
        )
    if network is None:
        return manifest.name, (root / str(manifest.weights.image)).read_bytes()
    design = networks.load(root / manifest.network.file)
    _, plan = compile_for(root, design, manifest.frame, manifest.target, network)
    return network.name, held(plan.stages[0], manifest.top).image


def loaded_network(directory: str | os.PathLike[str], identity: bytes) -> Path | None:
    """The file of the network that a board with the design in ``directory`` has in force, if `load` was given it there."""
    path = Path(directory) / f"loaded-{identity.hex()}.safetensors"
    if not path.is_file() or image_id(image_for(directory, networks.load(path))[1]) != identity.hex():
        return None
    return path


def load(
    directory: str | os.PathLike[str],
    network: Network | None,
    board: Board,
    *,
    progress: Callable[[int], object] | None = None,
) -> Loaded:
    """Give ``board``, which runs the design in ``directory``, the weights of ``network``; None means the design's own.

    Then the board is asked the first inputs of the folder. The folder remembers the network: `hdlgen run` compares with it
    as long as the board has these weights.

    Raises what `image_for` and `hdlgen.Board.load` do, and :class:`Refused` if an answer is wrong.
    """
    root = Path(directory)
    name, content = image_for(root, network)
    manifest = read_manifest(root)
    other = None
    if network is not None:
        other = root / f"loaded-{image_id(content)}.safetensors"
        networks.save(network, other)
    inputs = read_inputs(root, manifest, None, None, _CHECKED, network_file=other)
    board.load(content, progress=progress)
    wrong, first = inputs.differences(ask(board, inputs.rows))
    if wrong:
        raise Refused(
            f"{root}: the board has the weights of {name!r}, and {wrong} of {inputs.count} answers differ from the "
            f"golden model's; {first}"
        )
    return Loaded(name=name, image_bytes=len(content), id=image_id(content), checked=inputs.count)
