"""Recordings as a filter bank hears them: the file for training is the golden bank's, and what is refused."""

import wave
from pathlib import Path

import numpy as np
import pytest

from hdlgen.cli import main
from hdlgen.golden import read_sequences
from hdlgen.network import FilterBank, InputFormat, sound_inputs
from hdlgen.network.filterbank import doubled
from hdlgen.train.sequence_file import read_sequence_data

OPTIONS = ["--bands", "4", "--low", "400", "--high", "3000", "--hop", "32", "--hang", "3"]


def write(path: Path, samples: np.ndarray, rate: int = 16000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(np.rint(samples).astype("<i2").tobytes())


def make_recordings(folder: Path) -> dict[str, np.ndarray]:
    """Tones of two classes, some of them at half the rate, and one that is silent."""
    folder.mkdir()
    rng, made = np.random.default_rng(1), dict[str, np.ndarray]()
    for number in range(12):
        label, rate = ("high", "low")[number % 2], (16000, 8000)[number // 2 % 2]
        time = np.arange(int(rng.integers(300, 600)))
        tone = 4000 * np.sin(2 * np.pi * (2500, 600)[number % 2] / rate * time) + rng.normal(0, 50, len(time))
        samples = np.rint(tone * (number != 11)).astype(np.int16)
        write(folder / label / f"{number:02}.wav", samples, rate)
        made[f"{label}/{number:02}.wav"] = samples if rate == 16000 else doubled(samples)
    return made


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main(list(map(str, arguments)))
    return int(caught.value.code or 0)


def test_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = make_recordings(tmp_path / "sounds")
    file = tmp_path / "train.npz"
    assert run("hear", tmp_path / "sounds", "-o", file, *OPTIONS) == 0
    said = capsys.readouterr().out
    assert ": 11 sequences, " in said
    assert said.endswith(" of 4 bands, 1 recordings are never loud\nclasses: 0 high, 1 low\n")
    found = read_sequences(file)
    bank = found.features
    assert isinstance(bank, FilterBank)
    assert found.lengths is not None
    assert found.labels is not None
    source = InputFormat(width=4, bits=8, signed=True, features=bank)
    names = [name for name in sorted(made) if name != "low/11.wav"]
    wanted = [sound_inputs(made[name], source) for name in names]
    assert len(sound_inputs(made["low/11.wav"], source)) == 0
    assert np.array_equal(sound_inputs(made[names[0]] / 32768, source), wanted[0])
    assert found.x.tolist() == np.concatenate(wanted).tolist()
    assert found.lengths.tolist() == list(map(len, wanted))
    assert found.labels.tolist() == [int(name.startswith("low")) for name in names]
    # What a network is trained on says what its input is.
    assert read_sequence_data(file, validation=2).input == source
    # Others by the same bank.
    again = tmp_path / "again.npz"
    assert run("hear", tmp_path / "sounds", "-o", again, "--like", file) == 0
    assert again.read_bytes() == file.read_bytes()


def test_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sounds, out = tmp_path / "sounds", tmp_path / "out.npz"
    for label in "ab":
        write(sounds / label / "1.wav", np.zeros(300), 11025)
    silent = tmp_path / "silent"
    for label in "ab":
        write(silent / label / "1.wav", np.zeros(300))
    np.savez(tmp_path / "other.npz", x=np.zeros((3, 4), np.int8), lengths=np.array([3]))
    np.savez(tmp_path / "bad.npz", x=np.zeros((3, 4), np.int8), lengths=np.array([3]), features=np.zeros(3))
    for arguments, message in (
        ((tmp_path / "none", "-o", out), "none: no such folder; allowed: a folder with recordings CLASS/*.wav"),
        ((sounds, "-o", out), f"{sounds}/a/1.wav: 11025 samples per second; allowed: 16000, or half of it"),
        (
            (sounds, "-o", out, "--high", "7900"),
            "hdlgen hear: 16 bands, 150 to 7900 Hz at 16000 samples per second; ",
        ),
        ((sounds, "-o", out, "--level", "200"), "hdlgen hear: level is 3200; allowed: integers -2048..2032"),
        ((silent, "-o", out, "--level", "20"), f"{silent}: nothing in it is loud; allowed: a lower --level"),
        ((silent, "-o", out, "--test", tmp_path / "test.npz"), f"{silent}: no recordings for {tmp_path}/test.npz; "),
        (
            (silent, "-o", out, "--like", tmp_path / "other.npz"),
            "other.npz: has no filter bank; allowed: a file that ",
        ),
        (
            (silent, "-o", out, "--like", tmp_path / "bad.npz"),
            "bad.npz: features are float64 [3]; allowed: uint8 [N], ",
        ),
    ):
        assert run("hear", *arguments) == 2
        said = capsys.readouterr().err
        assert message in said
        assert said.count("\n") == 1
        assert not out.exists()
