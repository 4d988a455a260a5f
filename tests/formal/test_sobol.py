"""The address generator emits the Sobol' sequence by its definition: induction over all starts, stalls and resets."""

from collections.abc import Callable
from pathlib import Path

import pytest
from amaranth.hdl import Assert, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring

from hdlgen.gateware.sobol import SobolAddressGenerator, SobolAddressParameters
from hdlgen.topology import sobol

from . import prover


class Specification(wiring.Component):
    """The definition, bit by bit from the generator matrix, beside the component and driven like it."""

    def __init__(self, dut: SobolAddressGenerator) -> None:
        self.dut = dut
        self.parameters = dut.parameters
        super().__init__({"start": dut.signature.members["start"], "o": dut.signature.members["o"]})

    @property
    def ports(self) -> list[Value]:
        return [self.start.payload, self.start.valid, self.o.ready]

    def definition(self, index: Value) -> Value:
        """x(i) = sum over k of bit k of i (or of its Gray code) times column k of the generator matrix."""
        p = self.parameters
        depth = max(p.bits, p.index_bits)
        matrix = sobol.generator_matrix(p.dimension, depth)
        total: Value = Const(0, p.bits)
        for k in range(p.index_bits):
            bit = index[k]
            if p.order == "gray" and k + 1 < p.index_bits:
                bit = bit ^ index[k + 1]
            column = sum(int(matrix[row, k]) << (p.bits - 1 - row) for row in range(p.bits))
            total = total ^ Mux(bit, Const(column, p.bits), Const(0, p.bits))
        return total

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        wiring.connect(m, wiring.flipped(self.start), dut.start)
        wiring.connect(m, dut.o, wiring.flipped(self.o))

        # The ideal: which index is on offer.
        started = Signal()
        index = Signal(self.parameters.index_bits)
        with m.If(dut.o.valid & dut.o.ready):
            m.d.sync += index.eq(index + 1)
        with m.If(dut.start.valid & dut.start.ready):
            m.d.sync += [started.eq(1), index.eq(dut.start.payload)]

        # A point in every cycle from the first start on, the right one, and a start only waits for a stalled point.
        m.d.comb += Assert(dut.o.valid == started)
        m.d.comb += Assert(dut.start.ready == (~dut.o.valid | dut.o.ready))
        with m.If(started):
            m.d.comb += Assert(dut.o.payload == self.definition(index))
            # What the inductive step needs to know of the component's registers.
            m.d.comb += Assert(dut.following == (index + 1)[: len(index)])
            m.d.comb += Assert(dut.step == self.definition(index) ^ self.definition((index + 1)[: len(index)]))

        # The stream rule: an offered point neither goes nor changes before it is taken.
        stalled = Signal()
        held = Signal(self.parameters.bits)
        m.d.sync += [stalled.eq(dut.o.valid & ~dut.o.ready), held.eq(dut.o.payload)]
        with m.If(stalled):
            m.d.comb += Assert(dut.o.valid & (dut.o.payload == held))
        return m


class OtherOrder(SobolAddressParameters):
    """Starts right and then steps in the other order."""

    @property
    def steps(self) -> tuple[int, ...]:
        other = "natural" if self.order == "gray" else "gray"
        return SobolAddressParameters(
            dimension=self.dimension, bits=self.bits, index_bits=self.index_bits, order=other
        ).steps


class WrongWrap(SobolAddressGenerator):
    """Forgets that the index wraps."""

    def _step(self, index: Value) -> Value:
        return Mux(index.all(), 0, super()._step(index))


class Restless(SobolAddressGenerator):
    """Steps although the point on offer was not taken."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        with m.If(self.o.valid & ~self.start.valid):
            m.d.sync += self.o.payload.eq(self.o.payload ^ self.step)
        return m


PARAMETERS = [
    SobolAddressParameters(dimension=0, bits=8, index_bits=8, order="natural"),
    SobolAddressParameters(dimension=1, bits=10, index_bits=12, order="natural"),
    SobolAddressParameters(dimension=3, bits=12, index_bits=12, order="gray"),
    SobolAddressParameters(dimension=37, bits=8, index_bits=5, order="natural"),
    SobolAddressParameters(dimension=63, bits=1, index_bits=1, order="gray"),
]


@pytest.mark.parametrize("parameters", PARAMETERS, ids=lambda p: f"{p.dimension}-{p.bits}-{p.index_bits}-{p.order}")
def test_equals_definition(parameters: SobolAddressParameters, tmp_path: Path) -> None:
    specification = Specification(SobolAddressGenerator(parameters))
    prover.prove(specification, tmp_path, ports=specification.ports, depth=2)


SMALL = {"dimension": 3, "bits": 6, "index_bits": 6, "order": "natural"}


@pytest.mark.parametrize(
    "mutant",
    [
        lambda: SobolAddressGenerator(OtherOrder(**SMALL)),
        lambda: WrongWrap(SobolAddressParameters(**SMALL)),
        lambda: Restless(SobolAddressParameters(**SMALL)),
    ],
    ids=["other-order", "wrong-wrap", "restless"],
)
def test_mutant_fails(mutant: Callable[[], SobolAddressGenerator], tmp_path: Path) -> None:
    specification = Specification(mutant())
    prover.refute(specification, tmp_path, ports=specification.ports, depth=6)
