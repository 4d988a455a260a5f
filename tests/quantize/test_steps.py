"""Staircases: equality is decided over every accumulator, by plain rational arithmetic."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdlgen.importers.codes import Codes
from hdlgen.importers.integers import staircase
from hdlgen.network import Activation
from hdlgen.quantize.steps import fit

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


def hardware(steps, index: int, activation: Activation, acc: np.ndarray) -> list[int]:
    total = (acc << int(steps.fine[index])) + int(steps.bias[index])
    return activation.apply(total, steps.multiplier[index]).tolist()


def check(codes: Codes, gains, offsets, rectified: bool, span: range, finest: int) -> int:
    """How many neurons are equal; those that are said to be have to be."""
    limited = codes.limited((Fraction(0), None)) if rectified else codes
    stairs = [
        staircase(limited, gain=gain, offset=offset, first=span.start, last=span.stop - 1)
        for gain, offset in zip(gains, offsets, strict=True)
    ]
    steps = fit(stairs, [finest] * len(gains))
    activation = Activation(
        kind="identity",
        bits=16,
        shift=steps.shift,
        multiplier="m",
        rounding=steps.rounding,
        clamp=(limited.low, max(limited.high, limited.low + 1)),
    )
    assert steps.multiplier.min() >= 1
    assert steps.multiplier.max() < 1 << 24
    acc = np.arange(span.start, span.stop)
    for index, (gain, offset) in enumerate(zip(gains, offsets, strict=True)):
        wanted = np.array([quantised(codes, gain * a + offset, rectified) for a in span])
        found = np.array(hardware(steps, index, activation, acc))
        assert (found == wanted).all() == (steps.wrong[index] == 0)
        # What is not equal is near; UP and DOWN have a step of twice the width.
        assert np.abs(found - wanted).max() <= 1 + (codes.rounding in ("UP", "DOWN"))
    return int((steps.wrong == 0).sum())


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(ROUNDINGS),
    st.lists(st.tuples(st.floats(1e-3, 2), st.floats(-20, 20)), min_size=1, max_size=3),
    st.floats(0.05, 2),
    st.integers(1, 5),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([Fraction(0), Fraction(3), Fraction(-2), Fraction(1, 4)]),
)
def test_what_is_said_to_be_equal_is(rounding, functions, scale, bits, signed, narrow, rectified, zero) -> None:
    codes = Codes.quant(bits + 1, signed=signed, narrow=narrow, rounding=rounding)
    single = [[Fraction(float(np.float32(value))) for value in pair] for pair in functions]
    scaled = replace(codes, scale=Fraction(float(np.float32(scale))), zero=zero)
    check(scaled, [a for a, _ in single], [b for _, b in single], rectified, range(-300, 300), 6)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("exponent", [0, 1, 4])
def test_powers_of_two_are_shifts_with_halves_to_even(signed: bool, exponent: int) -> None:
    codes = Codes.quant(6, signed=signed, narrow=False, rounding="ROUND")
    gains = [Fraction(1, 1 << exponent)] * 2
    assert check(codes, gains, [Fraction(0), Fraction(3, 1 << exponent)], not signed, range(-1200, 1200), 0) == 2


@pytest.mark.parametrize("rounding", ["CEIL", "FLOOR", "HALF_DOWN"])
def test_powers_of_two_need_no_multiplier_where_halves_go_one_way(rounding: str) -> None:
    """Also beside a neuron whose bias lies between integers."""
    low = 0 if rounding == "HALF_DOWN" else -7
    codes = Codes(scale=Fraction(1), zero=Fraction(3), low=low, high=7, rounding=rounding)
    offsets = [Fraction(-9, 8), Fraction(0), Fraction(1, 2), Fraction(19, 16)]
    stairs = [staircase(codes, gain=Fraction(1, 8), offset=offset, first=-140, last=99) for offset in offsets]
    steps = fit(stairs, [4] * 4)
    assert not steps.wrong.any()
    assert (steps.multiplier == 1).all()
    assert check(codes, [Fraction(1, 8)] * 4, offsets, False, range(-140, 100), 4) == 4


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
        stairs.append(staircase(codes, gain=gain, offset=gain * int(bias), first=-20000, last=99999))
    few, every = (fit(stairs, [finest] * 20) for finest in (0, 2))
    assert few.wrong.sum() == 2
    assert not few.fine.any()
    assert not every.wrong.any()
    assert every.fine.max() == 2
    for index, stair in enumerate(stairs):
        acc = np.arange(stair.first, stair.last + 1)
        activation = Activation(bits=8, shift=every.shift, multiplier="m", rounding=every.rounding)
        found = np.array(hardware(every, index, activation, acc))
        assert np.array_equal(found, np.searchsorted(stair.thresholds, acc, side="right"))


@pytest.mark.parametrize("scale", [Fraction(1), Fraction(float(np.float32(0.013)))])
def test_narrow_codes(scale: Fraction) -> None:
    """-7..7 within -8..7."""
    codes = replace(Codes.quant(4, signed=True, narrow=True, rounding="ROUND"), scale=scale)
    assert check(codes, [scale], [Fraction(0)], False, range(-100, 100), 0) == 1


def test_all_neurons_are_near_where_one_has_no_integers() -> None:
    """Real biases, and no finer sums, or finer ones of one neuron only: no multiplier is cut off."""
    generator = np.random.default_rng(7)
    codes = replace(Codes.quant(8, signed=False, narrow=False, rounding="ROUND"), scale=Fraction(0.02))
    gains = [Fraction(float(np.float32(value))) for value in (5e-5, 4e-5, 6e-5, 5.5e-5)]
    offsets = [Fraction(float(np.float32(value))) for value in generator.normal(size=4)]
    stairs = [
        staircase(codes, gain=gain, offset=offset, first=-90000, last=90000)
        for gain, offset in zip(gains, offsets, strict=True)
    ]
    for finest in ([0] * 4, [8, 0, 8, 8], [8] * 4):
        steps = fit(stairs, finest)
        activation = Activation(bits=8, shift=steps.shift, multiplier="m", rounding=steps.rounding)
        acc = np.arange(-90000, 90001)
        for index, stair in enumerate(stairs):
            found = np.array(hardware(steps, index, activation, acc))
            wrong = found != np.searchsorted(stair.thresholds, acc, side="right")
            assert wrong.sum() <= len(stair.values)  # each threshold at the next sum
        ratio = steps.multiplier * 2.0 ** (steps.fine - steps.shift) / [float(gain / codes.scale) for gain in gains]
        assert np.abs(ratio - 1).max() < 1e-4


@pytest.mark.parametrize("rounding", ["ROUND", "FLOOR"])
def test_neurons_of_sixteen_bits_are_near_whatever_shift_others_need(rounding: str) -> None:
    """Those with integers at a large shift do not cut off the multipliers of those that have none."""
    generator = np.random.default_rng(2)
    codes = Codes.quant(16, signed=False, narrow=False, rounding=rounding)
    for _ in range(8):
        gains = [Fraction(float(np.float32(value))) for value in generator.uniform(0.05, 0.3, 6)]
        offsets = [Fraction(float(np.float32(value))) for value in generator.uniform(-900, 900, size=6)]
        sums = [int(generator.integers(100, 15000) / gain) for gain in gains]
        stairs = [
            staircase(codes, gain=gain, offset=offset, first=-most, last=most)
            for gain, offset, most in zip(gains, offsets, sums, strict=True)
        ]
        steps = fit(stairs, [8] * 6)
        assert (steps.wrong < 200).all()


@pytest.mark.parametrize("seed", [19, 25])
def test_a_multiplier_that_is_cut_off_is_not_as_near_as_one_that_rounds(seed: int) -> None:
    """Of sums up to 2**28 most thresholds lie elsewhere, by a few sums or by millions."""
    generator = np.random.default_rng(seed)
    codes = Codes.quant(16, signed=True, narrow=True, rounding="ROUND")
    gains = [Fraction(float(np.float32(value))) for value in generator.uniform(1.15e-4, 5e-4, 8)]
    biases = [Fraction(float(value)) for value in generator.uniform(-5e8, 5e8, 8)]
    stairs = [
        staircase(codes, gain=gain, offset=gain * bias, first=-300_000_000, last=300_000_000)
        for gain, bias in zip(gains, biases, strict=True)
    ]
    steps = fit(stairs, [8] * 8)
    ratio = steps.multiplier * 2.0 ** (steps.fine - steps.shift) / [float(gain) for gain in gains]
    assert (steps.wrong > 0).sum() > 4
    assert np.abs(ratio - 1)[steps.wrong > 0].max() < 1e-6


@pytest.mark.parametrize(("scale", "gain"), [(Fraction(1, 3), Fraction(1, 7)), (Fraction(2**-9), Fraction(5, 2**20))])
def test_many_steps(scale: Fraction, gain: Fraction) -> None:
    """Of 16 bits: thresholds are exact, ties included, and worked out at once."""
    codes = Codes(scale=scale, zero=0, low=-32768, high=32767, rounding="EVEN")
    offset = Fraction(1, 3)
    stairs = staircase(codes, gain=gain, offset=offset, first=-(1 << 30), last=1 << 30)
    assert len(stairs.values) == 65535
    for k in (-32767, -5, 0, 1, 2, 32766, 32767):
        threshold = int(stairs.thresholds[k + 32767])
        assert quantised(codes, gain * threshold + offset, False) >= k
        assert quantised(codes, gain * (threshold - 1) + offset, False) < k


def test_one_bit_is_a_bias() -> None:
    codes = Codes.bipolar(Fraction(1, 3))
    stairs = staircase(codes, gain=Fraction(1, 7), offset=Fraction(-5), first=-100, last=100)
    steps = fit([stairs], [0])
    assert (steps.shift, steps.multiplier.tolist(), steps.bias.tolist(), steps.wrong.tolist()) == (0, [1], [-34], [0])
