"""Synthesis, place and route of an emitted core: out of context for a device, or with its self-test for a board.

Yosys runs once, place and route once for each seed. What is reported is the median over the seeds; a single lucky
seed says little. Everything runs in a temporary folder, on copies of those sources whose hashes are the manifest's.

What is found out before it takes hours: a device that cannot hold the design (from the manifest, before Yosys; from
the netlist, before place and route), and a netlist from which the weights or the multipliers have vanished.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from tqdm import tqdm

from hdlgen.emit import read_words
from hdlgen.emit.manifest import Manifest, check_sources, read_manifest
from hdlgen.errors import InputError, Refused
from hdlgen.files import atomic_write
from hdlgen.flow import clock as clocks
from hdlgen.flow import selftest, tools
from hdlgen.flow.boards import Board, constraints
from hdlgen.flow.flash_pins import FlashPins
from hdlgen.flow.needs import Needs, refuse_if_too_small
from hdlgen.flow.pll import Setting, fastest_setting, nearest_setting
from hdlgen.flow.synth_report import Bitstream, BoardTop, SelfTest, SynthesisReport, write_report
from hdlgen.golden import read_array
from hdlgen.targets import FORMATS, Target

__all__ = ["BoardTop", "SynthesisReport", "check_netlist", "pin_harness", "run_tool", "synthesise", "write_report"]

_ROUTE_SECONDS = 600
"""After so long router1 is given up and router2 tried: it finishes some crowded designs that router1 never does. With 64
lanes router1 takes four minutes, or has a few dozen nets left that it never routes."""

_RIP_UP_LUTS = 8000
"""Up to so many look-up tables timing-driven rip-up is tried; with more of them it takes hours."""

_RIP_UP_SECONDS = 600
"""After so long timing-driven rip-up is given up."""

_CONFIRMATIONS = 3
"""Place and route at the chosen clock is tried so often, each time slower, if it reaches less than at the first aim."""

_HARNESS = "hdlgen_pins"

_HARNESS_PINS = {
    "gowin-gw1nr9": 'IO_LOC "clk" 52;\nIO_LOC "d" 3;\nIO_LOC "q" 10;\n',
    "gowin-gw2a18": 'IO_LOC "clk" H11;\nIO_LOC "d" T10;\nIO_LOC "q" L14;\n',
}
"""Pins of the harness; nextpnr for Gowin wants all of them placed."""

_EBR = re.compile(r"^\.tile_group MIB_R(\d+)C(\d+):.*\nword: EBR(\d)\.WID ([01]+)$", re.MULTILINE)
"""A block RAM in the text form of an ECP5 bitstream: row, column, which one there, and its number, lowest bit first."""

_FULL = re.compile(
    r"no BELs remaining|Failed to expand region|Unable to (?:place|find legal)|[Ff]ailed to place|"
    r"unable to find .* location"
)
"""What nextpnr says when the device has no room."""

_NOT_CELLS = frozenset({"GND", "VCC", "GSR", "DUMMY_CELL"})
"""What nextpnr counts besides the cells of a design."""


@dataclass(frozen=True, kw_only=True)
class _Family:
    """How the tools of one family are called.

    Yosys infers multipliers (``infer``) only where the sources instantiate none (otherwise ``no_infer``).
    """

    place_and_route: str
    synthesis: str
    infer: str
    no_infer: str
    memories: tuple[str, ...]
    multipliers: tuple[str, ...]
    luts: tuple[str, ...]
    registers: str


_FAMILIES: Mapping[str, _Family] = {
    # Never -dsp with multipliers that the sources instantiate: it makes something else of them, without a word.
    "ice40": _Family(
        place_and_route="nextpnr-ice40",
        synthesis="synth_ice40{options} -top {top} -json design.json",
        infer=" -dsp",
        no_infer="",
        memories=("SB_RAM40_4K",),
        multipliers=("SB_MAC16",),
        luts=("SB_LUT4",),
        registers="SB_DFF",
    ),
    "ecp5": _Family(
        place_and_route="nextpnr-ecp5",
        # Look-up tables of five and six inputs take twice the area of two levels of four, and are no faster here.
        synthesis="synth_ecp5 -nowidelut{options} -top {top} -json design.json",
        infer="",
        no_infer=" -nodsp",  # what Yosys would infer beside the instantiated ones has no registers and costs 4 ns
        memories=("DP16KD", "PDPW16KD"),
        multipliers=("MULT18X18D", "MULT9X9D"),
        luts=("LUT4",),
        registers="TRELLIS_FF",
    ),
    "gowin": _Family(
        place_and_route="nextpnr-gowin",
        synthesis="synth_gowin{options} -top {top} -json design.json",
        infer="",
        no_infer="",  # no vendor sources: always inferred
        memories=("SDPB", "SDPX9B", "SP", "SPX9", "DPB", "DPX9B", "pROM", "pROMX9"),
        multipliers=("MULT9X9", "MULT18X18", "MULT36X36", "MULTALU18X18", "MULTALU36X18", "MULTADDALU18X18"),
        luts=("LUT1", "LUT2", "LUT3", "LUT4"),
        registers="DFF",
    ),
}


def synthesise(
    directory: str | os.PathLike[str],
    *,
    target: Target | None = None,
    board: Board | None = None,
    seeds: Sequence[int] = (1,),
    frequency: float | None = None,
    clock: float | str | None = None,
    images: int | None = None,
    board_top: Callable[[Board, Setting], BoardTop] | None = None,
    bitstream: str | os.PathLike[str] | None = None,
    keep_build: str | os.PathLike[str] | None = None,
    tool_overrides: Mapping[str, str] | None = None,
    progress: bool = False,
) -> SynthesisReport:
    """Synthesise the core in ``directory``.

    Parameters
    ----------
    target, board
        Exactly one of them. For a board the design is the self-test around the core, and a bitstream is made.
    seeds
        Of place and route, at least one.
    frequency
        What place and route aims at, MHz (target only). Default: the target's.
    clock
        Of a board's design: MHz, or "oscillator". Default: the fastest that the PLL makes and that stays the target's
        ``margin`` (or the oscillator's tolerance, if that is larger) below what place and route reaches, and below the
        target's ``multiplier_ceiling``; place and route then runs once more at this clock, with the best seed.
    images
        Inputs stored in the self-test. Default: what fits easily, at most 8.
    board_top
        Makes another design for the board than the self-test. It is asked again when the clock is chosen; if its Verilog
        depends on the clock, Yosys runs again too.
    bitstream
        Where the bitstream goes (board only). Default: ``DIR/synth-<board>.<bin, bit or fs>``.
    keep_build
        A folder that must not exist; receives everything the tools read and wrote.

    Raises
    ------
    InputError
        If the folder is not a design, the device is too small for it, or a tool is missing.
    Refused
        If the netlist lacks what the design must have, or the clock asked for, or any, is too fast for it.
    """
    if (target is None) == (board is None):
        raise ValueError("exactly one of target and board")
    if not seeds or any(not 0 <= seed < 1 << 31 for seed in seeds):
        raise ValueError(f"seeds {list(seeds)}; allowed are non-negative integers, at least one")
    root = Path(directory)
    device = board.target if board is not None else target
    assert device is not None
    family = _FAMILIES[device.family]
    manifest = read_manifest(root)
    check_sources(root, manifest)
    need = refuse_if_too_small(manifest, device, str(root))
    sources, vendor, notes = _sources(manifest, device)
    if board is not None and frequency is not None:
        raise InputError(f"--freq {frequency:g}: allowed with --target; with --board, --clock says how fast it runs")
    setting = _first_setting(board, clock) if board is not None else None
    aim = setting.megahertz if setting is not None else frequency or device.frequency
    used = {name: tools.find(name, tool_overrides) for name in _tool_names(device, board)}
    destination = _destination(root, board, bitstream)

    with (
        tempfile.TemporaryDirectory(prefix="hdlgen-synth-") as scratch,
        tqdm(total=1 + len(seeds), disable=None if progress else True, leave=False, unit="step") as bar,
    ):
        build = Path(scratch)
        _copy(root, manifest, build)
        files = list(sources)
        test: selftest.SelfTestParameters | None = None
        top = manifest.top
        plugged: BoardTop | None = None
        if board is not None and board_top is not None:
            assert setting is not None
            plugged = board_top(board, setting)
            (build / "board_top.v").write_text(plugged.verilog, encoding="utf-8")
            files += ["board_top.v", "clock.v"]
            top = plugged.name
            name, text = constraints(board, plugged.pins)
            (build / name).write_text(text, encoding="utf-8")
        elif board is not None:
            assert setting is not None
            test = _self_test(root, manifest, board, need, images, setting)
            test = dataclasses.replace(test, family=device.family if device.family in FORMATS else None)
            (build / "selftest.v").write_text(selftest.to_verilog(test), encoding="utf-8")
            files += ["selftest.v", "clock.v"]
            top = selftest.TOP
            flash_pins = {} if test.flash is None else test.flash.pins(board)
            name, text = constraints(board, {**board.pins, **flash_pins})
            (build / name).write_text(text, encoding="utf-8")
        elif device.family != "ecp5":
            # Only nextpnr-ecp5 can leave the ports without pins, and there are more ports than pins.
            (build / "pins.v").write_text(pin_harness(manifest), encoding="utf-8")
            (build / "pins.cst").write_text(_HARNESS_PINS.get(device.name, ""), encoding="utf-8")
            files.append("pins.v")
            top = _HARNESS
            registers, luts = _harness_size(manifest)
            notes.append(
                f"{device.family} has no out-of-context mode: all ports are registered and brought to three pins, "
                f"with {registers} flip-flops and about {luts} look-up tables"
            )
        commands: list[str] = []
        counts: Counter[str] = Counter()
        options = family.no_infer if vendor or device.resources.dsps == 0 else family.infer
        script = family.synthesis.format(options=options + device.yosys, top=top)

        reset_cycles = round(aim * 200)  # 200 microseconds at the first aim

        def write_clock(board: Board, setting: Setting) -> None:
            parameters = clocks.for_board(board, setting, reset_cycles=reset_cycles)
            (build / "clock.v").write_text(clocks.to_verilog(parameters), encoding="utf-8")

        def run_yosys() -> None:
            nonlocal test
            bar.set_description("yosys")
            netlist = _synthesise(build, used["yosys"], script, files, top, commands)
            if test is not None and test.family is not None and _is_full(netlist, device, family):
                # Without room for the expected results the self-test still works, though only with these weights.
                test = dataclasses.replace(test, family=None)
                (build / "selftest.v").write_text(selftest.to_verilog(test), encoding="utf-8")
                commands.pop()
                netlist = _synthesise(build, used["yosys"], script, files, top, commands)
            counts.clear()
            counts.update(_cell_counts(netlist))
            check_netlist(netlist, manifest, device, ones=_ones(root, manifest), where=str(root))
            _refuse_if_full(counts, device, family, str(root))

        cells: dict[str, tuple[int, int]] = {}

        def run_nextpnr(seed: int, aim: float, rip_up: bool) -> tuple[float, str]:
            bar.set_description(f"place and route, seed {seed}")
            report, router = _place_and_route(
                build,
                used[family.place_and_route],
                device,
                board,
                seed,
                aim,
                commands,
                str(root),
                rip_up=rip_up and sum(counts[name] for name in family.luts) <= _RIP_UP_LUTS,
            )
            cells.clear()
            cells.update(_cells(report["utilization"], device, str(root)))
            return _fmax(report, build), router

        if board is not None:
            assert setting is not None
            write_clock(board, setting)
        run_yosys()
        ceiling = device.multiplier_ceiling if any(counts[name] for name in family.multipliers) else None
        if ceiling is not None:
            notes.append(
                "nextpnr has no delays for the multipliers of this device: Fmax leaves out the paths through them; a "
                f"board's clock is chosen at most {ceiling:g} MHz"
            )
        bar.update()
        outcomes: list[tuple[int, float, str]] = []
        for seed in seeds:
            # Where a clock is still to be chosen, the aim is out of reach, and rip-up would try for ever.
            outcomes.append((seed, *run_nextpnr(seed, aim, rip_up=board is None or clock is not None)))
            bar.update()

        made: Bitstream | None = None
        clocking: dict[str, Any] | None = None
        if board is not None:
            assert setting is not None
            assert destination is not None
            good, reached, _ = max(outcomes, key=lambda outcome: outcome[1])
            runs = [{"aim_mhz": round(aim, 3), "fmax_mhz": round(reached, 2), "seed": good}]
            margin = max(device.margin, board.clock.tolerance)
            while clock is None:
                limit = Fraction(reached).limit_denominator(1000) * (1 - margin) * 1_000_000
                if ceiling is not None:
                    limit = min(limit, Fraction(ceiling) * 1_000_000)
                chosen = fastest_setting(device.pll, board.clock.source, limit, board.clock.tolerance)
                if chosen is None:
                    raise Refused(
                        f"{root}: {board.title}: the design reaches {reached:.2f} MHz, which is less than the slowest "
                        f"clock of the board with {float(100 * margin):g} % of margin; no bitstream was made; try more "
                        f"--seeds or fewer lanes"
                    )
                if chosen.frequency == setting.frequency:
                    break
                write_clock(board, chosen)
                before = plugged
                if board_top is not None:
                    plugged = board_top(board, chosen)
                    (build / "board_top.v").write_text(plugged.verilog, encoding="utf-8")
                same = before is None or plugged is None or before.verilog == plugged.verilog
                if same and setting.primitive is not None and chosen.primitive is not None:
                    _change_clock(build, top, chosen)
                else:
                    run_yosys()
                setting = chosen
                reached, _ = run_nextpnr(good, setting.megahertz, rip_up=True)
                runs.append({"aim_mhz": round(setting.megahertz, 3), "fmax_mhz": round(reached, 2), "seed": good})
                if reached >= setting.megahertz or len(runs) > _CONFIRMATIONS:
                    break
            if reached < setting.megahertz:
                raise Refused(
                    f"{root}: {board.title} was to run at {setting.megahertz:g} MHz and the design reaches "
                    f"{reached:.2f} MHz at best over {len(seeds)} seed(s); no bitstream was made; try a slower --clock, "
                    f"more --seeds or fewer lanes"
                )
            packed = _pack(build, used, device, board, good, commands)
            atomic_write(destination, packed)
            made = Bitstream(
                file=destination.name,
                bytes=len(packed),
                sha256=hashlib.sha256(packed).hexdigest(),
                seed=good,
                fmax_mhz=round(reached, 2),
                pack=_pack_options(device, board),
                memories=_memory_map(build, device, good),
            )
            clocking = _clocking(board, setting, clock, margin, runs)
        if keep_build is not None:
            if Path(keep_build).exists():
                raise InputError(f"{keep_build}: exists already; name a folder that does not")
            shutil.copytree(build, keep_build)

    return SynthesisReport(
        design=manifest.name,
        top=manifest.top,
        target=device,
        board=board,
        lanes=manifest.lanes,
        latency_cycles=manifest.latency_cycles,
        interval_cycles=manifest.interval_cycles,
        mean_cycles=manifest.mean_cycles,
        frequency=aim,
        fmax=tuple(outcomes),
        cells=cells,
        netlist=dict(sorted(counts.items())),
        memory_bits=need.purposes,
        tools={name: tool.version for name, tool in sorted(used.items())},
        commands=tuple(commands),
        sources={name: manifest.sources_sha256[name] for name in sources},
        notes=tuple(notes),
        bitstream=made,
        setting=setting,
        clocking=clocking,
        board_top=plugged,
        self_test=None if test is None or board is None else _stored(test, board),
    )


def _stored(test: selftest.SelfTestParameters, board: Board) -> SelfTest:
    """What the report says of the self-test."""
    fail = board.led_fail
    return SelfTest(
        images=len(test.lengths) or len(test.expected),
        rom_bits=test.rom_bits,
        input_rom="block RAM" if test.block_rom else "logic",
        expected="logic" if test.family is None else "block RAM",
        led_pass=f"pin {board.led_pass.pin}",
        led_fail=f"pin {fail.pin}" if fail is not None else "none: the other one blinks",
    )


# -------------------------------------------------------------------------------------------------------------- clock


def _first_setting(board: Board, clock: float | str | None) -> Setting:
    """The clock asked for, or the one that place and route aims at first."""
    pll, source, tolerance = board.target.pll, board.clock.source, board.clock.tolerance
    if clock is None:
        aim = fastest_setting(pll, source, Fraction(board.target.frequency) * 1_000_000, tolerance)
        return aim if aim is not None else nearest_setting(pll, source, source, tolerance)
    if clock == "oscillator":
        return Setting(frequency=source, primitive=None, parameters={})
    assert not isinstance(clock, str), clock
    wish = Fraction(clock).limit_denominator(1_000_000) * 1_000_000
    setting = nearest_setting(pll, source, wish, tolerance)
    if abs(setting.frequency - wish) > wish / 100:
        raise InputError(
            f"--clock {clock:g}: {board.title} cannot make it from {board.clock.frequency / 1e6:g} MHz; the nearest is "
            f"{setting.megahertz:.6g} (MHz)"
        )
    return setting


def _change_clock(build: Path, top: str, setting: Setting) -> None:
    """Another setting of the PLL, in the netlist that is there."""
    design = json.loads((build / "design.json").read_text(encoding="utf-8"))
    clocks.change_setting(design["modules"][top], setting)
    (build / "design.json").write_text(json.dumps(design), encoding="utf-8")


def _clocking(
    board: Board, setting: Setting, clock: float | str | None, margin: Fraction, runs: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "mhz": round(setting.megahertz, 6),
        "source": "oscillator" if setting.primitive is None else "PLL",
        "oscillator_mhz": board.clock.frequency / 1e6,
        "primitive": setting.primitive,
        "parameters": dict(setting.parameters),
        "vco_mhz": round(float(setting.vco) / 1e6, 6),
        "chosen": "fastest with margin" if clock is None else "asked for",
        "margin": float(margin) if clock is None else None,
        "runs": runs,
    }


# ------------------------------------------------------------------------------------------------------------- inputs


def _sources(manifest: Manifest, device: Target) -> tuple[tuple[str, ...], bool, list[str]]:
    """Which sources to synthesise, whether they are made for the family or generic, and notes."""
    notes: list[str] = []
    if manifest.sequential:
        notes.append("a recurrent core: interval and inferences/s are those of a time step")
    key = device.family
    if device.resources.dsps == 0:
        key = f"{device.family}-logic"
        if manifest.products:
            notes.append(f"{device.name} has no multipliers: products in logic")
    files = manifest.synthesis.get(key, manifest.sources)
    return files, files != manifest.sources, notes


def _copy(root: Path, manifest: Manifest, build: Path) -> None:
    """Copy all files of the design: sources may read memory images."""
    for name in manifest.design_files:
        (build / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, build / name)


def _tool_names(device: Target, board: Board | None) -> list[str]:
    names = ["yosys", _FAMILIES[device.family].place_and_route]
    if board is not None:
        names.append({"ice40": "icepack", "ecp5": "ecppack", "gowin": "gowin-pack"}[device.family])
    return names


def _destination(root: Path, board: Board | None, bitstream: str | os.PathLike[str] | None) -> Path | None:
    if board is None:
        return None
    path = Path(bitstream) if bitstream is not None else root / f"synth-{board.name}.{board.suffix}"
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"{path}: cannot be written; name a file in a writable folder with -o")
    return path


def _self_test(
    root: Path, manifest: Manifest, board: Board, need: Needs, images: int | None, setting: Setting
) -> selftest.SelfTestParameters:
    weights = manifest.weights
    if weights.fill == "port":
        raise InputError(
            f"{root}: the weights are in single-port RAM, which the self-test cannot fill; compile with --fill flash, or "
            f"take --top serial"
        )
    most = len(read_array(root / manifest.vectors["lengths" if manifest.sequential else "x"]))
    if images is not None and not 1 <= images <= most:
        raise InputError(f"--images {images}: allowed are 1 to {most}, the vectors in {root}")
    options: dict[str, Any] = {
        "pass_active_low": board.led_pass.active_low,
        "fail_active_low": board.led_fail is not None and board.led_fail.active_low,
        "load_port": weights.loadable,
        "flash": FlashPins.for_board(manifest, board, str(root)),
        "clock_pin": board.clock.pin is not None,
        "button": board.reset is not None,
        "fail_led": board.led_fail is not None,
        # About half a second.
        "blink_bits": (int(setting.frequency) // 2).bit_length(),
    }

    def test(count: int) -> selftest.SelfTestParameters:
        return selftest.stored(root, manifest, count, **options)

    have = board.target.resources
    # Memories are wider than deep and waste some of their blocks: half of what is left over by the sum of bits.
    free = max(0, have.memory_bits - need.memory_bits - have.memory_bits // 8) // 2
    budget = 16 * have.luts // 10  # bits in a tenth of the logic

    def block_rom(bits: int) -> bool:
        """If logic is too little; also if there is plenty of block RAM, because a large memory of logic is slow."""
        return budget < bits < free or 4096 < bits < free // 4

    if images is not None:
        wanted = test(images)
        return dataclasses.replace(wanted, block_rom=block_rom(wanted.rom_bits))
    best = test(1)
    for count in range(2, min(8, most) + 1):
        candidate = test(count)
        if candidate.rom_bits > max(free, budget):
            break
        best = candidate
    return dataclasses.replace(best, block_rom=block_rom(best.rom_bits))


def _harness_ports(manifest: Manifest, direction: str) -> list[tuple[str, int]]:
    """Inputs or outputs of the core, (name, width), but for its clock."""
    return [(p.name, p.width) for p in manifest.ports if p.direction == direction and p.name != "clk"]


def _harness_size(manifest: Manifest) -> tuple[int, int]:
    """Flip-flops, and about how many look-up tables."""
    inputs, outputs = (
        sum(width for _, width in _harness_ports(manifest, direction)) for direction in ("input", "output")
    )
    groups = -(-outputs // 4)
    return inputs + outputs + 2 * groups + 1, 2 * groups


def pin_harness(manifest: Manifest) -> str:
    """Verilog of a top that brings all ports of the core to three pins.

    Every input of the core comes from a flip-flop (of one long shift register) and every output goes to one, so that
    the paths inside the core are those that limit the clock, and nothing of the core can be removed.
    """
    connections, sizes = ["    .clk(clk)"], []
    for vector, direction in (("in", "input"), ("out", "output")):
        at = 0
        for name, width in _harness_ports(manifest, direction):
            connections.append(f"    .{name}({vector}[{at + width - 1}:{at}])")
            at += width
        sizes.append(at)
    inputs, outputs = sizes
    groups = -(-outputs // 4)
    listed = ",\n".join(connections)
    return f"""module {_HARNESS}(input clk, input d, output reg q);
  reg [{inputs - 1}:0] in;
  wire [{4 * groups - 1}:0] out;
  reg [{4 * groups - 1}:0] held;
  reg [{groups - 1}:0] part;
  reg [{groups - 1}:0] sum;
  integer k;
  always @(posedge clk) begin
    in <= {{in[{inputs - 2}:0], d}};
    held <= out;
    // Never more than four bits a stage: one look-up table.
    for (k = 0; k < {groups}; k = k + 1) part[k] <= ^held[4*k +: 4];
    sum <= {{sum[{groups - 2}:0], 1'b0}} ^ part;
    q <= sum[{groups - 1}];
  end
  {manifest.top} core(
{listed});
{f"  assign out[{4 * groups - 1}:{outputs}] = 0;" if outputs % 4 else ""}
endmodule
"""


# ------------------------------------------------------------------------------------------------------------ netlist


def _synthesise(
    build: Path, yosys: tools.Tool, synthesis: str, files: Sequence[str], top: str, commands: list[str]
) -> dict[str, Any]:
    script = f"read_verilog {' '.join(files)}; {synthesis}"
    arguments = ["-q", "-l", "yosys.log", "-p", script]
    _run(build, yosys, arguments, commands, "yosys.log")
    modules = json.loads((build / "design.json").read_text(encoding="utf-8"))["modules"]
    netlist: dict[str, Any] = modules[top]
    return netlist


def _ones(root: Path, manifest: Manifest) -> int | None:
    """How many bits of the weight images are 1; None if the weights are beside the device."""
    if manifest.weights.source == "flash":
        return None
    names = [name for name in manifest.sources_sha256 if name.endswith(".hex") and "weight" in Path(name).name]
    return sum(word.bit_count() for name in names for word in read_words(root / name))


def check_netlist(
    netlist: Mapping[str, Any], manifest: Manifest, device: Target, *, ones: int | None, where: str
) -> None:
    """Make sure that the weights and the multipliers are still there.

    A ROM whose file was not found reads as zero; then everything behind it is removed, and synthesis reports success
    with very good numbers.

    Parameters
    ----------
    netlist : mapping
        The top module in Yosys' JSON.
    ones : int or None
        Number of 1 bits in the weight images, if known.

    Raises
    ------
    Refused
        If the initial contents of the block RAMs hold fewer than half of the ones, or there are neither block RAMs
        nor enough look-up tables for the weights; if there are fewer multipliers than the lanes need; if nearly all
        flip-flops are gone.
    """
    family = _FAMILIES[device.family]
    counts: Counter[str] = Counter()
    stored = 0
    for cell in netlist["cells"].values():
        kind = cell["type"].lstrip("\\")
        counts[kind] += 1
        if kind in family.memories:
            stored += sum(
                value.count("1")
                for name, value in cell.get("parameters", {}).items()
                if name.startswith("INIT") and isinstance(value, str)
            )
    weights = manifest.memory_bits["weights"]
    blocks = sum(counts[name] for name in family.memories)
    luts = sum(counts[name] for name in family.luts)
    registers = sum(number for name, number in counts.items() if name.startswith(family.registers))
    lost = "; synthesis removed a part of the design: are all memory images found?"
    if registers < 16:
        raise Refused(f"{where}: the netlist has {registers} flip-flops and {luts} look-up tables{lost}")
    if manifest.weights.source == "spram":
        if not counts["SB_SPRAM256KA"]:
            raise Refused(f"{where}: the netlist has no single-port RAM for {weights:,} bits of weights{lost}")
    elif blocks * device.resources.memory_block_bits >= weights > 0:
        if ones is not None and 2 * stored < ones:
            raise Refused(
                f"{where}: the block RAMs of the netlist hold {stored:,} ones, the weight images {ones:,}{lost}"
            )
    elif 64 * luts < weights:
        raise Refused(
            f"{where}: the netlist has {blocks} block RAMs and {luts} look-up tables for {weights:,} bits of "
            f"weights{lost}"
        )
    multipliers = sum(counts[name] for name in family.multipliers)
    lanes = manifest.products
    if device.resources.dsps and multipliers * device.resources.products_per_dsp < lanes and 16 * lanes > luts:
        raise Refused(f"{where}: the netlist has {multipliers} multipliers for {lanes} lanes{lost}")


def _cell_counts(netlist: Mapping[str, Any]) -> Counter[str]:
    return Counter(cell["type"].lstrip("\\") for cell in netlist["cells"].values())


def _is_full(netlist: Mapping[str, Any], device: Target, family: _Family) -> bool:
    counts = _cell_counts(netlist)
    return sum(counts[name] for name in family.memories) > device.resources.memory_blocks


def _refuse_if_full(counts: Mapping[str, int], device: Target, family: _Family, where: str) -> None:
    have = device.resources
    for what, names, available in (
        ("block RAMs", family.memories, have.memory_blocks),
        ("multipliers", family.multipliers, have.dsps * (1 if device.family != "gowin" else 2)),
    ):
        needed = sum(counts.get(name, 0) for name in names)
        if needed > available:
            raise InputError(
                f"{where}: needs {needed} {what} after synthesis; {device.name} ({device.device}) has {available}; "
                f"take a larger device, fewer lanes or fewer paths"
            )


# ---------------------------------------------------------------------------------------------------- place and route


def _place_and_route(
    build: Path,
    nextpnr: tools.Tool,
    device: Target,
    board: Board | None,
    seed: int,
    frequency: float,
    commands: list[str],
    where: str,
    *,
    rip_up: bool,
) -> tuple[dict[str, Any], str]:
    """One seed: the report of nextpnr and the router that finished."""
    constraint = constraints(board)[0] if board is not None else None
    files = {
        "ice40": ["--asc", f"{seed}.asc"] + (["--pcf", constraint] if constraint else ["--pcf-allow-unconstrained"]),
        "ecp5": ["--textcfg", f"{seed}.config", "--lpf", constraint] if constraint else ["--out-of-context"],
        "gowin": ["--write", f"{seed}.json", "--vopt", f"cst={constraint or 'pins.cst'}"],
    }[device.family]
    if board is not None and device.family in FORMATS:
        files += ["--write", f"{seed}.placed.json"]
    log, report = f"{seed}.log", f"{seed}.report.json"
    arguments = [
        "-q",
        "-l",
        log,
        *device.place_and_route,
        "--json",
        "design.json",
        *files,
        "--freq",
        f"{frequency:g}",
        "--seed",
        str(seed),
        "--timing-allow-fail",
        "--report",
        report,
    ]
    # Timing-driven rip-up gives some 5 % more in seconds, but does not end for some seeds.
    attempts: tuple[tuple[str, list[str], int], ...] = (
        *([("router1", ["--tmg-ripup"], _RIP_UP_SECONDS)] if rip_up else []),
        ("router1", [], _ROUTE_SECONDS),
        ("router2", [], _ROUTE_SECONDS),
    )
    for number, (router, options, seconds) in enumerate(attempts, 1):
        try:
            _run(build, nextpnr, [*arguments, "--router", router, *options], commands, log, timeout=seconds)
        except _ToolError as error:
            if error.full:
                raise InputError(f"{where}: does not fit {device.name} ({device.device}): {error}") from None
            if number == len(attempts):
                raise
            commands.pop()
        except subprocess.TimeoutExpired:
            if number == len(attempts):
                raise Refused(
                    f"{where}: neither router finished within {_ROUTE_SECONDS} s on {device.name}; the device is too "
                    f"full or the design too entangled: take a larger device or fewer lanes"
                ) from None
            commands.pop()
        else:
            break
    result: dict[str, Any] = json.loads((build / report).read_text(encoding="utf-8"))
    return result, router


def _cells(utilization: Mapping[str, Any], device: Target, where: str) -> dict[str, tuple[int, int]]:
    """Used and available cells by type; what the target holds counts where nextpnr would use more (LFE5U-12F)."""
    have = device.resources
    limits = {device.cells["logic"]: have.luts, device.cells["memory"]: have.memory_blocks}
    cells: dict[str, tuple[int, int]] = {}
    for name, entry in sorted(utilization.items()):
        if not entry["used"] or name in _NOT_CELLS:
            continue
        available = min(entry["available"], limits.get(name, entry["available"]))
        if entry["used"] > available:
            raise InputError(
                f"{where}: needs {entry['used']:,} of {name}; {device.name} ({device.device}) has {available:,}; take a "
                f"larger device, fewer lanes or fewer paths"
            )
        cells[name] = (entry["used"], available)
    return cells


def _fmax(report: Mapping[str, Any], build: Path) -> float:
    """The slowest clock of nextpnr's final report, MHz."""
    achieved = [float(clock["achieved"]) for clock in report["fmax"].values()]
    if not achieved:
        raise Refused("place and route reports no clock: there are no paths between flip-flops in the design")
    return min(achieved)


def _memory_map(build: Path, device: Target, seed: int) -> dict[str, dict[str, str]]:
    """Where the blocks of the read-only memories are in the bitstream: memory -> block -> name of the block's contents.

    The name is that of the unpacked bitstream: column and row on an iCE40, a number on an ECP5.
    """
    if device.family not in FORMATS:
        return {}
    placed = json.loads((build / f"{seed}.placed.json").read_text(encoding="utf-8"))
    numbers = {}
    if device.family == "ecp5":
        text = (build / f"{seed}.config").read_text(encoding="utf-8")
        for row, column, block, bits in _EBR.findall(text):
            numbers[f"X{column}/Y{row}/EBR{block}"] = str(int(bits[::-1], 2))
    found: dict[str, dict[str, str]] = {}
    for module in placed["modules"].values():
        for cell in module["cells"].values():
            name = cell["attributes"].get("hdlgen_rom")
            if name is not None:
                at = cell["attributes"]["NEXTPNR_BEL"]
                place = numbers[at] if numbers else " ".join(re.findall(r"[0-9]+", at))
                found.setdefault(name, {})[cell["attributes"]["hdlgen_block"]] = place
    return {name: dict(sorted(blocks.items())) for name, blocks in sorted(found.items())}


def _pack_options(device: Target, board: Board) -> tuple[str, ...]:
    return (*board.pack, *(("--compress",) if device.family == "ecp5" else ()))


def _pack(
    build: Path, used: Mapping[str, tools.Tool], device: Target, board: Board, seed: int, commands: list[str]
) -> bytes:
    if device.family == "ice40":
        name, arguments, product = "icepack", [f"{seed}.asc", "bitstream.bin"], "bitstream.bin"
    elif device.family == "ecp5":
        name, product = "ecppack", "bitstream.bit"
        arguments = ["--input", f"{seed}.config", "--bit", product]
    else:
        name, product = "gowin-pack", "bitstream.fs"
        arguments = ["-d", device.option, "-o", product, f"{seed}.json"]
    _run(build, used[name], [*_pack_options(device, board), *arguments], commands, None)
    return (build / product).read_bytes()


# -------------------------------------------------------------------------------------------------------------- tools


class _ToolError(Refused):
    """A tool failed; ``full`` if it says that the device has no room."""

    def __init__(self, message: str, full: bool):
        super().__init__(message)
        self.full = full


def _run(
    build: Path,
    tool: tools.Tool,
    arguments: Sequence[str],
    commands: list[str],
    log: str | None,
    timeout: float | None = None,
) -> None:
    """Run a tool in the build folder; its last error line is the message if it fails.

    Names are relative: WebAssembly builds have a file system of their own.
    """
    commands.append(" ".join([tool.name, *(_quoted(word) for word in arguments)]))
    with _child([*tool.command, *arguments], cwd=build, env=tool.full_environment()) as process:
        output = process.communicate(timeout=timeout)[0].decode(errors="replace")
    if process.returncode:
        text = output
        if log is not None and (build / log).is_file():
            text += (build / log).read_text(encoding="utf-8", errors="replace")
        errors = [line.strip() for line in text.splitlines() if line.startswith("ERROR")]
        lines = text.strip().splitlines()
        # A tool that ran out of memory or stack says nothing.
        line = errors[0] if errors else f"exit status {process.returncode} after: {lines[-1] if lines else 'nothing'}"
        full = _FULL.search(line)
        raise _ToolError(f"{tool.name} failed: {line}", full is not None)


def run_tool(build: Path, tool: tools.Tool, arguments: Sequence[str]) -> None:
    """Run a tool in the folder ``build``; names are relative to it. Raises :class:`Refused` with its last error line."""
    _run(build, tool, arguments, [], None)


def _quoted(word: str) -> str:
    return f"'{word}'" if re.search(r"[^A-Za-z0-9_./=,+-]", word) else word


@contextlib.contextmanager
def _child(command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A child that ends with us, whatever it has started itself."""
    process = subprocess.Popen(
        command,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **options,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
