"""``hdlgen import``: a network that was trained elsewhere."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from hdlgen import importers
from hdlgen.errors import InputError, Refused
from hdlgen.network import Network, save
from hdlgen.quantize.storage import LANES

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
    input_bits: int,
    input_scale: str | None,
    input_offset: str | None,
    input_signed: bool,
    bits: int | None,
    activation_bits: int,
    calibration: Path | None,
    input_range: str | None,
    keep_bits: bool,
    edges: str,
    check: Path | None,
    least_agreement: str,
) -> None:
    """Import FILE, a network trained elsewhere: .onnx (ONNX, QONNX), or .json (a state_dict in safetensors).

    Integers of a file (QONNX, QuantizeLinear) are taken as they are. Real numbers need --bits, and --calibration or
    --input-range; `hdlgen quantize` has more ways. See docs/import.md.
    """
    options = importers.InputOptions(input_bits, input_scale, input_offset, input_signed)
    least = _share(least_agreement)
    title = importers.check_name(output.name.removesuffix(".safetensors") if name is None else name)
    with tqdm(total=3, disable=None, leave=False, unit="step") as bar:

        def announce(step: str) -> None:
            bar.set_description(step)
            bar.update()

        imported = importers.import_network(
            file,
            name=title,
            options=options,
            bits=bits,
            activation_bits=activation_bits,
            calibration=calibration,
            input_range=input_range,
            widen=not keep_bits,
            edges=edges,
            announce=announce,
        )
    network, exact = imported.network, imported.exact
    comparison = None if check is None else importers.compare_with_file(file, imported, check)
    console = Console(soft_wrap=True)
    console.width = max(console.width, 120)
    _show(network, console)
    if imported.differ:
        click.echo(f"{imported.differ} neurons differ from the file somewhere")
    click.echo(f"edges: {imported.storage} (on {LANES} lanes)")
    click.echo(f"input: {importers.meaning(network.input)}")
    click.echo(f"outputs: {network.output_scale:.9g} times the integers")
    for note in imported.notes:
        click.echo(f"note: {note}")
    if comparison is not None:
        click.echo(_compared(comparison))
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
    click.echo(f"{output}: {'equal to the file for every input' if exact else 'an approximation of the file'}")


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


def _show(network: Network, console: Console) -> None:
    table = Table(title=network.name, title_justify="left")
    headings = ("layer", "reads", "neurons", "kind", "edges", "of all", "weight bits", "activation", "bits", "shift")
    for heading in (*headings, "multiplier bits"):
        table.add_column(heading, justify="left" if heading in ("kind", "activation") else "right")
    for number in range(1, len(network.layers) + 1):
        layer = network.weighted(number)
        before = network.widths[layer.read]
        count = int((network.edges(number).weight != 0).sum())
        skip = "" if layer.skip is None else f" + {layer.skip.source}"
        activation = layer.activation
        multiplier = int(network.multiplier(number).max()) if activation is not None and activation.multiplier else 0
        clamp = "" if activation is None or activation.clamp is None else " {}..{}".format(*activation.clamp)
        table.add_row(
            str(number),
            f"{layer.source}{skip}",
            f"{layer.width:,}",
            layer.kind,
            f"{count:,}",
            f"{count / (before * layer.width):.1%}",
            str(layer.weight_bits),
            "output" if activation is None else f"{activation.kind}{clamp}",
            "" if activation is None else str(activation.bits),
            "" if activation is None else str(activation.shift),
            str(multiplier.bit_length()) if multiplier else "",
        )
    console.print(table)
