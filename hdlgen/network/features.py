"""What the numbers of an input are made of: features of sound, log-mel here, or those of a bank of filters."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from hdlgen.description import known_kind, list_of, members_of, real, refuse, whole
from hdlgen.network.filterbank import FilterBank, parse_filter_bank

if TYPE_CHECKING:
    from hdlgen.network.network import InputFormat

__all__ = ["LogMel", "fitted_log_mel", "log_mel", "mel_energies", "parse_features", "sound_inputs"]

MAX_RATE = 1 << 20
MAX_FRAME = 1 << 16


@dataclass(frozen=True, kw_only=True)
class LogMel:
    """Logarithms of the energies in bands of equal width on the mel scale, one vector per ``hop`` samples.

    Members
    -------
    rate : samples per second.
    frame, hop : samples in a frame, and from the start of one frame to that of the next.
    low, high : lower edge of the first and upper edge of the last band, in Hz.
    floor : added to every energy before the logarithm; samples lie in -1..1.
    offset, scale : per band; the input is (log2(energy + floor) - offset) * scale, rounded half up and clamped.
    """

    kind: str = "log-mel"
    rate: int
    frame: int
    hop: int
    low: float
    high: float
    floor: float
    offset: tuple[float, ...]
    scale: tuple[float, ...]

    @property
    def title(self) -> str:
        return (
            f"log-mel energies of {len(self.scale)} bands, {self.low:g} to {self.high:g} Hz; sound of "
            f"{self.rate:,} samples/s, frames of {self.frame}, one every {self.hop}"
        )

    def inputs(self, samples: np.ndarray) -> np.ndarray:
        """Those of `sound_inputs`, beyond the limits of the input's bits too: (frames, width)."""
        samples = samples / 32768.0 if samples.dtype == np.int16 else samples
        names = ("rate", "frame", "hop", "low", "high")
        energies = mel_energies(samples, **{name: getattr(self, name) for name in names}, count=len(self.scale))
        scaled = (np.log2(energies + self.floor) - np.array(self.offset)) * np.array(self.scale)
        return np.floor(scaled + 0.5)


def parse_features(where: str, value: object, width: int) -> "LogMel | FilterBank":
    """The features of an input of ``width`` numbers, from JSON.

    Raises InputError at the first member that is unknown, missing, of the wrong type or out of range.
    """
    known_kind(where, "features", value, ("log-mel", "filter-bank"))
    if isinstance(value, dict) and value.get("kind") == "filter-bank":
        return parse_filter_bank(where, value, width)
    return _parse_log_mel(where, value, width)


def _parse_log_mel(where: str, value: object, width: int) -> LogMel:
    members = members_of(where, "features", value, [member.name for member in fields(LogMel)])
    rate = whole(where, "rate", members["rate"], 1, MAX_RATE)
    low = real(where, "low", members["low"], "frequencies >= 0", lambda value: value >= 0)
    allowed = f"frequencies above low ({low:g}), up to half the rate ({rate / 2:g})"
    high = real(where, "high", members["high"], allowed, lambda value: low < value <= rate / 2)
    if not np.diff(_edges(low, high, width)).all():
        refuse(where, "high", members["high"], f"frequencies far enough above low ({low:g}) for {width} bands")

    def numbers(name: str, of: str, fits: Callable[[float], bool]) -> tuple[float, ...]:
        def entry(what: str, value: object, _: int) -> float:
            return real(where, what, value, of, fits)

        return list_of(where, name, members[name], width, (of, "input"), entry)

    return LogMel(
        kind=members["kind"],
        rate=rate,
        frame=whole(where, "frame", members["frame"], 2, MAX_FRAME),
        hop=whole(where, "hop", members["hop"], 1, MAX_FRAME),
        low=low,
        high=high,
        floor=real(where, "floor", members["floor"], "finite numbers > 0", lambda value: value > 0),
        offset=numbers("offset", "finite numbers", lambda value: True),
        scale=numbers("scale", "finite numbers > 0", lambda value: value > 0),
    )


def _mel(frequency: np.ndarray) -> np.ndarray:
    return 2595 * np.log10(1 + frequency / 700)


def _edges(low: float, high: float, count: int) -> np.ndarray:
    """float64 (count + 2,): where bands begin and end, evenly on the mel scale."""
    lowest, highest = _mel(np.array([low, high]))
    return np.linspace(lowest, highest, count + 2)


def _filters(rate: int, frame: int, low: float, high: float, count: int) -> np.ndarray:
    """float64 (frame // 2 + 1, count): triangles between neighbouring edges."""
    edges = _edges(low, high, count)
    bins = _mel(np.arange(frame // 2 + 1) * (rate / frame))[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling))


def mel_energies(
    samples: np.ndarray | Sequence[float], *, rate: int, frame: int, hop: int, low: float, high: float, count: int
) -> np.ndarray:
    """float64 (frames, count): energies of the bands of each frame, of which :func:`log_mel` takes the logarithms.

    Step by step in docs/recurrent.md, "Features of sound". ``samples`` are of one channel, in -1..1.
    """
    sound = np.asarray(samples, dtype=np.float64)
    if sound.ndim != 1:
        raise ValueError(f"samples have shape {list(sound.shape)}; allowed: [N], one channel")
    if len(sound) < frame:
        sound = np.pad(sound, (0, frame - len(sound)))
    frames = np.lib.stride_tricks.sliding_window_view(sound, frame)[::hop]
    window = 0.5 - 0.5 * np.cos(2 * math.pi * np.arange(frame) / frame)
    spectrum = np.square(np.abs(np.fft.rfft(frames * window))) / frame
    return spectrum @ _filters(rate, frame, low, high, count)


def sound_inputs(samples: np.ndarray, source: "InputFormat") -> np.ndarray:
    """The inputs that a network with ``source.features`` takes for a sound: int64 (steps, width).

    ``samples`` are those of one channel at the rate of the features: int16, or real numbers in -1..1. Those of log-mel
    features are the only real-valued arithmetic here that may differ in the last digit between machines, so an input may
    differ by one. With a filter bank they are the longest sequence that it hears, of no steps where it hears none.

    Raises ValueError if the input has no features, or ``samples`` are of another type or shape, or not finite.
    """
    features = source.features
    if features is None:
        raise ValueError("the network's input has no features; allowed: an input with features of sound")
    array = np.asarray(samples)
    if array.dtype != np.int16 and (array.dtype.kind != "f" or not np.isfinite(array).all()):
        what = array.dtype if array.dtype.kind != "f" else "not finite"
        raise ValueError(f"samples are {what}; allowed: int16, or real numbers in -1..1")
    if array.ndim != 1:
        raise ValueError(f"samples have shape {list(array.shape)}; allowed: [N], one channel")
    return np.clip(features.inputs(array), source.low, source.high).astype(np.int64)


def fitted_log_mel(
    sounds: Sequence[np.ndarray], *, deviation: float, floor: float, count: int, **sound: Any
) -> tuple[LogMel, list[np.ndarray]]:
    """Features that give these ``sounds`` together mean 0 and a ``deviation``, and what they give each, not rounded.

    ``sound``: as `mel_energies` has it.
    """
    logarithms = [np.log2(mel_energies(each, **sound, count=count) + floor) for each in sounds]
    together = np.concatenate(logarithms)
    # Short numbers, for they stand in the file.
    offset = np.round(together.mean(axis=0), 3)
    scale = np.round(deviation / np.maximum(together.std(axis=0), 1e-3), 3)
    features = LogMel(**sound, floor=floor, offset=tuple(offset.tolist()), scale=tuple(scale.tolist()))
    return features, [(values - offset) * scale for values in logarithms]


def log_mel(samples: np.ndarray, source: "InputFormat") -> np.ndarray:
    """`sound_inputs` of a network with log-mel features; raises ValueError with others, too."""
    if not isinstance(source.features, LogMel):
        raise ValueError("the network's input has no features; allowed: an input with log-mel features")
    return sound_inputs(samples, source)
