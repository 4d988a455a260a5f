"""hdlgen check: what a network connects, wastes and reaches."""

import json
from collections.abc import Callable
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hdlgen import network
from hdlgen.topology import band_lint, layered_lint, lint

__all__ = ["command"]


def _spread(spread: dict[str, Any]) -> str:
    if spread["min"] == spread["max"]:
        return str(spread["min"])
    return f"{spread['min']} / {spread['mean']:.4g} / {spread['max']}"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="")
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _fraction(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"


def _show(data: dict[str, Any], console: Console, *, remarks: bool = True) -> None:
    widths = "-".join(str(width) for width in data["widths"])
    changes = ""
    for what, name in (("scrambled", "scramble"), ("shifted", "shift")):
        if data[name] is not None:
            changes += f" {what} by {data[name]},"
    console.print(
        f"{data['name']}: {widths}, {data['paths']} paths,{changes} {data['parameters']} parameters,"
        f" {data['weight_bits_total']} bits of weights",
        highlight=False,
    )
    layers = _table("Layers", "layer", "neurons", "slots", "dimension", "paths per neuron", "on no path")
    for layer in data["layers"]:
        layers.add_row(
            str(layer["layer"]),
            str(layer["width"]),
            str(layer["slots"]),
            str(layer["dimension"]),
            _spread(layer["paths_per_neuron"]),
            str(layer["unvisited"]),
        )
    console.print(layers)
    transitions = _table(
        "Edges", "into layer", "paths", "slot edges", "edges", "repeated", "density", "out-degree", "in-degree"
    )
    for transition in data["transitions"]:
        transitions.add_row(
            str(transition["layer"]),
            str(transition["paths"]),
            "-" if transition["slot_edges"] is None else str(transition["slot_edges"]),
            str(transition["edges"]),
            str(transition["repeated"]),
            _fraction(transition["density"]),
            _spread(transition["out_degree"]),
            _spread(transition["in_degree"]),
        )
    console.print(transitions)
    integers = _table(
        "Integers",
        "layer",
        "weights",
        "zero",
        "accumulator",
        "bits",
        "shift",
        "useful shifts",
        "activations",
        "always 0",
    )
    for values in data["ranges"]:
        weights, accumulator = values["weights"], values["accumulator"]
        row = [
            str(values["layer"]),
            f"{weights['low']}..{weights['high']}",
            str(weights["zero"]),
            f"{accumulator['low']}..{accumulator['high']}",
            str(accumulator["bits"]),
        ]
        activation = values.get("activation")
        if activation is not None:
            row += [
                str(activation["shift"]),
                f"0..{activation['shift_largest_useful']}",
                f"0..{activation['highest']}",
                str(activation["always_zero"]),
            ]
        integers.add_row(*row)
    console.print(integers)
    reach = data["reachability"]
    console.print(
        f"Inputs connected with outputs: {_fraction(reach['input_to_output'])} of all pairs", highlight=False
    )
    if remarks:
        _show_findings(data, console)


def _show_findings(data: dict[str, Any], console: Console) -> None:
    if not data["findings"]:
        console.print("Nothing to remark.")
    for finding in data["findings"]:
        style = "bold yellow" if finding["severity"] == "warning" else "cyan"
        line = Text(f"{finding['severity']}: ", style=style)
        line.append(f"{finding['where']}: {finding['message']}", style="")
        console.print(line)


#: What is shown of the ranges of a recurrent layer.
_RANGES = (
    ("sum of inputs", "product"),
    ("input", "input"),
    ("recurrent sum", "recurrent"),
    ("accumulator", "accumulator"),
    ("candidate's sum", "candidate_sum"),
    ("candidate", "candidate"),
    ("candidate's query", "query"),
    ("cell's sum", "cell_sum"),
    ("state", "state"),
)


def _show_recurrent(data: dict[str, Any], console: Console) -> None:
    widths = "-".join(str(width) for width in data["widths"])
    console.print(
        f"{data['name']}: {widths}, recurrent, {data['parameters']} parameters, {data['weight_bits_total']} bits of"
        f" weights, {data['multiplications']} multiplications per step",
        highlight=False,
    )
    bands = _table(
        "Recurrent layers",
        "layer",
        "cell",
        "neurons",
        "connections",
        "weights per gate",
        "recurrent weights",
        "zero",
        "input weights",
        "reach per step",
        "steps to all",
    )
    for band in data["bands"]:
        bands.add_row(
            str(band["layer"]),
            band["cell"],
            str(band["width"]),
            band["shape"],
            str(band["weights_per_gate"]),
            str(band["recurrent_weights"]),
            str(band["recurrent_zero"]),
            str(band["input_weights"]),
            "-" if band["reach_per_step"] is None else str(band["reach_per_step"]),
            ("never" if band["steps_to_all_known"] else "-")
            if band["steps_to_all"] is None
            else str(band["steps_to_all"]),
        )
    console.print(bands)
    integers = _table("Integers", "layer", "value", "least", "greatest", "bits")
    for band in data["bands"]:
        for name, key in _RANGES:
            values = band[key]
            if values is not None:
                integers.add_row(
                    str(band["layer"]), name, str(values["low"]), str(values["high"]), str(values["bits"])
                )
    console.print(integers)
    if data["head"]:
        head = _table("Head", "layer", "neurons", "weights", "zero", "accumulator", "bits")
        for layer in data["head"]:
            reached = layer["accumulator"]
            head.add_row(
                str(layer["layer"]),
                str(layer["width"]),
                str(layer["weights"]),
                str(layer["zero"]),
                f"{reached['low']}..{reached['high']}",
                str(reached["bits"]),
            )
        console.print(head)
    if data["path_head"] is not None:
        console.print("The head of path layers, as a network of its own:")
        _show(data["path_head"], console, remarks=False)
    _show_findings(data, console)


def _show_layered(data: dict[str, Any], console: Console) -> None:
    widths = "-".join(str(width) for width in data["widths"])
    console.print(
        f"{data['name']}: {widths}, layers of their own connections, {data['parameters']} parameters,"
        f" {data['weight_bits_total']} bits of weights, {data['index_bits_total']} bits of indices",
        highlight=False,
    )
    edges = _table(
        "Edges",
        "layer",
        "kind",
        "reads",
        "neurons",
        "weights",
        "zero",
        "edges",
        "repeated",
        "density",
    )
    degrees = _table("Degrees", "layer", "out-degree", "in-degree", "index bits")
    for layer in data["layers"]:
        reads = str(layer["source"]) + ("" if layer["skip"] is None else f" + {layer['skip']}")
        edges.add_row(
            str(layer["layer"]),
            layer["kind"],
            reads,
            str(layer["width"]),
            str(layer["weights"]),
            str(layer["zero"]),
            str(layer["edges"]),
            str(layer["repeated"]),
            _fraction(layer["density"]),
        )
        degrees.add_row(
            str(layer["layer"]),
            _spread(layer["out_degree"]),
            _spread(layer["in_degree"]),
            str(layer["index_bits"]),
        )
    console.print(edges)
    console.print(degrees)
    integers = _table(
        "Integers", "layer", "weight bits", "accumulator", "bits", "activation", "shift", "product bits", "values"
    )
    for layer in data["layers"]:
        reached, activation = layer["accumulator"], layer.get("activation")
        row = [
            str(layer["layer"]),
            str(layer["weight_bits"]),
            f"{reached['low']}..{reached['high']}",
            str(reached["bits"]),
        ]
        if activation is not None:
            row += [
                activation["kind"],
                str(activation["shift"]),
                str(activation["product_bits"]) if activation["multiplier"] else "-",
                f"{activation['lowest']}..{activation['highest']}",
            ]
        integers.add_row(*row)
    console.print(integers)
    _show_findings(data, console)


@click.command("check")
@click.argument("net", metavar="NET")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(net: str, as_json: bool) -> None:
    """Judge the topology and the integers of NET, a network file or the name of a shipped network.

    Degrees, repeated edges, neurons on no path, reachability, accumulator ranges, useful shifts, and dimensions that
    would connect more. Degrees are given as minimum / mean / maximum. Of recurrent networks: weights per gate, how far
    a state travels per step, unread inputs, gates that never move, ranges of all sums. Of layered networks: degrees, density
    and bits of indices of each layer, unread inputs, dead neurons, ranges. The exit status is 0 whatever is found, and 2
    for a file that is no valid network.
    """
    model = network.load(net)
    show: Callable[[dict[str, Any], Console], None] = _show
    if isinstance(model, network.RecurrentNetwork):
        data, show = band_lint.recurrent_report(model), _show_recurrent
    elif isinstance(model, network.LayeredNetwork):
        data, show = layered_lint.layered_report(model), _show_layered
    else:
        data = lint.report(model)
    if as_json:
        click.echo(json.dumps(data, indent=2))
    else:
        console = Console(soft_wrap=True)
        console.width = max(console.width, 120)  # tables are worth a wide window; cut columns are worth nothing
        show(data, console)
