"""Dataclasses as the schema of JSON."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import pytest

from hdlgen.errors import InputError
from hdlgen.schema import UNWRITTEN, Between, Matches, OneOf, Text, as_json, line, parse, read, show, written


@dataclass(frozen=True, kw_only=True)
class Inner:
    kind: Annotated[str, OneOf("a", "b")]
    share: Annotated[float, Between(0, 1)] | None = None


@dataclass(frozen=True, kw_only=True)
class Outer:
    format_version: Annotated[int, OneOf(3)] = 3
    number: Annotated[int, Between(-2, 9)]
    flag: bool = False
    real: float = 0.5
    text: str = ""
    anything: Any = None
    inner: Inner
    many: tuple[Inner, ...] = ()
    by_name: Mapping[Annotated[str, Matches("[a-z]+", "small letters")], int] = field(default_factory=dict)
    aside: int = field(default=7, metadata=UNWRITTEN)


GOOD = Outer(number=4, inner=Inner(kind="a"), many=(Inner(kind="b", share=1),), by_name={"x": 1})


def test_there_and_back(tmp_path: Path) -> None:
    (tmp_path / "f").write_text(written(GOOD))
    assert read(Outer, tmp_path / "f", "do it again") == GOOD
    assert "aside" not in as_json(GOOD)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("number", 10, "number is 10; allowed: numbers -2..9"),
        ("number", True, "number is True; allowed: numbers -2..9"),
        ("number", 4.0, "number is 4.0; allowed: numbers -2..9"),
        ("flag", 1, "flag is 1; allowed: true and false"),
        ("real", float("inf"), "real is inf; allowed: finite numbers"),
        ("real", float("nan"), "real is nan; allowed: finite numbers"),
        ("real", 10**4000, "real is 1000"),
        ("real", False, "real is False; allowed: finite numbers"),
        ("text", 1, "text is 1; allowed: a text"),
        ("inner.kind", "c", "inner.kind is 'c'; allowed: a, b"),
        ("inner.kind", None, "inner.kind is None; allowed: a, b"),
        ("inner.share", 1.5, "inner.share is 1.5; allowed: numbers 0..1"),
        ("inner", [], "inner is []; allowed: an object with kind, share"),
        ("inner", {"kind": "a"}, "inner has no 'share'; required: kind, share"),
        ("inner", {"kind": "a", "share": 1, "x": 1}, "a key of inner is 'x'; allowed: kind, share"),
        ("many", {}, "many is {}; allowed: a list"),
        ("many", [{"kind": "a", "share": "1"}], "many[0].share is '1'; allowed: numbers 0..1"),
        ("by_name", [], "by_name is []; allowed: an object"),
        ("by_name", {"X": 1}, "a name in by_name is 'X'; allowed: small letters"),
        ("by_name", {"x": "1"}, "by_name.x is '1'; allowed: integers"),
        ("aside", 7, "a key of content is 'aside'; allowed: format_version, number"),
        ("format_version", 4, "format_version is 4; allowed: 3"),
    ],
)
def test_refused(path: str, value: object, said: str) -> None:
    content = as_json(GOOD)
    *outer, last = path.split(".")
    place = content
    for key in outer:
        place = place[key]
    place[last] = value
    with pytest.raises(InputError, match=f"^file: {re.escape(said)}"):
        parse(Outer, content, "file")


def test_another_version(tmp_path: Path) -> None:
    (tmp_path / "f").write_text('{"format_version": 2, "other": 1}')
    with pytest.raises(InputError, match=r"f: format_version is 2; this version of hdlgen reads 3: do it again$"):
        read(Outer, tmp_path / "f", "do it again")


def test_no_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, said in (
        (tmp_path / "pipe", "not a regular file"),
        (tmp_path, "not a regular file"),
        (Path("/dev/zero"), "not a regular file"),
        (tmp_path / "none", "cannot be read: No such file or directory"),
        (tmp_path / ("x" * 300), "cannot be read: File name too long"),
    ):
        with pytest.raises(InputError, match=re.escape(said)):
            read(Outer, path, "do it again")


def test_show() -> None:
    """One short line of ASCII, whatever it is."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for value in (deep, "a\nb\x1b\ud800é" * 50, 10**5000, {"x": [None] * 999}):
        text = show(value)
        assert len(text) <= 60
        assert text.isascii()
        assert text.isprintable()
    assert line("a\n b\x1b[1m\ud800\u2028c") == "a b?[1m? c"
    assert parse(Text, line("".join(map(chr, range(0x2100)))), "file") != ""
