"""A kind of connections from outside of the package: registered, it is loaded, saved, checked, bounded and evaluated."""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from hdlgen import connections, golden
from hdlgen.connections import Connections, Dense, register
from hdlgen.description import Present, Shapes, refuse, whole
from hdlgen.errors import InputError
from hdlgen.network import (
    Activation,
    BandRnn,
    Feed,
    Fixed,
    InputFormat,
    Network,
    Weighted,
    describe,
    load,
    save,
    verify,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Butterfly(Connections):
    """Sum j reads the values j and j XOR ``distance``, of as many; the weights are a tensor (outputs, 2)."""

    kind: ClassVar[str] = "butterfly"
    required: ClassVar[tuple[str, ...]] = ("distance",)

    distance: int

    @classmethod
    def parse(cls, where: str, members: Mapping[str, Any], inputs: int, outputs: int) -> "Butterfly":
        if inputs != outputs or inputs & (inputs - 1):
            refuse(where, "width", outputs, "a power of two, as wide as what is read")
        return cls(distance=whole(where, "distance", members["distance"], 1, inputs - 1))

    def describe(self) -> dict[str, Any]:
        return {"distance": self.distance}

    def expected(
        self, where: str, at: str, present: Present, inputs: int, outputs: int
    ) -> tuple[tuple[int, ...], Shapes]:
        return (outputs, 2), {}

    def ends(self, tensors: Mapping[str, np.ndarray], inputs: int, outputs: int) -> tuple[np.ndarray, np.ndarray]:
        target = np.arange(outputs)
        return np.stack([target, target ^ self.distance], axis=1).reshape(-1), np.repeat(target, 2)


@pytest.fixture
def network() -> Iterator[Network]:
    """Two stages of a butterfly of four, then a recurrent layer of which one is the input."""
    register(Butterfly)
    rng = np.random.default_rng(0)
    tensors = {
        "w1": rng.integers(-8, 8, (4, 2)),
        "w2": rng.integers(-8, 8, (4, 2)),
        "w3": rng.integers(-8, 8, (4, 2)),
        "u3": rng.integers(-8, 8, (1, 1, 4)),
    }
    activation = Activation(kind="identity", bits=6, shift=2)
    layers = [
        Weighted(
            width=4,
            connections=Butterfly(distance=distance),
            weight=f"w{number}",
            weight_bits=4,
            activation=activation,
        )
        for number, distance in ((1, 1), (2, 2))
    ]
    recurrent = BandRnn(
        width=4,
        cell="tanh",
        band=1,
        recurrent="u3",
        weight_bits=4,
        input=Feed(connections=Butterfly(distance=3), weight="w3", weight_bits=4, shift=0),
        bias=None,
        fraction=6,
        state=Fixed(bits=6, fraction=4),
    )
    source = InputFormat(width=4, bits=5, signed=True)
    yield Network(name="butterfly", input=source, layers=(*layers, recurrent), tensors=tensors)
    del connections.KINDS["butterfly"]


def test_file(network: Network, tmp_path: Path) -> None:
    file = tmp_path / "net.safetensors"
    save(network, file)
    again = load(file)
    assert again.layers == network.layers
    assert describe(again)["layers"][1]["distance"] == 2
    assert describe(again)["layers"][2]["input"]["kind"] == "butterfly"
    save(dataclasses.replace(again, header=None), tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 3}, "layer 1: width is 3; allowed: a power of two, as wide as what is read"),
        ({"connections": Butterfly(distance=4)}, "layer 1: distance is 4; allowed: integers 1..3"),
        ({"connections": Dense()}, "layer 1: weight: tensor 'w1' has shape [4, 2]; allowed: [4, 4]"),
        ({"weight_bits": 1}, "layer 1: weight 5 at [0, 0] in tensor "),
    ],
)
def test_rules(network: Network, changes: dict[str, Any], message: str) -> None:
    layers = (dataclasses.replace(network.layers[0], **changes),)
    with pytest.raises(InputError) as caught:
        verify(dataclasses.replace(network, layers=layers, tensors={"w1": network.tensors["w1"]}))
    assert str(caught.value).startswith(f"network 'butterfly': {message}")


def test_values(network: Network) -> None:
    """Of one step, in which no state takes part."""
    x = np.random.default_rng(1).integers(-16, 16, (9, 1, 4))
    found, ranges = golden.trace(network, x), network.ranges()
    for row in range(len(x)):
        values = x[row, 0].tolist()
        for number, distance in ((1, 1), (2, 2), (3, 3)):
            w = network.tensors[f"w{number}"].tolist()
            sums = [w[j][0] * values[j] + w[j][1] * values[j ^ distance] for j in range(4)]
            values = [min(max((value + 2) >> 2, -32), 31) for value in sums]
            assert found.layers[number - 1]["value"][row].tolist() == values
            assert (ranges[number - 1].value_low <= values).all()
            assert (ranges[number - 1].value_high >= values).all()


def test_names_are_taken_once() -> None:
    with pytest.raises(ValueError, match=r"^kind is 'dense', which is Dense already; allowed: another name$"):
        register(dataclasses.make_dataclass("Other", [], bases=(Connections,), namespace={"kind": "dense"}))
    assert connections.KINDS["dense"] is Dense
    assert register(Dense) is Dense
