#!/usr/bin/env python3
"""The clips of Speech Commands' test set as sequences to train a recogniser on.

    pip install soundfile
    python scripts/speech_commands.py FOLDER commands
    hdlgen train sequences commands-train.npz --test commands-test.npz ... -o commands.safetensors
    python scripts/speech_commands.py FOLDER commands --into commands.safetensors

FOLDER has `test12.flac`, 4,890 clips of 16,000 samples, one after the other, and `test12.npz` with their label and speaker.
Writes `commands-train.npz` and `commands-test.npz`, as `hdlgen train sequences` reads them: 40 log-mel features of 8 bits
every 20 ms. Speakers with crc32(speaker) % 5 == 0 are the test. Of every clip to train on there are COPIES: the first as it
is, the others up to a tenth of a second earlier or later, louder or softer, with noise, and with bands or steps missing.
With --into, the network that was trained is told what its inputs and outputs are, and `commands-sample.npz` has the first 20
test clips of each word.
"""

import argparse
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from hdlgen import network
from hdlgen.network import InputFormat, log_mel
from hdlgen.network.features import fitted_log_mel

CLIP, RATE, COPIES, BANDS, DEVIATION, SAMPLE = 16000, 16000, 8, 40, 32, 20
SOUND = {"rate": RATE, "frame": 512, "hop": 320, "low": 60.0, "high": 7600.0}
FLOOR = 1e-5


def source_of(clips: np.ndarray) -> InputFormat:
    """An input in which the features of all ``clips`` have mean 0 and the chosen deviation."""
    features, _ = fitted_log_mel(clips, deviation=DEVIATION, floor=FLOOR, count=BANDS, **SOUND)
    return InputFormat(width=BANDS, bits=8, signed=True, features=features)


def changed(clip: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another clip that could have been recorded."""
    start = int(rng.integers(0, 3201))
    moved = np.pad(clip, 1600)[start : start + len(clip)]
    noise = rng.normal(0, 10.0 ** rng.uniform(-4.5, -2.5), len(clip))
    return np.clip(moved * np.exp(rng.uniform(-0.7, 0.7)) + noise, -1, 1)


def masked(steps: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A band and a moment at their mean, as SpecAugment has it (Park et al., Interspeech 2019)."""
    for axis in (0, 1):
        width = int(rng.integers(0, 8))
        start = int(rng.integers(0, steps.shape[axis] - width + 1))
        steps[(slice(None),) * axis + (slice(start, start + width),)] = 0
    return steps


def save(name: str, x: np.ndarray, labels: np.ndarray, **more: np.ndarray) -> None:
    lengths = np.full(len(x), x.shape[1])
    np.savez_compressed(name, x=x.astype(np.int8).reshape(-1, BANDS), lengths=lengths, labels=labels, **more)
    print(f"{name}: {len(x)} sequences of {x.shape[1]} steps")


def main() -> None:
    parser = argparse.ArgumentParser(description="Speech Commands as sequences.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("name")
    parser.add_argument("--into", metavar="NET")
    given = parser.parse_args()
    import soundfile

    sound, rate = soundfile.read(given.folder / "test12.flac", dtype="float64")
    about = np.load(given.folder / "test12.npz", allow_pickle=False)
    labels = about["label"].astype(np.int64)
    assert (rate, len(sound)) == (RATE, CLIP * len(labels))
    clips, rng = sound.reshape(-1, CLIP), np.random.default_rng(1)
    speakers, subjects = np.unique(about["speaker"], return_inverse=True)
    tests = np.array([zlib.crc32(str(name).encode()) % 5 == 0 for name in speakers])[subjects]
    source = source_of(clips[~tests])
    plain = np.stack([log_mel(clip, source) for clip in clips[tests]])
    if given.into:
        found = network.load(given.into)
        words = tuple(str(word).strip("_") for word in about["labels"])
        network.save(replace(found, input=source, output_names=words, header=None), given.into)
        chosen = np.sort(
            np.concatenate([np.flatnonzero(labels[tests] == word)[:SAMPLE] for word in range(len(words))])
        )
        save(f"{given.name}-sample.npz", plain[chosen], labels[tests][chosen])
        return
    train = [np.stack([log_mel(clip, source) for clip in clips[~tests]])]
    for _ in range(COPIES - 1):
        train.append(np.stack([masked(log_mel(changed(clip, rng), source), rng) for clip in clips[~tests]]))
    copies = {"labels": np.tile(labels[~tests], COPIES), "subjects": np.tile(subjects[~tests], COPIES)}
    save(f"{given.name}-train.npz", np.concatenate(train), **copies)
    save(f"{given.name}-test.npz", plain, labels[tests])


if __name__ == "__main__":
    main()
