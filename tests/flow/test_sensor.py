"""The design between a sensor and lights, simulated with a model of the other end of the line, and what is refused."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from hdlgen import golden
from hdlgen.cli import main
from hdlgen.emit import compile_to
from hdlgen.emit.manifest import read_manifest
from hdlgen.emit.verilog import convert
from hdlgen.flow import clock
from hdlgen.flow.sensor import TOP, SensorTop, for_simulation

from ..compiler.networks import make
from ..icarus import HAVE_ICARUS
from .small_core import make_small_core

RAW = (-200, 1847)
DIVISOR = 7
DIGITS = {"1111110": 0, "0110000": 1, "1101101": 2, "1111001": 3, "0110011": 4}
"""What is lit of the segments a to g."""

BENCH = """\
`timescale 1ns/1ps
module bench;
  reg clk = 0, select = 1, sclk = 0, mosi = 0, rx = 1, scl = 1, pulled = 0;
  tri1 sda = pulled ? 1'b0 : 1'bz;
  always #5 clk = !clk;
  reg [15:0] samples [0:@SAMPLES@-1];
  reg [7:0] lengths [0:@FRAMES@-1];
  integer frame, at = 0, n, bits, half, place;
  wire [2:0] light;
  wire [6:0] segment;
  wire [1:0] digit;
  wire error;
  hdlgen_sensor dut (
    .clk(clk), .button(1'b0), @LINE@, .led_error(error),
    .light_0(light[0]), .light_1(light[1]), .light_2(light[2]), .digit_0(digit[0]), .digit_1(digit[1]),
    .segment_0(segment[6]), .segment_1(segment[5]), .segment_2(segment[4]), .segment_3(segment[3]),
    .segment_4(segment[2]), .segment_5(segment[1]), .segment_6(segment[0]));

  // A master of mode 0: data changes while the clock is low; no edge is at a certain place of a cycle here.
  task spi(input [15:0] word);
    for (bits = 15; bits >= 0; bits = bits - 1) begin
      half = 23 + $unsigned($random) % 40;
      mosi = word[bits];
      #half sclk = 1;
      #half sclk = 0;
    end
  endtask
  task uart(input [7:0] word);
    for (bits = 0; bits < 10; bits = bits + 1) begin
      rx = bits == 0 ? 0 : bits == 9 ? 1 : word[bits - 1];
      #@BIT@;
    end
  endtask
  // A controller: it changes the data while the clock is low, and looks for the acknowledge while it is high.
  task i2c(input [7:0] word, input answered);
    begin
      for (bits = 8; bits >= 0; bits = bits - 1) begin
        half = 60 + $unsigned($random) % 40;
        #half pulled = bits > 0 && !word[bits - 1];
        #half scl = 1;
        #half if (bits == 0 && sda !== !answered) $display("wrong acknowledge");
        #half scl = 0;
      end
    end
  endtask
  task stop; begin #71 pulled = 1; #71 scl = 1; #71 pulled = 0; #71; end endtask
  initial begin
    $readmemh("samples.hex", samples);
    $readmemh("lengths.hex", lengths);
    #1003;
    $display("first %b %b %b %b", light, segment, digit, error);
    for (frame = 0; frame < @FRAMES@; frame = frame + 1) begin
      if (@SPI@) begin select = 0; #37; end
      if (@I2C@) begin
        // To somebody else, and to read, before.
        #71 pulled = 1; #71 scl = 0;
        i2c(8'h86, 0); i2c(8'h55, 0); stop;
        #71 pulled = 1; #71 scl = 0;
        i2c(8'h85, 0); stop;
        #71 pulled = 1; #71 scl = 0;
        i2c(8'h84, 1);
      end
      for (n = 0; n < lengths[frame]; n = n + 1) begin
        if (@SPI@) spi(samples[at]);
        else if (@I2C@) begin i2c(samples[at][15:8], 1); i2c(samples[at][7:0], 1); end
        else begin uart(samples[at][15:8]); uart(samples[at][7:0]); end
        at = at + 1;
      end
      // A whole frame, and bits of a sample that never becomes whole.
      if (@SPI@) begin
        if (frame % 3 == 1) begin #50 sclk = 1; #50 sclk = 0; end
        #41 select = 1;
      end
      if (@I2C@) begin
        if (frame % 3 == 1) i2c(8'h11, 1);  // half a sample
        stop;
      end
      #(@WAIT@);
      $display("frame %b %b %b %b", light, segment, digit, error);
    end
    $finish;
  end
endmodule
"""


def play(folder: Path, line: str, frames: list[np.ndarray]) -> list[tuple[int | None, int | None, bool]]:
    """For each frame, and before the first one, the class by the LEDs and by the segments, and the light for errors."""
    core = folder / "core"
    manifest = read_manifest(core)
    more = {"uart": {"divisor": DIVISOR}, "i2c": {"address": 0x42}}.get(line, {})
    parameters = for_simulation(
        manifest, line, RAW, lights=(False, True, False), segments=(True,) * 7, digits=(True, False), **more
    )
    (folder / "top.v").write_text(convert(SensorTop(parameters), TOP, "sensor"))
    (folder / "clock.v").write_text(clock.to_verilog(clock.for_simulation()))
    lines = {
        "uart": ".rx(rx)",
        "i2c": ".i2c_clock(scl), .i2c_data(sda)",
        "spi": ".spi_clock(sclk), .spi_mosi(mosi), .spi_select(select)",
    }
    values = {"SAMPLES": sum(map(len, frames)), "FRAMES": len(frames), "LINE": lines[line], "SPI": int(line == "spi")}
    values |= {"I2C": int(line == "i2c")}
    values |= {"BIT": 10 * DIVISOR, "WAIT": 40 * 10 * DIVISOR + 12 * manifest.latency_cycles}
    (folder / "bench.v").write_text(re.sub("@([A-Z0-9]+)@", lambda name: str(values[name[1]]), BENCH))
    words = np.concatenate(frames) % (1 << 16)
    (folder / "samples.hex").write_text("".join(f"{word:x}\n" for word in words))
    (folder / "lengths.hex").write_text("".join(f"{len(frame):x}\n" for frame in frames))
    files = [str(core / name) for name in manifest.sources]
    command = ["iverilog", "-g2012", "-s", "bench", "-o", "bench.vvp", "bench.v", "top.v", "clock.v", *files]
    subprocess.run(command, cwd=folder, check=True)
    done = subprocess.run(["vvp", "-n", "bench.vvp"], cwd=folder, check=True, capture_output=True, text=True)
    found = []
    assert "wrong" not in done.stdout
    for said in done.stdout.splitlines()[: len(frames) + 1]:
        _, light, segment, digit, error = said.split()
        lit = f"{int(light, 2) ^ 0b010:03b}"[::-1]  # the second one is lit by 0
        shown = f"{int(segment, 2) ^ 0b1111111:07b}"
        assert digit == "00"  # the first digit is on, by 0, the second off
        assert lit.count("1") <= 1
        found.append((lit.index("1") if "1" in lit else None, DIGITS.get(shown), error == "1"))
    return found


@pytest.mark.skipif(not HAVE_ICARUS, reason="needs iverilog")
@pytest.mark.parametrize("line", ["spi", "i2c", "uart"])
def test_classes(line: str, tmp_path: Path) -> None:
    """Equal to the golden model on scaled samples; a frame that is too short is told, and shows nothing new."""
    network = make((6, 3), 12, input_bits=6)
    compile_to(network, tmp_path / "core", lanes=2, elements_per_beat=4)
    random = np.random.default_rng(5)
    frames = [random.integers(RAW[0] - 100, RAW[1] + 100, 6) for _ in range(8)]
    parameters = for_simulation(read_manifest(tmp_path / "core"), line, RAW)
    x = np.array([parameters.scaling.apply(frame) for frame in frames])
    classes = golden.evaluate(network, x).argmax(axis=1).tolist()
    assert len(set(classes)) == 3
    assert len(np.unique(x)) > 20
    whole = play(tmp_path, line, frames)
    assert whole == [(None, None, False), *((number, number, False) for number in classes)]
    # As many beats as a whole frame, or fewer, or more.
    for length in {"spi": (5, 7), "i2c": (9,), "uart": (3,)}[line]:
        frame = np.resize(frames[4], length)
        broken = play(tmp_path, line, [*frames[:4], frame, *frames[5:6]])
        expected = [*classes[:4], classes[3], *classes[5:6]]
        assert broken[1:] == [(number, number, place >= 4) for place, number in enumerate(expected)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--board ulx3s-12f --sensor spi", "core: --sensor spi: ULX3S-12F has no pins for it in its file"),
        ("--board icebreaker --sensor spi --show segments", "core: --show segments: iCEBreaker has none in its file"),
        (
            "--board icebreaker --sensor spi --raw 0:70000",
            "core: --raw 0:70000: from 0 to 70000: allowed are 2 to 65536",
        ),
        (
            "--board icebreaker --sensor spi --raw -9:40000",
            "core: --raw -9:40000: allowed are -32768..32767, or 0..65535",
        ),
        (
            "--board icebreaker --sensor spi --raw 5",
            "hdlgen synth: Invalid value for '--raw': '5' is not LOW:HIGH, two",
        ),
        ("--board icebreaker --raw 0:5", "--raw: allowed with --sensor only"),
        ("--target ecp5-25k --sensor spi", "--sensor: allowed with --board only, and without --top and --images"),
        (
            "--board icebreaker --sensor i2s --raw 0:5",
            "--raw: not allowed with --sensor i2s, whose samples are not scaled",
        ),
        ("--board icebreaker --sensor spi --gain 2", "--gain: allowed with --sensor i2s only"),
        (
            "--board icebreaker --sensor i2s",
            "core/network.safetensors: --sensor i2s: its input is not that of a filter bank",
        ),
    ],
)
def test_refused(
    arguments: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_small_core(tmp_path / "core")
    with pytest.raises(SystemExit) as caught:
        main(["synth", "core", *arguments.split()])
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(message if message.startswith("hdlgen") else f"hdlgen: {message}")
    assert said.count("\n") == 1
