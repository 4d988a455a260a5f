"""``hdlgen import``: a network that was trained elsewhere."""

import dataclasses
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from hdlgen import importers
from hdlgen.errors import InputError, Refused
from hdlgen.network import LayeredNetwork, save
from hdlgen.quantize.layered import QuantizeRecipe, quantize_network

__all__ = ["command"]


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Network file to write.")
@click.option("--name", help="Name of the network.  [default: that of the output file]")
@click.option("--input-bits", default=8, show_default=True, help="Bits of the input, where the file does not say.")
@click.option("--input-scale", help="What 1 means in the input, such as 1/255, where the file does not say.")
@click.option("--input-offset", help="What 0 means in the input, with --input-scale.  [default: 0]")
@click.option("--input-signed", is_flag=True, help="Whether the input's integers are signed, with --input-scale.")
@click.option("--bits", type=int, help="Bits of a weight: for files of real numbers, which are quantised.")
@click.option("--activation-bits", default=8, show_default=True, help="Bits of a hidden value, with --bits.")
@click.option("--calibration", type=click.Path(path_type=Path), help="Inputs to choose scales by, .npy (N, width).")
@click.option("--input-range", help="LOW,HIGH of all inputs, in place of --calibration.")
@click.option("--keep-bits", is_flag=True, help="Never widen weights of QONNX files to meet biases between integers.")
@click.option("--check", type=click.Path(path_type=Path), help="Inputs to compare with the file's own outputs, .npy.")
def command(
    file: Path,
    output: Path,
    name: str | None,
    input_bits: int,
    input_scale: str | None,
    input_offset: str | None,
    input_signed: bool,
    bits: int | None,
    activation_bits: int,
    calibration: Path | None,
    input_range: str | None,
    keep_bits: bool,
    check: Path | None,
) -> None:
    """Import FILE, a network trained elsewhere: .onnx (ONNX, QONNX), or .json (a state_dict in safetensors).

    Integers of a file (QONNX, QuantizeLinear) are taken as they are. Real numbers need --bits, and --calibration or
    --input-range; `hdlgen quantize` has more ways. See docs/import.md.
    """
    options = importers.InputOptions(input_bits, input_scale, input_offset, input_signed)
    title = importers.check_name(output.name.removesuffix(".safetensors") if name is None else name)
    with tqdm(total=3, disable=None, leave=False, unit="step") as bar:
        bar.set_description("read")
        graph = importers.read(file)
        bar.update()
        lowered = dataclasses.replace(importers.lower(graph), name=title)
        bar.update()
        bar.set_description("integers")
        network: LayeredNetwork
        codes: importers.Codes
        report: tuple[dict[str, Any], ...] = ()
        if bits is None:
            _refuse_reals(lowered)
            given = options.given()
            for option, value in (("--calibration", calibration), ("--input-range", input_range)):
                if value is not None:
                    raise InputError(f"{option}: {file} holds integers already; allowed: with --bits only")
            if given is not None and lowered.codes is not None:
                raise InputError(f"--input-scale: {file} quantises its input itself; allowed: files that do not")
            imported = importers.integer_network(
                lowered, None if given is None else importers.codes_of(given), widen=not keep_bits
            )
            network, codes, scale, notes = (
                imported.network,
                imported.codes,
                float(imported.output_scale),
                imported.notes,
            )
            report = imported.report
            exact = imported.exact
        else:
            real = importers.float_network(lowered)
            span = None if input_range is None else importers.read_range(input_range)
            x = None if calibration is None else importers.read_samples(calibration, real.width, options.given())
            chosen = options.of(x, span)
            if chosen is None or (x is None and span is None):
                raise InputError(
                    f"{file}: nothing says what its inputs are like; required: --calibration X.npy (some inputs), or"
                    " --input-range LOW,HIGH"
                )
            recipe = QuantizeRecipe(bits=bits, activation_bits=activation_bits)
            quantized = quantize_network(real, recipe, chosen, x)
            network, codes, scale = quantized.network, importers.codes_of(chosen), quantized.output_scale
            notes, exact = tuple(real.notes), False
        bar.update()
    comparison = None
    if check is not None:
        x = importers.read_samples(check, lowered.width, codes)
        wanted = importers.reference(file, graph, lowered, x)
        integers = codes.of(x / float(codes.scale) + float(codes.zero))
        comparison = importers.compare(network, integers, scale, wanted)
    save(network, output)
    console = Console(soft_wrap=True)
    console.width = max(console.width, 120)
    _show(network, report, console)
    click.echo(f"input: {importers.meaning(codes)}")
    click.echo(f"outputs: {scale:.9g} times the integers")
    for note in notes:
        click.echo(f"note: {note}")
    click.echo(f"{output}: {'equal to the file for every input' if exact else 'an approximation of the file'}")
    if comparison is not None:
        click.echo(_compared(comparison))
        if exact and comparison.agree is not None and comparison.agree < 0.99 * comparison.inputs:
            raise Refused(f"{check}: classes differ from those of the file")


def _refuse_reals(lowered: importers.LoweredNetwork) -> None:
    if lowered.integer:
        return
    layer = next(layer for layer in lowered.layers if not layer.integer or layer.codes is None)
    what = "weights are real numbers" if not layer.integer else "the activation is a real number"
    raise InputError(f"{layer.place}: {what}; required: --bits with --calibration X.npy or --input-range LOW,HIGH")


def _compared(result: importers.Comparison) -> str:
    text = f"compared on {result.inputs:,} inputs: {result.equal:,} with equal outputs"
    text += (
        f"; largest difference {result.largest:.4g}, mean {result.mean:.4g}, of outputs up to {result.magnitude:.4g}"
    )
    if result.agree is not None:
        text += f"; same class {result.agree:,} ({result.agree / result.inputs:.2%})"
    return text


def _show(network: LayeredNetwork, report: tuple[dict[str, Any], ...], console: Console) -> None:
    table = Table(title=network.name, title_justify="left")
    headings = ("layer", "reads", "neurons", "kind", "edges", "of all", "weight bits", "activation", "bits", "shift")
    for heading in (*headings, "multiplier bits"):
        table.add_column(heading, justify="left" if heading in ("kind", "activation") else "right")
    for number, layer in enumerate(network.layers, 1):
        before = network.widths[layer.source]
        count = len(network.edges(number))
        skip = "" if layer.skip is None else f" + {layer.skip.source}"
        activation = layer.activation
        multiplier = int(network.multiplier(number).max()) if activation is not None and activation.multiplier else 0
        table.add_row(
            str(number),
            f"{layer.source}{skip}",
            f"{layer.width:,}",
            layer.kind,
            f"{count:,}",
            f"{count / (before * layer.width):.1%}",
            str(layer.weight_bits),
            "output" if activation is None else activation.kind,
            "" if activation is None else str(activation.bits),
            "" if activation is None else str(activation.shift),
            str(multiplier.bit_length()) if multiplier else "",
        )
    console.print(table)
    differ = sum(int(row["differ"]) for row in report)
    if differ:
        console.print(f"{differ} neurons differ from the file somewhere")
