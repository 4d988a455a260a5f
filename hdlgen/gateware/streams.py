"""The streams of the cores, and how parts of a design are joined.

What a core has outside is in docs/interface.md. Inside, a stream of frames has the same members without ``t``: ``data``,
``valid``, ``ready`` and ``last``, and flags that hold for the frame where ``last`` does.
"""

from collections.abc import Iterable
from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["BEATS", "LOAD", "beats", "connect", "core_ports", "inputs", "load_ports", "outputs"]

BEATS = ("data", "valid", "ready", "last")
"""Members of a stream of frames."""

LOAD = ("data", "valid", "kind", "ready")
"""Members of a stream of load beats: what a beat is, is its ``kind`` (`hdlgen.gateware.reload`)."""


def inputs(**shapes: Any) -> dict[str, wiring.Member]:
    """Input ports of these shapes."""
    return {name: In(shape) for name, shape in shapes.items()}


def outputs(**shapes: Any) -> dict[str, wiring.Member]:
    """Output ports of these shapes."""
    return {name: Out(shape) for name, shape in shapes.items()}


def beats(prefix: str, flow: wiring.Flow, bits: int, *flags: str) -> dict[str, wiring.Member]:
    """Ports of a stream of frames of ``bits`` bits a beat, by their names, which begin with ``prefix``."""
    widths = {"data": bits, "valid": 1, "ready": 1, "last": 1, **dict.fromkeys(flags, 1)}
    return {prefix + name: (flow.flip() if name == "ready" else flow)(width) for name, width in widths.items()}


def core_ports(data: int, results: int, *flags: str) -> dict[str, wiring.Member]:
    """What every core has: AXI4-Streams of ``data`` and ``results`` bits, and ``frame_error``."""
    return {**beats("s_axis_t", In, data, *flags), **beats("m_axis_t", Out, results, *flags), "frame_error": Out(1)}


def load_ports(bits: int | None) -> dict[str, wiring.Member]:
    """What a core has whose weights can be written: what it says of them, and, if there is one, the load port."""
    port = {} if bits is None else {"data": In(bits), "valid": In(1), "ready": Out(1), "kind": In(2)}
    said = {"load_state": Out(8), "load_id": Out(32)}
    return {f"load_{name}": member for name, member in port.items()} | said


class _Port:
    """The interface whose only member is a port of another."""

    def __init__(self, interface: Any, name: str):
        self.signature = wiring.Signature({"port": interface.signature.members[name]})
        self.port = getattr(interface, name)


def connect(m: Module, names: Iterable[str | tuple[str, str]], one: Any, other: Any) -> None:
    """Join the ports of these ``names``, or of each pair of names, of two interfaces, or pairs of one and a prefix.

    A port is an output of one interface and an input of the other, of the same width. `wiring.connect` joins them, but name
    by name: it would take them in the order of the alphabet, and the order of statements shows in Verilog.
    """
    for name in names:
        both = (name, name) if isinstance(name, str) else name
        ends = (end if isinstance(end, tuple) else (end, "") for end in (one, other))
        wiring.connect(m, *(_Port(part, prefix + own) for own, (part, prefix) in zip(both, ends, strict=True)))
