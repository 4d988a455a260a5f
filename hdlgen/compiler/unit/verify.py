"""What must hold of the program of a recurrent core: its weights and biases are those of the network, each at its place."""

import numpy as np

from hdlgen.compiler.faults import require, require_activation
from hdlgen.compiler.unit.program import BandProgram, Constants, Ints, RecurrentUnit, Unit
from hdlgen.integers import rounding
from hdlgen.layers import BandRnn
from hdlgen.layers.base import Tensors
from hdlgen.network import Network

__all__ = ["verify"]


def verify(network: Network, program: BandProgram) -> None:
    """Check every weight and bias of every unit against the network's own.

    Raises :class:`CompilerFault` if the program is not the network.
    """
    require(len(program.units) == len(network.layers), "a layer without a unit")
    order = np.arange(network.input.width)
    for number, unit in enumerate(program.units, 1):
        layer, inputs = network.layer(number), network.widths[number - 1]
        require(sorted(unit.order) == list(range(layer.width)), f"layer {number}: a neuron has no place")
        edges = network.edges(number)
        wanted = np.zeros((layer.rows, inputs), np.int64)
        np.add.at(wanted, (edges.target, edges.source), edges.weight)
        forward, recurrent = _matrices(unit, order)
        require(np.array_equal(forward.reshape(wanted.shape), wanted), f"layer {number}: weights lost or exchanged")
        if isinstance(unit, RecurrentUnit):
            band = network.recurrent(number)
            edges = band.recurrent_edges(network.tensors)
            wanted = np.zeros((len(band.gates) * band.width, band.width), np.int64)
            np.add.at(wanted, (edges.target, edges.source), edges.weight)
            found = recurrent.reshape(wanted.shape)
            require(np.array_equal(found, wanted), f"layer {number}: recurrent weights lost or exchanged")
            _verify_cell(band, network.tensors, unit)
        else:
            _verify_sums(network, number, unit)
        order = np.array(unit.order)


def _by_neuron(unit: Unit, constants: Constants) -> Ints:
    """(gates, N), or (1, N) of what gates share, from the order of the stream."""
    return unit.in_order(constants)[:, np.argsort(unit.order)]


def _verify_sums(network: Network, number: int, unit: Unit) -> None:
    """Biases and activation of layer ``number``, which keeps no state."""
    activation, squash, what = network.weighted(number).activation, unit.forward.squash, f"layer {number}"
    added = _by_neuron(unit, unit.forward.before) - squash.addend
    require((added == network.bias(number)).all(), f"{what}: biases lost or exchanged")
    require(not any(unit.forward.after.values), f"{what}: something is added to its values")
    if activation is not None:
        require_activation(lambda sums: squash(sums + squash.addend), activation, what)


def _verify_cell(layer: BandRnn, tensors: Tensors, unit: RecurrentUnit) -> None:
    """Biases of all gates, with the rounding and offset of the functions behind them."""
    cell, candidate = unit.cell, layer.candidate
    early = _by_neuron(unit, unit.forward.before)
    require((early == rounding(layer.input.shift)).all(), f"{unit.name}: something is added to its inputs")
    stored, added = _by_neuron(unit, unit.forward.after), _by_neuron(unit, cell.bias)
    late = _by_neuron(unit, cell.late_bias)[0]
    functions = [cell.gate if role == "gate" and cell.gate is not None else cell.state for role in cell.roles]
    wanted = layer.gate_bias(tensors) + np.array([[function.addend] for function in functions], np.int64)
    found = stored + added
    if candidate is not None:
        found[2] += late - added[2]
        reset = layer.candidate_bias(tensors) + rounding(candidate.shift)
        require(np.array_equal(added[2], reset), f"{unit.name}: biases of the candidate lost or exchanged")
    else:
        require(not late.any(), f"{unit.name}: something is added to its inputs")
    require(np.array_equal(found, wanted), f"{unit.name}: biases lost or exchanged")


def _matrices(unit: Unit, elements: Ints) -> tuple[Ints, Ints]:
    """What a slot multiplies: forward (gates, N, I), recurrent (gates, N, N); ``elements``: order of the input."""
    forward = np.zeros((unit.forward_gates, unit.width, unit.inputs), np.int64)
    recurrent = np.zeros((unit.gates, unit.width, unit.width), np.int64)
    order = np.array(unit.order)
    # States that say where they are, from 1 on; 0 is an absent neuron.
    places = unit.rows_of(np.arange(1, unit.width + 1))
    for group, gate, kind, word, cycles in unit.slots():
        neurons = order[group * unit.lanes : (group + 1) * unit.lanes]
        words = unit.weights[word : word + cycles, : len(neurons)]
        if kind == "forward":
            np.add.at(forward[gate], (neurons[None, :], elements[:, None]), words)
            continue
        read = unit.operands(places, group, word - unit.forward_words)[:cycles, : len(neurons)]
        require((words[read == 0] == 0).all(), f"{unit.name}: a weight meets an absent neuron")
        cycle, lane = np.nonzero(words)
        source = order[read[cycle, lane] - 1]
        np.add.at(recurrent[gate], (neurons[lane], source), words[cycle, lane])
    return forward, recurrent
