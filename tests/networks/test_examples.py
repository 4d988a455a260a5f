"""The networks of docs/examples.md keep what it says of them, and its pictures show what they compute."""

import hashlib
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from hdlgen import golden, networks
from hdlgen.compiler import Options
from hdlgen.compiler.path.compile import compile_paths
from hdlgen.network import load
from hdlgen.resources import folder

#: widths, paths, weight bits, output scale
SHAPES = {
    "mnist-autoencoder": ((784, 64, 784), 32768, 6, 2**-4),
    "pendigits": ((16, 128, 64, 10), 2048, 4, None),
    "penpoint": ((14, 64, 64, 2), 1024, 8, 2**-7),
}
CHECKOUT = Path(__file__).parents[2]
DOCUMENT = CHECKOUT / "docs" / "examples.md"
PICTURES = ["autoencoder", "pendigits", "penpoint"]


def row(name: str) -> str:
    """The last column of the table's line about ``name``."""
    (found,) = re.findall(rf"^\| `{name}` \|.*\| (.*?) \|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    return found


@pytest.fixture(scope="module")
def pictures() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pictures", CHECKOUT / "scripts" / "pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["pictures"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", SHAPES)
def test_shape(name: str) -> None:
    network = load(name)
    widths, paths, bits, scale = SHAPES[name]
    assert network.name == name
    assert network.widths == widths
    assert network.topology.paths == paths
    assert {layer.weight_bits for layer in network.layers} == {bits}
    assert network.output_scale == scale
    assert all(layer.bias is not None for layer in network.layers)


def test_autoencoder() -> None:
    network, x = load("mnist-autoencoder"), networks.test_set()[0]
    assert network.output_scale is not None
    found = golden.deviation(golden.evaluate(network, x), x, network.output_scale)
    assert row(network.name) == f"root mean square error {found.root_mean_square:.4g} of 256 grey levels"
    assert f"y.npy: 10000 x 784 outputs, {found}\n" in DOCUMENT.read_text(encoding="utf-8")
    # Twice as near as the mean of all images.
    assert found.root_mean_square < 0.5 * np.sqrt(x.var(axis=0, dtype=np.float64).mean())


def test_penpoint() -> None:
    network, samples = load("penpoint"), golden.read_samples(networks.sample_file("penpoint"))
    assert network.output_scale is not None
    assert samples.targets is not None
    found = golden.deviation(golden.evaluate(network, samples.x), samples.targets, network.output_scale)
    assert row(network.name) == f"root mean square error {found.root_mean_square:.4g} of a box of 100"
    text = DOCUMENT.read_text(encoding="utf-8")
    assert f"y.npy: 3498 x 2 outputs, {found}\n" in text
    last, before = samples.x[:, 12:14].astype(np.int64), samples.x[:, 10:12].astype(np.int64)
    for what, guess in (
        ("the last point that is known", last),
        ("going on straight from the last two, within the box", np.clip(2 * last - before, 0, 100)),
    ):
        assert f"| {what} | {golden.deviation(guess, samples.targets).root_mean_square:.1f} |" in text


def test_pendigits() -> None:
    network, samples = load("pendigits"), golden.read_samples(networks.sample_file("pendigits"))
    assert samples.labels is not None
    right = int((golden.evaluate(network, samples.x).argmax(1) == samples.labels).sum())
    assert row(network.name) == f"accuracy {right / 3498:.2%}".replace("%", " %")
    assert f"y.npy: 3498 x 10 outputs, {right} of 3498 right ({right / 3498:.2%})" in DOCUMENT.read_text("utf-8")


def test_samples() -> None:
    strokes, points = (golden.read_samples(networks.sample_file(name)) for name in ("pendigits", "penpoint"))
    assert strokes.x.shape == (3498, 16)
    assert np.array_equal(strokes.x[:, :14], points.x)
    assert np.array_equal(strokes.x[:, 14:], points.targets)
    attribution = (folder("networks") / "ATTRIBUTION.md").read_text(encoding="utf-8")
    for name in ("pendigits", "penpoint"):
        file = networks.sample_file(name)
        digest = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
        assert f"| `{file.name}` | `{digest}` |" in attribution
    with pytest.raises(
        ValueError, match=r"^no test samples for network 'mnist'; there are some for fashion, pendigits, penpoint"
    ):
        networks.sample_file("mnist")


@pytest.mark.parametrize("lanes", [8, 16])
def test_intervals_of_wide_outputs(lanes: int) -> None:
    program = compile_paths(load("mnist-autoencoder"), Options(lanes=lanes), check=False)
    numbers = (lanes, 1, program.blocks, program.interval_cycles, program.latency_cycles)
    assert f"| {' | '.join(f'{number:,}' for number in numbers)} |" in DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_show_the_integers_of_the_golden_model(name: str, pictures: ModuleType) -> None:
    """Out of date? ``python scripts/pictures.py`` draws them anew."""
    shown = pictures.PICTURES[name][0]()
    drawn = (CHECKOUT / "docs" / "images" / f"{name}.svg").read_text(encoding="utf-8")
    assert re.findall(r"<dc:identifier>(.*)</dc:identifier>", drawn) == [pictures.identifier(shown)]
    shown["y"] = shown["y"] + 1
    assert pictures.identifier(shown) not in drawn


def test_pictures_are_repeated(pictures: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needed to draw")
    for run in ("a", "b"):
        (tmp_path / run).mkdir()
        pictures.draw("penpoint", tmp_path / run)
    first, second = ((tmp_path / run / "penpoint.svg").read_bytes() for run in ("a", "b"))
    assert first == second
    assert b"<dc:date>" not in first
