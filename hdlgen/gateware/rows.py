"""The frame of engines that take a row a cycle into a state: `hdlgen.compiler.rows`."""

from typing import Any

from amaranth.hdl import Module, Signal

from hdlgen.gateware.arithmetic import value_shape
from hdlgen.gateware.core import StepCore
from hdlgen.gateware.steps import Slots, StepSender
from hdlgen.gateware.streams import connect, inputs, outputs

__all__ = ["RowCore", "worker_ports"]


def worker_ports(program: Any) -> dict[str, Any]:
    """Of who works on the rows of `RowCore`.

    valid, data: a row
    start, reported: it is the first of a step, the last of one with results; ``first``: of the first step of a sequence
    result_*: a result, ``program.result_at`` behind the last row at the latest, where ``commit`` says that it was reported
    """
    row = max(program.output_width - 1, 1).bit_length()
    return inputs(valid=1, start=1, first=1, reported=1, data=program.input_bits) | outputs(
        result_enable=1, result_row=row, result_data=value_shape(program.output), commit=1
    )


class RowCore(StepCore):
    """Frames in, one for every time step; results out, after every step or the last of a sequence.

    ::

        loader -> worker -> sender

    A frame is taken while there is a place for its results. What comes of one that proves bad is not committed, and what
    comes after it begins a sequence, which looks at no state.
    """

    program: Any

    def worker(self) -> Any:
        """Who works on the rows, with `worker_ports`, and his name."""
        raise NotImplementedError

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        loader = self.take_steps(m)
        name, worker = self.worker()
        m.submodules[name] = worker
        m.submodules.results = results = Slots()
        m.submodules.sender = sender = StepSender(
            width=p.output_width, output=p.output, result_bits=p.result_bits, chained=self.precedes
        )
        waiting = Signal(range(p.pause + 1))
        with m.If(loader.commit):
            m.d.sync += waiting.eq(p.pause)
        with m.Elif(waiting != 0):
            m.d.sync += waiting.eq(waiting - 1)
        m.d.comb += loader.free.eq(results.free & (waiting == 0))
        reported = loader.commit & (p.every_step | loader.last)
        m.d.comb += [results.reserve.eq(reported), results.reserve_first.eq(loader.first)]
        m.d.comb += results.reserve_last.eq(loader.last)
        # Of the row that the loader gives.
        m.d.sync += [worker.first.eq(loader.first), worker.reported.eq(reported)]
        m.d.comb += [worker.valid.eq(loader.write_enable), worker.start.eq(loader.write_index == 0)]
        m.d.comb += worker.data.eq(loader.write_data)
        connect(m, ("commit",), worker, results)
        connect(m, ("enable",), (worker, "result_"), (sender, "write_"))
        connect(m, ("write_place",), results, sender)
        connect(m, ("row", "data"), (worker, "result_"), (sender, "write_"))
        connect(m, ("valid", "place", "last", "release"), results, sender)
        self.give_steps(m, results, sender)
        return m
