"""Block RAMs in iCE40 bitstreams: read here as icepack writes them."""

import random
from pathlib import Path

import pytest

from hdlgen.flow import tools
from hdlgen.flow.ice40_bits import holds
from hdlgen.flow.synth import run_tool

Contents = dict[str, list[int]]


def pack(folder: Path, die: str, contents: Contents, more: str = "") -> bytes:
    sections = (f".ram_data {place}\n" + "".join(f"{row:064x}\n" for row in rows) for place, rows in contents.items())
    (folder / "text").write_text(f".comment x\n.device {die}\n{''.join(sections)}{more}")
    run_tool(folder, tools.find("icepack"), ["text", "bits"])
    return (folder / "bits").read_bytes()


def some(generator: random.Random) -> list[int]:
    return [generator.getrandbits(256) for _ in range(16)]


@pytest.mark.parametrize(
    ("die", "columns", "height"), [("1k", (3, 10), 17), ("5k", (6, 19), 31), ("8k", (8, 25), 33)]
)
def test_contents(tmp_path: Path, die: str, columns: tuple[int, int], height: int) -> None:
    """All block RAMs of a die, and what must be found out: a bit elsewhere, contents in another place, a damaged file."""
    generator = random.Random(die)
    contents = {f"{x} {y}": some(generator) for x in columns for y in range(1, height - 1, 2)}
    original = pack(tmp_path, die, contents)
    places = generator.sample(sorted(contents), 5)
    exchanged = {place: some(generator) for place in places}
    changed = pack(tmp_path, die, contents | exchanged)
    assert len(changed) == len(original)
    assert holds(original, exchanged, changed)
    assert holds(original, {}, original)
    assert not holds(original, exchanged, original)
    assert not holds(original, {places[0]: exchanged[places[0]]}, changed)
    one, two = places[:2]
    assert not holds(original, exchanged | {one: exchanged[two], two: exchanged[one]}, changed)
    assert not holds(original, {"7 1": some(generator)}, changed)
    for damaged in (changed[:-600], b"", changed[:100] + bytes([changed[100] ^ 1]) + changed[101:]):
        assert not holds(original, exchanged, damaged)
    # Another bit in the logic, and a CRC that fits.
    assert not holds(original, {}, pack(tmp_path, die, contents, more=".extra_bit 0 100 100\n"))
