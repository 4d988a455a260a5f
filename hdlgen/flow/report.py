"""One HTML page about a design: the network itself, how good it is, whether it is right, and what it takes."""

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from hdlgen import network as networks
from hdlgen.compiler import timing
from hdlgen.compiler.adopt import compile_again
from hdlgen.compiler.plan import models
from hdlgen.emit.manifest import MANIFEST, Manifest, check_sources, read_manifest
from hdlgen.errors import InputError
from hdlgen.flow.evaluation import Evaluation, Mistake, Passed, evaluate, known_evaluation
from hdlgen.flow.simulate import Scenario, read_report
from hdlgen.flow.synth_report import SynthesisReport, found_reports
from hdlgen.integers import limits
from hdlgen.network import Network
from hdlgen.view.graph import Graph
from hdlgen.view.pages import Arrays, network_data, percent, render_page

__all__ = ["evaluate", "picture_shape", "render"]

_FRAMES = 4
"""In the time line."""
_NAMES = 64
"""Of inputs or outputs that are shown."""
_SQUARE = 64
"""Inputs of so many numbers, or more, are pictures if they fit into a square."""

Values = dict[str, Any]


def render(directory: str | os.PathLike[str]) -> str:
    """The page for the design in ``directory``, from its network, its manifest and vectors, and the reports beside them.

    Self-contained: nothing comes from elsewhere. The same files give the same text.

    Raises :class:`InputError` if the folder is no design, or a report in it is damaged or belongs to another design.
    """
    root = Path(directory)
    manifest = read_manifest(root)
    check_sources(root, manifest)
    model = networks.load(root / manifest.network.file)
    known = known_evaluation(root, manifest, model)
    synthesis = [report for _, report in found_reports(root, manifest)]
    graph, arrays, image = Graph.of(model), Arrays(), picture_shape(model)
    data = {
        "network": network_data(graph, arrays),
        "image": image,
        "mistakes": [arrays.add(_picture(mistake, known.width)) for mistake in known.mistakes],
        "low": model.input.low,
        "high": model.input.high,
    }
    time, no_time = None, ""
    try:
        time = _time(manifest, model)
    except InputError as error:
        no_time = str(error)
    keys = [member.name for member in fields(Scenario) if member.name not in ("name", "error")]
    return render_page(
        "report.html.jinja",
        ("page.js", "network.js", "mistakes.js"),
        {**data, "arrays": arrays.packed},
        manifest=manifest,
        memory_total=sum(manifest.memory_bits.values()),
        memories=_memories(manifest),
        known=known,
        **_mistakes(known, model),
        simulation=read_report(root, manifest),
        scenario_keys=keys,
        synthesis=synthesis,
        strips=[_strip(report) for report in synthesis],
        pixels=image is not None and graph.levels[0].points == math.prod(image),
        time=time,
        no_time=no_time,
        meaning=list(_meaning(manifest, model, known)),
        weights=list(_weights(model)),
        activations=[_activations(passed, graph) for passed in known.passed],
        **_network(graph),
    )


def picture_shape(model: Network) -> tuple[int, int, int] | None:
    """Height, width and channels of an input that is an image: as the network says, or a square of many numbers."""
    if model.input.shape is not None:
        return model.input.shape if model.input.shape[2] in (1, 3) and model.input.shape[0] > 1 else None
    side = math.isqrt(model.input.width)
    square = side * side == model.input.width >= _SQUARE and not model.sequential
    return (side, side, 1) if square else None


# ------------------------------------------------------------------------------------------------------- the network


def _network(graph: Graph) -> Values:
    rows = []
    for level in graph.levels:
        links = [link for link in graph.links if link.target == level.number]
        reads = dict.fromkeys(
            f"{'its own state' if link.recurrent else f'layer {link.source}'}, {link.called}" for link in links
        )
        bits = dict.fromkeys(str(link.bits) for link in links if link.bits is not None)
        stored = sum(link.stored for link in links if not link.plain)
        rows.append(
            {
                "number": level.number,
                "called": level.called,
                "shape": f"{level.width:,}" if level.shape is None else " × ".join(map(str, level.shape)),
                "reads": "; ".join(reads),
                "weights": f"{stored:,}" if stored else "",
                "bits": ", ".join(bits),
            }
        )
    kinds = dict.fromkeys(link.called for link in graph.links if not link.plain)
    kept = sum(len(link.edges) for link in graph.links if link.trail is not None)
    all_of = sum(link.stored for link in graph.links if link.trail is not None)
    folded = any(level.points < level.width for level in graph.levels)
    drawn = "Of a tensor every channel is a point, and the taps of a kernel are added up. " * folded
    drawn += f"The first {percent(kept / all_of)} of the paths are in this page." if kept < all_of else ""
    widths = ", ".join(f"{level.points} {level.called}" for level in graph.levels)
    return {
        "layers": rows,
        "paths": bool(graph.trails),
        "connections": ", ".join(kinds) or "values",
        "description": f"layers of {widths}",
        "drawn": drawn,
    }


# ---------------------------------------------------------------------------------------------------------- the plan


def _time(manifest: Manifest, model: Network) -> Values:
    """When what happens to a few frames. Raises :class:`InputError` if the manifest's frame is not that of the design."""
    plan, _ = compile_again(MANIFEST, model, manifest.frame, manifest.target)
    ends = [not manifest.sequential or number == _FRAMES - 1 for number in range(_FRAMES)]
    seen = timing.observe(*models(plan.stages), ends)
    end = seen.end
    rows = [_row("input", "beats", [(None, span, "beats") for span in seen.inputs], end, "in")]
    for number, stage in enumerate(manifest.stages):
        parts = [list(some) for _, some in groupby(seen.works, lambda work: (work.stage, work.part))]
        parts = [some for some in parts if some[0].stage == number]
        first = plan.stages[number].first
        for some in parts:
            own = stage.layers[some[0].layer]
            what = (
                f"{stage.engine}, {stage.lanes} lanes"
                if len(parts) == 1
                else f"layer {own.number}, {own.lanes} lanes"
            )
            spans = [(first + work.layer, (work.begin, work.end), f"layer {first + work.layer}") for work in some]
            rows.append(_row(what, f"{stage.engine} engine", spans, end, "work"))
    rows.append(_row("output", "results", [(None, span, "results") for span in seen.results], end, "out"))
    ticks = [{"left": f"{25 * quarter}", "cycle": end * quarter // 4} for quarter in range(5)]
    unit = "steps of a sequence" if manifest.sequential else "inferences"
    return {"rows": rows, "ticks": ticks, "frames": _FRAMES, "unit": unit}


def _row(
    label: str, title: str, spans: Sequence[tuple[int | None, tuple[int, int], str]], end: int, kind: str
) -> Values:
    """A row of blocks, and between those of work the waits."""
    blocks, before = [], None
    for colour, (begin, finish), what in spans:
        if kind == "work" and before is not None and begin > before:
            blocks.append(_block("wait", None, before, begin, "waits", "", end))
        wide = (finish - begin) / end > 0.05
        number = "" if colour is None or not wide else str(colour)
        blocks.append(_block(kind, 7 if colour is None else colour - 1, begin, finish, what, number, end))
        before = finish
    return {"label": label, "title": title, "blocks": blocks}


def _block(kind: str, colour: int | None, begin: int, finish: int, what: str, label: str, end: int) -> Values:
    return {
        "kind": kind,
        "colour": colour,
        "left": f"{100 * begin / end:.3f}",
        "width": f"{100 * (finish - begin) / end:.3f}",
        "title": f"{what}: cycles {begin:,} to {finish - 1:,}, {finish - begin:,} in all",
        "label": label,
    }


def _memories(manifest: Manifest) -> list[Values]:
    return [
        {
            "name": name,
            "depth": memory.depth,
            "width": memory.width,
            "across": round(6 + 7 * math.log2(memory.width + 1)),
            "high": round(6 + 9 * math.log2(memory.depth + 1)),
        }
        for name, memory in manifest.memories.items()
    ]


# -------------------------------------------------------------------------------------------------------- the values


def _mistakes(known: Evaluation, model: Network) -> Values:
    shape = picture_shape(model)
    shapes = []
    for mistake in known.mistakes:
        steps = len(mistake.values) // known.width
        shapes.append(shape or ((1, known.width, 1) if steps <= 1 else (known.width, steps, 1)))
    off = [count for label, row in enumerate(known.confusion) for said, count in enumerate(row) if said != label]
    return {
        "shapes": shapes,
        "classes": model.output_names or range(model.widths[-1]),
        "worst": max(off, default=1) or 1,
        "shown_mistakes": {(mistake.label, mistake.said) for mistake in known.mistakes},
        "classes_wrong": (
            sorted({mistake.label for mistake in known.mistakes}),
            sorted({mistake.said for mistake in known.mistakes}),
        ),
    }


def _picture(mistake: Mistake, width: int) -> np.ndarray:
    """The pixels: a sequence is a picture of its steps, one beside the other, the first element at the bottom."""
    steps = np.array(mistake.values, np.int64).reshape(-1, width)
    return steps if len(steps) < 2 else steps.T[::-1]


def _weights(model: Network) -> Iterator[Values]:
    """Of every matrix the weights as they stand, against what their bits hold."""
    for number, layer in enumerate(model.layers, 1):
        for matrix in layer.matrices(model.tensors, model.widths[layer.read]):
            values = matrix.edges.weight
            low, high = limits(matrix.bits, True)
            if matrix.codes or (len(values) and not low <= int(values.min()) <= int(values.max()) <= high):
                low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)  # of a code book
            bins = min(256, high - low + 1)
            counts = np.bincount((values - low) * bins // (high - low + 1), minlength=bins).tolist()
            name = "" if matrix.name == "weights" else f", {matrix.name}"
            zeros = np.count_nonzero(values == 0) / max(1, len(values))
            ends = np.count_nonzero((values == low) | (values == high)) / max(1, len(values))
            used = f"{int(values.min()):,} to {int(values.max()):,}" if len(values) else "none"
            said = f"{len(values):,} of {matrix.bits} bits, {used}; {percent(zeros)} are 0, {percent(ends)} at an end"
            if matrix.codes:
                said += f"; {matrix.codes} codes"
            yield _chart(number, f"layer {number}{name}", counts, (low, high), said)


def _activations(passed: Passed, graph: Graph) -> Values:
    total = max(1, sum(passed.counts))
    title = "input" if passed.layer == 0 else f"layer {passed.layer}, {graph.levels[passed.layer].called}"
    said = f"{passed.least:,} to {passed.most:,}; {percent(passed.zeros / total)} are 0, "
    said += f"{percent(passed.ends / total)} at an end"
    return _chart(passed.layer, title, passed.counts, (passed.low, passed.high), said)


def _chart(layer: int, title: str, counts: Sequence[int], span: tuple[int, int], said: str) -> Values:
    """A histogram; where one value outweighs all others, mostly 0, it is cut at twice the next."""
    order = sorted(counts)
    most = order[-1] or 1
    if len(order) > 2 and order[-2] and most > 4 * order[-2]:
        most = 2 * order[-2]
    heights = [min(count, most) for count in counts]
    return {
        "layer": max(0, layer - 1),
        "title": title,
        "counts": heights,
        "most": most,
        "low": span[0],
        "high": span[1],
        "said": said,
    }


def _meaning(manifest: Manifest, model: Network, known: Evaluation) -> Iterator[tuple[str, str]]:
    """What integers stand for."""
    source = model.input
    kind = "signed" if source.signed else "unsigned"
    yield "an input", f"{source.width:,} integers of {source.bits} bits, {kind}: {source.low:,} to {source.high:,}"
    if source.shape is not None:
        yield (
            "shape",
            f"{source.shape[0]} × {source.shape[1]} pixels of {source.shape[2]} channels, channel by channel",
        )
    if source.scale is not None:
        step, zero = (
            f"{value:g}" if isinstance(value, float) else f"{min(value):g} to {max(value):g}, one for each element"
            for value in (source.scale, source.offset)
        )
        yield "scale", f"a step is {step}; 0 stands for {zero}; halves are rounded {source.rounding}"
    if source.clamp is not None:
        yield "clamped", f"to {source.clamp[0]:,} .. {source.clamp[1]:,}"
    if (features := source.features) is not None:
        yield "features", features.title
    outputs, last = manifest.output, model.layers[-1].format
    form = "sums as they are" if last is None else f"{last[0]:,} to {last[1]:,}"
    scale = "" if outputs.scale is None else f"; a step is {outputs.scale:g}"
    yield "an output", f"{outputs.width:,} numbers, {form}{scale}"
    for what, names in (("inputs are called", source.names), ("outputs are called", model.output_names)):
        if names is not None:
            more = f", and {len(names) - _NAMES:,} more" if len(names) > _NAMES else ""
            yield what, ", ".join(names[:_NAMES]) + more
    if known.right is not None:
        yield "labels", f"0 to {outputs.width - 1}: the greatest output is the answer, of equal ones the first"


# ---------------------------------------------------------------------------------------------------------- synthesis


def _strip(report: SynthesisReport) -> Values:
    """Where on a line from the slowest to the fastest seed, with some room, each of them is."""
    fmax = report.fmax_mhz
    low, room = fmax.minimum, fmax.maximum - fmax.minimum

    def left(value: float) -> str:
        return f"{4 + 92 * (value - low) / room:.2f}" if room else "50"

    return {
        "points": [
            {"seed": seed.seed, "mhz": seed.fmax_mhz, "router": seed.router, "left": left(seed.fmax_mhz)}
            for seed in fmax.seeds
        ],
        "median": left(fmax.median),
        "ends": (left(fmax.minimum), left(fmax.maximum)),
    }
