"""One HTML page about a design: what it is, whether it is right, and what it takes on which device."""

import os
from dataclasses import fields
from pathlib import Path

import jinja2
from markupsafe import Markup

from hdlgen.emit.manifest import read_manifest
from hdlgen.flow.simulate import Scenario, read_report
from hdlgen.flow.synth_report import found_reports

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
    keys = [member.name for member in fields(Scenario) if member.name not in ("name", "error")]
    return environment.get_template(_TEMPLATE).render(
        manifest=manifest,
        memory_total=sum(manifest.memory_bits.values()),
        simulation=read_report(root, manifest),
        scenario_keys=keys,
        synthesis=[report for _, report in found_reports(root, manifest)],
    )


def _shown(value: object) -> str | Markup:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)
