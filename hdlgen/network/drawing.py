"""From a network with scores of the next symbol to one that draws it."""

from dataclasses import replace

from hdlgen.errors import InputError
from hdlgen.integers import signed_bits
from hdlgen.layers import Activation, Draw
from hdlgen.layers.base import fresh
from hdlgen.layers.draw import gumbel_table
from hdlgen.network.network import Network, verify

__all__ = ["drawing"]

_SCORE_BITS = 16


def drawing(
    network: Network, *, one_hot: int | None = None, temperature: float | None = 1.0, seed: int = 1, bits: int = 10
) -> Network:
    """``network``, whose outputs are scores of the next symbol, with a draw behind them.

    The outputs get an activation of 16 bits, which holds all that they reach: of more bits the lowest are rounded off.

    Parameters
    ----------
    one_hot : of the inputs; None: what the network says, or the greatest input that there is.
    temperature : of the soft-max from which is drawn, above 0; None: the most probable symbol is taken.
    seed : 1 .. 2^32 - 1: where random numbers begin.
    bits : 1 .. 16: of a random number; with fewer, what is improbable is cut off sooner.

    Raises InputError if the last layer has no sums, or as many of them as there are inputs, or the file does not say what an
    output of 1 means and there is a temperature; or if a parameter is out of range.
    """
    head, where = network.layers[-1], network.where
    if head.format is not None or head.width != network.input.width:
        raise InputError(
            f"{where}: layer {len(network.layers)} is no sums of {network.input.width} symbols; allowed: such"
        )
    reach = network.ranges()[-1]
    shift = max(0, signed_bits(int(reach.value_low.min()), int(reach.value_high.max())) - _SCORE_BITS)
    activation = Activation(kind="identity", bits=_SCORE_BITS, shift=shift)
    layers = (*network.layers[:-1], replace(head, activation=activation))  # type: ignore[type-var]
    tensors, draw = dict(network.tensors), Draw(source=len(layers), scores=head.width)
    if temperature is not None:
        if network.output_scale is None:
            raise InputError(f"{where}: output has no scale; allowed with a temperature: what an output of 1 means")
        if not 0.01 <= temperature <= 100:
            raise InputError(f"{where}: temperature is {temperature:g}; allowed: 0.01..100")
        if not 1 <= bits <= 16:
            raise InputError(f"{where}: bits of random numbers are {bits}; allowed: 1..16")
        table = fresh(tensors, "noise")
        tensors[table] = gumbel_table(temperature / (network.output_scale * 2.0**shift), bits)
        draw = replace(draw, table=table, seed=seed)
    source = replace(network.input, one_hot=one_hot or network.input.one_hot or network.input.high)
    made = replace(
        network,
        input=source,
        layers=(*layers, draw),
        tensors=tensors,
        output_scale=None,
        output_names=None,
        header=None,
    )
    verify(made)
    return made
