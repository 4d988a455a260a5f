"""Files that other people's tools read: how the core is instantiated, and what FuseSoC and Edalize want to know."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from hdlgen import __version__
from hdlgen.emit.manifest import Manifest, Port

__all__ = ["TEMPLATE", "around", "core_file", "template"]

TEMPLATE = "instance.v"
"""In a design's folder: the core's instantiation, to be copied."""


def around(manifest: Manifest) -> dict[str, str]:
    """Texts by the names of their files in the design's folder."""
    return {TEMPLATE: _template(manifest), core_file(manifest): _core(manifest)}


def core_file(manifest: Manifest) -> str:
    """The name of FuseSoC's description."""
    return f"{manifest.top}.core"


def _template(manifest: Manifest) -> str:
    """An instance of the core, every port connected to a wire of its name."""
    return template(manifest.top, manifest.ports, "interface.md")


def template(module: str, ports: Sequence[Port], document: str) -> str:
    """Verilog that makes an instance of ``module``, whose ports a ``document`` explains."""
    head = f"// To be copied. Written by hdlgen; docs/{document} of hdlgen says what the ports mean.\n\n"
    return head + "\n".join(_instance(module, "core", ports)) + "\n"


def _instance(module: str, name: str, ports: Sequence[Port]) -> Iterator[str]:
    for port in ports:
        size = f"[{port.width - 1}:0] " if port.width > 1 else ""
        yield f"wire {size}{port.name};  // {port.direction} of {module}"
    yield ""
    yield f"{module} {name} ("
    width = max(len(port.name) for port in ports)
    for number, port in enumerate(ports, 1):
        yield f"    .{port.name:<{width}} ({port.name}){',' if number < len(ports) else ''}"
    yield ");"


def _core(manifest: Manifest) -> str:
    """FuseSoC's CAPI 2. JSON is YAML, and needs no library that writes it."""
    filesets: dict[str, Any] = {
        family: {"files": list(files), "file_type": "verilogSource"} for family, files in manifest.synthesis.items()
    }
    targets: dict[str, Any] = {
        "default": {"filesets": ["generic"]},
        "lint": {
            "filesets": ["generic"],
            "toplevel": manifest.top,
            "default_tool": "verilator",
            "tools": {"verilator": {"mode": "lint-only", "verilator_options": ["-Wno-fatal"]}},
        },
    }
    for family in manifest.synthesis:
        targets[f"synth-{family}"] = {"filesets": [family], "toplevel": manifest.top}
    if manifest.bus is not None:
        filesets["bus"] = {"files": [manifest.bus.source], "file_type": "verilogSource"}
        for family in manifest.synthesis:
            targets[f"{manifest.bus.kind}-{family}"] = {"filesets": [family, "bus"], "toplevel": manifest.bus.top}
    core = {
        "name": f"hdlgen:cores:{manifest.top}:{__version__}",
        "description": f"{manifest.name}: a core that hdlgen wrote",
        "filesets": filesets,
        "targets": targets,
    }
    return "CAPI=2:\n" + json.dumps(core, indent=1) + "\n"
