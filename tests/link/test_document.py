"""The example in docs/protocol.md, byte by byte, on the gateware."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from .bench import IDENTITY, Rig, sums

DOCUMENT = Path(__file__).parents[2] / "docs" / "protocol.md"


def test_example() -> None:
    lines = re.findall(r"^    ([<>]) ((?:[0-9a-f]{2} ?)+)$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    steps: list[tuple[bytes, bytes]] = []
    for direction, text in lines:
        data = bytes.fromhex(text)
        if direction == ">":
            steps.append((data, b""))
        else:
            steps[-1] = (steps[-1][0], steps[-1][1] + data)
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
