"""The ports that all cores have in common; docs/interface.md says what they mean."""

from typing import Any

from hdlgen.compiler.program import Weighted

__all__ = ["ports"]


def ports(
    program: Weighted,
    *,
    data: int,
    results: int,
    sequences: bool = False,
    more: tuple[tuple[str, str, int], ...] = (),
) -> list[dict[str, Any]]:
    """For the manifest: clock, reset and two streams of ``data`` and ``results`` bits, with ``sequences`` also tuser; where
    weights can be written what they say of them, and the load port if there is one."""
    rows = [
        ("clk", "input", 1),
        ("rst", "input", 1),
        ("s_axis_tdata", "input", data),
        ("s_axis_tvalid", "input", 1),
        ("s_axis_tready", "output", 1),
        ("s_axis_tlast", "input", 1),
        *([("s_axis_tuser", "input", 1)] if sequences else []),
        ("m_axis_tdata", "output", results),
        ("m_axis_tvalid", "output", 1),
        ("m_axis_tready", "input", 1),
        ("m_axis_tlast", "output", 1),
        *([("m_axis_tuser", "output", 1)] if sequences else []),
        ("frame_error", "output", 1),
        *more,
        *(
            [
                ("load_data", "input", data),
                ("load_valid", "input", 1),
                ("load_ready", "output", 1),
                ("load_kind", "input", 2),
            ]
            if program.load_port
            else []
        ),
        *([("load_state", "output", 8), ("load_id", "output", 32)] if program.writable else []),
    ]
    return [{"name": name, "direction": direction, "width": width} for name, direction, width in rows]
