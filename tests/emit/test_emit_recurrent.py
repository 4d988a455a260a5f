"""What is written for a recurrent network."""

import json
from pathlib import Path

import numpy as np
import pytest

from hdlgen import cli, golden
from hdlgen.compiler.band import compile_recurrent
from hdlgen.emit import compile_to
from hdlgen.flow.simulate import check_sources, read_manifest
from hdlgen.network import RecurrentNetwork, load, save

from ..compiler.recurrent import layer, make_recurrent, sequences


def network() -> RecurrentNetwork:
    return make_recurrent(3, [layer("gru", 8, band=3, weight_bits=4, in_weight_bits=4)], (4,), name="steps")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_manifest_and_files(tmp_path: Path) -> None:
    model = network()
    manifest = compile_to(model, tmp_path / "core", lanes=4)
    program = compile_recurrent(model, lanes=4)
    assert read_manifest(tmp_path / "core") == manifest
    check_sources(tmp_path / "core", manifest)
    assert manifest["top"] == "hdlgen_steps"
    assert manifest["latency_cycles"] == program.latency_cycles
    assert manifest["interval_cycles"] == program.interval_cycles
    assert manifest["sequence"]["results"] == "sequence"
    assert manifest["multiplications_per_step"] == 3 * 8 * (3 + 3) + 4 * 8
    form = {"width": 3, "bits": 8, "bytes_per_element": 1, "elements_per_beat": 1, "beats": 3, "signed": True}
    assert manifest["input"] == form
    assert [port["name"] for port in manifest["ports"] if "tuser" in port["name"]] == ["s_axis_tuser", "m_axis_tuser"]
    first = manifest["layers"][0]
    assert (first["recurrence"], first["recurrent_cycles"], first["recurrent_weights"]) == ("band", 18, 72)
    bits = manifest["memory_bits"]
    assert bits["connectivity"] == 0
    assert bits["weights"] == 3 * 8 * (3 + 3) * 4 + 4 * 8 * 8
    assert isinstance(load(tmp_path / "core" / "network.safetensors"), RecurrentNetwork)


def test_manifest_of_stored_indices(tmp_path: Path) -> None:
    model = make_recurrent(3, [layer("gru", 9, edges=40, weight_bits=4, in_weight_bits=4)], (4,), name="edges")
    manifest = compile_to(model, tmp_path / "core", lanes=4)
    unit = compile_recurrent(model, lanes=4).units[0]
    assert unit.recurrence is not None
    first = manifest["layers"][0]
    assert (first["recurrence"], first["recurrent_cycles"]) == ("gather", unit.recurrent_words)
    assert (first["recurrent_weights"], first["index_bits"]) == (unit.recurrence.products, 4)
    assert first["lane_utilisation"] == round(unit.recurrence.products / (4 * unit.recurrent_words), 4)
    bits, memories = manifest["memory_bits"], manifest["memories"]
    assert bits["connectivity"] == unit.recurrent_words * 4 * 4
    assert memories["hdlgen_edges_layer1_indices"] == {"depth": unit.recurrent_words, "width": 4 * 4}
    assert bits["schedule"] == 0  # so few lengths stand in logic


@pytest.mark.parametrize("results", ["sequence", "step"])
def test_vectors(tmp_path: Path, results: str) -> None:
    """Stored steps, lengths and answers of the vectors and of the probes belong together."""
    model = network()
    manifest = compile_to(model, tmp_path / "core", lanes=2, results=results)
    for names in (manifest["vectors"], manifest["sequence"]["probes"]):
        x, lengths, y = (np.load(tmp_path / "core" / names[key]) for key in ("x", "lengths", "y"))
        assert x.dtype == np.int8
        assert np.array_equal(golden.evaluate(model, x, lengths, every_step=results == "step"), y)
    assert sorted(lengths)[0] == 1
    assert max(lengths) == 200


def test_same_bytes(tmp_path: Path) -> None:
    compile_to(network(), tmp_path / "a", lanes=4)
    compile_to(network(), tmp_path / "b", lanes=4)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """hdlgen compile with the user's sequences and labels, which lie in one file."""
    model = network()
    x, lengths = sequences(model, [2, 1, 4])
    save(model, tmp_path / "net.safetensors")
    np.savez(tmp_path / "x.npz", x=x, lengths=lengths, labels=np.array([1, 0, 3]))
    arguments = ["compile", str(tmp_path / "net.safetensors"), "-o", str(tmp_path / "core"), "--lanes", "4"]
    with pytest.raises(SystemExit) as end:
        cli.main([*arguments, "--results", "step", "--input", str(tmp_path / "x.npz"), "--target", "ice40-up5k"])
    assert end.value.code == 0
    assert "multiplications per step" in capsys.readouterr().out
    manifest = json.loads((tmp_path / "core" / "manifest.json").read_text())
    assert manifest["sequence"]["results"] == "step"
    assert np.load(tmp_path / "core" / manifest["vectors"]["labels"]).tolist() == [1, 0, 3]
    assert np.array_equal(np.load(tmp_path / "core" / manifest["vectors"]["x"]), x)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--elements-per-beat", "2"],
            "--elements-per-beat: {net} has recurrent layers; allowed with path layers only",
        ),
        (["--input-buffers", "2"], "--input-buffers: {net} has recurrent layers; allowed with path layers only"),
        (["--no-merge"], "--no-merge: {net} has recurrent layers; allowed with path layers only"),
        (["--multiplier", "add"], "{net}: multiplier: 'add'; allowed are auto, dsp and lut with recurrent layers"),
        (
            ["--weights", "spram"],
            "{net}: weights: 'spram'; allowed are rom and ram with recurrent and layered networks",
        ),
        (["--banks", "2"], "{net}: banks: 2 of weights in rom; allowed are 1 and, with ram, 2"),
        (["--lanes", "12"], "{net}: lanes: 12; allowed are 1, 2, 4, 8, 16, 32 and 64"),
        (["--labels", "{net}"], "{net}: no .npy file; allowed: an array of integers, as numpy.save writes it"),
    ],
)
def test_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    net = str(tmp_path / "net.safetensors")
    save(network(), net)
    with pytest.raises(SystemExit) as end:
        cli.main(["compile", net, "-o", str(tmp_path / "core"), *(word.format(net=net) for word in arguments)])
    assert end.value.code == 2
    assert message.format(net=net) in capsys.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "core").exists()


def test_results_of_a_path_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["compile", "mnist-small", "-o", str(tmp_path / "core"), "--results", "step"])
    assert end.value.code == 2
    assert "has no recurrent layers; allowed with recurrent layers only" in capsys.readouterr().err.replace("\n", " ")
