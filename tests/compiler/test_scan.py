"""Linear recurrences in a chain: nothing waits for the state, so a step takes what its multiplications take."""

from dataclasses import replace

import pytest

from hdlgen.compiler import Options, compile_network
from hdlgen.errors import InputError

from ..scans import make_scan


@pytest.mark.parametrize(
    ("cell", "inputs", "width", "taps", "lanes", "interval"),
    [
        ("mingru", 20, 64, 1, 8, 323),
        ("sru", 20, 32, 1, 8, 323),
        ("qrnn", 20, 24, 2, 8, 363),
        ("mingru", 64, 64, 1, 8, 1027),
        ("indrnn", 20, 64, 1, 4, 323),
    ],
)
@pytest.mark.parametrize("results", ["sequence", "step"])
def test_interval(cell: str, inputs: int, width: int, taps: int, lanes: int, interval: int, results: str) -> None:
    network = make_scan(cell, inputs=inputs, width=width, taps=taps)
    plan = compile_network(network, Options(lanes=lanes, results=results))
    multiplications = network.layers[-3].width * inputs * taps
    assert plan.interval_cycles == interval
    assert plan.interval_cycles <= 1.05 * multiplications / lanes
    assert plan.every_step == (results == "step")


def test_layers_side_by_side() -> None:
    """Each layer has its own lanes, and the step the time of the slowest."""
    network = make_scan("mingru", inputs=20, width=26, layers=2)
    plan = compile_network(network, Options(lanes=(4, 4, 1)))
    assert [stage.engine for stage in plan.stages] == ["gather", "scan", "gather", "scan", "gather"]
    assert plan.interval_cycles == 26 * 2 * 26 // 4 + 3
    with pytest.raises(InputError, match=r"options: lanes: 2 numbers for 3 stages; allowed: one, or 3"):
        compile_network(network, Options(lanes=(4, 4)))


def test_weights_are_read_only() -> None:
    network = make_scan("indrnn")
    with pytest.raises(InputError, match="with 3 stages; allowed: rom"):
        compile_network(network, Options(source="ram"))
    alone = network.part(2, 2)
    with pytest.raises(InputError, match="'ram' is no option of the scan engine"):
        compile_network(alone, Options(source="ram"))


def test_multipliers_as_far_as_they_go() -> None:
    network = make_scan("sru").part(2, 2)
    for have, kind in ((None, "dsp"), ((2, 1), "dsp"), ((1, 2), "lut")):
        (stage,) = compile_network(network, Options(dsps=have)).stages
        assert stage.program.multiplier == kind
    (stage,) = compile_network(replace(network), Options(multiplier="lut")).stages
    assert stage.program.dsps(1) == 0
