"""Archives of samples where verbs take inputs, and what outputs mean on the way."""

import json
from pathlib import Path

import numpy as np
import pytest

from hdlgen import golden, networks
from hdlgen.cli import main
from hdlgen.network import load


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in arguments])
    return int(caught.value.code or 0)


@pytest.mark.parametrize(("name", "scale"), [("penpoint", 2**-7), ("pendigits", None)])
def test_compile(name: str, scale: float | None, tmp_path: Path) -> None:
    """Test vectors and labels come from one file, and the manifest says what an output of 1 means."""
    samples = golden.read_samples(networks.sample_file(name))
    few = {"x": samples.x[:5]} | (
        {"y": samples.targets[:5]} if samples.labels is None else {"labels": samples.labels[:5]}
    )
    np.savez(tmp_path / "few.npz", **few)
    core = tmp_path / "core"
    assert run("compile", name, "-o", core, "--lanes", 4, "--input", tmp_path / "few.npz") == 0
    manifest = json.loads((core / "manifest.json").read_text())
    assert manifest["output"].get("scale") == scale
    assert np.array_equal(np.load(core / "vectors/x.npy"), few["x"])
    assert np.array_equal(np.load(core / "vectors/y.npy"), golden.evaluate(load(name), few["x"]))
    assert ("labels" in manifest["vectors"]) == (scale is None)
    if scale is None:
        assert np.array_equal(np.load(core / "vectors/labels.npy"), few["labels"])
    assert load(core / "network.safetensors").output_scale == scale


def test_labels_of_another_file_win(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    samples = golden.read_samples(networks.sample_file("pendigits"))
    x = samples.x[:4]
    np.savez(tmp_path / "x.npz", x=x, labels=np.zeros(4, int))
    right = golden.evaluate(load("pendigits"), x).argmax(axis=1)
    np.save(tmp_path / "labels.npy", right)
    out = tmp_path / "y.npy"
    assert run("evaluate", "pendigits", "-i", tmp_path / "x.npz", "-o", out, "--labels", tmp_path / "labels.npy") == 0
    assert capsys.readouterr().out == f"{out}: 4 x 10 outputs, 4 of 4 right (100.00%)\n"
