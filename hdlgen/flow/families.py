"""What the tools of one family are called, and how: one entry of `FAMILIES` for each.

Yosys, nextpnr and what packs a bitstream; pins in the family's own file of constraints; and what the cells of a netlist are
called. `hdlgen.flow.toolchain` runs them.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from hdlgen.flow import carries
from hdlgen.schema import Between, Lenient, Matches, Text
from hdlgen.targets import Target

__all__ = ["FAMILIES", "Family", "Name", "Pin"]

Name = Annotated[str, Matches(r"[A-Za-z0-9_.]{1,64}", "a word of letters, digits and _ .")]


@dataclass(frozen=True, kw_only=True)
class Pin(Lenient):
    """One pin and its standard.

    ``resource``, ``number`` and ``subsignal`` are its name in amaranth-boards; ``resource`` is empty where it has none.
    """

    resource: Text = ""
    number: Annotated[int, Between(0, 1 << 16)] = 0
    subsignal: Text = ""
    pin: Name
    active_low: bool = False
    io: Mapping[Name, Name] = field(default_factory=dict)

    @property
    def standard(self) -> str:
        """``io`` as most constraints have it, e.g. ``IO_TYPE=LVCMOS33 PULL_MODE=UP``."""
        return " ".join(f"{name}={value}" for name, value in self.io.items())


@dataclass(frozen=True, kw_only=True)
class Family:
    """How the tools of one family are called.

    Parameters
    ----------
    place_and_route, packer : names of `hdlgen.flow.tools`; empty where a project for the maker's tool is written instead
    synthesis : command of Yosys, with ``{options}`` and ``{top}``
    infer, no_infer : options with which Yosys infers multipliers, only where the sources instantiate none; or does not
    repair : changes the carries in a module of Yosys' netlist, where nextpnr does wrong or wastes, and says how often it did
    device : words for nextpnr that choose the device, with the members of a `Target` and ``{lower}``, its package in small
        letters
    constrained : words for nextpnr with the ``{file}`` of constraints
    free : words without constraints, where not every port must have a pin
    open_ports : ports may even be none, so that the core alone can be placed; otherwise all its ports go to three pins
    harness : where every port must have a pin, the pins of these three (clock, input, output), by the target
    routed : words for nextpnr that say what it writes, with ``{seed}``
    pack_options : of the packer, for every bitstream
    pack : words for the packer, with ``{seed}``, ``{product}`` and ``{option}`` of the target
    suffix : of a bitstream
    constraints : suffix of the file of constraints
    pin : its lines for a port
    oscillator : its line for the port ``clk``, with ``{megahertz}`` and the period ``{ns}``, if there is one
    memories, multipliers, luts, registers : types of cells in Yosys' netlist; ``registers`` is how theirs begin
    """

    place_and_route: str
    packer: str
    synthesis: str
    infer: str = ""
    no_infer: str = ""
    repair: Callable[[dict[str, Any]], int] | None = None
    device: str
    constrained: str
    free: str = ""
    open_ports: bool = False
    harness: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    routed: str
    pack_options: tuple[str, ...] = ()
    pack: str
    suffix: str
    constraints: str
    pin: Callable[[str, Pin], Iterator[str]]
    oscillator: str = ""
    memories: tuple[str, ...]
    multipliers: tuple[str, ...]
    luts: tuple[str, ...]
    registers: str

    def arguments(self, target: Target) -> list[str]:
        """Of nextpnr, to choose the device."""
        return self.device.format(**vars(target), lower=target.package.lower()).split()

    @property
    def harness_file(self) -> str | None:
        """Name of the file that places the pins of the core alone, where one is needed."""
        return f"pins.{self.constraints}" if self.harness else None

    def constraint_file(self, ports: Mapping[str, Pin], megahertz: float | None = None) -> str:
        """Text of the constraints: pins, standards and, for the port ``clk``, the oscillator's frequency."""
        lines = [line for port, pin in ports.items() for line in self.pin(port, pin)]
        if self.oscillator and megahertz is not None and "clk" in ports:
            lines.append(self.oscillator.format(megahertz=f"{megahertz:g}", ns=f"{1000 / megahertz:.3f}"))
        return "".join(f"{line}\n" for line in lines)


def _pcf(port: str, pin: Pin) -> Iterator[str]:
    """There are no standards to choose, only pull-ups."""
    yield f"set_io {'-pullup yes ' if pin.io.get('PULLUP') == '1' else ''}{port} {pin.pin}"


def _lpf(port: str, pin: Pin) -> Iterator[str]:
    yield f'LOCATE COMP "{port}" SITE "{pin.pin}";'
    if pin.io:
        yield f'IOBUF PORT "{port}" {pin.standard};'


def _cst(port: str, pin: Pin) -> Iterator[str]:
    yield f'IO_LOC "{port}" {pin.pin};'
    if pin.io:
        yield f'IO_PORT "{port}" {pin.standard};'


def _ccf(port: str, pin: Pin) -> Iterator[str]:
    yield (
        " | ".join([f'Net "{port}" Loc = "{pin.pin}"', *(f"{name}={value}" for name, value in pin.io.items())]) + ";"
    )


def _pdc(port: str, pin: Pin) -> Iterator[str]:
    yield f"ldc_set_location -site {{{pin.pin}}} [get_ports {port}]"
    if pin.io:
        yield f"ldc_set_port -iobuf {{{pin.standard}}} [get_ports {port}]"


def _xdc(port: str, pin: Pin) -> Iterator[str]:
    words = " ".join([f"PACKAGE_PIN {pin.pin}", *(f"{name} {value}" for name, value in pin.io.items())])
    yield f"set_property -dict {{ {words} }} [get_ports {port}]"


def _open_carries(module: dict[str, Any]) -> int:
    """Leave the carry into a chain open where it is a constant, for Nexus.

    A chain begins with a cell that makes its carry whatever comes in, with these tables. abc9 puts a constant there
    (YosysHQ/yosys#4081), which nextpnr refuses.
    """
    cells = module["cells"].values()
    constants = {bit for cell in cells if cell["type"] in ("VLO", "VHI") for bit in cell["connections"]["Z"]}
    constants |= {"0", "1", "x"}
    found = [
        cell
        for cell in cells
        if cell["type"] == "CCU2"
        and constants & {*cell["connections"].get("CIN", ())}
        and (cell["parameters"]["INIT0"], cell["parameters"]["INIT1"]) == ("0xFFFF", "0x00AA")
    ]
    for cell in found:
        cell["connections"]["CIN"] = []
    return len(found)


def _whole_carries(module: dict[str, Any]) -> int:
    """Begin every chain of carries with one that is a constant, for Gowin.

    Where logic gives the first carry c, another adder is put before the chain, which adds c to c. nextpnr would make a
    cell for it, the carry of which is wrong where what stands before it in the fabric has one (YosysHQ/nextpnr#1799).
    """
    cells = module["cells"]
    users = Counter(
        bit
        for cell in cells.values()
        for port, bits in cell["connections"].items()
        if cell["port_directions"][port] == "input"
        for bit in bits
    )
    alus = [cell for cell in cells.values() if cell["type"] == "ALU"]
    whole = {bit for cell in alus for bit in cell["connections"]["COUT"] if users[bit] == 1} | {"0", "1"}
    whole |= {
        bit for cell in cells.values() for port in _LEVELS.get(cell["type"], ()) for bit in cell["connections"][port]
    }
    found = [cell for cell in alus if not whole & {*cell["connections"]["CIN"]}]
    free = max((bit for bit in users if isinstance(bit, int)), default=0) + 1
    free = max(free, *(bit for cell in alus for bit in cell["connections"]["COUT"]), free)
    for number, cell in enumerate(found):
        (carry,), out = cell["connections"]["CIN"], free + 1 + number
        cell["connections"]["CIN"] = [out]
        cells[f"hdlgen_carry_{number}"] = {
            "hide_name": 0,
            "type": "ALU",
            "parameters": {"ALU_MODE": format(2, "032b")},
            "attributes": {},
            "port_directions": cell["port_directions"],
            "connections": {"I0": [carry], "I1": [carry], "I3": ["1"], "CIN": ["0"], "COUT": [out], "SUM": []},
        }
    return len(found)


_LEVELS = {"GND": ("G",), "VCC": ("V",)}
"""Cells of constants and their outputs."""

_GOWIN = Family(
    place_and_route="nextpnr-gowin",
    packer="gowin-pack",
    synthesis="synth_gowin{options} -top {top} -json design.json",
    repair=_whole_carries,
    device="--device {device} --vopt family={option}",
    constrained="--vopt cst={file}",
    harness={
        "gowin-gw1nr9": ("52", "3", "10"),
        "gowin-gw2a18": ("H11", "T10", "L14"),
        "gowin-gw2ar18": ("4", "88", "15"),
        "gowin-gw5a25": ("E2", "H10", "D7"),
    },
    routed="--write {seed}.json",
    pack="-d {option} -o {product} {seed}.json",
    suffix="fs",
    constraints="cst",
    pin=_cst,
    memories=("SDPB", "SDPX9B", "SP", "SPX9", "DPB", "DPX9B", "pROM", "pROMX9"),
    multipliers=("MULT9X9", "MULT18X18", "MULT36X36", "MULTALU18X18", "MULTALU36X18", "MULTADDALU18X18", "MULT12X12"),
    luts=("LUT1", "LUT2", "LUT3", "LUT4"),
    registers="DFF",
)

FAMILIES: Mapping[str, Family] = {
    "ice40": Family(
        place_and_route="nextpnr-ice40",
        packer="icepack",
        synthesis="synth_ice40{options} -top {top} -json design.json",
        infer=" -dsp",
        device="{option} --package {lower}",
        constrained="--pcf {file}",
        free="--pcf-allow-unconstrained",
        routed="--asc {seed}.asc",
        pack="{seed}.asc {product}",
        suffix="bin",
        constraints="pcf",
        pin=_pcf,
        oscillator="set_frequency clk {megahertz}",
        memories=("SB_RAM40_4K",),
        multipliers=("ICESTORM_DSP", "SB_MAC16"),
        luts=("SB_LUT4",),
        registers="SB_DFF",
    ),
    "ecp5": Family(
        place_and_route="nextpnr-ecp5",
        packer="ecppack",
        # Look-up tables of five and six inputs take twice the area of two levels of four, and are no faster here.
        synthesis="synth_ecp5 -nowidelut{options} -top {top} -json design.json",
        no_infer=" -nodsp",  # what Yosys would infer beside the instantiated ones has no registers and costs 4 ns
        repair=carries.shorten,
        device="{option} --package {package} --speed {speed}",
        constrained="--lpf {file}",
        free="--out-of-context",
        routed="--textcfg {seed}.config",
        pack_options=("--compress",),
        pack="--input {seed}.config --bit {product}",
        suffix="bit",
        constraints="lpf",
        pin=_lpf,
        oscillator='FREQUENCY PORT "clk" {megahertz} MHZ;',
        open_ports=True,
        memories=("DP16KD", "PDPW16KD"),
        multipliers=("MULT18X18D", "MULT9X9D"),
        luts=("LUT4",),
        registers="TRELLIS_FF",
    ),
    "gowin": replace(_GOWIN, no_infer=" -nodsp"),
    # Of the RAMs of look-up tables nextpnr has none for this die.
    "gowin5": replace(
        _GOWIN,
        synthesis="synth_gowin -family gw5a -nolutram{options} -top {top} -json design.json",
        device="--device {device} --vopt family={option} --vopt sspi_as_gpio",
    ),
    "gatemate": Family(
        place_and_route="nextpnr-gatemate",
        packer="gmpack",
        # What nextpnr cannot place: multiplexers of eight inputs.
        synthesis="synth_gatemate -luttree -nomx8{options} -top {top} -json design.json",
        device="--device {device}",
        constrained="--vopt ccf={file}",
        routed="--vopt out={seed}.txt",
        pack="{seed}.txt {product}",
        suffix="bit",
        constraints="ccf",
        pin=_ccf,
        memories=("CC_BRAM_20K", "CC_BRAM_40K"),
        multipliers=(),  # those of the netlist are made of the fabric
        luts=("CC_LUT1", "CC_LUT2", "CC_LUT3", "CC_LUT4", "CC_L2T4", "CC_L2T5"),
        registers="CC_DFF",
    ),
    "nexus": Family(
        place_and_route="nextpnr-nexus",
        packer="prjoxide",
        synthesis="synth_nexus{options} -top {top} -json design.json",
        repair=_open_carries,
        device="--device {device}",
        constrained="--pdc {file}",
        harness={"nexus-lifcl-40": ("L13", "G14", "E17")},
        routed="--fasm {seed}.fasm",
        pack="pack {seed}.fasm {product}",
        suffix="bit",
        constraints="pdc",
        pin=_pdc,
        memories=("PDPSC16K", "PDP16K", "DP16K"),
        multipliers=("MULT9X9", "MULT18X18", "MULT18X36", "MULT36X36"),
        luts=("LUT4",),
        registers="FD1P3",
    ),
    "xc7": Family(
        place_and_route="",
        packer="",
        synthesis="synth_xilinx -family xc7 -flatten{options} -top {top} -json design.json",
        device="",
        constrained="",
        routed="",
        pack="",
        suffix="bit",
        constraints="xdc",
        pin=_xdc,
        oscillator="create_clock -name clk -period {ns} [get_ports clk]",
        memories=("RAMB18E1", "RAMB36E1"),
        multipliers=("DSP48E1",),
        luts=("LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6"),
        registers="FD",
    ),
}
"""By the name that `Target.family` uses."""


if __name__ == "__main__":  # a family, a netlist and its top module, as reports have it among the commands
    family, file, top = FAMILIES[sys.argv[1]], Path(sys.argv[2]), sys.argv[3]
    design = json.loads(file.read_text(encoding="utf-8"))
    if family.repair is not None:
        family.repair(design["modules"][top])
    file.write_text(json.dumps(design), encoding="utf-8")
