"""The bank of filters against its equations, one integer after another, and against SciPy's response of such filters."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy import signal

from hdlgen.errors import InputError
from hdlgen.network import FilterBank
from hdlgen.network.features import parse_features
from hdlgen.network.filterbank import FRACTION, doubled
from hdlgen.schema import as_json

BANK = FilterBank.design(rate=16000, hop=32, low=300, high=3400, bands=4, level=0, hang=3)
SIXTEEN = FilterBank.design(rate=16000, hop=256, low=150, high=3600, bands=16, level=0, hang=3)


def clamp(value: int, bits: int) -> int:
    return max(-(1 << bits - 1), min((1 << bits - 1) - 1, value))


def rounded(value: int) -> int:
    return math.floor(Fraction(value, 1 << FRACTION) + Fraction(1, 2))


def plain(bank: FilterBank, samples: list[int]) -> list[list[int]]:
    """L, in Python's integers."""
    found = [[0] * len(bank.tuning) for _ in range(len(samples) // bank.hop)]
    for band, (f, q) in enumerate(zip(bank.tuning, bank.damping, strict=True)):
        u = v = 0
        for step in range(len(found)):
            total = 0
            for x in samples[step * bank.hop :][: bank.hop]:
                u = clamp(u + rounded(f * v), 18)
                h = clamp(x - u - rounded(q * v), 18)
                v = clamp(v + rounded(f * h), 18)
                total += abs(v)
            if total:
                octave = total.bit_length() - 1
                found[step][band] = 16 * octave + math.floor(Fraction(16 * total, 1 << octave)) - 16
    return found


def test_equations() -> None:
    """Sounds of all loudnesses, and a step of the whole scale that makes states saturate."""
    rng = np.random.default_rng(1)
    loudness = np.repeat([30000, 1, 300, 0, 5000], 64)
    sounds = np.stack([rng.normal(0, loudness / 3), np.sign(np.sin(np.arange(320) * 0.9)) * 32767])
    sounds = np.clip(np.rint(sounds), -32768, 32767).astype(np.int16)
    found = BANK.logarithms(sounds)
    assert found.tolist() == [plain(BANK, sound.tolist()) for sound in sounds]
    loud = replace(BANK, damping=(1000,) * 4)
    assert loud.logarithms(sounds[1]).tolist() == plain(loud, sounds[1].tolist())
    assert (np.abs(loud.bands(sounds[1])) == (1 << 17) - 1).any()


def test_response() -> None:
    """The spectrum of what an impulse of the whole scale leaves in each band is SciPy's response of the same section.

    Within a decibel, down to 10 dB below a band's middle: what states are rounded by is the difference.
    """
    impulse = np.zeros(4096, np.int16)
    impulse[0] = 32767
    frequencies = np.fft.rfftfreq(len(impulse))
    found = np.abs(np.fft.rfft(SIXTEEN.bands(impulse), axis=0)) / 32767
    for band, (tuning, damping) in enumerate(zip(SIXTEEN.tuning, SIXTEEN.damping, strict=True)):
        f, q = tuning / (1 << FRACTION), damping / (1 << FRACTION)
        section = [[f, -f, 0, 1, f * f + f * q - 2, 1 - f * q]]
        _, response = signal.sosfreqz(section, worN=2 * np.pi * frequencies)
        wanted, seen = np.abs(response), found[:, band]
        audible = wanted > 0.316 * wanted.max()
        assert audible.sum() > 50
        assert np.abs(20 * np.log10(seen[audible] / wanted[audible])).max() < 1
        # Its middle is where it was meant to be, and it is as loud there as its damping says.
        middle = int(wanted.argmax())
        assert abs(frequencies[middle] * 16000 - SIXTEEN.frequencies[band]) < 0.1 * SIXTEEN.frequencies[band]
        assert wanted[middle] * q == pytest.approx(1, abs=0.4)


def test_sequences() -> None:
    """From a loud step to the last of ``hang`` that are not; one that is still open, and one that begins at once."""
    bank = replace(BANK, level=4, hang=2)
    loud = [0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 1, 1, 0]
    values = np.array(loud)[:, None] * np.array([4, 0, 0, 0]) + np.arange(13)[:, None] * np.array([0, 1, -1, 0])
    assert [sequence[:, 1].tolist() for sequence in bank.cut(values)] == [[1, 2, 3, 4, 5], [7, 8, 9], [10, 11, 12]]
    assert bank.cut(values[:1]) == []
    # Of a recording the longest.
    raised = replace(bank, offset=(1, 0, 0, 0))
    assert len(raised.heard(np.maximum(values, 0) + np.array([1, 0, 0, 0]))) >= 5


def test_doubled() -> None:
    """What was there stays; a tone is the tone at twice the rate."""
    time = np.arange(400)
    tone = np.rint(8000 * np.sin(2 * np.pi * time * 3000 / 8000)).astype(np.int16)
    found = doubled(tone)
    assert np.array_equal(found[::2], tone)
    wanted = 8000 * np.sin(2 * np.pi * np.arange(800) * 3000 / 16000)
    assert np.abs(found - wanted)[60:-60].max() < 80
    assert doubled(np.array([32767, 32767], np.int16)).max() == 32767


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"damping": [2, 3, 4]}, "bank: damping has 3 entries; allowed: 4, one per input"),
        ({"tuning": [40000, 1, 1, 1]}, "bank: tuning[0] is 40000; allowed: integers 1..32767"),
        (
            {"tuning": [1, 32767, 1, 1]},
            f"bank: tuning[1] is 32767; allowed: with damping {BANK.damping[1]} such that the filter is stable",
        ),
        ({"hop": 1 << 15}, "bank: hop is 32768; allowed: integers 1..16384"),
        ({"level": 600}, "bank: level is 600; allowed: integers -512..508"),
        ({"gain": 1}, "bank: a key of features is 'gain'; allowed: kind, rate, hop, "),
    ],
)
def test_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_features("bank", as_json(BANK) | changes, 4)
    assert str(caught.value).startswith(message)
    assert parse_features("bank", as_json(BANK), 4) == BANK


def test_not_designed() -> None:
    for changes in ({"high": 7900.0}, {"bands": 1}, {"low": 0.0}, {"low": 20.0, "bands": 2}):
        given = {"rate": 16000, "hop": 32, "low": 300.0, "high": 3400.0, "bands": 4, "level": 0, "hang": 3} | changes
        with pytest.raises(ValueError, match="bands that are stable"):
            FilterBank.design(**given)  # type: ignore[arg-type]
