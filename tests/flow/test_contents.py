"""Block RAMs in bitstreams: exchanged as icepack and ecppack would have written them."""

import random
from pathlib import Path

import pytest

from hdlgen.flow import tools
from hdlgen.flow.contents import exchange
from hdlgen.flow.toolchain import run_tool

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
def test_ice40(tmp_path: Path, die: str, columns: tuple[int, int], height: int) -> None:
    """All block RAMs of a die; and what is refused: other contents than those named, other places, a damaged file."""
    generator = random.Random(die)
    contents = {f"{x} {y}": some(generator) for x in columns for y in range(1, height - 1, 2)}
    original = pack(tmp_path, die, contents)
    new = {place: some(generator) for place in generator.sample(sorted(contents), 5)}
    changes = {place: (contents[place], new[place]) for place in new}
    assert exchange("ice40", original, changes) == pack(tmp_path, die, contents | new)
    assert exchange("ice40", original, {}) == original
    everything = {place: (contents[place], some(generator)) for place in contents}
    assert (
        exchange(
            "ice40",
            exchange("ice40", original, everything),
            {place: pair[::-1] for place, pair in everything.items()},
        )
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
            exchange("ice40", damaged, wrong)


def test_ecp5(tmp_path: Path) -> None:
    """Beside others that stay, before and behind them."""
    generator = random.Random(5)

    def some_words() -> list[int]:
        return [generator.getrandbits(288) for _ in range(64)]

    def pack(contents: Contents) -> bytes:
        text = ".device LFE5U-25F\n\n"
        for place, rows in sorted(contents.items()):
            words = [row >> 9 * word & 0x1FF for row in rows for word in range(32)]
            lines = [" ".join(f"{word:03x}" for word in words[at : at + 8]) for at in range(0, 2048, 8)]
            text += f".bram_init {place}\n" + "".join(line + " \n" for line in lines) + "\n"
        (tmp_path / "text").write_text(text)
        run_tool(tmp_path, tools.find("ecppack"), ["--compress", "--input", "text", "--bit", "bits"])
        return (tmp_path / "bits").read_bytes()

    contents = {place: some_words() for place in ("1", "2", "3", "40")}
    original = pack(contents)
    new = {"2": some_words(), "40": [0] * 64}
    changes = {place: (contents[place], new[place]) for place in new}
    assert exchange("ecp5", original, changes) == pack(contents | new)
    assert exchange("ecp5", original, {}) == original
    for wrong, said in (
        ({"1": changes["2"]}, "block RAM 1 does not hold what the design says"),
        ({"4": changes["2"]}, "has no block RAM 4"),
    ):
        with pytest.raises(ValueError, match=f"^{said}$"):
            exchange("ecp5", original, wrong)
