"""What the program prints, in one place: texts out of files and paths are shown as they are, and never obeyed."""

import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

__all__ = ["plain", "say", "table"]

_WIDE = 1 << 12
"""Columns of a console that folds no table: what is cut is worth nothing."""


def plain(value: object, encoding: str | None = "utf-8") -> str:
    """``value`` in one line: what a terminal would obey, and what the ``encoding`` lacks, is written as an escape."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(value))
    if encoding is not None and not encoding.lower().startswith("utf"):
        text = text.replace("µ", "u").encode(encoding, "backslashreplace").decode(encoding)
    return text


def say(*lines: object, stream: TextIO | None = None) -> None:
    """Print lines, by default on the standard output."""
    stream = sys.stdout if stream is None else stream
    for line in lines:
        print(plain(line, stream.encoding), file=stream, flush=True)


def table(
    title: str,
    rows: Iterable[Sequence[object]],
    headings: Sequence[str] = (),
    *,
    left: Sequence[str] = (),
    ends: Sequence[int] = (),
    lean: bool = False,
) -> None:
    """Print a table below its title, if it has rows: without ``headings`` names and values, else columns of numbers.

    ``left`` are the headings of texts; a line stands behind the rows of the numbers ``ends``;
    a ``lean`` table has no lines between columns, which saves some.
    """
    from rich import box  # which takes its time, and few verbs show a table
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=_WIDE, file=sys.stdout)

    def text(value: object) -> Text:
        return Text(plain(value, console.encoding))

    made = Table(header_style="", show_header=bool(headings))
    if lean:
        made.box, made.padding = box.SIMPLE_HEAD, (0, 1, 0, 0)
    for heading in headings:
        made.add_column(text(heading), justify="left" if heading in left else "right")
    for number, row in enumerate(rows):
        made.add_row(*map(text, row), end_section=number in ends)
    if made.row_count:
        say(title)
        console.print(made)
