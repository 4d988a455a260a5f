"""The program ``hdlgen``: one module of this package per verb, each with a click command named ``command``.

Exit status: 0 success, 1 the answer is no, 2 wrong usage or bad input.
"""

import importlib
import pkgutil
import sys

import click

from hdlgen import __version__
from hdlgen.errors import InputError, Refused
from hdlgen.processes import ended_by_signals

__all__ = ["main"]

# Not known to click before 8.2, which prints the help by itself.
_NO_VERB: tuple[type[click.UsageError], ...] = tuple(
    kind for kind in [getattr(click.exceptions, "NoArgsIsHelpError", None)] if kind is not None
)


class _Verbs(click.Group):
    """Imports a verb's module only when it is asked for, so that ``hdlgen check`` does not load Amaranth."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(module.name for module in pkgutil.iter_modules(__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"{__name__}.{cmd_name}").command
        return command


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hdlgen")
def _program() -> None:
    """FPGA hardware for sparse path networks: train, check, evaluate, compile, simulate, synthesise."""


@ended_by_signals()
def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit."""
    try:
        status = _program.main(args=arguments, prog_name="hdlgen", standalone_mode=False)
    except _NO_VERB as error:
        error.show()  # the help
        sys.exit(2)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "hdlgen"
        message = " ".join(error.format_message().split()).removesuffix(".")
        print(f"{path}: {message}; see {path} --help", file=sys.stderr)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        print("hdlgen: interrupted", file=sys.stderr)
        sys.exit(130)
    except InputError as error:
        print(f"hdlgen: {error}", file=sys.stderr)
        sys.exit(2)
    except Refused as error:
        print(f"hdlgen: {error}", file=sys.stderr)
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)
