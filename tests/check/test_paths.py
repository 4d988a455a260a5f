"""What ``hdlgen check`` finds in paths that layers share: numbers against plain counting, planted faults."""

from pathlib import Path

import numpy as np
import pytest

from hdlgen.check import find_live, report
from hdlgen.network import Activation, InputFormat, Network, SobolTopology, Weighted, load, log2_slots

VECTORS = Path(__file__).parent.parent / "vectors"


def messages(network: Network) -> list[str]:
    return [f"{f['severity']}: {f['where']}: {f['message']}" for f in report(network)["findings"]]


@pytest.mark.parametrize("name", sorted(file.stem for file in VECTORS.glob("*.safetensors")))
def test_paths_are_those_of_the_vectors(name: str) -> None:
    net = load(VECTORS / f"{name}.safetensors")
    data = report(net)
    paths = data["paths"]
    with np.load(VECTORS / f"{name}.npz") as arrays:
        vertices = arrays["vertices"].tolist()
    for layer, width in enumerate(net.widths):
        visits = [0] * width
        for path in vertices:
            visits[path[layer]] += 1
        entry = paths["layers"][layer]
        assert (entry["paths_per_neuron"]["min"], entry["paths_per_neuron"]["max"]) == (min(visits), max(visits))
        assert entry["unvisited"] == visits.count(0)
        assert entry["unvisited_first"] == [j for j, count in enumerate(visits) if count == 0][:16]
    reached: list[set[int]] = [{j} for j in range(net.widths[-1])]
    for layer in range(len(net.widths) - 1, 0, -1):
        edges = {(path[layer - 1], path[layer]) for path in vertices}
        entry = data["layers"][layer - 1]["matrices"]["weights"]
        assert (entry["edges"], entry["repeated"]) == (len(edges), len(vertices) - len(edges))
        before: list[set[int]] = [set() for _ in range(net.widths[layer - 1])]
        for source, target in edges:
            before[source] |= reached[target]
        reached = before
        fraction = sum(map(len, reached)) / (net.widths[layer - 1] * net.widths[-1])
        assert paths["reachability"]["to_last_from_layer"][layer - 1] == round(fraction, 6)
    by_rank = paths["reachability"]["by_rank"]
    assert by_rank is None or by_rank == paths["reachability"]["first_to_last"]


def planted(
    widths: tuple[int, ...],
    count: int,
    dimensions: tuple[int, ...] | None = None,
    *,
    weights: np.ndarray | None = None,
    bias: int = 0,
    shift: int = 4,
) -> Network:
    """Layers of paths with alternating weights of +-5 by default."""
    if weights is None:
        weights = np.where(np.arange(count) & 1, 5, -5).astype(np.int8)
    tensors = {}
    layers = []
    for number, width in enumerate(widths[1:], 1):
        last = number == len(widths) - 1
        tensors[f"w{number}"] = weights
        tensors[f"b{number}"] = np.full(width, bias, np.int32)
        layers.append(
            Weighted(
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


def test_unread_inputs() -> None:
    network = planted((784, 16, 4), 512)
    data = report(network)
    visited, neurons = data["paths"]["layers"][0], data["neurons"][0]
    assert visited["unvisited"] == 272
    assert neurons["unread"] + 272 == np.count_nonzero(~find_live(network).needed[0])
    found = messages(network)
    assert found[0].startswith("warning: input: inputs that no path reads: 272 of 784 (")
    assert found[0].endswith(", ...); 512 paths visit 512 neurons at most")


def test_outputs_on_no_path() -> None:
    found = messages(planted((4, 4, 8), 4))
    assert (
        "warning: layer 2: outputs on no path, which are their bias for every input: 4 of 8 (1, 3, 5, 7);"
        " 4 paths visit 4 neurons at most" in found
    )


@pytest.mark.parametrize("pair", [(26, 27), (30, 31), (37, 38), (38, 39)])
def test_dimensions_that_repeat_edges(pair: tuple[int, int]) -> None:
    network = planted((16, 16), 256, pair)
    data, found = report(network), messages(network)
    matrix = data["layers"][0]["matrices"]["weights"]
    edges = matrix["edges"]
    assert edges == matrix["slot_edges"] < 256
    assert any(f"warning: layer 1: {edges} distinct edges where 256 are possible" in message for message in found)
    assert data["paths"]["suggestion"]["edges"] == 256
    assert found[-1].endswith(
        f"would have 256 distinct edges instead of {edges} and connect 100.0% of input and output instead of"
        f" {edges / 256:.1%} (train anew to use them)"
    )


def test_dimensions_that_do_not_reach() -> None:
    widths = (256,) * 5
    networks = [planted(widths, 1024, tuple(range(first, first + 5))) for first in (1, 4)]
    good, poor = (report(network)["paths"] for network in networks)
    assert good["reachability"]["first_to_last"] == good["reachability"]["by_rank"] == 1.0
    assert poor["reachability"]["first_to_last"] == poor["reachability"]["by_rank"] == 0.5
    assert good["suggestion"] is None
    assert poor["suggestion"]["reachability"] == 1.0
    expected = "warning: network: only 50.0% of the pairs of an input and an output are connected"
    assert expected in messages(networks[1])


def test_repeats_of_a_full_transition_are_a_note() -> None:
    assert messages(planted((16, 4), 128)) == [
        "note: layer 1: fully connected: 64 of 128 paths repeat one of the 64 edges",
        "note: layer 1: every slot edge is hit 2 times; merging leaves 64 weights",
    ]


def test_dead_neurons() -> None:
    assert messages(planted((8, 4, 4), 16, weights=np.full(16, -3, np.int8))) == [
        "warning: input: inputs that no output depends on: 8 of 8 (0, 1, 2, 3, 4, 5, 6, 7)",
        "warning: layer 1: neurons that no output depends on: 4 of 4 (0, 1, 2, 3)",
        "warning: layer 1: neurons with one value for every input: 4 of 4 (0, 1, 2, 3); 0 for 4 of them",
        "warning: layer 2: outputs with one value for every input: 4 of 4 (0, 1, 2, 3); 0 for 4 of them",
        "warning: layer 1: neurons with incoming weights of one sign: 4 of 4",
        "warning: layer 2: neurons with incoming weights of one sign: 4 of 4",
    ]


def test_zero_weights_and_constant_neurons() -> None:
    found = messages(planted((8, 4, 4), 16, weights=np.zeros(16, np.int8), bias=1000))
    assert "warning: layer 1: all weights are zero" in found
    assert "warning: layer 1: neurons with one value for every input: 4 of 4 (0, 1, 2, 3)" in found
    half = messages(planted((8, 4, 4), 16, weights=np.where(np.arange(16) < 10, 0, 5).astype(np.int8)))
    assert "note: layer 1: 10 of 16 weights are zero; explicit edges would leave them out" in half


def test_unused_activation_bits_and_useful_shifts() -> None:
    network = planted((8, 4, 4), 16, shift=9)
    assert "note: layer 1: values are 0..5: 5 of 8 bits are never used with shift 9" in messages(network)
    # Two weights of 5 and inputs up to 255: sums up to 2550.
    activation = report(network)["layers"][0]["activation"]
    assert (activation["shift_largest_useful"], activation["shift_never_clips"]) == (12, 4)


def test_large_networks_are_judged_by_rank() -> None:
    """2**16 inputs and outputs: the pairs are counted, not enumerated."""
    found = report(planted((1 << 16, 1 << 9, 1 << 16), 1 << 18))["paths"]["reachability"]
    assert found["to_last_from_layer"] is None
    assert found["first_to_last"] == found["by_rank"] == 2**-6


def test_any_number_of_paths() -> None:
    data = report(planted((30, 20, 10), 77))
    assert data["layers"][0]["matrices"]["weights"]["slot_edges"] is None
    assert data["paths"]["reachability"]["by_rank"] is None
    assert 0 < data["paths"]["reachability"]["first_to_last"] <= 1
