"""Log-mel features against their definition, sample by sample."""

import math

import numpy as np
import pytest

from hdlgen.network import InputFormat, LogMel, log_mel
from hdlgen.network.features import mel_energies

FEATURES = LogMel(
    rate=8000,
    frame=64,
    hop=40,
    low=100.0,
    high=3800.0,
    floor=1e-4,
    offset=(-10.0, -9.0, -8.0, -7.5),
    scale=(10.0, 11.0, 12.0, 13.5),
)
SOURCE = InputFormat(width=4, bits=8, signed=True, features=FEATURES)


def mel(frequency: float) -> float:
    return 2595 * math.log10(1 + frequency / 700)


def energies(sound: list[float]) -> list[float]:
    """Of one frame, by the definition of Fourier's transform."""
    n, count = FEATURES.frame, SOURCE.width
    windowed = [value * (0.5 - 0.5 * math.cos(2 * math.pi * t / n)) for t, value in enumerate(sound)]
    edges = [mel(FEATURES.low) + (mel(FEATURES.high) - mel(FEATURES.low)) * e / (count + 1) for e in range(count + 2)]
    result = [0.0] * count
    for k in range(n // 2 + 1):
        real = sum(value * math.cos(2 * math.pi * k * t / n) for t, value in enumerate(windowed))
        imaginary = sum(value * math.sin(2 * math.pi * k * t / n) for t, value in enumerate(windowed))
        place = mel(k * FEATURES.rate / n)
        for band in range(count):
            left, top, right = edges[band : band + 3]
            weight = max(0.0, min((place - left) / (top - left), (right - place) / (right - top)))
            result[band] += weight * (real * real + imaginary * imaginary) / n
    return result


def test_by_definition() -> None:
    rng = np.random.default_rng(1)
    samples = rng.integers(-20000, 20000, 64 + 40 * 3 + 7).astype(np.int16)
    found = log_mel(samples, SOURCE)
    assert found.shape == (4, 4)
    assert found.dtype == np.int64
    for t in range(4):
        sound = (samples[t * 40 : t * 40 + 64] / 32768).tolist()
        expected = [
            math.floor((math.log2(e + FEATURES.floor) - offset) * scale + 0.5)
            for e, offset, scale in zip(energies(sound), FEATURES.offset, FEATURES.scale, strict=True)
        ]
        assert found[t].tolist() == [max(-128, min(127, value)) for value in expected]
    assert np.array_equal(log_mel(samples / 32768, SOURCE), found)


def test_short_sounds_are_one_frame_with_silence_behind() -> None:
    samples = np.array([1000, -2000, 3000], np.int16)
    assert np.array_equal(log_mel(samples, SOURCE), log_mel(np.pad(samples, (0, 61)), SOURCE))
    assert log_mel(samples, SOURCE).shape == (1, 4)
    assert log_mel(np.zeros(0, np.int16), SOURCE).shape == (1, 4)
    silence = np.clip(np.floor((math.log2(1e-4) - np.array(FEATURES.offset)) * FEATURES.scale + 0.5), -128, 127)
    assert log_mel(np.zeros(64, np.int16), SOURCE).tolist() == [silence.tolist()]


def test_a_tone_is_loudest_in_its_band() -> None:
    time = np.arange(640) / 8000
    edges = np.linspace(mel(100), mel(3800), 6)
    for band in range(4):
        frequency = 700 * (10 ** (edges[band + 1] / 2595) - 1)
        tone = np.sin(2 * np.pi * frequency * time)
        found = mel_energies(tone, rate=8000, frame=64, hop=40, low=100, high=3800, count=4)
        assert (found.argmax(axis=1) == band).all()


def test_refused() -> None:
    with pytest.raises(ValueError, match=r"^the network's input has no features; allowed: "):
        log_mel(np.zeros(64), InputFormat(width=4, bits=8, signed=True))
    with pytest.raises(ValueError, match=r"^samples are int32; allowed: int16, or real numbers in -1\.\.1$"):
        log_mel(np.zeros(64, np.int32), SOURCE)
    with pytest.raises(ValueError, match=r"^samples have shape \[2, 64\]; allowed: \[N\], one channel$"):
        log_mel(np.zeros((2, 64)), SOURCE)
