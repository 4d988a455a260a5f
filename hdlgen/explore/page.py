"""The page of an exploration: all designs by any two measures, and the best ones with their commands."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from hdlgen.explore.wants import MEASURES
from hdlgen.view.pages import render_page

__all__ = ["render"]

Rows = Sequence[dict[str, Any]]


def render(name: str, every: Rows, front: Rows) -> str:
    """The page called ``name`` of `hdlgen.explore.rows`, of which ``front`` are the `best`; in one file, as reports are."""
    best = {row["key"] for row in front}
    measures = [measure for measure in MEASURES if any(row.get(measure) is not None for row in every)] or list(
        MEASURES
    )
    data = [
        {
            "n": row["network"],
            "o": _options(row),
            "s": row["status"],
            "b": row["key"] in best,
            "c": row["command"],
            "m": [row[measure] for measure in measures],
        }
        for row in every
    ]
    shown = [
        {
            **{member: row[member] for member in ("network", "status", "command")},
            "options": _options(row),
            "shown": ["" if row[measure] is None else f"{row[measure]:,.6g}" for measure in measures],
        }
        for row in front
    ]
    return render_page(
        "pareto.html.jinja",
        ("page.js", "pareto.js"),
        {"rows": data, "measures": measures},
        name=name,
        total=len(every),
        counts=dict(sorted(Counter(row["status"] for row in every).items())),
        front=shown,
        measures=measures,
        networks=sorted({row["network"] for row in every}),
    )


def _options(row: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in row["chosen"].items())
