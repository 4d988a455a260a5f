"""The address generator in the simulator, against SciPy's Sobol' sequence and the project's own."""

import random
from functools import cache

import numpy as np
import pytest
from amaranth.sim import Simulator
from scipy.stats import qmc

from hdlgen.gateware.sobol import SobolAddressGenerator, SobolAddressParameters
from hdlgen.topology import sobol

DIMENSIONS = 64
BITS = 10


@cache
def scipy_points() -> np.ndarray:
    """Integers x * 2^BITS, (2^BITS, DIMENSIONS), in SciPy's order, which is Gray's."""
    points = qmc.Sobol(d=DIMENSIONS, scramble=False, bits=BITS).random_base2(BITS)
    return np.floor(points * (1 << BITS)).astype(np.int64)


def scipy_sequence(dimension: int, order: str) -> np.ndarray:
    gray_order = scipy_points()[:, dimension]
    if order == "gray":
        return gray_order
    index = np.arange(len(gray_order))
    natural = np.empty_like(gray_order)
    natural[index ^ (index >> 1)] = gray_order
    return natural


def run(
    parameters: SobolAddressParameters,
    starts: list[tuple[int, int]],
    *,
    idle: float = 0.0,
    stall: float = 0.0,
    seed: int = 0,
) -> tuple[list[list[int]], int]:
    """For each (index, count): the ``count`` points from ``index`` on.

    Returns the points per start and the number of cycles from the first start to the last point. The next start
    coincides with the transfer of the last point before it.
    """
    dut = SobolAddressGenerator(parameters)
    rng = random.Random(seed)
    received: list[list[int]] = []
    first_cycle = last_cycle = 0

    async def bench(ctx) -> None:
        nonlocal first_cycle, last_cycle
        cycle = 0
        remaining = 0
        pending = list(starts)
        offered = False  # a start once offered stays
        while pending or remaining:
            if remaining <= 1 and pending and not offered:
                offered = rng.random() >= idle
            # The last point of a sequence is taken together with the next start, or alone if there is none.
            ready = remaining > 0 and (remaining > 1 or offered or not pending) and rng.random() >= stall
            ctx.set(dut.start.valid, offered)
            ctx.set(dut.start.payload, pending[0][0] if offered else rng.getrandbits(parameters.index_bits))
            ctx.set(dut.o.ready, ready)
            *_, start_transfer, valid, point = await ctx.tick().sample(
                dut.start.valid & dut.start.ready, dut.o.valid, dut.o.payload
            )
            assert valid == bool(received)  # nothing before the first start, a point in every cycle after it
            if valid and ready:
                received[-1].append(point)
                remaining -= 1
                last_cycle = cycle
            if start_transfer:
                assert remaining == 0
                if not received:
                    first_cycle = cycle
                received.append([])
                remaining = pending.pop(0)[1]
                offered = False
            cycle += 1

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return received, last_cycle - first_cycle


@pytest.mark.parametrize("order", ["natural", "gray"])
@pytest.mark.parametrize("dimension", [0, 1, 2, 3, 5, 8, 13, 21, 34, 37, 63])
def test_equals_scipy(dimension: int, order: str) -> None:
    parameters = SobolAddressParameters(dimension=dimension, bits=BITS, index_bits=BITS, order=order)
    (points,), cycles = run(parameters, [(0, 1 << BITS)])
    assert points == scipy_sequence(dimension, order).tolist()
    # One point per cycle.
    assert cycles == SobolAddressGenerator.LATENCY + (1 << BITS) - 1


@pytest.mark.parametrize("dimension", range(DIMENSIONS))
def test_model_equals_scipy(dimension: int) -> None:
    for order in ("natural", "gray"):
        parameters = SobolAddressParameters(dimension=dimension, bits=BITS, index_bits=BITS, order=order)
        assert [parameters.point(i) for i in range(1 << BITS)] == scipy_sequence(dimension, order).tolist()


@pytest.mark.parametrize("order", ["natural", "gray"])
@pytest.mark.parametrize(("idle", "stall"), [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.3, 0.3), (0.0, 0.9)])
@pytest.mark.parametrize(
    ("dimension", "bits", "index_bits"), [(3, 10, 10), (7, 4, 13), (12, 13, 4), (40, 1, 1), (1, 16, 24)]
)
def test_starts_and_stalls(dimension: int, bits: int, index_bits: int, order: str, idle: float, stall: float) -> None:
    seed = 1000 * dimension + bits
    rng = random.Random(seed)
    parameters = SobolAddressParameters(dimension=dimension, bits=bits, index_bits=index_bits, order=order)
    modulus = 1 << index_bits
    # The last start runs over the end of the index range.
    starts = [(rng.randrange(modulus), rng.randrange(1, 30)) for _ in range(10)] + [(modulus - 1, 5)]
    received, cycles = run(parameters, starts, idle=idle, stall=stall, seed=seed)
    for (start, count), points in zip(starts, received, strict=True):
        # The project's own sequence, wrapped at the end of the index range.
        indices = [(start + n) % modulus for n in range(count)]
        expected = [int(sobol.points(dimension, i, 1, bits, order)[0]) for i in indices]
        assert points == expected
        assert points == [parameters.point(start + n) for n in range(count)]
    if not idle and not stall:
        assert cycles == SobolAddressGenerator.LATENCY + sum(count for _, count in starts) - 1


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"bits": 0}, ValueError, "bits must be at least 1, not 0"),
        ({"index_bits": -3}, ValueError, "index_bits must be at least 1, not -3"),
        ({"order": "grey"}, ValueError, "order must be one of natural, gray, not 'grey'"),
        ({"bits": 8.0}, TypeError, "bits must be an integer, not 8.0"),
        ({"dimension": True}, TypeError, "dimension must be an integer, not True"),
        ({"dimension": -1}, ValueError, "dimension is -1; allowed: 0..1023"),
        ({"bits": 65}, ValueError, "bits is 65; allowed: 0..64"),
    ],
)
def test_refuses(change: dict, error: type[Exception], message: str) -> None:
    values = {"dimension": 1, "bits": 8, "index_bits": 8, "order": "natural"} | change
    with pytest.raises(error) as caught:
        SobolAddressParameters(**values)
    assert str(caught.value) == message
