"""The parts of the engine, one by one, against a few lines of Python each."""

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from hdlgen.compiler import Options
from hdlgen.compiler.path.compile import compile_paths
from hdlgen.compiler.path.program import Program, Requantise
from hdlgen.gateware.arithmetic import Accumulators
from hdlgen.gateware.kit import Kit
from hdlgen.gateware.path.activations import LaneExchange
from hdlgen.gateware.path.contents import held, weight_words
from hdlgen.gateware.path.drain import Requantiser
from hdlgen.gateware.path.loader import Loader
from hdlgen.gateware.path.results import BankOrder, PartialSums, result_places
from hdlgen.gateware.path.weights import WeightRom
from hdlgen.gateware.primitives import (
    LATENCY,
    Multiplier,
    MultiplierParameters,
    Ram,
    RamParameters,
    Rom,
    RomParameters,
    Store,
    StoreParameters,
)

from ...compiler.networks import input_place, make
from ..bench import frame_beats, simulate


def pack(values: object, bits: int) -> int:
    word = 0
    for place, value in enumerate(values):  # type: ignore[arg-type, var-annotated]
        word |= (int(value) % (1 << bits)) << (place * bits)
    return word


def unpack(word: int, count: int, bits: int, *, is_signed: bool = False) -> list[int]:
    values = [word >> (place * bits) & ((1 << bits) - 1) for place in range(count)]
    return [value - (value >> (bits - 1) << bits) for value in values] if is_signed else values


def pipeline(dut: object, latency: int, rows: list[dict[str, int]], outputs: list[str]) -> list[tuple[int, ...]]:
    """Set ``rows`` cycle by cycle; what ``outputs`` are ``latency`` cycles after each."""
    seen: list[tuple[int, ...]] = []

    async def bench(ctx) -> None:  # type: ignore[no-untyped-def]
        for cycle in range(len(rows) + latency):
            if cycle < len(rows):
                for name, value in rows[cycle].items():
                    ctx.set(getattr(dut, name), value)
            if cycle >= latency:
                seen.append(tuple(int(ctx.get(getattr(dut, name))) for name in outputs))
            await ctx.tick()

    simulate(dut, bench)
    return seen


def with_steps(*steps: tuple[int, int]) -> Program:
    """A program whose hidden layers have these (shift, bits)."""
    program = compile_paths(make((4,) * (len(steps) + 2), 8), Options(lanes=2))
    transitions = list(program.transitions)
    for index, (shift, bits) in enumerate(steps):
        transitions[index] = replace(transitions[index], requantise=Requantise(shift=shift, bits=bits, bias=(0,) * 4))
    layers = [replace(layer, bits=4) for layer in program.layers]
    return replace(program, transitions=tuple(transitions), layers=tuple(layers), sum_bits=7)


class TestRequantiser:
    STEPS = ((0, 4), (1, 2), (3, 3), (6, 1))

    def test_every_value(self) -> None:
        program = with_steps(*self.STEPS)
        dut = Requantiser(program, 5)
        rows, expected = [], []
        for job, (shift, bits) in enumerate(self.STEPS):
            for value in range(-64, 64):
                bias = (value * 5 + job) % 32 - 16
                rows.append({"i": value, "bias": bias, "job": job})
                expected.append((min(max((value + bias) >> shift, 0), (1 << bits) - 1),))
        order = list(range(len(rows)))
        random.Random(1).shuffle(order)
        seen = pipeline(dut, Requantiser.LATENCY, [rows[place] for place in order], ["o"])
        assert seen == [expected[place] for place in order]


@pytest.mark.parametrize("lanes", [1, 2, 4, 8, 16, 32, 64])
def test_lane_exchange(lanes: int) -> None:
    dut = LaneExchange(lanes=lanes, width=7)
    rows: list[dict[str, int]] = [{}]
    expected = []
    generator = random.Random(lanes)
    for select in range(lanes):
        values = [generator.randrange(128) for _ in range(lanes)]
        # A value follows its selection by one cycle.
        rows[-1]["select"] = select
        rows.append({"i": pack(values, 7)})
        expected.append((pack([values[lane ^ select] for lane in range(lanes)], 7),))
    assert pipeline(dut, dut.stages, rows, ["o"])[1:] == expected


@pytest.mark.parametrize(("lanes", "groups"), [(1, 1), (4, 1), (8, 4), (8, 8)])
def test_accumulators(lanes: int, groups: int) -> None:
    dut = Accumulators(lanes=lanes, p_bits=6, sum_bits=12, groups=groups)
    generator = random.Random(groups)
    held = [0] * lanes
    rows, expected = [], []
    for cycle in range(300):
        products = [generator.randrange(-32, 32) for _ in range(lanes)]
        valid, flush = generator.random() < 0.8, generator.randrange(1 << groups)
        flush = (1 << groups) - 1 if cycle % 20 == 0 else flush
        flush = flush if valid else 0  # the contract: a flush is always valid
        rows.append({"i": pack(products, 6), "valid": valid, "flush": flush})
        totals = [held[lane] + products[lane] for lane in range(lanes)]
        expected.append(totals)
        if valid:
            held = [0 if flush >> (lane % groups) & 1 else totals[lane] for lane in range(lanes)]
    seen = pipeline(dut, Accumulators.LATENCY, rows, ["o"])
    for (word,), totals, row in zip(seen, expected, rows, strict=True):
        if row["valid"]:
            assert unpack(word, lanes, 12, is_signed=True) == totals


class TestMultiplier:
    """All kinds, also those of other devices (in test_vendor), multiply alike."""

    @pytest.mark.parametrize(
        ("kind", "a_bits", "w_bits"), [("dsp", 8, 8), ("lut", 4, 3), ("dsp", 1, 1), ("lut", 9, 12), ("add", 5, 2)]
    )
    def test_products(self, kind: str, a_bits: int, w_bits: int) -> None:
        lanes = 3
        parameters = MultiplierParameters(name="m", lanes=lanes, a_bits=a_bits, w_bits=w_bits, kind=kind)
        dut = Multiplier(parameters)
        rows, expected = multiplier_rows(parameters)
        seen = pipeline(dut, LATENCY, rows, ["p"])
        assert [unpack(word, lanes, parameters.p_bits, is_signed=True) for (word,) in seen] == expected


def multiplier_rows(parameters: MultiplierParameters) -> tuple[list[dict[str, int]], list[list[int]]]:
    """Factors, extremes among them, and their products."""
    generator = random.Random(parameters.a_bits)
    bottom, top = 0, (1 << parameters.a_bits) - 1
    if parameters.a_signed:
        bottom, top = -(top + 1) // 2, top // 2
    half = 1 << (parameters.w_bits - 1)
    least, most = (-1, 1) if parameters.kind == "add" else (-half, half - 1)
    rows, products = [], []
    for cycle in range(60):
        extreme = cycle < 4
        a = [(bottom, top)[cycle & 1] if extreme else generator.randint(bottom, top) for _ in range(parameters.lanes)]
        w = [
            (least, most)[cycle >> 1] if extreme else generator.randint(least, most) for _ in range(parameters.lanes)
        ]
        rows.append({"a": pack(a, parameters.a_bits), "w": pack(w, parameters.w_bits)})
        products.append([x * y for x, y in zip(a, w, strict=True)])
    return rows, products


def test_rom() -> None:
    words = tuple((37 * address) % 512 for address in range(23))
    dut = Rom(RomParameters(name="r", depth=23, width=9, init=words))
    rows = [{"enable": 1, "output_enable": 1, "address": (7 * cycle) % 23} for cycle in range(60)]
    assert pipeline(dut, LATENCY, rows, ["data"]) == [(words[row["address"]],) for row in rows]


def test_rom_waits() -> None:
    """Each register keeps its word without its enable."""
    words = tuple(range(100, 116))
    dut = Rom(RomParameters(name="r", depth=16, width=8, init=words))
    rows, expected = rom_rows(words)

    async def bench(ctx) -> None:  # type: ignore[no-untyped-def]
        for row, word in zip(rows, expected, strict=True):
            for name, value in row.items():
                ctx.set(getattr(dut, name), value)
            await ctx.tick()
            if word is not None:
                assert ctx.get(dut.data) == word

    simulate(dut, bench)


def rom_rows(words: tuple[int, ...]) -> tuple[list[dict[str, int]], list[int | None]]:
    """Addresses with enables at random, and the word after each row; the output never moves without the first register."""
    generator = random.Random(len(words))
    first = second = None
    rows, expected = [], []
    for _cycle in range(120):
        address = generator.randrange(len(words))
        enable = generator.random() < 0.7
        output_enable = enable and generator.random() < 0.7
        rows.append({"enable": enable, "output_enable": output_enable, "address": address})
        second = first if output_enable else second
        first = words[address] if enable else first
        expected.append(second)
    return rows, expected


def store_rows(parameters: StoreParameters) -> tuple[list[dict[str, int]], list[int | None]]:
    """Reads and writes at random, never of one word at once; the word after each row, None where it is not known."""
    p = parameters
    generator = random.Random(p.depth)
    depth, mask = p.banks * p.depth, (1 << p.width) - 1
    # Some addresses, in both banks and across the borders of blocks: they are written often enough.
    places = sorted({generator.randrange(depth) for _ in range(12)} | {0, p.depth - 1, depth - 1})
    content: dict[int, int] = {} if p.single_port else dict(enumerate(p.init))
    known = {place: {*range(p.pieces)} if place in content else set() for place in places}
    first: int | None = None
    second: int | None = None
    rows, expected = [], []
    for _cycle in range(600):
        read, write = generator.sample(places, 2)
        writing = generator.random() < 0.5
        # A single port is for one thing at a time.
        enable = generator.random() < 0.7 and not (p.single_port and writing)
        output_enable = generator.random() < 0.7
        pieces = generator.randrange(1, 1 << p.pieces) if writing else 0
        value = generator.randrange(1 << 16)
        rows.append(
            {
                "enable": enable,
                "output_enable": output_enable,
                "address": read,
                "write_enable": pieces,
                "write_address": write,
                "write_data": value,
            }
        )
        second = first if output_enable else second
        if enable:
            first = content[read] if len(known[read]) == p.pieces else None
        elif p.single_port and writing:
            first = None
        for piece in range(p.pieces):
            if pieces >> piece & 1:
                low = 16 * piece
                content[write] = (content.get(write, 0) & ~(0xFFFF << low) | value << low) & mask
                known[write].add(piece)
        expected.append(second)
    return rows, expected


@pytest.mark.parametrize("single_port", [False, True])
@pytest.mark.parametrize(("depth", "width", "banks"), [(9, 40, 2), (5, 16, 1)])
def test_store(depth: int, width: int, banks: int, single_port: bool) -> None:
    init = tuple(3 * number + 1 for number in range(depth))
    parameters = StoreParameters(name="m", depth=depth, width=width, banks=banks, init=init, single_port=single_port)
    rows, expected = store_rows(parameters)
    seen = pipeline(Store(parameters), 1, rows, ["data"])
    compared = [(word, wanted) for (word,), wanted in zip(seen, expected, strict=True) if wanted is not None]
    assert len(compared) > 100
    assert all(word == wanted for word, wanted in compared)


@pytest.mark.parametrize(("depth", "lanes", "bits"), [(8, 4, 5), (5, 1, 9), (2, 8, 1)])
def test_ram(depth: int, lanes: int, bits: int) -> None:
    parameters = RamParameters(name="m", depth=depth, lanes=lanes, bits=bits)
    rows, expected = ram_rows(parameters)
    seen = pipeline(Ram(parameters), LATENCY, rows, ["read_data"])
    assert [word for (word,) in seen[-len(expected) :]] == expected


def ram_rows(parameters: RamParameters) -> tuple[list[dict[str, int]], list[int]]:
    """Fill the memory, then write and read at random, never the same row at once; what the last reads return."""
    generator = random.Random(parameters.depth)
    count, bits = parameters.lanes * parameters.values, parameters.bits
    content = [[0] * count for _ in range(parameters.depth)]
    rows, expected = [], []
    for cycle in range(parameters.depth + 150):
        filling = cycle < parameters.depth
        address = cycle if filling else generator.randrange(parameters.depth)
        enable = (1 << count) - 1 if filling else generator.randrange(1 << count)
        read = (address + generator.randrange(1, parameters.depth)) % parameters.depth
        number = generator.randrange(parameters.values)
        values = [generator.randrange(1 << bits) for _ in range(count)]
        rows.append({"write_enable": enable, "write_address": address, "write_data": pack(values, bits)})
        rows[-1]["read_address"] = read * parameters.values + number
        if not filling:
            expected.append(pack(content[read][number :: parameters.values], bits))
        for place, value in enumerate(values):
            if enable >> place & 1:
                content[address][place] = value
    return rows, expected


class TestWeightRom:
    def play(self, jobs: list[int], ready: Callable[[int], bool], request: Callable[[int], bool]) -> None:
        program = compile_paths(make((8, 8, 4, 4), 32), Options(lanes=4, merge=True))
        blocks = [transition.blocks for transition in program.transitions]
        assert len(set(blocks)) > 1
        words = weight_words(program)
        starts = np.concatenate([[0], np.cumsum(blocks)])
        expected = [word for job in jobs for word in words[starts[job] : starts[job + 1]]]
        dut = WeightRom(program, Kit(held=held(program, "hdlgen")))
        taken: list[int] = []
        self.cycles: list[int] = []
        self.asked: list[int] = []

        async def bench(ctx) -> None:  # type: ignore[no-untyped-def]
            sent, cycle, waiting, following = 0, 0, None, False
            while len(taken) < len(expected) or cycle < 40:
                assert cycle < 3000
                asking = sent < len(jobs) and request(cycle)
                ctx.set(dut.request.valid, asking)
                ctx.set(dut.request.payload, jobs[sent] if asking else 0)
                taking, following = following, ready(cycle + 1)
                ctx.set(dut.o.ready, taking)
                ctx.set(dut.ready_next, following)
                _, _, accepted, valid, word = await ctx.tick().sample(dut.request.ready, dut.o.valid, dut.o.payload)
                if asking and accepted:
                    sent += 1
                    self.asked.append(cycle)
                if waiting is not None:
                    assert (valid, word) == (1, waiting), "an offered word changed"
                waiting = word if valid and not taking else None
                if valid and taking:
                    taken.append(word)
                    self.cycles.append(cycle)
                cycle += 1

        simulate(dut, bench)
        assert taken == expected

    def test_back_to_back(self) -> None:
        """The first word after LATENCY cycles, then one each cycle without a gap."""
        self.play([0, 1, 2, 0, 1, 2, 2, 1], lambda _: True, lambda _: True)
        assert self.cycles[0] - self.asked[0] == WeightRom.LATENCY
        assert np.all(np.diff(self.cycles) == 1)

    @pytest.mark.parametrize("seed", range(3))
    def test_stalls(self, seed: int) -> None:
        generator = random.Random(seed)
        jobs = [generator.randrange(3) for _ in range(20)]
        self.play(jobs, lambda _: generator.random() < 0.4, lambda _: generator.random() < (0.05, 0.3, 1)[seed])


@pytest.mark.parametrize(
    ("widths", "lanes", "elements", "blocks"),
    [
        *(((16, 4), 4, 1, None), ((16, 4), 4, 4, None), ((13, 4), 8, 2, None), ((30, 9), 4, 4, None)),
        *(((3, 2), 8, 2, None), ((5, 3), 1, 4, None), ((13, 4), 8, 2, 99), ((30, 9), 4, 8, 99)),
    ],
)
def test_loader(widths: tuple, lanes: int, elements: int, blocks: int | None) -> None:
    """After two frames every place of every bank holds its element, the second frame in the second buffer."""
    options = Options(lanes=lanes, elements_per_beat=elements, input_buffers=2, wide_blocks=blocks)
    program = compile_paths(make(widths, 64), options)
    assert program.columns == (1 if blocks is None else 4)
    dut = Loader(program)
    layer = program.layers[0]
    generator = random.Random(lanes)
    frames = [[generator.randrange(1, 64) for _ in range(widths[0])] for _ in range(2)]
    beats = [beat for frame in frames for beat in frame_beats(program, frame)]
    memory: dict[tuple[int, int], int] = {}

    async def bench(ctx) -> None:  # type: ignore[no-untyped-def]
        sent = 0
        for _cycle in range(400):
            offering = sent < len(beats) and generator.random() < 0.8
            ctx.set(dut.valid, offering)
            if offering:
                ctx.set(dut.data, beats[sent][0])
                ctx.set(dut.last, beats[sent][1])
            ctx.set(dut.row_soon, generator.random() < 0.2)
            _, _, ready, enable, address, data = await ctx.tick().sample(
                dut.ready, dut.write_enable, dut.write_address, dut.write_data
            )
            sent += offering and ready
            values = unpack(data, elements, program.input_bits)
            for element, mask in enumerate(unpack(enable, elements, lanes)):
                for lane in range(lanes):
                    if mask >> lane & 1:
                        memory[lane, address, element] = values[element]
        assert ctx.get(dut.loaded) == 1
        assert ctx.get(dut.frame_error) == 0

    simulate(dut, bench)
    expected = {
        (lane, *input_place(program, number, lane, row)): frame[neuron]
        for number, frame in enumerate(frames)
        for neuron, lane, row in layer.places()
    }
    assert memory == expected


def test_bank_order() -> None:
    """From reset on its first place, and behind the last one the first one again; a place stays until the step."""
    for widths, lanes in (((16, 12, 10), 8), ((16, 12, 10), 16), ((8, 8, 1), 1), ((8, 8, 7), 4)):
        places = result_places(compile_paths(make(widths, 64), Options(lanes=lanes)).layers[-1])
        dut = BankOrder(places, lanes=lanes)

        async def bench(ctx, dut=dut, places=places) -> None:  # type: ignore[no-untyped-def]
            ctx.set(dut.step, 1)
            for number, place in [*enumerate(places)] * 3:
                seen = tuple(ctx.get(signal) for signal in (dut.lane, dut.row, dut.ends, dut.last))
                assert seen == (place.lane, place.row, place.ends, number + 1 == len(places))
                if number % 3 == 1:
                    ctx.set(dut.step, 0)
                    await ctx.tick()
                    assert seen == tuple(ctx.get(signal) for signal in (dut.lane, dut.row, dut.ends, dut.last))
                    ctx.set(dut.step, 1)
                await ctx.tick()

        simulate(dut, bench)


def test_places_cover_the_layer() -> None:
    """Every neuron ends exactly once, in the order of the neurons."""
    for widths, lanes in (((16, 12, 10), 8), ((9, 7, 3), 16), ((8, 8, 1), 4)):
        layer = compile_paths(make(widths, 64), Options(lanes=lanes)).layers[-1]
        places = result_places(layer)
        assert sum(place.ends for place in places) == layer.width == widths[-1]
        assert len(places) == sum(layer.rows)
        assert places[-1].ends


def test_partial_sums() -> None:
    program = compile_paths(make((16, 12, 10), 64), Options(lanes=8))
    rows, positions = 2, (program.lanes // program.chains - 1).bit_length()
    dut = PartialSums(program, rows=rows, position_bits=positions)
    bits, chains = program.sum_bits, program.chains
    generator = random.Random(3)
    content: dict[tuple[int, int, int], int] = {}

    async def bench(ctx) -> None:  # type: ignore[no-untyped-def]
        for half in range(2):
            for row in range(rows):
                for position in range(program.lanes // chains):
                    values = [generator.randrange(-(1 << (bits - 1)), 1 << (bits - 1)) for _ in range(chains)]
                    for chain, value in enumerate(values):
                        content[half, row, position * chains + chain] = value
                    ctx.set(dut.write_enable, (1 << chains) - 1)
                    ctx.set(dut.write_half, ((1 << chains) - 1) * half)
                    ctx.set(dut.write_row, pack([row] * chains, 1))
                    ctx.set(dut.write_position, pack([position] * chains, positions) if positions else 0)
                    ctx.set(dut.write_value, pack(values, bits))
                    await ctx.tick()
        ctx.set(dut.write_enable, 0)
        ctx.set(dut.read_enable, 1)
        for (half, row, lane), value in content.items():
            ctx.set(dut.read_half, half)
            ctx.set(dut.read_row, row)
            ctx.set(dut.read_lane, lane)
            await ctx.tick().repeat(PartialSums.LATENCY)
            assert ctx.get(dut.o) == value

    simulate(dut, bench)
