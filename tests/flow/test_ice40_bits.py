"""Block RAMs in iCE40 bitstreams: exchanged as icepack would have written them."""

import random
from pathlib import Path

import pytest

from hdlgen.flow import tools
from hdlgen.flow.ice40_bits import exchange
from hdlgen.flow.synth import run_tool

Contents = dict[str, list[int]]


def pack(folder: Path, die: str, contents: Contents) -> bytes:
    sections = (f".ram_data {place}\n" + "".join(f"{row:064x}\n" for row in rows) for place, rows in contents.items())
    (folder / "text").write_text(f".comment x\n.device {die}\n{''.join(sections)}")
    run_tool(folder, tools.find("icepack"), ["text", "bits"])
    return (folder / "bits").read_bytes()


def some(generator: random.Random) -> list[int]:
    return [generator.getrandbits(256) for _ in range(16)]


@pytest.mark.parametrize(
    ("die", "columns", "height"), [("1k", (3, 10), 17), ("5k", (6, 19), 31), ("8k", (8, 25), 33)]
)
def test_contents(tmp_path: Path, die: str, columns: tuple[int, int], height: int) -> None:
    """All block RAMs of a die; and what is refused: other contents than those named, other places, a damaged file."""
    generator = random.Random(die)
    contents = {f"{x} {y}": some(generator) for x in columns for y in range(1, height - 1, 2)}
    original = pack(tmp_path, die, contents)
    new = {place: some(generator) for place in generator.sample(sorted(contents), 5)}
    changes = {place: (contents[place], new[place]) for place in new}
    assert exchange(original, changes) == pack(tmp_path, die, contents | new)
    assert exchange(original, {}) == original
    everything = {place: (contents[place], some(generator)) for place in contents}
    assert (
        exchange(exchange(original, everything), {place: pair[::-1] for place, pair in everything.items()})
        == original
    )

    place = next(iter(new))
    x, y = place.split()
    last = (f"{x} {height}", changes[place])
    for damaged, wrong, said in (
        (original, {place: changes[place][::-1]}, f"block RAM {place} does not hold what the design says"),
        (original, {f"7 {y}": changes[place]}, f"has no block RAM 7 {y}"),
        (original, dict([last]), f"has no block RAM {last[0]}"),
        (original[:-600], changes, "is damaged"),
        (original[:100] + bytes([original[100] ^ 1]) + original[101:], changes, "is damaged"),
        (b"", changes, "is damaged"),
    ):
        with pytest.raises(ValueError, match=f"^{said}$"):
            exchange(damaged, wrong)
