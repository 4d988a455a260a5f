"""The space that is explored: values of options, and all that can be combined of them."""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hdlgen.compiler import Options
from hdlgen.compiler.options import RESULTS
from hdlgen.errors import InputError
from hdlgen.schema import show

__all__ = ["OPTIONS", "Axis", "combinations", "compile_words", "parse_axes"]

_MOST = 100_000
"""Configurations."""


def _several(kind: Any) -> Any:
    def read(text: str) -> Any:
        values = tuple(map(kind, text.split(",")))
        return values if values[1:] else values[0]

    return read


def _flag(text: str) -> bool:
    return {"yes": True, "no": False}[text]


OPTIONS: Mapping[str, tuple[str, Any]] = {
    "lanes": ("lanes", _several(int)),
    "elements-per-beat": ("elements_per_beat", int),
    "multiplier": ("multiplier", str),
    "weights": ("source", str),
    "fill": ("fill", str),
    "banks": ("banks", int),
    "input-buffers": ("input_buffers", int),
    "engine": ("engine", _several(str)),
    "merge": ("merge", _flag),
    "adaptable": ("adaptable", _flag),
    "flash-lines": ("flash_lines", int),
    "adders": ("adders", int),
    "results": ("results", str),
    "target": ("target", str),
}
"""Of `hdlgen compile`, by name: the member of `Options`, and how a value is read."""

_FLAGS = {"merge": ("--merge", "--no-merge"), "adaptable": ("--adaptable", "--fixed")}


@dataclass(frozen=True)
class Axis:
    """An option and its values, as they are written; ``training``: of the training, not of the compiler."""

    name: str
    values: tuple[str, ...]
    training: bool = False


def parse_axes(texts: Sequence[str], *, training: bool = False) -> list[Axis]:
    """``NAME=VALUE/VALUE/..``; a value may be a list with commas. ``train.NAME``, or all with ``training``: of the training.

    Raises
    ------
    InputError
        If one is not of that form, stands twice, or names no option, or a value is none of it.
    """
    axes: list[Axis] = []
    for text in texts:
        name, equals, rest = text.partition("=")
        values = tuple(rest.split("/"))
        of_training = training or name.startswith("train.")
        name = name.removeprefix("train.").removeprefix("--")
        if not equals or not name or not all(values) or not name.replace("-", "").isalnum():
            raise InputError(f"--vary {show(text)}: allowed: NAME=VALUE/VALUE/.., e.g. lanes=4/8/16")
        if len(set(values)) < len(values):
            raise InputError(f"--vary {show(text)}: a value stands twice; allowed: different ones")
        if any(axis.name == name and axis.training == of_training for axis in axes):
            raise InputError(f"--vary {show(text)}: {name} stands twice; allowed: all of its values in one")
        axis = Axis(name, values, of_training)
        if not of_training:
            for value in values:
                _read(axis.name, value)
        axes.append(axis)
    return axes


def _read(name: str, text: str) -> tuple[str, Any]:
    """The member of `Options`, and the value."""
    if name not in OPTIONS:
        raise InputError(f"--vary {name}: no option of the compiler; allowed: {', '.join(OPTIONS)}, train.NAME")
    member, kind = OPTIONS[name]
    try:
        value = kind(text)
    except (KeyError, ValueError):
        raise InputError(
            f"--vary {name}: {show(text)}; allowed: {'yes, no' if kind is _flag else 'integers'}"
        ) from None
    if name == "results" and value not in RESULTS:
        raise InputError(f"--vary results: {show(text)}; allowed: {', '.join(RESULTS)}")
    if member in (
        "target",
        "lanes",
        "elements_per_beat",
        "multiplier",
        "source",
        "input_buffers",
        "engine",
        "adders",
    ):
        Options(**{member: value})  # says what is allowed; of the others that depends on these
    return member, value


def combinations(axes: Sequence[Axis]) -> Iterator[dict[str, str]]:
    """All ways to give each of these options a value.

    Raises
    ------
    InputError
        If there are too many to look at.
    """
    count = 1
    for axis in axes:
        count *= len(axis.values)
    if count > _MOST:
        raise InputError(f"--vary: {count:,} combinations; allowed: up to {_MOST:,}")
    for values in itertools.product(*(axis.values for axis in axes)):
        yield dict(zip((axis.name for axis in axes), values, strict=True))


def members(chosen: Mapping[str, str]) -> dict[str, Any]:
    """The arguments of `Options.for_target` for options as they are written."""
    return dict(_read(name, value) for name, value in chosen.items())


def compile_words(chosen: Mapping[str, str]) -> str:
    """The same as words of the command line."""
    words = []
    for name, value in chosen.items():
        words += [_FLAGS[name][0 if _flag(value) else 1]] if name in _FLAGS else [f"--{name}", value]
    return " ".join(words)


def canonical(value: Any) -> str:
    """The text of what can be told apart by nothing else."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
