"""Numbers of the gather engine and of ternary weights, on networks with random weights: docs/gather-engine.md.

python scripts/gather_table.py                     lane utilisation and interval of a pruned network, by lanes
python scripts/gather_table.py --run NAME ...      place and route (minutes each) for ecp5-25k with 16 lanes, or as
                                                   --target and --lanes say; reports go to docs/numbers
python scripts/gather_table.py --save NAME FILE    the network itself
"""

import argparse
import itertools
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from hdlgen import network as networks
from hdlgen.compiler import Options, compile_network
from hdlgen.emit import compile_to, describe_plan
from hdlgen.flow.synth import synthesise, write_report
from hdlgen.network import Activation, Explicit, InputFormat, Network, Weighted
from hdlgen.targets import find_target

REPORTS = Path(__file__).resolve().parent.parent / "docs" / "numbers"


def pruned() -> Network:
    """784-300-300-10 with a tenth of all edges, chosen at random, of 8 bits."""
    rng = np.random.default_rng(1)
    widths = (784, 300, 300, 10)
    tensors: dict[str, np.ndarray] = {}
    layers = []
    for number, (inside, outside) in enumerate(itertools.pairwise(widths), 1):
        count = round(inside * outside * 0.1)
        keys = np.sort(rng.choice(inside * outside, count, replace=False))
        weights = rng.integers(-127, 128, count)
        weights[weights == 0] = 1
        tensors[f"e{number}"] = np.stack([keys % inside, keys // inside], axis=1).astype(np.int32)
        tensors[f"w{number}"] = weights.astype(np.int8)
        tensors[f"b{number}"] = rng.integers(-1000, 1000, outside).astype(np.int32)
        last = number == len(widths) - 1
        layers.append(
            Weighted(
                width=outside,
                connections=Explicit(edges=f"e{number}"),
                weight=f"w{number}",
                weight_bits=8,
                bias=f"b{number}",
                activation=None if last else Activation(bits=8, shift=9),
            )
        )
    form = InputFormat(width=widths[0], bits=8, signed=False)
    return Network(name="pruned", input=form, layers=tuple(layers), tensors=tensors)


def paths(name: str, top: int, shift: int, *, powers: bool = False) -> Network:
    """The shape of mnist-small with random weights from -top to top, or the powers of two among them and 0."""
    shape = networks.load("mnist-small")
    rng = np.random.default_rng(1)
    tensors = dict(shape.tensors)
    layers = []
    for number in range(1, len(shape.layers) + 1):
        layer = shape.weighted(number)
        weights = tensors[layer.weight]
        weights = rng.integers(-top, top + 1, weights.shape)
        if powers:
            weights = np.sign(weights) << rng.integers(0, top.bit_length(), weights.shape)
        tensors[layer.weight] = weights.astype(np.int8)
        activation = None if layer.activation is None else replace(layer.activation, shift=shift)
        layers.append(replace(layer, activation=activation))
    return replace(shape, name=name, tensors=tensors, layers=tuple(layers), origin=None)


NETWORKS = {
    "pruned": (pruned, {}),
    "ternary-small": (lambda: paths("ternary-small", 1, 3), {"merge": False}),
    "powers-small": (lambda: paths("powers-small", 127, 9, powers=True), {"merge": False}),
    "eight-small": (lambda: paths("eight-small", 127, 9), {"merge": False}),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--run", nargs="+", metavar="NAME", choices=NETWORKS, default=[])
    parser.add_argument("--target", default="ecp5-25k")
    parser.add_argument("--lanes", type=int, default=16)
    parser.add_argument("--save", nargs=2, metavar=("NAME", "FILE"))
    options = parser.parse_args()
    if options.save:
        networks.save(NETWORKS[options.save[0]][0](), options.save[1])
        return 0
    for name in options.run:
        make, more = NETWORKS[name]
        target = find_target(options.target)
        with tempfile.TemporaryDirectory() as scratch:
            core = Path(scratch) / "core"
            compile_to(make(), core, target=options.target, lanes=options.lanes, **more)
            report = synthesise(core, target=target, seeds=(1,), progress=True)
        write_report(report, REPORTS / f"{name}-{options.lanes}-{options.target}.json")
    if not options.run:
        network = pruned()
        for lanes in (4, 8, 16, 32):
            (stage,) = describe_plan(compile_network(network, Options(lanes=lanes)))
            print(f"{lanes} lanes: interval {stage.interval_cycles:,}, utilisation {stage.utilisation:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
