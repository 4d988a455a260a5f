"""hdlgen evaluate: the golden model on a file of inputs."""

import io
from pathlib import Path

import click
import numpy as np

from hdlgen import golden, network
from hdlgen.errors import InputError
from hdlgen.files import atomic_write

__all__ = ["command"]


def _labels(labels: np.ndarray, where: str, count: int) -> np.ndarray:
    if labels.dtype.kind not in "iu" or labels.shape != (count,):
        raise InputError(f"{where}: labels are {labels.dtype} {list(labels.shape)}; allowed: integers [{count}]")
    return labels


@click.command("evaluate")
@click.argument("net", metavar="NET")
@click.option("--input", "-i", "source", metavar="X", required=True, help="Inputs: .npy (N, width), or sequences.")
@click.option("--output", "-o", "target", metavar="Y.NPY", required=True, help="Outputs: int64 (N, outputs).")
@click.option("--labels", metavar="LABELS.NPY", help="Classes: integers (N,); prints the accuracy.")
@click.option("--every-step", is_flag=True, help="Recurrent networks: outputs of each step, not of the last ones.")
def command(net: str, source: str, target: str, labels: str | None, every_step: bool) -> None:
    """Evaluate NET, a network file or the name of a shipped network, exactly, on a file of inputs.

    Sequences for a recurrent network: an .npz file with x (steps of all sequences, width), lengths (sequences,), and
    perhaps labels (sequences,); or an .npy file (sequences, steps, width).
    """
    model = network.load(net)
    classes = None
    if isinstance(model, network.RecurrentNetwork):
        given, lengths, inside = golden.read_sequences(source)
        x, counts = golden.check_sequences(model, given, lengths, where=source, where_lengths=f"{source}: lengths")
        count = len(counts)
        if inside is not None:
            classes = _labels(inside, f"{source}: labels", count)
    else:
        if every_step:
            raise InputError(f"--every-step: {model.where} is no recurrent network; allowed with recurrent networks")
        x = golden.check_input(model, golden.read_array(source), source)
        count = len(x)
    if labels is not None:
        classes = _labels(golden.read_array(labels), labels, count)
    if isinstance(model, network.RecurrentNetwork):
        y = golden.evaluate(model, x, counts, every_step=every_step)
    else:
        y = golden.evaluate(model, x)
    buffer = io.BytesIO()
    np.save(buffer, y)
    atomic_write(Path(target), buffer.getvalue())
    message = f"{target}: {len(y)} x {y.shape[1]} outputs"
    if classes is not None and count:
        last = y[np.cumsum(counts) - 1] if every_step else y
        right = int((last.argmax(axis=1) == classes).sum())  # argmax: the lowest index wins ties
        message += f", {right} of {count} right ({right / count:.2%})"
    click.echo(message)
