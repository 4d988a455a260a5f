"""``hdlgen hear``: recordings as a microphone's filter bank hears them."""

from pathlib import Path

import click
import numpy as np

from hdlgen.cli import NEW_FILE, options, verb
from hdlgen.errors import InputError
from hdlgen.files import atomic_write
from hdlgen.golden import sounds
from hdlgen.golden.arrays import read_sequences
from hdlgen.network import FilterBank
from hdlgen.network.features import parse_features
from hdlgen.schema import as_json
from hdlgen.terminal import say

__all__ = ["command"]


@verb("hear", "train sequences {output} --cell mingru -o net.safetensors")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=NEW_FILE, help="Sequences to train on: .npz.")
@options(
    ("--test", NEW_FILE, None, "Test recordings, takes 0 to 4 of digits: .npz. They are not trained on in any case."),
    ("--like", click.Path(path_type=Path), None, "Hear with the filter bank of this .npz file."),
    (
        "--copies",
        click.IntRange(0, 100),
        0,
        "Of each recording to train on, besides: others in loudness, speed and noise.",
    ),
    ("--seed", click.IntRange(0, (1 << 32) - 1), 1, "Of the copies."),
    ("--bands", int, 16, "Bands, inputs of the network."),
    ("--low", float, 150.0, "Frequency of the first band, in Hz."),
    ("--high", float, 3600.0, "Frequency of the last band, in Hz."),
    ("--rate", int, 16000, "Samples of the microphone per second; recordings have as many, or half."),
    ("--hop", int, 256, "Samples in a step."),
    ("--level", int, -30, "A step is loud whose bands have this mean, in sixteenths of an octave above the average."),
    ("--hang", int, 12, "Steps without one that is loud that end a word."),
)
def command(
    folder: Path, output: Path, test: Path | None, like: Path | None, copies: int, seed: int, **design: float
) -> None:
    """Turn recordings in FOLDER into sequences, exactly as the filter bank behind a microphone does on the chip.

    FOLDER holds CLASS/*.wav, one channel of 16 bits, or DIGIT_SPEAKER_TAKE.wav as the Free Spoken Digit Dataset.
    """
    bank = _designed(**design) if like is None else _like(like)  # type: ignore[arg-type]
    heard, names = sounds.read_sounds(folder)
    kept = {output: [each for each in heard if not each.test]}
    if test is not None:
        kept[test] = [each for each in heard if each.test]
    for path, part in kept.items():
        if not part:
            raise InputError(
                f"{folder}: no recordings for {path}; allowed: takes of digits below 5 to test, others to train"
            )
    rng = np.random.default_rng(seed)
    kept[output] += [sounds.varied(each, rng) for _ in range(copies) for each in kept[output]]
    for path, part in kept.items():
        found = sounds.logarithms(bank, part)
        if like is None and path == output:
            bank = bank.centred(np.concatenate([each[: -bank.hang - 1] for each in found]))
        recordings = len(part) // (copies + 1 if path == output else 1)
        heard_in = enumerate(zip(map(bank.heard, found), part, strict=True))
        pairs = [(each, sound.label, number % recordings) for number, (each, sound) in heard_in]
        loud = [pair for pair in pairs if len(pair[0])]
        if not loud:
            raise InputError(f"{folder}: nothing in it is loud; allowed: a lower --level")
        atomic_write(path, sounds.archive(bank, *zip(*loud, strict=True)))
        more = f", {len(pairs) - len(loud)} recordings are never loud" if len(loud) < len(pairs) else ""
        say(
            f"{path}: {len(loud)} sequences, {sum(len(each) for each, *_ in loud)} steps of {len(bank.tuning)} bands{more}"
        )
    say(f"classes: {', '.join(f'{number} {name}' for number, name in enumerate(names))}")


def _designed(*, level: int, bands: int, rate: int, hop: int, low: float, high: float, hang: int) -> FilterBank:
    try:
        made = FilterBank.design(rate=rate, hop=hop, low=low, high=high, bands=bands, level=level * bands, hang=hang)
    except ValueError as error:
        raise InputError(f"hdlgen hear: {error}") from None
    features = parse_features("hdlgen hear", as_json(made), bands)
    assert isinstance(features, FilterBank)
    return features


def _like(path: Path) -> FilterBank:
    features = read_sequences(path).features
    if not isinstance(features, FilterBank):
        raise InputError(f"{path}: has no filter bank; allowed: a file that hdlgen hear wrote")
    return features
