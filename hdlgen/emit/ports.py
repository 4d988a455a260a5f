"""The ports of a core; docs/interface.md says what they mean."""

from hdlgen.compiler.plan import Plan
from hdlgen.emit.manifest import Port

__all__ = ["ports"]


def ports(plan: Plan) -> tuple[Port, ...]:
    """Clock, reset and two streams, of steps also tuser; where weights come from a flash its lines, and where they can be
    written what they say of them, and the load port if there is one."""
    program, sequences = plan.first, plan.sequential
    data = 8 * program.bytes_per_element * program.elements_per_beat
    rows = [
        ("clk", "input", 1),
        ("rst", "input", 1),
        ("s_axis_tdata", "input", data),
        ("s_axis_tvalid", "input", 1),
        ("s_axis_tready", "output", 1),
        ("s_axis_tlast", "input", 1),
        *([("s_axis_tuser", "input", 1)] if sequences else []),
        ("m_axis_tdata", "output", plan.result_bits * plan.last.results_per_beat),
        ("m_axis_tvalid", "output", 1),
        ("m_axis_tready", "input", 1),
        ("m_axis_tlast", "output", 1),
        *([("m_axis_tuser", "output", 1)] if sequences else []),
        ("frame_error", "output", 1),
    ]
    if program.fill == "flash":
        rows += [("flash_cs_n", "output", 1), ("flash_clk", "output", 1), ("flash_o", "output", 4)]
        rows += [("flash_oe", "output", 4), ("flash_i", "input", 4), ("flash_address", "input", 24)]
        rows += [("flash_quad", "input", 16)] if plan.options.flash_lines == 4 else []
    if program.load_port:
        rows += [("load_data", "input", data), ("load_valid", "input", 1)]
        rows += [("load_ready", "output", 1), ("load_kind", "input", 2)]
    if program.writable:
        rows += [("load_state", "output", 8), ("load_id", "output", 32)]
    return tuple(Port(name=name, direction=direction, width=width) for name, direction, width in rows)
