"""The golden model of scans and delays, beside plain loops; files, ranges and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdlgen import check, golden
from hdlgen.errors import InputError
from hdlgen.network import Network, describe, load, parse, save

from ..scans import VARIANTS, make_scan, scan_loop


@pytest.fixture(params=sorted(VARIANTS))
def network(request: pytest.FixtureRequest) -> Network:
    return make_scan(**VARIANTS[request.param])


def test_equals_a_plain_loop(network: Network) -> None:
    lengths = np.array([1, 9, 30, 4])
    rng = np.random.default_rng(2)
    x = rng.integers(-128, 128, (lengths.sum(), network.input.width))
    values = golden.activations(network, x, lengths)[1:]
    start = 0
    for length in lengths.tolist():
        wanted = scan_loop(network, x[start : start + length])
        for number, layer in enumerate(values):
            assert layer[start : start + length].tolist() == [step[number] for step in wanted]
        start += length
    found = golden.evaluate(network, x, lengths, every_step=True)
    assert np.array_equal(found, values[-1])
    assert np.array_equal(golden.evaluate(network, x, lengths), found[np.cumsum(lengths) - 1])
    assert found.std() > 0


def test_ranges_hold(network: Network) -> None:
    rng = np.random.default_rng(3)
    x = np.where(rng.random((40, 25, network.input.width)) < 0.5, -128, 127)  # the ends
    for reach, layer, trace in zip(network.ranges(), network.layers, golden.trace(network, x).layers, strict=True):
        assert (trace["value"] >= reach.value_low).all()
        assert (trace["value"] <= reach.value_high).all()
        if layer.kind == "scan":
            span = layer.spans(reach)["state"]
            assert span.low <= trace["state"].min() <= trace["state"].max() <= span.high


def test_file(network: Network, tmp_path: Path) -> None:
    save(network, tmp_path / "net.safetensors")
    again = load(tmp_path / "net.safetensors")
    assert again.layers == network.layers
    assert describe(again) == describe(network)
    report = check.report(again)
    assert report["sequential"]
    assert not [finding for finding in report["findings"] if finding["severity"] == "error"]


def changed(network: Network, number: int, **members: Any) -> Network:
    description = describe(network)
    layer = description["layers"][number - 1]
    for name, value in members.items():
        if value is None:
            del layer[name]
        else:
            layer[name] = value
    return parse(description, "net")


@pytest.mark.parametrize(
    ("cell", "members", "message"),
    [
        ("sru", {"cell": "gru"}, "net: layer 2: cell is 'gru'; allowed: mingru, sru, qrnn, indrnn"),
        ("sru", {"width": 4}, "net: layer 2: width is 4; allowed: 5, 4 rows of 20 values that it reads"),
        (
            "sru",
            {"gate": None},
            "net: layer 2: layer has no 'gate'; required: kind, width, cell, fraction, state, output, gate",
        ),
        ("sru", {"weight": "u"}, "net: layer 2: a key of layer is 'weight'; allowed: kind, width, cell"),
        ("sru", {"fraction": 4}, "net: layer 2: fraction is 4; allowed: at least 5 with hard gates of 8 bits"),
        (
            "sru",
            {"output": {"bits": 8, "fraction": 14}},
            "net: layer 2: output fraction is 14; allowed: integers 0..7",
        ),
        (
            "sru",
            {"output": {"bits": 16, "fraction": 14}},
            "net: layer 2: output fraction is 14; allowed: up to the state's, 13",
        ),
        ("sru", {"state": {"bits": 25}}, "net: layer 2: state bits is 25; allowed: integers 2..24"),
        (
            "sru",
            {"functions": {"candidate": "relu"}},
            "net: layer 2: candidate function is 'relu'; allowed: identity, hard",
        ),
        (
            "sru",
            {"functions": {"state": "hard"}},
            "net: layer 2: a key of functions is 'state'; allowed: gate, candidate",
        ),
        ("indrnn", {"weight_fraction": 41}, "net: layer 2: weight_fraction is 41; allowed: integers 0..40"),
        (
            "indrnn",
            {"fraction": 15, "weight_fraction": 1},
            "net: layer 2: weight_fraction is 1; allowed: integers 2..40",
        ),
    ],
    ids=str,
)
def test_refuses(cell: str, members: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        changed(make_scan(cell), 2, **members)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"width": 9}, "net: layer 1: width is 9; allowed: 8, taps times what it reads"),
        ({"taps": 17}, "net: layer 1: taps is 17; allowed: integers 2..16"),
        ({"bits": 17}, "net: layer 1: bits is 17; allowed: integers 2..16"),
    ],
    ids=str,
)
def test_refuses_delays(members: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        changed(make_scan("qrnn", taps=2), 1, **members)
    assert str(caught.value) == message


def test_refuses_formats_that_lose_everything() -> None:
    for given, message in (
        ({"cell": "mingru", "fraction": 24}, "row 'z' shift is 19, which leaves nothing"),
        ({"cell": "qrnn", "taps": 2, "bits": 2, "shift": 20}, "row 'f' shift is 4, which leaves nothing"),
    ):
        with pytest.raises(InputError, match=message):
            make_scan(**given).ranges()
    narrow = changed(make_scan("qrnn", taps=2), 1, bits=7)
    with pytest.raises(InputError, match=r"layer 1: bits is 7; allowed: enough for -128\.\.127"):
        narrow.ranges()
