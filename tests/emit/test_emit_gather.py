"""What is written for a layered network."""

import json
from pathlib import Path

import numpy as np
import pytest

from hdlgen import cli, golden
from hdlgen.compiler.gather import compile_layered
from hdlgen.emit import compile_to
from hdlgen.flow.simulate import check_sources, read_manifest
from hdlgen.flow.targets import TARGETS, choose_banks
from hdlgen.gateware.gather import held
from hdlgen.network import LayeredNetwork, SparseActivation, load, save

from ..layered import inputs, make, mixture

RELU = SparseActivation(bits=8, shift=9)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_manifest_and_files(tmp_path: Path) -> None:
    model = mixture()
    manifest = compile_to(model, tmp_path / "core", lanes=4)
    program = compile_layered(model, lanes=4)
    assert read_manifest(tmp_path / "core") == manifest
    check_sources(tmp_path / "core", manifest)
    assert manifest["engine"] == "gather"
    assert manifest["latency_cycles"] == program.latency_cycles
    assert manifest["interval_cycles"] == program.interval_cycles
    assert manifest["lane_utilisation"] == round(program.edges / (4 * program.interval_cycles), 4)
    form = {"width": 20, "bits": 8, "bytes_per_element": 1, "elements_per_beat": 1, "beats": 20, "signed": True}
    assert manifest["input"] == form
    memory = manifest["memory_bits"]
    assert memory["weights"] == program.steps * 4 * program.code_bits
    assert memory["connectivity"] >= program.steps * 4 * program.delta_bits
    stream = manifest["memories"][f"{manifest['top']}_weights"]
    assert stream == {"depth": program.steps, "width": 4 * (program.code_bits + program.delta_bits)}
    x, y = (np.load(tmp_path / "core" / manifest["vectors"][key]) for key in ("x", "y"))
    assert x.dtype == np.int8
    assert int(x.min()) < 0
    assert np.array_equal(golden.evaluate(model, x), y)
    assert isinstance(load(tmp_path / "core" / "network.safetensors"), LayeredNetwork)


@pytest.mark.parametrize("banks", [1, 2])
def test_weights_that_can_be_written(tmp_path: Path, banks: int) -> None:
    """Indices are there once, in a memory of their own, and are not in the image."""
    manifest = compile_to(mixture(), tmp_path / "core", lanes=4, source="ram", banks=banks)
    fixed = compile_to(mixture(), tmp_path / "fixed", lanes=4, adaptable=True)
    program = compile_layered(mixture(), lanes=4, source="ram", banks=banks)
    memories, top = manifest["memories"], manifest["top"]
    assert memories[f"{top}_weights"] == {"depth": program.steps, "width": 4 * program.code_bits}
    assert memories[f"{top}_indices"] == {"depth": program.steps, "width": 4 * program.delta_bits}
    memory, before = manifest["memory_bits"], fixed["memory_bits"]
    neurons = memories[f"{top}_neurons"]
    indices = program.steps * 4 * program.delta_bits
    assert memory["weights"] == banks * before["weights"]
    assert memory["connectivity"] - indices == banks * (before["connectivity"] - indices)
    assert memory["biases"] + memory["connectivity"] - indices == banks * neurons["depth"] * neurons["width"]
    weights = manifest["weights"]
    assert (weights["source"], weights["banks"]) == ("ram", banks)
    image = (tmp_path / "core" / weights["image"]).read_bytes()
    words = [memories[f"{top}_{name}"] for name in ("weights", "neurons")]
    assert (
        len(image)
        == weights["image_bytes"]
        == 12 + sum(2 * -(-word["width"] // 16) * word["depth"] for word in words)
    )
    added = {port["name"] for port in manifest["ports"]} - {port["name"] for port in fixed["ports"]}
    assert added == {f"load_{name}" for name in ("data", "valid", "ready", "kind", "state", "id")}


def test_dense_networks_have_no_index(tmp_path: Path) -> None:
    layers = [{"kind": "dense", "width": 20, "activation": RELU}, {"kind": "dense", "width": 20}]
    manifest = compile_to(make(2, width=30, layers=layers), tmp_path / "core", lanes=4)
    assert manifest["memory_bits"]["connectivity"] == 0
    # One memory for all lanes: two places and the hidden layer.
    assert manifest["memory_bits"]["activations"] == 8 * (30 + 30 + 20)
    assert manifest["lane_utilisation"] > 0.95


def test_low_bits_are_packed(tmp_path: Path) -> None:
    for bits, stored in ((3, 3), (5, 5), (12, 12)):
        layers = [{"kind": "dense", "width": 12, "weight_bits": bits}]
        network = make(2, width=30, layers=layers)
        network.tensors["w1"][0, :2] = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
        network.tensors["w1"][0, 2] = 3
        manifest = compile_to(network, tmp_path / f"core{bits}", lanes=4)
        assert manifest["memory_bits"]["weights"] == 30 * 12 * stored


def test_same_bytes(tmp_path: Path) -> None:
    compile_to(mixture(), tmp_path / "a", lanes=4)
    compile_to(mixture(), tmp_path / "b", lanes=4)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = mixture()
    save(model, tmp_path / "net.safetensors")
    np.save(tmp_path / "x.npy", inputs(model, 7))
    np.save(tmp_path / "labels.npy", np.arange(7))
    arguments = ["compile", str(tmp_path / "net.safetensors"), "-o", str(tmp_path / "core"), "--lanes", "16"]
    arguments += ["--input", str(tmp_path / "x.npy"), "--labels", str(tmp_path / "labels.npy")]
    with pytest.raises(SystemExit) as end:
        cli.main([*arguments, "--target", "ice40-up5k"])
    assert end.value.code == 0
    assert "lane utilisation" in capsys.readouterr().out
    manifest = json.loads((tmp_path / "core" / "manifest.json").read_text())
    # Wide weights: one product for each of the eight multipliers, and there are sixteen lanes.
    assert (manifest["multiplier"], manifest["scale_multiplier"]) == ("lut", "dsp")
    assert "the device has too few multipliers: the lanes' are made of logic" in manifest["notes"]
    assert np.array_equal(np.load(tmp_path / "core" / manifest["vectors"]["x"]), inputs(model, 7))


@pytest.mark.parametrize(("lanes", "banks"), [(4, 2), (8, 1)])
def test_banks_that_there_is_room_for(tmp_path: Path, lanes: int, banks: int) -> None:
    """Beside a copy of the activations for every lane, and the indices."""
    layers = [
        {"kind": "explicit", "width": 300, "edge_count": 900, "activation": RELU},
        {"kind": "dense", "width": 1},
    ]
    network = make(2, width=16, layers=layers)
    save(network, tmp_path / "net.safetensors")
    arguments = ["compile", str(tmp_path / "net.safetensors"), "-o", str(tmp_path / "core"), "--lanes", str(lanes)]
    with pytest.raises(SystemExit) as end:
        cli.main([*arguments, "--weights", "ram", "--target", "ice40-up5k"])
    assert end.value.code == 0
    manifest = json.loads((tmp_path / "core" / "manifest.json").read_text())
    assert (manifest["weights"]["source"], manifest["weights"]["banks"]) == ("ram", banks)
    # What can be written would fit twice.
    program = compile_layered(network, lanes=lanes, source="ram")
    assert choose_banks(TARGETS["ice40-up5k"], held(program).memories) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--elements-per-beat", "2"],
            "--elements-per-beat: {net} is a layered network; allowed with path networks only",
        ),
        (
            ["--weights", "spram"],
            "{net}: weights: 'spram'; allowed are rom and ram with recurrent and layered networks",
        ),
        (["--fill", "flash"], "--fill: {net} is a layered network; allowed with path networks only"),
        (["--banks", "2"], "{net}: banks: 2 of weights in rom; allowed are 1 and, with ram, 2"),
        (["--results", "step"], "--results: {net} has no recurrent layers; allowed with recurrent layers only"),
        (["--lanes", "5"], "{net}: lanes: 5; allowed are 1, 2, 4, 8, 16, 32 and 64"),
    ],
)
def test_options_of_other_networks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    net = tmp_path / "net.safetensors"
    save(mixture(), net)
    with pytest.raises(SystemExit) as end:
        cli.main(["compile", str(net), "-o", str(tmp_path / "core"), *options])
    assert end.value.code == 2
    assert message.format(net=net) in capsys.readouterr().err
    assert not (tmp_path / "core").exists()
