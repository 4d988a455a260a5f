"""`hdlgen check DIR`: a design is compiled again, and every file compared."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdlgen.cli import main
from hdlgen.emit import compile_to
from hdlgen.flow.patch import patch
from hdlgen.flow.verify import foreign_files
from hdlgen.network import load

from ..compiler.networks import make
from ..recurrent import make as recurrent
from .small_core import rehash

VECTORS = Path(__file__).parents[1] / "vectors"


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("design") / "core"
    compile_to(make((12, 10, 4), 32), folder, lanes=4, source="ram", target="ecp5-25k")
    return folder


@pytest.fixture
def core(design: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(design, tmp_path / "core"))


def _run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["check", *map(str, arguments)])
    return int(str(caught.value.code))


def test_what_hdlgen_wrote(core: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(core) == 0
    assert capsys.readouterr().out == f"{core}: every file is what hdlgen writes for the network and options in it\n"
    # With other weights, and of another version; other files are nobody's business.
    patch(core, make((12, 10, 4), 32, seed=5), tmp_path / "patched")
    (tmp_path / "patched" / "simulate.json").write_text("{}")
    content = json.loads((tmp_path / "patched" / "manifest.json").read_text()) | {"hdlgen_version": "0.0.1"}
    (tmp_path / "patched" / "manifest.json").write_text(json.dumps(content))
    assert foreign_files(tmp_path / "patched") == ()


def test_sequences(tmp_path: Path) -> None:
    band = {"cell": "gru", "width": 4, "band": 3, "shift": 2}
    network = recurrent(np.random.default_rng(0), inputs=4, bands=[band])
    compile_to(network, tmp_path / "core", lanes=2, results="step", seed=7)
    assert foreign_files(tmp_path / "core") == ()


@pytest.mark.parametrize("hidden", [False, True])
def test_files_that_were_changed(core: Path, hidden: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where the manifest has their new hashes, or names files of its own."""
    source = next((core / "rtl").glob("hdlgen_*.v"))
    source.write_text(source.read_text().replace("endmodule", 'initial $system("true");\nendmodule', 1))
    (core / "sim" / "test_core.py").write_text("raise SystemExit\n")
    changes: dict[str, Any] = {}
    if hidden:
        (core / "rtl" / "more.v").write_text("module more; endmodule\n")
        manifest = json.loads((core / "manifest.json").read_text())
        changes = {
            "sources": [*manifest["sources"], "rtl/more.v"],
            "sources_sha256": {**manifest["sources_sha256"], "rtl/more.v": ""},
        }
        rehash(core, **changes)
    wrong = [f"rtl/{source.name}", *(["rtl/more.v"] if hidden else []), "sim/test_core.py"]
    assert _run(core) == 1
    said = capsys.readouterr().err
    assert said.endswith(
        f" writes for the network and options in it: {', '.join((['manifest.json'] * hidden) + wrong)}\n"
    )
    assert len(said.splitlines()) == 1


def test_vectors_links_and_missing_files(core: Path, capsys: pytest.CaptureFixture[str]) -> None:
    y = core / "vectors" / "y.npy"
    y.write_bytes(y.read_bytes()[:-1] + b"\1")
    image = next((core / "images").glob("*.hex"))
    shutil.copy(image, core / "same")
    image.unlink()
    image.symlink_to(core / "same")
    assert set(foreign_files(core)) == {"vectors/y.npy", f"images/{image.name}"}
    (core / "sim" / "test_core.py").unlink()
    assert "sim/test_core.py" in foreign_files(core)


def test_no_design(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(tmp_path) == 2
    assert capsys.readouterr().err == (
        f"hdlgen: {tmp_path / 'manifest.json'}: not found; name a folder that `hdlgen compile` wrote\n"
    )
    assert _run(tmp_path, "--json") == 2
    assert capsys.readouterr().err == f"hdlgen: --json: {tmp_path} is a folder; allowed with networks\n"
    compile_to(load(VECTORS / "tiny.safetensors"), tmp_path / "core", lanes=4)
    (tmp_path / "core" / "manifest.json").write_text("{}")
    assert _run(tmp_path / "core") == 2
