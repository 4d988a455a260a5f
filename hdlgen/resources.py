"""Where the files that travel with the program are: in a checkout and in an installed wheel alike."""

from pathlib import Path

__all__ = ["folder"]

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """The folder ``boards``, ``sim`` or ``networks``.

    In the wheel all of them lie inside the package; in a checkout ``boards`` and ``sim`` lie beside it.
    """
    for candidate in (_PACKAGE / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"folder {name!r} is missing from the installation of hdlgen")
