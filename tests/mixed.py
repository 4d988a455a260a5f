"""Networks of layers of all kinds, one behind the other, for tests of what takes any network."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hdlgen.connections import Topology
from hdlgen.layers.base import Shape
from hdlgen.layers.draw import gumbel_table
from hdlgen.network import (
    Activation,
    Draw,
    InputFormat,
    Layer,
    Network,
    RandomTopology,
    Skip,
    SobolTopology,
    Spot,
    log2_slots,
)

from .choices import Choices, strategy
from .layered import any_activation, make_layer
from .recurrent import band_entry, make_band
from .scans import make_scan_layer
from .tensors import OF_TENSORS, Maker, tensor_network

__all__ = ["MIXED", "make_mixed", "mixed_network", "mixed_networks", "with_tensors"]

RELU = Activation(bits=8, shift=7)
SIGNED = Activation(kind="identity", bits=8, shift=8)

Entry = dict[str, Any]
Stages = tuple[tuple[str, int, int], ...]


def make_mixed(
    entries: Sequence[Entry],
    *,
    inputs: int,
    bits: int = 8,
    signed: bool = False,
    paths: int = 64,
    seed: int = 1,
    output_scale: float | None = None,
    shape: Shape | None = None,
    **topology: int,
) -> Network:
    """A network of random weights, with inputs of a ``shape`` if there is one.

    Scans and delays are as in `tests.scans.make_scan_layer`. Another entry with a ``cell`` is as in
    `tests.recurrent.make_band`, those of tensors are as in `tests.tensors.Maker.layer`, others as in
    `tests.layered.make`. Those of kind ``path`` without paths of their own share a Sobol' topology of ``paths``, with the
    members ``topology``.
    """
    rng = np.random.default_rng(seed)
    widths, layers = [inputs], list[Layer]()
    tensors: dict[str, np.ndarray] = {}
    numbered = list(enumerate(entries, 1))
    common = [number for number, entry in numbered if entry.get("kind") == "path" and not _own(entry)]
    ends = sorted({end for number in common for end in (entries[number - 1].get("source", number - 1), number)})
    shared: Topology | None = None
    maker, shapes = Maker(rng, tensors), [shape or (1, 1, inputs)]
    for number, entry in numbered:
        if entry.get("kind") in ("scan", "delay"):
            layers.append(make_scan_layer(rng, number, widths[-1], layers, tensors, entry, bits=bits, signed=signed))
        elif entry.get("kind") == "spot":
            tensors["t"] = rng.integers(1, 40, widths[-1]).astype(np.int32)
            layers.append(Spot(scores=widths[-1], log2_window=1, threshold="t", refractory=1))
        elif entry.get("kind") == "draw":
            tensors["t"] = gumbel_table(40.0, 7)
            layers.append(Draw(scores=widths[-1], table="t", seed=3))
        elif "cell" in entry:
            layers.append(make_band(rng, number, widths[-1], tensors, **entry))
        elif entry["kind"] in OF_TENSORS:
            layers.append(maker.layer(entry, number, shapes, last=number == len(entries)))
        else:
            if number in common and shared is None:
                sizes = widths + [other.get("width", 1) for other in entries[number - 1 :]]
                shared = SobolTopology(
                    paths=paths,
                    dimensions=tuple(range(len(ends))),
                    log2_slots=log2_slots([sizes[end] for end in ends]),
                    **topology,  # type: ignore[arg-type]
                )
            layers.append(make_layer(rng, number, widths, tensors, entry, topology=None if _own(entry) else shared))
        widths.append(layers[-1].width)
        shapes.append(layers[-1].shape or (1, 1, widths[-1]))
    return Network(
        name="mixed",
        input=InputFormat(width=inputs, bits=bits, signed=signed, shape=shape),
        layers=tuple(layers),
        topology=shared,
        tensors=tensors,
        output_scale=output_scale,
    )


def _own(entry: Entry) -> bool:
    return "topology" in entry or "paths" in entry


def dense(width: int, activation: Activation | None = RELU, **more: Any) -> Entry:
    return {"kind": "dense", "width": width, "activation": activation, **more}


def explicit(width: int, activation: Activation | None = RELU, **more: Any) -> Entry:
    return {"kind": "explicit", "width": width, "activation": activation, "edge_count": 40, **more}


def path(width: int, activation: Activation | None = RELU, **more: Any) -> Entry:
    return {"kind": "path", "width": width, "activation": activation, **more}


def conv(channels: int, *kernel: int, **more: Any) -> Entry:
    return {"kind": "conv", "channels": channels, "kernel": kernel, **more}


def pool(*kernel: int, of: str = "max", **more: Any) -> Entry:
    return {"kind": "pool", "of": of, "kernel": kernel, **more}


def rnn(width: int, cell: str = "gru", **more: Any) -> Entry:
    return {"cell": cell, "width": width, "band": 3, **more}


def scan(cell: str, **more: Any) -> Entry:
    return {"kind": "scan", "cell": cell, **more}


MIXED: dict[str, tuple[Callable[[], Network], Stages]] = {
    "recurrent layers in the middle": (
        lambda: make_mixed([dense(12), rnn(8), dense(5, None)], inputs=9),
        (("gather", 1, 1), ("unit", 2, 3)),
    ),
    "paths before": (
        lambda: make_mixed([path(12), rnn(8), dense(5, None)], inputs=16),
        (("path", 1, 1), ("unit", 2, 3)),
    ),
    "edges behind": (
        lambda: make_mixed([rnn(8), explicit(5, None)], inputs=6, signed=True),
        (("unit", 1, 1), ("gather", 2, 2)),
    ),
    "another activation behind": (
        lambda: make_mixed(
            [rnn(8), dense(10, Activation(kind="identity", bits=8, shift=12), multiplied=True), dense(4, None)],
            inputs=6,
            signed=True,
        ),
        (("unit", 1, 1), ("gather", 2, 3)),
    ),
    "a skip connection within the stage behind": (
        lambda: make_mixed(
            [rnn(8), dense(8, SIGNED, skip=Skip(source=1, shift=3)), dense(4, None)], inputs=6, signed=True
        ),
        (("unit", 1, 1), ("gather", 2, 3)),
    ),
    "random paths into a recurrent layer": (
        lambda: make_mixed(
            [path(8, SIGNED, topology=RandomTopology(paths=64, generator="philox", seed=3)), rnn(8), dense(4, None)],
            inputs=6,
        ),
        (("gather", 1, 1), ("unit", 2, 3)),
    ),
    "paths, then a dense layer": (
        lambda: make_mixed([path(16), path(16), dense(5, None)], inputs=16, paths=128),
        (("path", 1, 2), ("gather", 3, 3)),
    ),
    "paths alone, with an activation at the end": (
        lambda: make_mixed([path(8), path(8, Activation(bits=5, shift=8))], inputs=16),
        (("path", 1, 2),),
    ),
    "a code book and a signed input": (
        lambda: make_mixed([path(16, codes=4), path(5, None)], inputs=16, signed=True),
        (("gather", 1, 1), ("path", 2, 2)),
    ),
    "signed values before paths": (
        lambda: make_mixed([explicit(16, SIGNED), path(8, None)], inputs=12, signed=True),
        (("gather", 1, 1), ("path", 2, 2)),
    ),
    "paths behind recurrent layers are theirs": (
        lambda: make_mixed([rnn(8), path(16), path(4, None)], inputs=6, signed=True, paths=32),
        (("unit", 1, 3),),
    ),
    "all engines, one of them twice": (
        lambda: make_mixed([rnn(8), explicit(8), path(16), explicit(5, None)], inputs=6, signed=True),
        (("unit", 1, 1), ("gather", 2, 2), ("path", 3, 3), ("gather", 4, 4)),
    ),
    "recurrent layers between others": (
        lambda: make_mixed([dense(10, SIGNED), rnn(8, "tanh"), dense(6), explicit(3, None)], inputs=6, signed=True),
        (("gather", 1, 1), ("unit", 2, 3), ("gather", 4, 4)),
    ),
    "two recurrent stages": (
        lambda: make_mixed([rnn(8), dense(7, SIGNED), rnn(6, "lstm"), dense(3, None)], inputs=6, signed=True),
        (("unit", 1, 1), ("gather", 2, 2), ("unit", 3, 4)),
    ),
    "recurrent layers around a dense one": (
        lambda: make_mixed([rnn(8), dense(7), rnn(6, "ligru")], inputs=6, signed=True),
        (("unit", 1, 2), ("unit", 3, 3)),
    ),
    "edges alone, rounded to even at the end": (
        lambda: make_mixed(
            [explicit(9), dense(4, Activation(kind="identity", bits=6, shift=9, rounding="even"))], inputs=8
        ),
        (("gather", 1, 2),),
    ),
    "an activation at the end of recurrent layers": (
        lambda: make_mixed([rnn(8), dense(9, Activation(bits=6, shift=8))], inputs=6, signed=True),
        (("unit", 1, 2),),
    ),
    # Where a later layer reads an earlier one there is no cut.
    "paths that a skip connection spans": (
        lambda: make_mixed([path(16), path(16), dense(16, None, skip=Skip(source=1, shift=2))], inputs=16),
        (("path", 1, 1), ("gather", 2, 3)),
    ),
    "paths in the middle of what a later layer reads": (
        lambda: make_mixed([dense(16), path(16), dense(5, None, source=1)], inputs=8),
        (("gather", 1, 3),),
    ),
    "paths with two readers": (
        lambda: make_mixed([dense(16), path(16), dense(9, source=1), dense(5, None, source=2)], inputs=8),
        (("gather", 1, 4),),
    ),
    # Scrambled paths are those of a whole topology, from its first layer on.
    "scrambled paths": (
        lambda: make_mixed([dense(16), path(16), path(8), dense(16), path(5, None)], inputs=8, scramble=5, shift=6),
        (("gather", 1, 1), ("path", 2, 3), ("gather", 4, 5)),
    ),
    "paths in two places": (
        lambda: make_mixed([dense(16), path(16), path(8), dense(16), path(5, None)], inputs=8),
        (("gather", 1, 1), ("path", 2, 3), ("gather", 4, 4), ("path", 5, 5)),
    ),
    # All that the tensor engine has: strides, edges, paths, sums of tensors, pooling with a layer and by itself.
    "tensors": (
        lambda: make_mixed(
            [
                conv(8, 2, 2, stride=(2, 2), padding=(1, 0, 1, 0)),
                conv(8, 1, 1, joined="sobol"),
                {"kind": "add", "with": 1},
                conv(6, 1, 1),
                pool(2, 1),
                pool(1, 2, stride=(1, 1), padding=(0, 0, 1, 0)),
                pool(1, 2, of="mean"),
                {"kind": "sums", "width": 3},
            ],
            inputs=3 * 4 * 3,
            shape=(3, 4, 3),
        ),
        (("tensor", 1, 8),),
    ),
    "a window, sums, and a scan": (
        lambda: make_mixed(
            [{"kind": "delay", "taps": 2}, dense(15, SIGNED), scan("qrnn"), dense(4, None)], inputs=5, signed=True
        ),
        (("delay", 1, 1), ("gather", 2, 2), ("scan", 3, 3), ("gather", 4, 4)),
    ),
    "a scan of the sums of a tensor, and before a recurrent layer": (
        lambda: make_mixed([conv(8, 1, 1), scan("mingru"), rnn(5)], inputs=3),
        (("tensor", 1, 1), ("scan", 2, 2), ("unit", 3, 3)),
    ),
    "a spotter behind a recurrent layer": (
        lambda: make_mixed([rnn(8), dense(5, SIGNED), {"kind": "spot"}], inputs=6, signed=True),
        (("unit", 1, 1), ("gather", 2, 2), ("spot", 3, 3)),
    ),
    "a draw of sums": (
        lambda: make_mixed([dense(9, SIGNED), {"kind": "draw"}], inputs=5, signed=True),
        (("gather", 1, 1), ("draw", 2, 2)),
    ),
    # Each layer's values are written where those of the one before stand, a few pixels behind what is still read.
    "tensors in place": (
        lambda: make_mixed(
            [
                conv(4, 3, 3, padding=(1, 1, 1, 1)),
                conv(4, 3, 3, padding=(1, 1, 1, 1), joined="depthwise"),
                conv(2, 1, 1),
            ],
            inputs=4 * 3 * 4,
            shape=(4, 3, 4),
        ),
        (("tensor", 1, 3),),
    ),
    "tensors between others": (
        lambda: make_mixed([rnn(6), conv(4, 1, 1), path(8), explicit(8), conv(8, 1, 1), dense(4, None)], inputs=3),
        (("unit", 1, 1), ("tensor", 2, 2), ("path", 3, 3), ("gather", 4, 4), ("tensor", 5, 6)),
    ),
}
"""Networks by what is special about them, with the stages that they are compiled to."""


def mixed_network(choose: Choices, *, most: int = 8) -> Network:
    """Up to five layers of up to ``most`` neurons, which read and skip earlier ones at random."""
    count = choose.integer(1, 5)
    inputs = choose.integer(1, most)
    entries, widths = list[Entry](), [inputs]
    for number in range(1, count + 1):
        kind = choose.of(["path", "path", "own", "dense", "explicit", "recurrent"])
        if kind == "recurrent":
            entries.append(band_entry(choose, most=most))
            widths.append(entries[-1]["width"])
            continue
        entry: Entry = {
            "kind": "path" if kind == "own" else kind,
            "width": choose.of(widths) if choose.flag() else choose.integer(1, most),
            "weight_bits": choose.integer(1, 8),
            "biased": choose.flag(),
            "codes": choose.of([0, 0, 0, 3]),
            "edge_count": choose.integer(1, 30),
        }
        if kind == "own":
            entry["paths"] = choose.integer(1, 30)
        alike = [source for source, width in enumerate(widths) if width == entry["width"]]
        if choose.integer(0, 3) == 0:
            entry["source"] = choose.integer(0, number - 1)
        if alike and choose.integer(0, 3) == 0:
            entry["skip"] = Skip(source=choose.of(alike), shift=choose.integer(0, 5))
        if number < count or choose.flag():
            entry["activation"] = Activation(bits=choose.integer(2, 10), shift=choose.integer(0, 7))
            if choose.integer(0, 3) == 0:
                entry["activation"] = any_activation(choose)
                entry["multiplied"] = choose.flag()
        entries.append(entry)
        widths.append(entry["width"])
    signed = choose.flag()
    network = make_mixed(
        entries,
        inputs=inputs,
        bits=choose.integer(1 + signed, 8),
        signed=signed,
        paths=choose.integer(4, 64),
        seed=choose.integer(0, 2**32 - 1),
        **choose.of([{}, {}, {"scramble": 3}, {"shift": 4}]),
    )
    return choose.usable(network)


mixed_networks = strategy(mixed_network)


def with_tensors(choose: Choices) -> Network:
    """Layers of tensors, one network in three with layers of other kinds behind them, one in six between such."""
    others = choose.integer(0, 5)
    if others > 2:
        return tensor_network(choose)
    entries = [_other(choose) for _ in range(choose.integer(1, 2))]
    if others == 2:
        entries += [_tensor(choose) for _ in range(choose.integer(1, 2))]
        entries += [_other(choose) for _ in range(choose.integer(0, 1))]
        network = make_mixed(
            entries,
            inputs=choose.integer(1, 6),
            bits=choose.integer(2, 8),
            signed=choose.flag(),
            seed=choose.integer(0, 2**32 - 1),
        )
        return choose.usable(network)
    network = tensor_network(choose, most=4)
    choose.assume(getattr(network.layers[-1], "activation", None) is not None)
    if "cell" not in entries[-1] and choose.flag():
        entries[-1]["activation"] = None
    rng = np.random.default_rng(choose.integer(0, 2**32 - 1))
    widths, layers, tensors = list(network.widths), list(network.layers), dict(network.tensors)
    for number, entry in enumerate(entries, len(widths)):
        if "cell" in entry:
            layers.append(make_band(rng, number, widths[-1], tensors, **entry))
        else:
            layers.append(make_layer(rng, number, widths, tensors, entry, suffix=".behind"))
        widths.append(layers[-1].width)
    return choose.usable(replace(network, layers=tuple(layers), tensors=tensors))


def _other(choose: Choices) -> Entry:
    """A layer that knows nothing of tensors."""
    kind = choose.of(["path", "dense", "explicit", "recurrent"])
    if kind == "recurrent":
        return band_entry(choose, most=6)
    return {
        "kind": kind,
        "width": choose.integer(1, 8),
        "weight_bits": choose.integer(1, 8),
        "biased": choose.flag(),
        "edge_count": choose.integer(1, 30),
        "paths": choose.integer(1, 30),
        "activation": Activation(
            kind=choose.of(["relu", "identity"]), bits=choose.integer(2, 8), shift=choose.integer(0, 7)
        ),
    }


def _tensor(choose: Choices) -> Entry:
    """A convolution of a single pixel, or a dense layer that has zero points."""
    if choose.integer(0, 2) == 0:
        return {"kind": "sums", "width": choose.integer(1, 8)}
    return conv(2 * choose.integer(1, 4), 1, 1, joined=choose.of(["dense", "explicit", "sobol", "random"]))
