"""Reber's grammar against its regular expression, and the corrupted strings."""

import re

import numpy as np
import pytest

from hdlgen import reber


def by_hand(string: str) -> bool:
    """The definition, written another way: a table of (node, symbol)."""
    table = {
        (0, "B"): 1, (1, "T"): 2, (1, "P"): 3, (2, "S"): 2, (2, "X"): 4, (3, "T"): 3, (3, "V"): 5,
        (4, "X"): 3, (4, "S"): 6, (5, "P"): 4, (5, "V"): 6, (6, "E"): 7,
    }  # fmt: skip
    node = 0
    for symbol in string:
        node = table.get((node, symbol), -1)
    return node == 7


@pytest.mark.parametrize("string", ["BTXSE", "BPVVE", "BTSXSE", "BTSSXXTVVE", "BPTVPSE", "BPVPXVVE", "BTXXTTVPSE"])
def test_strings_of_the_literature(string: str) -> None:
    assert reber.accepts(string)
    assert reber.accepts(f"BT{string}TE", embedded=True)
    assert not reber.accepts(f"BT{string}PE", embedded=True)
    assert not reber.accepts(string, embedded=True)
    assert not reber.accepts(string[:-1])
    assert not reber.accepts(string + "E")


@pytest.mark.parametrize("string", ["", "B", "BTE", "BTXE", "BVVE", "BTSSE", "TXSE", "BPTVPE", "BxE"])
def test_other_strings(string: str) -> None:
    assert not reber.accepts(string)
    assert not reber.accepts(string, embedded=True)


def test_all_short_strings() -> None:
    """All that a walk makes is accepted, and the walks find every accepted string up to eight symbols."""
    rng = np.random.default_rng(1)
    walked = {reber.walk(rng) for _ in range(4000)}
    assert all(reber.accepts(string) for string in walked)
    level, accepted = {""}, set()
    for _ in range(8):
        level = {
            string + symbol for string in level for symbol in reber.SYMBOLS if len(string) == 0 or string[0] == "B"
        }
        accepted |= {string for string in level if by_hand(string)}
        # Only what can still become a string: a prefix of a walk.
        level = {string for string in level if any(walk.startswith(string) for walk in walked)}
    assert accepted == {string for string in walked if len(string) <= 8}


@pytest.mark.parametrize("embedded", [False, True])
def test_sample(embedded: bool) -> None:
    strings, labels = reber.sample(np.random.default_rng(2), 400, embedded=embedded)
    assert labels.tolist() == [0, 1] * 200
    for string, label in zip(strings, labels, strict=True):
        assert reber.accepts(string, embedded=embedded) == bool(label)
        if not label:  # one symbol from a good one
            repaired = [
                string[:place] + symbol + string[place + 1 :]
                for place in range(len(string))
                for symbol in reber.SYMBOLS
            ]
            assert any(reber.accepts(other, embedded=embedded) for other in repaired)
    seen = set(strings)
    unseen, _ = reber.sample(np.random.default_rng(3), 300, embedded=embedded, unseen=seen)
    assert len(set(unseen)) == 300
    assert not seen & set(unseen)
    assert reber.sample(np.random.default_rng(2), 400, embedded=embedded)[0] == strings


def test_encode() -> None:
    x, lengths = reber.encode(["BE", "TPS"])
    assert lengths.tolist() == [2, 3]
    assert x.dtype == np.uint8
    assert [reber.SYMBOLS[row.argmax()] for row in x] == list("BETPS")
    assert x.sum(axis=1).tolist() == [reber.ONE] * 5
    assert re.fullmatch(f"[{reber.SYMBOLS}]+", reber.walk(np.random.default_rng(0)))
