"""The comparison of topologies, end to end on small images, but for place and route."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hdlgen import golden
from hdlgen.network import load

CHECKOUT = Path(__file__).resolve().parents[2]
OPTIONS = ["--widths", "64,64,4", "--epochs", "2", "--qat-epochs", "2", "--goal", "97", "--within", "3"]


def encode(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


def make_dataset(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy 8 x 8 images with one bright quadrant; the label says which."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 4, count)
    images = generator.integers(0, 120, (count, 8, 8))
    for quadrant in range(4):
        row, column = 4 * (quadrant // 2), 4 * (quadrant % 2)
        images[labels == quadrant, row : row + 4, column : column + 4] += 90
    return images.astype(np.uint8), labels.astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("quadrants")
    for part, count, seed in (("train", 1500, 1), ("t10k", 300, 2)):
        images, labels = make_dataset(count, seed)
        (path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(encode(images)))
        (path / f"{part}-labels-idx1-ubyte").write_bytes(encode(labels))
    return path


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    script = [sys.executable, str(CHECKOUT / "scripts" / "compare_topologies.py"), *map(str, arguments)]
    return subprocess.run(script, capture_output=True, text=True, check=False)


def test_lines_of_the_table(folder, tmp_path):
    output, keep = tmp_path / "topologies.json", tmp_path / "networks"
    keep.mkdir()
    ended = run(folder, "-o", output, *OPTIONS, "--seeds", "0", "--lanes", "8", "--keep", keep)
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
    result = json.loads(output.read_text(encoding="utf-8"))
    assert list(result["topologies"]) == ["sobol", "random", "interleaver", "pruned"]
    assert result["settings"]["widths"] == [64, 64, 4]
    images, labels = make_dataset(300, 2)
    for name, line in result["topologies"].items():
        network = load(keep / f"mnist-{name}.safetensors")
        accuracy = (golden.evaluate(network, images.reshape(-1, 64)).argmax(1) == labels).mean()
        assert line["test_percent"] == round(100 * accuracy, 2)
        assert abs(line["test_percent"] - 97) <= 3
        assert line["tried"][-1] == {key: line[key] for key in ("size", "seed", "test_percent")}
        assert line["memory_bits"]["weights"] > 0
        assert line["interval_cycles"] >= 64
        stored = line["memory_bits"]["connectivity"] > 0
        assert stored == (name in ("random", "pruned"))
    # One line anew leaves the others as they are; other options do not.
    before = output.read_bytes()
    ended = run(folder, "-o", output, *OPTIONS, "--seeds", "0", "--lanes", "8", "--only", "sobol")
    assert ended.returncode == 0, ended.stderr
    assert "sobol: size" in ended.stderr
    assert output.read_bytes() == before
    # Networks that were kept are not trained again.
    ended = run(folder, "-o", output, *OPTIONS, "--seeds", "0", "--lanes", "8", "--keep", keep)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert output.read_bytes() == before
    ended = run(folder, "-o", output, *OPTIONS, "--seeds", "0", "--lanes", "4", "--only", "sobol")
    assert ended.returncode == 2
    assert ended.stderr == (
        f"compare_topologies: {output}: made with other options; allowed with --only: the same ones\n"
    )
    assert output.read_bytes() == before


def test_an_accuracy_that_is_out_of_reach(folder, tmp_path):
    options = ["--widths", "4", "--epochs", "1", "--qat-epochs", "0", "--goal", "5", "--within", "0.1"]
    ended = run(folder, "-o", tmp_path / "t.json", *options, "--seeds", "0", "--only", "random")
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith("compare_topologies: random: no network of 5.0 +- 0.1 % among ")
    assert os.listdir(tmp_path) == []
