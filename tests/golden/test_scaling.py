"""Raw samples as integers of a network: by fractions, and what is refused."""

from fractions import Fraction

import numpy as np
import pytest

from hdlgen.golden.scaling import Scaling


@pytest.mark.parametrize(
    ("low", "high", "to_low", "to_high"),
    [
        (0, 4095, 0, 255),
        (-512, 511, -128, 127),
        (-32768, 32767, 0, 63),
        (0, 65535, 0, 65535),
        (3, 5, 0, 255),
        (7, 8, 0, 1),
    ],
)
def test_nearest_to_the_line(low: int, high: int, to_low: int, to_high: int) -> None:
    """Ends are met, order is kept, and no value is further off the exact line than half and a hair."""
    q = Scaling(low=low, high=high, to_low=to_low, to_high=to_high)
    assert 1 << 15 <= q.multiplier < 1 << 16
    x = np.arange(low, high + 1)
    y = q.apply(x)
    assert (y[0], y[-1]) == (to_low, to_high)
    assert (np.diff(y) >= 0).all()
    slope = Fraction(to_high - to_low, high - low)
    step = max(len(x) // 500, 1)
    for value, scaled in zip(x[::step].tolist(), y[::step].tolist(), strict=True):
        product = (value - low) * q.multiplier
        assert scaled == min((2 * product + (1 << q.shift)) // (2 << q.shift), to_high - to_low) + to_low
        assert abs(scaled - to_low - (value - low) * slope) <= Fraction(1, 2) + Fraction(to_high - to_low, 1 << 15)


def test_beyond_the_ends() -> None:
    q = Scaling(low=10, high=200, to_low=-8, to_high=7)
    assert (q.raw_bits, q.signed) == (8, False)
    assert q.apply([0, 9, 10, 200, 201, 255]).tolist() == [-8, -8, -8, 7, 7, 7]
    assert q.apply([256 + 10, -1]).tolist() == [-8, 7]  # of bytes
    assert Scaling(low=-1, high=128, to_low=0, to_high=9).raw_bits == 16


@pytest.mark.parametrize("ends", [(5, 5), (6, 5), (0, 1 << 16)])
def test_refused(ends: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=rf"^from {ends[0]} to {ends[1]}: allowed are 2 to 65536 integers$"):
        Scaling(low=ends[0], high=ends[1], to_low=0, to_high=1)
