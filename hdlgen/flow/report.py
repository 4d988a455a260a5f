"""One HTML page about a design: how good it is, whether it is right, and what it takes on which device."""

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

import jinja2

from hdlgen.emit.manifest import Manifest, check_sources, read_manifest
from hdlgen.errors import InputError
from hdlgen.files import atomic_write, contained
from hdlgen.flow.inputs import Inputs, read_inputs
from hdlgen.flow.simulate import Scenario, read_report
from hdlgen.flow.synth_report import found_reports
from hdlgen.schema import Count, Digest, OneOf, Positive, read, refuse, written

__all__ = ["Accuracy", "evaluate", "render"]

EVALUATION = "evaluate.json"

_TEMPLATE = "report.html.jinja"


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """Of how many inputs the golden model gives the class that the label says; of the network with that hash."""

    format_version: Annotated[int, OneOf(1)] = 1
    network: Digest
    inputs: Positive
    right: Count


def evaluate(directory: str | os.PathLike[str], input_file: str, labels_file: str | None = None) -> Accuracy:
    """Evaluate the golden model on all inputs of a file, and remember in the folder of the design how good it is.

    Raises :class:`InputError` if the folder is no design, the inputs do not fit it, or have no labels.
    """
    root = Path(directory)
    manifest = read_manifest(root)
    check_sources(root, manifest)
    found = _accuracy(manifest, read_inputs(root, manifest, input_file, labels_file, None))
    if found is None:
        raise InputError(f"{input_file}: has no labels; give them with --labels")
    atomic_write(root / EVALUATION, written(found))
    return found


def _accuracy(manifest: Manifest, inputs: Inputs) -> Accuracy | None:
    assert inputs.y is not None
    share = inputs.accuracy(inputs.y)
    if share is None:
        return None
    return Accuracy(network=manifest.network.sha256, inputs=inputs.count, right=round(share * inputs.count))


def _known_accuracy(root: Path, manifest: Manifest) -> Accuracy | None:
    """What was found by `evaluate`, or else by the vectors of the folder."""
    if os.path.lexists(root / EVALUATION):
        path = contained(root, EVALUATION)
        found = read(Accuracy, path, f"run `hdlgen report {root} --input X` again")
        if found.network != manifest.network.sha256:
            raise InputError(
                f"{path}: about another network than the one beside it; run `hdlgen report --input X` again"
            )
        if found.right > found.inputs:
            refuse(str(path), "right", found.right, f"up to {found.inputs}, the inputs")
        return found
    if "labels" not in manifest.vectors:
        return None
    return _accuracy(manifest, read_inputs(root, manifest, None, None, None))


def render(directory: str | os.PathLike[str]) -> str:
    """The page for the design in ``directory``, from its manifest and vectors, and the reports beside them.

    Self-contained: no scripts, no resources from elsewhere. The same files give the same text.

    Raises :class:`InputError` if the folder is no design, or a report in it is damaged or belongs to another design.
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
        accuracy=_known_accuracy(root, manifest),
        simulation=read_report(root, manifest),
        scenario_keys=keys,
        synthesis=[report for _, report in found_reports(root, manifest)],
    )


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)
