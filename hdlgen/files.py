"""Foreign files, which are regular ones and where they should be, and outputs that appear whole or not at all."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import NoReturn

from hdlgen.errors import InputError

__all__ = ["atomic_directory", "atomic_write", "check_new_folder", "check_writable", "contained", "opened", "reason"]


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


def reason(error: OSError) -> str:
    """What the system says, and of which file."""
    said = error.strerror or str(error)
    return said if error.filename is None else f"{said}: {os.fspath(error.filename)!r}"


def _refuse(what: str, error: OSError, remedy: str) -> NoReturn:
    raise InputError(f"{what}: {error.strerror or error}; {remedy}") from error


def _present(path: Path) -> os.stat_result | None:
    """What stands there, if anything; raises OSError where nothing could."""
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def check_new_folder(path: str | os.PathLike[str]) -> Path:
    """Refuse what cannot be a new folder; :func:`atomic_directory` does so, too, but behind long work that is late."""
    target = Path(path)
    try:
        taken = os.path.islink(target) or _present(target) is not None
    except OSError as error:
        _refuse(f"{target}: output folder cannot be made", error, "name a writable place")
    if taken:
        raise InputError(f"{target}: output folder exists already; name one that does not, or remove it first")
    return target


def check_writable(path: str | os.PathLike[str]) -> Path:
    """Refuse what :func:`atomic_write` cannot write, or must not, as it is a device."""
    target, remedy = Path(path), "name a file in a writable folder"
    try:
        found = _present(target)
    except OSError as error:
        _refuse(f"{target}: cannot be written", error, remedy)
    if found is not None and not stat.S_ISREG(found.st_mode):
        what = "is a folder" if stat.S_ISDIR(found.st_mode) else "is no regular file"
        raise InputError(f"{target}: cannot be written: {what}; {remedy}")
    if not os.path.isdir(target.parent) or not os.access(target.parent, os.W_OK):
        raise InputError(f"{target}: cannot be written; {remedy}")
    return target


@contextmanager
def atomic_directory(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield an empty scratch folder that becomes ``path`` when the block ends without an exception.

    Raises
    ------
    InputError
        If ``path`` exists, at the beginning or by then at the end, its parent cannot be written, or there is no room.
    """
    target = check_new_folder(path)
    scratch: str | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.mkdtemp(prefix=f".{target.name[:40]}.", dir=target.parent)
        yield Path(scratch)
        os.chmod(scratch, 0o777 & ~_umask())
        os.rename(scratch, target)
    except OSError as error:
        check_new_folder(target)  # somebody else was faster
        _refuse(f"{target}: output folder cannot be made", error, "name a writable place with room")
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)


def atomic_write(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write ``content`` (text as UTF-8) to ``path``, replacing an existing file in one step.

    Raises
    ------
    InputError
        If ``path`` cannot be written, or is no regular file.
    """
    target = check_writable(path)
    data = content.encode() if isinstance(content, str) else content
    scratch: str | None = None
    try:
        handle, scratch = tempfile.mkstemp(prefix=f".{target.name[:40]}.", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(scratch, 0o666 & ~_umask())
        os.replace(scratch, target)
    except OSError as error:
        if scratch is not None and os.path.exists(scratch):
            os.unlink(scratch)
        _refuse(f"{target}: cannot be written", error, "name a file in a writable folder")
