"""New weights while a gather core runs: every result comes from one set of weights, also what is read ahead."""

from collections.abc import Callable
from typing import Any

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring

from hdlgen.compiler import Options
from hdlgen.compiler.gather.compile import compile_gather
from hdlgen.compiler.gather.program import GatherProgram
from hdlgen.gateware.gather import core
from hdlgen.gateware.gather.contents import held
from hdlgen.gateware.gather.core import GatherCore
from hdlgen.network import Activation, Network, Skip

from ...compiler.test_frame import retrained
from ...layered import inputs, make
from ..bench import always, run, send_all
from ..load_bench import IN_FORCE, LOADED, Played, loading, play, sometimes, taking
from ..path.test_reload import generations

SHORT = Activation(bits=8, shift=6)
LONG = Activation(kind="identity", bits=8, shift=11)
NETWORKS: dict[str, Callable[[], Network]] = {
    "indices": lambda: make(
        1,
        width=7,
        layers=[
            {"kind": "explicit", "width": 6, "edge_count": 20, "weight_bits": 6, "activation": SHORT},
            {
                "kind": "explicit",
                "width": 6,
                "edge_count": 16,
                "weight_bits": 6,
                "skip": Skip(source=1, shift=5),
                "multiplied": True,
                "activation": LONG,
            },
            {"kind": "dense", "width": 3},
        ],
    ),
    "counted": lambda: make(
        2,
        width=5,
        signed=True,
        layers=[{"kind": "dense", "width": 4, "activation": SHORT}, {"kind": "dense", "width": 2}],
    ),
    "tiny": lambda: make(3, width=1, layers=[{"kind": "dense", "width": 1}]),
}


def pair(name: str, **options: Any) -> tuple[Network, Network, GatherProgram, GatherProgram]:
    """Two networks of one shape, and the programs of both for one engine."""
    one = NETWORKS[name]()
    two = retrained(one)
    if name == "tiny":
        two.tensors["b1"][:] += 300
    given = Options(**{"lanes": 2, "source": "ram", **options})
    program = compile_gather(one, given)
    return one, two, program, compile_gather(two, given, frame=program.frame)


def switched(name: str, banks: int, *, stalls: bool = False, start: int = 150) -> tuple[Played, str, GatherProgram]:
    """A core that gets other weights in the middle, and which network each of its answers is from."""
    one, two, program, other = pair(name, banks=banks)
    x = inputs(one, 7)[:5]
    beats = loading(program, held(other).image)
    played = play(
        GatherCore(program),
        send_all(program, x),
        beats,
        cycles=start + taking(program, beats) * (3 if stalls else 1) + 20 * program.latency_cycles + 300,
        start=start,
        offer=sometimes(1, 0.7) if stalls else always,
        accept=sometimes(2, 0.7) if stalls else always,
        offer_load=sometimes(3, 0.4) if stalls else always,
    )
    assert len(played.loaded) == len(beats)
    return played, generations(played, x, one, two), program


@pytest.mark.parametrize("stalls", [False, True], ids=["full speed", "stalls"])
@pytest.mark.parametrize("banks", [1, 2])
@pytest.mark.parametrize("name", NETWORKS)
def test_switch(name: str, banks: int, stalls: bool) -> None:
    played, said, program = switched(name, banks, stalls=stalls)
    assert played.states[-1] == IN_FORCE | LOADED | 1 << 5
    ones = len(said.rstrip("2"))
    assert said == "1" * ones + "2" * (len(said) - ones)
    assert ones > 0
    assert len(said) - ones > 3
    if banks == 2:
        # The old ones are used until the end, and no frame is held up by what comes in.
        assert all(state & IN_FORCE for state in played.states)
        before = [end for end in played.ends if end < played.loaded[-1]]
        assert len(before) > 4
        if not stalls:
            assert before[-1] - before[-2] == program.interval_cycles


def late(kind: type[wiring.Component], held_by: str, taken_with: str) -> type[wiring.Component]:
    """``kind``, which does not see a change of ``held_by`` before ``taken_with`` rises."""

    class Late(kind):  # type: ignore[valid-type,misc]
        def elaborate(self, platform: object) -> Module:
            m = Module()
            m.submodules.inner = inner = kind(self.program, self.kit)
            seen = Signal.like(getattr(inner, held_by) if held_by == "base" else inner.load.bank)
            now = self.base if held_by == "base" else self.load.bank
            for name, member in self.signature.members.items():
                mine, other = getattr(self, name), getattr(inner, name)
                m.d.comb += other.eq(mine) if member.flow is wiring.In else mine.eq(other)
            with m.If(getattr(self, taken_with)):
                m.d.sync += seen.eq(now)
            m.d.comb += (inner.base if held_by == "base" else inner.load.bank).eq(seen)
            return m

    return Late


@pytest.mark.parametrize(
    ("part", "held_by", "taken_with"), [("GatherSequencer", "base", "reserve"), ("Epilogue", "bank", "write_enable")]
)
def test_words_of_the_old_bank(part: str, held_by: str, taken_with: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A core that sees the change only when its next frame begins, or its first value leaves, has read ahead already."""
    monkeypatch.setattr(core, part, late(getattr(core, part), held_by, taken_with))
    with pytest.raises(AssertionError, match="is from neither network"):
        switched("counted", 2)


def test_frames_on_their_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A core that changes although frames are on their way gives an answer from both networks."""
    monkeypatch.setattr("hdlgen.gateware.reload.Gate.elaborate", _open)
    with pytest.raises(AssertionError, match="is from neither network"):
        switched("indices", 2)


def _open(gate: Any, platform: object) -> Module:
    m = Module()
    m.d.comb += [gate.open.eq(1), gate.idle.eq(1)]
    return m


@pytest.mark.parametrize("banks", [1, 2])
@pytest.mark.parametrize("name", NETWORKS)
def test_speed(name: str, banks: int) -> None:
    """Every frame at the cycle at which it comes without a load port."""
    one, _two, program, _other = pair(name, banks=banks)
    fixed = compile_gather(one, Options(lanes=2, adaptable=True))
    x = inputs(one, 6)
    recordings = [run(each, send_all(each, x), len(x)) for each in (program, fixed)]
    assert recordings[0].results == recordings[1].results
    assert recordings[0].accepted == recordings[1].accepted
    assert recordings[0].ends == recordings[1].ends
