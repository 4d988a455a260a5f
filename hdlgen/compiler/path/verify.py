"""What must hold of a program, whatever pass made it. A violation is a fault of the compiler."""

from dataclasses import replace

import numpy as np

from hdlgen.compiler.factors import Form
from hdlgen.compiler.faults import require, require_activation
from hdlgen.compiler.path.passes import path_numbers, topology_of
from hdlgen.compiler.path.program import Program
from hdlgen.network import Network, SobolTopology

__all__ = ["verify"]


def verify(network: Network, program: Program) -> None:
    """Check every part of the program that is filled in already against the network's own definition.

    Raises :class:`CompilerFault` if the program is not the network.
    """
    topology = topology_of(network)
    for layer in program.layers:
        require(sorted(layer.lane) == list(range(program.lanes)), "two banks share a lane")
        stored = [neuron for neuron, _lane, _row in layer.places()]
        require(sorted(set(stored)) == list(range(layer.width)), "a neuron has no place")
        require(stored == sorted(stored), "neurons are not in bank order")
    for index, transition in enumerate(program.transitions):
        _verify_transition(network, topology, program, index)
        if transition.weights.size:
            padded = np.zeros(1 << program.index_bits, np.int64)
            padded[: topology.paths] = network.weights(index + 1)
            folded = padded[path_numbers(network, program, index)].sum(axis=0)
            require(np.array_equal(folded, transition.weights), "weights lost, doubled or exchanged")
            _verify_constants(network, program, index + 1)
            if program.weight_bits:
                bits = program.weight_bits
                form = Form(kind=program.multiplier, weight_bits=bits, code_bits=bits)
                require(not form.lacks(0, transition.weights), "a weight that the multipliers do not have")


def _verify_constants(network: Network, program: Program, number: int) -> None:
    """Biases and activation of layer ``number``."""
    activation, step = network.weighted(number).activation, program.transitions[number - 1].requantise
    require((activation is None) == (step is None), f"layer {number}: another activation")
    bias = network.bias(number)[list(program.layers[number].neurons)]
    found = program.result_bias if step is None else step.bias
    require(np.array_equal(found, bias), f"layer {number}: biases lost or exchanged")
    if activation is not None and step is not None:
        require_activation(replace(step, bias=(0,)), activation, f"layer {number}")


def _verify_transition(network: Network, topology: SobolTopology, program: Program, index: int) -> None:
    """Every path is visited once, at the lane, row and time that its vertices demand."""
    everything = path_numbers(network, program, index)
    require(
        np.array_equal(np.sort(everything, axis=None), np.arange(1 << program.index_bits)), "paths lost or doubled"
    )
    # With the paths that the program added to fill the last block.
    whole = replace(topology, paths=1 << program.index_bits, digits=topology.changed_digits)
    for number, neuron in enumerate(program.edges(index), index):
        vertices = whole.vertices(number, network.widths[number])
        kept = np.array(program.layers[number].neurons)[neuron]
        for copy in everything:
            require(np.array_equal(kept, vertices[copy]), "a path runs through another neuron than the network says")
