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
from hdlgen.network import describe, drawing, load, parse, save

from ..mixed import SIGNED, dense, make_mixed, rnn
from ..scans import make_scan
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


NETWORKS = {
    "a spotter": lambda: make_mixed([rnn(8, "lstm"), dense(5, SIGNED), {"kind": "spot"}], inputs=6, signed=True),
    "scans and delays": lambda: make_scan("qrnn", taps=3),
    "a draw": lambda: make_mixed([dense(9, SIGNED), {"kind": "draw"}], inputs=5, signed=True),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_piece_by_piece(name: str) -> None:
    """States stay from one call to the next."""
    network = NETWORKS[name]()
    rng = np.random.default_rng(1)
    x = rng.integers(network.input.low, network.input.high + 1, (40, network.input.width))
    stream = golden.Stream(network)
    pieces = [stream(piece) for piece in np.split(x, [1, 2, 9, 9, 30])]
    assert np.array_equal(np.concatenate(pieces), golden.evaluate(network, x[None], every_step=True))


def test_generated_symbols_are_the_next_inputs() -> None:
    scored = replace(make_mixed([rnn(8), dense(5, None)], inputs=5), output_scale=2.0**-12)
    network = drawing(scored, one_hot=100, temperature=1.5)
    drawn = golden.generate(network, [3, 1], 30).tolist()
    assert len(set(drawn)) > 2
    x = network.input.of_symbols(np.array([3, 1, *drawn[:-1]]))
    assert golden.evaluate(network, x[None], every_step=True)[1:, 0].tolist() == drawn
    assert golden.generate(network, [3, 1], 30, seed=2).tolist() != drawn
    coldest = drawing(scored, temperature=None)
    assert coldest.layers[-1].roles() == [("table", None)]
    for start, count, said in (([], 1, "0 symbols to start with"), ([5], 1, r"symbol \[0\] is 5; allowed: 0..4")):
        with pytest.raises(InputError, match=said):
            golden.generate(network, start, count)
    with pytest.raises(InputError, match="draws no inputs of its own"):
        golden.generate(scored, [1], 1)
    for change, more, said in (
        ({"output_scale": None}, {}, "output has no scale"),
        ({}, {"temperature": 0.0}, "temperature is 0; allowed"),
        ({}, {"one_hot": 300}, "one_hot is 300; allowed: integers 1..255"),
    ):
        with pytest.raises(InputError, match=said):
            drawing(replace(scored, **change), **more)
