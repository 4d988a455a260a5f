"""Jobs for tests, which workers import."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def slow_square(number: int, folder: str) -> int:
    """Says which process it is in, and takes a moment."""
    (Path(folder) / f"{number}.{os.getpid()}").touch()
    time.sleep(0.3)
    if number < 0:
        raise ValueError(f"{number} is negative")
    return number * number


def placed(network: bytes, given: Mapping[str, Any], seeds: int, limit: float) -> dict[str, Any]:
    """In place of `place_job`: as the estimate would have it, some of the time."""
    if given["lanes"] == 2:
        raise TimeoutError("hung")
    values = {
        "luts": 100 * given["lanes"],
        "flipflops": 1,
        "brams": 1,
        "dsps": 1,
        "fmax": 100.0,
        "rate": 1e6,
        "latency": 1.0,
    }
    return {**values, "interval": 10, "seeds": [[number, 100.0] for number in range(1, seeds + 1)]}
