"""A bank of band-pass filters in integers, by which `hdlgen.gateware.filterbank` is judged: docs/microphone.md."""

import math
from dataclasses import dataclass, fields, replace

import numpy as np

from hdlgen.description import list_of, members_of, refuse, whole

__all__ = ["FRACTION", "LEVELS", "SAMPLE_BITS", "STATE_BITS", "FilterBank", "doubled", "parse_filter_bank"]

MAX_RATE = 1 << 20
MAX_HOP = 1 << 14
MAX_BANDS = 256
MAX_HANG = 1 << 16

SAMPLE_BITS = 16

FRACTION = 14
"""Bits behind the point of tuning and damping."""

STATE_BITS = 18
"""Of the two states of a band, which saturate."""

LEVELS = 16
"""Of an octave of loudness."""

_TAPS = 12
"""Of the filter that doubles a rate, on either side."""


@dataclass(frozen=True, kw_only=True)
class FilterBank:
    """State-variable filters, and the logarithm of what each passes in ``hop`` samples: one step of a network's input.

    With a sample x of 16 bits, of each band with tuning f and damping q, states u and v, which begin as 0, and
    r(p) = (p + 2^13) >> 14, [..] saturated to `STATE_BITS` bits in two's complement::

        u = [u + r(f * v)]
        v = [v + r(f * [x - u - r(q * v)])]        on the right the v before
        s = s + abs(v)                             over ``hop`` samples, then from 0 again
        L = 16 * e + ((s << 4) >> e) - 16          e = floor(log2(s)); 0 where s is 0
        y = min(max(L - offset, -128), 127)

    A step is loud if the sum of its y is ``level`` at least. A sequence begins with a loud step, and ends with the last of
    ``hang`` steps in a row that are not; what is between sequences is dropped.

    Source of the filter: H. Chamberlin, Musical Applications of Microprocessors, 1980.

    Members
    -------
    rate, hop : samples per second, and of a step.
    tuning, damping : f and q of each band, times 2^14: 2 sin(pi frequency / rate), and width / frequency.
    offset : of each band.
    level, hang : what a sequence is.
    """

    kind: str = "filter-bank"
    rate: int
    hop: int
    tuning: tuple[int, ...]
    damping: tuple[int, ...]
    offset: tuple[int, ...]
    level: int
    hang: int

    @classmethod
    def design(
        cls, *, rate: int, hop: int, low: float, high: float, bands: int, level: int, hang: int
    ) -> "FilterBank":
        """Bands at equal distances on the mel scale, the first at ``low`` Hz, the last at ``high``, as wide as apart.

        Raises ValueError if there are no such filters: of fewer than 2 bands, of a width of two times its frequency or
        more, or not stable, which is so above about a quarter of the rate.
        """
        if not 2 <= bands <= MAX_BANDS or not 0 < low < high < rate / 2:
            raise ValueError(f"{bands} bands, {low:g} to {high:g} Hz at {rate} samples per second; {_ALLOWED}")
        lowest, highest = (2595 * math.log10(1 + edge / 700) for edge in (low, high))
        apart = (highest - lowest) / (bands - 1)
        mels = lowest + apart * np.arange(-0.5, bands + 0.5, 0.5)[: 2 * bands + 1]
        hertz = 700 * (10 ** (mels / 2595) - 1)
        middle, width = hertz[1::2], hertz[2::2] - hertz[:-2:2]
        scale = 1 << FRACTION
        found = cls(
            rate=rate,
            hop=hop,
            tuning=tuple(np.rint(2 * np.sin(np.pi * middle / rate) * scale).astype(int).tolist()),
            damping=tuple(np.rint(width / middle * scale).astype(int).tolist()),
            offset=(0,) * bands,
            level=level,
            hang=hang,
        )
        if not all(_fits(*each) for each in zip(found.tuning, found.damping, strict=True)):
            raise ValueError(f"{bands} bands, {low:g} to {high:g} Hz at {rate} samples per second; {_ALLOWED}")
        return found

    @property
    def title(self) -> str:
        return (
            f"loudness in {len(self.tuning)} bands, {self.frequencies[0]:.0f} to {self.frequencies[-1]:.0f} Hz; sound of "
            f"{self.rate:,} samples/s, a step every {self.hop}"
        )

    @property
    def frequencies(self) -> np.ndarray:
        """float64 (bands,): where the bands are, in Hz."""
        return np.arcsin(np.array(self.tuning) / (2 << FRACTION)) * self.rate / np.pi

    def bands(self, samples: np.ndarray) -> np.ndarray:
        """int64 (.., N, bands): v behind each of int16 ``samples`` (.., N)."""
        x = np.asarray(samples, np.int64)
        f, q = (np.array(member, np.int64) for member in (self.tuning, self.damping))
        u = v = np.zeros((*x.shape[:-1], len(f)), np.int64)
        found = np.empty((*x.shape, len(f)), np.int64)
        for number in range(x.shape[-1]):
            u, v = self._next(x[..., number, None], u, v, f, q)
            found[..., number, :] = v
        return found

    @staticmethod
    def _next(
        x: np.ndarray, u: np.ndarray, v: np.ndarray, f: np.ndarray, q: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        most, half = (1 << (STATE_BITS - 1)) - 1, 1 << (FRACTION - 1)
        u = np.clip(u + ((f * v + half) >> FRACTION), -most - 1, most)
        h = np.clip(x - u - ((q * v + half) >> FRACTION), -most - 1, most)
        return u, np.clip(v + ((f * h + half) >> FRACTION), -most - 1, most)

    def logarithms(self, samples: np.ndarray) -> np.ndarray:
        """int64 (.., N // hop, bands): L of each step of int16 ``samples`` (.., N); what is left of them is dropped."""
        x = np.asarray(samples, np.int64)
        f, q = (np.array(member, np.int64) for member in (self.tuning, self.damping))
        u = v = np.zeros((*x.shape[:-1], len(f)), np.int64)
        sums = np.zeros((*x.shape[:-1], x.shape[-1] // self.hop, len(f)), np.int64)
        for number in range(sums.shape[-2] * self.hop):
            u, v = self._next(x[..., number, None], u, v, f, q)
            sums[..., number // self.hop, :] += np.abs(v)
        exponents = np.frexp(np.maximum(sums, 1))[1].astype(np.int64) - 1
        return np.where(sums > 0, LEVELS * exponents + ((sums * LEVELS) >> exponents) - LEVELS, 0)

    def values(self, logarithms: np.ndarray) -> np.ndarray:
        """int64 (.., bands): y."""
        return np.clip(logarithms - np.array(self.offset), -128, 127)

    def cut(self, values: np.ndarray) -> list[np.ndarray]:
        """The sequences in steps ``values`` (steps, bands): of each, int64 (its steps, bands); the last may have no end."""
        found, first, quiet = list[np.ndarray](), None, 0
        for number, loud in enumerate(values.sum(axis=-1) >= self.level):
            quiet = 0 if loud else quiet + 1
            if first is None and loud:
                first = number
            if first is not None and quiet == self.hang:
                found.append(values[first : number + 1])
                first = None
        return found if first is None else [*found, values[first:]]

    def heard(self, logarithms: np.ndarray) -> np.ndarray:
        """int64 (steps, bands): the longest sequence in L of a recording, the first of equal ones; maybe empty."""
        return max(self.cut(self.values(logarithms)), key=len, default=np.zeros((0, len(self.tuning)), np.int64))

    def inputs(self, samples: np.ndarray) -> np.ndarray:
        """`heard` in ``samples`` (N,) of a recording, int16 or in -1..1, with silence behind it."""
        if samples.dtype != np.int16:
            samples = np.clip(np.rint(samples * 32768), -(1 << 15), (1 << 15) - 1)
        return self.heard(self.logarithms(np.pad(samples, (0, (self.hang + 1) * self.hop))))

    def centred(self, logarithms: np.ndarray) -> "FilterBank":
        """With offsets so that these, (steps, bands), have a mean next to 0."""
        return replace(self, offset=tuple(np.rint(logarithms.mean(axis=0)).astype(int).tolist()))


_ALLOWED = "allowed: bands that are stable, of a width below two times their frequency"


def _fits(f: int, q: int) -> bool:
    """Whether the filter is stable, and both fit 16 bits: f^2 + 2 f q < 4, and f q > 0."""
    return 0 < f < 1 << 15 and 0 < q < 1 << 15 and f * f + 2 * f * q < 4 << 2 * FRACTION


def parse_filter_bank(where: str, value: object, width: int) -> FilterBank:
    """The filter bank of an input of ``width`` numbers, from JSON, of its ``kind``.

    Raises InputError at the first member that is unknown, missing, of the wrong type or out of range.
    """
    members = members_of(where, "features", value, [member.name for member in fields(FilterBank)])
    if not 2 <= width <= MAX_BANDS:
        refuse(where, "width", width, f"inputs of 2..{MAX_BANDS} bands")

    def numbers(name: str, low: int, high: int) -> tuple[int, ...]:
        def entry(what: str, value: object, _: int) -> int:
            return whole(where, what, value, low, high)

        return list_of(where, name, members[name], width, (f"integers {low}..{high}", "input"), entry)

    found = FilterBank(
        rate=whole(where, "rate", members["rate"], 1, MAX_RATE),
        hop=whole(where, "hop", members["hop"], 1, MAX_HOP),
        tuning=numbers("tuning", 1, (1 << 15) - 1),
        damping=numbers("damping", 1, (1 << 15) - 1),
        offset=numbers("offset", 0, 511),
        level=whole(where, "level", members["level"], -128 * width, 127 * width),
        hang=whole(where, "hang", members["hang"], 1, MAX_HANG),
    )
    for number, (f, q) in enumerate(zip(found.tuning, found.damping, strict=True)):
        if not _fits(f, q):
            refuse(where, f"tuning[{number}]", f, f"with damping {q} such that the filter is stable")
    return found


def doubled(samples: np.ndarray) -> np.ndarray:
    """int16 (2N,): ``samples`` int16 (N,) at twice the rate: these, and between them a windowed sinc in integers."""
    x = np.asarray(samples, np.int64)
    distance = np.arange(-_TAPS + 0.5, _TAPS)
    taps = np.rint(np.sinc(distance) * np.cos(np.pi * distance / (2 * _TAPS)) ** 2 * (1 << 15)).astype(np.int64)
    between = (np.convolve(x, taps)[_TAPS : _TAPS + len(x)] + (1 << 14)) >> 15
    return np.clip(np.stack([x, between], axis=1).reshape(-1), -(1 << 15), (1 << 15) - 1).astype(np.int16)
