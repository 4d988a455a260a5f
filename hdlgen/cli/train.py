"""``hdlgen train``: a sparse network from images or other arrays, or a recurrent network from sequences."""

import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np

from hdlgen import importers
from hdlgen.cli import NEW_FILE, New, Row, Verb, Verbs, integers, name_option, network_name, numbers, options
from hdlgen.errors import InputError
from hdlgen.files import atomic_write, check_writable
from hdlgen.network import InputFormat, load, save
from hdlgen.quantize.layered import QuantizeRecipe
from hdlgen.schema import as_json, show
from hdlgen.terminal import say

__all__ = ["command"]


def _training() -> Any:
    """The package that needs PyTorch, and Pillow."""
    try:
        from hdlgen import train
    except ModuleNotFoundError as error:
        missing = {"torch": "PyTorch", "PIL": "Pillow"}.get(error.name or "")
        if missing is None:
            raise
        raise InputError(f"train: {missing} is not installed; remedy: pip install 'hdlgen[train]'") from None
    return train


_THEN = ("check {output}",)


@click.group(cls=Verbs)
def command() -> None:
    """Train a network (needs the extra 'train')."""


def _history_file(value: str) -> Path:
    if Path(value).suffix not in (".csv", ".json"):
        raise InputError(f"--history is {show(value)}; allowed: a file *.csv or *.json")
    return check_writable(value)


def _written(*rows: Row) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Options, and in the end those of what is written."""
    output = click.option("-o", "--output", required=True, type=NEW_FILE, help="Network file to write.")
    history = click.option(
        "--history", type=New(_history_file), help="Of all epochs, .csv or .json to write: phase, loss, validation."
    )
    return lambda function: options(*rows)(name_option(output(history(function))))


def _schedule(what: str, epochs: int, rate: float, batch: int, seed: str, qat: int | None = None) -> tuple[Row, ...]:
    """Options of the training of inputs that are called ``what``; ``qat``: epochs in integers that follow others."""
    return (
        ("--epochs", int, epochs, "Epochs in integers." if qat is None else "Epochs in real numbers."),
        ("--learning-rate", float, rate, "Of Adam; cosine to zero."),
        *(() if qat is None else (("--qat-epochs", int, qat, "Epochs in integers after that."),)),
        *(() if qat is None else (("--qat-learning-rate", float, 1e-3, "Of Adam; cosine to zero."),)),
        ("--batch", int, batch, f"{what} per step."),
        ("--seed", int, 1, f"Of {seed}."),
        ("--threads", int, 1, "Threads of PyTorch."),
    )


_HELD_OUT = ("--validation", int, None, "Training inputs to hold out.  [default: a twelfth]")
_MIXED = "the order and augmentation of the inputs"
_LAYERED: tuple[Row, ...] = (
    ("--topology", str, "sobol", "What connects the layers: sobol, random, interleaver, dense or pruned."),
    ("--paths", int, None, "sobol, random: number of paths."),
    ("--weight-bits", int, 8, "Bits of a weight; 2: {-1, 0, 1}."),
    ("--activation-bits", int, 8, "Bits of a hidden value."),
    ("--dimensions", integers, None, "sobol: Sobol' dimension of each layer.  [default: 0,1,2,...]"),
    ("--log2-slots", integers, None, "sobol: slots of each layer, as logarithms.  [default: ceil(log2 n)]"),
    ("--scramble", int, None, "sobol: scramble the sequence, by this seed."),
    ("--kept", int, None, "sobol: digits that scrambling leaves, for up to 2^N lanes.  [default: 6]"),
    ("--shift", int, None, "sobol: shift the sequence digitally, by this seed."),
    ("--digits", int, None, "sobol: digits to scramble and shift.  [default: as many as number the paths]"),
    ("--generator", str, None, "random: drand48 or philox.  [default: drand48]"),
    ("--topology-seed", int, None, "random, interleaver: of the connections.  [default: 1]"),
    ("--fan-out", integers, None, "interleaver: edges out of each neuron, for each layer: 16,32,10."),
    ("--lanes", int, None, "interleaver: lanes that compute the connections.  [default: 16]"),
    ("--density", numbers, None, "pruned: share of edges that stay, for each layer: 0.05,0.1,1."),
    ("--prune-epochs", int, None, "pruned: epochs in real numbers after pruning.  [default: 20]"),
    ("--init", str, None, "sobol: go on from this network, whose paths are the first ones of the new one."),
    ("--lasso", float, 0.0, "Factor of a group-lasso penalty."),
    ("--lasso-groups", str, "neurons", "Its groups: rows, columns or neurons."),
    ("--bias/--no-bias", bool, False, "Whether the layers have biases."),
    *_schedule("Inputs", 40, 4e-3, 128, _MIXED, qat=20),
    ("--reconstruct", bool, False, "The outputs are to be the inputs."),
    _HELD_OUT,
)


def _layered(function: Callable[..., Any]) -> Callable[..., Any]:
    widths = click.option(
        "--widths", required=True, type=integers, help="Neurons of each layer after the input: 256,256,10."
    )
    return widths(_written(*_LAYERED)(function))


def _report(output: Path, trained: Any) -> None:
    for what in ("validation", "test"):
        accuracy, deviation = getattr(trained, f"{what}_accuracy"), getattr(trained, f"{what}_deviation")
        if accuracy is not None:
            say(f"{output}: {what} accuracy {accuracy:.2%} (golden model)")
        if deviation is not None:
            say(f"{output}: {what}: {deviation} (golden model)")


def _write(trained: Any, recipe: Any, output: Path, history: Path | None) -> None:
    """The network, and how it came about."""
    save(trained.network, output)
    if history is None:
        return
    names = ("phase", "epoch", "loss", "validation")
    epochs = [{name: getattr(epoch, name) for name in names} for epoch in trained.history]
    if history.suffix == ".json":
        accuracy = {name: getattr(trained, f"{name}_accuracy") for name in ("validation", "test")}
        made = {"network": trained.network.name, "recipe": as_json(recipe), "epochs": epochs, "accuracy": accuracy}
        atomic_write(history, json.dumps(made, indent=2) + "\n")
        return
    lines = [
        ",".join(f"{value:.9g}" if isinstance(value, float) else str(value) for value in epoch.values())
        for epoch in epochs
    ]
    atomic_write(history, "\n".join([",".join(names), *lines, ""]))


def _train(
    data: Path,
    output: Path,
    name: str | None,
    init: str | None,
    history: Path | None,
    test: Path | None = None,
    **recipe: Any,
) -> None:
    training = _training()
    recipe["kind"] = recipe.pop("topology")
    checked = training.Recipe(name=network_name(name, output), **recipe)
    if init is not None and checked.kind != "sobol":
        raise InputError(f"train: init is {init!r}; allowed: with --topology sobol")
    initial = None if init is None else load(init)
    trained = training.train(training.read_dataset(data, test, seed=checked.seed), checked, initial=initial)
    _write(trained, checked, output, history)
    _report(output, trained)


@command.command(cls=Verb, then=_THEN)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--augment", type=int, default=1, show_default=True, help="Move images by up to so many pixels.")
@_layered
def idx(folder: Path, **recipe: Any) -> None:
    """Train on images in FOLDER: MNIST-like idx files, {train,t10k}-{images-idx3,labels-idx1}-ubyte, gzip or plain.

    The test files may be missing; they serve to report the accuracy, nothing else.
    """
    _train(folder, **recipe)


@command.command(cls=Verb, then=_THEN)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--test", type=click.Path(path_type=Path), help="Such a file, to report how good the network is.")
@click.option("--augment", type=int, default=0, show_default=True, help="Move images by up to so many pixels.")
@_layered
def arrays(file: Path, **recipe: Any) -> None:
    """Train on arrays in FILE, as numpy.savez writes it: x, and labels or y.

    x are integers 0..255, (N, width), or images (N, rows, columns). A network with labels, integers (N,), becomes a
    classifier; one with y, real numbers (N, outputs), computes these. What is held out to validate with is chosen by
    --seed, of every class its share.
    """
    _train(file, **recipe)


@command.command(cls=Verb, then=_THEN)
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "--layers", required=True, help="A word for each layer: 'conv:16:3 max:2 conv:32:3:sobol=256 mean dense:10'."
)
@click.option("--test", type=click.Path(path_type=Path), help="With arrays: such a file, to report how good it is.")
@_written(
    ("--weight-bits", int, 4, "Bits of a weight; 2: {-1, 0, 1}."),
    ("--activation-bits", int, 8, "Bits of a hidden value."),
    ("--multiplier-bits", int, 16, "Bits of the factor of a channel."),
    ("--initial", str, "constant", "First weights of paths: constant (signs by a rule), or normal."),
    ("--doublings", int, 0, "Begin with few paths, and double them so often."),
    ("--augment", int, 2, "Move images by up to so many pixels."),
    ("--flip/--no-flip", bool, False, "Whether images are also mirrored."),
    ("--cutout", int, 0, "Side of a black square in each image."),
    ("--lasso", float, 0.0, "Factor of a group-lasso penalty."),
    ("--lasso-groups", str, "filters", "Its groups: filters, channels or shapes."),
    ("--decay", float, 0.0, "Weight decay."),
    *_schedule(
        "Inputs", 20, 4e-3, 128, "weights that are random, and of the order and augmentation of images", qat=10
    ),
    _HELD_OUT,
)
def images(
    data: Path, output: Path, name: str | None, test: Path | None, history: Path | None, **recipe: Any
) -> None:
    """Train a network of convolutions on DATA: a folder as for idx, a file as for arrays, or a folder of image files.

    Image files are in DATA/train/CLASS/, and perhaps DATA/test/CLASS/. Images have one channel or more; labels are needed.
    """
    training = _training()
    checked = training.ImageRecipe(name=network_name(name, output), **recipe)
    dataset = training.read_dataset(data, test, seed=checked.seed, channels=True)
    trained = training.train_images(dataset, checked)
    _write(trained, checked, output, history)
    _report(output, trained)


@command.command(cls=Verb, then=_THEN)
@click.argument("file")
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--test", type=click.Path(path_type=Path), help="With arrays: such a file, to report how good it is.")
@_written(
    ("--bits", int, None, "Real numbers: bits of a weight, 1..16.  [default: 8]"),
    ("--activation-bits", int, None, "Real numbers: bits of a hidden value, 1..16.  [default: 8]"),
    ("--weights", str, None, "Real numbers: integer, binary, ternary or power-of-two.  [default: integer]"),
    ("--scales", str, None, "Real numbers: of weights, for a layer or each neuron.  [default: layer]"),
    ("--requantise", str, None, "Real numbers: shift or multiplier.  [default: shift]"),
    ("--input-scale", str, None, "Real numbers: what 1 means in the input, such as 1/255."),
    ("--input-offset", str, None, "Real numbers: what 0 means in the input.  [default: 0]"),
    ("--augment", int, 0, "Move images by up to so many pixels."),
    *_schedule("Inputs", 3, 1e-3, 128, _MIXED),
    _HELD_OUT,
)
def tune(
    file: str, data: Path, test: Path | None, name: str | None, output: Path, history: Path | None, **chosen: Any
) -> None:
    """Go on with the training of FILE, in integers, on DATA: a folder as for idx, or a file as for arrays.

    FILE is a network without recurrent layers, or one of real numbers, .onnx or .json, which is quantised first, as by
    `hdlgen quantize`. Absent edges stay absent.
    """
    training = _training()
    schedule = {field.name: chosen.pop(field.name) for field in dataclasses.fields(training.Schedule)}
    checked, title = training.Schedule(**schedule), network_name(name, output)
    given = {option: value for option, value in chosen.items() if value is not None}
    if Path(file).suffix in (".onnx", ".json"):
        scale, offset = given.pop("input_scale", None), given.pop("input_offset", None)
        recipe, meaning = QuantizeRecipe(**given), importers.InputOptions(8, scale, offset, False)
        if scale is None:
            raise InputError(
                f"{file}: nothing says what its inputs mean; required: --input-scale (1/255: it reads them divided by 255)"
            )
        real = importers.float_network(dataclasses.replace(importers.lower(importers.read(Path(file))), name=title))
        real.refuse_tensors("to tune")
        dataset = training.read_dataset(data, test, seed=checked.seed)
        tuned = training.tune_real(real, recipe, meaning.given(real.width), dataset, checked)
    else:
        for option in given:
            raise InputError(f"--{option.replace('_', '-')}: {file} holds integers; allowed: with .onnx and .json")
        network = dataclasses.replace(load(file), name=title)
        tuned = training.tune(network, training.read_dataset(data, test, seed=checked.seed), checked)
    _write(tuned.after, checked, output, history)
    for when in ("before", "after"):
        say(f"{when}:")
        _report(output, getattr(tuned, when))


_FORM: tuple[Row, ...] = (
    ("--cell", str, "gru", "relu, tanh, gru, ligru, lstm, or linear: mingru, sru, qrnn, indrnn."),
    ("--width", int, 32, "Neurons of each recurrent layer."),
    ("--layers", int, 1, "Recurrent layers."),
    ("--band", int, None, "Neighbours that a neuron reads, itself included: odd.  [default: all]"),
    ("--cyclic", bool, False, "Whether the band closes to a ring."),
    ("--groups", int, None, "Groups that know nothing of each other, instead of a band."),
    ("--graph", str, None, "Or a random graph: erdos-renyi, watts-strogatz or barabasi-albert."),
    (
        "--degree",
        int,
        None,
        "Of the graph: neighbours that a neuron reads, on average, besides itself.  [default: 8]",
    ),
    ("--rewire", float, None, "watts-strogatz: probability that an edge leads elsewhere.  [default: 0.1]"),
    ("--graph-seed", int, None, "Of the graph.  [default: 1]"),
    ("--window", int, None, "Linear cells: steps that are looked at.  [default: 1; qrnn: 2]"),
    ("--shared", bool, False, "One input product for all gates."),
    ("--input-paths", int, None, "Sobol' paths from the input, instead of a dense matrix."),
    ("--head-paths", int, None, "Sobol' paths to the outputs, instead of a dense matrix."),
    ("--functions", str, "hard", "hard, or smooth: sigmoid and tanh as tables."),
    ("--weight-bits", int, 8, "Bits of a weight."),
    ("--state-bits", int, 8, "Bits of a state and of a gate."),
    ("--state-fraction", int, None, "Fraction bits of a state.  [default: bits - 1; ReLU: bits - 3]"),
)
"""What a network that is trained further has already."""
_RECURRENT = _written(
    ("--init", str, None, "Go on from this network, with its connections, cells and formats."),
    *_FORM,
    *_schedule("Sequences", 30, 1e-2, 64, "weights and of what is random in the data", qat=15),
    ("--decay", float, 0.0, "Weight decay."),
)
_SAVE_TEST = options(("--save-test", NEW_FILE, None, "Test sequences to write: .npz for evaluate."))


def _archive(sequences: Any, source: InputFormat) -> bytes:
    """x, lengths and labels in the least types, as an .npz file."""
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        x=sequences.x.astype(np.min_scalar_type(source.low if source.signed else source.high)),
        lengths=sequences.lengths.astype(np.int32),
        labels=sequences.wanted.astype(np.uint8),
    )
    return buffer.getvalue()


def _train_sequences(
    data: Callable[[Any], Any],
    output: Path,
    name: str | None,
    init: str | None,
    history: Path | None,
    save_test: Path | None = None,
    **recipe: Any,
) -> None:
    """``data`` makes sequences for the network to begin with, or None."""
    initial = None if init is None else load(init)
    if initial is not None:
        if not initial.sequential:
            raise InputError(f"{initial.where}: is no recurrent network; allowed with --init: such")
        context = click.get_current_context()
        for option, *_ in _FORM:
            member = option[2:].replace("-", "_")
            if context.get_parameter_source(member) is not click.core.ParameterSource.DEFAULT:
                raise InputError(f"train: {option[2:]} is that of {initial.where}; allowed without --init")
    training = _training()
    checked = training.SequenceRecipe(name=network_name(name, output), **recipe)
    sequences = data(initial)
    trained = training.train_sequences(sequences, checked, initial=initial)
    _write(trained, checked, output, history)
    if save_test is not None:
        atomic_write(save_test, _archive(sequences.test, sequences.input))
    _report(output, trained)


def _reber(name: str, text: str) -> None:
    """A verb for one of the grammars."""

    @command.command(name, help=text, cls=Verb, then=_THEN)
    @click.option("--strings", type=int, default=10000, show_default=True, help="Strings to train on.")
    @click.option("--validation", type=int, default=1000, show_default=True, help="Unseen strings to validate with.")
    @click.option("--test", type=int, default=2000, show_default=True, help="Unseen strings to test with.")
    @_SAVE_TEST
    @_RECURRENT
    def verb(strings: int, validation: int, test: int, **recipe: Any) -> None:
        counts = {"strings": strings, "validation": validation, "test": test}

        def data(_: Any) -> Any:
            return _training().reber_data(embedded=name != "reber", seed=recipe["seed"], **counts)

        _train_sequences(data, **recipe)


_reber("reber", "Train a recurrent network to tell strings of Reber's grammar from such with one wrong symbol.")
_reber("embedded-reber", "As reber, with strings that must remember their second symbol to the end.")


@command.command(cls=Verb, then=_THEN)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--held-out", type=int, default=5, show_default=True, help="Takes of each speaker to validate with.")
@click.option("--augment", type=float, default=1.0, show_default=True, help="Strength of changes of recordings.")
@_SAVE_TEST
@_RECURRENT
def fsdd(folder: Path, held_out: int, **recipe: Any) -> None:
    """Train a recurrent network on spoken digits in FOLDER: DIGIT_SPEAKER_TAKE.wav, as the Free Spoken Digit Dataset.

    Takes 0 to 4 are the official test recordings; they serve to report the accuracy, nothing else.
    """
    _train_sequences(lambda _: _training().speech_data(folder, held_out=held_out), **recipe)


@command.command(cls=Verb, then=_THEN)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--test", type=click.Path(path_type=Path), help="Such a file, to report how good the network is.")
@options(
    ("--validation", int, None, "Sequences to hold out.  [default: a twelfth]"),
    ("--input-bits", int, 8, "Bits of the input, for real numbers."),
    ("--input-scale", str, None, "What 1 means in the input, such as 1/255.  [default: by the range of FILE]"),
    ("--input-offset", str, None, "What 0 means in the input, with --input-scale.  [default: 0]"),
    ("--input-signed", bool, False, "Whether the input's integers are signed, with --input-scale."),
)
@_RECURRENT
def sequences(
    file: Path,
    test: Path | None,
    validation: int | None,
    input_bits: int,
    input_scale: str | None,
    input_offset: str | None,
    input_signed: bool,
    **recipe: Any,
) -> None:
    """Train a recurrent network on sequences in FILE, as numpy.savez writes it: x, lengths, and labels or y.

    x are steps of all sequences, one after the other (steps, width), integers or real numbers; lengths their numbers. Labels
    are classes, integers, y what the outputs should be, real numbers (.., outputs): of each sequence, behind its last step,
    or of each step. Perhaps subjects, integers: whom each sequence is from.

    What is held out to validate with is chosen by --seed, of every class its share; with subjects all of a subject or none.
    """
    meaning = importers.InputOptions(input_bits, input_scale, input_offset, input_signed)

    def data(initial: Any) -> Any:
        if initial is not None and input_scale is not None:
            raise InputError(f"train: input-scale is that of {initial.where}; allowed without --init")
        return _training().read_sequence_data(
            file,
            test,
            source=None if initial is None else initial.input,
            meaning=meaning,
            validation=validation,
            seed=recipe["seed"],
        )

    _train_sequences(data, **recipe)
