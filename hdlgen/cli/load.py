"""``hdlgen load``: other weights to a board that runs."""

import contextlib

import click
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from hdlgen import network as networks
from hdlgen.errors import InputError

__all__ = ["command"]


@click.command("load")
@click.argument("directory", metavar="DIR")
@click.argument("net", metavar="[NET]", required=False)
@click.option("--port", metavar="P", help="Serial port of the board, e.g. /dev/ttyUSB1 or COM3.")
@click.option("--virtual", is_flag=True, help="A simulated board instead, for a trial: it is gone at the end.")
@click.option("--baud", type=int, metavar="BITS/S", help="Default: that of DIR's bitstream, otherwise 1000000.")
@click.option(
    "--timeout",
    type=float,
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="Silence of the board after which it is asked again.",
)
@click.option("--tool", "tool", multiple=True, metavar="NAME=COMMAND", help="Use another program, e.g. a native one.")
def command(
    directory: str,
    net: str | None,
    port: str | None,
    virtual: bool,
    baud: int | None,
    timeout: float,
    tool: tuple[str, ...],
) -> None:
    """Send what was trained of NET to a board that runs the design in DIR.

    NET has the shape of the design's own network, which is what is sent without NET. The board goes on with its old weights,
    if there is room for both, until the new ones are complete and right; then it changes between two inferences. Then it
    is asked the first test inputs in DIR. `hdlgen run DIR` compares with NET from now on.
    """
    from hdlgen.flow.load import image_for, load
    from hdlgen.flow.run import baud_of
    from hdlgen.flow.tools import parse_overrides
    from hdlgen.flow.virtual import VirtualBoard
    from hdlgen.host import Board

    if virtual == (port is not None):
        raise InputError("hdlgen load: give either --port or --virtual")
    if virtual and baud is not None:
        raise InputError("--baud: allowed with --port only; the line of a virtual board has no rate of its own")
    overrides = parse_overrides(tool)
    network = networks.load(net) if net is not None else None
    _name, content = image_for(directory, network)  # what is wrong with it is said before the board is looked for
    with contextlib.ExitStack() as stack:
        if port is None:
            port = stack.enter_context(VirtualBoard(directory, tool_overrides=overrides)).port
        board = stack.enter_context(Board.open(port, baud=baud or baud_of(directory), timeout=timeout))
        bar = stack.enter_context(tqdm(total=len(content), unit="B", unit_scale=True, leave=False))
        done = load(directory, network, board, progress=lambda count: bar.update(count - bar.n))
        identity = board.identity
    table = Table(title=f"{done.name} on {'virtual' if virtual else port}", show_header=False, title_justify="left")
    table.add_row("image", f"{done.image_bytes:,} bytes")
    table.add_row("in force", done.id)
    table.add_row("board", f"{identity.name}, {identity.lanes} lanes, {identity.clock / 1e6:g} MHz")
    table.add_row("checked", f"{done.checked} answers, equal to the golden model's")
    Console().print(table)
