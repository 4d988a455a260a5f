"""The recurrent networks that travel with the program keep what the documentation says of them."""

import hashlib
import re
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdlgen import golden, network, networks, reber
from hdlgen.compiler import Options, compile_network
from hdlgen.network import BandRnn, Dense
from hdlgen.resources import folder

#: Sequences that must be right at least.
TARGETS = {
    "commands": 194,
    "digits-diag": 290,
    "digits-full": 291,
    "digits-grouped": 291,
    "digits-gru": 291,
    "digits-mingru": 291,
    "reber-band": 1980,
}
SHAPES: dict[str, dict[str, Any]] = {
    "digits-diag": {"cell": "gru", "width": 64, "band": 1, "groups": None},
    "digits-full": {"cell": "gru", "width": 64, "band": 127, "groups": None},
    "digits-grouped": {"cell": "gru", "width": 64, "band": None, "groups": 8},
    "digits-gru": {"cell": "gru", "width": 64, "band": 9, "groups": None},
    "reber-band": {"cell": "tanh", "width": 32, "band": 5, "groups": None},
}

DOCUMENT = Path(__file__).parents[2] / "docs" / "recurrent.md"


def test_recordings() -> None:
    x, lengths, labels = networks.test_sequences("digits-gru")
    assert x.dtype == np.int8
    assert x.shape == (lengths.sum(), 20)
    assert labels.tolist() == [digit for digit in range(10) for _ in range(30)]
    digest = hashlib.md5((folder("networks") / "fsdd-test.npz").read_bytes(), usedforsecurity=False).hexdigest()
    assert f"| `fsdd-test.npz` | `{digest}` |" in (folder("networks") / "ATTRIBUTION.md").read_text(encoding="utf-8")


def test_commands() -> None:
    x, _, labels = networks.test_sequences("commands")
    assert x.shape == (240 * 49, 40)
    assert np.bincount(labels).tolist() == [20] * 12
    digest = hashlib.md5((folder("networks") / "commands-test.npz").read_bytes(), usedforsecurity=False).hexdigest()
    assert f"| `commands-test.npz` | `{digest}` |" in (folder("networks") / "ATTRIBUTION.md").read_text(
        encoding="utf-8"
    )
    found = network.load("commands")
    assert found.output_names is not None
    assert found.output_names[:2] == ("down", "go")
    assert found.input.features is not None


def test_strings() -> None:
    x, lengths, labels = networks.test_sequences("reber-band")
    words = ["".join(reber.SYMBOLS[i] for i in part.argmax(1)) for part in np.split(x, np.cumsum(lengths)[:-1])]
    assert len(set(words)) == len(words) == 2000
    assert [reber.accepts(word) for word in words] == (labels == 1).tolist()
    assert np.array_equal(reber.encode(words)[0], x)


def test_other_networks_have_no_sequences() -> None:
    with pytest.raises(
        ValueError, match=r"^no test sequences for network 'mnist'; there are some for names commands, "
    ):
        networks.test_sequences("mnist")


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_accuracy(name: str) -> None:
    x, lengths, labels = networks.test_sequences(name)
    right = int((golden.evaluate(network.load(name), x, lengths).argmax(1) == labels).sum())
    assert right >= TARGETS[name]
    rows = re.findall(rf"^\| `{name}` \|.*?\| ([\d.]+) % \|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [f"{100 * right / len(labels):.2f}"]


def test_a_text() -> None:
    """It has learnt more than how often characters are, and draws lines of words."""
    found = network.load("shakespeare")
    assert [layer.kind for layer in found.layers] == ["band_rnn", "dense", "draw"]
    assert found.generates
    assert found.input.names is not None
    text = "".join(
        found.input.names[symbol] for symbol in golden.generate(found, [found.input.names.index("t")], 300)
    )
    assert len({"the", "and", "to", "i", "my", "of", "in", "you"} & set(re.split("[^a-z]+", text))) >= 4
    assert f"    t{text[:60]}" in DOCUMENT.read_text(encoding="utf-8")


def test_scans() -> None:
    """A linear recurrence of two layers, in at most half the time of `digits-gru` on as many lanes."""
    found = network.load("digits-mingru")
    assert [layer.kind for layer in found.layers] == ["dense", "scan", "dense", "scan", "dense"]
    assert found.widths == (20, 52, 26, 52, 26, 10)
    assert [found.scan(number).cell for number in (2, 4)] == ["mingru", "mingru"]
    assert found.input == network.load("digits-gru").input
    plan = compile_network(found, Options(lanes=(4, 4, 1)))
    assert plan.interval_cycles == 341
    assert 2 * plan.interval_cycles <= compile_network(network.load("digits-gru"), Options(lanes=8)).interval_cycles


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_shape(name: str) -> None:
    found = network.load(name)
    (band, head) = found.layers
    assert found.name == name
    assert isinstance(band, BandRnn)
    for member, value in SHAPES[name].items():
        assert getattr(band, member) == value
    assert (band.weight_bits, band.state.bits) == (8, 8)
    assert band.input.connections == head.connections == Dense()
    if name == "reber-band":
        assert found.widths == (7, 32, 2)
    if name.startswith("digits-"):
        assert found.widths == (20, 64, 10)
        assert found.input == network.load("digits-gru").input
        assert found.input.features is not None
        assert (found.input.features.rate, found.input.features.hop) == (8000, 160)  # 50 frames a second


def test_the_document_s_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    scope: dict[str, Any] = {}
    words, *blocks = blocks
    exec(compile(words, DOCUMENT.name, "exec"), scope)
    assert scope["heard"].shape == (len(scope["x"]), 1)
    assert set(scope["heard"][:, 0]) == set(range(11))
    exec(compile(blocks[0], DOCUMENT.name, "exec"), scope)
    assert scope["accuracy"] >= 0.965
    assert scope["states"].shape == (len(scope["x"]), 64)
    monkeypatch.chdir(tmp_path)
    with wave.open("7_jackson_3.wav", "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(np.random.default_rng(1).integers(-3000, 3000, 4000).astype("<i2").tobytes())
    exec(compile(blocks[1], DOCUMENT.name, "exec"), scope)
    assert (scope["rate"], scope["x"].shape[1], len(blocks)) == (scope["net"].input.features.rate, 20, 2)


def test_the_table_is_what_the_script_would_write() -> None:
    script = Path(__file__).parents[2] / "scripts" / "recurrent_table.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
