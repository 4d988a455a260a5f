"""The golden model of spotters, beside a plain loop; files, ranges and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdlgen import check, golden
from hdlgen.errors import InputError
from hdlgen.network import Spot, describe, load, parse, save, verify

from ..spots import make_spot, score_steps, spot_loop

VARIANTS: dict[str, dict[str, Any]] = {
    "usual": {},
    "one step, no rest": {"log2_window": 0, "refractory": 0},
    "one class": {"scores": 1, "threshold": 90},
    "classes that are never heard": {
        "scores": 6,
        "threshold": [0, 9, 30, 0, 1, 20],
        "log2_window": 3,
        "refractory": 9,
    },
    "sums before": {"inputs": 5, "bits": 6},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_equals_a_plain_loop(name: str) -> None:
    network = make_spot(**VARIANTS[name])
    (spot,) = (layer for layer in network.layers if isinstance(layer, Spot))
    x, lengths = score_steps(network, [1, 60, 7, 30])
    scores = golden.activations(network, x, lengths)[-2]
    thresholds = network.tensors["t"].tolist()
    cuts = np.cumsum(lengths)[:-1]
    wanted = [spot_loop(spot, thresholds, part.tolist()) for part in np.split(scores, cuts)]
    found = golden.evaluate(network, x, lengths, every_step=True)
    assert found[:, 0].tolist() == [word for part in wanted for word in part]
    assert golden.evaluate(network, x, lengths)[:, 0].tolist() == [part[-1] for part in wanted]
    heard = set(found[:, 0].tolist()) - {0}
    assert heard
    assert all(thresholds[word - 1] for word in heard)
    reach, trace = network.ranges()[-1], golden.trace(network, x, lengths).layers[-1]
    assert reach.low <= trace["sums"].min() <= trace["lead"].max() <= reach.high
    assert reach.value_high.tolist() == [max(c + 1 for c, level in enumerate(thresholds) if level)]


def test_file(tmp_path: Path) -> None:
    network = make_spot(inputs=3)
    save(network, tmp_path / "net.safetensors")
    again = load(tmp_path / "net.safetensors")
    save(again, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "net.safetensors").read_bytes()
    assert again.layers == network.layers
    report = check.report(again)
    assert report["sequential"]
    assert not [finding for finding in report["findings"] if finding["severity"] == "error"]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"scores": 3}, "net: layer 1: scores is 3; allowed: 4, as many as what it reads has values"),
        ({"log2_window": 11}, "net: layer 1: log2_window is 11; allowed: integers 0..10"),
        ({"refractory": -1}, "net: layer 1: refractory is -1; allowed: integers 0..65535"),
        ({"threshold": None}, "net: layer 1: threshold is None; allowed: 1 to 128 of"),
        ({"width": 1}, "net: layer 1: a key of layer is 'width'; allowed: kind"),
    ],
    ids=str,
)
def test_refuses(members: dict[str, Any], message: str) -> None:
    described = describe(make_spot())
    described["layers"][0] |= members
    with pytest.raises(InputError) as caught:
        parse(described, "net")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("threshold", "message"),
    [
        ([0, 0], "layer 1: threshold is 0 for all classes; allowed: above 0 for one that may be heard"),
        ([5, -1], "layer 1: threshold -1 at [1] in tensor 't'; allowed: 0..2147483647 (0: never heard)"),
        ([5, 29], "layer 1: threshold[1] is 29; allowed: 0, or up to 28, all that the class can lead by"),
    ],
)
def test_refuses_thresholds(threshold: list[int], message: str) -> None:
    def read() -> None:
        network = make_spot(2, bits=3, signed=False, threshold=threshold)
        verify(network)
        network.ranges()

    with pytest.raises(InputError) as caught:
        read()
    assert str(caught.value) == f"network 'spots': {message}"
