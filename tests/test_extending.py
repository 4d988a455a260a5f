"""The code of docs/extending.md, as it stands there: kinds of connections and of layers from outside of the package."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

DOCUMENT = Path(__file__).parents[1] / "docs" / "extending.md"
SIMULATOR = "icarus" if shutil.which("iverilog") is not None else "verilator"


def test_the_document_runs(tmp_path: Path) -> None:
    """In an interpreter of its own: what it registers is known from then on."""
    blocks = re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    code = "\n".join(blocks)
    # It has to say what it found, block by block.
    assert code.count("\nassert ") + code.count("    assert ") >= 12
    script = tmp_path / "extending.py"
    script.write_text(f'SIMULATOR = "{SIMULATOR}"\n{code}\nprint("done")\n', encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ,
        check=False,
    )
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["done"]), done.stderr[-2000:]


def test_counted_edits() -> None:
    """The places that the document names for an engine: each has a line for every one, and there are no others."""
    package = DOCUMENT.parents[1] / "hdlgen"
    engines = sorted(folder.name for folder in (package / "compiler").iterdir() if (folder / "program.py").is_file())
    assert engines == ["delay", "draw", "gather", "path", "scan", "spatial", "spot", "tensor", "unit"]
    named = {
        file.relative_to(package).as_posix()
        for file in package.rglob("*.py")
        if all(re.search(rf'"{name}":|\b{name}\.ENGINE\b', file.read_text(encoding="utf-8")) for name in engines)
    }
    assert named == {"compiler/plan.py", "gateware/chain.py", "emit/stages.py"}
