"""Points of one dimension of the Sobol' sequence, one per clock cycle, from registers and XOR gates alone."""

from dataclasses import dataclass

from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hdlgen.sequences import sobol

__all__ = ["ORDERS", "SobolAddressGenerator", "SobolAddressParameters"]

ORDERS = ("natural", "gray")


@dataclass(frozen=True, kw_only=True)
class SobolAddressParameters:
    """One dimension of the Sobol' sequence, in software and in hardware.

    Parameters
    ----------
    dimension
        Component of the sequence, from 0; direction numbers of Joe and Kuo (new-joe-kuo-6).
    bits
        Digits b of a point: the integer x * 2^b, rounded down.
    index_bits
        Width m of the index. Indices count modulo 2^m; m may be more or less than ``bits``.
    order
        ``"natural"``: point i is the product of the generator matrix and i. ``"gray"``: the product of the generator
        matrix and the Gray code of i, i XOR (i >> 1), which is how SciPy and PyTorch order the sequence.

    Raises
    ------
    TypeError
        If a number is not an integer.
    ValueError
        If a width is below 1 or the order is unknown; a ``dimension`` without direction numbers is refused by
        :func:`hdlgen.topology.sobol.direction_numbers`.
    """

    dimension: int
    bits: int
    index_bits: int
    order: str = "natural"

    def __post_init__(self) -> None:
        for name in ("dimension", "bits", "index_bits"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{name} must be an integer, not {value!r}")
        for name in ("bits", "index_bits"):
            value = getattr(self, name)
            if value < 1:
                raise ValueError(f"{name} must be at least 1, not {value!r}")
        if self.order not in ORDERS:
            raise ValueError(f"order must be one of {', '.join(ORDERS)}, not {self.order!r}")
        _ = self.directions  # refuses an unknown dimension here and not at elaboration

    @property
    def directions(self) -> tuple[int, ...]:
        """Direction number V_k per index bit k: column k of the generator matrix, cut to ``bits`` digits."""
        depth = max(self.bits, self.index_bits)
        numbers = sobol.direction_numbers(self.dimension, depth)
        return tuple(int(number) >> (depth - self.bits) for number in numbers[: self.index_bits])

    @property
    def steps(self) -> tuple[int, ...]:
        """What the point changes by, per number k of trailing ones of the index that is left.

        From i to i + 1 the index bits 0..k flip, but only bit k of the Gray code.
        """
        if self.order == "gray":
            return self.directions
        steps = []
        step = 0
        for direction in self.directions:
            step ^= direction
            steps.append(step)
        return tuple(steps)

    def point(self, index: int) -> int:
        """Point ``index`` modulo 2^``index_bits``, by the definition of the sequence."""
        index %= 1 << self.index_bits
        if self.order == "gray":
            index ^= index >> 1
        value = 0
        for k, direction in enumerate(self.directions):
            if index >> k & 1:
                value ^= direction
        return value


class SobolAddressGenerator(wiring.Component):
    """Consecutive points of one dimension of the Sobol' sequence.

    ``x(i) = XOR of the V_k over all set bits k of i`` (natural order) or of ``i XOR (i >> 1)`` (Gray order); the V_k
    are the direction numbers. No multiplier and no memory: a step from point i to point i + 1 adds, over GF(2), one
    constant that depends only on the number of trailing ones of i (Antonov and Saleev 1979 for the Gray order; in
    natural order the constants are the running sums of the direction numbers).

    A transfer on ``start`` with index s makes the component offer x(s), x(s + 1), ... without end, the index counting
    modulo 2^``index_bits``. It offers nothing before the first start. A later start ends the running sequence: points
    transferred up to and including the cycle of the start belong to the old sequence, all later ones to the new. A
    point that is offered stays until it is taken, so a start waits (``start.ready`` low) while ``o`` is stalled.

    Latency: :data:`LATENCY` = 1 cycle from the transfer on ``start`` to the offer of its first point.
    Throughput: one point per cycle; also across a start that coincides with a transfer on ``o``.

    Parameters
    ----------
    parameters
        Dimension, widths and order.

    Members
    -------
    start : ``In(stream.Signature(unsigned(index_bits)))``
        Index of the next point.
    o : ``Out(stream.Signature(unsigned(bits)))``
        The points, x * 2^``bits`` rounded down.
    """

    LATENCY = 1

    def __init__(self, parameters: SobolAddressParameters) -> None:
        self.parameters = parameters
        # The index that follows the one on offer, and what the point changes by on the way there.
        self.following = Signal(parameters.index_bits)
        self.step = Signal(parameters.bits)
        super().__init__(
            {
                "start": In(stream.Signature(unsigned(parameters.index_bits))),
                "o": Out(stream.Signature(unsigned(parameters.bits))),
            }
        )

    def _point(self, index: Value) -> Value:
        """x(index): the product of the generator matrix and the index, a tree of XOR gates per digit."""
        digits = index ^ (index >> 1) if self.parameters.order == "gray" else index
        return Cat((digits & row).xor() for row in _rows(self.parameters.directions, self.parameters.bits))

    def _step(self, index: Value) -> Value:
        """x(index) XOR x(index + 1): the constant for the index's number of trailing ones."""
        width = self.parameters.index_bits
        # One-hot: bit k is set if exactly the k lowest bits are ones. The last index wraps: width - 1 ones do.
        ones = Cat(index[:k].all() & ~index[k] if k < width - 1 else index[: width - 1].all() for k in range(width))
        return Cat((ones & row).any() for row in _rows(self.parameters.steps, self.parameters.bits))

    def elaborate(self, platform: object) -> Module:
        m = Module()

        free = Signal()
        start = Signal()
        m.d.comb += [
            free.eq(~self.o.valid | self.o.ready),
            self.start.ready.eq(free),
            start.eq(self.start.valid & free),
        ]

        # i is the index whose point comes next: i = start or following
        #   o' = x(i);  step' = x(i) XOR x(i + 1);  following' = i + 1
        # The step is looked up one point ahead, so that neither the counter nor the look-up lies before the XOR.
        index = Signal(self.parameters.index_bits)
        m.d.comb += index.eq(Mux(start, self.start.payload, self.following))
        with m.If(start):
            m.d.sync += self.o.valid.eq(1)
        with m.If(start | (self.o.valid & self.o.ready)):
            m.d.sync += [
                self.o.payload.eq(Mux(start, self._point(self.start.payload), self.o.payload ^ self.step)),
                self.step.eq(self._step(index)),
                self.following.eq(index + 1),
            ]

        return m


def _rows(columns: tuple[int, ...], bits: int) -> list[int]:
    """Transpose: bit k of row r is bit r of column k."""
    return [sum((column >> r & 1) << k for k, column in enumerate(columns)) for r in range(bits)]
