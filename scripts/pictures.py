"""Draw the pictures of docs/examples.md: what the golden model of three shipped networks makes of their test data.

    python scripts/pictures.py [-o FOLDER]

needs Matplotlib. The pictures are SVG; each says in its metadata which integers it shows.
"""

import argparse
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hdlgen import golden, networks
from hdlgen.network import load

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
#: Images, strokes and errors in a row.
COLUMNS = 10
#: Points of the scatter plot.
SCATTERED = 400

Arrays = dict[str, np.ndarray]


def outputs(name: str) -> tuple[golden.Samples, np.ndarray]:
    """Test data of a shipped network and what it makes of them: classes, or outputs rounded to whole units."""
    network = load(name)
    images = name.startswith("mnist")
    samples = golden.Samples(x=networks.test_set()[0]) if images else golden.read_samples(networks.sample_file(name))
    y = golden.evaluate(network, samples.rows)
    scale = network.output_scale
    return samples, y.argmax(axis=1) if scale is None else np.rint(y * scale).astype(np.int64)


def autoencoder() -> Arrays:
    """Digits 0 to 9, the first of each kind, and what comes out."""
    samples, y = outputs("mnist-autoencoder")
    digits = networks.test_set()[1]
    first = [int(np.flatnonzero(digits == digit)[0]) for digit in range(COLUMNS)]
    return {"x": samples.rows[first], "y": np.clip(y[first], 0, 255)}


def pendigits() -> Arrays:
    """Strokes of 0 to 9, the first of each kind, and the first that are mistaken."""
    samples, y = outputs("pendigits")
    assert samples.labels is not None
    right = [int(np.flatnonzero((samples.labels == digit) & (y == digit))[0]) for digit in range(COLUMNS)]
    shown = right + np.flatnonzero(y != samples.labels)[:COLUMNS].tolist()
    return {"x": samples.rows[shown], "labels": samples.labels[shown], "y": y[shown]}


def penpoint() -> Arrays:
    """The first strokes, where they end, and where the network says so."""
    samples, y = outputs("penpoint")
    assert samples.targets is not None
    return {"x": samples.rows[:SCATTERED], "wanted": samples.targets[:SCATTERED].astype(np.int64), "y": y[:SCATTERED]}


def draw_autoencoder(shown: Arrays, plt: Any) -> Any:
    figure, rows = plt.subplots(2, 1, figsize=(COLUMNS * 0.8, 1.9))
    for row, images, title in zip(rows, (shown["x"], shown["y"]), ("input", "output"), strict=True):
        joined = images.reshape(-1, 28, 28).transpose(1, 0, 2).reshape(28, -1)
        row.imshow(joined, cmap="gray_r", vmin=0, vmax=255, interpolation="none")
        row.set_ylabel(title)
        row.set(xticks=[], yticks=[])
    return figure


def _stroke(axes: Any, points: np.ndarray) -> None:
    axes.plot(*points.reshape(-1, 2).T, color="black", marker="o", markersize=2, linewidth=1)
    axes.set(xlim=(-12, 112), ylim=(-12, 112), xticks=[], yticks=[], aspect="equal")


def draw_pendigits(shown: Arrays, plt: Any) -> Any:
    figure, grid = plt.subplots(2, COLUMNS, figsize=(COLUMNS * 0.8, 2.1))
    for axes, points, label, said in zip(grid.flat, shown["x"], shown["labels"], shown["y"], strict=True):
        _stroke(axes, points)
        axes.set_title(f"{said}" if said == label else f"{said}, is {label}", fontsize=8)
    return figure


def draw_penpoint(shown: Arrays, plt: Any) -> Any:
    figure = plt.figure(figsize=(8, 3.2))
    grid = figure.add_gridspec(2, 8)
    for index in range(COLUMNS):
        axes = figure.add_subplot(grid[index // 5, index % 5])
        _stroke(axes, shown["x"][index])
        axes.plot(*shown["wanted"][index], "o", color="tab:blue", markersize=6, fillstyle="none")
        axes.plot(*shown["y"][index], "x", color="tab:red", markersize=6)
    axes = figure.add_subplot(grid[:, 5:])
    for coordinate, marker in enumerate("xy"):
        wanted, said = shown["wanted"][:, coordinate], shown["y"][:, coordinate]
        axes.plot(wanted, said, ".", markersize=2, label=marker, rasterized=True)
    axes.plot([0, 100], [0, 100], color="gray", linewidth=0.5)
    axes.set(xlabel="where it ends", ylabel="where the network says", aspect="equal")
    axes.legend(fontsize=8)
    return figure


PICTURES: dict[str, tuple[Callable[[], Arrays], Callable[[Arrays, Any], Any]]] = {
    "autoencoder": (autoencoder, draw_autoencoder),
    "pendigits": (pendigits, draw_pendigits),
    "penpoint": (penpoint, draw_penpoint),
}


def identifier(shown: Arrays) -> str:
    """A hash of the integers in a picture."""
    digest = hashlib.sha256()
    for name, array in sorted(shown.items()):
        digest.update(f"{name} {list(array.shape)}".encode() + array.astype("<i8").tobytes())
    return f"sha256:{digest.hexdigest()}"


def draw(name: str, folder: Path) -> None:
    """Write picture ``name`` into ``folder``; the same bytes with the same Matplotlib."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    select, make = PICTURES[name]
    shown = select()
    # Text stays text; identifiers of elements and date would differ from run to run.
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": "hdlgen", "figure.constrained_layout.use": True}):
        figure = make(shown, plt)
        metadata = {"Date": None, "Creator": None, "Identifier": identifier(shown)}
        figure.savefig(folder / f"{name}.svg", metadata=metadata)
        plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=IMAGES)
    options = parser.parse_args()
    for name in PICTURES:
        draw(name, options.output)


if __name__ == "__main__":
    main()
