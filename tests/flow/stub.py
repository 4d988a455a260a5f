"""A small behavioural core with a manifest, and the same with one planted fault: what the test bench is judged by.

The core multiplies by the dense matrix of a path network of one layer. Its latency and interval follow from its three
stages (load, wait, send), each of which holds one frame.
"""

import re
import shutil
from functools import partial
from pathlib import Path

import numpy as np

from hdlgen import golden
from hdlgen.emit.manifest import BENCH
from hdlgen.network import InputFormat, Network, SobolTopology, Weighted, save
from hdlgen.resources import folder

from .manifests import write_manifest

__all__ = ["FAULTS", "make_core"]

FAULTS = (
    "wrong bit",
    "lost frame",
    "late",
    "early",
    "slow",
    "no frame_error",
    "frame_error falls",
    "frame_error without cause",
    "state leaks",
    "state survives reset",
    "state survives bad frame",
    "answers bad frame",
    "drops good frame after late tlast",
    "surplus beat",
    "tlast too early",
    "no tlast",
    "payload changes",
    "valid falls",
    "valid in reset",
    "loads without valid",
    "reads beyond width",
    "stuck after full",
    "unknown bits",
)


def _network(width: int, bits: int, outputs: int, rng: np.random.Generator) -> Network:
    paths = 64
    return Network(
        name="stub",
        input=InputFormat(width=width, bits=bits),
        topology=SobolTopology(
            paths=paths,
            dimensions=(0, 1),
            log2_slots=(max(1, (width - 1).bit_length()), max(1, (outputs - 1).bit_length())),
        ),
        layers=(Weighted(width=outputs, weight="w1", bias="b1", weight_bits=8, activation=None),),
        tensors={
            "w1": rng.integers(-128, 128, paths).astype(np.int8),
            "b1": rng.integers(-999, 999, outputs).astype(np.int32),
        },
    )


def make_core(
    directory: Path,
    *,
    fault: str | None = None,
    choice: bool = False,
    width: int = 5,
    outputs: int = 3,
    bits: int = 8,
    elements_per_beat: int = 2,
    output_bits: int = 32,
    wait: int = 7,
    images: int = 12,
    seed: int = 1,
) -> Path:
    """Write the core to ``directory`` as `hdlgen compile` would.

    With ``choice``, ``+fault=N`` chooses the Nth of FAULTS when it is simulated, from 1 on.
    """
    assert fault is None or fault in FAULTS, fault
    rng = np.random.default_rng(seed)
    network = _network(width, bits, outputs, rng)
    # The golden model itself says what the matrix is: its answers to zero and to the unit vectors.
    bias = golden.evaluate(network, np.zeros((1, width), dtype=np.int64))[0]
    matrix = golden.evaluate(network, np.eye(width, dtype=np.int64)) - bias
    x = rng.integers(0, 1 << bits, (images, width)).astype(np.uint8 if bits <= 8 else np.uint16)
    y = golden.evaluate(network, x)

    for name in ("rtl", "vectors", "sim"):
        (directory / name).mkdir(parents=True)
    beats = -(-width // elements_per_beat)
    element_bytes = -(-bits // 8)
    text = partial(
        _verilog,
        matrix,
        bias,
        per_beat=elements_per_beat,
        element_bits=8 * element_bytes,
        output_bits=output_bits,
        beats=beats,
        wait=wait,
    )
    source = _choice([text(fault=one) for one in (None, *FAULTS)]) if choice else text(fault=fault)
    (directory / "rtl" / "stub.v").write_text(source)
    np.save(directory / "vectors" / "x.npy", x)
    np.save(directory / "vectors" / "y.npy", y)
    save(network, directory / "network.safetensors")
    for name in BENCH:
        shutil.copy(folder("sim") / Path(name).name, directory / name)
    write_manifest(
        directory,
        network,
        "stub",
        ["rtl/stub.v"],
        latency_cycles=beats + wait + outputs + 1,
        interval_cycles=max(beats + 1, wait + 2, outputs + 1),
        elements_per_beat=elements_per_beat,
        output_bits=output_bits,
    )
    return directory


def _choice(variants: list[str]) -> str:
    """All of them, side by side, with the outputs of one."""
    ports = re.search(r"module stub\((.*?)\);", variants[0], re.DOTALL)
    assert ports is not None
    header = ports[1].replace("output reg", "output")
    outputs = re.findall(r"output (?:reg )?(?:signed )?(\[.*?\] )?(\w+)", ports[1])
    modules = [re.sub("module stub", f"module stub_{number}", text, count=1) for number, text in enumerate(variants)]
    wires = [f"  wire {width} {name}_of [0:{len(variants) - 1}];" for width, name in outputs]
    wires += [f"  assign {name} = {name}_of[fault];" for _, name in outputs]
    inputs = ("clk", "rst", "s_axis_tdata", "s_axis_tvalid", "s_axis_tlast", "m_axis_tready")
    for number in range(len(variants)):
        connected = [f".{name}({name})" for name in inputs]
        connected += [f".{name}({name}_of[{number}])" for _, name in outputs]
        wires.append(f"  stub_{number} s{number}({', '.join(connected)});")
    chosen = '  integer fault = 0;\n  initial if (!$value$plusargs("fault=%d", fault)) fault = 0;\n'
    return "\n".join([*modules, f"module stub({header});", chosen, *wires, "endmodule\n"])


def _verilog(
    matrix: np.ndarray,
    bias: np.ndarray,
    *,
    per_beat: int,
    element_bits: int,
    output_bits: int,
    beats: int,
    wait: int,
    fault: str | None,
) -> str:
    width, outputs = matrix.shape

    def planted(name: str, text: str, otherwise: str = "") -> str:
        assert name in FAULTS, name
        return text if fault == name else otherwise

    weights = "\n".join(f"    w[{number}] = {value};" for number, value in enumerate(matrix.reshape(-1).tolist()))
    biases = "\n".join(f"    b[{number}] = {value};" for number, value in enumerate(bias.tolist()))
    # With this fault the elements beyond the width count too, by the weights of the first ones.
    limit = planted("reads beyond width", "1", f"beat * {per_beat} + e < {width}")
    return f"""
module stub(
  input clk, input rst,
  input [{element_bits * per_beat - 1}:0] s_axis_tdata, input s_axis_tvalid, output s_axis_tready, input s_axis_tlast,
  output signed [{output_bits - 1}:0] m_axis_tdata, output m_axis_tvalid, input m_axis_tready, output m_axis_tlast,
  output reg frame_error
);
  reg signed [31:0] w [0:{width * outputs - 1}];
  reg signed [31:0] b [0:{outputs - 1}];
  initial begin
{weights}
{biases}
  end
  reg signed [{output_bits - 1}:0] acc [0:{outputs - 1}];
  reg signed [{output_bits - 1}:0] work [0:{outputs - 1}];
  reg signed [{output_bits - 1}:0] res [0:{outputs - 1}];
  integer beat = 0, count = 0, index = 0, e, j, sent = 0, stalled = 0;
  reg loaded = 0, dropping = 0, busy = 0, sending = 0, stuck = 0, fresh = 1, afterdrop = 0, pause = 0;
  reg [3:0] never_set;
  initial frame_error = 0;

  assign s_axis_tready = !loaded{planted("stuck after full", " && !stuck")};
  assign m_axis_tvalid = sending{planted("valid falls", " && !(stalled == 3)")};
  assign m_axis_tdata = res[index < {outputs} ? index : 0]
    {planted("wrong bit", f"^ (sent % 5 == 4 && index == {outputs - 1})")}
    {planted("payload changes", "^ (stalled == 2)")}
    {planted("unknown bits", "^ (sent == 2 ? never_set : 4'd0)")};
  assign m_axis_tlast = index == {planted("tlast too early", str(outputs - 2), str(outputs - 1))}
    {planted("no tlast", "&& sent != 3")};
  wire ghost = {planted("loads without valid", "beat == 1 && &s_axis_tdata[2:0]", "0")};
  wire take = (s_axis_tvalid || ghost) && s_axis_tready;

  reg signed [{element_bits}:0] element [0:{per_beat - 1}];

  always @(posedge clk) begin
    for (e = 0; e < {per_beat}; e = e + 1) element[e] = s_axis_tdata[{element_bits}*e +: {element_bits}];
    if (take) begin
      if (dropping) begin
        if (s_axis_tlast) begin
          dropping <= 0;
          afterdrop <= 1;
        end
      end else begin
        for (j = 0; j < {outputs}; j = j + 1) begin
          if ({planted("state survives bad frame", "fresh", planted("state survives reset", "fresh", "beat == 0"))})
            acc[j] = b[j]{planted("state leaks", " + (sent % 3 == 2 && acc[j] > 0)")};
          for (e = 0; e < {per_beat}; e = e + 1)
            if ({limit})
              acc[j] = acc[j] + element[e] * w[((beat * {per_beat} + e) % {width}) * {outputs} + j];
        end
        fresh = 0;
        if (s_axis_tlast != (beat == {beats - 1})) begin
          frame_error <= {planted("no frame_error", "0", "1")};
          beat <= 0;
          if (!s_axis_tlast) dropping <= 1;
          {planted("answers bad frame", "if (s_axis_tlast) loaded <= 1;")}
          {planted("state survives bad frame", "", "fresh = 1;")}
        end else if (s_axis_tlast) begin
          loaded <= {planted("drops good frame after late tlast", "!afterdrop", "1")};
          afterdrop <= 0;
          {planted("frame_error falls", "frame_error <= 0;")}
          beat <= 0;
          fresh = 1;
        end else begin
          beat <= beat + 1;
        end
      end
    end
    {planted("frame_error without cause", "if (stalled > 9) frame_error <= 1;")}
    pause <= {planted("slow", "busy && count == 0 && !sending", "0")};
    stuck <= stuck || (loaded && busy && sending && stalled > 20);
    if (busy && count != 0) count <= count - 1;
    if (loaded && !busy && !pause) begin
      busy <= 1;
      loaded <= 0;
      count <= {wait}{planted("late", "+ 1")}{planted("early", "- 1")};
      for (j = 0; j < {outputs}; j = j + 1) work[j] = acc[j];
    end
    if (busy && count == 0 && !sending) begin
      sending <= {planted("lost frame", "sent != 3", "1")};
      {planted("lost frame", "if (sent == 3) sent <= sent + 1;")}
      busy <= 0;
      index <= 0;
      for (j = 0; j < {outputs}; j = j + 1) res[j] = work[j];
    end
    stalled <= sending && !m_axis_tready ? stalled + 1 : 0;
    if (sending && m_axis_tvalid && m_axis_tready) begin
      index <= index + 1;
      if (index == {outputs - 1}{planted("surplus beat", " + (sent == 5)")}) begin
        sending <= 0;
        sent <= sent + 1;
      end
    end
    if (rst) begin
      beat <= 0; loaded <= 0; dropping <= 0; busy <= 0; frame_error <= 0; sent <= 0; stuck <= 0;
      afterdrop <= 0; stalled <= 0; pause <= 0; index <= 0;
      {planted("valid in reset", "", "sending <= 0;")}
      {planted("state survives reset", "", "fresh = 1;")}
    end
  end
endmodule
"""
