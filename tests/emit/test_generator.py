"""A core whose inputs are what it draws: its Verilog, in simulation, beside the golden model."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from hdlgen import golden
from hdlgen.emit import compile_to
from hdlgen.emit.generator import generator_of
from hdlgen.network import Network, drawing

from ..icarus import HAVE_ICARUS
from ..mixed import dense, make_mixed, rnn

_BENCH = """\
`timescale 1ns/1ps
module bench;
  reg clk = 0, valid = 0, last = 0, ready = 0;
  reg [7:0] data = 0, symbol = 0;
  reg [31:0] count = 0;
  wire [7:0] drawn;
  wire s_ready, m_valid, m_last;
  integer seed = 1, got = 0;
  hdlgen_mixed_generator dut (.clk(clk), .rst(1'b0), .s_axis_tdata(data), .s_axis_tvalid(valid), .s_axis_tready(s_ready),
    .s_axis_tlast(last), .m_axis_tdata(drawn), .m_axis_tvalid(m_valid), .m_axis_tready(ready), .m_axis_tlast(m_last),
    .count(count));
  always #5 clk = !clk;
  always @(negedge clk) ready <= $random(seed) & 1;
  always @(posedge clk) if (m_valid && ready) begin
    $display("%0d%s", drawn, m_last ? " last" : "");
    got = got + 1;
    if (got == @TOTAL@) $finish;
  end
  task send(input [7:0] what, input ends, input [31:0] many);
    begin
      @(negedge clk) data = what; last = ends; count = many; valid = 1;
      @(posedge clk) while (!s_ready) @(posedge clk);
      @(negedge clk) valid = 0;
    end
  endtask
  initial begin
@SEND@
    #1000000 $display("too late");
    $finish;
  end
endmodule
"""


def talkative() -> Network:
    """It draws symbols by what it has seen."""
    scored = replace(make_mixed([rnn(8), dense(5, None)], inputs=5), output_scale=2.0**-12)
    return drawing(scored, one_hot=100, temperature=1.5, seed=9)


@pytest.mark.skipif(not HAVE_ICARUS, reason="needs iverilog")
def test_generates_what_the_model_does(tmp_path: Path) -> None:
    """Symbol by symbol, with back-pressure: sequences of several lengths, behind several symbols; the last has no end."""
    network = talkative()
    manifest = compile_to(network, tmp_path / "core", lanes=4, results="step")
    assert (tmp_path / "core" / "generator.v").read_text() == generator_of(manifest, network)["generator.v"]
    # Not where an answer comes for each sequence only, or inputs are no symbols.
    late = replace(manifest, sequence=replace(manifest.sequence, results="sequence"))
    other = replace(network, input=replace(network.input, one_hot=None))
    assert generator_of(late, network) == generator_of(manifest, other) == {}
    asked = [([3], 30), ([0, 4, 4, 1], 1), ([2, 2], 20), ([1], 0)]
    wanted, sends, endless = list[str](), list[str](), 40
    for start, count in asked:
        drawn = golden.generate(network, start, count or endless).tolist()
        wanted += [f"{symbol}{' last' if number == count else ''}" for number, symbol in enumerate(drawn, 1)]
        sends += [f"send({symbol}, {int(place == len(start))}, {count});" for place, symbol in enumerate(start, 1)]
    assert len(set(wanted)) > 5
    bench = tmp_path / "bench.v"
    bench.write_text(_BENCH.replace("@TOTAL@", str(len(wanted))).replace("@SEND@", "\n".join(sends)))
    sources = [tmp_path / "core" / name for name in (*manifest.sources, "generator.v")]
    subprocess.run(["iverilog", "-g2005", "-o", tmp_path / "run", bench, *sources], check=True)
    done = subprocess.run(["vvp", "-n", tmp_path / "run"], check=True, capture_output=True, text=True)
    lines = [" ".join(line.split()) for line in done.stdout.splitlines() if "$finish" not in line]
    assert lines == wanted
