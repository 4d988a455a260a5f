"""What verbs print: texts as they are, on any terminal; and what they say about doubtful inputs."""

import ast
import errno
import io
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hdlgen import cli, golden, terminal
from hdlgen.emit import compile_to
from hdlgen.errors import Doubtful, InputError
from hdlgen.network import load, save

TINY = Path(__file__).parent.parent / "vectors" / "tiny.safetensors"


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        cli.main([str(word) for word in arguments])
    return int(caught.value.code or 0)


# ---------------------------------------------------------------------------------------------------------- generate


def test_generate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was given, and what follows; a network of scores gets a draw."""
    assert run("generate", "shakespeare", "--start", "to be,\n", "-n", 40) == 0
    said = capsys.readouterr().out
    assert said.startswith("to be,\n")
    assert len(said) == len("to be,\n") + 40 + 1
    shipped = load("shakespeare")
    scores = replace(
        shipped, layers=shipped.layers[:2], tensors={k: v for k, v in shipped.tensors.items() if k != "noise"}
    )
    scores = replace(
        scores, layers=(scores.layers[0], replace(scores.layers[1], activation=None)), output_scale=2.0**-9
    )
    save(replace(scores, header=None), tmp_path / "scores.safetensors")
    new = tmp_path / "new.safetensors"
    assert (
        run("generate", tmp_path / "scores.safetensors", "-n", 5, "--temperature", 0.5, "--seed", 3, "-o", new) == 0
    )
    assert load(new).generates
    drawn = capsys.readouterr().out
    assert run("generate", new, "-n", 5) == 0
    assert capsys.readouterr().out == drawn


# ------------------------------------------------------------------------------------------------------------- names


def test_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of inputs and outputs, from text files: in the network file, and from there in the manifest."""
    network = load(TINY)
    inputs = [f"a {number}" for number in range(network.widths[0])]
    outputs = [f"b {number}" for number in range(network.widths[-1])]
    (tmp_path / "inputs.txt").write_text("\n".join(inputs) + "\n")
    (tmp_path / "outputs.txt").write_text("\r\n".join(outputs))
    named = tmp_path / "named.safetensors"
    words = ["names", TINY, "-o", named, "--inputs", tmp_path / "inputs.txt", "--outputs", tmp_path / "outputs.txt"]
    assert run(*words) == 0
    found = load(named)
    assert (found.input.names, found.output_names) == (tuple(inputs), tuple(outputs))
    manifest = compile_to(found, tmp_path / "core")
    assert (manifest.input.names, manifest.output.names) == (tuple(inputs), tuple(outputs))
    x = np.zeros((1, network.widths[0]), int)
    assert (golden.evaluate(found, x) == golden.evaluate(network, x)).all()
    (tmp_path / "outputs.txt").write_bytes(b"\xff")
    (tmp_path / "inputs.txt").write_text("one\n")
    capsys.readouterr()
    other = tmp_path / "other.safetensors"
    for option, message in [
        ("--inputs", f"{tmp_path / 'inputs.txt'}: file has 1 entries; allowed: {len(inputs)}, one per element"),
        ("--outputs", f"{tmp_path / 'outputs.txt'}: byte 0 is no UTF-8; allowed: a name in each line, in UTF-8"),
    ]:
        assert run("names", TINY, "-o", other, option, tmp_path / f"{option[2:]}.txt") == 2
        assert capsys.readouterr().err == f"hdlgen: {message}\n"
    assert run("names", TINY, "-o", other) == 2
    assert not other.exists()


# ------------------------------------------------------------------------------------------------------------- texts


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("run[bold]1", "run[bold]1"),
        ("a[/x]", "a[/x]"),
        (":smile:", ":smile:"),
        ("red\x1b[31m\nnext\x9b", r"red\x1b[31m\nnext\x9b"),
        ("turn\u202eed", r"turn\u202eed"),
        (os.fsdecode(b"not \xff utf-8"), r"not \udcff utf-8"),
    ],
)
def test_names_are_shown_and_never_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, shown: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a[").mkdir()
    shutil.copy(TINY, f"{name}.safetensors")
    np.save(f"{name}.npy", np.full((1, 8), 255, np.uint8))
    for line in (
        ("evaluate", f"{name}.safetensors", "-i", f"{name}.npy", "-o", f"{name}.y"),  # a line
        ("prune", f"{name}.safetensors", "-o", f"{name}.pruned"),  # a table
    ):
        assert run(*line) == 0
        out, err = capsys.readouterr()
        assert shown in out
        assert err == ""
        assert all(c.isprintable() for c in out.replace("\n", ""))
    assert run("evaluate", f"{name}.safetensors", "-i", f"{name}.none", "-o", "y") == 2  # an error
    assert capsys.readouterr() == ("", f"hdlgen: {shown}.none: cannot be read: No such file or directory\n")


def test_a_design_with_such_a_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compile", TINY, "--lanes", 4, "-o", tmp_path / "a[" / "x]") == 0
    assert f"{tmp_path}/a[/x]" in capsys.readouterr().out
    assert (tmp_path / "a[" / "x]" / "manifest.json").is_file()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_terminal(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    terminal.say("1 µs → é")
    terminal.table("µ", [("→", 1)], ("é", "n"), ends=[0])
    stream.flush()
    said = stream.buffer.getvalue().decode(encoding).splitlines()  # type: ignore[attr-defined]
    micro, arrow, accent = {
        "ascii": ("u", r"\u2192", r"\xe9"),
        "latin-1": ("u", r"\u2192", "é"),
        "utf-8": ("µ", "→", "é"),
    }[encoding]
    assert said[0] == f"1 {micro}s {arrow} {accent}"
    assert said[1].strip() == micro
    assert accent in said[3]


def test_no_verb_prints_by_itself() -> None:
    for file in Path(cli.__file__).parent.glob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert not called & {"print", "click.echo", "click.secho"}, file
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not any(str(name).startswith("rich") for name in imported), file


def test_a_table_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.table("none", [])
    assert capsys.readouterr().out == ""
    terminal.table("paths", [("x" * 300, "y" * 300)])
    assert "x" * 300 in capsys.readouterr().out


def test_what_the_system_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/tmp/some\x1bwhere")

    monkeypatch.setattr("hdlgen.network.load", full)
    assert run("check", "mnist") == 2
    assert capsys.readouterr() == ("", "hdlgen: No space left on device: '/tmp/some\\x1bwhere'\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_behind_the_output() -> None:
    program = [sys.executable, "-c", "import sys; from hdlgen.cli import main; main(sys.argv[1:])"]
    with open("/dev/full", "w") as full:
        done = subprocess.run([*program, "check", TINY], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "hdlgen: No space left on device\n")


@pytest.mark.parametrize(
    ("file", "name"),
    [("my net.safetensors", "my_net"), (".hidden", "hidden"), ("é", "network"), ("x" * 80, "x" * 64)],
)
def test_names_of_networks(file: str, name: str) -> None:
    assert cli.network_name(None, Path(file)) == name
    assert cli.network_name("given", Path(file)) == "given"
    with pytest.raises(InputError, match="name is 'a b'; allowed: 1 to 64 of the characters"):
        cli.network_name("a b", Path(file))


# ------------------------------------------------------------------------------------------------------------ inputs


@pytest.mark.parametrize(("labels", "element"), [([0, 3, 4, 0], "[2] is 4"), ([-1, 0, 0, 0], "[0] is -1")])
def test_labels_out_of_range(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    labels: list[int],
    element: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.full((4, 8), 255, np.uint8))
    np.save("l.npy", labels)
    np.savez("both.npz", x=np.full((4, 8), 255, np.uint8), labels=labels)
    assert load(TINY).widths[-1] == 4
    files = ((("--input", "x.npy", "--labels", "l.npy"), "l.npy"), (("--input", "both.npz"), "both.npz: labels"))
    compile_to(load(TINY), "design", lanes=4)
    for verb in (
        ("evaluate", TINY, "-o", "y.npy"),
        ("compile", TINY, "--lanes", 4, "-o", "core"),
        ("simulate", "design"),
        ("run", "design", "--port", "none"),
    ):
        for given, where in files:
            assert run(*verb, *given) == 2
            assert capsys.readouterr() == ("", f"hdlgen: {where}: element {element}; allowed: 0..3\n")
    assert sorted(os.listdir()) == ["both.npz", "design", "l.npy", "x.npy"]


@pytest.mark.parametrize(
    ("most", "doubtful"), [(0, False), (1, True), (100, True), (127, True), (128, False), (255, False)]
)
def test_small_integers(tmp_path: Path, capsys: pytest.CaptureFixture[str], most: int, doubtful: bool) -> None:
    x = tmp_path / "x.npy"
    np.save(x, np.array([[0] * 7 + [most]]))
    assert run("evaluate", TINY, "-i", x, "-o", tmp_path / "y.npy") == 0
    warning = f"warning: {x}: holds 0..{most}, little of the network's 0..255; is that the scale that it was trained with?\n"
    assert capsys.readouterr().err == (warning if doubtful else "")


def test_real_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They become the integers nearest to them, in every verb alike, where it is known what these stand for."""
    plain = load(TINY)
    network = replace(plain, input=replace(plain.input, scale=1 / 255, offset=0.5))
    save(network, tmp_path / "net.safetensors")
    codes = np.random.default_rng(1).integers(0, 256, (20, 8))
    x, y = tmp_path / "x.npy", tmp_path / "y.npy"
    np.save(x, network.input.values(codes) + np.random.default_rng(2).uniform(-0.49, 0.49, codes.shape) / 255)
    assert run("evaluate", tmp_path / "net.safetensors", "-i", x, "-o", y) == 0
    assert np.array_equal(np.load(y), golden.evaluate(plain, codes))
    assert run("compile", tmp_path / "net.safetensors", "--lanes", 4, "--input", x, "-o", tmp_path / "core") == 0
    assert np.array_equal(np.load(tmp_path / "core/vectors/x.npy"), codes)
    assert run("run", tmp_path / "core", "--port", "none", "--input", x) == 2
    assert "--port none: cannot be opened" in capsys.readouterr().err
    with pytest.raises(InputError, match=r"dtype is float64; allowed: integers 0\.\.255, since the network's file"):
        golden.read_inputs(plain, x)
    np.save(x, codes.astype(np.float32))
    with pytest.warns(Doubtful, match=r"\d\d% of the numbers are beyond the network's 0\.498..1\.502, and clamped"):
        golden.read_inputs(network, x)
    upside_down = replace(plain, input=replace(plain.input, scale=-1 / 255))
    np.save(x, upside_down.input.values(codes))
    assert np.array_equal(golden.read_inputs(upside_down, x).x, codes)
    np.save(x, np.full((1, 8), np.nan))
    with pytest.raises(InputError, match=r"element \[0, 0\] is nan; allowed: finite numbers"):
        golden.read_inputs(network, x)
    np.save(x, np.zeros((1, 9)))
    with pytest.raises(InputError, match=r"shape is \[1, 9\]; allowed: \[N, 8\]"):
        golden.read_inputs(network, x)


def test_designs_that_do_not_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options, warning in (
        (
            ("mnist-large", "--target", "ice40-up5k", "--lanes", 8, "--weights", "rom"),
            r"ice40-up5k: needs (\S+ LUTs of 5,280 and )?\d+ block RAMs of 30, so the design will not fit; would fit: "
            r".*--weights spram.*",
        ),
        (("mnist", "--target", "ice40-up5k", "--lanes", 8), None),
    ):
        assert run("compile", *options, "--plan") == 0
        assert re.fullmatch("" if warning is None else f"warning: {warning}\n", capsys.readouterr().err)
