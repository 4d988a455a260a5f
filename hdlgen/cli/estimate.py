"""``hdlgen estimate``: what a network takes and how fast it is, on every device, before any synthesis."""

from typing import Any

import click

from hdlgen import network as networks
from hdlgen.cli import options, verb
from hdlgen.cli.compile import HARDWARE
from hdlgen.errors import Refused
from hdlgen.files import atomic_write
from hdlgen.schema import written
from hdlgen.targets import TARGETS
from hdlgen.terminal import say, table

__all__ = ["command"]

_HEADINGS = (
    "target",
    "lanes",
    "interval",
    "latency",
    "LUTs",
    "FFs",
    "block RAMs",
    "DSPs",
    "Fmax MHz",
    "inferences/s",
)


@verb("estimate", "compile {net} -o DIR --target TARGET", "explore {net} -o FILE")
@click.argument("net")
@options(
    ("--target targets", str, None, "Device, or several with commas between.  [default: all]"),
    *(row for row in HARDWARE if row[0] != "--target"),
    ("--json json_file", click.Path(dir_okay=False), None, "File to write: all that is estimated."),
)
def command(net: str, targets: str | None, json_file: str | None, lanes: tuple[int, ...], **given: Any) -> None:
    """Say what NET takes and how fast it is, on one device or on all, before any synthesis.

    Cycles, block RAMs and DSPs are exact. LUTs, flip-flops and Fmax come from a model that was fitted to designs behind
    place and route; docs/estimate.md says how far off they are.

    Exit status 1 if it fits none of the devices.
    """
    from hdlgen.estimate import estimate

    chosen = None if targets is None else targets.split(",")
    found, refused = estimate(networks.load(net), chosen, lanes=lanes if lanes[1:] else lanes[0], **given)
    rows = list[tuple[object, ...]]()
    notes = [f"{name}: {why}" for name, why in refused.items()]
    for each in found:
        rows.append(
            (
                each.target,
                " ".join(map(str, each.lanes)),
                f"{each.interval_cycles:,}",
                f"{each.latency_cycles:,}",
                _number(each.luts),
                _number(each.flipflops),
                each.memory_blocks,
                each.dsps,
                "-" if each.fmax_mhz is None else f"{each.fmax_mhz:.0f}",
                _number(each.inferences_per_second),
                "yes" if each.fits else "no",
            )
        )
        notes += [f"{each.target}: does not fit: {'; '.join(each.shortages)}"] if each.shortages else []
        notes += [f"{each.target}: {missing}" for missing in each.missing]
    table(f"{net}: estimates; cycles, block RAMs and DSPs are exact", rows, (*_HEADINGS, "fits"), left=("target",))
    say(*notes)
    if json_file is not None:
        atomic_write(json_file, written(found))
    if not any(each.fits for each in found):
        raise Refused(f"{net}: fits none of {', '.join(chosen or TARGETS)}")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"
