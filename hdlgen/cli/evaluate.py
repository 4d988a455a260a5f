"""hdlgen evaluate: the golden model on a file of inputs."""

import io
from pathlib import Path

import click
import numpy as np

from hdlgen import golden, network
from hdlgen.errors import InputError
from hdlgen.files import atomic_write

__all__ = ["command"]


@click.command("evaluate")
@click.argument("net", metavar="NET")
@click.option(
    "--input", "-i", "source", metavar="X", required=True, help="Inputs: .npy (N, width), samples, or sequences."
)
@click.option("--output", "-o", "target", metavar="Y.NPY", required=True, help="Outputs: int64 (N, outputs).")
@click.option("--labels", metavar="LABELS.NPY", help="Classes: integers (N,); prints the accuracy.")
@click.option("--targets", metavar="T.NPY", help="What outputs should be: numbers (N, outputs); prints the error.")
@click.option("--every-step", is_flag=True, help="Recurrent networks: outputs of each step, not of the last ones.")
def command(net: str, source: str, target: str, labels: str | None, targets: str | None, every_step: bool) -> None:
    """Evaluate NET, a network file or the name of a shipped network, exactly, on a file of inputs.

    Samples: an .npz file with x (N, width), and perhaps labels (N,) or y (N, outputs), what the outputs should be.

    Sequences for a recurrent network: an .npz file with x (steps of all sequences, width), lengths (sequences,), and
    perhaps labels (sequences,); or an .npy file (sequences, steps, width).
    """
    model = network.load(net)
    classes = wanted = lengths = None
    if model.sequential:
        given, lengths, classes = golden.read_sequences(source)
        x, lengths = golden.check_sequences(model, given, lengths, where=source, where_lengths=f"{source}: lengths")
        count = len(lengths)
    else:
        if every_step:
            raise InputError(f"--every-step: {model.where} is no recurrent network; allowed with recurrent networks")
        samples = golden.read_samples(source)
        x = golden.check_input(model, samples.rows, source)
        count, classes, wanted = len(x), samples.labels, samples.targets
    if targets is not None:
        wanted = golden.read_array(targets)
    if wanted is not None:
        rows = len(x) if every_step else count
        wanted = golden.check_targets(wanted, targets or f"{source}: y", rows, model.widths[-1])
    if labels is not None:
        classes = golden.read_array(labels)
    if classes is not None:
        classes = golden.check_labels(classes, labels or f"{source}: labels", count)
    y = golden.evaluate(model, x, lengths, every_step=every_step)
    buffer = io.BytesIO()
    np.save(buffer, y)
    atomic_write(Path(target), buffer.getvalue())
    message = f"{target}: {len(y)} x {y.shape[1]} outputs"
    if classes is not None and count:
        last = y if lengths is None or not every_step else y[np.cumsum(lengths) - 1]
        right = int((last.argmax(axis=1) == classes).sum())  # argmax: the lowest index wins ties
        message += f", {right} of {count} right ({right / count:.2%})"
    if wanted is not None and count:
        message += f", {golden.deviation(y, wanted, 1.0 if model.output_scale is None else model.output_scale)}"
    click.echo(message)
