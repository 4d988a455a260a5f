"""Several elements in a beat: each gets to its column, whatever gaps there are behind pixels."""

import numpy as np
import pytest

from hdlgen import golden
from hdlgen.compiler import Options
from hdlgen.compiler.tensor import compile_tensor
from hdlgen.errors import InputError
from hdlgen.layers.base import Shape

from ...layered import inputs
from ...mixed import conv, make_mixed
from ..bench import run, send_all


@pytest.mark.parametrize(
    ("shape", "lanes", "elements", "signed"),
    [
        ((4, 3, 4), 4, 4, False),  # a pixel
        ((3, 3, 6), 8, 2, True),  # a part of one, with a gap behind its last
        ((3, 3, 1), 8, 8, False),  # pixels without gaps, and not as many as beats hold
        ((5, 3, 3), 16, 2, False),  # pixels that begin anywhere in a beat, with gaps
        ((5, 3, 3), 16, 4, True),
        ((3, 3, 3), 32, 8, False),
    ],
)
def test_elements_of_a_beat(shape: Shape, lanes: int, elements: int, signed: bool) -> None:
    """Equal results, and latency and interval to the cycle."""
    network = make_mixed(
        [conv(4, 2, 2), {"kind": "sums", "width": 3}], inputs=int(np.prod(shape)), shape=shape, signed=signed
    )
    program = compile_tensor(network, Options(lanes=lanes, elements_per_beat=elements))
    one = compile_tensor(network, Options(lanes=lanes))
    assert program.beats == -(-one.beats // elements)
    assert program.latency_cycles == one.latency_cycles - one.beats + program.beats
    x = inputs(network, 3)[:4]
    recording = run(program, send_all(program, x), len(x))
    assert recording.results == golden.evaluate(network, x).tolist()
    assert recording.ends[0] - recording.accepted[0] == program.latency_cycles
    assert set(np.diff(recording.ends)) == {program.interval_cycles}


def test_what_does_not_fit() -> None:
    """What comes in a beat is written into one row."""
    network = make_mixed([conv(4, 2, 2)], inputs=27, shape=(3, 3, 3))
    with pytest.raises(InputError) as caught:
        compile_tensor(network, Options(lanes=8, elements_per_beat=8))
    said = "elements per beat: 8 of 3 channels on 8 lanes; allowed are 1, 2"
    assert str(caught.value) == f"network 'mixed': {said}"
