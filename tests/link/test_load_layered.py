"""New weights over the serial port to a design of a layered network."""

from pathlib import Path

import numpy as np
import pytest

import hdlgen
from hdlgen import golden
from hdlgen.cli import main
from hdlgen.emit import compile_to
from hdlgen.errors import InputError
from hdlgen.flow.load import image_for
from hdlgen.flow.run import run
from hdlgen.flow.virtual import VirtualBoard
from hdlgen.network import Activation, Network, save
from hdlgen.prune import prune

from ..compiler.test_frame import retrained
from ..layered import inputs, make

RELU = Activation(bits=8, shift=7)


def first(density: float = 0.4, width: int = 9) -> Network:
    """Explicit layers, one of which reads the input again; multipliers."""
    layers = [
        {"kind": "dense", "width": 8, "activation": RELU},
        {"kind": "dense", "width": 6, "source": 0, "multiplied": True, "activation": Activation(bits=8, shift=12)},
        {"kind": "dense", "width": 3},
    ]
    return prune(make(5, width=width, layers=layers), density=density)


def _load(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["load", *map(str, arguments)])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Other weights, fewer edges, the own ones again; the answers are those of the golden model before and after."""
    one = first()
    others = {"retrained": retrained(one), "sparser": prune(retrained(one, 4), density=0.2)}
    design, x = tmp_path / "design", inputs(one, 20)
    compile_to(one, design, lanes=2, source="ram")
    answers = [golden.evaluate(network, x) for network in (one, *others.values())]
    assert not np.array_equal(answers[0], answers[1])
    assert not np.array_equal(answers[1], answers[2])
    with VirtualBoard(design) as board:
        assert run(design, port=board.port).failures == ()
        for number, (name, network) in enumerate(others.items(), 1):
            save(network, tmp_path / f"{name}.safetensors")
            assert _load(design, tmp_path / f"{name}.safetensors", "--port", board.port) == 0
            assert "16 answers, equal to the golden model's" in capsys.readouterr().out
            with hdlgen.Board.open(board.port) as opened:
                assert np.array_equal(opened.infer(x), answers[number])
            # The folder that the network was loaded from knows it.
            found = run(design, port=board.port)
            assert found.failures == ()
            assert found.loaded == f"loaded-{found.identity.network.hex()}.safetensors"
        assert _load(design, "--port", board.port) == 0
        with hdlgen.Board.open(board.port) as opened:
            assert np.array_equal(opened.infer(x), answers[0])
        assert run(design, port=board.port).loaded is None


def test_networks_that_do_not_fit(tmp_path: Path) -> None:
    compile_to(first(), tmp_path / "design", lanes=2, source="ram")
    for network, said in (
        (first(width=10), r"widths: \(10, 8, 6, 3\); the design"),
        (
            first(0.6),
            r"layer 1: has 15 edges that the design .* lacks, the first from 1 to 0; allowed are its 28 edges",
        ),
    ):
        with pytest.raises(InputError, match=said):
            image_for(tmp_path / "design", network)
    manifest = tmp_path / "design" / "manifest.json"
    text = manifest.read_text()
    assert '"high": 262143' in text
    for high in ("-1", "262144", "1e9", '"262143"', "9" * 5000):
        manifest.write_text(text.replace('"high": 262143', f'"high": {high}', 1))
        with pytest.raises(InputError, match=r"manifest.json: (frame|cannot be read as JSON)"):
            image_for(tmp_path / "design", first())
    compile_to(first(), tmp_path / "rom", lanes=2)
    with pytest.raises(InputError, match="its weights are part of the bitstream; compile with"):
        image_for(tmp_path / "rom", None)
