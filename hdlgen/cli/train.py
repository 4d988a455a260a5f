"""``hdlgen train``: a sparse network from images or other arrays, or a recurrent network from sequences."""

import dataclasses
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np

from hdlgen import importers
from hdlgen.errors import InputError
from hdlgen.files import atomic_write
from hdlgen.idx import read_folder
from hdlgen.network import InputFormat, load, save
from hdlgen.quantize.layered import QuantizeRecipe

__all__ = ["command"]


def _integers(context: click.Context, option: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    if value is None:
        return None
    try:
        return tuple(int(word) for word in value.split(","))
    except ValueError:
        raise InputError(f"train: {option.opts[0][2:]} is {value!r}; allowed: integers with commas between") from None


def _numbers(context: click.Context, option: click.Parameter, value: str | None) -> tuple[float, ...] | None:
    if value is None:
        return None
    try:
        return tuple(float(word) for word in value.split(","))
    except ValueError:
        raise InputError(f"train: {option.opts[0][2:]} is {value!r}; allowed: numbers with commas between") from None


def _writable(output: Path) -> None:
    """Better now than after the training."""
    if output.is_dir():
        raise InputError(f"{output}: is a folder; name a file for the network")
    if not output.parent.is_dir() or not os.access(output.parent, os.W_OK):
        raise InputError(
            f"{output}: its folder does not exist or cannot be written; name a file in a writable folder"
        )


def _missing(error: ModuleNotFoundError) -> InputError:
    if error.name != "torch":
        raise error
    return InputError("train: PyTorch is not installed; remedy: pip install 'hdlgen[train]'")


@click.group()
def command() -> None:
    """Train a network (needs the extra 'train')."""


_LAYERED = [
    click.option(
        "--widths", required=True, callback=_integers, help="Neurons of each layer after the input: 256,256,10."
    ),
    click.option(
        "--topology",
        "kind",
        default="sobol",
        show_default=True,
        help="What connects the layers: sobol, random, interleaver, dense or pruned.",
    ),
    click.option("--paths", type=int, help="sobol, random: number of paths."),
    click.option("--weight-bits", type=int, default=8, show_default=True, help="Bits of a weight; 2: {-1, 0, 1}."),
    click.option("--activation-bits", type=int, default=8, show_default=True, help="Bits of a hidden value."),
    click.option(
        "--dimensions", callback=_integers, help="sobol: Sobol' dimension of each layer.  [default: 0,1,2,...]"
    ),
    click.option(
        "--log2-slots", callback=_integers, help="sobol: slots of each layer, as logarithms.  [default: ceil(log2 n)]"
    ),
    click.option("--scramble", type=int, metavar="SEED", help="sobol: scramble the sequence."),
    click.option("--kept", type=int, help="sobol: digits that scrambling leaves, for up to 2^N lanes.  [default: 6]"),
    click.option("--shift", type=int, metavar="SEED", help="sobol: shift the sequence digitally."),
    click.option(
        "--digits", type=int, help="sobol: digits to scramble and shift.  [default: as many as number the paths]"
    ),
    click.option("--generator", help="random: drand48 or philox.  [default: drand48]"),
    click.option("--topology-seed", type=int, help="random, interleaver: of the connections.  [default: 1]"),
    click.option(
        "--fan-out", callback=_integers, help="interleaver: edges out of each neuron, for each layer: 16,32,10."
    ),
    click.option("--lanes", type=int, help="interleaver: lanes that compute the connections.  [default: 16]"),
    click.option(
        "--density", callback=_numbers, help="pruned: share of edges that stay, for each layer: 0.05,0.1,1."
    ),
    click.option("--prune-epochs", type=int, help="pruned: epochs in real numbers after pruning.  [default: 20]"),
    click.option(
        "--init", metavar="NET", help="sobol: go on from this network, whose paths are the first ones of the new one."
    ),
    click.option("--lasso", type=float, default=0.0, show_default=True, help="Factor of a group-lasso penalty."),
    click.option(
        "--lasso-groups", default="neurons", show_default=True, help="Its groups: rows, columns or neurons."
    ),
    click.option("--bias/--no-bias", default=False, show_default=True, help="Whether the layers have biases."),
    click.option("--epochs", type=int, default=40, show_default=True, help="Epochs in real numbers."),
    click.option("--learning-rate", type=float, default=4e-3, show_default=True, help="Of Adam; cosine to zero."),
    click.option("--qat-epochs", type=int, default=20, show_default=True, help="Epochs in integers after that."),
    click.option("--qat-learning-rate", type=float, default=1e-3, show_default=True, help="Of Adam; cosine to zero."),
    click.option("--batch", type=int, default=128, show_default=True, help="Inputs per step."),
    click.option("--reconstruct", is_flag=True, help="The outputs are to be the inputs."),
    click.option("--validation", type=int, help="Training inputs to hold out.  [default: a twelfth]"),
    click.option("--seed", type=int, default=1, show_default=True, help="Of order and augmentation of the inputs."),
    click.option("--threads", type=int, default=1, show_default=True, help="Threads of PyTorch."),
    click.option("--name", help="Name of the network.  [default: that of the output file]"),
    click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Network file to write."),
]


def _with(options: list[Callable[..., Any]]) -> Callable[..., Any]:
    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return add


def _report(output: Path, trained: Any) -> None:
    for what in ("validation", "test"):
        accuracy, deviation = getattr(trained, f"{what}_accuracy"), getattr(trained, f"{what}_deviation")
        if accuracy is not None:
            click.echo(f"{output}: {what} accuracy {accuracy:.2%} (golden model)")
        if deviation is not None:
            click.echo(f"{output}: {what}: {deviation} (golden model)")


def _train(data: Callable[[], Any], output: Path, name: str | None, init: str | None, recipe: dict[str, Any]) -> None:
    try:
        from hdlgen.train import Recipe, train
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    checked = Recipe(name=output.name.removesuffix(".safetensors") if name is None else name, **recipe)
    if init is not None and checked.kind != "sobol":
        raise InputError(f"train: init is {init!r}; allowed: with --topology sobol")
    _writable(output)
    initial = None if init is None else load(init)
    trained = train(data(), checked, initial=initial)
    save(trained.network, output)
    _report(output, trained)


@command.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--augment", type=int, default=1, show_default=True, help="Move images by up to so many pixels.")
@_with(_LAYERED)
def idx(folder: Path, output: Path, name: str | None, init: str | None, **recipe: Any) -> None:
    """Train on images in FOLDER: MNIST-like idx files, {train,t10k}-{images-idx3,labels-idx1}-ubyte, gzip or plain.

    The test files may be missing; they serve to report the accuracy, nothing else.
    """
    _train(lambda: read_folder(folder), output, name, init, recipe)


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--test", type=click.Path(path_type=Path), help="Such a file, to report how good the network is.")
@click.option("--augment", type=int, default=0, show_default=True, help="Move images by up to so many pixels.")
@_with(_LAYERED)
def arrays(file: Path, test: Path | None, output: Path, name: str | None, init: str | None, **recipe: Any) -> None:
    """Train on arrays in FILE, as numpy.savez writes it: x, and labels or y.

    x are integers 0..255, (N, width), or images (N, rows, columns). A network with labels, integers (N,), becomes a
    classifier; one with y, real numbers (N, outputs), computes these.
    """

    def data() -> Any:
        from hdlgen.train import read_dataset

        return read_dataset(file, test)

    _train(data, output, name, init, recipe)


@command.command()
@click.argument("file")
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--test", type=click.Path(path_type=Path), help="With arrays: such a file, to report how good it is.")
@click.option("--bits", type=int, help="Real numbers: bits of a weight, 1..16.  [default: 8]")
@click.option("--activation-bits", type=int, help="Real numbers: bits of a hidden value, 1..16.  [default: 8]")
@click.option("--weights", help="Real numbers: integer, binary, ternary or power-of-two.  [default: integer]")
@click.option("--scales", help="Real numbers: of weights, for a layer or each neuron.  [default: layer]")
@click.option("--requantise", help="Real numbers: shift or multiplier.  [default: shift]")
@click.option("--input-scale", help="Real numbers: what 1 means in the input, such as 1/255.")
@click.option("--input-offset", help="Real numbers: what 0 means in the input.  [default: 0]")
@click.option("--epochs", type=int, default=3, show_default=True, help="Epochs in integers.")
@click.option("--learning-rate", type=float, default=1e-3, show_default=True, help="Of Adam; cosine to zero.")
@click.option("--batch", type=int, default=128, show_default=True, help="Inputs per step.")
@click.option("--augment", type=int, default=0, show_default=True, help="Move images by up to so many pixels.")
@click.option("--validation", type=int, help="Training inputs to hold out.  [default: a twelfth]")
@click.option("--seed", type=int, default=1, show_default=True, help="Of order and augmentation of the inputs.")
@click.option("--threads", type=int, default=1, show_default=True, help="Threads of PyTorch.")
@click.option("--name", help="Name of the network.  [default: that of the output file]")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Network file to write.")
def tune(
    file: str,
    data: Path,
    test: Path | None,
    bits: int | None,
    activation_bits: int | None,
    weights: str | None,
    scales: str | None,
    requantise: str | None,
    input_scale: str | None,
    input_offset: str | None,
    name: str | None,
    output: Path,
    **schedule: Any,
) -> None:
    """Go on with the training of FILE, in integers, on DATA: a folder as for idx, or a file as for arrays.

    FILE is a network without recurrent layers, or one of real numbers, .onnx or .json, which is quantised first, as by
    `hdlgen quantize`. Absent edges stay absent.
    """
    try:
        from hdlgen.train import Schedule, read_dataset, tune, tune_real
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    checked = Schedule(**schedule)
    title = importers.check_name(output.name.removesuffix(".safetensors") if name is None else name)
    _writable(output)
    choices: dict[str, Any] = {
        "bits": bits,
        "activation_bits": activation_bits,
        "weights": weights,
        "scales": scales,
        "requantise": requantise,
    }
    given = {option: value for option, value in choices.items() if value is not None}
    if Path(file).suffix in (".onnx", ".json"):
        recipe = QuantizeRecipe(**given)
        options = importers.InputOptions(8, input_scale, input_offset, False)
        if input_scale is None:
            raise InputError(
                f"{file}: nothing says what its inputs mean; required: --input-scale (1/255: it reads them divided by 255)"
            )
        real = importers.float_network(dataclasses.replace(importers.lower(importers.read(Path(file))), name=title))
        dataset = read_folder(data) if data.is_dir() else read_dataset(data, test)
        source = options.given(real.width)
        assert source is not None
        tuned = tune_real(real, recipe, source, dataset, checked)
    else:
        given |= {"input_scale": input_scale} if input_scale is not None else {}
        given |= {"input_offset": input_offset} if input_offset is not None else {}
        for option in given:
            raise InputError(f"--{option.replace('_', '-')}: {file} holds integers; allowed: with .onnx and .json")
        network = load(file)
        dataset = read_folder(data) if data.is_dir() else read_dataset(data, test)
        tuned = tune(dataclasses.replace(network, name=title), dataset, checked)
    save(tuned.after.network, output)
    click.echo("before:")
    _report(output, tuned.before)
    click.echo("after:")
    _report(output, tuned.after)


_FORM = [
    "cell",
    "width",
    "layers",
    "band",
    "cyclic",
    "groups",
    "shared",
    "input_paths",
    "head_paths",
    "functions",
    "weight_bits",
    "state_bits",
    "state_fraction",
]
"""What a network that is trained further has already."""
_RECURRENT = [
    click.option("--init", metavar="NET", help="Go on from this network, with its connections, cells and formats."),
    click.option("--cell", default="gru", show_default=True, help="relu, tanh, gru, ligru or lstm."),
    click.option("--width", type=int, default=32, show_default=True, help="Neurons of each recurrent layer."),
    click.option("--layers", type=int, default=1, show_default=True, help="Recurrent layers."),
    click.option("--band", type=int, help="Neighbours that a neuron reads, itself included: odd.  [default: all]"),
    click.option("--cyclic", is_flag=True, help="Whether the band closes to a ring."),
    click.option("--groups", type=int, help="Groups that know nothing of each other, instead of a band."),
    click.option("--shared", is_flag=True, help="One input product for all gates."),
    click.option("--input-paths", type=int, help="Sobol' paths from the input, instead of a dense matrix."),
    click.option("--head-paths", type=int, help="Sobol' paths to the classes, instead of a dense matrix."),
    click.option(
        "--functions", default="hard", show_default=True, help="hard, or smooth: sigmoid and tanh as tables."
    ),
    click.option("--weight-bits", type=int, default=8, show_default=True, help="Bits of a weight."),
    click.option("--state-bits", type=int, default=8, show_default=True, help="Bits of a state and of a gate."),
    click.option("--state-fraction", type=int, help="Fraction bits of a state.  [default: bits - 1; ReLU: bits - 3]"),
    click.option("--epochs", type=int, default=30, show_default=True, help="Epochs in real numbers."),
    click.option("--learning-rate", type=float, default=1e-2, show_default=True, help="Of Adam; cosine to zero."),
    click.option("--qat-epochs", type=int, default=15, show_default=True, help="Epochs in integers after that."),
    click.option("--qat-learning-rate", type=float, default=1e-3, show_default=True, help="Of Adam; cosine to zero."),
    click.option("--batch", type=int, default=64, show_default=True, help="Sequences per step."),
    click.option("--decay", type=float, default=0.0, show_default=True, help="Weight decay."),
    click.option(
        "--seed", type=int, default=1, show_default=True, help="Of weights and of what is random in the data."
    ),
    click.option("--threads", type=int, default=1, show_default=True, help="Threads of PyTorch."),
    click.option("--name", help="Name of the network.  [default: that of the output file]"),
    click.option("--save-test", type=click.Path(path_type=Path), help="Test sequences to write: .npz for evaluate."),
    click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Network file to write."),
]
_STRINGS = [
    click.option("--strings", type=int, default=10000, show_default=True, help="Strings to train on."),
    click.option("--validation", type=int, default=1000, show_default=True, help="Unseen strings to validate with."),
    click.option("--test", type=int, default=2000, show_default=True, help="Unseen strings to test with."),
]


def _archive(sequences: Any, source: InputFormat) -> bytes:
    """x, lengths and labels in the least types, as an .npz file."""
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        x=sequences.x.astype(np.min_scalar_type(source.low if source.signed else source.high)),
        lengths=sequences.lengths.astype(np.int32),
        labels=sequences.labels.astype(np.uint8),
    )
    return buffer.getvalue()


def _train_sequences(
    data: Callable[[], Any], output: Path, name: str | None, save_test: Path | None, recipe: dict[str, Any]
) -> None:
    init = recipe.pop("init")
    initial = None if init is None else load(init)
    if initial is not None:
        if not initial.sequential:
            raise InputError(f"{initial.where}: is no recurrent network; allowed with --init: such")
        context = click.get_current_context()
        for option in _FORM:
            if context.get_parameter_source(option) is not click.core.ParameterSource.DEFAULT:
                raise InputError(
                    f"train: {option.replace('_', '-')} is that of {initial.where}; allowed without --init"
                )
    try:
        from hdlgen.train import SequenceRecipe, train_sequences
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    checked = SequenceRecipe(name=output.name.removesuffix(".safetensors") if name is None else name, **recipe)
    _writable(output)
    if save_test is not None:
        _writable(save_test)
    sequences = data()
    trained = train_sequences(sequences, checked, initial=initial)
    save(trained.network, output)
    if save_test is not None:
        atomic_write(save_test, _archive(sequences.test, sequences.input))
    _report(output, trained)


def _reber(
    embedded: bool,
    strings: int,
    validation: int,
    test: int,
    output: Path,
    name: str | None,
    save_test: Path | None,
    **recipe: Any,
) -> None:
    def data() -> Any:
        from hdlgen.train import reber_data

        return reber_data(embedded=embedded, strings=strings, validation=validation, test=test, seed=recipe["seed"])

    _train_sequences(data, output, name, save_test, recipe)


@command.command()
@_with(_STRINGS + _RECURRENT)
def reber(**options: Any) -> None:
    """Train a recurrent network to tell strings of Reber's grammar from such with one wrong symbol."""
    _reber(False, **options)


@command.command("embedded-reber")
@_with(_STRINGS + _RECURRENT)
def embedded_reber(**options: Any) -> None:
    """As reber, with strings that must remember their second symbol to the end."""
    _reber(True, **options)


@command.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--held-out", type=int, default=5, show_default=True, help="Takes of each speaker to validate with.")
@click.option("--augment", type=float, default=1.0, show_default=True, help="Strength of changes of recordings.")
@_with(_RECURRENT)
def fsdd(folder: Path, held_out: int, output: Path, name: str | None, save_test: Path | None, **recipe: Any) -> None:
    """Train a recurrent network on spoken digits in FOLDER: DIGIT_SPEAKER_TAKE.wav, as the Free Spoken Digit Dataset.

    Takes 0 to 4 are the official test recordings; they serve to report the accuracy, nothing else.
    """

    def data() -> Any:
        from hdlgen.train import speech_data

        return speech_data(folder, held_out=held_out)

    _train_sequences(data, output, name, save_test, recipe)
