"""Other programs, which end when we do, however that comes about, and the folders that they work in."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from hdlgen.errors import InputError

__all__ = ["child", "ended_by_signals", "workspace"]

_ENDING = (signal.SIGTERM, signal.SIGHUP)

_WATCHED = """exec {0}<&0
(read _ <&{0}; kill -KILL 0) > /dev/null 2>&1 &
exec "$@" < /dev/null {0}<&-"""
"""A shell in the program's group waits for the end of a pipe, whose other end only we have, and ends the group then."""

_FULL = 1 << 16
"""Bytes; with less of them tools fail in many ways."""

_NOT_FOR_MAKE = re.compile(r"[^\w./+,@-]")


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """In the block, or the function, SIGTERM and SIGHUP do what Ctrl-C does: all is tidied up; exit status 143, and 129."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        for other in ours:  # tidying up is not interrupted
            signal.signal(other, signal.SIG_IGN)
        raise SystemExit(128 + number)

    main = threading.current_thread() is threading.main_thread()
    ours = [number for number in _ENDING if main and signal.getsignal(number) == signal.SIG_DFL]  # not under nohup
    for number in ours:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def workspace(verb: str, *, make: bool = False, keep: bool = False) -> Iterator[Path]:
    """A temporary folder; ``make`` is to build in it. It stays if it is to be kept, and the block ends without an exception.

    Raises
    ------
    InputError
        If make cannot build in a folder of that name, or something failed and there is no room left, whoever noticed it.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"hdlgen-{verb}-"))
    try:
        wrong = _NOT_FOR_MAKE.search(str(folder)) if make else None
        if wrong is not None:
            raise InputError(
                f"{folder}: make cannot build in a folder with {wrong[0]!r} in its name; set TMPDIR to another"
            )
        yield folder
    except BaseException as error:
        keep = False
        if isinstance(error, Exception) and shutil.disk_usage(folder).free < _FULL:
            raise InputError(f"{folder}: no space left on the device; set TMPDIR to another place") from error
        raise
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def child(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] = os.environ, **options: Any
) -> Iterator["subprocess.Popen[bytes]"]:
    """A program that works in ``folder``; ``options`` are those of `subprocess.Popen`.

    With the block, and with us, it ends, and so does whatever it has started: also where we are killed. Its temporary files
    are in ``folder``, too.
    """
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    unused = next(number for number in range(3, 10) if number not in options.get("pass_fds", ()))
    reader, writer = os.pipe()
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHED.format(unused), "sh", *command],
            cwd=folder,
            env={**environment, "TMPDIR": str(temporary)},
            stdin=reader,
            start_new_session=True,
            **options,
        )
    except BaseException:
        os.close(writer)
        raise
    finally:
        os.close(reader)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # the shell is in the group: the number cannot be another's
        process.wait()
        os.close(writer)
        if process.stdout is not None:
            process.stdout.close()
