"""The shipped networks of convolutions keep what docs/training.md says of them."""

import hashlib
from pathlib import Path

import numpy as np

from hdlgen import golden, networks
from hdlgen.network import load
from hdlgen.resources import folder

NAMES = ("fashion",)
DOCUMENT = Path(__file__).parents[2] / "docs" / "training.md"


def test_fashion() -> None:
    network, file = load("fashion"), networks.sample_file("fashion")
    assert network.shapes == ((28, 28, 1), (28, 28, 16), (14, 14, 16), (14, 14, 32), (14, 14, 64), (7, 7, 64)) + (
        (7, 7, 64),
        (1, 1, 64),
        None,
    )
    weights = [network.tensors[layer.weight] for layer in network.layers if layer.matrix_names]
    assert {layer.weight_bits for layer in network.layers if layer.matrix_names} == {4}
    text = DOCUMENT.read_text(encoding="utf-8")
    assert f"{4 * sum(map(np.size, weights)):,} bits" in text
    samples = golden.read_inputs(network, file)
    right = int((golden.evaluate(network, samples.x).argmax(1) == samples.labels).sum())
    assert f"| {right} right |" in text
    digest = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
    assert f"| `{file.name}` | `{digest}` |" in (folder("networks") / "ATTRIBUTION.md").read_text(encoding="utf-8")
