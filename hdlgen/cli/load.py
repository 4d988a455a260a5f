"""``hdlgen load``: other weights to a board that runs."""

import contextlib
from collections.abc import Mapping

import click
from tqdm import tqdm

from hdlgen import network as networks
from hdlgen.cli import addresses_board, verb
from hdlgen.terminal import table

__all__ = ["command"]


@verb("load", "run {directory} --port {port}")
@click.argument("directory", metavar="DIR")
@click.argument("net", metavar="[NET]", required=False)
@addresses_board
def command(
    directory: str,
    net: str | None,
    port: str | None,
    baud: int | None,
    timeout: float,
    tool_overrides: Mapping[str, str],
) -> None:
    """Send what was trained of NET to a board that runs the design in DIR.

    NET has the shape of the design's own network, which is what is sent without NET. The board goes on with its old weights,
    if there is room for both, until the new ones are complete and right; then it changes between two inferences. Then it
    is asked the first test inputs in DIR. `hdlgen run DIR` compares with NET from now on. A virtual board is for a trial: it
    is gone at the end.
    """
    from hdlgen.flow.load import image_for, load
    from hdlgen.flow.run import baud_of
    from hdlgen.flow.virtual import VirtualBoard
    from hdlgen.host import Board

    network = networks.load(net) if net is not None else None
    _name, content = image_for(directory, network)  # what is wrong with it is said before the board is looked for
    with contextlib.ExitStack() as stack:
        where = port
        if where is None:
            where = stack.enter_context(VirtualBoard(directory, tool_overrides=tool_overrides)).port
        board = stack.enter_context(Board.open(where, baud=baud or baud_of(directory), timeout=timeout))
        bar = stack.enter_context(tqdm(total=len(content), disable=None, unit="B", unit_scale=True, leave=False))
        done = load(directory, network, board, progress=lambda count: bar.update(count - bar.n))
        identity = board.identity
    table(
        f"{done.name} on {port or 'virtual'}",
        [
            ("image", f"{done.image_bytes:,} bytes"),
            ("in force", done.id),
            ("board", f"{identity.name}, {identity.lanes} lanes, {identity.clock / 1e6:g} MHz"),
            ("checked", f"{done.checked} answers, equal to the golden model's"),
        ],
    )
