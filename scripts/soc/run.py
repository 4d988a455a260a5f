"""A LiteX system with a core: VexRiscv, firmware in C that classifies MNIST images, simulated with Verilator.

    hdlgen compile mnist -o core --lanes 8 --bus wishbone
    python scripts/soc/run.py core build --images 10

Needs the extra ``soc``. docs/system.md has more. Exit status 1: an answer is not the golden model's.
"""

import argparse
import re
import subprocess
import sys
from contextlib import chdir
from pathlib import Path
from typing import Any

import numpy as np
from litex.build.generic_platform import Pins, Subsignal
from litex.build.sim import SimPlatform
from litex.gen import LiteXModule
from litex.soc.integration.export import get_csr_header
from litex.soc.integration.soc_core import SoCCore
from migen import ClockDomain

from hdlgen import golden, networks
from hdlgen.emit.manifest import Manifest, read_manifest
from hdlgen.flow.building import tools_for
from hdlgen.integration.litex import add_core
from hdlgen.network import load

HERE = Path(__file__).parent
ROM, RAM = 0x20000, 0x2000

_IO = [
    ("sys_clk", 0, Pins(1)),
    ("sys_rst", 0, Pins(1)),
    (
        "serial",
        0,
        *(
            Subsignal(f"{way}_{name}", Pins(bits))
            for way in ("source", "sink")
            for name, bits in (("valid", 1), ("ready", 1), ("data", 8))
        ),
    ),
]


class Clock(LiteXModule):
    def __init__(self, platform: Any):
        self.cd_sys = ClockDomain()
        self.comb += self.cd_sys.clk.eq(platform.request("sys_clk"))
        self.comb += self.cd_sys.rst.eq(platform.request("sys_rst"))


class System(SoCCore):
    """Processor, ROM with the ``firmware``, RAM, a serial port without a line, and the core in ``directory``."""

    def __init__(self, directory: Path, cpu: str, firmware: list[int]):
        platform = SimPlatform("SIM", _IO)
        self.crg = Clock(platform)
        SoCCore.__init__(
            self,
            platform,
            int(1e8),
            cpu_type=cpu,
            cpu_variant="standard",
            integrated_rom_size=ROM,
            integrated_rom_init=firmware,
            integrated_sram_size=RAM,
            uart_name="sim",
            ident="hdlgen",
            timer_uptime=True,
        )
        self.software = add_core(self, directory).software


def build(directory: Path, cpu: str, firmware: list[int], folder: Path) -> tuple[System, list[str]]:
    """The system, and its Verilog files; what its memories hold at first is written into ``folder``."""
    system = System(directory, cpu, firmware)
    system.finalize()
    made = system.platform.get_verilog(system, name="top")
    with chdir(folder):
        made.write("top.v")
    return system, [str(folder / "top.v"), *(source for source, *_ in system.platform.sources)]


def compile_firmware(
    system: System, manifest: Manifest, x: np.ndarray, labels: np.ndarray, folder: Path
) -> list[int]:
    """The words of the ROM."""
    header = get_csr_header(
        system.csr_regions, system.constants, system.mem_regions["csr"].origin, with_access_functions=False
    )

    def place(name: str) -> int:
        return int(system.mem_regions["csr"].origin) + int(
            re.findall(rf"CSR_{name}_ADDR \(CSR_BASE \+ (0x[0-9a-f]+)L\)", header)[0], 16
        )

    region = system.bus.regions
    where = {
        "CORE_BASE": region["network"].origin,
        "UART_DATA": place("UART_RXTX"),
        "UART_FULL": place("UART_TXFULL"),
    }
    where |= {"LATCH": place("TIMER0_UPTIME_LATCH"), "UPTIME": place("TIMER0_UPTIME_CYCLES") + 4}  # its lower half
    lines = [f"#define {name} 0x{value:x}u\n" for name, value in where.items()]
    (folder / "system.h").write_text("".join([*lines, f"#define NETWORK {manifest.top.upper()}_NETWORK\n"]))
    rows = ",\n".join("{" + ",".join(map(str, row)) + "}" for row in x)
    (folder / "images.h").write_text(
        f"#define IMAGES {len(x)}\nstatic const uint8_t labels[IMAGES] = {{{','.join(map(str, labels))}}};\n"
        f"static const uint8_t images[IMAGES][{x.shape[1]}] = {{\n{rows}\n}};\n"
    )
    places = {"ROM_BASE": region["rom"].origin, "RAM_BASE": region["sram"].origin, "RAM_SIZE": RAM}
    script = (HERE / "link.ld").read_text()
    for name, value in places.items():
        script = script.replace(name, hex(value))
    (folder / "link.ld").write_text(script)
    software = system.software
    zig = [sys.executable, "-m", "ziglang"]
    command = [
        *zig,
        "cc",
        "-target",
        "riscv32-freestanding-none",
        "-mcpu=generic_rv32+m+zicsr",
        "-O2",
        "-std=c99",
        "-Wall",
        "-Wextra",
    ]
    command += [
        "-ffreestanding",
        "-fno-unwind-tables",
        "-fno-asynchronous-unwind-tables",
        "-fno-sanitize=all",
        "-nostdlib",
        "-T",
        str(folder / "link.ld"),
        f"-I{software}",
        f"-I{folder}",
    ]
    command += [
        str(HERE / "start.S"),
        str(HERE / "main.c"),
        str(software / "hdlgen_core.c"),
        "-o",
        str(folder / "firmware.elf"),
    ]
    subprocess.run(command, check=True)
    subprocess.run(
        [*zig, "objcopy", "-O", "binary", str(folder / "firmware.elf"), str(folder / "firmware.bin")], check=True
    )
    data = (folder / "firmware.bin").read_bytes()
    return np.frombuffer(data.ljust(-(-len(data) // 4) * 4, b"\0"), "<u4").tolist()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("core", type=Path, help="design folder, compiled with --bus wishbone")
    parser.add_argument("build", type=Path, help="new folder")
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--cpu", default="vexriscv", choices=("vexriscv", "picorv32"))
    given = parser.parse_args()
    given.build.mkdir()
    folder = given.build.resolve()
    manifest = read_manifest(given.core)
    images, labels = networks.test_set()
    x, labels = images[: given.images], labels[: given.images]
    system, _ = build(given.core, given.cpu, [0], folder)  # where everything is
    firmware = compile_firmware(system, manifest, x, labels, folder)
    _, sources = build(given.core, given.cpu, firmware, folder)
    _, environment = tools_for("verilator", None, folder)
    options = ["--cc", "--exe", "--build", "-Wno-fatal", "-Wno-lint", "-O3", "--top-module", "top", "-CFLAGS", "-O2"]
    options += ["-Mdir", str(folder / "obj"), "-o", "system", str(HERE / "bench.cpp")]
    with open(folder / "log", "wb") as log:
        subprocess.run(
            ["verilator", *options, *sources], check=True, cwd=folder, env=environment, stdout=log, stderr=log
        )
    said = subprocess.run(
        [str(folder / "obj" / "system")], check=True, cwd=folder, capture_output=True, text=True
    ).stdout
    print(said)
    y = golden.evaluate(load(given.core / manifest.network.file), x.astype(np.int64))
    found = [tuple(map(int, pair)) for pair in re.findall(r"class (-?\d+) score (-?\d+)", said)]
    equal = found == list(zip(y.argmax(1).tolist(), y.max(1).tolist(), strict=True))
    print(f"{len(found)} of {len(x)} answers, {'all' if equal else 'NOT all'} equal to the golden model's")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
