"""The manifest: one form for all engines, and a reader that trusts nothing."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hdlgen.emit.manifest import check_sources, read_manifest
from hdlgen.errors import InputError
from hdlgen.schema import as_json, written

from .conftest import Designs

ENGINES = {
    "flash": ("path",),
    "ram": ("gather",),
    "edges": ("unit",),
    "several": ("unit", "gather", "path", "gather"),
}
"""Designs, by where their weights are and the engines of their stages."""


def _content(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return content


def _refused(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_manifest(folder)
    text = str(caught.value)
    assert "\n" not in text
    assert text.isascii()
    assert text.startswith(str(folder))
    return text.removeprefix(f"{folder}/")


def _with(folder: Path, path: str, value: object) -> str:
    """What is said where the member ``path`` (with dots) has another value; `...` removes it."""
    content = _content(folder)
    *outer, last = path.split(".")
    place = content
    for key in outer:
        place = place[int(key) if isinstance(place, list) else key]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    before = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(json.dumps(content))
    try:
        return _refused(folder)
    finally:
        (folder / "manifest.json").write_text(before)


@pytest.mark.parametrize("design", ENGINES)
def test_what_is_written_is_what_is_read(designs: Designs, design: str) -> None:
    manifest = read_manifest(designs[design])
    check_sources(designs[design], manifest)
    assert written(manifest) == (designs[design] / "manifest.json").read_text()
    assert tuple(stage.engine for stage in manifest.stages) == ENGINES[design]
    widths = manifest.network.widths
    # The mixture has a layer that nothing depends on.
    numbers = [number for number in range(1, len(widths)) if (design, number) != ("ram", 4)]
    assert [(one.number, one.width) for stage in manifest.stages for one in stage.layers] == [
        (number, widths[number]) for number in numbers
    ]
    for stage in manifest.stages:
        assert 0 < stage.utilisation <= 1
        busy = sum(one.cycles + one.waiting_cycles for one in stage.layers if one.lanes == stage.lanes)
        assert busy <= stage.interval_cycles


def test_all_engines_have_the_same_members(designs: Designs) -> None:
    def members(value: object, what: str = "") -> Iterator[str]:
        if isinstance(value, dict) and what not in (".frame", ".memories", ".sources_sha256", ".vectors"):
            for name, item in value.items():
                yield f"{what}.{name}"
                yield from members(item, f"{what}.{name}")
        elif isinstance(value, list):
            for item in value:
                yield from members(item, f"{what}[]")

    found = [set(members(_content(folder) | {"sequence": None})) for folder in map(designs.__getitem__, ENGINES)]
    assert all(members == found[0] for members in found)


NOWHERE: list[Any] = [-1, 1 << 200, 1e400, "x" * 70_000, "a\x1b[31m", "\ud800", ["x\n"], [[[[]]]]]
"""What no member may be, but for those of the frame, which the compiler checks."""
SOMEWHERE: list[Any] = [None, True, 0, 0.5, "", "../x", "/etc/passwd", "-rf", ".x", "a;b.v", "$(x)", [], {}, {"x": 1}]


def _places(value: Any, outer: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where all members are; of a list the first and the last one."""
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict) and outer != ("frame",):
        items = list(value.items())
    elif isinstance(value, list):
        items = [(number, value[number]) for number in sorted({0, len(value) - 1}) if value]
    for key, item in items:
        yield (*outer, key)
        yield from _places(item, (*outer, key))


@pytest.mark.parametrize("design", ENGINES)
def test_any_member_may_be_anything(designs: Designs, design: str) -> None:
    """It is refused in one line, or taken as it stands; names of files are those of files in the folder.

    Half of the values at every place of the design of several engines; of the others, whose members are the same, a quarter.
    """
    share = 2 if design == "several" else 4
    content, path = _content(designs[design]), designs[design] / "manifest.json"
    before = path.read_text()
    said, taken = set(), 0
    try:
        for number, place in enumerate(_places(content)):
            inner = content
            for key in place[:-1]:
                inner = inner[key]
            right = inner[place[-1]]
            for strange in (*NOWHERE, *SOMEWHERE)[number % share :: share]:
                inner[place[-1]] = strange
                path.write_text(json.dumps(content))
                try:
                    manifest = read_manifest(designs[design])
                except InputError as error:
                    said.add(str(error))
                    continue
                taken += 1
                assert as_json(manifest) == content
                assert strange not in NOWHERE or place[0] == "frame", (place, strange)
                assert all((designs[design] / name).is_file() for name in manifest.files()), (place, strange)
            inner[place[-1]] = right
    finally:
        path.write_text(before)
    assert taken > 20 / share
    assert len(said) > 500 / share
    assert all(line.isascii() and "\n" not in line for line in said)


@pytest.mark.parametrize(
    ("member", "value", "said"),
    [
        ("format_version", 1, "format_version is 1; this version of hdlgen reads 3: compile the network again"),
        ("format_version", "2", "format_version is '2'; this version of hdlgen reads 3: compile the network again"),
        ("format_version", ..., "format_version is None; allowed: 3"),
        ("top", ..., "content has no 'top'; required: format_version, hdlgen_version"),
        ("tops", "x", "a key of content is 'tops'; allowed: format_version, hdlgen_version"),
        ("top", "a b", "top is 'a b'; allowed: the name of a module"),
        ("input.width", "5", "input.width is '5'; allowed: numbers 1..1048576"),
        ("input.signed", 0, "input.signed is 0; allowed: true and false"),
        ("interval_cycles", 0, "interval_cycles is 0; allowed: numbers 1..281474976710656"),
        ("input.bytes_per_element", 3, "input.bytes_per_element is 3; allowed: numbers 1..2"),
        ("input.beats", 11, "input is (11, 1); allowed: 12 beats, 1 bytes per element"),
        ("output.bits", 16, "output.bits is 16; allowed: 32, 64"),
        ("stages.0.utilisation", float("nan"), "cannot be read as JSON: NaN is no number of JSON"),
        ("sources", [], "sources is []; allowed: at least one Verilog file"),
        ("sources", ["rtl/a.v"], "sources is 'rtl/a.v'; allowed: files that have a hash in sources_sha256"),
        ("synthesis.generic", ["rtl/hdlgen_random.v"], "synthesis.generic is ('rtl/hdlgen_random.v',); allowed: the files"),
        ("sources", ["/etc/passwd"], "sources[0] is '/etc/passwd'; allowed: names relative to the folder and inside of it"),
        ("vectors.x", "../x.npy", "vectors.x is '../x.npy'; allowed: names relative to the folder and inside of it"),
        ("vectors.z", "vectors/x.npy", "a name in vectors is 'z'; allowed: x, lengths, y, labels"),
        ("vectors", {"x": "vectors/x.npy"}, "vectors is ['x']; allowed: x, y and perhaps labels"),
        ("network.widths", [3, 4], "network.widths is (3, 4); allowed: from 12, the input's, to 6, the output's"),
        ("weights.image", None, "weights.image is None; allowed: an image with its id"),
        ("weights.image", "vectors/x.npy", "weights.image is 'vectors/x.npy'; allowed: a file that has a hash"),
        ("weights.lines", None, "weights.lines is None; allowed: 1, 2 and 4 where the weights come from a flash"),
        ("sequence", {"results": "frame", "probes": {}}, "sequence.results is 'frame'; allowed: sequence, step"),
        ("frame", None, "frame is None; allowed: an object"),
    ],
)  # fmt: skip
def test_what_is_said(designs: Designs, member: str, value: object, said: str) -> None:
    assert _with(designs["flash"], member, value).startswith(f"manifest.json: {said}")


def test_files_that_are_not_what_they_should_be(designs: Designs, tmp_path: Path) -> None:
    core = tmp_path / "core"
    shutil.copytree(designs["ram"], core)
    network, image = core / "network.safetensors", core / "vectors" / "x.npy"
    (tmp_path / "elsewhere").write_bytes(image.read_bytes())
    image.unlink()
    assert _refused(core) == "vectors/x.npy: not found; compile again, or copy all of the folder"
    image.symlink_to(tmp_path / "elsewhere")
    assert re.match(r"vectors/x.npy: a link that leads out of .*; allowed are files in this folder", _refused(core))
    image.unlink()
    image.mkdir()
    assert _refused(core) == "vectors/x.npy: not a regular file; compile again, or copy all of the folder"
    image.rmdir()
    os.mkfifo(image)
    assert _refused(core) == "vectors/x.npy: not a regular file; compile again, or copy all of the folder"
    image.unlink()
    image.symlink_to("y.npy")
    manifest = read_manifest(core)
    network.write_bytes(network.read_bytes() + b" ")
    with pytest.raises(
        InputError, match=r"network.safetensors: SHA-256 is [0-9a-f]{16}\.\.\., the manifest says .* changed"
    ):
        check_sources(core, manifest)


def test_no_manifest(tmp_path: Path) -> None:
    assert _refused(tmp_path / "core") == "manifest.json: not found; name a folder that `hdlgen compile` wrote"
    (tmp_path / "core").mkdir()
    path = tmp_path / "core" / "manifest.json"
    for content, said in (
        (b"{\xff", "cannot be read as JSON: 'utf-8' codec"),
        (b"[" * 100000, "cannot be read as JSON: "),
        (b'{"a": 1, "a": 2}', "cannot be read as JSON: the name 'a' stands twice in one object"),
        (b'{"a": ' + b"9" * 5000 + b"}", "cannot be read as JSON: "),
        (b"[]", "content is []; allowed: an object with format_version, "),
        (b" " * (1 << 25) + b"{}", "has more than 33,554,432 bytes"),
    ):
        path.write_bytes(content)
        assert _refused(tmp_path / "core").startswith(f"manifest.json: {said}")
    path.unlink()
    os.mkfifo(path)
    assert _refused(tmp_path / "core") == "manifest.json: not a regular file"
