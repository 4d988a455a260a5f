"""Foreign files, which are regular ones and where they should be, and outputs that appear whole or not at all."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path, PurePosixPath

from hdlgen.errors import InputError

__all__ = ["atomic_directory", "atomic_write", "contained", "opened"]


@contextmanager
def opened(path: str | os.PathLike[str], where: str | None = None) -> Iterator[BufferedReader]:
    """A regular file, open for reading; ``where`` is what messages call it.

    Raises
    ------
    InputError
        If it cannot be opened or read, or is a folder, a device or a pipe.
    """
    where = where or os.fspath(path)
    try:
        # Before it is opened: a pipe would wait for a writer, and a device might do anything.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise InputError(f"{where}: not a regular file")
        with open(path, "rb") as file:
            yield file
    except OSError as error:
        raise InputError(f"{where}: cannot be read: {error.strerror or error}") from None


def contained(root: Path, name: str) -> Path:
    """The regular file ``name`` of the folder ``root``: the check of every name that comes out of a file.

    Raises
    ------
    InputError
        If the name is not relative, leads out of the folder, be it through a link, or to anything but a regular file.
    """
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or not name.isprintable() or "\\" in name:
        raise InputError(f"{root}: file name {name!r}; allowed are names of files in this folder")
    path = root / name
    real = os.path.realpath(path)
    if not Path(real).is_relative_to(os.path.realpath(root)):
        raise InputError(f"{path}: a link that leads out of {root}; allowed are files in this folder")
    if not os.path.isfile(real):
        what = "not a regular file" if os.path.exists(real) else "not found"
        raise InputError(f"{path}: {what}; compile again, or copy all of the folder")
    return path


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
