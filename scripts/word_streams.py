#!/usr/bin/env python3
"""Streams of spoken digits with pauses, for a spotter: to train on, with a label in every step, and to listen to.

    python scripts/word_streams.py FSDD words                    FSDD: a folder or an archive of recordings

writes `words-train.npz`, `words-validation.npz` and `words-test.npz`: recordings in random order, as sound, with noise
between and under them, six in a sequence; takes as `hdlgen train fsdd` parts them. The features are those of `digits-gru`. A
step is labelled with the digit whose recording ends at most 5 steps later, or ended less than 5 before, others with 10.

    python scripts/word_streams.py --listen NET words

puts a spotter behind NET, trained on these, chooses window and threshold by the validation streams, and prints for those and
the test streams, each as one sequence that goes on, how many words are heard, and what is heard besides.
"""

import argparse
from dataclasses import replace

import numpy as np

from hdlgen import fsdd, golden, network
from hdlgen.network import Activation, Network, Spot, log_mel

TOGETHER, NOTHING, NEAR, REST = 6, 10, 5, 15
PARTS = {"test": range(5), "validation": range(5, 10), "train": range(10, 1000)}


def streams(recordings: list[fsdd.Recording], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """As `hdlgen train sequences` reads them."""
    source, x, labels = network.load("digits-gru").input, [], []
    assert source.features is not None
    for first in range(0, len(recordings), TOGETHER):
        pieces, stops = [np.zeros(2000)], []
        for recording in recordings[first : first + TOGETHER]:
            pieces.append(np.asarray(recording.samples) / 32768)
            stops.append((sum(map(len, pieces)) // source.features.hop, recording.digit))
            pieces.append(np.zeros(rng.integers(2000, 6000)))
        sound = np.concatenate(pieces)
        x.append(log_mel(sound + rng.normal(0, 10.0 ** rng.uniform(-4, -3), len(sound)), source))
        labels.append(np.full(len(x[-1]), NOTHING))
        for stop, digit in stops:
            labels[-1][stop - NEAR : stop + NEAR] = digit
    lengths = np.array([len(label) for label in labels])
    return {"x": np.concatenate(x).astype(np.int8), "lengths": lengths, "labels": np.concatenate(labels)}


def words(labels: np.ndarray) -> list[tuple[int, int]]:
    """The step in which each word ends, and the word."""
    begins = np.flatnonzero((labels != NOTHING) & (np.roll(labels, 1) == NOTHING))
    return [(int(begin) + NEAR, int(labels[begin])) for begin in begins]


def spotting(scored: Network, log2_window: int, threshold: int) -> Network:
    """A spotter behind 11 scores, the last of which is that of nothing."""
    reach = scored.ranges()[-1]
    shift = max(0, reach.bits - 16)
    head = replace(scored.layers[-1], activation=Activation(kind="identity", bits=16, shift=shift))
    spot = Spot(scores=11, log2_window=log2_window, threshold="threshold", refractory=REST)
    levels = np.array([threshold] * 10 + [0], np.int32)
    layers, tensors = (*scored.layers[:-1], head, spot), scored.tensors | {"threshold": levels}
    return replace(scored, layers=layers, tensors=tensors, output_scale=None, header=None)


def heard(found: Network, part: np.lib.npyio.NpzFile) -> tuple[int, int]:
    """Words that are heard from 10 steps before their end to 15 behind it, and what else is heard."""
    said = golden.evaluate(found, part["x"].astype(np.int64), np.array([len(part["x"])]), every_step=True)[:, 0]
    right, left = 0, words(part["labels"])
    for step in np.flatnonzero(said).tolist():
        match = next((word for word in left if word[1] == said[step] - 1 and -10 <= step - word[0] <= 15), None)
        if match is not None:
            left.remove(match)
            right += 1
    return right, int((said > 0).sum()) - right


def main() -> None:
    parser = argparse.ArgumentParser(description="Streams of spoken digits.")
    parser.add_argument("source")
    parser.add_argument("name")
    parser.add_argument("--listen", action="store_true")
    given = parser.parse_args()
    if not given.listen:
        recordings, rng = fsdd.read_recordings(given.source), np.random.default_rng(1)
        for part, takes in PARTS.items():
            chosen = [recording for recording in recordings if recording.take in takes]
            np.savez_compressed(
                f"{given.name}-{part}.npz", **streams([chosen[i] for i in rng.permutation(len(chosen))], rng)
            )
        return
    scored = network.load(given.source)
    parts = {part: np.load(f"{given.name}-{part}.npz") for part in ("validation", "test")}
    table = [(k, threshold) for k in (2, 3, 4) for threshold in 2 ** np.arange(8, 18) if threshold < 1 << 15 + k]
    scores = {(k, t): np.array(heard(spotting(scored, k, int(t)), parts["validation"])) @ [1, -1] for k, t in table}
    k, threshold = max(scores, key=lambda each: scores[each])
    best = spotting(scored, k, int(threshold))
    network.save(best, f"{given.name}-spotter.safetensors")
    for part, data in parts.items():
        right, wrong = heard(best, data)
        print(
            f"{part}: window {1 << k}, threshold {threshold}: {right} of {len(words(data['labels']))} words, {wrong} else"
        )
        print(f"  in {len(data['x'])} steps")


if __name__ == "__main__":
    main()
