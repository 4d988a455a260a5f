"""The engine that hdlgen is compared with gives the golden model's results too, in the cycles it claims."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from amaranth.sim import Simulator

from hdlgen import golden
from hdlgen.emit.manifest import check_sources, read_manifest
from hdlgen.network import Activation, InputFormat, Network, SobolTopology, Weighted

SCRIPTS = Path(__file__).parents[2] / "scripts"


def _network() -> Network:
    rng = np.random.default_rng(5)
    return Network(
        name="small",
        input=InputFormat(width=12, bits=8),
        topology=SobolTopology(paths=64, dimensions=(0, 1, 2, 3), log2_slots=(4, 3, 3, 2)),
        layers=(
            Weighted(width=7, weight="w1", bias=None, weight_bits=8, activation=Activation(bits=8, shift=6)),
            # Neighbouring paths meet in the same neuron here: the forwarding path is used.
            Weighted(width=2, weight="w2", bias=None, weight_bits=8, activation=Activation(bits=8, shift=0)),
            Weighted(width=3, weight="w3", bias=None, weight_bits=8, activation=None),
        ),
        tensors={name: rng.integers(-128, 128, 64).astype(np.int8) for name in ("w1", "w2", "w3")},
    )


def test_equals_the_golden_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    network = _network()
    engine = importlib.import_module("baseline.engine").IndexMemoryEngine(network)
    x = np.random.default_rng(6).integers(0, 256, (5, 12))
    got: list[int] = []
    ends: list[int] = []

    async def feed(ctx):  # type: ignore[no-untyped-def]
        for value in x.reshape(-1).tolist():
            ctx.set(engine.s_axis_tdata, value)
            ctx.set(engine.s_axis_tvalid, 1)
            await ctx.tick().until(engine.s_axis_tready)
        ctx.set(engine.s_axis_tvalid, 0)

    async def collect(ctx):  # type: ignore[no-untyped-def]
        ctx.set(engine.m_axis_tready, 1)
        cycle = 0
        while len(ends) < len(x):
            _, _, valid, data, last = await ctx.tick().sample(
                engine.m_axis_tvalid, engine.m_axis_tdata, engine.m_axis_tlast
            )
            cycle += 1
            if valid:
                got.append(data - (1 << 32) if data >> 31 else data)
                assert last == (len(got) % 3 == 0)
            if valid and last:
                ends.append(cycle)

    simulator = Simulator(engine)
    simulator.add_clock(1e-6)
    simulator.add_testbench(feed)
    simulator.add_testbench(collect)
    simulator.run()
    assert np.array_equal(np.array(got).reshape(-1, 3), golden.evaluate(network, x))
    assert len(set(got)) > 3
    assert set(np.diff(ends).tolist()) == {engine.interval_cycles}


def test_the_flow_takes_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is written is a design as `hdlgen compile` writes them."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    written = importlib.import_module("baseline.engine").emit_baseline(_network(), tmp_path / "core")
    manifest = read_manifest(tmp_path / "core")
    assert manifest == written
    check_sources(tmp_path / "core", manifest)
    assert manifest.memory_bits["connectivity"] == 3 * 64 * (4 + 3)
