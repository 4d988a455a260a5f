"""The verb ``hdlgen check``."""

import json
from pathlib import Path

import pytest

from hdlgen.cli import main
from hdlgen.network import load
from hdlgen.topology import lint

VECTORS = Path(__file__).parent.parent / "vectors"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["check", *arguments])
    captured = capsys.readouterr()
    return int(caught.value.code or 0), captured.out, captured.err


def test_tables(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, str(VECTORS / "few_paths.safetensors"))
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "few_paths: 50-20-6, 16 paths, 58 parameters, 256 bits of weights"
    assert [title for title in ("Layers", "Edges", "Integers") if title in lines] == ["Layers", "Edges", "Integers"]
    assert "Inputs connected with outputs: 5.33% of all pairs" in lines
    warning = next(line for line in lines if line.startswith("warning: input: "))
    assert warning.startswith("warning: input: inputs that no path reads: 34 of 50 (1, 2, 4,")
    assert warning.endswith("; 16 paths visit 16 neurons at most")


def test_nothing_to_remark(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, str(VECTORS / "tiny.safetensors"))
    assert out.splitlines()[-1] == "Nothing to remark."


def test_json_is_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    file = VECTORS / "thirds.safetensors"
    status, out, err = run(capsys, str(file), "--json")
    assert (status, err) == (0, "")
    assert json.loads(out) == lint.report(load(file))


def test_bad_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "net.safetensors"
    assert run(capsys, str(file)) == (2, "", f"hdlgen: {file}: no such network file\n")
    file.write_bytes(b"x")
    message = f"hdlgen: {file}: file has 1 bytes; allowed: a safetensors file, 8 bytes at least\n"
    assert run(capsys, str(file)) == (2, "", message)
