"""What ``hdlgen check`` finds: planted faults, and numbers against plain counting."""

import json
from pathlib import Path

import numpy as np
import pytest

from hdlgen.network import Activation, InputFormat, Layer, Network, SobolTopology, load, log2_slots
from hdlgen.topology import lint

VECTORS = Path(__file__).parent.parent / "vectors"


def network(
    widths: tuple[int, ...],
    count: int,
    dimensions: tuple[int, ...] | None = None,
    *,
    weights: np.ndarray | None = None,
    bias: int = 0,
    shift: int = 4,
) -> Network:
    """Alternating weights of +-5 by default."""
    if weights is None:
        weights = np.where(np.arange(count) & 1, 5, -5).astype(np.int8)
    tensors = {}
    layers = []
    for number, width in enumerate(widths[1:], 1):
        last = number == len(widths) - 1
        tensors[f"w{number}"] = weights
        tensors[f"b{number}"] = np.full(width, bias, np.int32)
        layers.append(
            Layer(
                width=width,
                weight=f"w{number}",
                bias=f"b{number}",
                weight_bits=8,
                activation=None if last else Activation(bits=8, shift=shift),
            )
        )
    return Network(
        name="planted",
        input=InputFormat(width=widths[0], bits=8),
        topology=SobolTopology(
            paths=count, dimensions=dimensions or tuple(range(len(widths))), log2_slots=log2_slots(widths)
        ),
        layers=tuple(layers),
        tensors=tensors,
    )


def messages(data: dict) -> list[str]:
    return [f"{finding['severity']}: {finding['where']}: {finding['message']}" for finding in data["findings"]]


@pytest.mark.parametrize("name", sorted(file.stem for file in VECTORS.glob("*.safetensors")))
def test_numbers_are_those_of_plain_counting(name: str) -> None:
    net = load(VECTORS / f"{name}.safetensors")
    data = lint.report(net)
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    with np.load(VECTORS / f"{name}.npz") as arrays:
        vertices = arrays["vertices"].tolist()
    for layer, width in enumerate(net.widths):
        visits = [0] * width
        for path in vertices:
            visits[path[layer]] += 1
        entry = data["layers"][layer]
        assert (entry["paths_per_neuron"]["min"], entry["paths_per_neuron"]["max"]) == (min(visits), max(visits))
        assert entry["unvisited"] == visits.count(0)
        assert entry["unvisited_first"] == [j for j, count in enumerate(visits) if count == 0][:16]
    reached: list[set[int]] = [{j} for j in range(net.widths[-1])]
    for layer in range(len(net.widths) - 1, 0, -1):
        edges = {(path[layer - 1], path[layer]) for path in vertices}
        entry = data["transitions"][layer - 1]
        assert entry["edges"] == len(edges)
        assert entry["repeated"] == len(vertices) - len(edges)
        fan_in = [sum(target == j for _, target in edges) for j in range(net.widths[layer])]
        assert (entry["in_degree"]["min"], entry["in_degree"]["max"]) == (min(fan_in), max(fan_in))
        before: list[set[int]] = [set() for _ in range(net.widths[layer - 1])]
        for source, target in edges:
            before[source] |= reached[target]
        reached = before
        fraction = sum(map(len, reached)) / (net.widths[layer - 1] * net.widths[-1])
        assert data["reachability"]["to_output_from_layer"][layer - 1] == round(fraction, 6)
    by_rank = data["reachability"]["by_rank"]
    assert by_rank is None or by_rank == data["reachability"]["input_to_output"]


def test_nothing_to_remark() -> None:
    assert lint.report(load(VECTORS / "tiny.safetensors"))["findings"] == []


def test_unread_inputs() -> None:
    data = lint.report(network((784, 16, 4), 512))
    assert data["layers"][0]["unvisited"] == 272
    assert messages(data)[0].startswith("warning: input: inputs that no path reads: 272 of 784 (")
    assert messages(data)[0].endswith(", ...); 512 paths visit 512 neurons at most")


def test_outputs_on_no_path() -> None:
    found = messages(lint.report(network((4, 4, 8), 4)))
    assert (
        "warning: layer 2: outputs on no path, which are their bias for every input: 4 of 8 (1, 3, 5, 7);"
        " 4 paths visit 4 neurons at most" in found
    )


@pytest.mark.parametrize("pair", [(26, 27), (30, 31), (37, 38), (38, 39)])
def test_dimensions_that_repeat_edges(pair: tuple[int, int]) -> None:
    data = lint.report(network((16, 16), 256, pair))
    edges = data["transitions"][0]["edges"]
    assert edges == data["transitions"][0]["slot_edges"] < 256
    assert f"warning: layer 1: {edges} distinct edges where 256 are possible" in messages(data)[0]
    assert data["suggestion"]["edges"] == 256
    assert messages(data)[-1].endswith(
        f"would have 256 distinct edges instead of {edges} and connect 100.0% of input and output instead of"
        f" {edges / 256:.1%} (train anew to use them)"
    )


def test_dimensions_that_do_not_reach() -> None:
    widths = (256,) * 5
    good, poor = (lint.report(network(widths, 1024, tuple(range(first, first + 5)))) for first in (1, 4))
    assert good["reachability"]["input_to_output"] == good["reachability"]["by_rank"] == 1.0
    assert poor["reachability"]["input_to_output"] == poor["reachability"]["by_rank"] == 0.5
    assert good["suggestion"] is None
    assert poor["suggestion"]["reachability"] == 1.0
    assert "warning: network: only 50.0% of the pairs of an input and an output are connected" in messages(poor)


def test_repeats_of_a_full_transition_are_a_note() -> None:
    found = messages(lint.report(network((16, 4), 128)))
    assert found == [
        "note: layer 1: fully connected: 64 of 128 paths repeat one of the 64 edges",
        "note: layer 1: every slot edge is hit 2 times; merging leaves 64 weights",
    ]


def test_dead_neurons() -> None:
    data = lint.report(network((8, 4, 4), 16, weights=np.full(16, -3, np.int8)))
    assert data["ranges"][0]["activation"]["always_zero"] == 4
    assert messages(data) == [
        "warning: layer 1: neurons with incoming weights of one sign: 4 of 4",
        "warning: layer 1: neurons that are 0 for every input: 4 of 4 (0, 1, 2, 3)",
        "warning: layer 2: neurons with incoming weights of one sign: 4 of 4",
    ]


def test_zero_weights_and_constant_neurons() -> None:
    found = messages(lint.report(network((8, 4, 4), 16, weights=np.zeros(16, np.int8), bias=1000)))
    assert "warning: layer 1: all weights are zero" in found
    assert "warning: layer 1: neurons with one value > 0 for every input: 4 of 4" in found


def test_unused_activation_bits() -> None:
    found = messages(lint.report(network((8, 4, 4), 16, shift=9)))
    assert "note: layer 1: activations never exceed 5: the top 5 of 8 bits are never used with shift 9" in found


def test_large_networks_are_judged_by_rank() -> None:
    """2**16 inputs and outputs: the pairs are counted, not enumerated."""
    data = lint.topology_report(
        SobolTopology(paths=1 << 18, dimensions=(0, 1, 2), log2_slots=(16, 9, 16)), (1 << 16, 1 << 9, 1 << 16)
    )
    assert data["reachability"]["to_output_from_layer"] is None
    assert data["reachability"]["input_to_output"] == data["reachability"]["by_rank"] == 2**-6


def test_any_number_of_paths() -> None:
    data = lint.report(network((30, 20, 10), 77))
    assert data["transitions"][0]["slot_edges"] is None
    assert data["reachability"]["by_rank"] is None
    assert 0 < data["reachability"]["input_to_output"] <= 1
