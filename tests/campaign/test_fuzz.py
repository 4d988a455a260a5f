"""The first damaged files of the campaign (scripts/campaign.py), of all readers: success or one line, and nothing else."""

from . import fuzz

SEEDS = range(80)


def test_damaged_files() -> None:
    found = [fuzz.look(seed) for seed in SEEDS]
    assert not [each for each in found if each.outcome == "wrong"]
    assert len([each for each in found if each.outcome == "refused"]) > len(SEEDS) // 4
