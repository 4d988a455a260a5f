"""The emitted Verilog: clean for a linter, and what Amaranth and Yosys say that the design is."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from hdlgen.compiler import Options, compile_network
from hdlgen.emit.verilog import convert, primitives, verilog_files
from hdlgen.flow import tools
from hdlgen.gateware.primitives import Library, Multiplier, MultiplierParameters, Ram, RamParameters

from ..compiler.networks import make
from ..flow import vendor_models
from ..mixed import MIXED

WIDTHS = [(4, 4), (5, 3), (1, 4)]
SPACE = 512


class Operators(wiring.Component):
    """All operators, on operands of several widths, with results that are as wide as they are, narrower and wider."""

    def __init__(self) -> None:
        self.values: list[tuple[Signal, Value]] = []
        members: dict[str, wiring.Member] = {"s": In(2)}
        for number in range(len(WIDTHS)):
            for name, width in zip("abcd", WIDTHS[number] * 2, strict=True):
                members[f"{name}{number}"] = In(unsigned(width) if name in "ab" else signed(width))
        super().__init__(members | {f"y{number}": Out(SPACE) for number in range(len(WIDTHS))})

    def results(self, number: int) -> list[Value]:
        a, b, c, d = (getattr(self, f"{name}{number}") for name in "abcd")
        return [
            *(op for x, y in ((a, b), (c, d), (a, d), (c, b)) for op in (x + y, x - y, x * y, x & y, x | y, x ^ y)),
            *(op for x, y in ((a, b), (c, d), (a, d)) for op in (x < y, x <= y, x > y, x >= y, x == y, x != y)),
            *(~a, -a, -c, abs(c), a.any(), c.all(), a.xor(), a.bool(), a >= 0, a > (1 << len(a)) - 1, a < 0),
            *(a << b, c << b[:2], a >> b, c >> b, c >> 1, a << 2, a.bit_select(b, 2), a.word_select(b[:2], 1)),
            *(
                Mux(self.s[0], a, d),
                Mux(self.s, c, 3),
                Array([a, b, c, Const(2)])[self.s],
                Cat(c[-1].replicate(3), b),
            ),
            *((a + b)[1:3], (c * d)[:4], (c >> b) ^ a, ((a + 1) >> 1) + b, (a - b)[-1], (c + 1 < d) & (a + b > 6)),
        ]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for number in range(len(WIDTHS)):
            a, b = getattr(self, f"a{number}"), getattr(self, f"b{number}")
            picked, held = Signal(5), Signal(7)
            with m.Switch(self.s):
                with m.Case(0):
                    m.d.comb += picked.eq(a)
                with m.Case(1, 2):
                    m.d.comb += picked[1:3].eq(b)
                    with m.If(b == 1):
                        m.d.comb += picked[0].eq(1)
            with m.If(a[0]):
                m.d.comb += held.eq(b)
            with m.Elif(self.s[1]):
                m.d.comb += held[2:4].eq(a)
            everything = Cat(picked, held, *self.results(number))
            assert len(everything) <= SPACE
            m.d.comb += getattr(self, f"y{number}").eq(everything)
        return m


class Names(wiring.Component):
    """Signals whose names Verilog, or SystemVerilog, has for something else; and one bit that nobody reads."""

    def __init__(self) -> None:
        super().__init__({"i": In(4), "o": Out(3)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        final, again = Signal(4, name="final"), [Signal(4, name="reg") for _ in range(2)]
        m.d.sync += [final.eq(self.i), again[0].eq(final), again[1].eq(again[0])]
        m.d.comb += self.o.eq(Cat(again[1][0], again[1][2:]))
        return m


def lint(folder: Path, texts: dict[str, str], files: Sequence[str], top: str, models: str = "") -> str:
    """What Verilator has to say, with all its warnings."""
    for file, text in texts.items():
        (folder / file).write_text(text)
    (folder / "model.v").write_text(f"`timescale 1ns/1ps\n{models}")
    (folder / "model.vlt").write_text('`verilator_config\nlint_off -file "model.v"\n')
    verilator = tools.find("verilator")
    command = [*verilator.command, "--lint-only", "-Wall", "--top-module", top, "model.vlt", "model.v", *files]
    done = subprocess.run(command, cwd=folder, env=verilator.full_environment(), capture_output=True, text=True)
    return done.stderr if done.returncode or "%" in done.stderr else ""


@pytest.fixture(scope="module")
def chain() -> tuple[dict[str, str], dict[str, list[str]]]:
    """A core with all engines."""
    network = MIXED["tensors between others"][0]()
    return verilog_files(compile_network(network, Options(lanes=2)), "top", Library())


@pytest.mark.parametrize("family", ["generic", "ecp5", "ice40"])
def test_lint(chain: tuple[dict[str, str], dict[str, list[str]]], family: str, tmp_path: Path) -> None:
    texts, files = chain
    models = {"ecp5": vendor_models.ecp5, "ice40": vendor_models.ice40}.get(family, str)()
    assert lint(tmp_path, {file: texts[file] for file in files[family]}, files[family], "top", models) == ""


def test_lint_of_weights_in_ram(tmp_path: Path) -> None:
    texts, files = verilog_files(compile_network(make((4, 3), 8), Options(lanes=2, source="ram")), "top", Library())
    assert lint(tmp_path, {file: texts[file] for file in files["generic"]}, files["generic"], "top") == ""


def test_names(tmp_path: Path) -> None:
    text = convert(Names(), "top", "names")
    assert "`default_nettype" not in text
    assert "$" not in text
    assert "reg [3:0] final_;" in text
    assert lint(tmp_path, {"top.v": text}, ["top.v"], "top") == ""
    assert convert(Names(), "top", "names") == text


def test_lint_finds_something(tmp_path: Path) -> None:
    text = convert(Names(), "top", "names").replace("reg [3:0] final_;", "reg [4:0] final_;")
    assert "WIDTH" in lint(tmp_path, {"top.v": text}, ["top.v"], "top")


def _proved(folder: Path, original: str, text: str) -> str:
    """What Yosys says of the circuits of an RTLIL text and a Verilog text, which both have the module top."""
    (folder / "gold.il").write_text(original)
    (folder / "gate.v").write_text(text)
    yosys = tools.find("yosys")
    script = (
        "read_rtlil gold.il; rename top gold; read_verilog gate.v; rename top gate; proc; opt_clean; "
        "miter -equiv -flatten gold gate both; sat -verify -prove trigger 0 both"
    )
    done = subprocess.run(
        [*yosys.command, "-p", script], cwd=folder, env=yosys.full_environment(), capture_output=True, text=True
    )
    return done.stdout + done.stderr


def test_operators(tmp_path: Path) -> None:
    """Proved equal to what Yosys makes of the same RTLIL, for all inputs; and a mutant that is not."""
    original = rtlil.convert(Operators(), name="top", emit_src=False)
    text = convert(Operators(), "top", "operators")
    assert "SAT proof finished - no model found: SUCCESS!" in _proved(tmp_path, original, text)
    wrong = text.replace("$signed(c0) < $signed(d0)", "c0 < d0")
    assert wrong != text
    assert "proof did fail" in _proved(tmp_path, original, wrong)


class Transparent(wiring.Component):
    def __init__(self) -> None:
        super().__init__({"address": In(2), "o": Out(2)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.words = words = memory.Memory(shape=2, depth=4, init=[1, 2, 3])
        write = words.write_port()
        read = words.read_port(transparent_for=(write,))
        m.d.comb += [write.addr.eq(self.address), write.en.eq(1), read.addr.eq(self.address), self.o.eq(read.data)]
        return m


def test_what_is_not_written() -> None:
    with pytest.raises(AssertionError, match="a transparent read port"):
        convert(Transparent(), "top", "memory")


def test_inference() -> None:
    """Memories and multipliers are written as vendors' tools look for them."""
    ram = convert(Ram(RamParameters(name="ram", depth=4, lanes=2, bits=8)), "ram", "ram")
    assert "reg [15:0] storage [0:3];" in ram
    assert "if (write_enable[1]) storage[write_address][15:8] <= write_data[15:8];" in ram
    assert re.search(r"always @\(posedge clk\) begin\n *\w+ <= storage\[read_address\];", ram)
    parameters = MultiplierParameters(name="mul", lanes=2, a_bits=8, w_bits=4, kind="dsp")
    product = convert(Multiplier(parameters), "mul", "multiplier")
    assert product.count("$signed(w_2[") == 2 or product.count(" * $signed(") == 2
    assert "product_1 <= " in product


def test_no_part_is_of_no_bits() -> None:
    """Copies of a register that has none are no module."""
    network = MIXED["tensors between others"][0]()
    library = primitives(compile_network(network, Options.for_target(network, lanes=8)), "top")
    assert library.parts
    assert not [name for name in library.parts if "fanout_0x" in name]
