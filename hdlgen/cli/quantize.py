"""``hdlgen quantize``: integers for a network of real numbers, and what each choice of them costs."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from hdlgen import golden, importers
from hdlgen.errors import InputError
from hdlgen.network import InputFormat, save
from hdlgen.quantize.instant import instant_network, path_network
from hdlgen.quantize.layered import Quantized, QuantizeRecipe, quantize_network
from hdlgen.quantize.real import FloatNetwork
from hdlgen.quantize.storage import LANES

__all__ = ["command"]


def _numbers(context: click.Context, option: click.Parameter, value: str | None) -> tuple[int, ...]:
    del context
    if value is None:
        return ()
    try:
        numbers = tuple(int(word) for word in value.split(","))
    except ValueError:
        raise InputError(f"{option.opts[0]} is {value[:60]!a}; allowed: integers with commas between") from None
    if len(numbers) > 64:
        raise InputError(f"{option.opts[0]} has {len(numbers)} numbers; allowed: up to 64")
    return numbers


@click.command("quantize")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Network file to write; for a single choice.")
@click.option("--name", help="Name of the network.  [default: that of the output file]")
@click.option("--calibration", type=click.Path(path_type=Path), help="Inputs to choose scales by, .npy (N, width).")
@click.option("--input-range", help="LOW,HIGH of all inputs, in place of --calibration.")
@click.option("--input-bits", default=8, show_default=True, help="Bits of the input.")
@click.option("--input-scale", help="What 1 means in the input, such as 1/255.  [default: by calibration or range]")
@click.option("--input-offset", help="What 0 means in the input, with --input-scale.  [default: 0]")
@click.option("--input-signed", is_flag=True, help="Whether the input's integers are signed, with --input-scale.")
@click.option("--bits", callback=_numbers, help="Bits of a weight, 1..16; several as 2,3,4,8.  [default: 8]")
@click.option(
    "--activation-bits", callback=_numbers, help="Bits of a hidden value, 1..16; several too.  [default: 8]"
)
@click.option("--weights", default="integer", show_default=True, help="integer, binary, ternary or power-of-two.")
@click.option("--scales", default="layer", show_default=True, help="Of weights: one for a layer, or for each neuron.")
@click.option(
    "--requantise", default="shift", show_default=True, help="shift (scales are powers of two), or multiplier."
)
@click.option("--method", default="least-squares", show_default=True, help="How scales are chosen; or range.")
@click.option("--samples", callback=_numbers, help="Instant quantisation: samples for each neuron; several too.")
@click.option("--paths", callback=_numbers, help="Paths sampled backwards from the outputs; several too.")
@click.option("--edges", default="auto", show_default=True, help="How edges are stored: auto, dense or explicit.")
@click.option("--test", type=click.Path(path_type=Path), help="Inputs to measure with.  [default: --calibration]")
@click.option("--labels", type=click.Path(path_type=Path), help="Their classes, .npy (N,).")
def command(
    file: Path,
    output: Path | None,
    name: str | None,
    calibration: Path | None,
    input_range: str | None,
    input_bits: int,
    input_scale: str | None,
    input_offset: str | None,
    input_signed: bool,
    bits: tuple[int, ...],
    activation_bits: tuple[int, ...],
    weights: str,
    scales: str,
    requantise: str,
    method: str,
    samples: tuple[int, ...],
    paths: tuple[int, ...],
    edges: str,
    test: Path | None,
    labels: Path | None,
) -> None:
    """Quantise FILE, a network of real numbers: .onnx, or .json (a state_dict in safetensors).

    Scales are chosen by inputs (--calibration). --samples and --paths need no inputs, only their range. Several values of
    --bits, --activation-bits, --samples or --paths make a table and no file. See docs/quantize.md.
    """
    if sum(map(bool, (bits, samples, paths))) > 1:
        raise InputError("--bits, --samples, --paths: more than one is given; allowed: one of them")
    options = importers.InputOptions(input_bits, input_scale, input_offset, input_signed)
    title = "quantized" if output is None else output.name.removesuffix(".safetensors")
    title = importers.check_name(title if name is None else name)
    lowered = dataclasses.replace(importers.lower(importers.read(file)), name=title)
    real = importers.float_network(lowered)
    span = None if input_range is None else importers.read_range(input_range)
    x = None if calibration is None else importers.read_samples(calibration, real.width, options.given(real.width))
    source = options.of(real.width, x, span)
    if source is None or (x is None and span is None and not samples and not paths):
        raise InputError(
            f"{file}: nothing says what its inputs are like; required: --calibration X.npy (some inputs), or"
            " --input-range LOW,HIGH"
        )
    measured = x if test is None else importers.read_samples(test, real.width, source)
    classes = None
    if labels is not None:
        if measured is None:
            raise InputError(f"{labels}: labels of nothing; required: --test X.npy, or --calibration X.npy")
        classes = importers.read_labels(labels, len(measured), real.widths[-1])
    choices: list[tuple[str, Callable[[], Quantized]]] = []
    for width in activation_bits or (8,):
        if not 1 <= width <= 16:
            raise InputError(f"--activation-bits is {width}; allowed: 1..16")
        for count in samples:
            choices.append((f"{count:,} samples, {width} bits", _instant(real, count, source, width, x, edges)))
        for count in paths:
            choices.append((f"{count:,} paths, {width} bits", _of_paths(real, count, source, width, x, edges)))
        if not samples and not paths:
            for value in bits or (8,):
                recipe = QuantizeRecipe(
                    bits=value,
                    activation_bits=width,
                    weights=weights,
                    scales=scales,
                    requantise=requantise,
                    calibration=method,
                    edges=edges,
                )
                kind = weights if weights in ("binary", "ternary") else f"{value} bits"
                kind += " power of two" if weights == "power-of-two" else ""
                choices.append((f"{kind}, {width} bits", _calibrated(real, recipe, source, x)))
    if output is not None and len(choices) > 1:
        raise InputError(f"{output}: {len(choices)} choices; allowed with an output: one, without an output a table")
    table = Table(title=f"{real.name}: {'-'.join(map(str, real.widths))}", title_justify="left")
    columns = ["weights, activations", "edges", "bits of weights"]
    if measured is not None:
        columns += ["largest difference", "mean", "same class"]
    if classes is not None:
        columns.append("accuracy")
    for column in columns:
        table.add_column(column, justify="right")
    wanted = None if measured is None else real.evaluate(measured)
    if wanted is not None:
        right = [] if classes is None else [f"{np.mean(wanted.argmax(axis=1) == classes):.2%}"]
        table.add_row(
            "real numbers", f"{sum(int(np.count_nonzero(w.weight)) for w in real.layers):,}", "", "", "", "", *right
        )
    made: Quantized | None = None
    for what, make in tqdm(choices, disable=None, leave=False, unit="choice"):
        made = make()
        count = sum(int(np.count_nonzero(layer.weight)) for layer in made.layers)
        stored = sum(
            len(made.network.edges(number)) * layer.weight_bits for number, layer in enumerate(made.network.layers, 1)
        )
        row = [what, f"{count:,}", f"{stored:,}"]
        if measured is not None and wanted is not None:
            y = golden.evaluate(made.network, source.quantise(measured)) * made.output_scale
            difference = np.abs(y - wanted)
            agree = np.mean(y.argmax(axis=1) == wanted.argmax(axis=1))
            row += [f"{difference.max():.4g}", f"{difference.mean():.4g}", f"{agree:.2%}" if y.shape[1] > 1 else "-"]
            if classes is not None:
                row.append(f"{np.mean(y.argmax(axis=1) == classes):.2%}")
        table.add_row(*row)
    assert made is not None
    if output is not None:
        save(made.network, output)
    console = Console(soft_wrap=True)
    console.width = max(console.width, 120)
    console.print(table)
    click.echo(f"input: {importers.meaning(source)}")
    if len(choices) == 1:
        click.echo(f"edges: {made.storage} (on {LANES} lanes)")
        click.echo(f"outputs: {made.output_scale:.9g} times the integers")
    for note in real.notes:
        click.echo(f"note: {note}")
    if output is not None:
        click.echo(f"{output}: written")


def _calibrated(
    real: FloatNetwork, recipe: QuantizeRecipe, source: InputFormat, x: np.ndarray | None
) -> Callable[[], Quantized]:
    return lambda: quantize_network(real, recipe, source, x)


def _instant(
    real: FloatNetwork, count: int, source: InputFormat, bits: int, x: np.ndarray | None, edges: str
) -> Callable[[], Quantized]:
    return lambda: instant_network(real, count, source, activation_bits=bits, x=x, edges=edges)


def _of_paths(
    real: FloatNetwork, count: int, source: InputFormat, bits: int, x: np.ndarray | None, edges: str
) -> Callable[[], Quantized]:
    return lambda: path_network(real, count, source, activation_bits=bits, x=x, edges=edges)
