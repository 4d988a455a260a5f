"""One HTML page about a design: what it is, whether it is right, and what it takes on which device."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from hdlgen import network as networks
from hdlgen.errors import InputError
from hdlgen.flow.simulate import read_manifest

__all__ = ["render"]

_TEMPLATE = "report.html.jinja"


def render(directory: str | os.PathLike[str]) -> str:
    """The page for the design in ``directory``, from its manifest, ``simulate.json`` and ``synth-*.json``.

    Self-contained: no scripts, no resources from elsewhere. The same files give the same text.

    Raises
    ------
    InputError
        If the folder is no design, or a report in it is damaged or belongs to another design.
    """
    root = Path(directory)
    manifest = read_manifest(root)
    manifest = {"memory_bits": {}, "notes": [], "weight_bits": None, **manifest}
    simulation = _read(root / "simulate.json") if (root / "simulate.json").is_file() else None
    synthesis = {path: _read(path) for path in sorted(root.glob("synth-*.json"))}
    for path, entry in synthesis.items():
        for name, digest in _table(path, entry, "sources_sha256").items():
            if manifest["sources_sha256"].get(name) != digest:
                raise InputError(f"{path}: made from another {name} than the one in {root}; run `hdlgen synth` again")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["shown"] = _shown
    scenarios = simulation.get("scenarios", []) if simulation is not None else []
    keys = [key for key in (scenarios[0] if scenarios else {}) if key not in {"name", "failures"}]
    try:
        return environment.get_template(_TEMPLATE).render(
            manifest=manifest,
            unit="step" if "sequence" in manifest else "inference",
            layers=manifest.get("layers", []) if "sequence" in manifest else [],
            widths=networks.load(root / manifest["network"]["file"]).widths,
            memory_total=sum(manifest["memory_bits"].values()),
            simulation=simulation,
            scenario_keys=keys,
            synthesis=list(synthesis.values()),
        )
    except (jinja2.UndefinedError, TypeError, ValueError) as error:
        raise InputError(
            f"{root}: a report in it is incomplete: {' '.join(str(error).split())}; run `hdlgen simulate` and "
            "`hdlgen synth` again"
        ) from error


def _shown(value: object) -> str | Markup:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read as JSON: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict) or content.get("format_version") != 1:
        raise InputError(f"{path}: no report of format_version 1; run the command that wrote it again")
    return content


def _table(path: Path, entry: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = entry.get(key)
    if not isinstance(value, dict):
        raise InputError(f"{path}: {key} is {value!r}; allowed is an object")
    return value
