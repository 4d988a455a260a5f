"""``hdlgen train``: a path network from a folder of images."""

import os
from pathlib import Path

import click

from hdlgen.errors import InputError
from hdlgen.idx import read_folder
from hdlgen.network import save

__all__ = ["command"]


def _integers(context: click.Context, option: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    if value is None:
        return None
    try:
        return tuple(int(word) for word in value.split(","))
    except ValueError:
        raise InputError(f"train: {option.opts[0][2:]} is {value!r}; allowed: integers with commas between") from None


def _writable(output: Path) -> None:
    """Better now than after the training."""
    if output.is_dir():
        raise InputError(f"{output}: is a folder; name a file for the network")
    if not output.parent.is_dir() or not os.access(output.parent, os.W_OK):
        raise InputError(
            f"{output}: its folder does not exist or cannot be written; name a file in a writable folder"
        )


@click.group()
def command() -> None:
    """Train a path network (needs the extra 'train')."""


@command.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--widths", required=True, callback=_integers, help="Neurons of each layer after the input: 256,256,10."
)
@click.option("--paths", required=True, type=int, help="Number of paths.")
@click.option("--weight-bits", type=int, default=8, show_default=True, help="Bits of a weight; 2: {-1, 0, 1}.")
@click.option("--activation-bits", type=int, default=8, show_default=True, help="Bits of a hidden value.")
@click.option("--dimensions", callback=_integers, help="Sobol' dimension of each layer.  [default: 0,1,2,...]")
@click.option("--log2-slots", callback=_integers, help="Slots of each layer, as logarithms.  [default: ceil(log2 n)]")
@click.option("--bias/--no-bias", default=False, show_default=True, help="Whether the layers have biases.")
@click.option("--epochs", type=int, default=40, show_default=True, help="Epochs in real numbers.")
@click.option("--learning-rate", type=float, default=4e-3, show_default=True, help="Of Adam; cosine to zero.")
@click.option("--qat-epochs", type=int, default=20, show_default=True, help="Epochs in integers after that.")
@click.option("--qat-learning-rate", type=float, default=1e-3, show_default=True, help="Of Adam; cosine to zero.")
@click.option("--batch", type=int, default=128, show_default=True, help="Images per step.")
@click.option("--augment", type=int, default=1, show_default=True, help="Move images by up to so many pixels.")
@click.option("--validation", type=int, help="Training images to hold out.  [default: a twelfth]")
@click.option("--seed", type=int, default=1, show_default=True, help="Of order and augmentation of the images.")
@click.option("--threads", type=int, default=1, show_default=True, help="Threads of PyTorch.")
@click.option("--name", help="Name of the network.  [default: that of the output file]")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Network file to write.")
def idx(
    folder: Path,
    widths: tuple[int, ...],
    paths: int,
    weight_bits: int,
    activation_bits: int,
    dimensions: tuple[int, ...] | None,
    log2_slots: tuple[int, ...] | None,
    bias: bool,
    epochs: int,
    learning_rate: float,
    qat_epochs: int,
    qat_learning_rate: float,
    batch: int,
    augment: int,
    validation: int | None,
    seed: int,
    threads: int,
    name: str | None,
    output: Path,
) -> None:
    """Train on images in FOLDER: MNIST-like idx files, {train,t10k}-{images-idx3,labels-idx1}-ubyte, gzip or plain.

    The test files may be missing; they serve to report the accuracy, nothing else.
    """
    try:
        from hdlgen.train import Recipe, train
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise InputError("train: PyTorch is not installed; remedy: pip install 'hdlgen[train]'") from None
    recipe = Recipe(
        name=output.name.removesuffix(".safetensors") if name is None else name,
        widths=widths,
        paths=paths,
        weight_bits=weight_bits,
        activation_bits=activation_bits,
        dimensions=dimensions,
        log2_slots=log2_slots,
        bias=bias,
        epochs=epochs,
        learning_rate=learning_rate,
        qat_epochs=qat_epochs,
        qat_learning_rate=qat_learning_rate,
        batch=batch,
        augment=augment,
        validation=validation,
        seed=seed,
        threads=threads,
    )
    _writable(output)
    trained = train(read_folder(folder), recipe)
    save(trained.network, output)
    click.echo(f"{output}: validation accuracy {trained.validation_accuracy:.2%} (golden model)")
    if trained.test_accuracy is not None:
        click.echo(f"{output}: test accuracy {trained.test_accuracy:.2%} (golden model)")
