"""The first seeds of the campaign (scripts/campaign.py), in a few seconds: nothing is wrong with them."""

import shutil
from collections import Counter
from collections.abc import Iterator

import pytest

from . import checks
from .checks import Found
from .designs import KINDS, TENSORS, draw

SEEDS = {"model": range(80), "tensor-model": range(30)}
VERILOG = 2
"""Designs of each kind."""


def right(level: str, seed: int) -> Found:
    found = checks.look(level, seed)
    assert found.outcome != "wrong", found
    return found


@pytest.mark.parametrize("level", SEEDS)
def test_model(level: str) -> None:
    assert Counter(right(level, seed).outcome for seed in SEEDS[level])["equal"] > len(SEEDS[level]) // 2


def of_kind(kind: str) -> Iterator[tuple[str, int]]:
    """Level and seed; of tensors those with values that are written and read again."""
    kinds = TENSORS if kind in TENSORS else KINDS
    for seed in range(1000, 1100):
        try:
            design = draw(seed, kinds)
            if design.kind == kind and (kinds is KINDS or len(design.network.layers) > 2):
                yield "tensor-verilog" if kinds is TENSORS else "verilog", seed
        except checks.Senseless:
            continue


needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")


@needs_icarus
@pytest.mark.parametrize("kind", [*KINDS, *TENSORS])
def test_verilog(kind: str) -> None:
    equal = 0
    for level, seed in of_kind(kind):
        equal += right(level, seed).outcome == "equal"
        if equal == VERILOG:
            return
    pytest.fail(f"no {VERILOG} designs of kind {kind}")


@needs_icarus
@pytest.mark.parametrize("seed", [2, 8])
def test_nothing_that_no_value_is(seed: int) -> None:
    """Zero points beyond what is read were cut off around the edge of a tensor."""
    assert right("tensor-verilog", seed).outcome == "equal"
