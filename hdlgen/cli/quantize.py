"""``hdlgen quantize``: integers for a network of real numbers, and what each choice of them costs."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from tqdm import tqdm

from hdlgen import golden, importers
from hdlgen.cli import NEW_FILE, input_options, integers, name_option, network_name, verb
from hdlgen.errors import InputError
from hdlgen.network import Network, save
from hdlgen.quantize.instant import instant_network, path_network
from hdlgen.quantize.layered import Quantized, QuantizeRecipe, quantize_network
from hdlgen.quantize.real import FloatNetwork
from hdlgen.quantize.recurrent import FloatRecurrent, quantize_recurrent
from hdlgen.quantize.storage import LANES
from hdlgen.terminal import say, table

__all__ = ["command"]


@verb("quantize", "check {output}")
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

    Scales are chosen by inputs (--calibration; of networks with RNN, GRU or LSTM by sequences, .npz). --samples and --paths
    need no inputs, only their range. Several values of --bits, --activation-bits, --samples or --paths make a table and no
    file. See docs/quantize.md.
    """
    sampled = bool(how["samples"] or how["paths"])
    if sum(map(bool, (how["bits"], how["samples"], how["paths"]))) > 1:
        raise InputError("--bits, --samples, --paths: more than one is given; allowed: one of them")
    title = network_name(name, output)
    graph = importers.read(file)
    real: FloatNetwork | FloatRecurrent
    classes: np.ndarray | None = None
    run: Callable[[Network], np.ndarray] | None = None
    if (node := graph.recurrent) is not None:
        if sampled:
            raise InputError(f"--samples, --paths: {node.place} has a state; allowed: networks without, or --bits")
        real = cells = dataclasses.replace(importers.float_recurrent(graph), name=title)
        source, samples = options.of_sequences(file, real.width, calibration, input_range)
        choices = list(_choices(partial(quantize_recurrent, cells, source=source, samples=samples), {}, **how))
        measured = samples if test is None else importers.read_sequences(test, real.width, source)
        if cells.every_step and labels is not None:
            raise InputError(f"{labels}: {file} has outputs in every step; allowed: without labels of sequences")
        codes = source.quantise(measured.x)
        run = partial(golden.evaluate, x=codes, lengths=measured.lengths, every_step=cells.every_step)
        wanted, classes = cells.evaluate(measured), None if cells.every_step else measured.labels
    else:
        lowered = dataclasses.replace(importers.lower(graph), name=title)
        real = plain = importers.float_network(lowered)
        source, x = options.chosen(file, lowered, calibration, input_range, needed=not sampled)
        sampling = {
            "samples": partial(instant_network, plain, source=source, x=x),
            "paths": partial(path_network, plain, source=source, x=x),
        }
        choices = list(_choices(partial(quantize_network, plain, source=source, x=x), sampling, **how))
        inputs = x if test is None else importers.read_samples(test, real.width, source, lowered.order)
        if inputs is not None:
            run, wanted = partial(golden.evaluate, x=source.quantise(inputs)), plain.evaluate(inputs)
    if labels is not None:
        if run is None:
            raise InputError(f"{labels}: labels of nothing; required: --test X.npy, or --calibration X.npy")
        classes = golden.read_array(labels)
    if classes is not None:
        classes = golden.check_labels(classes, str(labels or test or calibration), len(wanted), real.widths[-1])
    if output is not None and len(choices) > 1:
        raise InputError(f"{output}: {len(choices)} choices; allowed with an output: one, without an output a table")
    columns, rows = ["weights, activations", "edges", "bits of weights"], []
    if run is not None:
        columns += ["largest difference", "mean", "same class", *(["accuracy"] if classes is not None else [])]
        right = [] if classes is None else [f"{np.mean(wanted.argmax(axis=1) == classes):.2%}"]
        rows.append(["real numbers", f"{real.edges:,}", "", "", "", "", *right])
    made: Quantized | None = None
    for what, make in tqdm(choices, disable=None, leave=False, unit="choice"):
        made = make()
        network = made.network
        matrices = [
            matrix
            for layer in network.layers
            for matrix in layer.matrices(network.tensors, network.widths[layer.read])
        ]
        edges = sum(int(np.count_nonzero(matrix.edges.weight)) for matrix in matrices)
        row = [what, f"{edges:,}", f"{sum(len(matrix.edges) * matrix.bits for matrix in matrices):,}"]
        if run is not None:
            y = run(network) * made.output_scale
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
        say(*([f"edges: {made.storage} (on {LANES} lanes)"] if made.storage.costs else []))
        say(f"outputs: {made.output_scale:.9g} times the integers")
    say(*(f"note: {note}" for note in real.notes))
    if output is not None:
        say(f"{output}: written")


def _choices(
    quantise: Callable[[QuantizeRecipe], Quantized],
    sampling: Mapping[str, Callable[..., Quantized]],
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
        for of, counts in (("samples", samples), ("paths", paths)):
            for count in counts or ():
                yield (
                    f"{count:,} {of}, {width} bits",
                    partial(sampling[of], count, activation_bits=width, edges=edges),
                )
        for value in () if samples or paths else bits or (8,):
            kind = weights if weights in ("binary", "ternary") else f"{value} bits"
            kind += " power of two" if weights == "power-of-two" else ""
            chosen = QuantizeRecipe(
                bits=value, activation_bits=width, weights=weights, calibration=method, edges=edges, **recipe
            )
            yield f"{kind}, {width} bits", partial(quantise, chosen)
