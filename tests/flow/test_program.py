"""hdlgen program, with programs that only say what they were asked for."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from hdlgen.cli import main
from hdlgen.emit import compile_to
from hdlgen.emit.manifest import read_manifest
from hdlgen.flow.boards import find_board, names
from hdlgen.flow.program import prepare
from hdlgen.flow.synth_report import Bitstream, SynthesisReport, write_report
from hdlgen.resources import folder

from ..compiler.networks import make
from .manifests import synthesised
from .small_core import make_small_core


def _run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["program", *map(str, arguments)])
    assert isinstance(caught.value.code, int)
    return caught.value.code


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH, with nothing in it."""
    path = tmp_path / "bin"
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    return path


def _install(programs: Path, name: str, status: int = 0) -> Path:
    said = programs / f"{name}.said"
    (programs / name).write_text(f'#!/bin/sh\nfor word; do echo "$word"; done > {said}\nexit {status}\n')
    (programs / name).chmod(0o755)
    return said


def _synthesised(root: Path, *boards: str) -> Path:
    if not root.exists():
        make_small_core(root)
    manifest = read_manifest(root)
    (root / "notes.json").write_text("not JSON")
    for name in boards:
        board = find_board(name if name in names() else "icebreaker")
        _made(root, synthesised(manifest, board, name=name), f"synth-{name}", board.suffix)
    write_report(synthesised(manifest, None), root / "synth-ecp5-25k.json")  # out of context: no bitstream
    return root


def _made(root: Path, report: SynthesisReport, name: str, suffix: str) -> None:
    """Write a report and its bitstream."""
    bits = f"bits of {name}".encode()
    (root / f"{name}.{suffix}").write_bytes(bits)
    made = Bitstream(
        file=f"{name}.{suffix}",
        bytes=len(bits),
        sha256=hashlib.sha256(bits).hexdigest(),
        seed=1,
        fmax_mhz=50.0,
        pack=(),
        memories={},
    )
    write_report(replace(report, bitstream=made), root / f"{name}.json")


@pytest.mark.parametrize(
    ("board", "program", "arguments"),
    [
        ("icebreaker", "iceprog", ["{bits}"]),
        ("icebreaker", "openFPGALoader", ["-b", "ice40_generic", "{bits}"]),
        ("ulx3s-12f", "openFPGALoader", ["-b", "ulx3s", "{bits}"]),
        ("orangecrab-25f", "dfu-util", ["-d", "1209:5af0", "-a", "0", "-D", "{bits}"]),
        ("tinyfpga-bx", "tinyprog", ["-p", "{bits}"]),
        ("icesugar", "icesprog", ["{bits}"]),
        ("tang-nano-9k", "openFPGALoader", ["-b", "tangnano9k", "{bits}"]),
    ],
)
def test_runs_what_is_installed(
    tmp_path: Path, programs: Path, board: str, program: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    root = _synthesised(tmp_path / "my core", board)
    said = _install(programs, program)
    assert _run(root) == 0
    bits = root / f"synth-{board}.{find_board(board).suffix}"
    assert said.read_text().splitlines() == [word.format(bits=bits) for word in arguments]
    shown = capsys.readouterr()
    assert shown.out == f"{program} " + " ".join(arguments).format(bits=f"'{bits}'") + "\n"
    assert shown.err == ""


def test_the_usual_program_is_preferred(tmp_path: Path, programs: Path) -> None:
    root = _synthesised(tmp_path / "core", "icebreaker")
    said = [_install(programs, name) for name in ("iceprog", "openFPGALoader")]
    assert _run(root) == 0
    assert [path.exists() for path in said] == [True, False]


def test_not_installed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = _synthesised(tmp_path / "core", "icebreaker")
    assert _run(root) == 1
    command = f"iceprog {root}/synth-icebreaker.bin"
    shown = capsys.readouterr()
    assert shown.out == f"{command}\n"
    assert shown.err == (
        f"hdlgen: iceprog or openFPGALoader is not installed; install it, or run on another machine: {command}\n"
    )


def test_the_program_fails(tmp_path: Path, programs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = _synthesised(tmp_path / "core", "icebreaker")
    _install(programs, "iceprog", status=3)
    assert _run(root) == 1
    assert capsys.readouterr().err == (
        f"hdlgen: iceprog failed with exit status 3: iceprog {root}/synth-icebreaker.bin\n"
    )


def test_several_boards(tmp_path: Path, programs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = _synthesised(tmp_path / "core", "icebreaker", "ulx3s-85f")
    assert _run(root) == 2
    assert capsys.readouterr().err == (
        f"hdlgen: {root}: bitstreams for several boards; name one with --board: icebreaker, ulx3s-85f\n"
    )
    said = _install(programs, "openFPGALoader")
    assert _run(root, "--board", "ulx3s-85f") == 0
    assert said.read_text().splitlines()[-1] == str(root / "synth-ulx3s-85f.bit")


def test_several_designs(tmp_path: Path, programs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = _synthesised(tmp_path / "core", "icebreaker")
    other = synthesised(read_manifest(root), find_board("icebreaker"), board_top={"kind": "other"})
    _made(root, other, "other", "bin")
    assert _run(root) == 2
    message = f"hdlgen: {root}: several designs for icebreaker; name one with --top: other, self-test\n"
    assert capsys.readouterr().err == message
    said = _install(programs, "iceprog")
    for top, file in (("other", "other.bin"), ("self-test", "synth-icebreaker.bin")):
        assert _run(root, "--top", top) == 0
        assert said.read_text().splitlines() == [str(root / file)]
    assert _run(root, "--top", "none") == 2
    assert capsys.readouterr().err == (
        f"hdlgen: {root}: no bitstream of --top none; `hdlgen synth {root} --board B` makes one\n"
    )


def test_a_board_of_ones_own(tmp_path: Path, programs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only a board file says what is run, never the report."""
    root = _synthesised(tmp_path / "core", "mine")
    assert _run(root) == 2
    message = f"hdlgen: {root}: the bitstream is for board 'mine'; give its file with --board FILE.toml\n"
    assert capsys.readouterr().err == message
    text = (folder("boards") / "icebreaker.toml").read_text().replace('"icebreaker"', '"mine"')
    (tmp_path / "mine.toml").write_text(text)
    _install(programs, "iceprog")
    assert _run(root, "--board", tmp_path / "mine.toml") == 0


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ("none", ["{root}x"], "{root}x/manifest.json: not found; name a folder that `hdlgen compile` wrote"),
        ("empty", ["{root}"], "{root}: no bitstream; `hdlgen synth {root} --board B` makes one"),
        (
            "none",
            ["{root}", "--board", "icesugar"],
            "{root}: no bitstream for --board icesugar; there is one for icebreaker",
        ),
        ("gone", ["{root}"], "{root}/synth-icebreaker.bin: not found; `hdlgen synth` makes it anew"),
        (
            "other",
            ["{root}"],
            "{root}/synth-icebreaker.bin: not the bitstream that synth-icebreaker.json is about: its SHA-256 differs; "
            "synthesise again",
        ),
        (
            "linked",
            ["{root}"],
            "{root}/synth-icebreaker.bin: a link that leads out of {root}; allowed are files in this folder",
        ),
        (
            "outside",
            ["{root}"],
            "{root}/synth-icebreaker.json: bitstream.file is '../x.bin'; allowed: the name of a file in the folder",
        ),
    ],
)
def test_refused(
    tmp_path: Path,
    programs: Path,
    change: str,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = _install(programs, "iceprog")
    root = _synthesised(tmp_path / "core", *([] if change == "empty" else ["icebreaker"]))
    bits, report = root / "synth-icebreaker.bin", root / "synth-icebreaker.json"
    if change == "gone":
        bits.unlink()
    elif change == "other":
        bits.write_bytes(b"other")
    elif change == "linked":
        bits.symlink_to(bits.rename(tmp_path / "x.bin"))
    elif change == "outside":
        (tmp_path / "x.bin").write_bytes(bits.read_bytes())
        report.write_text(report.read_text().replace("synth-icebreaker.bin", "../x.bin"))
    assert _run(*(word.format(root=root) for word in arguments)) == 2
    assert capsys.readouterr().err == f"hdlgen: {message.format(root=root)}\n"
    assert not said.exists()


@pytest.mark.parametrize("name", names())
def test_every_board_has_a_command(tmp_path: Path, name: str) -> None:
    found = prepare(_synthesised(tmp_path / "core", name))
    assert not found.installed
    assert found.command.count(str(found.bitstream)) == 1


def _from_flash(root: Path) -> Path:
    """A design that reads its weights from a flash; returns their image."""
    manifest = compile_to(make((12, 10, 6), 64), root, lanes=4, source="flash")
    return root / str(manifest.weights.image)


def test_image_of_weights(tmp_path: Path, programs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is written behind the bitstream's place, before the bitstream."""
    image = _from_flash(tmp_path / "core")
    root = _synthesised(tmp_path / "core", "icebreaker")
    said = programs / "said"
    (programs / "iceprog").write_text(f'#!/bin/sh\necho "$@" >> {said}\n')
    (programs / "iceprog").chmod(0o755)
    assert _run(root) == 0
    bits = root / "synth-icebreaker.bin"
    assert said.read_text() == f"-o 1048576 {image}\n{bits}\n"
    assert capsys.readouterr().out == f"iceprog -o 1048576 {image}\niceprog {bits}\n"
    (programs / "iceprog").write_text("#!/bin/sh\nexit 3\n")
    assert _run(root) == 1
    assert f"iceprog failed with exit status 3: iceprog -o 1048576 {image}" in capsys.readouterr().err
    image.unlink()
    assert _run(root) == 2
    assert f"{image}: not found; compile again" in capsys.readouterr().err


def test_image_that_no_program_writes(tmp_path: Path, programs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = _from_flash(tmp_path / "core")
    root = _synthesised(tmp_path / "core", "orangecrab-25f")
    _install(programs, "dfu-util")
    assert _run(root) == 1
    error = capsys.readouterr().err
    assert f"writes into its flash; write {image} there at byte 2097152, and then: dfu-util" in error
    assert error.count("\n") == 1
