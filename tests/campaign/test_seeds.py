"""The first seeds of the campaign (scripts/campaign.py), in a few seconds: nothing is wrong with them."""

import shutil
from collections import Counter

import pytest

from . import checks
from .checks import Found
from .designs import KINDS, draw

SEEDS = range(80)
VERILOG = 2
"""Designs of each kind."""


def none_wrong(found: list[Found]) -> Counter[str]:
    assert not [each for each in found if each.outcome == "wrong"]
    return Counter(each.outcome for each in found)


def test_model() -> None:
    assert none_wrong([checks.look("model", seed) for seed in SEEDS])["equal"] > len(SEEDS) // 2


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")
@pytest.mark.parametrize("kind", KINDS)
def test_verilog(kind: str) -> None:
    equal = 0
    for seed in range(1000, 1100):
        try:
            right = draw(seed).kind == kind
        except checks.Senseless:
            continue
        if right and none_wrong([checks.look("verilog", seed)])["equal"]:
            equal += 1
            if equal == VERILOG:
                return
    pytest.fail(f"no {VERILOG} designs of kind {kind}")
