"""New weights while a tensor core runs: every result comes from one set of weights."""

from collections.abc import Callable

import pytest
from amaranth.hdl import Module

from hdlgen import golden
from hdlgen.compiler import Options
from hdlgen.compiler.tensor import compile_tensor
from hdlgen.gateware.tensor.contents import held
from hdlgen.gateware.tensor.core import TensorCore
from hdlgen.network import Network

from ...compiler.test_frame import retrained
from ...layered import inputs
from ...mixed import conv, make_mixed, pool
from ..bench import always, send_all
from ..load_bench import IN_FORCE, LOADED, loading, play, sometimes, taking
from ..path.test_reload import generations

NETWORKS: dict[str, Callable[[], Network]] = {
    "pooled": lambda: make_mixed(
        [conv(3, 1, 2), pool(1, 2), {"kind": "sums", "width": 2}], inputs=6, shape=(1, 3, 2), seed=3
    ),
    "one layer": lambda: make_mixed([conv(2, 1, 1)], inputs=2, shape=(1, 1, 2), seed=2),
}


def switched(name: str, banks: int, *, stalls: bool = False, start: int = 150) -> tuple[list[int], str]:
    """A core that gets other weights in the middle: its states, and which network each of its answers is from."""
    one = NETWORKS[name]()
    two = retrained(one)
    options = Options(lanes=2, source="ram", banks=banks, adaptable=True)
    program = compile_tensor(one, options)
    other = compile_tensor(two, options, frame=program.frame)
    x = inputs(one, 7)[:5]
    beats = loading(program, held(other).image)
    played = play(
        TensorCore(program),
        send_all(program, x),
        beats,
        cycles=start + taking(program, beats) * (3 if stalls else 1) + 10 * program.latency_cycles + 200,
        start=start,
        offer=sometimes(1, 0.7) if stalls else always,
        accept=sometimes(2, 0.7) if stalls else always,
        offer_load=sometimes(3, 0.4) if stalls else always,
    )
    assert len(played.loaded) == len(beats)
    return played.states, generations(played, x, one, two)


@pytest.mark.parametrize("stalls", [False, True], ids=["full speed", "stalls"])
@pytest.mark.parametrize("banks", [1, 2])
@pytest.mark.parametrize("name", NETWORKS)
def test_switch(name: str, banks: int, stalls: bool) -> None:
    states, said = switched(name, banks, stalls=stalls)
    assert states[-1] == IN_FORCE | LOADED | 1 << 5
    ones = len(said.rstrip("2"))
    assert said == "1" * ones + "2" * (len(said) - ones)
    assert ones > 0
    assert len(said) - ones > 3
    if banks == 2:
        assert all(state & IN_FORCE for state in states)


@pytest.mark.parametrize("lanes", [1, 4])
def test_single_port(lanes: int) -> None:
    """Weights are in single-port RAM, and behind them what is known of the outputs, of which each job fetches its own."""
    entries = [conv(4, 3, 3, padding=(1, 1, 1, 1)), pool(2, 2), {"kind": "sums", "width": 2}]
    network = make_mixed(entries, inputs=16, shape=(4, 4, 1), seed=2, signed=True)
    program = compile_tensor(network, Options(lanes=lanes, source="spram"))
    assert program.fetched == 4 // program.outlets
    (memory,) = held(program).memories
    assert memory.depth == len(program.weights) + program.constant_words
    x, beats = inputs(network, 7)[:4], loading(program, held(program).image)
    played = play(
        TensorCore(program),
        send_all(program, x),
        beats,
        cycles=taking(program, beats) + program.latency_cycles + 6 * program.interval_cycles,
    )
    assert played.states[-1] == IN_FORCE | LOADED | 1 << 5
    answers = golden.evaluate(network, x).tolist()
    assert len(played.results) >= 5
    assert played.results == [answers[number % len(x)] for number in range(len(played.results))]


def test_frames_on_their_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A core that changes although frames are on their way gives an answer from both networks."""

    def opened(gate: object, platform: object) -> Module:
        m = Module()
        m.d.comb += [gate.open.eq(1), gate.idle.eq(1)]  # type: ignore[attr-defined]
        return m

    monkeypatch.setattr("hdlgen.gateware.reload.Gate.elaborate", opened)

    def anywhere() -> None:  # in one of these frames the change comes where it can be seen
        for start in range(150, 250, 10):
            switched("pooled", 2, start=start)

    with pytest.raises(AssertionError, match="is from neither network"):
        anywhere()
