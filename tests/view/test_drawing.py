"""The drawing for papers: well-formed, the same for the same network, with the network's own lines."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hdlgen.cli import main
from hdlgen.errors import InputError
from hdlgen.network import load
from hdlgen.view.drawing import Style, draw
from hdlgen.view.graph import Graph

SVG = "{http://www.w3.org/2000/svg}"


def _lines(text: str) -> int:
    paths = ElementTree.fromstring(text).iter(f"{SVG}path")
    return sum(len(re.findall("M", path.attrib["d"])) for path in paths)


@pytest.mark.parametrize("name", ["penpoint", "digits-gru", "fashion"])
def test_as_many_lines_as_asked_for(name: str) -> None:
    network = load(name)
    links = Graph.of(network).links
    for most in (7, 300):
        text = draw(network, Style(lines=most))
        drawn = sum(min(most, len(link.edges)) for link in links)
        zeros = sum(int((link.edges.weight[:most] == 0).sum()) for link in links if link.trail is not None)
        assert drawn - zeros <= _lines(text) <= drawn
    assert draw(network) == draw(network)


def test_a_neuron_and_its_paths() -> None:
    network = load("penpoint")
    through = Graph.of(network).through(1, 3)
    text = draw(network, Style(lines=1, neuron=(1, 3)))
    strong = [
        path for path in ElementTree.fromstring(text).iter(f"{SVG}path") if path.attrib["stroke-opacity"] == "1"
    ]
    drawn = sum(path.attrib["d"].count("M") for path in strong)
    assert drawn == sum(map(len, through)) > 3
    assert drawn < _lines(text) <= drawn + 3
    with pytest.raises(InputError, match=r"neuron 1:64; allowed: 0:0\.\.13, 1:0\.\.63, 2:0\.\.63, 3:0\.\.1$"):
        draw(network, Style(neuron=(1, 64)))


def test_random_beside() -> None:
    text = draw(load("penpoint"), Style(lines=16, beside=True))
    titles = [element.text for element in ElementTree.fromstring(text).iter(f"{SVG}text")]
    assert titles[0] == "Sobol'"
    assert "random" in titles
    with pytest.raises(InputError, match=r"no layers share paths; allowed beside random: a network of paths$"):
        draw(load("digits-gru"), Style(beside=True))


def test_the_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "net.svg"
    with pytest.raises(SystemExit) as caught:
        main(["draw", "penpoint", "-o", str(file), "--lines", "64"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"{file}\n"
    assert file.read_text(encoding="utf-8") == draw(load("penpoint"), Style(lines=64))
    for options, message in (
        (["--neuron", "1"], "--neuron '1': allowed are LAYER:NUMBER, such as 1:0"),
        (["--lines", "0"], "--lines 0: allowed are 1 to 65536 (lines)"),
        (["--neuron", "4:0"], "neuron 4:0; allowed: "),
    ):
        with pytest.raises(SystemExit) as caught:
            main(["draw", "penpoint", "-o", str(tmp_path / "other.svg"), *options])
        assert caught.value.code == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "other.svg").exists()
