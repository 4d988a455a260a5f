"""A project for Vivado: for boards whose devices the open tools of the wheels do not know.

The folder has the generic sources, the top of the board, constraints and ``build.tcl``, which makes the bitstream and ends
with an error if the design misses its clock. Commands and properties: AMD UG835 (Tcl), UG903 (constraints), UG894 (scripts).
"""

import os
import shutil
from pathlib import Path

from hdlgen.emit.manifest import check_sources, read_manifest
from hdlgen.errors import InputError
from hdlgen.files import atomic_directory
from hdlgen.flow.boards import Board
from hdlgen.flow.families import FAMILIES
from hdlgen.flow.synth import Design, MakeTop
from hdlgen.processes import workspace

__all__ = ["write_project"]

_SCRIPT = """\
# {title}: {design} at {megahertz:g} MHz, from {oscillator:g} MHz. In this folder:
#
#     vivado -mode batch -source build.tcl
#
# makes {name}.bit beside timing.txt and utilization.txt, or ends with an error.
set part {part}
set here [file dirname [file normalize [info script]]]
set sources {{
{sources}
}}
create_project -in_memory -part $part
foreach source $sources {{ read_verilog [file join $here $source] }}
read_xdc [file join $here {constraints}]
synth_design -top {top} -part $part
opt_design
place_design
phys_opt_design
route_design
report_timing_summary -file [file join $here timing.txt]
report_utilization -file [file join $here utilization.txt]
set slack [get_property SLACK [get_timing_paths -max_paths 1 -setup]]
if {{ $slack eq "" }} {{ error "the design has no path between registers" }}
if {{ $slack < 0 }} {{
    error "the design misses its clock of {megahertz:g} MHz by [expr {{-1 * $slack}}] ns: a slower --clock, or fewer lanes"
}}
write_bitstream -force [file join $here {name}.bit]
"""

_VOLTAGE = "set_property CFGBVS VCCO [current_design]\nset_property CONFIG_VOLTAGE 3.3 [current_design]\n"


def write_project(
    directory: str | os.PathLike[str],
    board: Board,
    folder: str | os.PathLike[str],
    *,
    clock: float | str | None = None,
    images: int | None = None,
    board_top: MakeTop | None = None,
) -> tuple[str, ...]:
    """Write the project of the core in ``directory`` for ``board`` into the new ``folder``; returns the names of its files.

    Parameters are those of `hdlgen.flow.synth.synthesise`; without ``clock`` the design runs from the oscillator.

    Raises
    ------
    InputError
        As `synthesise`; if the folder is there already, or the bitstream of the board is not made by Vivado.
    """
    family = FAMILIES[board.target.family]
    if family.place_and_route:
        raise InputError(f"--project {folder}: {board.title} needs none, its bitstream is made here; leave it away")
    root = Path(directory)
    manifest = read_manifest(root)
    check_sources(root, manifest)
    with atomic_directory(folder) as made, workspace("project") as build:
        design = Design(root, manifest, build, None, board, board_top, clock or "oscillator", None, images, None)
        assert design.setting is not None
        target, constraints = board.target, f"{board.name}.{family.constraints}"
        for name in design.files:
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(build / name, made / name)
        text = (build / constraints).read_text(encoding="utf-8")
        (made / constraints).write_text(text + _VOLTAGE, encoding="utf-8")
        script = _SCRIPT.format(
            title=board.title,
            design=manifest.top,
            megahertz=design.setting.megahertz,
            oscillator=board.clock.frequency / 1e6,
            name=board.name,
            part=f"{target.device}{target.package}-{target.speed}",
            sources="\n".join(f"    {name}" for name in design.files),
            constraints=constraints,
            top=design.top,
        )
        (made / "build.tcl").write_text(script, encoding="utf-8")
    return (*design.files, constraints, "build.tcl")
