"""Starts `tests/bus/bench.py` on a design."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as XML

from hdlgen.emit.manifest import read_manifest
from hdlgen.flow.building import runtime_objects, tools_for

from .driver import compile_driver

ROOT = Path(__file__).parents[2]

_RUN = """
import sys
from pathlib import Path
from cocotb_tools.runner import get_runner
sources, top, build = sys.argv[1].split(":"), sys.argv[2], Path(sys.argv[3])
runner = get_runner("verilator")
options = ["-Wno-fatal", "-O1", "--public-flat-rw", "-CFLAGS", "-O0"]
runner.build(sources=sources, hdl_toplevel=top, build_dir=build, build_args=options)
folder = build.parent
results = folder / "results.xml"
runner.test(hdl_toplevel=top, test_module="tests.bus.bench", build_dir=build, test_dir=folder, results_xml=results)
"""


def simulate(design: Path, folder: Path, *, image: Path | None = None) -> dict[str, str | None]:
    """Run all tests of the bench. Returns them by name, with what failed.

    Parameters
    ----------
    design: of a core with a bus
    folder: an empty one
    image: another design whose weights are to be loaded
    """
    manifest = read_manifest(design)
    assert manifest.bus is not None
    used, environment = tools_for("verilator", None, folder)
    environment |= {
        "BUS_DESIGN": str(design.resolve()),
        "BUS_DRIVER": str(compile_driver(design, folder)),
        "BUS_IMAGE": "" if image is None else str(image.resolve()),
        "PYTHONPATH": os.pathsep.join([str(ROOT), environment.get("PYTHONPATH", "")]),
    }
    sources = [str((design / name).resolve()) for name in (*manifest.sources, manifest.bus.source)]
    key = {**used, "bus": importlib.metadata.version("cocotb")}
    command = [sys.executable, "-c", _RUN, ":".join(sources), manifest.bus.top, str(folder / "sim_build")]
    with runtime_objects(folder / "sim_build", key), open(folder / "log", "wb") as log:
        subprocess.run(command, env=environment, cwd=folder, stdout=log, stderr=subprocess.STDOUT, check=False)
    results = folder / "results.xml"
    assert results.exists(), (folder / "log").read_text()[-3000:]
    cases = XML.parse(results).getroot().iter("testcase")
    found = {}
    for case in cases:
        wrong = case.find("failure") if case.find("failure") is not None else case.find("error")
        if case.find("skipped") is None:
            found[str(case.get("name"))] = None if wrong is None else str(wrong.attrib)
    return found
