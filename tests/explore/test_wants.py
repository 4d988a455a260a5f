"""What is wanted, read strictly; fronts compared with their definition."""

import numpy as np
import pytest

from hdlgen.errors import InputError
from hdlgen.explore.wants import Goal, Want, fronts, parse_goals, parse_want, spread


def test_wants() -> None:
    assert parse_want("accuracy>=97") == Want("accuracy", True, 97.0)
    assert parse_want(" luts <= 5000 ") == Want("luts", False, 5000.0)
    assert parse_want("accuracy >= 97.5%") == Want("accuracy", True, 97.5)
    assert str(parse_want("rate>=10000")) == "rate >= 10000"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "luts",
        "luts<5",
        "luts=5",
        "luts<=",
        "luts<=1e3",
        "luts<=-1",
        "luts<=5;",
        "nothing>=1",
        "luts<=__import__('os')",
    ],
)
def test_bad_wants(text: str) -> None:
    with pytest.raises(
        InputError, match=r"^--want .*: allowed: MEASURE>=NUMBER or MEASURE<=NUMBER, with one of accuracy, "
    ):
        parse_want(text)


def test_met() -> None:
    want = Want("fmax", True, 100.0)
    assert want.met({"fmax": 100.0})
    assert not want.met({"fmax": 95.0})
    assert want.met({"fmax": 95.0}, 0.15)
    assert not want.met({"fmax": None}, 0.15)
    assert Want("luts", False, 100.0).met({"luts": 110.0}, 0.15)


def test_goals() -> None:
    assert parse_goals(["luts"], ["rate"]) == [Goal("luts", False), Goal("rate", True)]
    with pytest.raises(InputError, match=r"^--minimise 'nothing': allowed: accuracy, luts, "):
        parse_goals(["nothing"], [])
    with pytest.raises(InputError, match=r"^--maximise luts: stands twice; allowed: once$"):
        parse_goals(["luts"], ["luts"])


def test_fronts_are_those_of_the_definition() -> None:
    rng = np.random.default_rng(1)
    goals = [Goal("luts", False), Goal("rate", True), Goal("dsps", False)]
    for _ in range(30):
        rows = [
            {"luts": float(a), "rate": None if d == 0 else float(b), "dsps": float(c)}
            for a, b, c, d in rng.integers(0, 6, (25, 4))
        ]

        def better(one: int, other: int, rows: list = rows) -> bool:
            a, b = ([goal.cost(rows[number]) for goal in goals] for number in (one, other))
            return all(x <= y for x, y in zip(a, b, strict=True)) and any(x < y for x, y in zip(a, b, strict=True))

        left = set(range(len(rows)))
        for front in fronts(rows, goals):
            assert set(front) == {one for one in left if not any(better(other, one) for other in left)}
            left -= set(front)
        assert not left


def test_spread_takes_the_ends() -> None:
    goals = [Goal("luts", False), Goal("rate", True)]
    rows = [{"luts": 10.0 + n, "rate": 10.0 + n} for n in range(20)]
    chosen = spread(rows, list(range(20)), goals, 3)
    assert len(set(chosen)) == 3
    assert {0, 19} <= set(chosen)
    assert spread(rows, [4, 5], goals, 3) == [4, 5]
    assert spread(rows, [4, 5], goals, 0) == []
