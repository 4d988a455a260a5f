"""Random engines that fit one behind the other, and what their timing is to be."""

import random

import numpy as np

from hdlgen.compiler import timing
from hdlgen.compiler.options import Options
from hdlgen.compiler.plan import ENGINES, Join, Plan, Stage, models
from hdlgen.compiler.timing import Timing
from hdlgen.network import Activation, Delay, InputFormat, Network, Skip

from . import layered, recurrent, scans
from .compiler import networks

__all__ = ["as_plan", "check_steady", "random_chain"]


def _path(draw: random.Random, inputs: int, *, first: bool) -> tuple[Network, Options]:
    count = draw.choice([1, 1, 2, 3, 4])
    widths = (inputs, *[draw.choice([1, 2, 3, 4, 5, 7, 8, 12, 16]) for _ in range(count)])
    paths = draw.randint(2, 64)
    network = networks.make(
        widths,
        paths,
        slots=tuple((width - 1).bit_length() + draw.randint(0, 2) for width in widths),
        dimensions=tuple(draw.randint(0, 9) for _ in widths),
        bias=tuple(draw.random() < 0.6 for _ in range(count)),
        shift=0,
        seed=draw.randint(1, 99),
    )
    options = Options(
        lanes=1 << draw.randint(0, min(3, paths.bit_length() - 1)),
        elements_per_beat=draw.choice([1, 1, 2, 4]) if first else 1,
        input_buffers=draw.choice([None, 1, 2]),
    )
    return network, options


def _gather(draw: random.Random, inputs: int, *, first: bool) -> tuple[Network, Options]:
    count, widths, layers = draw.randint(1, 3), [inputs], []
    for number in range(1, count + 1):
        width, last = draw.choice([1, 2, 3, 5, 8, 9, 12]), number == count
        layer = {
            "kind": draw.choice(["dense", "explicit", "path"]),
            "width": width,
            "edge_count": draw.randint(1, 40),
        }
        layer |= {"source": draw.randint(0, number - 1), "paths": draw.randint(1, 40)}
        if last:
            layer["source"] = number - 1
        else:
            layer |= {"activation": Activation(bits=6, shift=2), "multiplied": draw.random() < 0.3}
        alike = [source for source, before in enumerate(widths) if before == width]
        if alike and draw.random() < 0.5:
            layer["skip"] = Skip(source=draw.choice(alike), shift=1)
        layers.append(layer)
        widths.append(width)
    network = layered.make(draw.randint(0, 999), width=inputs, layers=layers)
    return network, Options(lanes=draw.choice([1, 2, 4, 8]))


def _unit(draw: random.Random, inputs: int, *, first: bool) -> tuple[Network, Options]:
    bands = []
    for _ in range(draw.choice([1, 1, 2, 3])):
        width = draw.randint(1, 12)
        shape = draw.choice(
            [
                {"band": min(draw.choice([1, 3, 5]), 2 * width - 1)},
                {"groups": draw.choice([groups for groups in range(1, width + 1) if width % groups == 0])},
                {"edges": draw.randint(1, 30)},
                {"band": 2 * width - 1},
            ]
        )
        bands.append({"cell": draw.choice(recurrent.CELLS), "width": width, "shared": draw.random() < 0.5, **shape})
    dense = tuple(draw.randint(1, 6) for _ in range(draw.choice([0, 1, 1])))
    network = recurrent.make(np.random.default_rng(draw.randint(0, 9999)), inputs=inputs, bands=bands, dense=dense)
    return network, Options(lanes=draw.choice([1, 2, 4, 8]), results=draw.choice(["step", "sequence"]))


def _scan(draw: random.Random, inputs: int, *, first: bool) -> tuple[Network, Options]:
    cell = draw.choice([cell for cell, rows in scans.ROWS.items() if inputs % rows == 0])
    network = scans.make_scan(cell, width=inputs // scans.ROWS[cell])
    return network.part(2, 2), Options(results=draw.choice(["step", "step", "sequence"]))


def _delay(draw: random.Random, inputs: int, *, first: bool) -> tuple[Network, Options]:
    taps = draw.randint(2, 5)
    layer = Delay(width=taps * inputs, source=0, taps=taps, bits=8, signed=True)
    source = InputFormat(width=inputs, bits=8, signed=True)
    network = Network(name="delay", input=source, layers=(layer,), tensors={})
    return network, Options(results=draw.choice(["step", "step", "sequence"]))


_MAKERS = {"path": _path, "gather": _gather, "unit": _unit, "scan": _scan, "delay": _delay}
_ENGINES = {name: engine for engine in ENGINES if (name := engine.name) in _MAKERS}


def random_chain(kinds: str, seed: int) -> list[Stage]:
    """Stages of the engines whose names begin with the letters p, g, u, s and d, each for as many inputs as the one
    before has results."""
    draw = random.Random(seed)
    stages: list[Stage] = []
    inputs = draw.randint(1, 16)
    for kind in kinds:
        engine = next(engine for name, engine in _ENGINES.items() if name.startswith(kind))
        network, options = _MAKERS[engine.name](draw, inputs, first=not stages)
        program = engine.compile(network, options)
        join = Join(input_bits=program.result_bits, output_bits=7, shift=3, low=0, high=100)
        stages.append(
            Stage(
                engine=engine.name, first=0, last=0, network=network, program=program, join=draw.choice([None, join])
            )
        )
        inputs = program.output_width
    return stages


def as_plan(stages: list[Stage]) -> Plan:
    """Their plan, whose network is none."""
    predicted = timing.predict(*models(stages))
    return Plan(name="chain", stages=tuple(stages), options=Options(), **vars(predicted))


def check_steady(predicted: Timing, moments: list[int]) -> None:
    """Once the chain is full: the longest distance, and what every period of distances comes to."""
    distances = np.diff(moments)[predicted.settling_frames :]
    period = predicted.period_frames
    assert len(distances) >= 3 * period
    assert max(distances) == predicted.interval_cycles
    periods = [sum(distances[start : start + period]) for start in range(len(distances) - period + 1)]
    assert set(periods) == {predicted.period_cycles}
