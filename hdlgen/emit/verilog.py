"""Verilog of a program: the core once, and the memories and multipliers once per device family."""

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, Fragment
from amaranth.hdl import Value as AmaranthValue
from amaranth.hdl._ir import PortDirection
from amaranth.lib import wiring

from hdlgen.compiler.plan import Plan, Stage
from hdlgen.emit.fold import fold
from hdlgen.emit.ports import ports
from hdlgen.emit.rtlil import read
from hdlgen.emit.text import to_verilog
from hdlgen.emit.tidy import tidy
from hdlgen.gateware.chain import CORES, ChainCore, stage_prefix
from hdlgen.gateware.ecp5 import Ecp5Fanout, Ecp5Multiplier, Ecp5Ram, Ecp5Rom, Ecp5Store
from hdlgen.gateware.gowin import Gowin5Multiplier, GowinMultiplier
from hdlgen.gateware.ice40 import Ice40Multiplier, Ice40Rom, Ice40Store
from hdlgen.gateware.image import Held
from hdlgen.gateware.primitives import Fanout, Library, Multiplier, Primitive, Ram, Rom, Store

__all__ = ["FAMILIES", "convert", "core_of", "form_of", "held", "of_stage", "part_files", "primitives"]
__all__ += ["top_and_ports", "verilog_files"]

#: Device families and the parts made specially for them; everything else is the generic part.
FAMILIES: dict[str, dict[type, Any]] = {
    "generic": {},
    "ecp5": {Rom: Ecp5Rom, Store: Ecp5Store, Ram: Ecp5Ram, Multiplier: Ecp5Multiplier, Fanout: Ecp5Fanout},
    "ice40": {Rom: Ice40Rom, Store: Ice40Store, Multiplier: Ice40Multiplier},
    "ice40-logic": {Rom: Ice40Rom, Store: Ice40Store},  # the devices of the family that have no multipliers
    "gowin": {Multiplier: GowinMultiplier},
    "gowin5": {Multiplier: Gowin5Multiplier},
}

_SPECIAL = {form for forms in FAMILIES.values() for form in forms.values()}

_LARGEST = {"ice40": 32 * 4096, "ice40-logic": 32 * 4096, "ecp5": 208 * 18432}
"""Bits of block RAM in the largest device of a family. A memory that no device holds is not made of its blocks: that takes
minutes to write, for nothing."""

_LICENCE = """\
SPDX-License-Identifier: Apache-2.0
Written by hdlgen; do not edit. What was trained, the weights, is whose it was before."""


_IN_ONE_FILE = """\
// All modules of the design stand in this file.
/* verilator lint_off DECLFILENAME */
"""
_OF_A_FAMILY = """\
// The file is named after the module and the family; the device's parts have more pins than are used.
/* verilator lint_off DECLFILENAME */
/* verilator lint_off PINMISSING */
"""


def _commented(text: str) -> str:
    return "".join(f"// {line}".rstrip() + "\n" for line in text.split("\n"))


def convert(component: wiring.Component, name: str, what: str) -> str:
    """Verilog of a component as module ``name``, with ``what`` it is at its head; equal ones always give equal text.

    A `Primitive` gets a clock and no reset: there is no reset to clear a memory's registers with. What a component has in
    ``io_ports``, name by name, become ports that are driven from both ends.
    """
    fragment, listed = top_and_ports(component)
    design = fragment.prepare(ports=listed, hierarchy=(name,))
    modules = read(rtlil.convert_fragment(design, emit_src=False)[0])
    for module in modules:
        fold(module)
    order = list(listed)
    top = modules[0].wires
    modules[0].wires = dict(
        sorted(top.items(), key=lambda item: order.index(item[0][1:]) if item[0][1:] in order else len(order))
    )
    about = {
        ".".join(design.fragments[fragment].name): _said_of(part)
        for part, fragment in design.elaboratables.items()
        if fragment in design.fragments and isinstance(part, wiring.Component)
    }
    body = to_verilog(*tidy(modules), about)
    waived = _IN_ONE_FILE if len(modules) > 1 else _OF_A_FAMILY if component.__class__ in _SPECIAL else ""
    boxes = "".join(
        f"\n`ifndef HDLGEN_{name}\n`define HDLGEN_{name}\n{text}\n`endif\n"
        for name, text in getattr(component, "black_boxes", {}).items()
        if f"  {name} " in body
    )
    return _commented(f"{what}\n\n{_LICENCE}") + f"`timescale 1ns/1ps\n{waived}\n{body}{boxes}"


def top_and_ports(component: wiring.Component) -> tuple[Any, dict[str, Any]]:
    """What Amaranth converts of a component, and its ports."""
    listed: dict[str, Any] = {
        "__".join(map(str, path)): (
            AmaranthValue.cast(value),
            PortDirection.Input if member.flow == wiring.In else PortDirection.Output,
        )
        for path, member, value in component.signature.flatten(component)
    }
    for name, port in getattr(component, "io_ports", {}).items():
        listed[name] = (port, PortDirection.Inout)
    fragment = Fragment.get(component, None)
    if isinstance(component, Primitive):
        domain = ClockDomain("sync", reset_less=True)
        fragment.add_domains(domain)
        listed["clk"] = (domain.clk, PortDirection.Input)
    return fragment, listed


def _said_of(part: object) -> str:
    """The first sentence of the text about a component's class, plain."""
    said = re.split(r"\n\n|(?<=\.)\s|:\n", type(part).__doc__ or "")[0]
    return re.sub(r"\s+", " ", said.replace("`", "")).strip()


def held(stage: Stage, prefix: str) -> Held:
    """The memories of a stage that hold what was trained."""
    found: Held = CORES[stage.engine].held(stage.program, prefix)
    return found


def core_of(plan: Plan, top: str, library: Library) -> wiring.Component:
    """The core; it puts the primitives that it refers to into ``library`` when it is elaborated."""
    if plan.single is not None:
        return CORES[plan.stages[0].engine](plan.single, library=library, prefix=top)
    return ChainCore(plan, library=library, prefix=top)


def primitives(plan: Plan, top: str) -> Library:
    """The primitives that the core refers to."""
    library = Library()
    Fragment.get(core_of(plan, top, library), None)
    return library


def of_stage(plan: Plan, number: int, top: str, library: Library) -> Library:
    """Those of the ``library`` of a core that belong to stage ``number``, from 0 on."""
    prefix = f"{stage_prefix(plan, number, top)}_"
    chosen = Library()
    chosen.parts = {name: part for name, part in library.parts.items() if name.startswith(prefix)}
    return chosen


def verilog_files(
    plan: Plan, top: str, library: Library, families: Sequence[str] = tuple(FAMILIES)
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """All Verilog of a plan for some families; puts the primitives that the core refers to into ``library``.

    Returns
    -------
    texts by file name; for every family the files that make up the design
    """
    texts = {f"{top}.v": convert(core_of(plan, top, library), top, _head(plan, top))}
    wanted = ((type(part), part.parameters) for _name, part in sorted(library.parts.items()))
    parts, files = part_files(wanted, families)
    return texts | parts, {family: [f"{top}.v", *names] for family, names in files.items()}


def _head(plan: Plan, top: str) -> str:
    """What stands at the head of the core."""
    widths = [plan.stages[0].network.input.width, *(w for stage in plan.stages for w in stage.network.widths[1:])]
    rows = [(port.direction, f"[{port.width - 1}:0]" if port.width > 1 else "", port.name) for port in ports(plan)]
    lines = [
        f"{top}: the core of network {plan.name}, {' -> '.join(map(str, widths))}",
        *(
            f"{stage.engine} engine, layers {stage.first} to {stage.last}: lanes {stage.program.lanes}"
            for stage in plan.stages
        ),
        f"latency {plan.latency_cycles} cycles, interval {plan.interval_cycles} cycles",
        "",
        "Ports; clk is the clock of all, rst is synchronous and active high, and needed by no one after power-on:",
        *(f"  {direction:<6} {size:<7} {name}" for direction, size, name in rows),
        "",
        "A beat of a stream moves where valid and ready are high; tlast is high on the last one of a frame.",
    ]
    return "\n".join(lines)


def form_of(kind: Any, parameters: Any, family: str) -> Any:
    """The class of a kind of `Primitive` that is made for a ``family``; the generic one where `FAMILIES` has none."""
    large = kind is Rom and parameters.depth * parameters.width > _LARGEST.get(family, math.inf)
    return kind if large else FAMILIES.get(family, {}).get(kind, kind)


def part_files(
    parts: Iterable[tuple[Any, Any]], families: Sequence[str] = tuple(FAMILIES)
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The Verilog of parts, which are each a kind of `Primitive` and its parameters, for some families.

    Returns
    -------
    texts by file name; for every family the files that make up the parts, in their order
    """
    texts: dict[str, str] = {}
    files: dict[str, list[str]] = {family: [] for family in families}
    for kind, parameters in parts:
        name = parameters.name
        suffixes = {kind: ""}
        for family in families:
            form = form_of(kind, parameters, family)
            suffix = suffixes.setdefault(form, f"_{family}")
            file = f"{name}{suffix}.v"
            files[family].append(file)
            if file not in texts:
                texts[file] = convert(form(parameters), name, f"{name}: {suffix[1:] or 'generic'}")
    # Some are no different from those of the first family, which are generic as a rule.
    bodies = {file: text.split("\n", 1)[1] for file, text in texts.items()}
    for names in files.values():
        names[:] = [
            plain if bodies[file] == bodies[plain] else file
            for file, plain in zip(names, list(files[families[0]]), strict=True)
        ]
    return {file: texts[file] for names in files.values() for file in names}, files
