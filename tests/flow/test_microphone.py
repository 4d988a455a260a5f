"""From a WAV file by a model of a microphone to lights: the simulated design, and what is refused."""

import re
import subprocess
import wave
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hdlgen import fsdd, golden
from hdlgen.emit import compile_to
from hdlgen.emit.manifest import read_manifest
from hdlgen.emit.verilog import convert
from hdlgen.errors import InputError
from hdlgen.flow import clock
from hdlgen.flow.sensor import TOP, SensorTop, bank_of, bit_cycles, for_simulation
from hdlgen.network import FilterBank, Network

from ..icarus import HAVE_ICARUS
from ..scans import make_scan

DIVISOR, HOP, GAIN = 6, 4, 2
BANK = replace(
    FilterBank.design(rate=16000, hop=HOP, low=600, high=3400, bands=4, level=-20, hang=3),
    offset=(190, 200, 205, 190),
)

BENCH = """\
`timescale 1ns/1ps
module bench;
  reg clk = 0;
  always #5 clk = !clk;
  reg [23:0] samples [0:@SAMPLES@-1];
  reg [31:0] word = 0;
  integer at = 0;
  wire [2:0] light;
  wire sclk, select, error;
  reg was = 0;
  // A microphone: its highest bit comes one clock behind the change of the select, and each one where the clock falls; in
  // the right channel another talks.
  reg sound = 0;
  hdlgen_sensor dut (
    .clk(clk), .button(1'b0), .i2s_data(sound), .i2s_clock(sclk), .i2s_select(select), .led_error(error),
    .light_0(light[0]), .light_1(light[1]), .light_2(light[2]));
  always @(negedge sclk) begin
    #13 sound = word[31];
    word = {word[30:0], 1'b0};
    if (select !== was) begin
      was = select;
      if (select) word = 32'h5a5a5a00;
      else begin
        if (at == @SAMPLES@) $finish;
        word = {samples[at], 8'h00};
        at = at + 1;
        $display("%0d %b %b", at, light, error);
      end
    end
  end
  initial begin
    $readmemh("samples.hex", samples);
    word = {samples[0], 8'h00};
    at = 1;
  end
endmodule
"""


def make_network() -> Network:
    """Whose classes are by the loudness of bands: three, all of which are heard."""
    network = make_scan("mingru", width=5, inputs=4, head=3, seed=5)
    return replace(network, input=replace(network.input, features=BANK))


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("microphone") / "core"
    compile_to(make_network(), folder, lanes=1)
    return folder


def make_wav(path: Path) -> None:
    """Four tones behind each other, and silence between them."""
    rng, parts = np.random.default_rng(2), []
    for frequency, length in ((500, 12), (1500, 9), (3500, 10), (900, 6)):
        tone = 2500 * np.sin(2 * np.pi * frequency / 16000 * np.arange(length * HOP // 2))
        parts += [np.zeros(5 * HOP), tone + rng.normal(0, 100, len(tone))]
    samples = np.rint(np.concatenate([*parts, np.zeros(6 * HOP)])).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(samples.tobytes())


@pytest.mark.skipif(not HAVE_ICARUS, reason="needs iverilog")
def test_lights(core: Path, tmp_path: Path) -> None:
    """The class of each sequence that the golden bank hears in the file, as the golden network says, and nothing before."""
    network, manifest = make_network(), read_manifest(core)
    make_wav(tmp_path / "sound.wav")
    samples, _ = fsdd.read_wav(tmp_path / "sound.wav")
    louder = np.clip(samples.astype(np.int64) << GAIN, -(1 << 15), (1 << 15) - 1)
    steps = BANK.values(BANK.logarithms(louder))
    sequences = BANK.cut(steps)
    lengths = np.array([len(sequence) for sequence in sequences])
    classes = golden.evaluate(network, np.concatenate(sequences), lengths).argmax(axis=1).tolist()
    assert len(classes) == 4
    assert sorted(set(classes)) == [0, 1, 2]
    loud = steps.sum(axis=1) >= BANK.level
    ends = [n for n in range(3, len(loud)) if loud[n - 3] and not loud[n - 2 : n + 1].any()]

    parameters = for_simulation(manifest, "i2s", None, bank=BANK, gain=GAIN, divisor=DIVISOR, lights=(False,) * 3)
    (tmp_path / "top.v").write_text(convert(SensorTop(parameters), TOP, "microphone"))
    (tmp_path / "clock.v").write_text(clock.to_verilog(clock.for_simulation()))
    (tmp_path / "bench.v").write_text(re.sub("@SAMPLES@", str(len(samples)), BENCH))
    words = (samples.astype(np.int64) << 8) % (1 << 24)
    (tmp_path / "samples.hex").write_text("".join(f"{word:06x}\n" for word in words))
    files = [str(core / name) for name in manifest.sources]
    command = ["iverilog", "-g2012", "-s", "bench", "-o", "bench.vvp", "bench.v", "top.v", "clock.v", *files]
    subprocess.run(command, cwd=tmp_path, check=True)
    done = subprocess.run(["vvp", "-n", "bench.vvp"], cwd=tmp_path, check=True, capture_output=True, text=True)
    said = [line.split() for line in done.stdout.splitlines() if line[:1].isdigit()]
    assert len(said) == len(samples) - 1
    assert {error for _, _, error in said} == {"0"}
    # A result is there before the second sample behind the last of its sequence.
    times = [(end + 1) * HOP + 3 for end in ends]
    for at, lights, _ in said:
        heard = [number for number, time in zip(classes, times, strict=True) if int(at) >= time]
        before = [number for number, time in zip(classes, times, strict=True) if int(at) >= time - 3]
        allowed = {f"{1 << found[-1]:03b}" if found else "000" for found in (heard, before)}
        assert lights in allowed, (at, lights, allowed)


def test_clock(core: Path) -> None:
    """Bits of a number of cycles that makes about the rate, and time enough for bank and core."""
    manifest = read_manifest(core)
    assert bank_of(make_network(), manifest) == BANK
    assert bit_cycles(manifest, BANK, Fraction(12_000_000), "core") == 12
    assert bit_cycles(manifest, BANK, Fraction(48_000_000), "core") == 47
    for mhz in (7, 8.7):
        with pytest.raises(InputError, match=rf"core: --sensor i2s: {mhz} MHz makes no 16000 samples/s; allowed: "):
            bit_cycles(manifest, BANK, Fraction(mhz) * 1_000_000, "core")
    long = replace(manifest, interval_cycles=64 * 12 * HOP + 1)
    with pytest.raises(InputError, match=r"the core for a step takes 3073 cycles; allowed at this clock: 3072"):
        bit_cycles(long, BANK, Fraction(12_000_000), "core")
    wide = FilterBank.design(rate=16000, hop=64, low=300, high=3600, bands=120, level=-20, hang=3)
    with pytest.raises(
        InputError, match=r"the filter bank for a sample takes 842 cycles; allowed at this clock: 768"
    ):
        bit_cycles(manifest, wide, Fraction(12_000_000), "core")
