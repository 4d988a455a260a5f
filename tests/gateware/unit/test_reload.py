"""New weights while a recurrent core runs: every result comes from one set of weights."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Mux, Signal

from hdlgen import golden
from hdlgen.compiler import Options, timing
from hdlgen.compiler.unit.compile import compile_units
from hdlgen.compiler.unit.program import BandProgram
from hdlgen.compiler.unit.timing import stage
from hdlgen.gateware import kit
from hdlgen.gateware.core import Core
from hdlgen.gateware.primitives import Store
from hdlgen.gateware.reload import ABORT, BEGIN, COMMIT
from hdlgen.gateware.unit import forward
from hdlgen.gateware.unit import layer as layers
from hdlgen.gateware.unit.contents import held
from hdlgen.gateware.unit.core import UnitCore
from hdlgen.network import Network

from ...compiler.recurrent import layer, make_recurrent, sequences
from ...compiler.test_frame import retrained
from ..bench import always
from ..load_bench import ERROR, IN_FORCE, LOADED, Beats, Played, data_beats, loading, play, sometimes, taking
from ..sequence_bench import run_sequences, sequence_beats

SHAPES: dict[str, tuple[int, list[dict[str, Any]], tuple[int, ...]]] = {
    "stack": (2, [layer("gru", 4, band=3, shared=True), layer("ligru", 4, groups=2)], (2,)),
    "edges": (2, [layer("gru", 5, edges=12, in_edges=12)], (2,)),
    "lstm": (2, [layer("lstm", 4, band=3)], (3, 2)),
    "states": (2, [layer("tanh", 4, band=3)], ()),
}


def pair(name: str, **options: Any) -> tuple[Network, Network, BandProgram, BandProgram]:
    """Two networks of one shape, and the programs of both for one engine."""
    one = make_recurrent(*SHAPES[name])
    two = retrained(one)
    given = Options(**{"lanes": 2, "source": "ram", **options})
    program = compile_units(one, given)
    return one, two, program, compile_units(two, given, frame=program.frame)


def generations(
    played: Played, x: np.ndarray, lengths: np.ndarray, one: Network, two: Network, every_step: bool
) -> str:
    """Which network the results of each complete sequence are from, as a string of 1 and 2."""
    first, second = (golden.evaluate(net, x, lengths, every_step=every_step).tolist() for net in (one, two))
    said, at, total = "", 0, sum(lengths) if every_step else len(lengths)
    while True:
        number = len(said) % len(lengths)
        rows = int(lengths[number]) if every_step else 1
        if at + rows > len(played.results):
            return said
        found, place = played.results[at : at + rows], at % total
        wanted = [answers[place : place + rows] for answers in (first, second)]
        assert wanted[0] != wanted[1], "the networks cannot be told apart"
        assert found in wanted, f"the results of sequence {len(said)} are from neither network"
        said += str(1 + wanted.index(found))
        at += rows


LENGTHS = [1, 4, 2]


@pytest.mark.parametrize(
    ("name", "banks", "results", "stalls"),
    [
        ("stack", 2, "sequence", False),
        ("edges", 1, "sequence", True),
        ("lstm", 2, "step", False),
        ("states", 2, "step", True),
        ("states", 1, "step", False),
    ],
)
def test_switch(name: str, banks: int, results: str, stalls: bool) -> None:
    switch(name, banks, results, stalls, LENGTHS)


def switch(name: str, banks: int, results: str, stalls: bool, counts: list[int]) -> None:
    """Sequences of so many steps, again and again, and in their midst new weights."""
    one, two, program, other = pair(name, banks=banks, results=results)
    x, lengths = sequences(one, counts)
    beats = loading(program, held(other).image)
    length = taking(program, beats) * (3 if stalls else 1)
    played = play(
        UnitCore(program),
        sequence_beats(program, x, lengths),
        beats,
        cycles=length + 20 * (program.latency_cycles + program.interval_cycles) + 300,
        start=300,
        offer=sometimes(1, 0.7) if stalls else always,
        accept=sometimes(2, 0.7) if stalls else always,
        offer_load=sometimes(3, 0.4) if stalls else always,
    )
    said = generations(played, x, lengths, one, two, program.every_step)
    assert len(played.loaded) == len(beats)
    assert played.states[-1] == IN_FORCE | LOADED | 1 << 5
    check_one_switch(said)
    if banks == 2:
        assert all(state & IN_FORCE for state in played.states)
        # As many sequences as if nothing came in.
        before = [end for end in played.ends if end < played.loaded[-1]]
        assert len(before) > 5
    else:
        # Between BEGIN and the end of COMMIT no results but those of sequences that had begun.
        dark = [cycle for cycle, state in enumerate(played.states) if not state & IN_FORCE]
        assert dark[-1] - dark[0] > taking(program, beats) // 2
        assert len([end for end in played.ends if dark[0] < end <= dark[-1]]) <= sum(counts)


def check_one_switch(said: str) -> None:
    ones = len(said.rstrip("2"))
    assert said == "1" * ones + "2" * (len(said) - ones)
    assert ones > 0
    assert len(said) - ones > 2


def test_speed() -> None:
    """The gate takes no time."""
    one, _two, program, _other = pair("states", results="step")
    x, lengths = sequences(one, [1, 5, 1, 1, 3])
    recording = run_sequences(program, sequence_beats(program, x, lengths), len(x))
    ends = np.isin(np.arange(len(x)), np.cumsum(lengths) - 1).tolist()
    found = recording.accepted[:: program.input_width], recording.ends
    assert found == timing.schedule([stage(program)], [0], ends)


def test_nobody_takes_results() -> None:
    """As many frames as the core holds are on their way, and none of their results may be of the new weights."""
    one, two, program, other = pair("states", results="step")
    x, lengths = sequences(one, [1])
    beats = loading(program, held(other).image)
    late = taking(program, beats) + 600
    played = play(
        UnitCore(program),
        sequence_beats(program, x, lengths),
        beats,
        cycles=late + 400,
        accept=lambda cycle: cycle >= late,
    )
    assert len(played.loaded) == len(beats)
    assert not any(state >> 5 for state in played.states[:late])
    check_one_switch(generations(played, x, lengths, one, two, every_step=True))


def test_unfinished_sequence() -> None:
    """Whoever began a sequence is gone: the new weights wait for its end, and a reset forgets both."""
    one, two, program, other = pair("states")
    x, lengths = sequences(one, [4])
    frames = sequence_beats(program, x, lengths)
    beats = loading(program, held(other).image)
    reset = taking(program, beats) + 500
    # Not more than a beat and a half of the steps.
    played = play(
        UnitCore(program),
        frames,
        [*beats, (ABORT, 0)],
        cycles=reset + 600,
        offer=lambda cycle: cycle < 2 * program.input_width + 1 or cycle > reset,
        reset=reset,
    )
    assert len(played.loaded) == len(beats) + 1  # ABORT is taken after the reset only
    assert played.loaded[-1] > reset > played.loaded[-2]
    assert all(state == IN_FORCE for state in played.states[reset + 1 :])
    assert set(generations(played, x, lengths, one, two, every_step=False)) == {"1"}


def test_bad_image() -> None:
    """Of another engine, or damaged: refused, and the old weights stay."""
    one, two, program, other = pair("states")
    x, lengths = sequences(one, LENGTHS)
    good = held(other).image
    beats: Beats = [*loading(program, good[:30] + bytes([good[30] ^ 1]) + good[31:])]
    third = compile_units(make_recurrent(2, [layer("tanh", 4, band=3, state_bits=7)]), Options(lanes=2, source="ram"))
    assert held(third).header != held(program).header
    beats += [(BEGIN, 0), *data_beats(program, held(third).image[:40]), (COMMIT, 0)]
    played = play(UnitCore(program), sequence_beats(program, x, lengths), beats, cycles=taking(program, beats) + 300)
    assert played.states[-1] & (IN_FORCE | ERROR) == IN_FORCE | ERROR
    assert not any(state >> 5 for state in played.states)
    assert set(generations(played, x, lengths, one, two, every_step=False)) == {"1"}


class ReadsAhead(Store):
    """Reads only when it is asked for another word: what it has read of one bank, it has not read of the other."""

    def behaviour(self, m: Module) -> None:
        depth = self.parameters.depth
        word, asked = Signal.like(self.address), Signal.like(self.address, init=-1)
        m.d.comb += word.eq(Mux(self.address >= depth, self.address - depth, self.address))
        m.d.sync += asked.eq(word)
        enable = Signal()
        m.d.comb += enable.eq(self.enable & (asked != word))
        self.enable = enable
        super().behaviour(m)


def old_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "bank_start", lambda _memory, _load: 0)


def old_biases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "in_bank", lambda _memory, address, _load: address)


def reads_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kit, "Store", ReadsAhead)


def between_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights change between two frames, whatever has begun."""

    original = Core.add_reload

    def add(core: Core, m: Module, loader: Any, *, due: Any, most: int) -> Any:
        load = original(core, m, loader, due=due, most=most)
        m.d.comb += m.submodules.gate.user.eq(1)
        return load

    monkeypatch.setattr(Core, "add_reload", add)


@pytest.mark.parametrize("mutant", [old_weights, old_biases, reads_ahead, between_steps])
def test_mutants_fail(mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    with pytest.raises(AssertionError, match="neither network"):
        switch("states", 2, "step", False, [12])
