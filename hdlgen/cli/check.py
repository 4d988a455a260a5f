"""hdlgen check: what a network connects, wastes and reaches."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from hdlgen import check, network
from hdlgen.cli import verb
from hdlgen.errors import InputError
from hdlgen.terminal import say, table

__all__ = ["command"]


def _text(value: Any) -> str:
    """A cell: what is not there is left out, degrees are minimum / mean / maximum, fractions are per cent."""
    if isinstance(value, dict):
        if value["min"] == value["max"]:
            return str(value["min"])
        return f"{value['min']} / {value['mean']:.4g} / {value['max']}"
    return "-" if value is None else f"{value:.2%}" if isinstance(value, float) else str(value)


def _print(title: str, columns: str, rows: Iterable[Iterable[Any]]) -> None:
    """A table; the names of its ``columns`` are separated by commas."""
    table(title, ([*map(_text, row)] for row in rows), columns.split(", "))


def _of(entry: dict[str, Any], *names: str) -> list[Any]:
    return [entry[name] for name in names]


def _integers(data: dict[str, Any]) -> Iterable[Iterable[Any]]:
    for layer in data["layers"]:
        for name, matrix in layer["matrices"].items():
            what = name if name == "weights" else f"{name} weights"
            yield (layer["layer"], what, *_of(matrix, "low", "high", "weight_bits"))
        for name, reached in layer["integers"].items():
            row = [layer["layer"], name, *_of(reached, "low", "high", "bits")]
            if name == "values":
                activation = layer["activation"]
                useful = activation["shift_largest_useful"]
                row += [activation["kind"], activation["shift"], None if useful is None else f"0..{useful}"]
            yield row


def _show(data: dict[str, Any]) -> None:
    paths, layers = data["paths"], data["layers"]
    matrices = [(layer["layer"], name, matrix) for layer in layers for name, matrix in layer["matrices"].items()]
    parts = [f"{data['name']}: {'-'.join(map(str, data['widths']))}"]
    if paths is not None:
        changes = {"scrambled": paths["scramble"], "shifted": paths["shift"]}
        parts.append(f"{paths['paths']} paths")
        parts += [f"{what} by {seed}" for what, seed in changes.items() if seed is not None]
    parts += [
        *(["recurrent"] if data["sequential"] else []),
        f"{data['parameters']} parameters",
        f"{data['weight_bits_total']} bits of weights",
        f"{data['index_bits_total']} bits of indices",
        f"{data['multiplications']} multiplications per {'step' if data['sequential'] else 'input'}",
    ]
    say(", ".join(parts))
    kinds = [("input", "-")]
    kinds += [
        (layer["kind"], str(layer["source"]) + ("" if layer["skip"] is None else f" + {layer['skip']}"))
        for layer in layers
    ]
    neurons = [
        (*_of(entry, "layer", "width"), *kind, *_of(entry, "unread", "constant"))
        for entry, kind in zip(data["neurons"], kinds, strict=True)
    ]
    _print("Layers", "layer, neurons, kind, reads, not needed, constant", neurons)
    if paths is not None:
        names = ("layer", "slots", "dimension", "paths_per_neuron", "unvisited")
        visits = [_of(layer, *names) for layer in paths["layers"]]
        _print("Paths", "layer, slots, dimension, paths per neuron, on no path", visits)
    names = ("weights", "zero", "edges", "repeated", "density")
    edges = [
        (number, name, matrix["connections"], *_of(matrix, *names), matrix.get("slot_edges"))
        for number, name, matrix in matrices
    ]
    _print("Edges", "layer, matrix, connections, weights, zero, edges, repeated, density, slot edges", edges)
    degrees = [
        (number, name, *_of(matrix, "out_degree", "in_degree", "index_bits")) for number, name, matrix in matrices
    ]
    _print("Degrees", "layer, matrix, out-degree, in-degree, index bits", degrees)
    recurrence = []
    for layer in layers:
        if (band := layer["recurrence"]) is not None:
            row = [layer["layer"], *_of(band, "cell", "shape", "weights_per_gate", "reach_per_step", "steps_to_all")]
            recurrence.append([*row[:-1], "never" if row[-1] is None and band["steps_to_all_known"] else row[-1]])
    titles = "layer, cell, connections, weights per gate, reach per step, steps to all"
    _print("Recurrent layers", titles, recurrence)
    titles = "layer, value, least, greatest, bits, activation, shift, useful shifts"
    _print("Integers", titles, _integers(data))
    if paths is not None and paths["reachability"] is not None:
        ends = [paths["layers"][place]["layer"] for place in (0, -1)]
        reach = _text(paths["reachability"]["first_to_last"])
        what = (
            "Inputs connected with outputs"
            if ends == [0, len(layers)]
            else "Layers {} and {} connected".format(*ends)
        )
        say(f"{what}: {reach} of all pairs")
    say(*("{severity}: {where}: {message}".format_map(finding) for finding in data["findings"]))
    if not data["findings"]:
        say("Nothing to remark.")


@verb("check", "compile {net} -o core")
@click.argument("net", metavar="NET")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(net: str, as_json: bool) -> str | None:
    """Judge the connections and the integers of NET, a network file or the name of a shipped network.

    Of every layer: degrees, repeated edges, bits of indices, neurons that no output depends on or that never change, what
    its sums and values can be, useful shifts. Of paths that layers share: neurons on no path, what they connect, and
    dimensions that would connect more. Of recurrent layers: weights per gate, how far a state travels per step, gates that
    never move. Degrees are given as minimum / mean / maximum. The exit status is 0 whatever is found, and 2 for a file that
    is no valid network.

    Or the files of a design, if NET is a folder: exit status 1 if one is not what hdlgen writes for the network in it.
    """
    if Path(net).is_dir():
        from hdlgen.flow.verify import check_design

        if as_json:
            raise InputError(f"--json: {net} is a folder; allowed with networks")
        check_design(net)
        say(f"{net}: every file is what hdlgen writes for the network and options in it")
        return ""
    data = check.report(network.load(net))
    if as_json:
        say(*json.dumps(data, indent=2).splitlines())
    else:
        _show(data)
    return None
