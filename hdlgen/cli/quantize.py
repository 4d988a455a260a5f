"""``hdlgen quantize``: integers for a network of real numbers, and what each choice of them costs."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from tqdm import tqdm

from hdlgen import golden, importers
from hdlgen.cli import NEW_FILE, input_options, integers, name_option, network_name
from hdlgen.errors import InputError
from hdlgen.network import InputFormat, save
from hdlgen.quantize.instant import instant_network, path_network
from hdlgen.quantize.layered import Quantized, QuantizeRecipe, quantize_network
from hdlgen.quantize.real import FloatNetwork
from hdlgen.quantize.storage import LANES
from hdlgen.terminal import say, table

__all__ = ["command"]


@click.command("quantize")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=NEW_FILE, help="Network file to write; for a single choice.")
@name_option
@input_options
@click.option("--bits", type=integers, help="Bits of a weight, 1..16; several as 2,3,4,8.  [default: 8]")
@click.option("--activation-bits", type=integers, help="Bits of a hidden value, 1..16; several too.  [default: 8]")
@click.option("--weights", default="integer", show_default=True, help="integer, binary, ternary or power-of-two.")
@click.option("--scales", default="layer", show_default=True, help="Of weights: one for a layer, or for each neuron.")
@click.option(
    "--requantise", default="shift", show_default=True, help="shift (scales are powers of two), or multiplier."
)
@click.option("--method", default="least-squares", show_default=True, help="How scales are chosen; or range.")
@click.option("--samples", type=integers, help="Instant quantisation: samples for each neuron; several too.")
@click.option("--paths", type=integers, help="Paths sampled backwards from the outputs; several too.")
@click.option("--edges", default="auto", show_default=True, help="How edges are stored: auto, dense or explicit.")
@click.option("--test", type=click.Path(path_type=Path), help="Inputs to measure with.  [default: --calibration]")
@click.option("--labels", type=click.Path(path_type=Path), help="Their classes, .npy (N,).")
def command(
    file: Path,
    output: Path | None,
    name: str | None,
    calibration: Path | None,
    input_range: str | None,
    options: importers.InputOptions,
    test: Path | None,
    labels: Path | None,
    **how: Any,
) -> None:
    """Quantise FILE, a network of real numbers: .onnx, or .json (a state_dict in safetensors).

    Scales are chosen by inputs (--calibration). --samples and --paths need no inputs, only their range. Several values of
    --bits, --activation-bits, --samples or --paths make a table and no file. See docs/quantize.md.
    """
    sampled = bool(how["samples"] or how["paths"])
    if sum(map(bool, (how["bits"], how["samples"], how["paths"]))) > 1:
        raise InputError("--bits, --samples, --paths: more than one is given; allowed: one of them")
    title = network_name(name, output)
    real = importers.float_network(dataclasses.replace(importers.lower(importers.read(file)), name=title))
    source, x = options.chosen(file, real.width, calibration, input_range, needed=not sampled)
    measured = x if test is None else importers.read_samples(test, real.width, source)
    classes = None
    if labels is not None:
        if measured is None:
            raise InputError(f"{labels}: labels of nothing; required: --test X.npy, or --calibration X.npy")
        classes = golden.check_labels(golden.read_array(labels), str(labels), len(measured), real.widths[-1])
    choices = list(_choices(real, source, x, **how))
    if output is not None and len(choices) > 1:
        raise InputError(f"{output}: {len(choices)} choices; allowed with an output: one, without an output a table")
    wanted = None if measured is None else real.evaluate(measured)
    columns, rows = ["weights, activations", "edges", "bits of weights"], []
    if wanted is not None:
        columns += ["largest difference", "mean", "same class", *(["accuracy"] if classes is not None else [])]
        right = [] if classes is None else [f"{np.mean(wanted.argmax(axis=1) == classes):.2%}"]
        rows.append(["real numbers", f"{_edges(real.layers):,}", "", "", "", "", *right])
    made: Quantized | None = None
    for what, make in tqdm(choices, disable=None, leave=False, unit="choice"):
        made = make()
        stored = sum(
            len(made.network.edges(number)) * layer.weight_bits for number, layer in enumerate(made.network.layers, 1)
        )
        row = [what, f"{_edges(made.layers):,}", f"{stored:,}"]
        if measured is not None and wanted is not None:
            y = golden.evaluate(made.network, source.quantise(measured)) * made.output_scale
            difference = np.abs(y - wanted)
            agree = np.mean(y.argmax(axis=1) == wanted.argmax(axis=1))
            row += [f"{difference.max():.4g}", f"{difference.mean():.4g}", f"{agree:.2%}" if y.shape[1] > 1 else "-"]
            if classes is not None:
                row.append(f"{np.mean(y.argmax(axis=1) == classes):.2%}")
        rows.append(row)
    assert made is not None
    if output is not None:
        save(made.network, output)
    table(f"{real.name}: {'-'.join(map(str, real.widths))}", rows, columns)
    say(f"input: {importers.meaning(source)}")
    if len(choices) == 1:
        say(f"edges: {made.storage} (on {LANES} lanes)", f"outputs: {made.output_scale:.9g} times the integers")
    say(*(f"note: {note}" for note in real.notes))
    if output is not None:
        say(f"{output}: written")


def _edges(layers: Sequence[Any]) -> int:
    return sum(int(np.count_nonzero(layer.weight)) for layer in layers)


def _choices(
    real: FloatNetwork,
    source: InputFormat,
    x: np.ndarray | None,
    *,
    bits: tuple[int, ...] | None,
    activation_bits: tuple[int, ...] | None,
    samples: tuple[int, ...] | None,
    paths: tuple[int, ...] | None,
    weights: str,
    edges: str,
    method: str,
    **recipe: Any,
) -> Iterator[tuple[str, Callable[[], Quantized]]]:
    """What each choice is called, and what makes it."""
    for width in activation_bits or (8,):
        if not 1 <= width <= 16:
            raise InputError(f"--activation-bits is {width}; allowed: 1..16")
        for of, function, counts in (("samples", instant_network, samples), ("paths", path_network, paths)):
            for count in counts or ():
                yield (
                    f"{count:,} {of}, {width} bits",
                    partial(function, real, count, source, activation_bits=width, x=x, edges=edges),
                )
        for value in () if samples or paths else bits or (8,):
            kind = weights if weights in ("binary", "ternary") else f"{value} bits"
            kind += " power of two" if weights == "power-of-two" else ""
            chosen = QuantizeRecipe(
                bits=value, activation_bits=width, weights=weights, calibration=method, edges=edges, **recipe
            )
            yield f"{kind}, {width} bits", partial(quantize_network, real, chosen, source, x)
