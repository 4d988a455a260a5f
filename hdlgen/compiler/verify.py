"""What must hold of a program, whatever pass made it. A violation is a fault of the compiler."""

from dataclasses import replace

import numpy as np

from hdlgen.compiler.passes import path_numbers
from hdlgen.compiler.program import Ints, Program
from hdlgen.compiler.program_factors import are_powers, factors_allowed
from hdlgen.network import Network
from hdlgen.topology import paths

__all__ = ["verify"]


def verify(network: Network, program: Program) -> None:
    """Check every part of the program that is filled in already against the network's own definition.

    Raises
    ------
    AssertionError
        If the program is not the network.
    """
    for layer in program.layers:
        assert sorted(layer.lane) == list(range(program.lanes)), "two banks share a lane"
        stored = [neuron for neuron, _lane, _row in layer.places()]
        assert sorted(set(stored)) == list(range(layer.width)), "a neuron has no place"
        assert stored == sorted(stored), "neurons are not in bank order"
    for index, transition in enumerate(program.transitions):
        _verify_transition(network, program, index)
        if transition.weights is not None:
            padded = np.zeros(1 << program.index_bits, np.int64)
            padded[: network.topology.paths] = network.weights(index + 1)
            folded = padded[_all_numbers(network, program, index)].sum(axis=0)
            assert np.array_equal(folded, transition.weights), "weights lost, doubled or exchanged"
    if program.weight_bits:
        for transition in program.transitions:
            assert transition.weights is not None
            least, most = factors_allowed(program.multiplier, program.weight_bits)
            assert int(transition.weights.min()) >= least, "weight below its format"
            assert int(transition.weights.max()) <= most, "weight above its format"
            assert program.multiplier != "shift" or are_powers(transition.weights), "weight that is no power of two"


def _all_numbers(network: Network, program: Program, index: int) -> Ints:
    """Path numbers (2^repeats, blocks, lanes): every block and lane with all the paths that were folded into it."""
    everything = path_numbers(network, program, index)[np.newaxis]
    for repeat in program.transitions[index].merged:
        everything = np.concatenate([everything, everything ^ repeat])
    return everything


def _verify_transition(network: Network, program: Program, index: int) -> None:
    """Every path is visited once, at the lane, row and time that its vertices demand."""
    transition = program.transitions[index]
    source, target = program.layers[index], program.layers[index + 1]
    everything = _all_numbers(network, program, index)
    assert np.array_equal(np.sort(everything, axis=None), np.arange(1 << program.index_bits)), "paths lost or doubled"
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
    topology = network.topology
    whole = replace(topology, paths=1 << program.index_bits, digits=topology.changed_digits)
    for layer_index, layer, neuron in ((index, source, from_neuron), (index + 1, target, to_neuron)):
        vertices = paths.vertices(whole, layer_index, network.widths[layer_index])
        kept = np.array(layer.neurons)[neuron]
        for copy in everything:
            assert np.array_equal(kept, vertices[copy]), "a path runs through another neuron than the network says"
