"""The steps of a tensor core are those of its program, to the cycle: in a frame and as the next begins, whatever comes
when, resets included."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Array, Assert, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from amaranth.sim import Simulator

from hdlgen.compiler import Options
from hdlgen.compiler.tensor import compile_tensor
from hdlgen.compiler.tensor.job import Job
from hdlgen.compiler.tensor.program import START, TensorProgram
from hdlgen.gateware.tensor.sequencer import FLAGS, TensorSequencer

from ..mixed import conv, make_mixed, pool
from . import prover
from .prover import Fault

FIRST = START + 2
"""Cycles from ``reserve`` to the first step."""


@dataclass(frozen=True, kw_only=True)
class Quick(TensorProgram):
    """What is written arrives sooner: the sequencer knows no more of it."""

    def settle(self, job: Job) -> int:
        return 3


@cache
def programs() -> dict[str, TensorProgram]:
    padded = [conv(2, 2, 2, padding=(1, 0, 0, 1), stride=(2, 2))]
    pooled = [conv(3, 1, 1), pool(1, 2), conv(1, 1, 1)]
    networks = {
        "padded": make_mixed(padded, inputs=6, shape=(2, 3, 1)),
        "pooled": make_mixed(pooled, inputs=2, shape=(1, 2, 1)),
    }
    made = {name: compile_tensor(network, Options(lanes=2)) for name, network in networks.items()}
    return {name: Quick(**vars(program)) for name, program in made.items()}


def schedule(program: TensorProgram) -> list[dict[str, int]]:
    """What is issued in each cycle from ``reserve`` on, until the next frame can begin."""
    cycles: list[dict[str, int]] = [{} for _ in range(program.frame_cycles + 1)]
    start = 0
    for number, job in enumerate(program.jobs):
        element, inside, word = (array.reshape(-1, job.steps).tolist() for array in program.reads(job))
        for flush, steps in enumerate(element):
            at = start + FIRST + flush * (job.steps + program.pause(job))
            pooled, group = flush % job.pooled, flush // job.pooled % job.groups
            for step, place in enumerate(steps):
                there = inside[flush][step]
                issued = {"valid": 1, "job": number, "inside": int(there), "word": word[flush][step]}
                cycles[at + step] = issued | ({"element": place} if there else {})
            cycles[at + job.steps - 1] |= {
                "flush": 1,
                "pool_first": int(pooled == 0),
                "pool_last": int(pooled == job.pooled - 1),
                "group_last": int(group == job.groups - 1),
                "final": int(flush == job.flushes - 1),
            }
        cycles[start + FIRST - 1]["begin"] = 1
        start += START + program.work(job) + program.settle(job)
    cycles[program.released + 1]["release"] = 1
    return cycles


class Schedule(wiring.Component):
    """From the cycle of ``reserve`` on everything happens when the program says, and nothing else does."""

    def __init__(self, program: TensorProgram, fault: Fault | None = None):
        self.program, self.fault = program, fault
        super().__init__({"in_valid": In(1), "out_free": In(1)})

    @property
    def ports(self) -> list[Value]:
        return [self.in_valid, self.out_free]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        dut = TensorSequencer(self.program)
        m.submodules.dut, _ = prover.opened(dut, self.fault)
        m.d.comb += [dut.in_valid.eq(self.in_valid), dut.out_free.eq(self.out_free)]
        cycles = schedule(self.program)
        now, start = Signal(range(len(cycles))), Signal()
        m.d.comb += start.eq((now == 0) & self.in_valid & self.out_free)
        with m.If(now == len(cycles) - 1):
            m.d.sync += now.eq(0)
        with m.Elif(start | (now != 0)):
            m.d.sync += now.eq(now + 1)

        def table(values: Sequence[int]) -> Value:
            return Array(Const(value) for value in values)[now]

        m.d.comb += Assert(dut.reserve == start)
        for name in ("valid", "flush", "begin", "release"):
            m.d.comb += Assert(getattr(dut, name) == table([cycle.get(name, 0) for cycle in cycles]))
        for name in ("job", "inside", "word", "element", *FLAGS):
            known = table([int(name in cycle) for cycle in cycles])
            m.d.comb += Assert(~known | (getattr(dut, name) == table([cycle.get(name, 0) for cycle in cycles])))
        return m


def depth(program: TensorProgram) -> int:
    """A frame, and the beginning of another, with cycles of waiting."""
    return program.frame_cycles + 2 * FIRST


def test_schedule(tmp_path: Path) -> None:
    """Of the smaller program: the other takes the solver minutes."""
    specification = Schedule(programs()["padded"])
    prover.prove(specification, tmp_path, ports=specification.ports, depth=depth(specification.program), mode="bmc")


@pytest.mark.parametrize("name", ["padded", "pooled"])
def test_back_to_back(name: str) -> None:
    """Two frames of both in simulation."""
    program = programs()[name]
    cycles, dut = schedule(program), TensorSequencer(program)

    async def bench(ctx) -> None:  # type: ignore[no-untyped-def]
        ctx.set(dut.in_valid, 1)
        ctx.set(dut.out_free, 1)
        for cycle in range(2 * len(cycles)):
            now = cycle % len(cycles)
            wanted = (
                dict.fromkeys(("valid", "flush", "begin", "release"), 0) | cycles[now] | {"reserve": int(now == 0)}
            )
            assert {name: ctx.get(getattr(dut, name)) for name in wanted} == wanted
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def _no_room(m: Module, inner: dict[str, Any]) -> None:
    """A frame begins without room for its results."""
    dut = inner["self"]
    m.d.comb += dut.reserve.eq(~inner["busy"] & dut.in_valid)


def _no_edge(m: Module, inner: dict[str, Any]) -> None:
    """All that is read is inside."""
    m.d.comb += inner["self"].inside.eq(1)


def _no_pause(m: Module, inner: dict[str, Any]) -> None:
    """Sums of a group have less time to leave."""
    m.d.sync += inner["going"].eq(inner["load"] | (inner["going"] & ~inner["done"]))


@pytest.mark.parametrize(("name", "fault"), [("padded", _no_room), ("padded", _no_edge), ("pooled", _no_pause)])
def test_mutants(name: str, fault: Fault, tmp_path: Path) -> None:
    mutant = Schedule(programs()[name], fault)
    prover.refute(mutant, tmp_path, ports=mutant.ports, depth=depth(mutant.program))
