"""hdlgen evaluate: the golden model on a file of inputs."""

import io
from pathlib import Path

import click
import numpy as np

from hdlgen import golden, network
from hdlgen.cli import NEW_FILE, verb
from hdlgen.errors import InputError
from hdlgen.files import atomic_write
from hdlgen.terminal import say

__all__ = ["command"]


@verb("evaluate", "compile {net} -o core")
@click.argument("net", metavar="NET")
@click.option(
    "--input", "-i", "source", metavar="X", required=True, help="Inputs: .npy (N, width), samples, or sequences."
)
@click.option(
    "--output", "-o", "target", metavar="Y.NPY", type=NEW_FILE, required=True, help="Outputs: int64 (N, outputs)."
)
@click.option("--labels", metavar="LABELS.NPY", help="Classes: integers (N,); prints the accuracy.")
@click.option("--targets", metavar="T.NPY", help="What outputs should be: numbers (N, outputs); prints the error.")
@click.option("--every-step", is_flag=True, help="Recurrent networks: outputs of each step, not of the last ones.")
def command(net: str, source: str, target: Path, labels: str | None, targets: str | None, every_step: bool) -> None:
    """Evaluate NET, a network file or the name of a shipped network, exactly, on a file of inputs.

    Samples: an .npz file with x (N, width), and perhaps labels (N,) or y (N, outputs), what the outputs should be.

    Sequences for a recurrent network: an .npz file with x (steps of all sequences, width), lengths (sequences,), and
    perhaps labels (sequences,); or an .npy file (sequences, steps, width).

    Real numbers are rounded to the integers of the input where the network's file says what these stand for.
    """
    model = network.load(net)
    if every_step and not model.sequential:
        raise InputError(f"--every-step: {model.where} is no recurrent network; allowed with recurrent networks")
    given = golden.read_inputs(model, source, labels=labels, targets=targets, every_step=every_step)
    lengths, count = given.lengths, given.count
    y = golden.evaluate(model, given.x, lengths, every_step=every_step)
    buffer = io.BytesIO()
    np.save(buffer, y)
    atomic_write(target, buffer.getvalue())
    message = f"{target}: {len(y)} x {y.shape[1]} outputs"
    if given.labels is not None and count:
        count = len(given.labels)
        told = y if lengths is None or len(y) == count else y[np.cumsum(lengths) - 1]
        right = int((told.argmax(axis=1) == given.labels).sum())  # argmax: the lowest index wins ties
        message += f", {right} of {count} right ({right / count:.2%})"
    if given.targets is not None and count:
        message += (
            f", {golden.deviation(y, given.targets, 1.0 if model.output_scale is None else model.output_scale)}"
        )
    say(message)
