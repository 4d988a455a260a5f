"""``hdlgen import``: a network that was trained elsewhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
from tqdm import tqdm

from hdlgen import importers
from hdlgen.cli import NEW_FILE, input_options, name_option, network_name, verb
from hdlgen.errors import InputError, Refused
from hdlgen.network import BandRnn, Network, save
from hdlgen.quantize.storage import LANES
from hdlgen.terminal import say, table

__all__ = ["command"]


@verb("import", "check {output}")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=NEW_FILE, help="Network file to write.")
@name_option
@input_options
@click.option("--bits", type=int, help="Bits of a weight: for files of real numbers, which are quantised.")
@click.option("--activation-bits", default=8, show_default=True, help="Bits of a hidden value, with --bits.")
@click.option(
    "--keep-bits",
    "widen",
    is_flag=True,
    flag_value=False,
    default=True,
    help="Never widen weights of QONNX files to meet biases between integers.",
)
@click.option("--edges", default="auto", show_default=True, help="How edges are stored: auto, dense or explicit.")
@click.option("--check", type=click.Path(path_type=Path), help="Inputs to compare with the file's own outputs, .npy.")
@click.option(
    "--least-agreement",
    default="95%",
    show_default=True,
    help="With --check, of inexact networks: so many inputs have to have the same class.",
)
def command(
    file: Path,
    output: Path,
    name: str | None,
    options: importers.InputOptions,
    check: Path | None,
    least_agreement: str,
    **how: Any,
) -> None:
    """Import FILE, a network trained elsewhere: .onnx (ONNX, QONNX), .tflite, or .json (a state_dict in safetensors).

    Integers of a file (QONNX, QuantizeLinear, TFLite) are taken as they are. Real numbers need --bits, and --calibration or
    --input-range; `hdlgen quantize` has more ways. Recurrent networks (RNN, GRU, LSTM) need --calibration X.npz with
    sequences, and are compared with the file on these where there is no --check. See docs/import.md.
    """
    least = _share(least_agreement)
    title = network_name(name, output)
    with tqdm(total=3, disable=None, leave=False, unit="step") as bar:

        def announce(step: str) -> None:
            bar.set_description(step)
            bar.update()

        imported = importers.import_network(file, name=title, options=options, announce=announce, **how)
    network, exact = imported.network, imported.exact
    if network.sequential and check is None:  # recurrent networks always say how near they are
        check = how["calibration"]
    comparison = None if check is None else importers.compare_with_file(file, imported, check)
    _show(network)
    if imported.differ:
        say(f"{imported.differ} neurons differ from the file somewhere")
    if imported.storage is not None and imported.storage.costs:
        say(f"edges: {imported.storage} (on {LANES} lanes)")
    say(f"input: {importers.meaning(network.input)}")
    if network.output_scale is not None:
        say(f"outputs: {network.output_scale:.9g} times the integers")
    for note in imported.notes:
        say(f"note: {note}")
    if comparison is not None:
        say(_compared(comparison))
        if exact and min(comparison.equal, comparison.behind) < comparison.inputs:
            raise Refused(
                f"{check}: {comparison.inputs - comparison.behind:,} of {comparison.inputs:,} inputs have other outputs than"
                " in the file, which they should equal"
            )
        if comparison.agree < least * comparison.inputs:
            raise Refused(
                f"{check}: {comparison.agree / comparison.inputs:.2%} of the inputs agree with the file;"
                f" required: {least:.4g} (--least-agreement)"
            )
    save(network, output)
    say(f"{output}: {'equal to the file for every input' if exact else 'an approximation of the file'}")


def _share(text: str) -> float:
    """A part of 1, perhaps in per cent."""
    value = importers.number(text.removesuffix("%"), "--least-agreement") / (100 if text.endswith("%") else 1)
    if not 0 <= value <= 1:
        raise InputError(f"--least-agreement is {text[:40]!a}; allowed: 0..1, or 0%..100%")
    return value


def _compared(result: importers.Comparison) -> str:
    text = f"compared on {result.inputs:,} inputs: {result.equal:,} with equal outputs"
    if result.behind != result.equal:
        text += f", of which the file makes something else of {result.equal - result.behind:,}"
    text += (
        f"; largest difference {result.largest:.4g}, mean {result.mean:.4g}, of outputs up to {result.magnitude:.4g}"
    )
    return f"{text}; same class {result.agree:,} ({result.agree / result.inputs:.2%})"


def _show(network: Network) -> None:
    headings = ("layer", "reads", "neurons", "kind", "edges", "of all", "weight bits", "activation", "bits", "shift")
    table(network.name, _layers(network), (*headings, "multiplier bits"), left=("kind", "activation"))


def _recurrent(network: Network, number: int, layer: BandRnn) -> Iterator[tuple[object, ...]]:
    """A row for each of its matrices."""
    for matrix in layer.matrices(network.tensors, network.widths[layer.read]):
        count = int((matrix.edges.weight != 0).sum())
        yield (
            number,
            layer.source if matrix.name == "input" else number,
            f"{layer.width:,}",
            layer.cell,
            f"{count:,}",
            f"{count / (matrix.sources * matrix.targets):.1%}",
            matrix.bits,
            "table" if layer.state_function is not None else "relu",
            str(layer.state.bits),
            str(layer.input.shift) if matrix.name == "input" else "",
            "",
        )


def _layers(network: Network) -> Iterator[tuple[object, ...]]:
    for number, layer in enumerate(network.layers, 1):
        if isinstance(layer, BandRnn):
            yield from _recurrent(network, number, layer)
            continue
        matrices, activation = layer.matrices(network.tensors, network.widths[layer.read]), layer.activation
        weights: tuple[object, ...] = ("", "", "")
        if matrices:
            count = int((matrices[0].edges.weight != 0).sum())
            weights = f"{count:,}", f"{count / (matrices[0].sources * matrices[0].targets):.1%}", matrices[0].bits
        end: tuple[object, ...] = ("output", "", "", "")
        if activation is not None:
            sums = max((len(network.tensors[name]) for _, name in activation.tensors()), default=1)
            multipliers, shifts = activation.factors(network.tensors, sums)
            multiplier = int(multipliers.max()).bit_length() if activation.multiplier is not None else ""
            clamp = "" if activation.clamp is None else " {}..{}".format(*activation.clamp)
            shift = "..".join(map(str, np.unique([np.min(shifts), np.max(shifts)])))
            end = f"{activation.kind}{clamp}", activation.bits, shift, multiplier
        yield number, " + ".join(map(str, layer.sources)), f"{layer.width:,}", layer.called, *weights, *end
