"""Staircases: equality is decided over every accumulator, by plain rational arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdlgen.importers.codes import Codes
from hdlgen.importers.integers import staircase
from hdlgen.network import SparseActivation
from hdlgen.quantize.steps import fit
from hdlgen.topology.layered import activate

ROUNDINGS = ["EVEN", "FLOOR", "CEIL", "UP", "DOWN", "HALF_UP", "HALF_DOWN"]


def rounded(value: Fraction, rounding: str) -> int:
    floor, ceil = value.numerator // value.denominator, -(-value.numerator // value.denominator)
    away, toward = (ceil, floor) if value > 0 else (floor, ceil)
    half = value.denominator == 2
    nearest = round(value)
    return {
        "EVEN": nearest,
        "FLOOR": floor,
        "CEIL": ceil,
        "UP": away,
        "DOWN": toward,
        "HALF_UP": away if half else nearest,
        "HALF_DOWN": toward if half else nearest,
    }[rounding]


def quantised(codes: Codes, y: Fraction, rectified: bool) -> int:
    y = max(y, Fraction(0)) if rectified else y
    if codes.zero_after:
        code = rounded(y / codes.scale, codes.rounding) + codes.zero
    else:
        code = rounded(y / codes.scale + codes.zero, codes.rounding)
    return min(max(code, codes.low), codes.high)


def hardware(steps, index: int, activation: SparseActivation, acc: np.ndarray) -> list[int]:
    total = (acc << int(steps.fine[index])) + int(steps.bias[index])
    return activate(activation, steps.multiplier[index], total).tolist()


def check(codes: Codes, gains, offsets, rectified: bool, span: range, finest: int) -> int:
    """How many neurons are equal; those that are said to be have to be."""
    signed = codes.low < 0
    bits = max(codes.high.bit_length() + signed, 1 + signed)
    low = -(1 << (bits - 1)) if signed else 0
    values = range(low + 1, (1 << (bits - signed)))
    stairs = [
        staircase(
            codes.rectified() if rectified else codes,
            gain=gain,
            offset=offset,
            values=values,
            first=span.start,
            last=span.stop - 1,
            less=0,
        )
        for gain, offset in zip(gains, offsets, strict=True)
    ]
    steps = fit(stairs, [finest] * len(gains))
    activation = SparseActivation(
        kind="identity" if signed else "relu",
        bits=bits,
        shift=steps.shift,
        multiplier="m",
        rounding=steps.rounding,
    )
    assert steps.multiplier.min() >= 1
    assert steps.multiplier.max() < 1 << 24
    acc = np.arange(span.start, span.stop)
    for index, (gain, offset) in enumerate(zip(gains, offsets, strict=True)):
        wanted = [quantised(codes, gain * a + offset, rectified) for a in span]
        found = hardware(steps, index, activation, acc)
        assert (found == wanted) == (steps.wrong[index] == 0)
    return int((steps.wrong == 0).sum())


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(ROUNDINGS),
    st.lists(st.tuples(st.floats(1e-3, 2), st.floats(-20, 20)), min_size=1, max_size=3),
    st.floats(0.05, 2),
    st.integers(1, 5),
    st.booleans(),
    st.booleans(),
)
def test_what_is_said_to_be_equal_is(rounding, functions, scale, bits, signed, rectified) -> None:
    codes = Codes.quant(bits + signed, signed=signed, narrow=False, rounding=rounding)
    single = [[Fraction(float(np.float32(value))) for value in pair] for pair in functions]
    scaled = Codes(
        scale=Fraction(float(np.float32(scale))), zero=0, low=codes.low, high=codes.high, rounding=codes.rounding
    )
    check(scaled, [a for a, _ in single], [b for _, b in single], rectified, range(-300, 300), 6)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("exponent", [0, 1, 4])
def test_powers_of_two_are_shifts_with_halves_to_even(signed: bool, exponent: int) -> None:
    codes = Codes.quant(6, signed=signed, narrow=False, rounding="ROUND")
    gains = [Fraction(1, 1 << exponent)] * 2
    assert check(codes, gains, [Fraction(0), Fraction(3, 1 << exponent)], not signed, range(-1200, 1200), 0) == 2


def test_scales_of_single_precision_are_met() -> None:
    """As trained networks have them: 8 bits, sums of thousands, biases that are integers, a scale for each neuron."""
    generator = np.random.default_rng(5)
    scale = Fraction(float(np.float32(0.0713)))
    codes = Codes(scale=scale, zero=0, low=0, high=255, rounding="EVEN")
    gains = [Fraction(float(np.float32(value))) for value in generator.uniform(2e-3, 9e-3, 8)]
    offsets = [gain * int(value) for gain, value in zip(gains, generator.integers(-500, 500, 8), strict=True)]
    assert check(codes, gains, offsets, True, range(-2000, 9000), 0) == 8


def test_finer_sums_help_where_multipliers_have_too_few_bits() -> None:
    """Steps of hundreds of units need 24 bits, and all neurons share a shift."""
    generator = np.random.default_rng(5)
    scale = Fraction(float(np.float32(0.0713)))
    codes = Codes(scale=scale, zero=0, low=0, high=255, rounding="EVEN")
    stairs = []
    for value, bias in zip(generator.uniform(2e-4, 9e-4, 20), generator.integers(-5000, 5000, 20), strict=True):
        gain = Fraction(float(np.float32(value)))
        span = {"values": range(1, 256), "first": -20000, "last": 99999, "less": 0}
        stairs.append(staircase(codes, gain=gain, offset=gain * int(bias), **span))
    few, every = (fit(stairs, [finest] * 20) for finest in (0, 2))
    assert few.wrong.sum() == 2
    assert not few.fine.any()
    assert not every.wrong.any()
    assert every.fine.max() == 2
    for index, stair in enumerate(stairs):
        acc = np.arange(stair.first, stair.last + 1)
        activation = SparseActivation(bits=8, shift=every.shift, multiplier="m", rounding=every.rounding)
        found = np.array(hardware(every, index, activation, acc))
        assert np.array_equal(found, np.searchsorted(stair.thresholds, acc, side="right"))


def test_narrow_codes_that_hardware_does_not_have_are_counted() -> None:
    """-7..7 within -8..7: equal as long as no sum reaches -8."""
    codes = Codes.quant(4, signed=True, narrow=True, rounding="ROUND")
    assert check(codes, [Fraction(1)], [Fraction(0)], False, range(-7, 100), 0) == 1
    assert check(codes, [Fraction(1)], [Fraction(0)], False, range(-9, 100), 0) == 0


def test_one_bit_is_a_bias() -> None:
    codes = Codes.bipolar(Fraction(1, 3))
    stairs = staircase(
        codes,
        gain=Fraction(1, 7),
        offset=Fraction(-5),
        values=range(1, 2),
        first=-100,
        last=100,
        less=0,
    )
    steps = fit([stairs], [0])
    assert (steps.shift, steps.multiplier.tolist(), steps.bias.tolist(), steps.wrong.tolist()) == (0, [1], [-34], [0])
