"""Training of recurrent networks, through the command line, on tasks that take seconds."""

import math
import os
import re
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdlgen import cli, golden, network, reber
from hdlgen.fsdd import read_recordings
from hdlgen.network import BandRnn, Network, log_mel
from hdlgen.prune import compact, prune
from hdlgen.train import SequenceModel, SequenceRecipe, reber_data, speech_data
from hdlgen.train.sequence_training import _padded, begins

from ..recurrent import make

QUICK = [
    "--epochs",
    "1",
    "--qat-epochs",
    "1",
    "--strings",
    "60",
    "--validation",
    "20",
    "--test",
    "20",
    "--width",
    "6",
]


def run(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as end:
        cli.main(["train", *map(str, arguments)])
    return end.value.code


def load(path: Path) -> Network:
    found = network.load(path)
    assert found.sequential
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of ten tones, which stand for digits: two speakers, eight takes."""
    path = tmp_path_factory.mktemp("tones")
    rng = np.random.default_rng(1)
    for digit in range(10):
        for speaker in ("ann", "bob"):
            for take in range(8):
                time = np.arange(rng.integers(1200, 2000)) / 8000
                tone = np.sin(2 * np.pi * 250 * 1.28**digit * time * rng.uniform(0.99, 1.01))
                samples = (tone * rng.uniform(3000, 12000) + rng.normal(0, 30, len(time))).astype("<i2")
                with wave.open(str(path / f"{digit}_{speaker}_{take}.wav"), "wb") as file:
                    file.setparams((1, 2, 8000, 0, "NONE", ""))
                    file.writeframes(samples.tobytes())
    return path


def test_learns_the_grammar(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)  # there is no bar in logs
    output = tmp_path / "r.safetensors"
    options = ["--cell", "gru", "--width", "16", "--band", "5", "--epochs", "12", "--qat-epochs", "4"]
    kept = tmp_path / "test.npz"
    assert run("reber", *options, "--strings", "2500", "--test", "500", "--save-test", kept, "-o", output) == 0
    printed = capsys.readouterr()
    assert "integer 4/4: 100%" in printed.err
    found = load(output)
    assert found.name == "r"
    assert found.layer(1).band == 5
    data = reber_data(embedded=False, strings=2500, validation=1000, test=500, seed=1)
    y = golden.evaluate(found, data.test.x, data.test.lengths)
    accuracy = (y.argmax(1) == data.test.wanted).mean()
    assert f"{output}: test accuracy {accuracy:.2%} (golden model)\n" in printed.out
    assert accuracy > 0.9
    assert sorted(os.listdir(tmp_path)) == ["r.safetensors", "test.npz"]
    written = golden.read_sequences(kept)
    assert written.x.dtype == np.uint8
    for found_array, expected in (
        (written.x, data.test.x),
        (written.lengths, data.test.lengths),
        (written.labels, data.test.wanted),
    ):
        assert np.array_equal(found_array, expected)


def test_learns_tones(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "tones.safetensors"
    options = [
        "--cell",
        "ligru",
        "--width",
        "16",
        "--band",
        "1",
        "--epochs",
        "25",
        "--qat-epochs",
        "10",
        "--batch",
        "8",
    ]
    assert run("fsdd", folder, *options, "--held-out", "1", "-o", output) == 0
    printed = capsys.readouterr()
    found = load(output)
    # A user with a microphone gets the same numbers.
    recordings = [recording for recording in read_recordings(folder) if recording.take < 5]
    sounds = [log_mel(recording.samples, found.input) for recording in recordings]
    lengths = np.array([len(sound) for sound in sounds])
    y = golden.evaluate(found, np.concatenate(sounds), lengths)
    accuracy = (y.argmax(1) == [recording.digit for recording in recordings]).mean()
    assert f"{output}: test accuracy {accuracy:.2%} (golden model)\n" in printed.out
    assert accuracy > 0.8


def test_split_and_scaling_of_recordings(folder: Path) -> None:
    data = speech_data(folder, held_out=2)
    assert (len(data.train), len(data.validation), len(data.test)) == (20, 40, 100)
    assert data.input.features is not None
    assert abs(data.train.x.mean()) < 1
    assert 31 < data.train.x.std() < 33
    assert data.test.x.dtype == np.int64
    sound = next(recording for recording in read_recordings(folder) if recording.take == 7)
    assert np.array_equal(
        np.clip(np.floor(data.train.x[: data.train.lengths[0]] + 0.5), -128, 127), log_mel(sound.samples, data.input)
    )


def test_goes_on_from_a_pruned_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Edges, cells and formats are those of the network that is trained further; with its weights training begins."""
    first, pruned, output = (tmp_path / f"{name}.safetensors" for name in ("first", "pruned", "output"))
    few = ["--strings", "300", "--validation", "50", "--test", "50"]
    options = ["--cell", "gru", "--width", "8", "--epochs", "2", "--qat-epochs", "1"]
    assert run("reber", *options, *few, "-o", first) == 0
    whole = load(first)
    network.save(compact(prune(whole, density=0.2)), pruned)
    given = load(pruned)
    assert given.layer(1).edges is not None
    assert run("reber", "--init", pruned, "--epochs", "1", "--qat-epochs", "1", *few, "-o", output) == 0
    capsys.readouterr()
    found = load(output)
    assert (found.name, found.widths) == ("output", given.widths)
    name = str(given.layer(1).edges)
    assert np.array_equal(found.tensors[name], given.tensors[name])
    data = reber_data(embedded=False, strings=300, validation=50, test=50, seed=1)
    # Training begins with what the integers stand for: unrounded, they give the same classes but for a few.
    model = SequenceModel(begins(whole, data, "x"), exponent=data.exponent)
    x, lengths = _padded(np.split(data.test.x, np.cumsum(data.test.lengths)[:-1]))
    real = model.real(x, lengths).argmax(1).numpy()
    assert (real == golden.evaluate(whole, data.test.x, data.test.lengths).argmax(1)).mean() > 0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--init", "mnist-small"], "is no recurrent network; allowed with --init: such"),
        (["--init", "reber-band", "--band", "5"], "train: band is that of .*; allowed without --init"),
        (["--init", "digits-gru"], "inputs: 20; allowed with these sequences: 7"),
        (["--init", "smooth"], "layer 1 cannot be trained further; allowed: hard functions, or tables of sigmoid"),
        (["--init", "headless"], "cannot be trained further; allowed: one dense layer behind the recurrent ones"),
    ],
)
def test_bad_beginnings(tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str) -> None:
    shape: dict[str, Any] = {"inputs": 7, "input_bits": 8, "signed": False}
    band = {"cell": "tanh", "width": 2, "band": 1}
    rng = np.random.default_rng(0)
    network.save(make(rng, **shape, bands=[band | {"state_table": 4}], dense=(2,)), tmp_path / "smooth.safetensors")
    network.save(make(rng, **shape, bands=[band]), tmp_path / "headless.safetensors")
    words = [f"{tmp_path}/{word}.safetensors" if word in ("smooth", "headless") else word for word in options]
    few = ["--strings", "60", "--validation", "20", "--test", "20"]
    assert run("reber", *words, *few, "-o", tmp_path / "new.safetensors") == 2
    assert re.search(message, capsys.readouterr().err.replace("\n", " "))
    assert not (tmp_path / "new.safetensors").exists()


def test_no_string_of_the_test_was_trained_on() -> None:
    for embedded in (False, True):
        data = reber_data(embedded=embedded, strings=300, validation=100, test=100, seed=2)
        parts = []
        for part in (data.train, data.validation, data.test):
            words = np.split(part.x.argmax(axis=1), np.cumsum(part.lengths)[:-1])
            parts.append(["".join(reber.SYMBOLS[symbol] for symbol in word) for word in words])
            for word, label in zip(parts[-1], part.wanted, strict=True):
                assert reber.accepts(word, embedded=embedded) == bool(label)
        assert not set(parts[0]) & set(parts[1])
        assert not set(parts[0] + parts[1]) & set(parts[2])
        assert len(set(parts[2])) == 100


def test_same_arguments_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    outputs = []
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        output = tmp_path / f"{name}.safetensors"
        assert run("embedded-reber", *QUICK, "--seed", seed, "--name", "x", "-o", output) == 0
        outputs.append(output.read_bytes())
    assert outputs[0] == outputs[1] != outputs[2]


def test_options_reach_the_network(tmp_path: Path) -> None:
    output = tmp_path / "n.safetensors"
    options = [
        "--cell",
        "lstm",
        "--layers",
        "2",
        "--groups",
        "3",
        "--shared",
        "--input-paths",
        "64",
        "--head-paths",
        "8",
    ]
    bits = ["--weight-bits", "6", "--state-bits", "9", "--state-fraction", "7", "--functions", "smooth"]
    assert run("reber", *QUICK, *options, *bits, "-o", output) == 0
    found = load(output)
    assert found.widths == (7, 6, 6, 2)
    assert found.topology is not None
    assert found.topology.paths == 8
    assert [layer.kind for layer in found.layers] == ["band_rnn", "band_rnn", "path"]
    for band in found.layers[:2]:
        assert isinstance(band, BandRnn)
        assert (band.cell, band.groups, band.weight_bits, band.input.connections.kind) == ("lstm", 3, 6, "path")
        assert band.input.shared
        assert (band.state.bits, band.state.fraction, band.gate_bits) == (9, 7, 9)
        assert band.gate_function is not None
        assert band.state_function is not None
    assert run("reber", *QUICK, "--band", "3", "--cyclic", "-o", output) == 0
    assert (load(output).layer(1).band, load(output).layer(1).cyclic) == (3, True)
    assert run("reber", *QUICK, "-o", output) == 0
    assert load(output).layer(1).band == 11


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--cell", "rnn"], "train: cell is 'rnn'; allowed: relu, tanh, gru, ligru, lstm, mingru, sru, qrnn, indrnn"),
        (["--band", "4"], "train: layer 1: band is 4; allowed: odd integers 1..11 (width 6; 11 is full)"),
        (
            ["--band", "7", "--cyclic"],
            "train: layer 1: band is 7; allowed: odd integers 1..6, or 6 (width 6, cyclic)",
        ),
        (["--groups", "4"], "train: layer 1: groups is 4; allowed: divisors of the width 6"),
        (
            ["--groups", "3", "--band", "3"],
            "train: layer 1: layer has 'band' and 'groups'; allowed: one of band, groups and edges",
        ),
        (["--width", "0"], "train: layer 1: width is 0; allowed: integers 1..1048576"),
        (["--layers", "0"], "train: layers is 0; allowed: 1..16"),
        (["--weight-bits", "17"], "train: layer 1: weight_bits is 17; allowed: integers 1..16"),
        (["--state-bits", "1"], "train: layer 1: state bits is 1; allowed: integers 2..16"),
        (["--state-fraction", "8"], "train: layer 1: state fraction is 8; allowed: integers 0..7"),
        (["--input-paths", "0"], "train: layer 1: topology: paths is 0; allowed: integers 1..16777216"),
        (["--head-paths", "-1"], "train: topology: paths is -1; allowed: integers 1..16777216"),
        (["--functions", "soft"], "train: functions is 'soft'; allowed: hard, smooth"),
        (["--epochs", "0"], "train: epochs is 0; allowed: 1..100000"),
        (["--learning-rate", "nan"], "train: learning-rate is nan; allowed: more than 0, up to 1"),
        (["--decay", "-1"], "train: decay is -1.0; allowed: 0..1"),
        (["--strings", "1"], "train: strings is 1; allowed: 2..1048576"),
        (["--test", "0"], "train: test is 0; allowed: 2..1048576"),
        (["--seed", "-1"], "train: seed is -1; allowed: 0..9223372036854775807"),
        (["--threads", "0"], "train: threads is 0; allowed: 1..256"),
        (["--name", "a b"], "name is 'a b'; allowed: "),
    ],
    ids=lambda value: "=".join(value) if isinstance(value, list) else "",
)
def test_bad_parameters(tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str) -> None:
    assert run("reber", *QUICK, *options, "-o", tmp_path / "n.safetensors") == 2
    error = capsys.readouterr().err
    assert error.startswith(f"hdlgen: {message}")
    assert error.count("\n") == 1
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--held-out", "0"], "train: held-out is 0; allowed: 1..1048576"),
        (["--held-out", "3"], "{folder}: no recordings of takes 8 and more, to train; allowed: some for each part"),
        (["--augment", "5"], "train: augment is 5.0; allowed: 0..4"),
    ],
)
def test_bad_parameters_of_speech(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert run("fsdd", folder, *options, "-o", tmp_path / "n.safetensors") == 2
    assert capsys.readouterr().err == f"hdlgen: {message.format(folder=folder)}\n"
    assert run("reber", *QUICK, "--save-test", tmp_path, "-o", tmp_path / "n.safetensors") == 2
    assert "is a folder" in capsys.readouterr().err
    assert run("fsdd", tmp_path / "none", "-o", tmp_path / "n.safetensors") == 2
    assert "no such folder" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("real", "loss is nan in real epoch 1; allowed: a lower --learning-rate"),
        ("logits", "loss is nan in integer epoch 1; allowed: a lower --qat-learning-rate"),
    ],
)
def test_diverging_training_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], method: str, message: str
) -> None:
    forward: Any = getattr(SequenceModel, method)
    monkeypatch.setattr(SequenceModel, method, lambda *arguments: forward(*arguments) * math.nan)
    assert run("reber", *QUICK, "-o", tmp_path / "n.safetensors") == 2
    assert capsys.readouterr().err == f"hdlgen: train: {message}\n"
    assert os.listdir(tmp_path) == []


def test_recipe_is_checked_in_python_too() -> None:
    with pytest.raises(Exception, match=r"^train: layer 1: band is 2; allowed: odd integers"):
        SequenceRecipe(name="x", cell="gru", width=4, band=2)


def test_missing_torch_is_named_with_the_remedy(tmp_path: Path) -> None:
    # In a process of its own: this one has PyTorch already.
    script = "import sys; sys.modules['torch'] = None; from hdlgen import cli; cli.main(sys.argv[1:])"
    arguments = ["train", "reber", "-o", str(tmp_path / "n.safetensors")]
    result = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr == "hdlgen: train: PyTorch is not installed; remedy: pip install 'hdlgen[train]'\n"
    assert result.stdout == ""


def test_interrupted_training_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(SequenceModel, "scales", interrupt)
    options = [*QUICK, "--save-test", tmp_path / "test.npz", "-o", tmp_path / "n.safetensors"]
    assert run("reber", *options) == 130
    assert capsys.readouterr().err.endswith("hdlgen: interrupted\n")
    assert os.listdir(tmp_path) == []
