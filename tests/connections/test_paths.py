"""Slots and vertices against the independent vectors and the definition."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdlgen.network import SobolTopology, load
from hdlgen.sequences import sobol

VECTORS = sorted((Path(__file__).parent.parent / "vectors").glob("*.safetensors"))


def test_there_are_vectors() -> None:
    assert len(VECTORS) == 10


@pytest.mark.parametrize("file", VECTORS, ids=lambda file: file.stem)
def test_vertices_of_the_vectors(file: Path) -> None:
    network = load(file)
    with np.load(file.with_suffix(".npz")) as arrays:
        for layer, width in enumerate(network.widths):
            assert (network.topology.vertices(layer, width) == arrays["vertices"][:, layer]).all()


@given(count=st.integers(1, 300), dimension=st.integers(0, 1023), width=st.integers(1, 500), extra=st.integers(0, 12))
def test_definition(count: int, dimension: int, width: int, extra: int) -> None:
    bits = (width - 1).bit_length() + extra
    topology = SobolTopology(paths=count, dimensions=(dimension,), log2_slots=(bits,))
    x = sobol.points(dimension, 0, count, 64).tolist()
    slots = [value >> (64 - bits) for value in x]
    assert topology.slots(0).tolist() == slots
    vertices = topology.vertices(0, width)
    assert vertices.dtype == np.int64
    assert vertices.tolist() == [(slot * width) >> bits for slot in slots]
    if 1 << bits >= count:  # enough slots: exactly floor(x * n)
        assert vertices.tolist() == [(value * width) >> 64 for value in x]


def test_refused() -> None:
    topology = SobolTopology(paths=4, dimensions=(0, 1), log2_slots=(2, 2))
    with pytest.raises(ValueError, match=r"^layer is 2; allowed: 0\.\.1$"):
        topology.slots(2)
    with pytest.raises(ValueError, match=r"^width is 0; allowed: 1 and more$"):
        topology.vertices(0, 0)
