"""What inputs and outputs are called, where that is known; no result depends on it."""

import os

from hdlgen.description import list_of
from hdlgen.errors import InputError
from hdlgen.files import opened
from hdlgen.schema import refuse

__all__ = ["MAX_NAME", "parse_names", "read_names"]

MAX_NAME = 64
"""Characters of a name."""

_MAX_BYTES = 1 << 24


def parse_names(where: str, what: str, value: object, count: int) -> tuple[str, ...]:
    """A list of ``count`` names, from JSON.

    Raises InputError if it is none, has another length, or one of them is empty, too long or cannot be printed.
    """

    def entry(what: str, each: object, _: int = 0) -> str:
        if not isinstance(each, str) or not 1 <= len(each) <= MAX_NAME or not each.isprintable():
            refuse(where, what, each, f"1 to {MAX_NAME} characters that can be printed")
        return each

    return list_of(where, what, value, count, ("names", "element"), entry)


def read_names(path: str | os.PathLike[str], count: int) -> tuple[str, ...]:
    """``count`` names from a text file, UTF-8, one in a line. Raises InputError as :func:`parse_names`."""
    where = os.fspath(path)
    with opened(path) as file:
        data = file.read(_MAX_BYTES + 1)
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: byte {error.start} is no UTF-8; allowed: a name in each line, in UTF-8") from None
    return parse_names(where, "file", lines[: count + 1], count)
