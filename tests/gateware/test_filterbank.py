"""The filter bank in hardware, against its definition."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from hdlgen.gateware.filterbank import Bank, cycles
from hdlgen.network import FilterBank

BANK = FilterBank.design(rate=16000, hop=5, low=500, high=3000, bands=3, level=0, hang=2)


def heard(bank: FilterBank, samples: np.ndarray) -> list[tuple[list[int], bool]]:
    """The values of each step that leaves, and whether it is the last of its sequence."""
    dut = Bank(bank)
    found, step = [], list[int]()

    async def bench(ctx: Any) -> None:
        for sample in [*samples.tolist(), 0]:  # the values of the last step leave while one more comes
            ctx.set(dut.data, sample)
            for cycle in range(cycles(bank)):
                ctx.set(dut.valid, cycle == 0)
                valid, value, end, last = (await ctx.tick().sample(dut.o_valid, dut.o, dut.o_end, dut.last))[2:]
                if valid:
                    step.append(value)
                    if end:
                        found.append((step.copy(), bool(last)))
                        step.clear()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert not step
    return found


@pytest.mark.parametrize("hang", [1, 2])
def test_steps(hang: int) -> None:
    """Noise of all loudnesses, whole scale and silence; steps of sequences alone, the last of each told."""
    rng = np.random.default_rng(3)
    loudness = np.repeat([0, 1e5, 10, 0, 3, 900, 0, 0, 1e5, 20, 0, 0, 0], 5)
    samples = np.clip(rng.normal(0, 1, len(loudness)) * loudness, -(1 << 15), (1 << 15) - 1).astype(np.int16)
    logarithms = BANK.logarithms(samples)
    moved = replace(BANK, offset=(100, 130, 200), hang=hang)
    bank = replace(moved, level=int(np.median(moved.values(logarithms).sum(axis=1))))
    expected = bank.cut(bank.values(logarithms))
    assert len(expected) > 1
    found = heard(bank, samples)
    assert [row for row, _ in found] == np.concatenate(expected).tolist()
    ends = np.cumsum([len(sequence) for sequence in expected]).tolist()
    quiet = bank.values(logarithms)[-hang:].sum(axis=1) < bank.level
    assert [number for number, (_, last) in enumerate(found, 1) if last] == ends[: None if quiet.all() else -1]
    values = np.concatenate(expected)
    assert (values.min(), values.max()) == (-128, 127)
