"""Programs that are started end with us: after Ctrl-C, SIGTERM, SIGHUP, and where we are killed. Nothing temporary stays."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from hdlgen.errors import InputError, Refused
from hdlgen.processes import child, ended_by_signals, workspace

# A tool that starts another one, says so, and sleeps.
SLEEPER = """#!/bin/sh
sleep 1000 &
echo $$ $! > {said}.new
mv {said}.new {said}
sleep 1000
"""

VERB = """
import signal, sys
for number in (signal.SIGHUP, signal.SIGTERM):  # as in a terminal, whoever runs the tests
    signal.signal(number, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from hdlgen.processes import child, ended_by_signals, workspace

@ended_by_signals()
def main():
    with workspace("test") as folder, child([sys.argv[1]], folder) as process:
        process.wait()

main()
"""


def _wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def _alive(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks Linux who is alive")
@pytest.mark.parametrize(
    ("number", "status", "tidy"),
    [
        (signal.SIGTERM, 143, True),
        (signal.SIGHUP, 129, True),
        (signal.SIGINT, -signal.SIGINT, True),
        (signal.SIGKILL, -signal.SIGKILL, False),
    ],
)
def test_programs_end_with_us(number: signal.Signals, status: int, tidy: bool, tmp_path: Path) -> None:
    said, tool, temporary = tmp_path / "said", tmp_path / "tool", tmp_path / "tmp"
    temporary.mkdir()
    tool.write_text(SLEEPER.format(said=said))
    tool.chmod(0o755)
    environment = {**os.environ, "TMPDIR": str(temporary)}
    ours = subprocess.Popen([sys.executable, "-c", VERB, tool], env=environment, stderr=subprocess.DEVNULL)
    _wait(said.exists)
    started = [int(word) for word in said.read_text().split()]
    assert all(map(_alive, started))
    ours.send_signal(number)
    assert ours.wait(60) == status
    _wait(lambda: not any(map(_alive, started)))
    assert bool(list(temporary.iterdir())) == (not tidy)


def test_what_a_program_leaves_running_ends_behind_it(tmp_path: Path) -> None:
    with child(["sh", "-c", "sleep 1000 & echo $!"], tmp_path, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        left = int(process.stdout.readline())
        assert process.wait() == 0
    _wait(lambda: not _alive(left))


def test_temporary_files_of_programs_are_in_their_folder(tmp_path: Path) -> None:
    with child(["sh", "-c", "pwd; echo $TMPDIR; read x || exit 3"], tmp_path, stdout=subprocess.PIPE) as process:
        assert process.communicate()[0].decode().split() == [str(tmp_path), str(tmp_path / "tmp")]
    assert process.returncode == 3  # there is nothing to read


def test_signals_that_are_ignored_stay_so() -> None:
    """As under nohup; and what was there before is there again."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_by_signals():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            assert callable(signal.getsignal(signal.SIGTERM))
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools notice it in many ways, and some not at all."""
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=4096))
    for error in (Refused("yosys failed: exit status 1 after: nothing"), OSError(28, "No space left on device")):
        with (
            pytest.raises(InputError, match=r"no space left on the device; set TMPDIR to another place$"),
            workspace("x"),
        ):
            raise error
    with pytest.raises(KeyboardInterrupt), workspace("x"):
        raise KeyboardInterrupt


def test_workspace() -> None:
    with workspace("test", keep=True) as folder:
        pass
    assert folder.is_dir()
    folder.rmdir()
    with pytest.raises(InputError), workspace("test", keep=True) as folder:
        raise InputError("x")
    assert not folder.exists()
