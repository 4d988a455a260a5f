"""What must hold of the program of a spatial core, whatever made it.

Sums of sums are linear: what each value is of the neurons before is found again here, factor by factor, and compared with
the weights.
"""

from dataclasses import replace

import numpy as np

from hdlgen.compiler.faults import require
from hdlgen.compiler.spatial.program import Bit, Clamp, Constant, Offset, SpatialProgram, Sum, Value
from hdlgen.integers import rounding
from hdlgen.layers import Activation
from hdlgen.network import Network

__all__ = ["verify"]

Form = dict[int, int]
"""Factors of values; that of -1 is added."""


def verify(network: Network, program: SpatialProgram) -> None:
    """Every sum is that of its neuron, every value has room and is there when it is read; raises `CompilerFault` else."""
    forms: list[Form] = []
    for number, value in enumerate(program.values):
        require(all(0 <= read < number for read in value.reads), "a value is made of one that is not there")
        forms.append(_form(number, value, forms))
        _verify_place(program, value, forms[-1])
    _verify_chains(program)
    require(len(program.neurons) == len(network.widths), "a layer too many")
    for number in range(1, len(network.widths)):
        _verify_layer(network, program, forms, number)


def _form(number: int, value: Value, forms: list[Form]) -> Form:
    """What a value is of others that are no sums."""
    match value:
        case Constant():
            return _added({}, {-1: value.value}, 1)
        case Sum():
            return _added(forms[value.first], forms[value.second], value.sign << value.shift)
        case Offset():
            return _added({-1: value.constant}, forms[value.source], value.sign << value.shift)
    return {number: 1}


def _added(one: Form, other: Form, factor: int) -> Form:
    total = dict(one)
    for number, own in other.items():
        total[number] = total.get(number, 0) + own * factor
    return {number: own for number, own in total.items() if own}


def _verify_place(program: SpatialProgram, value: Value, form: Form) -> None:
    """It is as wide as it has to be, and there when all that it reads is."""
    if isinstance(value, Sum | Offset):
        ends = [[own * end for end in _ends(program, number)] for number, own in form.items()]
        low, high = sum(map(min, ends)), sum(map(max, ends))
        require(value.reached.low <= low and high <= value.reached.high, "a sum that is too narrow")
    require(
        all(program.values[read].cycle <= value.cycle for read in value.reads), "a value is read before it is there"
    )


def _ends(program: SpatialProgram, number: int) -> tuple[int, int]:
    return (1, 1) if number < 0 else (program.values[number].reached.low, program.values[number].reached.high)


def _verify_chains(program: SpatialProgram) -> None:
    """No more adders and clamps in a row than are allowed between two registers."""
    lengths: list[int] = []
    for value in program.values:
        before = [lengths[read] for read in value.reads if program.values[read].cycle == value.cycle]
        own = value.adder_bits > 0 or (isinstance(value, Clamp) and _limits(program, value))
        lengths.append(max(before, default=0) + own)
        require(lengths[-1] <= program.adders, "too many adders between two registers")


def _limits(program: SpatialProgram, value: Clamp) -> bool:
    """It does more than a shift."""
    source = program.values[value.source].reached
    return (source.low >> value.shift, source.high >> value.shift) != (value.reached.low, value.reached.high)


def _verify_layer(network: Network, program: SpatialProgram, forms: list[Form], number: int) -> None:
    """Weights, biases, multipliers, what is added to them and the activation of each neuron."""
    layer, what = network.weighted(number), f"layer {number}"
    edges, own = network.edges(number), program.neurons[number]
    read = [_read(program, value, forms, layer.rectified) for value in program.neurons[layer.read]]
    matrix = np.zeros((len(own), len(read)), np.int64)
    np.add.at(matrix, (edges.target, edges.source), edges.weight)
    factors, biases = network.multiplier(number).tolist(), network.bias(number).tolist()
    for target, value in enumerate(own):
        if value < 0:
            require(number < len(network.layers), f"{what}: an output is missing")
            continue
        wanted: Form = _added({}, {-1: biases[target]}, 1)
        for source in np.flatnonzero(matrix[target]).tolist():
            form = read[source]
            require(form is not None, f"{what}: a neuron that is read is missing")
            wanted = _added(wanted, form or {}, int(matrix[target, source]))
        if layer.skip is not None:
            wanted = _added(wanted, forms[program.neurons[layer.skip.source][target]], 1 << layer.skip.shift)
        wanted = _added({}, wanted, factors[target])
        if layer.activation is None:
            require(forms[value] == wanted, f"{what}: sums lost or exchanged")
        else:
            _verify_activation(program, forms, value, wanted, layer.activation, f"{what}, neuron {target}")


def _read(program: SpatialProgram, number: int, forms: list[Form], rectified: bool) -> Form | None:
    """What edges read of a neuron; None if that is not there."""
    if number < 0:
        return None
    low, high = _ends(program, number)
    if not rectified or low >= 0:
        return forms[number]
    if high <= 0:
        return {}
    kept = (
        place
        for place, value in enumerate(program.values)
        if isinstance(value, Clamp) and (value.source, value.shift, value.low, value.high) == (number, 0, 0, high)
    )
    return next((forms[place] for place in kept), None)


def _verify_activation(
    program: SpatialProgram, forms: list[Form], number: int, wanted: Form, activation: Activation, what: str
) -> None:
    """A value is what the activation makes of a sum, which is ``wanted``."""
    value, addend = program.values[number], rounding(activation.shift)
    if isinstance(value, Constant):  # whatever the neurons before are
        ends = [[own * end for end in _ends(program, place)] for place, own in wanted.items()]
        sums = np.array([sum(map(min, ends)), sum(map(max, ends))], np.int64)
        even = replace(activation, multiplier=None).apply(sums, np.ones_like(sums))
        require((even == value.value).all(), f"{what}: another constant")
        return
    clamped = isinstance(value, Clamp)
    source, shift = (value.source, value.shift) if isinstance(value, Clamp) else (number, 0)
    form = dict(forms[source])
    if activation.rounding == "even" and addend:
        bits = [place for place in form if place >= 0 and isinstance(program.values[place], Bit)]
        require(len(bits) == 1 and form.pop(bits[0]) == 1, f"{what}: no bit to round by")
        bit = program.values[bits[0]]
        require(isinstance(bit, Bit) and bit.shift == shift and forms[bit.source] == wanted, f"{what}: another bit")
        addend -= 1
    require(form == _added(wanted, {-1: addend}, 1), f"{what}: sums lost or exchanged")
    low, high = _ends(program, source)
    borders = [
        end + (limit << shift) for limit in (activation.low, activation.high, 0) for end in (-1, 0, 1 << shift)
    ]
    sums = np.clip(np.array([low, high, *borders], np.int64), low, high) >> shift
    found = np.clip(sums, value.low, value.high) if isinstance(value, Clamp) else sums
    require(shift == activation.shift and clamped | (shift == 0), f"{what}: another shift")
    require(np.array_equal(found, np.clip(sums, activation.low, activation.high)), f"{what}: other limits")
