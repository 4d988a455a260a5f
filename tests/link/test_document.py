"""The examples in docs/protocol.md, byte by byte, on the gateware."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator

from hdlgen.compiler import Options
from hdlgen.compiler.path.compile import compile_paths
from hdlgen.gateware.image import image_id
from hdlgen.gateware.link import Endpoint
from hdlgen.gateware.messages import LinkParameters
from hdlgen.gateware.path.contents import held
from hdlgen.gateware.path.core import PathCore
from hdlgen.host.protocol import Identity, Reason
from hdlgen.network import InputFormat, Network, SobolTopology, Weighted

from .bench import IDENTITY, Rig, sums

DOCUMENT = Path(__file__).parents[2] / "docs" / "protocol.md"


def test_reasons() -> None:
    """The numbers on the line are those of the table."""
    table = DOCUMENT.read_text(encoding="utf-8").split("| refused | because |\n")[1].split("\n\n")[0]
    rows = {int(number): text for number, text in re.findall(r"^\| (\d+) \| (.*) \|$", table, re.MULTILINE)}
    assert list(rows) == [reason.value for reason in Reason if reason is not Reason.NONE]
    said = {"CRC": 1, "cut short": 2, "type": 3, "number": 4, "length": 5, "room": 6, "not now": 7}
    assert all(words in rows[number] for words, number in said.items())


def examples(heading: str) -> list[tuple[bytes, bytes]]:
    """What goes to the board below a heading, and what comes back."""
    text = DOCUMENT.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    steps: list[tuple[bytes, bytes]] = []
    for direction, line in re.findall(r"^    ([<>]) ((?:[0-9a-f]{2} ?)+)$", text, re.MULTILINE):
        data = bytes.fromhex(line)
        if direction == ">":
            steps.append((data, b""))
        else:
            steps[-1] = (steps[-1][0], steps[-1][1] + data)
    return steps


def test_example() -> None:
    steps = examples("An example, byte by byte")
    assert len(steps) == 8
    identity = replace(
        IDENTITY,
        network=bytes.fromhex("c0ffee0123456789"),
        build=bytes.fromhex("0badf00d"),
        log2_buffer=9,
        divisor=12,
        latency=12,
    )
    rig = Rig(identity, sums)

    async def test(ctx: Any) -> None:
        for question, answer in steps:
            rig.line.clear()
            await rig.send(ctx, question)
            await rig.settle(ctx)
            assert rig.line.hex(" ") == answer.hex(" ")

    rig.run(test)


def two(weights: list[int], bias: list[int]) -> Network:
    """Two inputs, two outputs, four paths."""
    layer = Weighted(width=2, weight="w", bias="b", weight_bits=4, activation=None)
    return Network(
        name="two",
        input=InputFormat(width=2, bits=8),
        topology=SobolTopology(paths=4, dimensions=(0, 1), log2_slots=(1, 1)),
        layers=(layer,),
        tensors={"w": np.array(weights), "b": np.array(bias, np.int32)},
    )


def test_load() -> None:
    """A core whose weights can be written, and the images that are sent are those that the compiler makes."""
    steps = examples("Loading, byte by byte")
    assert len(steps) == 8
    options = Options(lanes=2, source="ram")
    program = compile_paths(two([1, 2, 3, 4], [0, 0]), options)
    other = compile_paths(two([-1, 2, -3, 4], [5, -6]), options, frame=program.frame)
    assert program.run(np.array([[1, 2]])).tolist() == [[9, 7]]
    assert other.run(np.array([[1, 2]])).tolist() == [[12, -5]]
    assert held(other).image.hex(" ") in steps[3][0].hex(" ")
    core = PathCore(program)
    identity = replace(
        IDENTITY,
        load=True,
        lanes=2,
        log2_buffer=9,
        width=2,
        divisor=12,
        latency=program.latency_cycles,
        interval=program.interval_cycles,
        network=bytes.fromhex(image_id(held(program).image)),
        build=bytes.fromhex("0badf00d"),
        name="two",
    )
    m = Module()
    m.submodules.core = core
    m.submodules.endpoint = endpoint = Endpoint(LinkParameters(identity=identity))
    for name in ("tdata", "tvalid", "tlast"):
        m.d.comb += getattr(core, f"s_axis_{name}").eq(getattr(endpoint, f"s_axis_{name}"))
        m.d.comb += getattr(endpoint, f"m_axis_{name}").eq(getattr(core, f"m_axis_{name}"))
    m.d.comb += [
        endpoint.s_axis_tready.eq(core.s_axis_tready),
        core.m_axis_tready.eq(endpoint.m_axis_tready),
        core.load_data.eq(endpoint.load_data),
        core.load_valid.eq(endpoint.load_valid),
        core.load_kind.eq(endpoint.load_type),
        endpoint.load_ready.eq(core.load_ready),
        endpoint.load_state.eq(core.load_state),
        endpoint.loaded.eq(core.load_state[4]),
        endpoint.loaded_id.eq(core.load_id),
        endpoint.ready.eq(core.load_state[0]),
        endpoint.tx.ready.eq(1),
    ]
    line = bytearray()

    async def listen(ctx: Any) -> None:
        while True:
            _, _, valid, byte = await ctx.tick().sample(endpoint.tx.valid, endpoint.tx.payload)
            if valid:
                line.append(byte)

    async def test(ctx: Any) -> None:
        for question, answer in steps:
            line.clear()
            for byte in question:
                ctx.set(endpoint.rx_data, byte)
                ctx.set(endpoint.rx_valid, 1)
                await ctx.tick()
                ctx.set(endpoint.rx_valid, 0)
                await ctx.tick().repeat(11)
            await ctx.tick().repeat(1000)
            assert line.hex(" ") == answer.hex(" ")

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(listen, background=True)
    simulator.add_testbench(test)
    simulator.run()


@pytest.mark.parametrize(
    ("name", "most", "message"),
    [
        ("lanes", 255, "lanes is 256; allowed are 1..255"),
        ("width", 32768, "bytes of a frame is 32769; allowed are 1..32768"),
        ("results", 16383, "bytes of a result is 65536; allowed are 1..65535"),
        ("divisor", (1 << 16) - 1, "divisor is 65536; allowed are 1..65535"),
        ("clock", (1 << 32) - 1, "clock is 4294967296; allowed are 1..4294967295"),
        ("interval", (1 << 32) - 1, "interval is 4294967296; allowed are 1..4294967295"),
    ],
)
def test_what_an_identity_has_room_for(name: str, most: int, message: str) -> None:
    plain = replace(IDENTITY, log2_buffer=15)
    largest = replace(plain, **{name: most})
    assert Identity.unpack(largest.pack()) == largest
    with pytest.raises(ValueError) as caught:
        replace(plain, **{name: most + 1})
    assert str(caught.value) == message
