"""Networks with spotters and draws for tests, and what these say by plain loops in Python's integers."""

from dataclasses import replace

import numpy as np

from hdlgen.layers.draw import gumbel_table
from hdlgen.network import Activation, Dense, Draw, InputFormat, Network, Spot, Weighted

__all__ = ["draw_loop", "make_draw", "make_spot", "score_steps", "spot_loop"]


def make_spot(
    scores: int = 4,
    log2_window: int = 2,
    *,
    bits: int = 8,
    signed: bool = True,
    threshold: int | list[int] = 40,
    refractory: int = 3,
    inputs: int | None = None,
) -> Network:
    """A spotter whose scores are the input; or the sums of a dense layer of so many ``inputs``."""
    rng = np.random.default_rng(2)
    thresholds = [threshold] * scores if isinstance(threshold, int) else threshold
    tensors = {"t": np.array(thresholds, np.int32)}
    spot = Spot(source=0, scores=scores, log2_window=log2_window, threshold="t", refractory=refractory)
    source, layers = InputFormat(width=inputs or scores, bits=bits, signed=signed), (spot,)
    if inputs is None:
        return Network(name="spots", input=source, layers=layers, tensors=tensors)
    tensors["w"] = rng.integers(-128, 128, (scores, inputs)).astype(np.int8)
    activation = Activation(kind="identity", bits=bits, shift=6)
    sums = Weighted(
        width=scores, source=0, connections=Dense(), weight="w", weight_bits=8, bias=None, activation=activation
    )
    return Network(name="spots", input=source, layers=(sums, replace(spot, source=1)), tensors=tensors)


def score_steps(network: Network, lengths: list[int], seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Scores that stay for a while, with noise: one class leads, then another, now and then equally."""
    rng = np.random.default_rng(seed)
    low, high = network.input.low, network.input.high
    shape = sum(lengths), network.input.width
    held = np.repeat(rng.integers(low, high + 1, shape), 5, axis=0)[: shape[0]]
    noise = rng.integers(low // 4, high // 4 + 1, shape)
    x = np.where(rng.random((shape[0], 1)) < 0.2, held[:, :1], np.clip(held + noise, low, high))
    return x, np.array(lengths)


def spot_loop(spot: Spot, thresholds: list[int], scores: list[list[int]]) -> list[int]:
    """What it says in each step of one sequence: docs/recurrent.md, "Key words"."""
    window, said = 2**spot.log2_window, list[int]()
    for t in range(len(scores)):
        smoothed = [sum(column) for column in zip(*scores[max(0, t - window + 1) : t + 1], strict=True)]
        best = max(smoothed)
        top = smoothed.index(best)
        others = smoothed[:top] + smoothed[top + 1 :]
        lead = best - (max(others) if others else 0)
        rested = not any(said[max(0, t - spot.refractory) : t])
        said.append(top + 1 if 0 < thresholds[top] <= lead and rested else 0)
    return said


def make_draw(
    scores: int = 5, *, entries: int = 32, scale: float = 20.0, bits: int = 8, signed: bool = True, seed: int = 7
) -> Network:
    """A draw whose scores are the input, from a table of so many ``entries``, or none."""
    tensors = {"noise": gumbel_table(scale, (entries - 1).bit_length())} if entries else {}
    draw = Draw(source=0, scores=scores, **({"table": "noise", "seed": seed} if entries else {}))
    source = InputFormat(width=scores, bits=bits, signed=signed)
    return Network(name="draws", input=source, layers=(draw,), tensors=tensors)


def draw_loop(table: list[int], seed: int, scores: list[list[int]]) -> list[int]:
    """What is drawn in each step of one sequence: docs/recurrent.md, "Drawing classes"."""
    x, drawn = seed, list[int]()
    for row in scores:
        sums = []
        for score in row:
            x ^= (x << 13) % 2**32
            x ^= x >> 17
            x ^= (x << 5) % 2**32
            sums.append(score + table[x * len(table) // 2**32])
        drawn.append(sums.index(max(sums)))
    return drawn
