"""Options and their values."""

import re

import pytest

from hdlgen.errors import InputError
from hdlgen.explore.space import Axis, combinations, compile_words, members, parse_axes


def test_axes() -> None:
    assert parse_axes(["lanes=4/8,2/16", "train.paths=64/128"]) == [
        Axis("lanes", ("4", "8,2", "16")),
        Axis("paths", ("64", "128"), training=True),
    ]
    chosen = list(combinations(parse_axes(["lanes=4/8", "merge=yes/no"])))
    assert len(chosen) == 4
    assert members(chosen[1]) == {"lanes": 4, "merge": False}
    assert compile_words(chosen[1]) == "--lanes 4 --no-merge"
    assert members({"lanes": "8,2", "weights": "ram"}) == {"lanes": (8, 2), "source": "ram"}


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["lanes"], "--vary 'lanes': allowed: NAME=VALUE/VALUE/.., e.g. lanes=4/8/16"),
        (["lanes=4//8"], "--vary 'lanes=4//8': allowed: NAME=VALUE"),
        (["lanes=4/4"], "--vary 'lanes=4/4': a value stands twice; allowed: different ones"),
        (["lanes=4", "lanes=8"], "--vary 'lanes=8': lanes stands twice; allowed: all of its values in one"),
        (["lanes=3"], "options: lanes: 3; allowed are 1, 2, 4, 8, 16, 32 and 64"),
        (["lanes=x"], "--vary lanes: 'x'; allowed: integers"),
        (["merge=1"], "--vary merge: '1'; allowed: yes, no"),
        (["nothing=1"], "--vary nothing: no option of the compiler; allowed: lanes, "),
        (["target=nothing"], "target nothing: unknown; allowed ice40-hx1k, "),
        (["$(x)=1"], "--vary '$(x)=1': allowed: NAME=VALUE"),
    ],
)
def test_bad_axes(texts: list[str], said: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(said)}"):
        parse_axes(texts)


def test_too_many() -> None:
    axes = [Axis(f"a{n}", tuple(map(str, range(100)))) for n in range(3)]
    with pytest.raises(InputError, match=r"^--vary: 1,000,000 combinations; allowed: up to 100,000$"):
        next(combinations(axes))
