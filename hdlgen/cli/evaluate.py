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
@click.option("--input", "-i", "source", metavar="X.NPY", required=True, help="Inputs: integers (N, width).")
@click.option("--output", "-o", "target", metavar="Y.NPY", required=True, help="Outputs: int64 (N, outputs).")
@click.option("--labels", metavar="LABELS.NPY", help="Classes: integers (N,); prints the accuracy.")
def command(net: str, source: str, target: str, labels: str | None) -> None:
    """Evaluate NET, a network file or the name of a shipped network, exactly, on a file of inputs."""
    net_model = network.load_path(net)
    x = golden.check_input(net_model, golden.read_array(source), source)
    classes = None
    if labels is not None:
        classes = golden.read_array(labels)
        if classes.dtype.kind not in "iu" or classes.shape != (len(x),):
            raise InputError(
                f"{labels}: labels are {classes.dtype} {list(classes.shape)}; allowed: integers [{len(x)}]"
            )
    y = golden.evaluate(net_model, x)
    buffer = io.BytesIO()
    np.save(buffer, y)
    atomic_write(Path(target), buffer.getvalue())
    message = f"{target}: {len(y)} x {y.shape[1]} outputs"
    if classes is not None and len(y):
        right = int((y.argmax(axis=1) == classes).sum())  # argmax: the lowest index wins ties
        message += f", {right} of {len(y)} right ({right / len(y):.2%})"
    click.echo(message)
