"""Cores behind the registers of a bus, simulated with masters and a driver: every answer is the golden model's."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hdlgen.emit import compile_to
from hdlgen.emit.manifest import read_manifest
from hdlgen.flow.patch import patch
from hdlgen.network import Activation, Network

from ..compiler.recurrent import layer, make_recurrent
from ..layered import mixture
from ..mixed import conv, dense, make_mixed, path, pool, rnn
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


OTHERS: dict[str, tuple[Callable[[], Network], int]] = {
    "tensors": (lambda: make_mixed([conv(8, 3, 3), pool(2, 2), dense(5, None)], inputs=72, shape=(6, 6, 2)), 32),
    "paths": (lambda: make_mixed([path(16), path(8, None)], inputs=16), 32),
    "paths, recurrent layers, edges": (lambda: make_mixed([path(12), rnn(8), dense(5, None)], inputs=16), 32),
    "long sums": (
        lambda: make_mixed(
            [dense(12, Activation(bits=16, shift=1)), dense(5, None, weight_bits=16)], inputs=16, bits=16
        ),
        64,
    ),
}


@pytest.mark.parametrize("bus", ["axi-lite", "wishbone"])
@pytest.mark.parametrize("core", OTHERS)
def test_other_cores(core: str, bus: str, tmp_path: Path) -> None:
    make, result_bits = OTHERS[core]
    compile_to(make(), tmp_path / "core", lanes=4, bus=bus)
    manifest = read_manifest(tmp_path / "core")
    assert manifest.output.bits == result_bits
    (tmp_path / "sim").mkdir()
    assert simulate(tmp_path / "core", tmp_path / "sim") == dict.fromkeys(TESTS)
