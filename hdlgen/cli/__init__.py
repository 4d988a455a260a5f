"""The program ``hdlgen``: one module of this package per verb, each with a click command named ``command``.

Exit status: 0 success, 1 the answer is no, 2 wrong usage or bad input.
"""

import functools
import importlib
import math
import os
import pkgutil
import re
import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from hdlgen import __version__
from hdlgen.description import check_name
from hdlgen.errors import Doubtful, InputError, Refused
from hdlgen.files import check_new_folder, check_writable, reason
from hdlgen.processes import ended_by_signals
from hdlgen.schema import show
from hdlgen.terminal import say

__all__ = [
    "BAUD",
    "NEW_FILE",
    "NEW_FOLDER",
    "New",
    "Number",
    "Row",
    "Several",
    "Verb",
    "Verbs",
    "addresses_board",
    "input_options",
    "integers",
    "main",
    "name_option",
    "network_name",
    "numbers",
    "options",
    "tool_option",
    "verb",
    "worker_options",
]

# Not known to click before 8.2, which prints the help by itself.
_NO_VERB: tuple[type[click.UsageError], ...] = tuple(
    kind for kind in [getattr(click.exceptions, "NoArgsIsHelpError", None)] if kind is not None
)


_WORK: dict[str, Sequence[str]] = {
    "Make a network": ("hear", "train", "import", "quantize", "prune", "paths", "names"),
    "Look at it": ("check", "evaluate", "generate", "draw"),
    "Choose what to build": ("estimate", "explore", "study"),
    "Make a core": ("compile", "simulate", "synth", "report"),
    "Put it on a board": ("boards", "program", "run", "play", "patch", "load"),
    "See all of it": ("demo",),
}
"""The verbs in the order of work."""


class Verb(click.Command):
    """A command that says what comes next, in its help, and behind its work to whoever sits before a terminal.

    ``then`` has commands of ``hdlgen``, with parameters in braces; the first of them of which all are given is shown. The
    command's function may return another, or "" for none.
    """

    def __init__(self, *args: Any, then: Sequence[str] = (), **more: Any) -> None:
        super().__init__(*args, **more)
        self.then = then
        names = [re.sub(r"{(\w+)}", lambda name: name[1].upper(), words) for words in then]
        self.epilog = f"Next: hdlgen {', or hdlgen '.join(names)}" if names else None

    def invoke(self, ctx: click.Context) -> Any:
        result = super().invoke(ctx)
        given = {name: shlex.quote(str(value)) for name, value in ctx.params.items() if value is not None}
        fitting = (words.format(**given) for words in self.then if set(re.findall(r"{(\w+)}", words)) <= set(given))
        following = result if isinstance(result, str) else next(fitting, "")
        if following and sys.stderr.isatty():
            say(f"next: hdlgen {following}", stream=sys.stderr)
        return result


def verb(name: str, *then: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A `Verb` made of a function."""
    return click.command(name, cls=Verb, then=then)


class Verbs(click.Group):
    """A group whose help has the whole first sentence of every verb, in the order in which they were added."""

    def sections(self, ctx: click.Context) -> dict[str, Sequence[str]]:
        """Headings, and the names below."""
        return {"Commands": tuple(self.commands)}

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, names in self.sections(ctx).items():
            with formatter.section(title):
                commands = [(name, self.get_command(ctx, name)) for name in names]
                formatter.write_dl([(name, found.get_short_help_str(400)) for name, found in commands if found])


class _Program(Verbs):
    """Imports a verb's module only when it is asked for, so that ``hdlgen check`` does not load Amaranth."""

    def sections(self, ctx: click.Context) -> dict[str, Sequence[str]]:
        return _WORK

    def list_commands(self, ctx: click.Context) -> list[str]:
        known = [name for names in _WORK.values() for name in names]
        return known + sorted({module.name for module in pkgutil.iter_modules(__path__)} - set(known))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"{__name__}.{cmd_name}").command
        return command


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hdlgen")
def hdlgen() -> None:  # a module of this package is called program
    """From a trained sparse network to Verilog that is proved equal to it, and to a bitstream, with open tools only.

    NET is a network file, or the name of a shipped network; DIR the folder of a core, which `hdlgen compile` makes.
    """


def _show_warning(message: Warning | str, category: type[Warning], *place: Any) -> None:
    if issubclass(category, Doubtful):
        say(f"warning: {message}", stream=sys.stderr)
    else:
        sys.stderr.write(warnings.formatwarning(message, category, *place[:2]))


@ended_by_signals()
def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", Doubtful)
            warnings.showwarning = _show_warning  # type: ignore[assignment]
            status = hdlgen.main(args=arguments, prog_name="hdlgen", standalone_mode=False)
        sys.stdout.flush()  # a full disk is noticed here
    except _NO_VERB as error:
        error.show()  # the help
        sys.exit(2)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "hdlgen"
        message = " ".join(error.format_message().split()).removesuffix(".")
        _stop(2, f"{message}; see {path} --help", path)
    except (click.Abort, KeyboardInterrupt):
        _stop(130, "interrupted")
    except InputError as error:
        _stop(2, error)
    except Refused as error:
        _stop(1, error)
    except BrokenPipeError:  # whoever reads the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _stop(2, reason(error))
    sys.exit(status if isinstance(status, int) else 0)


def _stop(status: int, message: object, path: str = "hdlgen") -> None:
    say(f"{path}: {message}", stream=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:  # what is left finds no room, which was said, or comes second
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)


# --------------------------------------------------------------------------------------------- what several verbs take


class New(click.ParamType):
    """A path that is written in the end, and could be: better now than after the work."""

    name = "path"

    def __init__(self, check: Callable[[str], Path]) -> None:
        self.check = check

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        return self.check(value)


NEW_FILE, NEW_FOLDER = New(check_writable), New(check_new_folder)


class Number(click.ParamType):
    """A number from ``low`` to ``high``, of a unit; ``more`` is what else is allowed."""

    def __init__(
        self, low: float, high: float, unit: str, kind: type[int] | type[float] = float, more: str = ""
    ) -> None:
        self.low, self.high, self.name, self.kind, self.more = low, high, unit, kind, more

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | float:
        try:
            number = self.kind(value)
        except ValueError:
            number = math.nan
        if not self.low <= number <= self.high:
            option = param.opts[0] if param is not None else ""
            allowed = f"{self.low:g} to {self.high:.10g} ({self.name}){self.more}"
            raise InputError(
                f"{option} {show(value)[1:-1] if isinstance(value, str) else value}: allowed are {allowed}"
            )
        return number


class Several(click.ParamType):
    """Values of a ``kind`` with commas between them, as a tuple."""

    def __init__(self, kind: Callable[[str], Any], name: str) -> None:
        self.kind, self.name = kind, name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Any, ...]:
        if isinstance(value, tuple):  # a default
            return value
        option = param.opts[0] if param is not None else ""
        try:
            found = tuple(map(self.kind, value.split(",")))
        except ValueError:
            raise InputError(f"{option} is {show(value)}; allowed: {self.name} with commas between") from None
        if len(found) > 64:
            raise InputError(f"{option} has {len(found)} {self.name}; allowed: up to 64")
        return found


integers, numbers = Several(int, "integers"), Several(float, "numbers")
BAUD = Number(300, 50_000_000, "bits/s", int)


Row = tuple[str, Any, Any, str]


def options(*rows: Row) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Options by rows: names, type, default, and help."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        for names, kind, default, text in reversed(rows):
            how: dict[str, Any] = {"default": default, "show_default": default is not None, "type": kind}
            if kind is bool:
                how = {"default": default, "is_flag": True}
            function = click.option(*names.split(), help=text, **how)(function)
        return function

    return add


def tool_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--tool``: what takes the place of programs."""

    def read(context: click.Context, option: click.Parameter, value: tuple[str, ...]) -> dict[str, str]:
        from hdlgen.flow.tools import parse_overrides

        return parse_overrides(value)

    text = "Use another program, e.g. a native one."
    return click.option("--tool", "tool_overrides", multiple=True, metavar="NAME=COMMAND", callback=read, help=text)(
        command
    )


def worker_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Who does the work: ``jobs`` and ``scheduler``, as `hdlgen.flow.pool.pool` takes them."""
    return options(
        ("--jobs", Number(1, 1024, "processes", int), None, "So many processes of this machine work at once."),
        ("--scheduler", str, None, "The workers of a running dask scheduler work: its address, tcp://HOST:8786."),
    )(command)


def addresses_board(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--port`` or ``--virtual``, and what goes with a line; ``port`` is None for a virtual board."""

    @functools.wraps(command)
    def checked(*, port: str | None, virtual: bool, baud: int | None, **others: Any) -> None:
        context = click.get_current_context()
        if virtual + (port is not None) + others.get("golden", False) != 1:
            ways = "one of --port, --virtual and --golden" if "golden" in others else "either --port or --virtual"
            raise InputError(f"{context.command_path}: give {ways}")
        if virtual and baud is not None:
            raise InputError("--baud: allowed with --port only; the line of a virtual board has no rate of its own")
        command(port=port, baud=baud, **others)

    return options(
        ("--port", str, None, "Serial port of the board, e.g. /dev/ttyUSB1 or COM3."),
        ("--virtual", bool, False, "A simulated board instead: the same Verilog, in Verilator."),
        ("--baud", BAUD, None, "Default: that of DIR's bitstream, otherwise 1000000."),
        ("--timeout", Number(0.01, 3600, "seconds"), 2.0, "Silence of the board after which it is asked again."),
    )(tool_option(checked))


def input_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What real inputs are like: ``--input-bits`` and its like, as ``options``, ``--calibration`` and ``--input-range``."""

    @functools.wraps(command)
    def given(*, input_bits: int, input_scale: str, input_offset: str, input_signed: bool, **others: Any) -> None:
        from hdlgen.importers import InputOptions

        command(options=InputOptions(input_bits, input_scale, input_offset, input_signed), **others)

    return options(
        ("--input-bits", int, 8, "Bits of the input, where the file does not say."),
        ("--input-scale", str, None, "What 1 means in the input, such as 1/255, where nothing else says it."),
        ("--input-offset", str, None, "What 0 means in the input, with --input-scale.  [default: 0]"),
        ("--input-signed", bool, False, "Whether the input's integers are signed, with --input-scale."),
        ("--calibration", click.Path(path_type=Path), None, "Inputs to choose scales by, .npy (N, width)."),
        ("--input-range", str, None, "LOW,HIGH of all inputs, in place of --calibration."),
    )(given)


def name_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--name`` of a network that is written."""
    return click.option("--name", help="Name of the network.  [default: that of the output file]")(command)


def network_name(name: str | None, output: Path | None) -> str:
    """``name``, or one that is made of the file's."""
    if name is None:
        name = "quantized" if output is None else output.name.removesuffix(".safetensors")
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", name).lstrip("_.-")[:64] or "network"
    return check_name(name)
