"""From a synthesised folder onto the board, by whichever of the board's programs is installed."""

import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from hdlgen.emit.manifest import Manifest, check_sources, read_manifest
from hdlgen.errors import InputError, Refused
from hdlgen.flow.boards import Board, filled, find_board, names
from hdlgen.flow.synth_report import bitstream_of, found_reports

__all__ = ["Programming", "prepare", "run"]


@dataclass(frozen=True, kw_only=True)
class Programming:
    """What is to be done.

    ``command`` is the board's first one whose program is ``installed``, otherwise its first one. Where an ``image`` of
    weights belongs into the flash, ``image_command`` writes it there before; it is empty where no program of the board can.
    """

    board: Board
    bitstream: Path
    command: tuple[str, ...]
    installed: bool
    image: Path | None = None
    image_command: tuple[str, ...] = ()

    @property
    def commands(self) -> tuple[tuple[str, ...], ...]:
        """All, in order."""
        return tuple(command for command in (self.image_command, self.command) if command)

    @property
    def text(self) -> str:
        """The commands, to be copied into a shell."""
        return "\n".join(map(shlex.join, self.commands))


def prepare(directory: str | os.PathLike[str], board: Board | None = None, top: str | None = None) -> Programming:
    """Find the bitstream in ``directory`` and the command for it.

    ``board`` is needed where the folder has bitstreams for several boards, or for one that hdlgen does not know; ``top``,
    the kind of design, e.g. "self-test", where it has several for the board.

    Raises
    ------
    InputError
        If there is no such bitstream, there are several, or it is not the one that its report is about.
    """
    root = Path(directory)
    manifest = read_manifest(root)
    found = [
        (report.board.name, report.around, path, report.bitstream)
        for path, report in found_reports(root, manifest)
        if report.board is not None and report.bitstream is not None and top in (None, report.around)
    ]
    if not found:
        which = "" if top is None else f" of --top {top}"
        raise InputError(f"{root}: no bitstream{which}; `hdlgen synth {root} --board B` makes one")
    boards = list(dict.fromkeys(name for name, *_ in found))
    if board is None:
        if len(boards) > 1:
            raise InputError(f"{root}: bitstreams for several boards; name one with --board: {', '.join(boards)}")
        (name,) = boards
        if name not in names():
            raise InputError(f"{root}: the bitstream is for board {name!r}; give its file with --board FILE.toml")
        board = find_board(name)
    if board.name not in boards:
        raise InputError(f"{root}: no bitstream for --board {board.name}; there is one for {', '.join(boards)}")
    found = [entry for entry in found if entry[0] == board.name]
    if len(found) > 1:
        tops = ", ".join(entry[1] for entry in found)
        raise InputError(f"{root}: several designs for {board.name}; name one with --top: {tops}")
    bitstream = bitstream_of(*found[0][2:])
    image, image_commands = _image(root, manifest, board)
    command, installed = _choose([filled(command, bitstream=bitstream) for command in board.commands])
    image_command, image_installed = _choose(image_commands)
    return Programming(
        board=board,
        bitstream=bitstream,
        command=command,
        installed=installed and image_installed and bool(image_command or image is None),
        image=image,
        image_command=image_command,
    )


def _choose(commands: list[tuple[str, ...]]) -> tuple[tuple[str, ...], bool]:
    """The first command whose program is installed, or the first, and whether it is installed."""
    there = [command for command in commands if shutil.which(command[0]) is not None]
    return next(iter(there or commands), ()), bool(there or not commands)


def _image(root: Path, manifest: Manifest, board: Board) -> tuple[Path | None, list[tuple[str, ...]]]:
    """The image of weights for the board's flash, if the design has one, and the commands that write it."""
    if not manifest.weights.from_flash:
        return None, []
    check_sources(root, manifest)
    image = root / str(manifest.weights.image)
    if board.flash is None:
        raise InputError(f"{root}: reads its weights from flash, and {board.title} has none in its file")
    commands = map(shlex.split, board.flash.program)
    return image, [filled(command, image=image, offset=board.flash.image) for command in commands]


def run(programming: Programming) -> None:
    """Run the command; it writes to the terminal itself.

    Raises :class:`Refused` if none of the board's programs is installed, or it fails.
    """
    if programming.image is not None and not programming.image_command:
        assert programming.board.flash is not None
        raise Refused(
            f"no program of {programming.board.title} writes into its flash; write {programming.image} there at byte "
            f"{programming.board.flash.image}, and then: {programming.text}"
        )
    if not programming.installed:
        wanted = " or ".join(command[0] for command in programming.board.commands)
        raise Refused(
            f"{wanted} is not installed; install it, or run on another machine: {' && '.join(programming.text.splitlines())}"
        )
    for command in programming.commands:
        text = shlex.join(command)
        try:
            status = subprocess.run(command, check=False).returncode
        except OSError as error:
            raise Refused(f"{command[0]} cannot be run: {error.strerror}: {text}") from error
        if status:
            raise Refused(f"{command[0]} failed with exit status {status}: {text}")
