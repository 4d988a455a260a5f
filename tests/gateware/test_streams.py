"""Ports that are declared together, and joined by their names."""

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, flipped

from hdlgen.gateware.streams import BEATS, beats, connect, core_ports, load_ports

from .bench import simulate


class Source(wiring.Component):
    """Offers 5 in the only beat of a frame for ever."""

    def __init__(self, bits: int = 8) -> None:
        super().__init__({**beats("m_", Out, bits), "busy": Out(1), "taken": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += [self.m_data.eq(5), self.m_valid.eq(1), self.m_last.eq(1), self.taken.eq(self.m_ready)]
        return m


class Whole(wiring.Component):
    """A source whose stream goes out under other names."""

    def __init__(self, source: Source) -> None:
        self.source = source
        super().__init__({**beats("s_axis_t", Out, 8), "active": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.source = self.source
        connect(m, BEATS, (self.source, "m_"), (flipped(self), "s_axis_t"))
        connect(m, (("busy", "active"),), self.source, flipped(self))
        return m


def test_ports() -> None:
    ports = beats("x_", In, 8, "user")
    assert list(ports) == ["x_data", "x_valid", "x_ready", "x_last", "x_user"]
    assert [member.flow for member in ports.values()] == [In, In, Out, In, In]
    assert ports == {name: member.flip() for name, member in beats("x_", Out, 8, "user").items()}
    assert [name for name, member in core_ports(8, 32).items() if member.flow is Out] == [
        "s_axis_tready",
        *(f"m_axis_t{name}" for name in ("data", "valid", "last")),
        "frame_error",
    ]
    assert list(load_ports(None)) == ["load_state", "load_id"]
    assert load_ports(16)["load_data"] == In(16)


def test_connect() -> None:
    dut = Whole(Source())

    async def bench(ctx) -> None:  # type: ignore[no-untyped-def]
        for ready in (0, 1):
            ctx.set(dut.s_axis_tready, ready)
            seen = [int(ctx.get(getattr(dut, f"s_axis_t{name}"))) for name in ("data", "valid", "last")]
            assert seen == [5, 1, 1]
            assert ctx.get(dut.source.taken) == ready

    simulate(dut, bench)


def interface(prefix: str, flow: wiring.Flow, bits: int = 8) -> wiring.PureInterface:
    return wiring.PureInterface(wiring.Signature(beats(prefix, flow, bits)), path=())


def module() -> Module:
    """One that nobody elaborates."""
    m = Module()
    m._MustUse__used = True
    return m


def test_connect_goes_by_the_names() -> None:
    """The order of statements shows in Verilog: it is that of the names."""
    m = module()
    connect(m, ("valid", "data", "ready"), (interface("m_", Out), "m_"), (interface("s_", In), "s_"))
    assert [statement.lhs.name for statement in m._statements["comb"]] == ["s_valid", "s_data", "m_ready"]


@pytest.mark.parametrize(
    ("bits", "names", "message"),
    [
        (9, ("data",), r"the shape widths \(8 and 9\) do not match"),
        (8, (("valid", "ready"),), "several output members"),
    ],
)
def test_connect_refuses(bits: int, names: tuple, message: str) -> None:
    with pytest.raises(wiring.ConnectionError, match=message):
        connect(module(), names, (interface("m_", Out, bits), "m_"), (interface("s_", In), "s_"))
