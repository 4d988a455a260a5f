"""Outputs that appear whole or not at all, and what is said where they cannot."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hdlgen import files
from hdlgen.errors import InputError
from hdlgen.files import atomic_directory, atomic_write, check_new_folder, check_writable

LONG = "x" * 300


def no_room(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_the_first_of_two_folders_stays(tmp_path: Path) -> None:
    target = tmp_path / "core"

    def write(what: str, meanwhile: Callable[[], None] = lambda: None) -> None:
        with atomic_directory(target) as folder:
            (folder / "file").write_text(what)
            meanwhile()

    with pytest.raises(InputError, match="core: output folder exists already"):
        write("second", lambda: write("first"))
    assert (target / "file").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["core"]


@pytest.mark.parametrize("what", ["body", "rename"])
def test_no_room_for_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    if what == "rename":
        monkeypatch.setattr(files.os, "rename", no_room)

    def write() -> None:
        with atomic_directory(tmp_path / "core"):
            if what == "body":
                no_room()

    with pytest.raises(
        InputError, match=r"core: output folder cannot be made: No space left on device; name a writable"
    ):
        write()
    assert list(tmp_path.iterdir()) == []


def test_no_room_for_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "y.npy"
    atomic_write(target, "old")
    monkeypatch.setattr(files.os, "replace", no_room)
    with pytest.raises(InputError, match=r"y\.npy: cannot be written: No space left on device; name a file"):
        atomic_write(target, "new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_long_names(tmp_path: Path) -> None:
    for check, what in ((check_writable, "cannot be written"), (check_new_folder, "output folder cannot be made")):
        with pytest.raises(InputError, match=f"{LONG}: {what}: File name too long"):
            check(tmp_path / LONG)
    longest = tmp_path / LONG[:255]  # as long as a name may be, which leaves no room for a longer one beside it
    atomic_write(longest, "here")
    assert longest.read_text() == "here"
    longest.unlink()
    with atomic_directory(longest):
        pass
    assert longest.is_dir()


def test_devices_are_not_replaced() -> None:
    with pytest.raises(InputError, match="/dev/null: cannot be written: is no regular file"):
        atomic_write("/dev/null", "all gone")
    assert not Path("/dev/null").is_file()
