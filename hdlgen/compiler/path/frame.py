"""What of a path core depends on its weights: room for others, or the room that a finished design has."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hdlgen.compiler.factors import Form, choose_multiplier
from hdlgen.compiler.fitting import Fitter, span, whole
from hdlgen.compiler.options import Options
from hdlgen.compiler.path.program import Program
from hdlgen.integers import Interval
from hdlgen.network import Network

__all__ = ["fit"]

_SHIFT_BITS = 3
"""Of a shift in memory, at the least."""

_HIDDEN, _SHIFTS, _LAST = "biases with rounding", "shifts", "biases of the last layer"


def fit(network: Network, program: Program, options: Options, fitter: Fitter) -> Program:
    """How weights are multiplied, and room for others."""
    program = _constants(_sums(_weights(network, program, options, fitter), fitter), fitter)
    fitter.beside(program.source, program.blocks, program.lanes * program.weight_bits, program.lanes)
    return program


def _weights(network: Network, program: Program, options: Options, fitter: Fitter) -> Program:
    # The file's own format is kept, so that a retrained network of the same shape fits the same hardware.
    stated = max(network.weighted(number).weight_bits for number in range(1, len(network.layers) + 1))
    weights = {f"layer {number}: weights": t.weights.reshape(-1) for number, t in enumerate(program.transitions, 1)}
    together = np.concatenate(list(weights.values()))

    def new() -> Form:
        kind, bits = choose_multiplier(together, options.multiplier, network.where, stated_bits=stated)
        return Form(kind=kind, weight_bits=bits, code_bits=bits)

    form = fitter.form(weights, new)
    program = replace(program, multiplier=form.kind, weight_bits=form.weight_bits)
    if options.multiplier == "auto" and form.kind == "dsp" and options.dsps is not None:
        count, products = options.dsps
        kind = "dsp" if program.dsps(products) <= count else "lut"
        program = replace(program, multiplier=kind)
    return program


def _sums(program: Program, fitter: Fitter) -> Program:
    widths = tuple(
        fitter.interval(f"layer {number}: sums", whole(bits)).bits
        for number, bits in enumerate(program.accumulator_bits, 1)
    )
    return replace(
        program, accumulator_bits=widths, sum_bits=fitter.interval("partial sums", whole(program.sum_bits)).bits
    )


def _constants(program: Program, fitter: Fitter) -> Program:
    """Biases and shifts, in memory or wired in."""
    steps = program.requantised
    offsets = [value + step.rounding for step in steps for value in step.bias]
    shifts = [step.shift for step in steps]
    biased = any(any(step.bias) for step in steps)
    bias_bits = result_bias_bits = shift_low = shift_bits = 0

    def stored(what: str, values: Sequence[int], trained: bool, sums: int) -> int:
        """Bits of biases; where none are ``trained`` there is room for sums of so many bits."""
        own = max(value.bit_length() for value in values) + 1 if trained else 0
        wide = whole(max(own + 1, sums))
        return fitter.interval(what, span(*values), own=whole(max(own, 2)), wide=wide).bits

    if steps and fitter.in_memory(_HIDDEN, fitter.adaptable or biased):
        bias_bits = stored(_HIDDEN, offsets, biased, max(program.accumulator_bits))
    elif biased:
        raise fitter.refused("biases of hidden neurons", "not zero", "has no memory for them")
    if steps and fitter.in_memory(_SHIFTS, fitter.adaptable):
        low = max(min(shifts) - 2, 0)
        bits = max(_SHIFT_BITS, (max(shifts) + 1 - low).bit_length())
        wide = Interval(low=low, high=low + (1 << bits) - 1)
        room = fitter.interval(_SHIFTS, Interval(low=min(shifts), high=max(shifts)), wide=wide)
        shift_low, shift_bits = room.low, (room.high - room.low).bit_length()
    else:
        for number, shift in enumerate(shifts, 1):
            fitter.wired(f"layer {number}: shift", shift, shown=shift)
    if fitter.in_memory(_LAST, fitter.adaptable):
        result_bias_bits = stored(_LAST, program.result_bias, True, program.accumulator_bits[-1])
    else:
        fitter.wired(_LAST, list(program.result_bias))
    return replace(
        program, bias_bits=bias_bits, result_bias_bits=result_bias_bits, shift_low=shift_low, shift_bits=shift_bits
    )
