"""Cores behind the registers of a bus, simulated with masters and a driver: every answer is the golden model's."""

from dataclasses import replace
from pathlib import Path

from hdlgen.emit import compile_to
from hdlgen.flow.patch import patch

from ..compiler.recurrent import layer, make_recurrent
from ..layered import mixture
from .simulation import simulate

TESTS = {"identity_and_errors", "all_answers", "gaps_and_pauses", "full", "reset_in_a_frame", "interrupt"}


def test_axi_lite_with_a_load_port(tmp_path: Path) -> None:
    network = mixture()
    compile_to(network, tmp_path / "core", lanes=4, source="ram", bus="axi-lite")
    weights = {name: tensor[::-1] if name.startswith("w") else tensor for name, tensor in network.tensors.items()}
    patch(tmp_path / "core", replace(network, tensors=weights), tmp_path / "other")
    (tmp_path / "sim").mkdir()
    found = simulate(tmp_path / "core", tmp_path / "sim", image=tmp_path / "other")
    assert found == dict.fromkeys({*TESTS, "other_weights"})


def test_wishbone_with_sequences(tmp_path: Path) -> None:
    layers = [layer("gru", 8, band=3, weight_bits=4, in_weight_bits=4)]
    compile_to(make_recurrent(3, layers, (4,), name="steps"), tmp_path / "core", lanes=4, bus="wishbone")
    (tmp_path / "sim").mkdir()
    assert simulate(tmp_path / "core", tmp_path / "sim") == dict.fromkeys(TESTS)
