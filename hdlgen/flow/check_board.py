"""Whether a board file can be what it says: beyond its text also its pins, which place and route must know."""

import os
from collections.abc import Iterator, Mapping

from hdlgen.errors import InputError, Refused
from hdlgen.flow.boards import Board, Pin, constraints, read_board
from hdlgen.flow.families import FAMILIES
from hdlgen.flow.pll import settings
from hdlgen.flow.toolchain import Toolchain
from hdlgen.processes import workspace

__all__ = ["check_board"]

_TOP = "board"


def check_board(
    path: str | os.PathLike[str], tool_overrides: Mapping[str, str] | None = None
) -> list[tuple[str, str]]:
    """Read a board file, and place and route a design of nothing but its pins.

    Returns
    -------
    what was found: names and texts

    Raises
    ------
    InputError
        As `hdlgen.flow.boards.read_board`; if a pin is used twice, place and route does not take one, or a tool is missing.
    """
    where, board = str(path), read_board(path)
    ports = dict(_ports(board))
    seen: dict[str, str] = {}
    for name, (pin, _) in ports.items():
        if pin.pin in seen:
            raise InputError(f"{where}: {name} is pin {pin.pin}, and so is {seen[pin.pin]}; every pin once")
        seen[pin.pin] = name
    pins = {name: pin for name, (pin, _) in ports.items()}
    file = constraints(board, pins)
    if FAMILIES[board.target.family].place_and_route:
        made_of = _verilog({name: into for name, (_, into) in ports.items()})
        bitstream = f"{_placed(board, file, made_of, where, tool_overrides):,} bytes of these pins alone"
    else:
        bitstream = "made by Vivado: hdlgen synth --project"
    made = settings(board.target.pll, board.clock.source, board.clock.margin)
    clocks = (
        f"and {len(made):,} from {made[0].megahertz:g} to {made[-1].megahertz:g} MHz" if made else "without a PLL"
    )
    return [
        ("board", f"{board.title}, --board {path}"),
        ("device", f"{board.target.device} {board.target.package}"),
        ("clock", f"{board.clock.frequency / 1e6:g} MHz {clocks}"),
        *(
            (name, f"pin {pin.pin}, {'input' if into else 'output'}{_standard(pin)}")
            for name, (pin, into) in ports.items()
        ),
        ("constraints", file[0]),
        ("bitstream", bitstream),
        ("to load one", " ".join(board.command(f"{board.name}.{board.suffix}"))),
        *([("warning", board.warning)] if board.warning else []),
    ]


def _placed(
    board: Board, file: tuple[str, str], verilog: str, where: str, tool_overrides: Mapping[str, str] | None
) -> int:
    """Size of the bitstream of this top; ``file`` of constraints, its name and text, says to which pins its ports go."""
    with workspace("board") as folder:
        tools = Toolchain(folder, board.target, board, tool_overrides, where)
        (folder / "board.v").write_text(verilog, encoding="ascii")
        name, text = file
        (folder / name).write_text(text, encoding="utf-8")
        tools.synthesise(["board.v"], _TOP, board.target.yosys)
        try:
            tools.place_and_route(1, 1.0, rip_up=False)
            return len(tools.pack(1))
        except Refused as error:
            raise InputError(f"{where}: {error}") from None


def _standard(pin: Pin) -> str:
    return "".join([", active low" if pin.active_low else "", f", {pin.standard}" if pin.io else ""])


def _ports(board: Board) -> Iterator[tuple[str, tuple[Pin, bool]]]:
    """All pins of the file by the names of ports, and whether they are inputs."""
    if board.clock.pin is not None:
        yield "clk", (board.clock.pin, True)
    if board.reset is not None:
        yield "button", (board.reset, True)
    for name, pin in board.leds.items():
        yield f"led_{name}", (pin, False)
    if board.uart is not None:
        yield "rx", (board.uart.rx, True)
        yield "tx", (board.uart.tx, False)
        for number, pin in enumerate(board.uart.high):
            yield f"high_{number}", (pin, False)
    if board.flash is not None:
        inputs = {"miso"}
        for name in ("cs", "clk", "mosi", "miso", "wp", "hold"):
            pin = getattr(board.flash, name)
            if pin is not None:
                yield f"flash_{name}", (pin, name in inputs)
    if board.spi is not None:
        for name in ("clock", "mosi", "select"):
            yield f"spi_{name}", (getattr(board.spi, name), True)
    if board.i2c is not None:
        yield "i2c_clock", (board.i2c.clock, True)
        yield "i2c_data", (board.i2c.data, True)
    if board.show is not None:
        shared = {pin.pin for pin in board.leds.values()}  # which may be in the row, too
        for name, row in (("light", board.show.leds), ("segment", board.show.segments), ("digit", board.show.digits)):
            yield from ((f"{name}_{number}", (pin, False)) for number, pin in enumerate(row) if pin.pin not in shared)


def _verilog(ports: Mapping[str, bool]) -> str:
    """A top in which every output depends on every input, by a register where there is a clock."""
    inputs = [name for name, into in ports.items() if into]
    outputs = [name for name, into in ports.items() if not into]
    listed = ", ".join([*(f"input {name}" for name in inputs), *(f"output {name}" for name in outputs)])
    others = " ^ ".join(["1'b0", *(name for name in inputs if name != "clk")])
    state = f"reg q = 0; always @(posedge clk) q <= !q ^ {others};" if "clk" in inputs else f"wire q = {others};"
    return (
        f"module {_TOP}({listed});\n{state}\n" + "".join(f"assign {name} = q;\n" for name in outputs) + "endmodule\n"
    )
