"""An index-memory engine: what a path network looks like when its connectivity is stored.

For every edge the source index, the destination index and the weight stand in memories; one edge is worked on in
every cycle, and the sums stand in an accumulator memory. Network file, interface, integer semantics, flow and device
are those of `hdlgen compile`; it is written to be a fair opponent: pipelined, no bubbles between edges, a forwarding
path instead of stalls, memories no wider than the network needs.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from hdlgen import __version__, golden
from hdlgen.emit.manifest import MANIFEST, Input, Layer, Manifest, NetworkFile, Output, Port, Stage, Weights
from hdlgen.emit.verilog import convert
from hdlgen.files import atomic_directory
from hdlgen.network import Network, save
from hdlgen.schema import written

__all__ = ["IndexMemoryEngine", "emit_baseline"]

_DRAIN = 4
"""Cycles after the last edge of a layer until its sum is written."""


class IndexMemoryEngine(wiring.Component):
    """Loads a frame, then works through the layers: clear the sums, all edges, requantise. No overlap.

    ``frame_error`` stays 0: frames are not checked.

    Parameters
    ----------
    network : Network
        Without biases.

    Members
    -------
    s_axis_tdata, s_axis_tvalid, s_axis_tready, s_axis_tlast : one input element a beat
    m_axis_tdata, m_axis_tvalid, m_axis_tready, m_axis_tlast : one result a beat
    """

    def __init__(self, network: Network):
        if any(network.bias(layer).any() for layer in range(1, len(network.widths))):
            raise ValueError(f"network {network.name} has biases; allowed are networks without")
        self.network = network
        self.input_bits = network.input.bits
        super().__init__(
            {
                "s_axis_tdata": In(-(-self.input_bits // 8) * 8),
                "s_axis_tvalid": In(1),
                "s_axis_tready": Out(1),
                "s_axis_tlast": In(1),
                "m_axis_tdata": Out(32),
                "m_axis_tvalid": Out(1),
                "m_axis_tready": In(1),
                "m_axis_tlast": Out(1),
                "frame_error": Out(1),
            }
        )
        widths, topology = network.widths, network.topology
        layers = range(1, len(widths))
        self.edges = topology.paths
        self.sources = np.concatenate([topology.vertices(n - 1, widths[n - 1]) for n in layers])
        self.destinations = np.concatenate([topology.vertices(n, widths[n]) for n in layers])
        self.weights = np.concatenate([network.weights(n) for n in layers])
        self.weight_bits = max(network.weighted(n).weight_bits for n in layers)
        self.value_bits = max(network.value_range(n)[1].bit_length() for n in range(len(widths) - 1))
        self.sum_bits = max(golden.accumulator_bits(network))

    @property
    def memory_bits(self) -> dict[str, int]:
        """By purpose, as in a manifest; the sums of a layer count as results."""
        widths = self.network.widths
        edges = len(self.weights)
        source_bits = (max(widths[:-1]) - 1).bit_length()
        destination_bits = (max(widths[1:]) - 1).bit_length()
        return {
            "weights": edges * self.weight_bits,
            "connectivity": edges * (source_bits + destination_bits),
            "activations": max(widths[:-1]) * self.value_bits,
            "results": max(widths[1:]) * self.sum_bits,
        }

    @property
    def interval_cycles(self) -> int:
        widths = self.network.widths
        inner = sum(n + self.edges + _DRAIN for n in widths[1:]) + sum(n + 1 for n in widths[1:-1])
        return widths[0] + inner + 2 * widths[-1]

    def elaborate(self, platform: object) -> Module:
        network, widths = self.network, self.network.widths
        m = Module()

        def rom(name: str, values: np.ndarray, shape: Any, address: Signal) -> Any:
            m.submodules[name] = store = memory.Memory(shape=shape, depth=len(values), init=values.tolist())
            port = store.read_port()
            m.d.comb += [port.addr.eq(address), port.en.eq(1)]
            return port.data

        edge = Signal(range(len(self.weights) + 1))
        source = rom("sources", self.sources, range(max(widths[:-1])), edge)
        destination = rom("destinations", self.destinations, range(max(widths[1:])), edge)
        weight = rom("weights", self.weights, signed(self.weight_bits), edge)

        m.submodules.values = values = memory.Memory(shape=unsigned(self.value_bits), depth=max(widths[:-1]), init=[])
        value_read, value_write = values.read_port(), values.write_port()
        m.submodules.sums = sums = memory.Memory(shape=signed(self.sum_bits), depth=max(widths[1:]), init=[])
        sum_read, sum_write = sums.read_port(), sums.write_port()
        m.d.comb += [value_read.en.eq(1), sum_read.en.eq(1), value_read.addr.eq(source)]

        layer = Signal(range(len(widths)))
        count = Signal(range(max(*widths, self.edges) + 1))
        width = Signal(range(max(widths) + 1))
        with m.Switch(layer):
            for number in range(1, len(widths)):
                with m.Case(number - 1):
                    m.d.comb += width.eq(widths[number])

        # s1: indices and weight; s2: value; s3: product and old sum; the sum is written at the end of s3
        valid = Signal(3)
        weight_2 = Signal.like(weight)
        destination_2, destination_3 = Signal.like(destination), Signal.like(destination)
        product = Signal(signed(self.weight_bits + self.value_bits))
        m.d.sync += [
            weight_2.eq(weight),
            destination_2.eq(destination),
            destination_3.eq(destination_2),
            product.eq(weight_2 * value_read.data),
        ]
        # sum' = (the same neuron as one cycle before ? what was just written : memory) + product
        same, total, written = Signal(), Signal(signed(self.sum_bits)), Signal(signed(self.sum_bits))
        m.d.sync += [same.eq(valid[2] & (destination_2 == destination_3)), written.eq(total)]
        m.d.comb += total.eq(Mux(same, written, sum_read.data) + product)

        # Requantisation, one neuron a cycle: rounded = sum + 2^(s-1), then shift and clamp.
        quantised = Signal(self.value_bits)
        with m.Switch(layer):
            for number in range(len(widths) - 2):
                activation = network.weighted(number + 1).activation
                assert activation is not None
                with m.Case(number):
                    shifted = Signal(signed(self.sum_bits + 1), name=f"shifted_{number}")
                    top = (1 << activation.bits) - 1
                    rounding = (1 << activation.shift) >> 1
                    m.d.comb += [
                        shifted.eq((sum_read.data + rounding) >> activation.shift),
                        quantised.eq(Mux(shifted < 0, 0, Mux(shifted > top, top, shifted.as_unsigned()))),
                    ]

        m.d.comb += [
            self.m_axis_tdata.eq(sum_read.data),
            self.m_axis_tlast.eq(count == widths[-1] - 1),
            value_write.data.eq(quantised),
            sum_write.addr.eq(destination_3),
            sum_write.data.eq(total),
            sum_read.addr.eq(destination_2),
        ]
        step = Signal()
        m.d.sync += valid.eq(Cat(step, valid))
        m.d.comb += sum_write.en.eq(valid[2])

        with m.FSM():
            with m.State("load"):
                m.d.comb += [
                    self.s_axis_tready.eq(1),
                    value_write.addr.eq(count),
                    value_write.data.eq(self.s_axis_tdata[: self.input_bits]),
                    value_write.en.eq(self.s_axis_tvalid),
                ]
                m.d.sync += [layer.eq(0), edge.eq(0)]
                with m.If(self.s_axis_tvalid):
                    m.d.sync += count.eq(count + 1)
                    with m.If(count == widths[0] - 1):
                        m.d.sync += count.eq(0)
                        m.next = "clear"
            with m.State("clear"):
                m.d.comb += [sum_write.addr.eq(count), sum_write.data.eq(0), sum_write.en.eq(1)]
                m.d.sync += count.eq(count + 1)
                with m.If(count == width - 1):
                    m.d.sync += count.eq(0)
                    m.next = "edges"
            with m.State("edges"):
                m.d.comb += step.eq(1)
                m.d.sync += [edge.eq(edge + 1), count.eq(count + 1)]
                with m.If(count == self.edges - 1):
                    m.d.sync += count.eq(0)
                    m.next = "drain"
            with m.State("drain"):
                m.d.sync += count.eq(count + 1)
                with m.If(count == _DRAIN - 1):
                    m.d.sync += [count.eq(0), layer.eq(layer + 1)]
                    with m.If(layer == len(widths) - 2):
                        m.next = "fetch"
                    with m.Else():
                        m.d.sync += layer.eq(layer)
                        m.next = "requantise"
            with m.State("requantise"):
                # The sum of neuron `count` is there one cycle after its address.
                m.d.comb += [sum_read.addr.eq(count), value_write.addr.eq(count - 1), value_write.en.eq(count != 0)]
                m.d.sync += count.eq(count + 1)
                with m.If(count == width):
                    m.d.sync += [count.eq(0), layer.eq(layer + 1)]
                    m.next = "clear"
            with m.State("fetch"):
                m.d.comb += sum_read.addr.eq(count)
                m.next = "send"
            with m.State("send"):
                m.d.comb += [self.m_axis_tvalid.eq(1), sum_read.addr.eq(count)]
                with m.If(self.m_axis_tready):
                    m.d.sync += count.eq(count + 1)
                    m.next = "fetch"
                    with m.If(self.m_axis_tlast):
                        m.d.sync += count.eq(0)
                        m.next = "load"
        return m


def emit_baseline(network: Network, directory: Path, *, images: int = 4) -> Manifest:
    """Write the engine for ``network`` as `hdlgen compile` writes a core, so that the same flow takes it."""
    engine = IndexMemoryEngine(network)
    rng = np.random.default_rng(1)
    x = rng.integers(0, 1 << network.input.bits, (images, network.input.width))
    top = f"baseline_{network.name.replace('-', '_')}"
    with atomic_directory(directory) as folder:
        for name in ("rtl", "vectors"):
            (folder / name).mkdir()
        file = f"rtl/{top}.v"
        source = convert(engine, top, f"Index-memory engine for {network.name}")
        (folder / file).write_text(source, encoding="utf-8")
        np.save(folder / "vectors" / "x.npy", x)
        np.save(folder / "vectors" / "y.npy", golden.evaluate(network, x))
        save(network, folder / "network.safetensors")
        manifest = _manifest(engine, top, file, (folder / "network.safetensors").read_bytes(), source.encode())
        (folder / MANIFEST).write_text(written(manifest), encoding="utf-8")
    return manifest


def _manifest(engine: IndexMemoryEngine, top: str, file: str, stored: bytes, source: bytes) -> Manifest:
    network = engine.network
    widths, edges = network.widths, len(engine.weights)
    element = -(-network.input.bits // 8)
    stage = Stage(
        engine="index",
        lanes=1,
        multiplier="dsp",
        weight_bits=engine.weight_bits,
        stored_weight_bits=engine.weight_bits,
        activation_bits=engine.value_bits,
        latency_cycles=engine.interval_cycles - 1,
        interval_cycles=engine.interval_cycles,
        edges=edges,
        utilisation=round(edges / engine.interval_cycles, 4),
        layers=tuple(
            Layer(
                number=number,
                kind=layer.kind,
                width=layer.width,
                lanes=1,
                cycles=engine.edges,
                weight_bits=engine.weight_bits,
                accumulator_bits=engine.sum_bits,
                indices="stored",
            )
            for number, layer in enumerate(network.layers, 1)
        ),
        memory_bits=engine.memory_bits,
    )
    return Manifest(
        hdlgen_version=__version__,
        name=f"{network.name}-index-memories",
        top=top,
        sources=(file,),
        synthesis={"generic": (file,)},
        ports=tuple(
            Port(
                name="__".join(map(str, path)), direction="input" if member.flow == In else "output", width=len(value)
            )
            for path, member, value in engine.signature.flatten(engine)
        ),
        input=Input(
            width=widths[0],
            bits=network.input.bits,
            bytes_per_element=element,
            elements_per_beat=1,
            beats=widths[0],
            signed=False,
        ),
        output=Output(width=widths[-1], bits=32),
        lanes=1,
        latency_cycles=stage.latency_cycles,
        interval_cycles=stage.interval_cycles,
        period_frames=1,
        period_cycles=stage.interval_cycles,
        settling_frames=0,
        accumulator_bits=(engine.sum_bits,) * len(network.layers),
        memory_bits=stage.memory_bits,
        stages=(stage,),
        memories={},
        weights=Weights(),
        frame={},
        network=NetworkFile(sha256=hashlib.sha256(stored).hexdigest(), widths=widths),
        sources_sha256={file: hashlib.sha256(source).hexdigest()},
        vectors={"x": "vectors/x.npy", "y": "vectors/y.npy"},
        seeds={"vectors": 1},
        tools={"hdlgen": __version__},
    )
