"""Options that are left open are chosen by cycles that are exact."""

import pytest

from hdlgen import cli
from hdlgen.compiler import Options, compile_network
from hdlgen.errors import InputError
from hdlgen.estimate import choose, estimate_plan
from hdlgen.network import load
from hdlgen.targets import find_target

from ..compiler.networks import make


@pytest.mark.parametrize(
    ("name", "lanes", "optimise", "elements", "cycles"),
    [
        ("mnist-small", 64, "throughput", 8, (192, 192, 524)),
        ("mnist-small", 16, "throughput", 2, (768, 768, 1292)),
        ("mnist", 16, "throughput", 1, (1280, 1280, 2188)),
        ("mnist", 16, "latency", 16, (1280, 1280, 1468)),
    ],
)
def test_fewest_cycles(name, lanes, optimise, elements, cycles):
    choice = choose(load(name), optimise, lanes=lanes)
    best = choice.best
    assert (best.engines, best.options.elements_per_beat, best.options.lanes) == (("path",), elements, lanes)
    assert (best.interval_cycles, best.mean_cycles, best.latency_cycles) == cycles
    # Whatever else could be chosen has more of the cycles that count, or as many with a wider input.
    assert {(*each.engines, each.options.elements_per_beat) for each in choice.candidates} == {
        *(("path", width) for width in (1, 2, 4, 8, 16)),
        ("gather", 1),
    }
    measure = "mean_cycles" if optimise == "throughput" else "latency_cycles"
    for each in choice.candidates:
        plan = compile_network(load(name), each.options, check=False)
        assert each.interval_cycles == plan.interval_cycles
        assert (getattr(each, measure), each.options.elements_per_beat) >= (getattr(best, measure), elements)


def test_what_is_given_stays():
    network = load("mnist-small")
    choice = choose(network, "throughput", lanes=16, elements_per_beat=1, engine=("path",))
    assert [each.options.elements_per_beat for each in choice.candidates] == [1]
    with pytest.raises(InputError, match="lanes: 3; allowed are"):
        choose(network, "throughput", lanes=3)


def test_least_area_and_what_fits():
    network = make((12, 8, 4), 64)
    choice = choose(network, "area", lanes=2)
    luts = [each.estimate.luts for each in choice.candidates if each.estimate is not None]
    assert len(luts) == 2
    assert choice.best.estimate is not None
    assert choice.best.estimate.luts == min(luts)
    assert choice.best.options.elements_per_beat == 1
    # A choice for a device is one that fits it, though others are quicker.
    tight = choose(make((64, 16, 4), 256, input_bits=8), "latency", target="ice40-up5k", lanes=4, engine="path")
    found = [(each.options.elements_per_beat, each.estimate and each.estimate.fits) for each in tight.candidates]
    assert found == [(16, False), (8, True), (4, None), (2, None), (1, None)]
    assert tight.best is tight.candidates[1]
    assert estimate_plan(tight.best.plan, find_target("ice40-up5k")).fits


def test_command_line_shows_the_alternatives(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["compile", "mnist-small", "--plan", "--lanes", "64", "--optimise", "throughput"])
    assert not end.value.code
    printed = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if "path" in line]
    assert rows[0][:5] == ["path", "8", "192", "192", "524"]
    assert [row[-1] for row in rows[:5]] == ["taken", "", "", "", ""]
    assert rows[2][1:4] == ["4", "320", "253"]
    assert "mnist-small: 524 cycles latency, 192 interval" in printed


def test_no_choice_is_that_of_before():
    assert Options() == Options(elements_per_beat=None)
    assert Options().elements_per_beat == 1
