"""Random numbers that every machine draws alike: C's ``drand48``, and Philox.

Both are defined here to the last bit, as integers, and any part of a stream is found without the part before it.

``drand48``: X_0 = seed * 2**16 + 0x330E, as ``srand48`` sets it; X_{n+1} = (0x5DEECE66D X_n + 0xB) mod 2**48; draw n,
from 0, is the real number X_{n+1} / 2**48, exact in a double.

``philox``: Philox-4x64-10 with the key (seed, stream) and the counters 1, 2, 3, ...; every counter gives four words of 64
bits, first word first, and draw n is word n. J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011).
NumPy's ``Philox(key=seed + (stream << 64)).random_raw()`` is this. Random paths are drawn from stream 0.
"""

import numpy as np

__all__ = ["GENERATORS", "MAX_SEED", "drand48_states", "philox_words", "uniform"]

GENERATORS = ("drand48", "philox")
#: ``srand48`` reads 32 bits of its argument.
MAX_SEED = (1 << 32) - 1

_A, _C, _MASK = 0x5DEECE66D, 0xB, (1 << 48) - 1


def drand48_states(seed: int, start: int, count: int) -> np.ndarray:
    """uint64 (count,): X of draws start, start+1, ...: ``drand48()`` is X / 2**48."""
    # One step is X -> a X + c. 2**k steps are such a map too, found by squaring.
    state = (seed << 16) | 0x330E
    a, c, steps = _A, _C, start + 1
    while steps:
        if steps & 1:
            state = (a * state + c) & _MASK
        a, c, steps = a * a & _MASK, (a + 1) * c & _MASK, steps >> 1
    result = np.full(min(count, 1), state, dtype=np.uint64)
    a, c = _A, _C
    while len(result) < count:  # what is there, moved on by its own length
        # Modulo 2**64 first: 2**48 divides it.
        moved = (result[: count - len(result)] * np.uint64(a) + np.uint64(c)) & np.uint64(_MASK)
        result = np.concatenate([result, moved])
        a, c = a * a & _MASK, (a + 1) * c & _MASK
    return result


def philox_words(seed: int, start: int, count: int, *, stream: int = 0) -> np.ndarray:
    """uint64 (count,): words start, start+1, ... of the stream."""
    generator = np.random.Philox(key=seed | stream << 64)
    generator.advance(start // 4)
    return generator.random_raw(start % 4 + count)[start % 4 :]


def uniform(generator: str, seed: int, start: int, count: int, below: int) -> np.ndarray:
    """int64 (count,), 0 <= value < below <= 2**20, of draws start, start+1, ... of the stream ``generator``.

    ``drand48``: ``(int)(drand48() * below)`` of C, the product rounded to a double. ``philox``: the upper 32 bits of the
    word, times ``below``, shifted right by 32.
    """
    if generator == "drand48":
        draws = np.ldexp(drand48_states(seed, start, count).astype(np.float64), -48)
        return (draws * below).astype(np.int64)
    if generator != "philox":
        raise ValueError(f"generator is {generator!r}; allowed: {', '.join(GENERATORS)}")
    words = philox_words(seed, start, count)
    return (((words >> np.uint64(32)) * np.uint64(below)) >> np.uint64(32)).astype(np.int64)
