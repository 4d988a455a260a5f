"""The golden model of draws, beside a plain loop and beside a soft-max; files, and what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax

from hdlgen import check, golden
from hdlgen.errors import InputError
from hdlgen.layers.draw import gumbel_table, xorshift32
from hdlgen.network import describe, load, parse, save

from ..spots import draw_loop, make_draw, score_steps


def test_random_numbers() -> None:
    """The first ones of Marsaglia's xor(): its seed is 2463534242."""
    numbers = [2463534242]
    for _ in range(3):
        numbers.append(xorshift32(numbers[-1]))
    assert numbers[1:] == [723471715, 2497366906, 2064144800]


def test_equals_a_plain_loop() -> None:
    network = make_draw()
    x, lengths = score_steps(network, [1, 60, 7])
    parts = np.split(x, np.cumsum(lengths)[:-1])
    wanted = [draw_loop(network.tensors["noise"].tolist(), 7, part.tolist()) for part in parts]
    found = golden.evaluate(network, x, lengths, every_step=True)
    assert found[:, 0].tolist() == [code for part in wanted for code in part]
    assert len(np.unique(found)) == 5
    plain = make_draw(entries=0)
    assert np.array_equal(golden.evaluate(plain, x, lengths, every_step=True)[:, 0], x.argmax(axis=1))


def test_chances_are_those_of_a_soft_max() -> None:
    """Within what chance leaves of 20,000 draws."""
    scale, scores = 16.0, np.array([0, 16, -20, 30, 5])
    network = make_draw()
    network = replace(network, tensors={"noise": gumbel_table(scale)})
    drawn = golden.evaluate(network, np.tile(scores, (1, 20_000, 1)), every_step=True)
    shares = np.bincount(drawn[:, 0], minlength=5) / len(drawn)
    assert np.abs(shares - softmax(scores / scale)).max() < 0.01


def test_file(tmp_path: Path) -> None:
    for network in (make_draw(), make_draw(entries=0)):
        save(network, tmp_path / "net.safetensors")
        again = load(tmp_path / "net.safetensors")
        assert again.layers == network.layers
        report = check.report(again)
        assert not [finding for finding in report["findings"] if finding["severity"] == "error"]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"scores": 3}, "net: layer 1: scores is 3; allowed: 5, as many as what it reads has values"),
        ({"seed": 0}, "net: layer 1: seed is 0; allowed: integers 1..4294967295"),
        ({"table": None}, "net: layer 1: table is None; allowed: 1 to 128 of"),
    ],
    ids=str,
)
def test_refuses(members: dict[str, Any], message: str) -> None:
    described = describe(make_draw())
    described["layers"][0] |= members
    with pytest.raises(InputError) as caught:
        parse(described, "net")
    assert str(caught.value).startswith(message)
