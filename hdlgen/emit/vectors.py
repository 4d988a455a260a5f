"""Test vectors of a core, with the answers of the golden model."""

import numpy as np
from numpy.typing import NDArray

from hdlgen import golden
from hdlgen.compiler import Plan
from hdlgen.network import Network

__all__ = ["PROBE", "test_vectors"]

VECTORS = 16
"""Random ones of frames."""

LENGTHS = (1, 2, 3, 1, 5, 8, 13)
"""Of random sequences."""

PROBES = (1, 1, 2, 3, 7)
"""Of the sequences that the test bench needs besides: single steps, whose latency it measures, and short ones."""

LONGEST = 200

FARTHEST = 4_000_000
"""Cycles; a steady state beyond is not waited for."""

PROBE = "probe_"
"""Begins the names of their files."""

Ints = NDArray[np.int64]


def test_vectors(
    plan: Plan,
    network: Network,
    inputs: NDArray[np.integer] | None,
    lengths: NDArray[np.integer] | None,
    labels: NDArray[np.integer] | None,
    seed: int,
) -> dict[str, NDArray[np.integer]]:
    """The test vectors by name, random ones where there are no ``inputs``, with the answers of the golden model."""
    if plan.sequential:
        if inputs is None:
            inputs, lengths = _random_sequences(network, LENGTHS, seed)
        arrays = _answered(plan, network, inputs, lengths)
        # A long sequence: of 200 steps, fewer where these take long, but enough to see the interval if that can be.
        enough = min(plan.settling_frames + 3 * plan.period_frames, FARTHEST // plan.interval_cycles)
        longest = max(20, enough, min(LONGEST, 250_000 // plan.interval_cycles))
        probes = _answered(plan, network, *_random_sequences(network, (*PROBES, longest), seed + 1))
        arrays |= {f"{PROBE}{key}": array for key, array in probes.items()}
    else:
        inputs = _random_inputs(network, seed) if inputs is None else inputs
        arrays = {"x": inputs.astype(_stored(network)), "y": golden.evaluate(network, inputs)}
    if labels is not None:
        count = len(arrays["lengths" if plan.sequential else "x"])
        arrays["labels"] = golden.check_labels(np.asarray(labels), "labels", count, network.widths[-1]).astype(
            np.int64
        )
    return arrays


def _stored(network: Network) -> np.dtype:
    """The smallest type for inputs."""
    return np.min_scalar_type(network.input.low or network.input.high)


def _answered(
    plan: Plan, network: Network, x: NDArray[np.integer], lengths: NDArray[np.integer] | None
) -> dict[str, NDArray[np.integer]]:
    """Sequences and what the golden model says to them."""
    steps, counts = golden.check_sequences(network, x, lengths)
    y = golden.evaluate(network, steps, counts, every_step=plan.every_step)
    return {"x": steps.astype(_stored(network)), "lengths": counts, "y": y}


def _random_inputs(network: Network, seed: int) -> Ints:
    """Inputs that reach far into the range: none, all and random ones of several densities."""
    generator = np.random.Generator(np.random.Philox(seed))
    top = network.input.high
    x = generator.integers(network.input.low, top + 1, (VECTORS, network.input.width))
    density = np.linspace(0, 1, VECTORS)[:, np.newaxis]
    x = np.where(generator.random(x.shape) < density, x, 0)
    x[-1] = top
    return x


def _random_sequences(network: Network, lengths: tuple[int, ...], seed: int) -> tuple[Ints, Ints]:
    """Sequences that reach far into the range: steps at both its ends, of zeros, and random ones of several sizes."""
    generator = np.random.Generator(np.random.Philox(seed))
    low, high = network.input.low, network.input.high
    steps = sum(lengths)
    x = generator.integers(low, high + 1, (steps, network.input.width))
    x >>= generator.integers(0, network.input.bits, (steps, 1))
    x[0], x[3], x[4], x[-1] = high, low, low, 0
    return x, np.array(lengths, np.int64)
