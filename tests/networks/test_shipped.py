"""The networks that travel with the program keep what the documentation says of them, on all 10,000 test images."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from hdlgen import golden, networks
from hdlgen.compiler import Options
from hdlgen.compiler.path.compile import compile_paths
from hdlgen.network import load
from hdlgen.resources import folder
from hdlgen.sequences import sobol

from .test_convolutions import NAMES as CONVOLUTIONS
from .test_examples import SHAPES as EXAMPLES
from .test_shipped_recurrent import TARGETS as RECURRENT

#: Least accuracy in hundredths of a percent, that is, images of 10,000.
TARGETS = {"mnist-small": 9580, "mnist": 9670, "mnist-large": 9770, "talk": 9550}
#: widths, paths, weight bits
SHAPES = {
    "mnist-small": ((784, 256, 256, 10), 4096, 8),
    "mnist": ((784, 256, 256, 10), 8192, 4),
    "mnist-large": ((784, 256, 256, 10), 32768, 4),
    "talk": ((784, 300, 300, 10), 4096, 8),
}

DOCUMENT = Path(__file__).parents[2] / "docs" / "training.md"


@pytest.fixture(scope="module")
def images():
    return networks.test_set()


def test_names():
    assert networks.names() == tuple(sorted([*TARGETS, *RECURRENT, *EXAMPLES, *CONVOLUTIONS, "shakespeare"]))


def test_test_set(images):
    x, labels = images
    assert x.shape == (10000, 784)
    assert labels.shape == (10000,)
    assert x.dtype == labels.dtype == np.uint8
    assert np.bincount(labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    attribution = (folder("networks") / "ATTRIBUTION.md").read_text(encoding="utf-8")
    for file in ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        digest = hashlib.md5((folder("networks") / file).read_bytes(), usedforsecurity=False).hexdigest()
        assert f"| `{file}` | `{digest}` |" in attribution


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_accuracy(name, images):
    x, labels = images
    correct = int((golden.evaluate(load(name), x).argmax(1) == labels).sum())
    assert correct >= TARGETS[name]
    rows = re.findall(rf"^\| `{name}` \|.*?\| ([\d.]+) % \|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [f"{correct / 100:.2f}"]


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_shape(name):
    network = load(name)
    widths, paths, weight_bits = SHAPES[name]
    assert network.name == name
    assert network.widths == widths
    assert network.topology.paths == paths
    assert network.topology.dimensions == (0, 1, 2, 3)
    assert network.input.bits == 8
    for layer in network.layers:
        assert layer.weight_bits == weight_bits
        assert layer.bias is None
        if layer.activation is not None:
            assert layer.activation.bits == 8
            assert layer.activation.shift <= 16
    # The weights still fit when the compiler merges repeated edges.
    assert compile_paths(network, Options(lanes=1), check=False).weight_bits == weight_bits


def test_talk_has_the_vertices_of_the_talk():
    topology = load("talk").topology
    for dimension, bits, width in zip(topology.dimensions, topology.log2_slots, (784, 300, 300, 10), strict=True):
        exact = sobol.points(dimension, 0, 4096, 32).astype(object)
        slots = sobol.points(dimension, 0, 4096, bits).astype(object)
        assert [(slot * width) >> bits for slot in slots] == [(point * width) >> 32 for point in exact]
