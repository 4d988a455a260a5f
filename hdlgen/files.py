"""Outputs that appear whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hdlgen.errors import InputError

__all__ = ["atomic_directory", "atomic_write"]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def atomic_directory(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield an empty scratch folder that becomes ``path`` when the block ends without an exception.

    Raises
    ------
    InputError
        If ``path`` exists already or its parent cannot be written.
    """
    target = Path(path)
    if target.exists() or target.is_symlink():
        raise InputError(f"{target}: output folder exists already; name one that does not, or remove it first")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise InputError(
            f"{target}: output folder cannot be made: {error.strerror}; name a writable place"
        ) from error
    try:
        yield scratch
        scratch.chmod(0o777 & ~_umask())
        scratch.rename(target)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def atomic_write(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write ``content`` (text as UTF-8) to ``path``, replacing an existing file in one step.

    Raises
    ------
    InputError
        If the folder of ``path`` cannot be written.
    """
    target = Path(path)
    data = content.encode() if isinstance(content, str) else content
    scratch: str | None = None
    try:
        handle, scratch = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(scratch, 0o666 & ~_umask())
        os.replace(scratch, target)
    except OSError as error:
        if scratch is not None and os.path.exists(scratch):
            os.unlink(scratch)
        raise InputError(
            f"{target}: cannot be written: {error.strerror}; name a file in a writable folder"
        ) from error
