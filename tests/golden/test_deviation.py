"""How far outputs are from targets."""

import math

import numpy as np

from hdlgen import golden


def test_deviation() -> None:
    y = np.array([[4, -8], [0, 12]])
    targets = np.array([[1.0, -1.0], [0.0, 0.0]])
    found = golden.deviation(y, targets, 0.25)  # differences 0, 1, 0, 3
    assert (found.largest, found.mean_absolute, found.root_mean_square) == (3, 1, math.sqrt(10 / 4))
    assert str(found) == (
        "root mean square error 1.581 (6.325 in integers), mean absolute 1 (4 in integers), largest 3 (12 in integers)"
    )
    assert golden.deviation(y, y).largest == 0
