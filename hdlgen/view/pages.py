"""Pages of one file: style, scripts and data inside, nothing from elsewhere, in light and dark.

What a page may do is said in its head: its own scripts, by their hash, and nothing else; whatever a text of a foreign file
holds, it is no script.
"""

import base64
import functools
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hdlgen.view.graph import Graph

__all__ = ["Arrays", "network_data", "percent", "render_page"]

_FOLDER = Path(__file__).parent


@functools.cache
def _asset(name: str) -> str:
    """A script or style, which stands here or in a folder beside."""
    return (_FOLDER / name).read_text(encoding="utf-8")


def render_page(
    template: str,
    scripts: Sequence[str] = (),
    data: Mapping[str, Any] | None = None,
    *,
    connects: bool = False,
    **values: Any,
) -> str:
    """The page of a ``template`` that extends page.html.jinja; the same values give the same text.

    Parameters
    ----------
    template : its file in this folder; names of values in it that do not exist are an error, and all text is escaped.
    scripts : files in this folder, run in this order.
    data : what they find as JSON.
    connects : they may talk to the server that the page came from.
    """
    import jinja2  # whoever needs no page does not wait for it

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True, "separators": (",", ":")}
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["shown"] = _shown
    environment.filters["percent"] = percent
    script = "\n".join(map(_asset, scripts))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = [
        "default-src 'none'",
        f"script-src 'sha256-{digest}'" if script else "script-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        *(["connect-src 'self'"] if connects else []),
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return environment.get_template(template).render(
        policy="; ".join(policy), style=_asset("page.css"), script=script, data={} if data is None else data, **values
    )


def percent(share: float, digits: int = 1) -> str:
    """A share of 1; one that is not quite all, or not quite nothing, does not look like it."""
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    text = f"{100 * share:.{digits}f}"
    least = 10.0**-digits
    if share < 1 and float(text) == 100:
        text = f"{100 - least:.{digits}f}"
    elif share > 0 and float(text) == 0:
        text = f"< {least:.{digits}f}"
    return f"{text} %"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)


class Arrays:
    """Arrays of integers for scripts, each once, in the smallest type that holds it, little endian, in base64."""

    def __init__(self) -> None:
        self.packed: list[dict[str, str]] = []
        self._known: dict[tuple[str, str], int] = {}

    def add(self, values: np.ndarray) -> int:
        """The number of an array with these ``values``."""
        low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
        kind: np.dtype
        for name in ("u1", "i1", "u2", "i2", "u4", "i4"):
            info = np.iinfo(name)
            if info.min <= low and high <= info.max:
                kind = np.dtype(name)
                break
        else:
            raise ValueError(f"values are {low}..{high}; allowed: what 32 bits hold")
        text = base64.b64encode(np.ascontiguousarray(values, kind.newbyteorder("<")).tobytes()).decode()
        key = kind.str[1:], text
        if key not in self._known:
            self._known[key] = len(self.packed)
            self.packed.append({"t": key[0], "d": text})
        return self._known[key]


def network_data(graph: Graph, arrays: Arrays) -> dict[str, Any]:
    """What network.js draws: the levels, the lines between them, and where its paths would be at random."""
    random = {(link.source, link.target, link.name): link for link in graph.at_random().links}
    links = []
    for link in graph.links:
        other = random.get((link.source, link.target, link.name))
        weights = np.clip(link.edges.weight, -(1 << 31), (1 << 31) - 1)
        links.append(
            {
                "from": link.source,
                "to": link.target,
                "name": link.name,
                "called": link.called,
                "plain": link.plain,
                "trail": link.trail,
                "stored": link.stored,
                "s": arrays.add(link.edges.source),
                "d": arrays.add(link.edges.target),
                "w": arrays.add(weights),
                **(
                    {}
                    if other is None
                    else {"rs": arrays.add(other.edges.source), "rd": arrays.add(other.edges.target)}
                ),
            }
        )
    levels = [
        {"points": level.points, "called": level.called, "width": level.width, "shape": level.shape}
        for level in graph.levels
    ]
    return {"levels": levels, "links": links}
