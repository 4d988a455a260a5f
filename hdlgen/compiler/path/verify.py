"""What must hold of a program, whatever pass made it. A violation is a fault of the compiler."""

from dataclasses import replace

import numpy as np

from hdlgen.compiler.factors import are_powers, factors_allowed
from hdlgen.compiler.faults import require, require_activation
from hdlgen.compiler.path.passes import path_numbers, topology_of
from hdlgen.compiler.path.program import Ints, Program
from hdlgen.network import Network, SobolTopology

__all__ = ["verify"]


def verify(network: Network, program: Program) -> None:
    """Check every part of the program that is filled in already against the network's own definition.

    Raises
    ------
    CompilerFault
        If the program is not the network.
    """
    topology = topology_of(network)
    for layer in program.layers:
        require(sorted(layer.lane) == list(range(program.lanes)), "two banks share a lane")
        stored = [neuron for neuron, _lane, _row in layer.places()]
        require(sorted(set(stored)) == list(range(layer.width)), "a neuron has no place")
        require(stored == sorted(stored), "neurons are not in bank order")
    for index, transition in enumerate(program.transitions):
        _verify_transition(network, topology, program, index)
        if transition.weights is not None:
            padded = np.zeros(1 << program.index_bits, np.int64)
            padded[: topology.paths] = network.weights(index + 1)
            folded = padded[_all_numbers(network, program, index)].sum(axis=0)
            require(np.array_equal(folded, transition.weights), "weights lost, doubled or exchanged")
            _verify_constants(network, program, index + 1)
            if program.weight_bits:
                least, most = factors_allowed(program.multiplier, program.weight_bits)
                require(int(transition.weights.min()) >= least, "weight below its format")
                require(int(transition.weights.max()) <= most, "weight above its format")
                powers = program.multiplier != "shift" or are_powers(transition.weights)
                require(powers, "weight that is no power of two")


def _verify_constants(network: Network, program: Program, number: int) -> None:
    """Biases and activation of layer ``number``."""
    activation, step = network.weighted(number).activation, program.transitions[number - 1].requantise
    require((activation is None) == (step is None), f"layer {number}: another activation")
    bias = network.bias(number)[list(program.layers[number].neurons)]
    found = program.result_bias if step is None else step.bias
    require(np.array_equal(found, bias), f"layer {number}: biases lost or exchanged")
    if activation is not None and step is not None:
        require_activation(replace(step, bias=(0,)), activation, f"layer {number}")


def _all_numbers(network: Network, program: Program, index: int) -> Ints:
    """Path numbers (2^repeats, blocks, lanes): every block and lane with all the paths that were folded into it."""
    everything = path_numbers(network, program, index)[np.newaxis]
    for repeat in program.transitions[index].merged:
        everything = np.concatenate([everything, everything ^ repeat])
    return everything


def _verify_transition(network: Network, topology: SobolTopology, program: Program, index: int) -> None:
    """Every path is visited once, at the lane, row and time that its vertices demand."""
    transition = program.transitions[index]
    source, target = program.layers[index], program.layers[index + 1]
    everything = _all_numbers(network, program, index)
    require(
        np.array_equal(np.sort(everything, axis=None), np.arange(1 << program.index_bits)), "paths lost or doubled"
    )
    words, exchange = transition.walk()
    lanes = np.arange(program.lanes)
    origin = lanes[np.newaxis, :] ^ exchange[:, np.newaxis]
    source_bank = np.argsort(np.array(source.lane))
    target_bank = np.argsort(np.array(target.lane))
    cell = ((words * source.cells) >> source.word_bits)[:, np.newaxis]
    row = (cell + np.array(source.phase)[source_bank][origin]) >> source.class_bits
    from_neuron = np.array(source.first)[source_bank][origin] + row
    word = (np.arange(transition.blocks) >> transition.run_bits)[:, np.newaxis]
    row = ((word * target.cells >> target.word_bits) + np.array(target.phase)[target_bank]) >> target.class_bits
    to_neuron = np.array(target.first)[target_bank] + row
    # With the paths that the program added to fill the last block.
    whole = replace(topology, paths=1 << program.index_bits, digits=topology.changed_digits)
    for layer_index, layer, neuron in ((index, source, from_neuron), (index + 1, target, to_neuron)):
        vertices = whole.vertices(layer_index, network.widths[layer_index])
        kept = np.array(layer.neurons)[neuron]
        for copy in everything:
            require(np.array_equal(kept, vertices[copy]), "a path runs through another neuron than the network says")
