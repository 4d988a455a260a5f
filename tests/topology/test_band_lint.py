"""What ``hdlgen check`` finds in recurrent networks: planted faults, and numbers against plain counting."""

import dataclasses
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from hdlgen.cli import main
from hdlgen.network import BandRnn, RecurrentNetwork, save
from hdlgen.topology.band_lint import recurrent_report, steps_to_all

from ..recurrent import make, neighbour, recurrent_networks


def small(cell: str = "tanh", **options: Any) -> RecurrentNetwork:
    choices = {"cell": cell, "width": 6, "band": 3} | options
    return make(np.random.default_rng(3), inputs=4, bands=[choices], dense=(3,))


def with_tensor(network: RecurrentNetwork, name: str, change: Any) -> RecurrentNetwork:
    tensor = network.tensors[name].copy()
    change(tensor)
    return dataclasses.replace(network, tensors=network.tensors | {name: tensor})


def messages(network: RecurrentNetwork) -> list[str]:
    return [f"{f['severity']}: {f['where']}: {f['message']}" for f in recurrent_report(network)["findings"]]


def counted_steps(network: RecurrentNetwork, number: int, band: BandRnn) -> int | None:
    """Following the connections, step by step."""
    width = band.width
    if band.edges is not None:
        pairs = zip(network.tensors[band.edges].tolist(), network.tensors[band.recurrent].tolist(), strict=True)
        edges = {(source, row % width) for (source, row), weight in pairs if weight}
    else:
        edges = {(neighbour(band, i, k), k) for i in range(band.connections) for k in range(width)}
    reached = {(j, j) for j in range(width)}
    for steps in range(width + 1):
        if len(reached) == width * width:
            return steps
        # What was reached stays reached: a state that lives on in its own neuron.
        reached |= {(start, k) for start, j in reached for source, k in edges if source == j}
    return None


@settings(max_examples=100, deadline=None)
@given(recurrent_networks())
def test_numbers_are_those_of_plain_counting(network: RecurrentNetwork) -> None:
    data = recurrent_report(network)
    json.dumps(data, allow_nan=False)
    for band, found in zip(network.recurrent_layers, data["bands"], strict=True):
        number = found["layer"]
        assert found["steps_to_all"] == steps_to_all(network, number) == counted_steps(network, number, band)
        u = network.recurrent_weights(number)
        if band.edges is not None:
            rows = network.tensors[band.edges][:, 1].tolist()
            assert found["weights_per_gate"] == max(Counter(row // band.width for row in rows).values())
            assert (found["recurrent_weights"], found["recurrent_zero"]) == (u.size, int((u == 0).sum()))
            continue
        present = [
            (i, k) for i in range(band.connections) for k in range(band.width) if neighbour(band, i, k) is not None
        ]
        assert found["weights_per_gate"] == len(present)
        assert found["recurrent_zero"] == sum(int(u[g, i, k] == 0) for i, k in present for g in range(len(u)))


def test_bits_and_multiplications() -> None:
    data = recurrent_report(small("gru", weight_bits=4))
    # 18 recurrent weights less two absent ones, for three gates; 18 x 4 of the input; 3 x 6 of the head.
    assert data["multiplications"] == 3 * 16 + 72 + 18
    assert data["weight_bits_total"] == 3 * 16 * 4 + 72 * 8 + 18 * 8
    assert data["parameters"] == 3 * 18 + 72 + 18 + 3 * 6 + 6 + 3


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            with_tensor(small(), "l1.in", lambda t: t[:, 2].fill(0)),
            "warning: layer 1: inputs that no weight reads: 1 of 4 (2)",
        ),
        (with_tensor(small(), "l1.in", lambda t: t[1].fill(0)), "note: layer 1: rows that read no input: 1 of 6"),
        (
            small(paths=3, dimensions=(0, 0)),
            "warning: layer 1: inputs that no weight reads: 1 of 4 (3)",
        ),
        (
            with_tensor(small(), "l1.u", lambda t: t.fill(0)),
            "warning: layer 1: all recurrent weights are zero: the layer has no memory but its gates'",
        ),
        (
            with_tensor(small(band=7), "l1.u", lambda t: (t[:, :2].fill(0), t[:, 5:].fill(0))),
            "warning: layer 1: the outer diagonals are zero: a band of 3 holds all weights",
        ),
        (
            small(band=1),
            "note: layer 1: diagonal: each neuron remembers for itself; only layers behind it mix the states",
        ),
        (
            small(band=None, groups=3),
            "note: layer 1: 3 groups of 2: groups never meet; only layers behind it mix the states",
        ),
        (
            with_tensor(small("gru"), "l1.bias", lambda t: t[1].fill(1 << 24)),
            "warning: layer 1: gate 'z': that never change, whatever comes: 6 of 6",
        ),
        (
            with_tensor(small("relu"), "l1.bias", lambda t: t[0, :2].fill(-(1 << 24))),
            "warning: layer 1: states that never change, whatever comes: 2 of 6",
        ),
        (
            with_tensor(small(in_bits=8, shift=0), "l1.in", lambda t: t.fill(-100)),
            "note: layer 1: inputs may saturate: up to 51200 after the shift, 8 bits hold 127",
        ),
        (
            with_tensor(small(shift=0), "l1.in", lambda t: t.fill(-1)),
            "note: layer 1: inputs need 11 of their 16 bits with shift 0",
        ),
        (
            with_tensor(small(), "w1", lambda t: t[:, 4].fill(0)),
            "warning: layer 2: values that no weight reads: 1 of 6 (4)",
        ),
        (with_tensor(small(), "w1", lambda t: t.fill(0)), "warning: layer 2: all weights are zero"),
        (
            make(
                np.random.default_rng(0),
                inputs=2,
                bands=[{"cell": "tanh", "width": 64, "band": 3}],
                path=(3,),
                paths=32,
            ),
            "warning: head: input: inputs that no path reads: 32 of 64 (1, 3,",
        ),
    ],
    ids=lambda value: value[:50] if isinstance(value, str) else "",
)
def test_planted_faults(network: RecurrentNetwork, message: str) -> None:
    assert any(found.startswith(message) for found in messages(network)), messages(network)


def test_a_good_network_is_not_blamed() -> None:
    assert [found for found in messages(small("gru")) if found.startswith("warning")] == []


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["check", *map(str, arguments)])
    captured = capsys.readouterr()
    return int(caught.value.code or 0), captured.out, captured.err


@pytest.mark.parametrize("head", [{"dense": (5, 3)}, {"path": (5, 3)}, {}], ids=str)
def test_check_verb(capsys: pytest.CaptureFixture[str], tmp_path: Path, head: dict[str, Any]) -> None:
    file = tmp_path / "net.safetensors"
    bands = [{"cell": "gru", "width": 8, "band": 5, "cyclic": True}, {"cell": "lstm", "width": 4, "groups": 2}]
    network = make(np.random.default_rng(0), inputs=3, bands=bands, **head)
    save(network, file)
    status, out, err = run(capsys, file)
    assert (status, err) == (0, "")
    widths = "-".join(str(width) for width in network.widths)
    assert out.startswith(f"random: {widths}, recurrent, ")
    assert "ring of 5" in out
    assert "2 groups of 2" in out
    assert ("of path layers" in out) == ("path" in head)
    status, out, err = run(capsys, file, "--json")
    assert (status, err) == (0, "")
    assert json.loads(out) == recurrent_report(network)


def test_formats_that_lose_everything_are_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "net.safetensors"
    save(small(shift=40), file)
    status, out, err = run(capsys, file)
    assert (status, out) == (2, "")
    assert err.startswith(f"hdlgen: {file}: layer 1: input shift is 40, which leaves nothing of sums of ")
    assert err.count("\n") == 1
