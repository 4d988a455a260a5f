"""The sources that are synthesised, with the vendors' parts in them, pass the same bench as the generic ones."""

import json
from pathlib import Path
from typing import Any

import pytest

from hdlgen import network as networks
from hdlgen.emit import compile_to
from hdlgen.flow.simulate import simulate

from ..compiler.recurrent import layer, make_recurrent
from . import vendor_models
from .small_core import rehash

VECTORS = Path(__file__).parents[1] / "vectors"


@pytest.mark.parametrize("family", ["ecp5", "ice40"])
def test_recurrent_bit_exact(tmp_path: Path, family: str) -> None:
    """Signed factors in the lanes, and the multipliers of a cell."""
    core = tmp_path / "core"
    compile_to(make_recurrent(3, [layer("gru", 8, band=3)], (3,)), core, lanes=4)
    manifest = json.loads((core / "manifest.json").read_text())
    model = f"rtl/model_{family}.v"
    (core / model).write_text("`timescale 1ns/1ps\n" + getattr(vendor_models, family)())
    rehash(
        core,
        sources=[model, *manifest["synthesis"][family]],
        sources_sha256={**manifest["sources_sha256"], model: ""},
    )
    report = simulate(core)
    assert report.failures == ()
    assert report.results > 20


@pytest.mark.parametrize(
    ("family", "name", "part", "lanes", "memory"),
    [
        ("ecp5", "pow2", "DP16KD", 4, {"source": "ram"}),
        ("ecp5", "wide_weights", "MULT18X18D", 2, {"source": "rom"}),
        ("ice40", "thirds", "SB_SPRAM256KA", 8, {"source": "spram"}),
        ("ice40", "thirds", "SB_SPRAM256KA", 8, {"source": "spram", "fill": "flash", "flash_lines": 4}),
        ("ice40", "wide_weights", "ICESTORM_DSP", 2, {"source": "ram"}),
        # The biases are in block RAM, which is filled from the flash.
        ("ice40", "pow2", "SB_RAM40_4K", 4, {"source": "flash"}),
    ],
)
def test_bit_exact(tmp_path: Path, family: str, name: str, part: str, lanes: int, memory: dict[str, Any]) -> None:
    core = tmp_path / "core"
    network = networks.load(VECTORS / f"{name}.safetensors")
    compile_to(network, core, lanes=lanes, multiplier="dsp", **memory)
    manifest = json.loads((core / "manifest.json").read_text())
    model = f"rtl/model_{family}.v"
    (core / model).write_text("`timescale 1ns/1ps\n" + getattr(vendor_models, family)())
    sources = [model, *manifest["synthesis"][family]]
    assert any(part in (core / source).read_text() for source in sources[1:])
    rehash(core, sources=sources, sources_sha256={**manifest["sources_sha256"], model: ""})
    report = simulate(core, images=5 if memory["source"] == "flash" else 20)
    assert report.failures == ()
    assert report.mismatches == 0
    assert report.results > 20
