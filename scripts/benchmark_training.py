"""What a step of training costs: forward, backward and Adam, on one thread, by the number of paths.

    python scripts/benchmark_training.py [--widths 784,4096,4096,10] [--paths 8192,..] [--batch 128] [--repeats 9]
                                         [--json FILE] [--plot FILE]
    python scripts/benchmark_training.py --forms

The first compares a network of paths with ``torch.nn.Linear`` of the same widths, the second both forms of
`hdlgen.train.products.EdgeProduct`, whose rule follows from it. Times are medians of milliseconds of processor time, so that
other work on the machine disturbs them little. ``--plot`` needs Matplotlib.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from hdlgen.train import Recipe
from hdlgen.train.model import begin
from hdlgen.train.products import EdgeProduct
from hdlgen.train.training import reproducible

#: Widths on both sides, and pairs of neurons for each edge.
SIZES = ((64, 64), (256, 64), (256, 256), (784, 256), (1024, 1024), (4096, 1024))
SPARSITIES = (2, 4, 8, 16, 32)


def milliseconds(work: Callable[[], object], repeats: int) -> float:
    for _ in range(2):
        work()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(1e3 * (time.process_time() - start))
    return statistics.median(times)


def step_of(
    forward: Callable[[torch.Tensor], torch.Tensor], parameters: list[Any], x: torch.Tensor
) -> Callable[[], None]:
    """A step of training, of classes by chance."""
    optimizer = torch.optim.Adam(parameters, lr=1e-3, fused=True)
    labels = torch.arange(len(x)) % 10

    def step() -> None:
        optimizer.zero_grad()
        functional.cross_entropy(forward(x), labels).backward()
        optimizer.step()

    return step


def steps(widths: Sequence[int], paths: Sequence[int], batch: int, repeats: int) -> dict[str, Any]:
    """Milliseconds of a step of the dense network, and of networks with so many paths."""
    x = torch.randint(256, (batch, widths[0]), generator=torch.Generator().manual_seed(1))
    layers: list[torch.nn.Module] = []
    for before, width in pairwise(widths):
        layers += [torch.nn.Linear(before, width, bias=False), torch.nn.ReLU()]
    linear = torch.nn.Sequential(*layers[:-1])
    found = []
    for count in paths:
        model = begin(Recipe(name="n", widths=tuple(widths[1:]), paths=count).plan(widths[0]), seed=1)
        found.append(milliseconds(step_of(model.real, model.parameters(), x), repeats))
    dense = milliseconds(step_of(linear, list(linear.parameters()), x / 256), max(3, repeats // 3))
    return {
        "widths": list(widths),
        "batch": batch,
        "torch": torch.__version__,
        "paths": list(paths),
        "milliseconds": [round(each, 2) for each in found],
        "linear": round(dense, 2),
    }


def forms(batch: int, repeats: int) -> None:
    """Both forms, forward and backward, by sizes and type."""
    print("Milliseconds, scattered / gathered, by pairs of neurons for each edge; a line for each size")
    print("".join(f"{title:>16}" for title in ("", *map(str, SPARSITIES))))
    for kind in (torch.float32, torch.float64):
        for inputs, outputs in SIZES:
            times = [
                tuple(_product(inputs, outputs, each, sparse, kind, batch, repeats) for sparse in (False, True))
                for each in SPARSITIES
            ]
            title = f"{inputs} x {outputs}{'' if kind == torch.float32 else ' d'}"
            print(f"{title:>16}" + "".join(f"{f'{one:.2f} / {other:.2f}':>16}" for one, other in times), flush=True)


def _product(
    inputs: int, outputs: int, sparsity: int, sparse: bool, kind: torch.dtype, batch: int, repeats: int
) -> float:
    keys = np.sort(np.random.default_rng(1).choice(inputs * outputs, inputs * outputs // sparsity, replace=False))
    product = EdgeProduct(keys // outputs, keys % outputs, inputs, outputs, sparse=sparse)
    weights, values = torch.randn(len(keys), dtype=kind).requires_grad_(), torch.randn(batch, inputs, dtype=kind)
    if sparse:  # as the sums of such a layer lie in memory
        values = values.T.contiguous().T
    values = values.requires_grad_()

    def work() -> None:
        weights.grad = values.grad = None
        product(values, weights).relu().sum().backward()

    return milliseconds(work, repeats)


def table(result: dict[str, Any]) -> str:
    """Rows by paths: the cost, how much faster than the dense network, and the cost beside what is linear from the first."""
    lines = [f"{'paths':>8}{'ms':>9}{'x nn.Linear':>13}{'ms beside linear':>18}"]
    first = result["milliseconds"][0] / result["paths"][0]
    for count, cost in zip(result["paths"], result["milliseconds"], strict=True):
        lines.append(f"{count:>8}{cost:>9.2f}{result['linear'] / cost:>13.1f}{cost / (first * count):>18.2f}")
    return "\n".join([*lines, f"{'Linear':>8}{result['linear']:>9.2f}"])


def plot(result: dict[str, Any], path: Path) -> None:
    import matplotlib as mpl
    from matplotlib import pyplot

    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "hdlgen"}
    figure, axes = pyplot.subplots(figsize=(6.4, 3.8), layout="constrained")
    paths, cost = result["paths"], result["milliseconds"]
    axes.loglog(paths, cost, "o-", label="paths")
    axes.loglog(paths, [cost[0] * count / paths[0] for count in paths], ":", color="grey", label="linear")
    axes.axhline(result["linear"], color="C1", label="nn.Linear")
    axes.set_xticks(paths, [f"{count // 1024} k" for count in paths], minor=False)
    axes.set_xticks([], minor=True)
    axes.set(xlabel="paths", ylabel="ms of a step", title="-".join(map(str, result["widths"])))
    axes.legend()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)

    def numbers(text: str) -> list[int]:
        return [int(part) for part in text.split(",")]

    parser.add_argument("--widths", type=numbers, default=[784, 4096, 4096, 10])
    parser.add_argument("--paths", type=numbers, default=[1 << power for power in range(13, 19)])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--forms", action="store_true")
    options = parser.parse_args()
    with reproducible(1):
        if options.forms:
            forms(options.batch, options.repeats)
            return
        result = steps(options.widths, options.paths, options.batch, options.repeats)
    print(table(result))
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    if options.plot is not None:
        plot(result, options.plot)


if __name__ == "__main__":
    main()
