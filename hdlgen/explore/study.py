"""What trainings say together: means and deviations over seeds, as rows and as a picture."""

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from hdlgen.explore.space import canonical
from hdlgen.explore.store import Store, loads

__all__ = ["Point", "draw", "points"]

_WIDTH, _HEIGHT, _LEFT, _BELOW = 640, 400, 64, 56
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""M. Okabe and K. Ito, "Color Universal Design", 2008: told apart by all."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """Trainings that differ in nothing but their seeds.

    Members
    -------
    chosen : the other options
    which : whose accuracy it is: "test" or "validation"
    mean, deviation : of the accuracy in percent; the deviation is that of a sample, 0 of one training
    count : trainings
    """

    chosen: Mapping[str, str]
    which: str
    mean: float
    deviation: float
    count: int


def points(store: Store) -> list[Point]:
    """Of all trainings in the file that have an accuracy, in the order in which they came."""
    found: dict[str, list[tuple[Mapping[str, str], str, float]]] = defaultdict(list)
    for row in store.jobs("trainings"):
        result, chosen = loads(row["result"]), loads(row["chosen"])
        for which in ("test", "validation"):
            if result is not None and result["accuracy"][which] is not None:
                others = {name: value for name, value in chosen.items() if name != "seed"}
                found[canonical([others, which])].append((others, which, 100 * result["accuracy"][which]))
                break
    return [
        Point(
            chosen=each[0][0],
            which=each[0][1],
            mean=statistics.fmean(value for _, _, value in each),
            deviation=statistics.stdev(value for _, _, value in each) if each[1:] else 0.0,
            count=len(each),
        )
        for each in found.values()
    ]


def draw(found: Sequence[Point], along: str) -> str:
    """An SVG picture: accuracy against the option ``along``, numbers, a line for each choice of the others."""
    lines: dict[str, list[tuple[float, Point]]] = defaultdict(list)
    for point in found:
        others = " ".join(f"{name} {value}" for name, value in point.chosen.items() if name != along)
        lines[others].append((float(point.chosen[along]), point))
    xs = [x for line in lines.values() for x, _ in line]
    lows = [point.mean - point.deviation for point in found]
    highs = [point.mean + point.deviation for point in found]
    pad = max(0.05 * (max(highs) - min(lows)), 0.1)
    low, high = min(lows) - pad, max(highs) + pad
    logarithmic = min(xs) > 0 and max(xs) >= 4 * min(xs)
    scale = math.log2 if logarithmic else float
    left, right = scale(min(xs)), scale(max(xs))

    def at(x: float, y: float) -> tuple[float, float]:
        across = (scale(x) - left) / ((right - left) or 1)
        return _LEFT + 16 + across * (_WIDTH - _LEFT - 40), (high - y) / (high - low) * (_HEIGHT - _BELOW)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT + 18 * len(lines)}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT + 18 * len(lines)}" fill="white"/>',
    ]
    for tick in range(5):
        y = low + (high - low) * tick / 4
        _, top = at(min(xs), y)
        parts.append(f'<path d="M{_LEFT} {top:.1f}H{_WIDTH - 8}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{top + 4:.1f}" text-anchor="end">{y:.1f} %</text>')
    for x in sorted(set(xs)):
        across, _ = at(x, low)
        parts.append(f'<text x="{across:.1f}" y="{_HEIGHT - _BELOW + 18}" text-anchor="middle">{x:g}</text>')
    middle, name = (_LEFT + _WIDTH) / 2, escape(along)
    parts.append(f'<text x="{middle}" y="{_HEIGHT - _BELOW + 38}" text-anchor="middle">{name}</text>')
    for number, (label, line) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        placed = [(*at(x, point.mean), x, point) for x, point in sorted(line, key=lambda each: each[0])]
        way = " L".join(f"{across:.1f} {top:.1f}" for across, top, _, _ in placed)
        parts.append(f'<path d="M{way}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        for across, top, x, point in placed:
            ends = [at(x, point.mean + sign * point.deviation)[1] for sign in (1, -1)]
            parts.append(f'<path d="M{across:.1f} {ends[0]:.1f}V{ends[1]:.1f}" stroke="{colour}"/>')
            title = f"{escape(label)} {name} {x:g}: {point.mean:.2f} % ± {point.deviation:.2f}, {point.count} seeds"
            parts.append(
                f'<circle cx="{across:.1f}" cy="{top:.1f}" r="3.5" fill="{colour}"><title>{title}</title></circle>'
            )
        y = _HEIGHT + 18 * number + 4
        parts.append(f'<path d="M{_LEFT} {y - 4}h24" stroke="{colour}" stroke-width="3"/>')
        parts.append(f'<text x="{_LEFT + 32}" y="{y}">{escape(label) or "all"}</text>')
    return "\n".join([*parts, "</svg>", ""])
