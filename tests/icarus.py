"""Cores in Icarus Verilog, whose bits are 0, 1 or unknown: every result equal and nothing unknown, whatever is reset when.

The bench follows a script: beats, images for the load port, and places where all results have to be there. It takes emitted
sources and netlists alike.
"""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hdlgen.compiler import Plan
from hdlgen.emit.ports import ports
from hdlgen.gateware.reload import BEGIN, COMMIT, DATA

__all__ = ["HAVE_ICARUS", "RESETS", "Bench", "Phase", "Played"]

HAVE_ICARUS = shutil.which("iverilog") is not None

RESETS = ("pulse", "none", "unknown", "again")
"""How a run begins: with one cycle of reset; without any; with a reset that is unknown for three cycles, and then one of it;
and as the first, but again and again at random times, in the middle of whatever there is."""

_AGAIN = 6
_BEAT, _LOAD, _WAIT = range(3)

_BENCH = """\
`timescale 1ns/1ps
module bench;
  reg clk = 0;
  always #5 clk = !clk;
  reg [@D@+3:0] script [0:@STEPS@-1];
  reg [@R@+1:0] answers [0:@ANSWERS@-1];
  integer reset, again, seed, at = 0, got = 0, quiet = 0, cycle = 0, left = 0, pause = 0;
  reg rst, known, offered = 0, stalls = 0, s_valid = 0, load_valid = 0, ready = 0, last = 0, user = 0, held = 0;
  reg [@D@-1:0] data = 0;
  reg [@R@+1:0] shown;
  wire [@D@+3:0] step = script[at];
  wire s_ready, load_ready, m_valid, m_last, m_user, error;
  wire [@R@-1:0] m_data;
  wire [@R@+1:0] answer = {m_user, m_last, m_data};
  @TOP@ dut (@PORTS@);
  @MISSING@

  task fault(input [8*20-1:0] what);
    begin
      $display("FAULT cycle %0d, step %0d, result %0d: %0s", cycle, at, got, what);
      $finish;
    end
  endtask

  initial begin
    $readmemh("script.hex", script);
    $readmemh("answers.hex", answers);
    if (!$value$plusargs("reset=%d", reset) || !$value$plusargs("seed=%d", seed)) $finish;
    again = reset == 3 ? @AGAIN@ : 0;
    rst = reset == 2 ? 1'bx : 1'b0;
    known = reset == 1;
  end

  always @(posedge clk) begin
    // What stood on the ports at this edge.
    cycle = cycle + 1;
    quiet = quiet + 1;
    if (known && rst === 0) begin
      if (^{s_ready, m_valid, error} === 1'bx) fault("unknown handshake");
      if (error !== 0) fault("frame_error");
      if (held && (m_valid !== 1 || answer !== shown)) fault("result taken back");
      held = m_valid && !ready;
      shown = answer;
      if (m_valid) begin
        if (^answer === 1'bx) fault("unknown result");
        else if (got >= @ANSWERS@ || answer !== answers[got]) fault("wrong result");
        if (ready) begin
          got = got + 1;
          quiet = 0;
          if (m_last && !stalls) $display("end %0d", cycle);
        end
      end
      if (step[3:2] == @WAIT@) begin
        if (got == step[@D@+3:4] && quiet > @QUIET@) begin
          stalls = step[0];
          at = at + 1;
          quiet = 0;
          if (at == @STEPS@) begin
            $display("DONE %0d", got);
            $finish;
          end
        end
      end else if (s_valid && s_ready || load_valid && load_ready) begin
        if (s_valid && !stalls) $display("beat %0d", cycle);
        // Now and then the core has nothing left to do before another frame comes.
        if (s_valid && stalls && step[0] && $unsigned($random(seed)) % 3 == 0)
          pause = $unsigned($random(seed)) % @SPAN@;
        at = at + 1;
        quiet = 0;
        offered = 0;
      end
      if (quiet > @PATIENCE@) fault("nothing happens");
    end

    // What stands there at the next one; a moment later, as the clock's edge takes its way through a netlist.
    #1;
    if (rst === 1) known = 1;
    rst = reset == 2 && cycle < 3 ? 1'bx : reset != 1 && cycle == 3;
    left = left - 1;
    if (again > 0 && known && left < 0 && at < @SAFE@) begin
      rst = 1;
      again = again - 1;
      left = $unsigned($random(seed)) % @SPAN@;
    end
    if (pause > 0) pause = rst === 1 ? 0 : pause - 1;
    if (rst === 1) {at, got, quiet, offered, held, stalls} = 0;
    if (!known || rst !== 0) {s_valid, load_valid} = 0;
    else if (!offered) begin
      offered = step[3:2] != @WAIT@ && pause == 0 && !(stalls && $unsigned($random(seed)) % 3 == 0);
      s_valid = offered && step[3:2] == @BEAT@;
      load_valid = offered && step[3:2] == @LOAD@;
    end
    data = offered ? step[@D@+3:4] : {@WORDS@{$random(seed)}};
    {user, last} = offered ? step[1:0] : $random(seed);
    ready = !(stalls && $unsigned($random(seed)) % 3 == 0);
  end
endmodule
"""

_PORTS = {
    "clk": "clk",
    "rst": "rst",
    "s_axis_tdata": "data[{top}:0]",
    "s_axis_tvalid": "s_valid",
    "s_axis_tready": "s_ready",
    "s_axis_tlast": "last",
    "s_axis_tuser": "user",
    "m_axis_tdata": "m_data",
    "m_axis_tvalid": "m_valid",
    "m_axis_tready": "ready",
    "m_axis_tlast": "m_last",
    "m_axis_tuser": "m_user",
    "frame_error": "error",
    "load_data": "data[{top}:0]",
    "load_valid": "load_valid",
    "load_ready": "load_ready",
    "load_kind": "{{user, last}}",
    "load_state": "",
    "load_id": "",
}


@dataclass(frozen=True, kw_only=True)
class Phase:
    """Frames, or the steps of sequences beside their ``lengths``, and the answers ``y`` in the order in which they come.

    ``image``: goes to the load port before. ``stalls``: there are random gaps between beats, longer ones between frames, and
    some between results.
    """

    x: np.ndarray
    y: np.ndarray
    lengths: np.ndarray | None = None
    image: bytes | None = None
    stalls: bool = False


@dataclass(frozen=True, kw_only=True)
class Played:
    """A run: the first thing that was wrong, and of what had no stalls the cycles of all beats and of all last results."""

    fault: str | None
    beats: list[int]
    ends: list[int]


class Bench:
    """A core of ``plan`` in ``sources``, files in ``folder``, as module ``top``, with the script that ``phases`` are."""

    def __init__(self, folder: Path, sources: Sequence[str], top: str, plan: Plan, phases: Sequence[Phase]):
        self.folder, self.plan = folder, plan
        self.width = 8 * plan.first.bytes_per_element * plan.first.elements_per_beat
        self.data_bits = max(self.width, 32)
        self._random = np.random.default_rng(1)
        script: list[int] = []
        answers: list[int] = []
        safe = 0
        for number, phase in enumerate(phases):
            if phase.image is not None:
                script += self._load(phase.image)
            script += self._beats(phase)
            answers += self._answers(phase)
            stalls = number + 1 < len(phases) and phases[number + 1].stalls
            script.append(len(answers) << 4 | _WAIT << 2 | stalls)
            if not any(later.image for later in phases[1 : number + 1]):
                safe = len(script)  # what comes behind another image does not come again
        # The first phase may have stalls, too.
        script.insert(0, _WAIT << 2 | phases[0].stalls)
        long = plan.latency_cycles + plan.interval_cycles
        declared = ports(plan)
        connected = ", ".join(f".{port.name}({_PORTS[port.name].format(top=self.width - 1)})" for port in declared)
        names = {port.name for port in declared}
        missing = [
            wire for port, wire in _PORTS.items() if port in ("m_axis_tuser", "load_ready") and port not in names
        ]
        values = {
            "D": self.data_bits,
            "R": plan.result_bits,
            "STEPS": len(script),
            "ANSWERS": len(answers),
            "AGAIN": _AGAIN,
            "SAFE": safe,
            "SPAN": 2 * long + 50,
            "QUIET": long + 20,
            "PATIENCE": 20 * long + 4000,
            "WORDS": -(-self.data_bits // 32),
            "BEAT": _BEAT,
            "LOAD": _LOAD,
            "WAIT": _WAIT,
            "TOP": top,
            "PORTS": connected,
            "MISSING": " ".join(f"assign {wire} = 0;" for wire in missing),
        }
        text = _BENCH
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        (folder / "bench.v").write_text(text, encoding="ascii")
        for name, words in (("script", script), ("answers", answers)):
            lines = "".join(f"{word:x}\n" for word in words)
            (folder / f"{name}.hex").write_text(lines, encoding="ascii")
        command = ["iverilog", "-g2012", "-s", "bench", "-o", "bench.vvp", "bench.v", *sources]
        built = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if built.returncode:
            raise RuntimeError(f"iverilog: {(built.stderr or built.stdout)[:1000]}")

    def run(self, reset: str = "pulse", seed: int = 1) -> Played:
        command = ["vvp", "-n", "bench.vvp", f"+reset={RESETS.index(reset)}", f"+seed={seed}"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        fault, cycles = "the simulation did not end", {"beat": list[int](), "end": list[int]()}
        for line in done.stdout.splitlines():
            word, _, rest = line.partition(" ")
            if word in cycles:
                cycles[word].append(int(rest))
            elif word == "FAULT":
                return Played(fault=rest, beats=cycles["beat"], ends=cycles["end"])
            elif word == "DONE":
                fault = ""
        return Played(fault=fault or None, beats=cycles["beat"], ends=cycles["end"])

    # --------------------------------------------------------------------------------------------------------- script

    def _beats(self, phase: Phase) -> list[int]:
        program = self.plan.first
        size, each = program.bytes_per_element, program.elements_per_beat
        rows = len(phase.x)
        beats = -(-phase.x.shape[1] // each)
        # What lies beyond the width means nothing.
        padded = self._random.integers(0, 1 << 8 * size, (rows, beats * each))
        padded[:, : phase.x.shape[1]] = phase.x & ((1 << 8 * size) - 1)
        ends = np.zeros(rows, bool)
        if phase.lengths is not None:
            ends[np.cumsum(phase.lengths) - 1] = True
        steps = []
        for row, end in zip(padded.reshape(rows, beats, each).tolist(), ends.tolist(), strict=True):
            for number, elements in enumerate(row):
                last = number == beats - 1
                # On other beats it means nothing.
                user = end if last else int(self._random.integers(2))
                word = sum(element << 8 * size * place for place, element in enumerate(elements))
                steps.append(word << 4 | _BEAT << 2 | user << 1 | last)
        return steps

    def _load(self, image: bytes) -> list[int]:
        size = self.width // 8
        padded = image + bytes(-len(image) % size)
        data = [int.from_bytes(padded[at : at + size], "little") for at in range(0, len(padded), size)]
        beats = [(BEGIN, 0), *((DATA, word) for word in data), (COMMIT, 0)]
        return [word << 4 | _LOAD << 2 | kind for kind, word in beats]

    def _answers(self, phase: Phase) -> list[int]:
        mask = (1 << self.plan.result_bits) - 1
        ends = np.zeros(len(phase.y), bool)
        if phase.lengths is not None:
            every = len(phase.y) == len(phase.x)
            ends[np.cumsum(phase.lengths) - 1 if every else slice(None)] = True
        words = []
        for row, end in zip(phase.y.tolist(), ends.tolist(), strict=True):
            for number, value in enumerate(row):
                last = number == len(row) - 1
                words.append(
                    (value & mask) | last << self.plan.result_bits | (last and end) << self.plan.result_bits + 1
                )
        return words
