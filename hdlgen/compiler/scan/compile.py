"""From a layer of kind ``scan`` to its program.

>>> program = compile_scan(network, Options())
>>> program.run(x, lengths)            # the same integers as hdlgen.golden.evaluate, in the order of the hardware
"""

from dataclasses import replace

from hdlgen.compiler.common import Squash
from hdlgen.compiler.fitting import EngineFrame, Fitter, span, whole
from hdlgen.compiler.options import Options
from hdlgen.compiler.rows import predict, read_by
from hdlgen.compiler.scan.program import ScanProgram
from hdlgen.compiler.scan.verify import verify
from hdlgen.integers import Interval
from hdlgen.layers import Table
from hdlgen.network import Network

__all__ = ["compile_scan"]


def compile_scan(
    network: Network, options: Options, *, frame: EngineFrame | None = None, check: bool = True
) -> ScanProgram:
    """Compile a network of one scan; the rest is as in `Engine`."""
    options.limit(network.where, ScanProgram.engine_name, ScanProgram.takes)
    fitter = Fitter(network.where, options, frame)
    scan = network.scan(1)
    p, f = scan.fraction, scan.state.fraction
    gate = candidate = plain = step = None
    weights: tuple[int, ...] = ()
    weight_bits, up, fraction = 1, max(f - p, 0), scan.weight_fraction or 0
    if scan.gated:
        g = fraction = scan.gate_fraction
        hard = Squash.rounded(p + 2 - g, 0, 1 << g)
        gate = _table(network, scan.gate_function) or replace(hard, addend=hard.addend + (1 << (p + 1)))
        plain = Squash.rounded(max(p - f, 0), *scan.states)
        bounded = Squash.rounded(max(p - f, 0), *(scan.hard_limits if scan.bounded else scan.states))
        candidate = _table(network, scan.candidate_function, up) or bounded
    else:
        up, weights = scan.lift, tuple(scan.weights(network.tensors).tolist())
        own = whole(span(*weights).bits)
        weight_bits = fitter.interval(
            "weights of the states", span(*weights), own=own, wide=whole(max(own.bits, scan.weight_bits or 1))
        ).bits
        step = Squash.rounded(fraction, *(scan.hard_limits if scan.bounded else scan.states))
    finish = Squash.rounded(f - scan.output.fraction, *scan.format)
    program = ScanProgram(
        name=network.name,
        cell=scan.cell,
        names=scan.names,
        **read_by(network, options),
        up=up,
        gate=gate,
        candidate=candidate,
        plain=plain if "x" in scan.names else None,
        fraction=fraction,
        state=Interval(low=scan.states[0], high=scan.states[1]),
        step=step,
        finish=finish,
        weights=weights,
        weight_bits=weight_bits,
    )
    fitter.wired("scan", repr(scan.wiring))
    tables = [list(squash.table) for squash in (gate, candidate) if squash is not None]
    fitter.wired("tables", tables)
    program = replace(program, multiplier=_multiplier(program, options), frame=fitter.frame)
    program = predict(program)
    if check:
        verify(network, program)
    return program


def _table(network: Network, table: Table | None, extra: int = 0) -> Squash | None:
    """The table, of an argument with ``extra`` more fraction bits."""
    if table is None:
        return None
    entries = tuple(network.tensors[table.table].tolist())
    return replace(Squash.rounded(table.shift + extra, -len(entries) // 2, len(entries) // 2 - 1), table=entries)


def _multiplier(program: ScanProgram, options: Options) -> str:
    """Hardware multipliers, if the device has as many left."""
    if options.multiplier != "auto":
        return options.multiplier
    return "dsp" if options.dsps is None or program.products <= options.dsps[0] else "lut"
