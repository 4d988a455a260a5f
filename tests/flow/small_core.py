"""A small core that any tool turns into a few hundred cells: dense, one multiplication a cycle, weights in a ROM."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from hdlgen import golden
from hdlgen.network import InputFormat, Network, SobolTopology, Weighted, save

from .manifests import write_manifest

__all__ = ["make_small_core", "rehash"]


def make_small_core(directory: Path, *, width: int = 8, outputs: int = 4, seed: int = 1, images: int = 6) -> Path:
    """Write the core to ``directory`` as `hdlgen compile` would."""
    rng = np.random.default_rng(seed)
    paths = 64
    network = Network(
        name="small",
        input=InputFormat(width=width, bits=8),
        topology=SobolTopology(
            paths=paths, dimensions=(0, 1), log2_slots=((width - 1).bit_length(), (outputs - 1).bit_length())
        ),
        layers=(Weighted(width=outputs, weight="w1", bias=None, weight_bits=8, activation=None),),
        tensors={"w1": rng.integers(-128, 128, paths).astype(np.int8)},
    )
    matrix = golden.evaluate(network, np.eye(width, dtype=np.int64))
    x = rng.integers(0, 256, (images, width)).astype(np.uint8)
    x[:, 1:4] = 0
    y = golden.evaluate(network, x)
    for name in ("rtl", "vectors", "images"):
        (directory / name).mkdir(parents=True)
    weights = matrix.T.reshape(-1)
    words = [f"{int(w) & 0xFFF:03x}" for w in weights]
    (directory / "images" / "weights.hex").write_text("\n".join(words) + "\n")
    (directory / "rtl" / "dense.v").write_text(_verilog(words, width, outputs))
    np.save(directory / "vectors" / "x.npy", x)
    np.save(directory / "vectors" / "y.npy", y)
    save(network, directory / "network.safetensors")
    write_manifest(
        directory,
        network,
        "dense",
        ["rtl/dense.v", "images/weights.hex"],
        latency_cycles=width + outputs * (width + 3),
        interval_cycles=width + outputs * (width + 3),
        memory_bits={"weights": 12 * width * outputs, "activations": 8 * width},
    )
    return directory


def rehash(directory: Path, **changes: Any) -> None:
    """Make the manifest fit the files again, and change entries of it."""
    path = directory / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest.update(changes)
    manifest["synthesis"]["generic"] = manifest["sources"]
    for name in manifest["sources_sha256"]:
        manifest["sources_sha256"][name] = hashlib.sha256((directory / name).read_bytes()).hexdigest()
    file = manifest["network"]["file"]
    manifest["network"]["sha256"] = hashlib.sha256((directory / file).read_bytes()).hexdigest()
    path.write_text(json.dumps(manifest, indent=1))


def _verilog(words: list[str], width: int, outputs: int) -> str:
    rom = "\n".join(f"    rom[{number}] = 12'h{word};" for number, word in enumerate(words))
    depth = 1 << (len(words) - 1).bit_length()
    return f"""
module dense(
  input clk, input rst,
  input [7:0] s_axis_tdata, input s_axis_tvalid, output s_axis_tready, input s_axis_tlast,
  output [31:0] m_axis_tdata, output m_axis_tvalid, input m_axis_tready, output m_axis_tlast,
  output reg frame_error
);
  (* ram_style = "block" *) reg [11:0] rom [0:{depth - 1}];
  initial begin
{rom}
  end
  reg [7:0] x [0:{(1 << (width - 1).bit_length()) - 1}];
  reg [2:0] state;
  reg [7:0] index;
  reg [7:0] out;
  reg [{(depth - 1).bit_length() - 1}:0] address;
  reg signed [11:0] w;
  reg [7:0] v;
  reg signed [19:0] acc;
  assign s_axis_tready = state == 0;
  assign m_axis_tvalid = state == 4;
  assign m_axis_tlast = out == {outputs - 1};
  assign m_axis_tdata = {{{{12{{acc[19]}}}}, acc}};
  always @(posedge clk) begin
    w <= rom[address];
    v <= x[index];
    case (state)
      0: if (s_axis_tvalid) begin
        x[index] <= s_axis_tdata;
        index <= index + 1;
        if (s_axis_tlast != (index == {width - 1})) begin frame_error <= 1; index <= 0; end
        else if (s_axis_tlast) begin state <= 1; index <= 0; out <= 0; address <= 0; acc <= 0; end
      end
      1: begin state <= 2; index <= index + 1; address <= address + 1; end
      2: begin
        acc <= acc + w * $signed({{1'b0, v}});
        if (index == {width}) state <= 4;
        else begin index <= index + 1; address <= address + 1; end
      end
      4: if (m_axis_tready) begin
        acc <= 0;
        index <= 0;
        out <= out + 1;
        state <= m_axis_tlast ? 0 : 1;
      end
    endcase
    if (rst) begin state <= 0; index <= 0; frame_error <= 0; end
  end
endmodule
"""
