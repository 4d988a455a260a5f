"""JSON that is read back: frozen dataclasses are the schema, with one writer and one reader that trusts nothing.

The fields of a dataclass are the members of an object: all of them are required, but for those of a `Lenient` class
that have a default, and no others are allowed. Their types say what each may hold: ``bool``, ``int``, ``float``
(finite), ``str``, a dataclass, ``X | None``, ``tuple[X, ...]`` for a list, ``Mapping[K, X]`` for an object with any
names, ``Any``, and ``Annotated[int or float or str, rule]`` with a `Between`, `OneOf` or `Matches`. A field with the
metadata `UNWRITTEN` is no member.

>>> @dataclass(frozen=True, kw_only=True)
... class Point:
...     x: Annotated[int, Between(0, 9)]
>>> parse(Point, {"x": 3}, "file")
Point(x=3)
"""

import dataclasses
import functools
import json
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

from hdlgen.errors import InputError
from hdlgen.files import opened

__all__ = [
    "CHARACTER",
    "UNWRITTEN",
    "Between",
    "Count",
    "Digest",
    "FileName",
    "Lenient",
    "Matches",
    "OneOf",
    "Positive",
    "Text",
    "Word",
    "as_json",
    "known_kind",
    "line",
    "load_json",
    "members_of",
    "parse",
    "parse_json",
    "read",
    "refuse",
    "show",
    "text_of",
    "whole",
    "written",
]

MAX_BYTES = 1 << 25
"""Of a file in JSON."""

UNWRITTEN = {"written": False}
"""Metadata of a field that is no member of the JSON object; it has a default."""

T = TypeVar("T")


# ---------------------------------------------------------------------------------------------------------- messages


def show(value: object) -> str:
    """A foreign value in one short line of ASCII."""
    try:
        text = ascii(value)
    except (RecursionError, ValueError):  # nested too deeply, or a number of too many digits
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def line(value: object) -> str:
    """A foreign text in one line that a terminal, and `Text`, can take."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(str(value).split()))[:300]


def refuse(where: str, what: str, value: object, allowed: str) -> NoReturn:
    """Raise the InputError that says what of a foreign file cannot be used."""
    raise InputError(f"{where}: {what} is {show(value)}; allowed: {allowed}")


def whole(where: str, what: str, value: object, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:  # bool is an int to isinstance
        refuse(where, what, value, f"integers {low}..{high}")
    return value


def members_of(
    where: str, what: str, value: object, required: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, Any]:
    if not isinstance(value, dict):
        refuse(where, what, value, "an object with " + ", ".join(required))
    for key in value:
        if key not in required and key not in optional:
            refuse(where, f"a key of {what}", key, ", ".join((*required, *optional)))
    for key in required:
        if key not in value:
            raise InputError(f"{where}: {what} has no {key!r}; required: {', '.join(required)}")
    return value


def known_kind(where: str, what: str, value: object, known: Sequence[str]) -> None:
    """Looked at before the other members: an unknown kind has other members."""
    if isinstance(value, dict) and "kind" in value and value["kind"] not in known:
        refuse(where, f"{what} kind", value["kind"], ", ".join(known))


def text_of(where: str, what: str, value: object, pattern: re.Pattern[str], allowed: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        refuse(where, what, value, allowed)
    return value


# ------------------------------------------------------------------------------------------------------------- rules


@dataclass(frozen=True)
class Between:
    """A number from ``low`` to ``high``."""

    low: float
    high: float

    def allows(self, value: Any) -> bool:
        return bool(self.low <= value <= self.high)

    def __str__(self) -> str:
        return f"numbers {self.low}..{self.high}"


class Lenient:
    """A dataclass that derives from it need not have those members for which it has a default."""


class OneOf:
    """One of these values."""

    def __init__(self, *values: int | str):
        self.values = values

    def allows(self, value: Any) -> bool:
        return value in self.values

    def __str__(self) -> str:
        return ", ".join(map(str, self.values))


@dataclass(frozen=True)
class Matches:
    """A text of which all matches ``pattern``, which is ``allowed`` in words."""

    pattern: str
    allowed: str

    def allows(self, value: Any) -> bool:
        return re.fullmatch(self.pattern, value) is not None

    def __str__(self) -> str:
        return self.allowed


CHARACTER = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"
"""One of a line of text, as a pattern."""

_PART = r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,254}"

Count = Annotated[int, Between(0, 1 << 48)]
Positive = Annotated[int, Between(1, 1 << 48)]
Digest = Annotated[str, Matches(r"[0-9a-f]{64}", "a SHA-256, 64 hexadecimal digits")]
Text = Annotated[str, Matches(rf"{CHARACTER}{{0,65536}}", "a line of text")]
Word = Annotated[str, Matches(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}", "a word of letters, digits and _ . + -")]
FileName = Annotated[
    str,
    Matches(
        rf"{_PART}(/{_PART}){{0,9}}",
        "names relative to the folder and inside of it, of letters, digits and _ . + -, no part beginning with . or -",
    ),
]
"""Nothing in it means anything to a tool's command line. `hdlgen.files.contained` looks at such a file before it is read."""


# -------------------------------------------------------------------------------------------------- reading, writing


@functools.cache
def _members(kind: type) -> dict[str, Any]:
    """The members of a dataclass and their types."""
    types = get_type_hints(kind, include_extras=True)
    return {
        field.name: types[field.name] for field in dataclasses.fields(kind) if field.metadata.get("written", True)
    }


def parse(kind: Any, value: Any, where: str, what: str = "") -> Any:
    """``value``, which `load_json` made, as a ``kind``; ``where`` and ``what`` begin messages.

    Raises
    ------
    InputError
        At the first member that is unknown, missing, of the wrong type or out of range.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        base, *rules = arguments
        for rule in rules:
            if type(value) not in ((int, float) if base is float else (base,)) or not rule.allows(value):
                refuse(where, what, value, str(rule))
        return value
    if origin in (Union, UnionType):
        return None if value is None else parse(arguments[0], value, where, what)
    if origin is tuple:
        if not isinstance(value, list):
            refuse(where, what, value, "a list")
        return tuple(parse(arguments[0], item, where, f"{what}[{number}]") for number, item in enumerate(value))
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            refuse(where, what, value, "an object")
        return {
            parse(arguments[0], name, where, f"a name in {what}"): parse(
                arguments[1], item, where, f"{what}.{show(name)[1:-1]}"
            )
            for name, item in value.items()
        }
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        types = _members(kind)
        if not isinstance(value, dict):
            refuse(where, what or "content", value, f"an object with {', '.join(types)}")
        prefix = f"{what}." if what else ""
        if "format_version" in types:  # before all else: another version has other members
            parse(types["format_version"], value.get("format_version"), where, f"{prefix}format_version")
        no, fields = dataclasses.MISSING, dataclasses.fields(kind) if issubclass(kind, Lenient) else ()
        optional = [field.name for field in fields if (field.default, field.default_factory) != (no, no)]
        members_of(where, what or "content", value, [name for name in types if name not in optional], optional)
        return kind(**{name: parse(types[name], item, where, f"{prefix}{name}") for name, item in value.items()})
    if kind is float:
        right = type(value) in (int, float) and abs(value) <= sys.float_info.max
    else:
        right = kind is Any or type(value) is kind
    if not right:
        names = {bool: "true and false", int: "integers", float: "finite numbers", str: "a text"}
        refuse(where, what, value, names[kind])
    return value


def as_json(value: Any) -> Any:
    """The inverse of `parse`."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: as_json(getattr(value, name)) for name in _members(type(value))}
    if isinstance(value, Mapping):
        return {name: as_json(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [as_json(item) for item in value]
    return value


def written(value: Any) -> str:
    """The text of a file that `read` reads."""
    return json.dumps(as_json(value), indent=2, allow_nan=False) + "\n"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        name, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"the name {show(name)} stands twice in one object")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def parse_json(text: str | bytes, where: str) -> Any:
    """What ``text``, in UTF-8, says; ``where`` begins the message.

    Raises
    ------
    InputError
        If it is no JSON, or has a key twice in one object, or numbers that are not finite.
    """
    try:
        text = text if isinstance(text, str) else text.decode()
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        reason, *_ = line(error).split(";")  # behind it advice to programmers
        raise InputError(f"{where}: cannot be read as JSON: {reason}") from None


def load_json(path: Path) -> Any:
    """What the file ``path`` says.

    Raises
    ------
    InputError
        If it cannot be read, is no regular file, or larger than `MAX_BYTES`; and as `parse_json`.
    """
    with opened(path) as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InputError(f"{path}: has more than {MAX_BYTES:,} bytes, more than anything that hdlgen writes in JSON")
    return parse_json(data, str(path))


def read(kind: type[T], path: Path, again: str) -> T:
    """The dataclass ``kind`` in the file ``path``; ``again`` is the remedy where another version of hdlgen wrote it.

    Raises
    ------
    InputError
        As `load_json` and `parse` do.
    """
    content = load_json(path)
    (known,) = get_args(_members(kind)["format_version"])[1].values  # type: ignore[arg-type]
    version = content.get("format_version", known) if isinstance(content, dict) else known
    if version != known:
        raise InputError(f"{path}: format_version is {show(version)}; this version of hdlgen reads {known}: {again}")
    found: T = parse(kind, content, str(path))
    return found
