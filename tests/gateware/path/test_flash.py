"""Weights from a flash: a core beside a model of one, pin by pin."""

import itertools
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from hdlgen import golden
from hdlgen.compiler import Options
from hdlgen.compiler.path.compile import compile_paths
from hdlgen.compiler.path.flash import FlashTiming
from hdlgen.compiler.path.program import Program
from hdlgen.gateware.flash import FlashReader
from hdlgen.gateware.path.contents import held
from hdlgen.gateware.path.core import PathCore
from hdlgen.gateware.reload import BEGIN, COMMIT, DATA

from ...compiler.networks import inputs, make
from ..flash_model import FlashModel

ADDRESS = 0x0FF0F8
QUAD = 0x3102
IN_FORCE = 1


class Bench:
    """A core and a flash."""

    def __init__(self, program: Program, flash: FlashModel, quad: int = QUAD) -> None:
        self.program, self.flash, self.quad = program, flash, quad
        self.core = PathCore(program)
        self.now = 0
        self.results: list[int] = []
        self.first_beats: list[int] = []
        self.last_results: list[int] = []

    def run(self, test: Any) -> None:
        simulator = Simulator(self.core)
        simulator.add_clock(self.flash.period * 1e-9)
        simulator.add_testbench(self._surroundings, background=True)
        simulator.add_testbench(test)
        simulator.run()
        assert self.flash.offences == []

    async def _surroundings(self, ctx: Any) -> None:
        core = self.core
        ctx.set(core.flash_address, ADDRESS)
        if self.program.flash_lines == 4:
            ctx.set(core.flash_quad, self.quad)
        ctx.set(core.m_axis_tready, 1)
        begins, driven = True, None
        pins = (core.flash_cs_n, core.flash_clk, core.flash_o, core.flash_oe)
        streams = (core.s_axis_tvalid, core.s_axis_tready, core.s_axis_tlast)
        results = (core.m_axis_tvalid, core.m_axis_tdata, core.m_axis_tlast)
        while True:
            values = (await ctx.tick().sample(*pins, *streams, *results))[2:]
            lines = self.flash.cycle(*values[:4])
            if lines != driven:
                ctx.set(core.flash_i, driven := lines)
            valid, ready, last, given, data, end = values[4:]
            if valid and ready:
                if begins:
                    self.first_beats.append(self.now)
                begins = bool(last)
            if given:
                self.results.append(data - (data >> 31 << 32))
                if end:
                    self.last_results.append(self.now)
            self.now += 1

    async def ready(self, ctx: Any, limit: int) -> bool:
        for _ in range(limit):
            await ctx.tick()
            if ctx.get(self.core.load_state) & IN_FORCE:
                return True
        return False

    async def send(self, ctx: Any, rows: np.ndarray) -> None:
        core, size = self.core, self.program.elements_per_beat
        for row in rows:
            for place in range(0, len(row), size):
                beat = sum(int(element) << 8 * at for at, element in enumerate(row[place : place + size]))
                ctx.set(core.s_axis_tdata, beat)
                ctx.set(core.s_axis_tlast, int(place + size >= len(row)))
                ctx.set(core.s_axis_tvalid, 1)
                await ctx.tick().until(core.s_axis_tready)
            ctx.set(core.s_axis_tvalid, 0)

    async def load(self, ctx: Any, content: bytes) -> None:
        core = self.core
        size = len(core.load_data) // 8
        padded = content + bytes(-len(content) % size)
        words = [int.from_bytes(padded[at : at + size], "little") for at in range(0, len(padded), size)]
        for kind, word in [(BEGIN, 0), *((DATA, word) for word in words), (COMMIT, 0)]:
            ctx.set(core.load_kind, kind)
            ctx.set(core.load_data, word)
            ctx.set(core.load_valid, 1)
            await ctx.tick().until(core.load_ready)
        ctx.set(core.load_valid, 0)
        await ctx.tick().repeat(3)

    async def answers(self, ctx: Any, count: int) -> np.ndarray:
        while len(self.last_results) < count:
            await ctx.tick().repeat(16)
        return np.array(self.results).reshape(-1, self.program.output_width)


def start_cycles(program: Program) -> int:
    return FlashTiming.of(program).start(len(held(program).image))


@pytest.mark.parametrize(
    ("widths", "paths", "weight_bits", "options"),
    [
        ((12, 10, 4), 32, 4, {"lanes": 4}),
        ((12, 10, 4), 32, 4, {"lanes": 4, "flash_lines": 2}),
        ((12, 10, 4), 32, 4, {"lanes": 4, "flash_lines": 4}),
        ((12, 10, 4), 32, 4, {"lanes": 4, "flash_lines": 4, "flash_divide": 4}),
        ((9, 17, 6, 5), 32, 5, {"lanes": 8, "flash_lines": 4}),  # words of 40 bits, three transitions
        ((5, 3), 8, 3, {"lanes": 4, "flash_lines": 4}),  # words of 12 bits, two for an inference
    ],
)
def test_frames(widths: tuple[int, ...], paths: int, weight_bits: int, options: dict[str, Any]) -> None:
    """Every result is right; the latency of a frame alone and the distance of frames back to back are those predicted."""
    network = make(widths, paths, weight_bits=weight_bits)
    program = compile_paths(network, Options(source="flash", **options))
    timing = FlashTiming.of(program)
    bench = Bench(program, FlashModel(held(program).image, ADDRESS, period=20.0))
    x = inputs(network, 14)

    async def test(ctx: Any) -> None:
        assert await bench.ready(ctx, start_cycles(program))
        assert ctx.get(bench.core.load_id) == int.from_bytes(held(program).image[-4:], "little")
        await ctx.tick().repeat(timing.refill)
        await bench.send(ctx, x[:1])
        await bench.answers(ctx, 1)
        await ctx.tick().repeat(timing.refill)
        await bench.send(ctx, x[1:])
        assert np.array_equal(await bench.answers(ctx, len(x)), program.run(x))

    bench.run(test)
    assert bench.last_results[0] - bench.first_beats[0] == program.latency_cycles
    distances = [b - a for a, b in itertools.pairwise(bench.last_results[1:])]
    assert set(distances[5:-3]) == {program.interval_cycles}
    assert program.interval_cycles >= timing.frame
    # The image once, then its weights again and again.
    assert bench.flash.reads[0] == ADDRESS
    assert set(bench.flash.reads[1:]) == {ADDRESS + 8}


@pytest.mark.parametrize(
    ("when", "options"),
    [
        ("before", {"lanes": 4, "flash_lines": 4}),
        ("during", {"lanes": 4}),
        ("after", {"lanes": 8, "elements_per_beat": 4, "flash_lines": 2}),
    ],
)
def test_single_port_ram(when: str, options: dict[str, Any]) -> None:
    """Filled from the flash, which is then left alone; an image through the port counts whenever it comes."""
    network = make((12, 10, 4), 32, shift=2, seed=2)
    program = compile_paths(network, Options(source="spram", fill="flash", **options))
    other = make((12, 10, 4), 32, shift=3, seed=3)
    given = Options(source="spram", fill="flash", **options)
    content = held(compile_paths(other, given, frame=program.frame)).image
    timing = FlashTiming.of(program)
    bench = Bench(program, FlashModel(held(program).image, ADDRESS))
    x = inputs(network, 12)

    async def test(ctx: Any) -> None:
        start = timing.start(len(held(program).image))
        if when == "after":
            assert await bench.ready(ctx, start)
            await bench.send(ctx, x)
            assert np.array_equal(await bench.answers(ctx, len(x)), program.run(x))
            distances = [b - a for a, b in itertools.pairwise(bench.last_results)]
            assert set(distances[6:]) == {program.interval_cycles}
            bench.results.clear()
            bench.last_results.clear()
        elif when == "during":
            while not bench.flash.reads:
                await ctx.tick().repeat(50)
            await ctx.tick().repeat(321)
        await bench.load(ctx, content)
        assert ctx.get(bench.core.load_state) & IN_FORCE
        assert ctx.get(bench.core.load_id) == int.from_bytes(content[-4:], "little")
        await bench.send(ctx, x[:3])
        assert np.array_equal(await bench.answers(ctx, 3), golden.evaluate(other, x[:3]))
        assert len(bench.flash.reads) <= 1
        await ctx.tick().repeat(2 * timing.restart)
        assert ctx.get(bench.core.flash_cs_n)

    bench.run(test)


@pytest.mark.parametrize(("wanted", "told"), [(QUAD, 0), (0x0140, QUAD)])
def test_four_lines_want_their_bit(wanted: int, told: int) -> None:
    """Without QE there are two of the lines only, and nothing takes effect; with the write of its make there are four."""
    program = compile_paths(make((5, 3), 8, weight_bits=3), Options(lanes=4, source="flash", flash_lines=4))
    for quad, ready in ((told, False), (wanted, True)):
        flash = FlashModel(held(program).image, ADDRESS, quad=wanted)
        bench = Bench(program, flash, quad)

        async def test(ctx: Any, bench: Bench = bench, ready: bool = ready) -> None:
            assert await bench.ready(ctx, start_cycles(program)) == ready
            assert bench.flash.commands[:4] == [0xAB, 0x50, bench.quad >> 8, 0x6B]
            assert bool(bench.flash.reads) == ready

        bench.run(test)


def test_the_interval_is_that_of_the_flash() -> None:
    """Where the flash is the slowest part it is never waiting."""
    for lines in (1, 2, 4):
        program = compile_paths(make((12, 10, 4), 32), Options(lanes=4, source="flash", flash_lines=lines))
        assert program.interval_cycles == FlashTiming.of(program).frame
    # A word takes eight cycles, and the engine one: where little is to be read, the input is the slowest part.
    program = compile_paths(make((200, 3), 8), Options(lanes=4, source="flash", flash_lines=4))
    assert program.interval_cycles > FlashTiming.of(program).frame


def test_images_that_are_not_right() -> None:
    """An image that is damaged, or missing, is read again until it is right; until then no frame is computed."""
    network = make((12, 10, 4), 32)
    program = compile_paths(network, Options(lanes=4, source="flash", flash_lines=2))
    good = held(program).image
    damaged = bytearray(good)
    damaged[11] ^= 0x40
    flash = FlashModel(b"", ADDRESS)
    bench = Bench(program, flash)
    x = inputs(network, 2)

    async def test(ctx: Any) -> None:
        await bench.send(ctx, x[:1])
        for content in (b"", bytes(damaged), good[:-1]):
            flash.content = content
            before = len(flash.reads)
            while len(flash.reads) < before + 2:
                assert not await bench.ready(ctx, 100)
        assert bench.results == []
        flash.content = good
        assert await bench.ready(ctx, 2 * start_cycles(program))
        await bench.send(ctx, x[1:])
        assert np.array_equal(await bench.answers(ctx, 2), program.run(x))

    bench.run(test)


@pytest.mark.parametrize("change", [{"LINES": {0x03: 1}}, {"wake": 1e9}])
def test_flashes_that_do_not_answer(change: dict[str, Any]) -> None:
    """One that knows other commands, or does not wake up: no data, and no frame."""
    program = compile_paths(make((12, 10, 4), 32), Options(lanes=4, source="flash"))
    flash = FlashModel(held(program).image, ADDRESS)
    for name, value in change.items():
        setattr(flash, name, value)
    bench = Bench(program, flash)

    async def test(ctx: Any) -> None:
        assert not await bench.ready(ctx, start_cycles(program))
        assert flash.commands[:2] == [0xAB, 0x0B]
        assert flash.reads == []

    bench.run(test)


@pytest.mark.parametrize("dummy", [0, 7, 9])
def test_the_model_counts(dummy: int) -> None:
    """A reader with another number of clocks before the data would read something else."""
    timing = FlashTiming(lines=1, divide=2)
    reader = FlashReader(timing)
    flash = FlashModel(bytes(range(1, 9)), 0x20, late=dummy - 8)
    got = []

    async def test(ctx: Any) -> None:
        ctx.set(reader.address, 0x20)
        ctx.set(reader.begin, 1)
        await ctx.tick()
        ctx.set(reader.begin, 0)
        ctx.set(reader.go, 1)
        while len(got) < 4:
            pins = (reader.flash_cs_n, reader.flash_clk, reader.flash_o, reader.flash_oe)
            values = (await ctx.tick().sample(*pins, reader.valid, reader.byte))[2:]
            ctx.set(reader.flash_i, flash.cycle(*values[:4]))
            if values[4]:
                got.append(values[5])

    simulator = Simulator(reader)
    simulator.add_clock(20e-9)
    simulator.add_testbench(test)
    simulator.run()
    assert got != [1, 2, 3, 4]
