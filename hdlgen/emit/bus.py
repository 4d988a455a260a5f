"""A core behind the registers of a bus, as files: the wrapper in Verilog, and for software what the registers are.

All of it follows from the manifest of the core and from one description of the registers
(`hdlgen.gateware.bus.registers`). docs/bus.md is the contract.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as XML

from amaranth.hdl import Shape
from amaranth.lib.wiring import In

from hdlgen.emit.around import TEMPLATE, template
from hdlgen.emit.manifest import Bus, Manifest, Port
from hdlgen.emit.verilog import convert
from hdlgen.gateware.bus.fronts import FRONTS
from hdlgen.gateware.bus.registers import ADDRESS_BITS, BusParameters, Field, Register, register_map

__all__ = ["DRIVER", "FOLDER", "bus_files", "bus_of", "bus_parameters"]

FOLDER = "bus"
"""In the design's folder: what is for software."""

DRIVER = ("hdlgen_core.h", "hdlgen_core.c")
"""The driver, the same for all cores."""

ACTIVATION_BITS = 17
"""Of a result that is no sum but an activation, and so has at most 16 bits, in two's complement."""


def bus_of(manifest: Manifest, kind: str) -> Bus:
    """What the manifest of the core says of its wrapper of this ``kind``."""
    top = f"{manifest.top}_{kind.replace('-', '_')}"
    names = ("hdlgen_registers.h", "hdlgen_meaning.h", "registers.svd", "registers.md", TEMPLATE, *DRIVER)
    return Bus(kind=kind, top=top, source=f"rtl/{top}.v", files=tuple(f"{FOLDER}/{name}" for name in names))


def bus_parameters(manifest: Manifest) -> BusParameters:
    """The core of ``manifest`` as a wrapper sees it."""
    form, output, weights = manifest.input, manifest.output, manifest.weights
    joined = ("clk", "rst", "s_axis_", "m_axis_", "frame_error", "load_")
    return BusParameters(
        core=manifest.top,
        beat_bits=form.beat_bits,
        beats=form.beats,
        result_bits=output.bits,
        results=output.width,
        score_bits=min(output.bits, max(manifest.accumulator_bits[-1], ACTIVATION_BITS)),
        signed=form.signed,
        sequences=manifest.sequential,
        every_step=manifest.every_step,
        load=weights.loadable,
        state=weights.source != "rom",
        network=manifest.identity[:4],
        pins=tuple(
            (port.name, port.direction, port.width) for port in manifest.ports if not port.name.startswith(joined)
        ),
    )


def bus_files(manifest: Manifest, kind: str) -> dict[str, str]:
    """All files of the wrapper of this ``kind``, by their names in the design's folder."""
    bus, parameters = bus_of(manifest, kind), bus_parameters(manifest)
    front = FRONTS[kind](parameters)
    registers = register_map(parameters)
    here = Path(__file__).parent / "driver"
    texts = [
        _header(manifest, bus),
        _meaning(manifest, bus),
        _svd(manifest, bus, registers),
        _markdown(manifest, bus, registers),
    ]
    ports = [Port(name=name, direction="input", width=1) for name in ("clk", "rst")]
    ports += [
        Port(name=name, direction="input" if member.flow is In else "output", width=Shape.cast(member.shape).width)
        for name, member in front.signature.members.items()
    ]
    texts.append(template(bus.top, ports, "bus.md"))
    texts += [(here / name).read_text(encoding="utf-8") for name in DRIVER]
    what = f"{bus.top}: {manifest.top} behind the registers of {front.title}"
    return {bus.source: convert(front, bus.top, what), **dict(zip(bus.files, texts, strict=True))}


def _header(manifest: Manifest, bus: Bus) -> str:
    """C: the map of any core, the same for all of them, and in names of its own what is so in this one."""
    own = manifest.top.upper()
    parameters = bus_parameters(manifest)
    # A core with everything: a driver asks at run time what there is.
    everything = register_map(
        replace(parameters, sequences=True, every_step=True, load=True, state=True, result_bits=64)
    )
    lines = [
        "/* Registers of cores by hdlgen (docs/bus.md), and what is so in one. Written by hdlgen; do not edit. */",
        f"#ifndef {own}_REGISTERS_H",
        f"#define {own}_REGISTERS_H",
        "",
        f"/* {bus.top} */",
        f"#define {own}_NETWORK 0x{int.from_bytes(parameters.network, 'little'):08x}u",
        f"#define {own}_INPUTS {manifest.input.width}u",
        f"#define {own}_INPUT_BITS {manifest.input.bits}u",
        f"#define {own}_INPUT_BYTES {manifest.input.bytes_per_element}u",
        f"#define {own}_FRAME_BYTES {manifest.input.width * manifest.input.bytes_per_element}u",
        f"#define {own}_WORDS {parameters.frame_words}u",
        f"#define {own}_RESULTS {parameters.results}u",
        f"#define {own}_LATENCY_CYCLES {manifest.latency_cycles}u",
        "",
        "#endif",
        "",
        "#ifndef HDLGEN_REGISTERS_H",
        "#define HDLGEN_REGISTERS_H",
        "",
        f"#define HDLGEN_SPAN 0x{1 << ADDRESS_BITS:x}u",
    ]
    for register in everything:
        lines += ["", f"/* {register.access.name}: {register.text} */"]
        lines.append(f"#define HDLGEN_{register.name} 0x{register.offset:02x}u")
        if register.name == "ID":
            lines.append(f"#define HDLGEN_ID_VALUE 0x{register.value:08x}u")
        for field in register.fields:
            name = f"HDLGEN_{register.name}_{field.name}"
            lines.append(f"#define {name} 0x{((1 << field.width) - 1) << field.low:08x}u /* {field.text} */")
            lines += [f"#define {name}_SHIFT {field.low}u"] if field.width > 1 else []
    return "\n".join([*lines, "", "#endif", ""])


def _meaning(manifest: Manifest, bus: Bus) -> str:
    """C: what the numbers of a core stand for, and what they are called, where that is known."""
    own, source = manifest.top.upper(), manifest.input
    lines = [
        "/* What the inputs and outputs of a core by hdlgen mean (docs/bus.md). Written by hdlgen; do not edit. */",
        f"#ifndef {own}_MEANING_H",
        f"#define {own}_MEANING_H",
        "",
        f"/* {bus.top} */",
    ]
    if (meaning := source.meaning) is not None:
        counts = f"{source.width}u, {len(meaning.scale)}u, {len(meaning.offset)}u, {source.bytes_per_element}u"
        rounding = f"HDLGEN_{meaning.rounding.upper()}"
        lines += [
            f"#define {own}_SCALES {_braced(map(repr, meaning.scale))}",
            f"#define {own}_OFFSETS {_braced(map(repr, meaning.offset))}",
            f"#define {own}_MEANING(scales, offsets) \\",
            f"    {{scales, offsets, {counts}, {meaning.low}, {meaning.high}, {rounding}}}",
        ]
    for what, names in (("INPUT", source.names), ("OUTPUT", manifest.output.names)):
        lines += [] if names is None else [f"#define {own}_{what}_NAMES {_braced(map(_quoted, names))}"]
    if manifest.output.scale is not None:
        lines.append(f"#define {own}_OUTPUT_SCALE {manifest.output.scale!r}")
    return "\n".join([*lines, "", "#endif", ""])


def _braced(entries: Iterable[str]) -> str:
    """An initialiser, an entry in a line."""
    return "{ \\\n" + ", \\\n".join(f"    {entry}" for entry in entries) + " \\\n}"


def _quoted(text: str) -> str:
    """A string of C: what is not plain as octal bytes of UTF-8."""
    plain = set(range(0x20, 0x7F)) - set(b'"?\\')
    return '"' + "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in text.encode()) + '"'


def _svd(manifest: Manifest, bus: Bus, registers: tuple[Register, ...]) -> str:
    """CMSIS-SVD 1.3.9: a device with one peripheral, at address 0."""
    name = manifest.top
    device = XML.Element(
        "device",
        {
            "schemaVersion": "1.3",
            "xmlns:xs": "http://www.w3.org/2001/XMLSchema-instance",
            "xs:noNamespaceSchemaLocation": "CMSIS-SVD.xsd",
        },
    )
    _say(device, name=name, version=manifest.hdlgen_version, description=f"{bus.top}, written by hdlgen")
    _say(device, addressUnitBits=8, width=32, size=32, resetValue="0x00000000", resetMask="0x00000000")
    peripheral = XML.SubElement(XML.SubElement(device, "peripherals"), "peripheral")
    _say(peripheral, name=name, description=f"{manifest.name} on {FRONTS[bus.kind].title}", baseAddress="0x00000000")
    block = XML.SubElement(peripheral, "addressBlock")
    _say(block, offset="0x0", size=hex(1 << ADDRESS_BITS), usage="registers")
    interrupt = XML.SubElement(peripheral, "interrupt")
    _say(interrupt, name=name, description="irq: an answer is there", value=0)
    there = XML.SubElement(peripheral, "registers")
    for register in registers:
        entry = XML.SubElement(there, "register")
        _say(entry, name=register.name, description=register.text, addressOffset=f"0x{register.offset:02x}")
        _say(entry, size=32, access=register.access.svd)
        if register.value is not None:
            _say(entry, resetValue=f"0x{register.value:08x}", resetMask="0xffffffff")
        if register.takes:
            _say(entry, readAction="modify")
        if register.fields:
            fields = XML.SubElement(entry, "fields")
            for field in register.fields:
                part = XML.SubElement(fields, "field")
                _say(part, name=field.name, description=field.text, bitOffset=field.low, bitWidth=field.width)
                _say(part, access=field.access.svd)
                if field.clear:
                    _say(part, modifiedWriteValues="oneToClear")
    XML.indent(device, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + XML.tostring(device, encoding="unicode") + "\n"


def _say(parent: XML.Element, **members: object) -> None:
    for name, value in members.items():
        XML.SubElement(parent, name).text = str(value)


def _markdown(manifest: Manifest, bus: Bus, registers: tuple[Register, ...]) -> str:
    lines = [
        f"# Registers of {bus.top}",
        "",
        f"{FRONTS[bus.kind].title}, 32 bits, {1 << ADDRESS_BITS} bytes. Written by hdlgen; docs/bus.md of hdlgen says what",
        "can be done with them. Bits in no field are 0.",
        "",
        "| address | register | access | value | meaning |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| 0x{each.offset:02x} | `{each.name}` | {each.access.name} | {_value(each)} | {each.text} |"
            for each in registers
        ),
    ]
    for register in registers:
        if register.fields:
            lines += [
                "",
                f"## {register.name}",
                "",
                "| bits | field | access | meaning |",
                "| --- | --- | --- | --- |",
            ]
            lines += [
                f"| {_bits(field)} | `{field.name}` | {_access(field)} | {field.text} |" for field in register.fields
            ]
    return "\n".join(lines) + "\n"


def _value(register: Register) -> str:
    return "" if register.value is None else f"0x{register.value:08x}" + ("" if register.constant else " at first")


def _bits(field: Field) -> str:
    return f"{field.low}" if field.width == 1 else f"{field.low + field.width - 1}:{field.low}"


def _access(field: Field) -> str:
    return "read, 1 clears" if field.clear else field.access.name
