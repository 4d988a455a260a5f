"""A core behind the registers of a bus, in simulation: masters that others wrote, and the C driver on them.

Runs inside of the simulator; `tests/bus/simulation.py` starts it.
"""

import os
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.task import bridge, resume
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge

from hdlgen import golden
from hdlgen.emit.manifest import Manifest, read_manifest
from tests.bus.driver import Driver

DESIGN = Path(os.environ.get("BUS_DESIGN", "."))
LIBRARY = Path(os.environ.get("BUS_DRIVER", "."))
IMAGE = os.environ.get("BUS_IMAGE", "")

CONTROL, STATUS, CYCLES, CLASS, RESULT, DATA, LOAD_COMMAND = 0x14, 0x18, 0x1C, 0x20, 0x28, 0x2C, 0x44
READY, WAITS, DONE, ERROR = 1, 2, 4, 8


class Axi:
    """cocotbext-axi."""

    def __init__(self, dut: Any):
        from cocotbext.axi import AxiLiteBus, AxiLiteMaster

        self.master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.clk, dut.rst)
        for part in (self.master.write_if, self.master.read_if):
            part.log.setLevel("WARNING")  # it tells of every access

    def pause(self, seed: int) -> None:
        """Gaps and back-pressure on all five channels."""
        parts = self.master.write_if, self.master.read_if
        names = (("aw", "w", "b"), ("ar", "r"))
        channels = [getattr(part, f"{name}_channel") for part, own in zip(parts, names, strict=True) for name in own]
        for number, channel in enumerate(channels):
            generator = random.Random(seed + number)
            channel.set_pause_generator(iter(lambda generator=generator: generator.random() < 0.5, None))

    async def read(self, address: int) -> tuple[int, bool]:
        found = await self.master.read(address, 4)
        return int.from_bytes(found.data, "little"), int(found.resp) == 0

    async def write(self, address: int, value: int) -> bool:
        return int((await self.master.write(address, value.to_bytes(4, "little"))).resp) == 0

    async def write_part(self, address: int, mask: int, value: int) -> bool:
        """Consecutive bytes of a word."""
        first, count = (mask & -mask).bit_length() - 1, mask.bit_count()
        part = value.to_bytes(4, "little")[first : first + count]
        return int((await self.master.write(address + first, part)).resp) == 0


class Wb:
    """cocotbext-wishbone."""

    def __init__(self, dut: Any):
        from cocotbext.wishbone.driver import WishboneMaster

        names = {"cyc": "cyc", "stb": "stb", "we": "we", "adr": "adr", "datwr": "dat_w", "datrd": "dat_r"}
        names |= {"ack": "ack", "err": "err", "sel": "sel"}
        self.master = WishboneMaster(dut, "wb", dut.clk, width=32, timeout=1000, signals_dict=names)
        self.random: random.Random | None = None

    def pause(self, seed: int) -> None:
        self.random = random.Random(seed)

    async def _one(self, address: int, value: int | None, mask: int = 15) -> Any:
        from cocotbext.wishbone.driver import WBOp

        idle = self.random.randrange(4) if self.random else 0
        (found,) = await self.master.send_cycle([WBOp(adr=address >> 2, dat=value, sel=mask, idle=idle)])
        assert int(found.ack) in (1, 2)
        return found

    async def read(self, address: int) -> tuple[int, bool]:
        found = await self._one(address, None)
        return int(found.datrd), int(found.ack) == 1

    async def write(self, address: int, value: int) -> bool:
        return int((await self._one(address, value)).ack) == 1

    async def write_part(self, address: int, mask: int, value: int) -> bool:
        return int((await self._one(address, value, mask)).ack) == 1


class Bench:
    """The core, reset, with a master; counts what moves on the core's own streams."""

    def __init__(self, dut: Any):
        self.dut = dut
        self.manifest: Manifest = read_manifest(DESIGN)
        assert self.manifest.bus is not None
        self.kind = self.manifest.bus.kind
        vectors = {name: np.load(DESIGN / file).astype(np.int64) for name, file in self.manifest.vectors.items()}
        self.x, self.y = vectors["x"], vectors["y"]
        self.lengths = vectors.get("lengths", np.ones(len(self.x), np.int64))
        self.refused = 0

    @classmethod
    async def start(cls, dut: Any) -> "Bench":
        bench = cls(dut)
        cocotb.start_soon(Clock(dut.clk, 10, "ns").start())
        dut.rst.value = 1
        bench.bus = Axi(dut) if bench.kind == "axi-lite" else Wb(dut)
        await ClockCycles(dut.clk, 4)
        dut.rst.value = 0
        await ClockCycles(dut.clk, 2)
        return bench

    def driver(self) -> Driver:
        """To be used within `bridge`: the driver knows nothing of time."""

        @resume
        async def read(address: int) -> int:
            value, good = await self.bus.read(address)
            self.refused += not good
            return value

        @resume
        async def write(address: int, value: int) -> None:
            self.refused += not await self.bus.write(address, value)

        driver = Driver(LIBRARY, read, write)
        driver.core.patience = 100_000
        return driver

    def bytes_of(self, row: np.ndarray) -> bytes:
        form = self.manifest.input
        return row.astype(f"<{'i' if form.signed else 'u'}{form.bytes_per_element}").tobytes()

    def words(self, row: np.ndarray) -> list[int]:
        form = self.manifest.input
        size = -(-form.beats * form.beat_bits // 32) * 4
        return np.frombuffer(self.bytes_of(row).ljust(size, b"\0"), "<u4").tolist()

    def sequences(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Each with its answers: one, or one for each step."""
        starts = np.concatenate([[0], np.cumsum(self.lengths)])
        every = self.manifest.every_step
        return [
            (self.x[begin:end], self.y[begin:end] if every else self.y[number : number + 1])
            for number, (begin, end) in enumerate(pairwise(starts))
        ]

    def send(self, driver: Driver, row: np.ndarray, last: bool) -> None:
        frame = self.bytes_of(row)
        assert (driver.put_step(frame, last) if self.manifest.sequential else driver.put(frame)) == 0

    def compare(self, driver: Driver, y: np.ndarray, all_results: bool) -> None:
        """The next answer is ``y``."""
        if all_results:
            found, values, answer = driver.results(len(y))
            assert (found, values.tolist()) == (0, y.tolist())
        else:
            found, answer = driver.classify()
            assert found == 0
        assert (answer.number, answer.score) == (int(np.argmax(y)), int(y.max()))

    def ask(self, driver: Driver, steps: np.ndarray, answers: np.ndarray, all_results: bool) -> None:
        """Send a sequence, or a frame, and compare what comes."""
        for number, row in enumerate(steps):
            last = number == len(steps) - 1
            self.send(driver, row, last)
            if last or self.manifest.every_step:
                self.compare(driver, answers[number if self.manifest.every_step else 0], all_results)


@cocotb.test()
async def identity_and_errors(dut: Any) -> None:
    """What never changes; what is in no register, or only a part of one, is an error and does nothing."""
    bench = await Bench.start(dut)
    bus, manifest = bench.bus, bench.manifest
    form, wide = manifest.input, manifest.output.bits == 64
    features = 1 | manifest.sequential << 8 | manifest.every_step << 9 | manifest.weights.loadable << 10 | wide << 11
    constants = [0x474C4448, features | form.signed << 12 | form.beat_bits // 8 << 16]
    constants += [int.from_bytes(manifest.identity[:4], "little"), -(-form.beats * form.beat_bits // 32)]
    constants += [manifest.output.width]
    for number, value in enumerate(constants):
        assert await bus.read(4 * number) == (value, True)
        assert not await bus.write(4 * number, 0)
    readable = {4 * number for number in range(10)}
    readable |= {0x34, 0x38} if wide else set()
    readable |= {0x30} if manifest.weights.source != "rom" else set()
    writable = {CONTROL, STATUS, DATA} | ({0x40, LOAD_COMMAND} if manifest.weights.loadable else set())
    for address in range(0, 256, 4):
        found = await bus.read(address)
        assert found[1] == (address in readable), f"read of 0x{address:02x}"
        if address not in readable:
            assert found[0] == 0 or address == RESULT
        if address not in writable:
            assert not await bus.write(address, 0xFFFFFFFF), f"write of 0x{address:02x}"
    for address in sorted(writable):
        for mask in (1, 2, 4, 8, 3, 6, 12, 7, 14):
            assert not await bus.write_part(address, mask, 0xFFFFFFFF)
    assert (await bus.read(CONTROL))[0] == 0
    assert (await bus.read(STATUS))[0] & 0xFF == READY
    assert await bus.write(CONTROL, 6)
    assert (await bus.read(CONTROL))[0] == 6


@cocotb.test()
async def all_answers(dut: Any) -> None:
    """The C driver on this bus: every result is the golden model's, and the cycles are those that passed."""
    bench = await Bench.start(dut)
    log: dict[str, Any] = {"now": 0, "first": None, "cycles": []}

    async def watch() -> None:
        while True:
            await RisingEdge(dut.clk)
            log["now"] += 1
            core = dut.core
            if core.s_axis_tvalid.value == 1 and core.s_axis_tready.value == 1 and log["first"] is None:
                log["first"] = log["now"]
            if core.m_axis_tvalid.value == 1 and core.m_axis_tready.value == 1 and core.m_axis_tlast.value == 1:
                log["cycles"].append(log["now"] - log["first"])
                log["first"] = None

    cocotb.start_soon(watch())

    @bridge
    def run() -> None:
        driver = bench.driver()
        assert driver.open(0, int.from_bytes(bench.manifest.identity[:4], "little")) == 0
        driver.core.patience = 100_000
        for number, (steps, answers) in enumerate(bench.sequences()):
            bench.ask(driver, steps, answers, number % 2 == 0)

    await run()
    assert bench.refused == 0
    cycles, good = await bench.bus.read(CYCLES)
    assert good
    # The counter is cleared with DONE: the last answer's number was read by the driver, and is compared below.
    assert cycles == 0
    x, _ = bench.sequences()[0]

    @bridge
    def again() -> int:
        driver = bench.driver()
        assert driver.open() == 0
        driver.core.patience = 100_000
        bench.send(driver, x[0], True)
        _, _, answer = driver.results(bench.manifest.output.width)
        return int(answer.cycles)

    log["first"] = None
    counted = await again()
    assert counted == log["cycles"][-1]
    assert counted >= bench.manifest.latency_cycles


@cocotb.test()
async def gaps_and_pauses(dut: Any) -> None:
    """The same with a master that waits, and is waited for."""
    bench = await Bench.start(dut)
    bench.bus.pause(1)

    @bridge
    def run() -> None:
        driver = bench.driver()
        assert driver.open() == 0
        driver.core.patience = 100_000
        for number, (steps, answers) in enumerate(bench.sequences()[:3]):
            bench.ask(driver, steps, answers, number % 2 == 1)

    await run()
    assert bench.refused == 0


@cocotb.test()
async def full(dut: Any) -> None:
    """Nobody reads: the core fills up, words are refused with an error, and what was taken is answered."""
    bench = await Bench.start(dut)
    bus, answers = bench.bus, []

    async def room() -> bool:
        for _ in range(4 * bench.manifest.latency_cycles // 4):
            if (await bus.read(STATUS))[0] & READY:
                return True
        return False

    async def send(steps: np.ndarray, wanted: np.ndarray) -> bool:
        for number, row in enumerate(steps):
            if bench.manifest.sequential:
                assert await bus.write(CONTROL, 8 * (number == len(steps) - 1))
            for word in bench.words(row):
                if not await room():
                    return False
                assert await bus.write(DATA, word)
            if bench.manifest.every_step or number == len(steps) - 1:
                answers.append(wanted[number if bench.manifest.every_step else 0])
        return True

    for steps, wanted in bench.sequences():
        if not await send(steps, wanted):
            break
    status, _ = await bus.read(STATUS)
    if not status & READY:
        assert not await bus.write(DATA, 0)
        assert (await bus.read(STATUS))[0] & ERROR
        assert await bus.write(STATUS, ERROR)
    assert not (await bus.read(STATUS))[0] & ERROR

    @bridge
    def run() -> None:
        driver = bench.driver()  # not opened: that would reset the core
        driver.core.results = bench.manifest.output.width
        driver.core.features = 1 | (bench.manifest.output.bits == 64) << 11
        for wanted in answers:
            bench.compare(driver, wanted, True)

    await run()
    assert answers
    assert bench.refused == 0


@cocotb.test()
async def reset_in_a_frame(dut: Any) -> None:
    """A reset at any place forgets the frame, in the core as in the registers; so does one of the bus."""
    bench = await Bench.start(dut)
    steps, wanted = bench.sequences()[0]
    words = bench.words(steps[0])
    for place in range(3):
        for word in words[: 1 + place * (len(words) - 1) // 2]:
            assert await bench.bus.write(DATA, word)
        await ClockCycles(dut.clk, place * bench.manifest.latency_cycles)
        if place == 1:
            dut.rst.value = 1
            await ClockCycles(dut.clk, 3)
            dut.rst.value = 0
            await ClockCycles(dut.clk, 2)
        else:
            assert await bench.bus.write(CONTROL, 1)
        assert (await bench.bus.read(STATUS))[0] & 0x3F == READY

        @bridge
        def run() -> None:
            driver = bench.driver()
            assert driver.open() == 0
            driver.core.patience = 100_000
            bench.ask(driver, steps, wanted, True)

        await run()
    assert bench.refused == 0


@cocotb.test()
async def interrupt(dut: Any) -> None:
    """It comes with the answer if it was asked for, and goes with DONE."""
    bench = await Bench.start(dut)
    bus, manifest = bench.bus, bench.manifest
    for on in (0, 4):
        steps, _ = bench.sequences()[0]
        for number, row in enumerate(steps):
            assert await bus.write(CONTROL, 2 | on | 8 * (manifest.sequential and number == len(steps) - 1))
            for word in bench.words(row):
                while not (await bus.read(STATUS))[0] & READY:
                    pass
                assert await bus.write(DATA, word)
            if number < len(steps) - 1 and manifest.every_step:
                while not (await bus.read(STATUS))[0] & DONE:
                    pass
                assert await bus.write(STATUS, DONE)
        while not (await bus.read(STATUS))[0] & DONE:
            pass
        await ReadOnly()
        assert int(dut.irq.value) == (on != 0)
        await RisingEdge(dut.clk)
        assert await bus.write(STATUS, DONE)
        await RisingEdge(dut.clk)
        assert int(dut.irq.value) == 0


@cocotb.test(skip=not IMAGE)
async def other_weights(dut: Any) -> None:
    """Weights come over the bus, are refused if a bit is wrong, and are in force from then on."""
    bench = await Bench.start(dut)
    from hdlgen.network import load

    other = read_manifest(IMAGE)
    image = (Path(IMAGE) / str(other.weights.image)).read_bytes()
    y = golden.evaluate(load(Path(IMAGE) / other.network.file), bench.x)
    assert not np.array_equal(y, bench.y)

    @bridge
    def run() -> None:
        driver = bench.driver()
        assert driver.open() == 0
        driver.core.patience = 100_000
        broken = bytes([*image[:9], image[9] ^ 4, *image[10:]])
        assert driver.load(broken) == -7
        for weights, answers in ((None, bench.y), (image, y)):
            assert weights is None or driver.load(weights) == 0
            for row, wanted in zip(bench.x[:3], answers, strict=False):
                bench.send(driver, row, True)
                bench.compare(driver, wanted, True)

    await run()
    assert bench.refused == 0
    assert (await bench.bus.read(0x30)) == (int.from_bytes(image[-4:], "little"), True)
