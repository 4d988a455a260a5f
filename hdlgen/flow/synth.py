"""Synthesis, place and route of an emitted core: out of context for a device, or with its self-test for a board.

Yosys runs once, place and route once for each seed. What is reported is the median over the seeds; a single lucky
seed says little. Everything runs in a temporary folder, on copies of those sources whose hashes are the manifest's.

What is found out before it takes hours: a device that cannot hold the design (from the manifest, before Yosys; from
the netlist, before place and route), and a netlist from which the weights or the multipliers have vanished.
"""

import dataclasses
import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from tqdm import tqdm

from hdlgen.emit.manifest import Manifest, check_sources, read_manifest
from hdlgen.errors import InputError, Refused
from hdlgen.files import atomic_write
from hdlgen.flow import clock as clocks
from hdlgen.flow import netlist as netlists
from hdlgen.flow import selftest
from hdlgen.flow.boards import Board, Pin, constraints
from hdlgen.flow.families import FAMILIES
from hdlgen.flow.front import Front
from hdlgen.flow.inputs import read_inputs
from hdlgen.flow.pll import Setting, fastest_setting, nearest_setting
from hdlgen.flow.pool import Pool
from hdlgen.flow.simulate import copy_design
from hdlgen.flow.synth_report import (
    SELF_TEST,
    Bitstream,
    BoardTop,
    Cells,
    Hop,
    SelfTest,
    SynthesisReport,
    write_report,
)
from hdlgen.flow.toolchain import Toolchain
from hdlgen.processes import workspace
from hdlgen.targets import FORMATS, Target

__all__ = [
    "BoardTop",
    "Design",
    "MakeTop",
    "SynthesisReport",
    "pin_harness",
    "place_seed",
    "synthesise",
    "write_report",
]

_RIP_UP_LUTS = 8000
"""Up to so many look-up tables timing-driven rip-up is tried; with more of them it takes hours."""

_CONFIRMATIONS = 3
"""Place and route at the chosen clock is tried so often, each time slower, if it reaches less than at the first aim."""

_READ = frozenset({".json"} | {f".{family.constraints}" for family in FAMILIES.values()})
"""Of the files that place and route reads."""

_HARNESS = "hdlgen_pins"

MakeTop = Callable[[Board, Setting], BoardTop]


def synthesise(
    directory: str | os.PathLike[str],
    *,
    target: Target | None = None,
    board: Board | None = None,
    seeds: Sequence[int] = (1,),
    frequency: float | None = None,
    clock: float | str | None = None,
    images: int | None = None,
    board_top: MakeTop | None = None,
    bitstream: str | os.PathLike[str] | None = None,
    keep_build: str | os.PathLike[str] | None = None,
    tool_overrides: Mapping[str, str] | None = None,
    progress: bool = False,
    pool: Pool | None = None,
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
        ``margin`` (or the oscillator's tolerance) below what place and route reaches, and below the target's
        ``multiplier_ceiling``; place and route then runs once more at this clock, with the best seed.
    images
        Inputs stored in the self-test. Default: what fits easily, at most 8.
    board_top
        Makes another design for the board than the self-test. It is asked again when the clock is chosen; if its Verilog
        depends on the clock, Yosys runs again too.
    bitstream
        Where the bitstream goes (board only). Default: ``DIR/synth-<board>.<bin, bit or fs>``.
    keep_build
        A folder that must not exist; receives everything the tools read and wrote.
    pool
        Place and route runs for several seeds at once, on its workers.

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
    device = board.target if board is not None else target
    assert device is not None
    if not FAMILIES[device.family].place_and_route:
        raise InputError(
            f"{device.name}: Vivado makes its bitstreams, which is not called here: --board and --project FOLDER write what "
            f"it needs"
        )
    root = Path(directory)
    manifest = read_manifest(root)
    check_sources(root, manifest)
    if board is not None and frequency is not None:
        raise InputError(f"--freq {frequency:g}: allowed with --target; with --board, --clock says how fast it runs")
    destination = _destination(root, board, bitstream)
    if keep_build is not None and os.path.lexists(keep_build):
        raise InputError(f"{keep_build}: exists already; name a folder that does not")
    with (
        workspace("synth") as build,
        tqdm(total=1 + len(seeds), disable=None if progress else True, leave=False, unit="step") as bar,
    ):
        design = Design(root, manifest, build, target, board, board_top, clock, frequency, images, tool_overrides)
        bar.set_description("yosys")
        design.run_yosys()
        if design.ceiling is not None:
            design.notes.append(
                "nextpnr has no delays for the multipliers of this device: Fmax leaves out the paths through them; a "
                f"board's clock is chosen at most {design.ceiling:g} MHz"
            )
        bar.update()
        outcomes: list[tuple[int, float, str]] = []
        # Where a clock is still to be chosen, the aim is out of reach, and rip-up would try for ever.
        for seed, reached, router in design.run_seeds(seeds, pool, rip_up=board is None or clock is not None):
            outcomes.append((seed, reached, router))
            bar.set_description(f"place and route, {len(outcomes)} of {len(seeds)}")
            bar.update()
        outcomes.sort()
        members: dict[str, Any] = {}
        if destination is not None:
            seed, reached, _ = max(outcomes, key=lambda outcome: outcome[1])
            members = design.make_bitstream(destination, clock, seed, reached, len(seeds))
        if keep_build is not None:
            shutil.copytree(build, keep_build)
        return SynthesisReport.of(
            manifest,
            design.device,
            board,
            outcomes,
            None if design.setting is None else design.setting.megahertz,
            frequency_target_mhz=design.aim,
            cells=design.cells,
            netlist_cells=dict(sorted(design.counts.items())),
            tools={name: tool.version for name, tool in sorted(design.tools.used.items())},
            commands=tuple(design.tools.commands),
            sources_sha256={name: manifest.sources_sha256[name] for name in design.sources},
            notes=tuple(design.notes),
            critical_path=design.critical[1],
            **members,
        )


class Design:
    """A core and what is around it, in the folder ``build``, as far as the tools have come.

    Raises :class:`InputError` if the device is too small, or what is asked for cannot be.
    """

    def __init__(
        self,
        root: Path,
        manifest: Manifest,
        build: Path,
        target: Target | None,
        board: Board | None,
        board_top: MakeTop | None,
        clock: float | str | None,
        frequency: float | None,
        images: int | None,
        overrides: Mapping[str, str] | None,
    ):
        device = board.target if board is not None else target
        assert device is not None
        self.root, self.manifest, self.build, self.device, self.board = root, manifest, build, device, board
        self.board_top, self.where, self.overrides = board_top, str(root), overrides
        netlists.refuse_if_too_small(manifest, device, self.where)
        self.sources, vendor, self.notes = _sources(manifest, device)
        self.setting = _first_setting(board, clock) if board is not None else None
        self.aim = self.setting.megahertz if self.setting is not None else frequency or device.frequency
        self.reset_cycles = round(self.aim * 200)  # 200 microseconds at the first aim
        self.tools = Toolchain(build, device, board, overrides, self.where)
        family = self.tools.family
        self.options = (family.no_infer if vendor or device.resources.dsps == 0 else family.infer) + device.yosys
        self.counts: Counter[str] = Counter()
        self.cells: dict[str, Cells] = {}
        self.critical: tuple[float, tuple[Hop, ...]] = 0.0, ()
        self.test: selftest.SelfTestParameters | None = None
        self.plugged: BoardTop | None = None
        copy_design(root, build, manifest.design_files)
        self.files, self.top = list(self.sources), manifest.top
        if board is not None:
            assert self.setting is not None
            self.notes += [board.warning] if board.warning else []
            if board_top is None:
                test = _self_test(root, manifest, board, images, self.setting)
                self.test = dataclasses.replace(test, family=device.family if device.family in FORMATS else None)
                flash = {} if test.front.flash is None else test.front.flash.pins(board)
                self._around("selftest.v", selftest.TOP, selftest.to_verilog(self.test), {**board.pins, **flash})
            else:
                self.plugged = board_top(board, self.setting)
                self._around("board_top.v", self.plugged.name, self.plugged.verilog, self.plugged.pins)
            self._write_clock(self.setting)
        elif not family.open_ports:
            # There are more ports than pins.
            verilog, registers, luts = pin_harness(manifest)
            self._write("pins.v", verilog)
            if family.harness_file is not None:
                places = zip(("clk", "d", "q"), family.harness[device.name], strict=True)
                self._write(family.harness_file, family.constraint_file({port: Pin(pin=pin) for port, pin in places}))
            self.files.append("pins.v")
            self.top = _HARNESS
            self.notes.append(
                f"{device.family} has no out-of-context mode: all ports are registered and brought to three pins, "
                f"with {registers} flip-flops and about {luts} look-up tables"
            )

    def _write(self, name: str, text: str) -> None:
        (self.build / name).write_text(text, encoding="utf-8")

    def _around(self, name: str, top: str, verilog: str, pins: Mapping[str, Pin]) -> None:
        """What is around the core on a board."""
        assert self.board is not None
        self._write(name, verilog)
        self._write(*constraints(self.board, pins))
        self.files += [name, "clock.v"]
        self.top = top

    def _write_clock(self, setting: Setting) -> None:
        assert self.board is not None
        parameters = clocks.for_board(self.board, setting, reset_cycles=self.reset_cycles)
        self._write("clock.v", clocks.to_verilog(parameters))

    def run_yosys(self) -> None:
        """Make the netlist, and look whether it is the design and has room on the device."""
        netlist = self.tools.synthesise(self.files, self.top, self.options)
        if self.test is not None and self.test.family is not None and netlists.is_full(netlist, self.device):
            # Without room for the expected results the self-test still works, though only with these weights.
            self.test = dataclasses.replace(self.test, family=None)
            self._write("selftest.v", selftest.to_verilog(self.test))
            self.tools.commands.clear()
            netlist = self.tools.synthesise(self.files, self.top, self.options)
        self.counts = netlists.cell_counts(netlist)
        ones = netlists.ones(self.root, self.manifest)
        netlists.check_netlist(netlist, self.manifest, self.device, ones=ones, where=self.where)
        netlists.refuse_if_full(self.counts, self.device, self.where)

    @property
    def ceiling(self) -> float | None:
        """What the clock must not exceed, MHz: nextpnr leaves out the paths through the multipliers of some devices."""
        multipliers = sum(self.counts[name] for name in self.tools.family.multipliers)
        return self.device.multiplier_ceiling if multipliers else None

    def pack(self) -> dict[str, Cells]:
        """The cells that place and route would report, which it knows in seconds, before it places anything."""
        self.cells = netlists.placed_cells(self.tools.utilisation(), self.device, self.where)
        return self.cells

    def run_nextpnr(self, seed: int, aim: float, *, rip_up: bool) -> tuple[float, str]:
        """The slowest clock that place and route reaches, MHz, and the router."""
        report, router = self.tools.place_and_route(seed, aim, rip_up=rip_up and self._small)
        return self._reached(report), router

    def run_seeds(self, seeds: Sequence[int], pool: Pool | None, *, rip_up: bool) -> Iterator[tuple[int, float, str]]:
        """The same at the first aim for each seed, as they come; what the workers of a ``pool`` make is then here, too."""
        if pool is None:
            for seed in seeds:
                yield seed, *self.run_nextpnr(seed, self.aim, rip_up=rip_up)
            return
        files = {path.name: path.read_bytes() for path in self.build.iterdir() if path.suffix in _READ}
        common = files, self.device, self.board, self.overrides, self.where
        jobs = ((seed, (*common, seed, self.aim, rip_up and self._small)) for seed in seeds)
        commands = dict[int, list[str]]()
        for seed, outcome in pool.run(place_seed, jobs):
            report, router, made, commands[seed] = outcome.value()
            for name, content in made.items():
                (self.build / name).write_bytes(content)
            yield seed, self._reached(report), router
        self.tools.commands += [command for seed in sorted(commands) for command in commands[seed]]

    @property
    def _small(self) -> bool:
        return sum(self.counts[name] for name in self.tools.family.luts) <= _RIP_UP_LUTS

    def _reached(self, report: Mapping[str, Any]) -> float:
        """The slowest clock of a report of nextpnr, MHz; its cells are those of the design."""
        self.cells = netlists.placed_cells(report["utilization"], self.device, self.where)
        reached = [float(clock["achieved"]) for clock in report["fmax"].values()]
        if not reached:
            raise Refused("place and route reports no clock: there are no paths between flip-flops in the design")
        slowest = min(report["fmax"], key=lambda clock: float(report["fmax"][clock]["achieved"]))
        if min(reached) > self.critical[0]:
            self.critical = min(reached), netlists.critical_path(report, slowest)
        return min(reached)

    def _change_clock(self, chosen: Setting) -> None:
        """The netlist for another clock: only where more than the PLL depends on it Yosys runs again."""
        assert self.board is not None
        assert self.setting is not None
        self._write_clock(chosen)
        before = self.plugged
        if self.board_top is not None:
            self.plugged = self.board_top(self.board, chosen)
            self._write("board_top.v", self.plugged.verilog)
        same = before is None or self.plugged is None or before.verilog == self.plugged.verilog
        if same and self.setting.primitive is not None and chosen.primitive is not None:
            self.tools.change_clock(self.top, chosen)
        else:
            self.run_yosys()
        self.setting = chosen

    def make_bitstream(
        self, destination: Path, clock: float | str | None, seed: int, reached: float, seeds: int
    ) -> dict[str, Any]:
        """Choose the clock, where none is asked for, and write the bitstream; returns members of the report.

        ``reached``: what the best ``seed`` of ``seeds`` reaches, MHz.

        Raises :class:`Refused` if the clock, or any, is too fast for the design.
        """
        board, device = self.board, self.device
        assert board is not None
        assert self.setting is not None
        runs = [{"aim_mhz": round(self.aim, 3), "fmax_mhz": round(reached, 2), "seed": seed}]
        margin = max(device.margin, board.clock.margin)
        while clock is None:
            limit = Fraction(reached).limit_denominator(1000) * (1 - margin) * 1_000_000
            if self.ceiling is not None:
                limit = min(limit, Fraction(self.ceiling) * 1_000_000)
            chosen = fastest_setting(device.pll, board.clock.source, limit, board.clock.margin)
            if chosen is None:
                raise Refused(
                    f"{self.root}: {board.title}: the design reaches {reached:.2f} MHz, which is less than the slowest "
                    f"clock of the board with {float(100 * margin):g} % of margin; no bitstream was made; try more "
                    f"--seeds or fewer lanes"
                )
            if chosen.frequency == self.setting.frequency:
                break
            self._change_clock(chosen)
            reached, _ = self.run_nextpnr(seed, chosen.megahertz, rip_up=True)
            runs.append({"aim_mhz": round(chosen.megahertz, 3), "fmax_mhz": round(reached, 2), "seed": seed})
            if reached >= chosen.megahertz or len(runs) > _CONFIRMATIONS:
                break
        setting = self.setting
        if reached < setting.megahertz:
            raise Refused(
                f"{self.root}: {board.title} was to run at {setting.megahertz:g} MHz and the design reaches "
                f"{reached:.2f} MHz at best over {seeds} seed(s); no bitstream was made; try a slower --clock, "
                f"more --seeds or fewer lanes"
            )
        top = self.plugged
        around = {"kind": SELF_TEST} if top is None else {"kind": top.kind, **top.summary}
        packed = self.tools.pack(seed)
        atomic_write(destination, packed)
        return {
            "clock": {
                "mhz": round(setting.megahertz, 6),
                "source": "oscillator" if setting.primitive is None else "PLL",
                "oscillator_mhz": board.clock.frequency / 1e6,
                "primitive": setting.primitive,
                "parameters": dict(setting.parameters),
                "vco_mhz": round(float(setting.vco) / 1e6, 6),
                "chosen": "fastest with margin" if clock is None else "asked for",
                "margin": float(margin) if clock is None else None,
                "runs": runs,
            },
            "board_top": around,
            "self_test": None if self.test is None else _stored(self.test, board),
            "bitstream": Bitstream(
                file=destination.name,
                bytes=len(packed),
                sha256=hashlib.sha256(packed).hexdigest(),
                seed=seed,
                fmax_mhz=round(reached, 2),
                pack=self.tools.pack_options,
                memories=self.tools.memory_map(seed),
            ),
        }


def place_seed(
    files: Mapping[str, bytes],
    device: Target,
    board: Board | None,
    overrides: Mapping[str, str] | None,
    where: str,
    seed: int,
    aim: float,
    rip_up: bool,
) -> tuple[dict[str, Any], str, dict[str, bytes], list[str]]:
    """Place and route of the netlist in ``files``, on a worker: the report, the router, what was written, the commands.

    Raises
    ------
    InputError, Refused
        As `Toolchain.place_and_route`.
    """
    with workspace("seed") as folder:
        for name, content in files.items():
            (folder / name).write_bytes(content)
        tools = Toolchain(folder, device, board, overrides, where)
        report, router = tools.place_and_route(seed, aim, rip_up=rip_up)
        made = {path.name: path.read_bytes() for path in folder.glob(f"{seed}.*")}
        return report, router, made, tools.commands


def _stored(test: selftest.SelfTestParameters, board: Board) -> SelfTest:
    """What the report says of the self-test."""
    fail = board.leds.get("fail")
    return SelfTest(
        images=len(test.lengths) or len(test.expected),
        rom_bits=test.rom_bits,
        input_rom="block RAM" if test.block_rom else "logic",
        expected="logic" if test.family is None else "block RAM",
        led_pass=f"pin {board.leds['pass'].pin}",
        led_fail=f"pin {fail.pin}" if fail is not None else "none: the other one blinks",
    )


def _first_setting(board: Board, clock: float | str | None) -> Setting:
    """The clock asked for, or the one that place and route aims at first."""
    pll, source, tolerance = board.target.pll, board.clock.source, board.clock.margin
    if clock is None:
        aim = fastest_setting(pll, source, Fraction(board.target.frequency) * 1_000_000, tolerance)
        return aim if aim is not None else nearest_setting(pll, source, source, tolerance)
    if clock == "oscillator":
        return Setting(frequency=source)
    assert not isinstance(clock, str), clock
    wish = Fraction(clock).limit_denominator(1_000_000) * 1_000_000
    setting = nearest_setting(pll, source, wish, tolerance)
    if abs(setting.frequency - wish) > wish / 100:
        raise InputError(
            f"--clock {clock:g}: {board.title} cannot make it from {board.clock.frequency / 1e6:g} MHz; the nearest is "
            f"{setting.megahertz:.6g} (MHz)"
        )
    return setting


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


def _destination(root: Path, board: Board | None, bitstream: str | os.PathLike[str] | None) -> Path | None:
    """Where the bitstream goes, if one is made."""
    if board is None:
        return None
    path = Path(bitstream) if bitstream is not None else root / f"synth-{board.name}.{board.suffix}"
    if not os.access(path.parent, os.W_OK) or path.is_dir():
        raise InputError(f"{path}: cannot be written; name a file in a writable folder with -o")
    return path


def _self_test(
    root: Path, manifest: Manifest, board: Board, images: int | None, setting: Setting
) -> selftest.SelfTestParameters:
    weights = manifest.weights
    if weights.fill == "port":
        raise InputError(
            f"{root}: the weights are in single-port RAM, which the self-test cannot fill; compile with --fill flash, or "
            f"take --top serial"
        )
    most = read_inputs(root, manifest, None, None, None).count
    if images is not None and not 1 <= images <= most:
        raise InputError(f"--images {images}: allowed are 1 to {most}, the vectors in {root}")
    front = Front.for_board(manifest, board, setting.frequency, str(root))

    def test(count: int) -> selftest.SelfTestParameters:
        return selftest.stored(root, manifest, count, load_port=weights.loadable, front=front)

    have = board.target.resources
    # Memories are wider than deep and waste some of their blocks: half of what is left over by the sum of bits.
    free = max(0, have.memory_bits - netlists.memory_needed(manifest) - have.memory_bits // 8) // 2
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


def pin_harness(manifest: Manifest) -> tuple[str, int, int]:
    """Verilog of a top that brings all ports of the core to three pins, its flip-flops, and about how many look-up tables.

    Every input of the core comes from a flip-flop (of one long shift register) and every output goes to one, so that
    the paths inside the core are those that limit the clock, and nothing of the core can be removed.
    """
    connections, sizes = ["    .clk(clk)"], []
    for vector, direction in (("in", "input"), ("out", "output")):
        at = 0
        for port in manifest.ports:
            if port.direction == direction and port.name != "clk":
                connections.append(f"    .{port.name}({vector}[{at + port.width - 1}:{at}])")
                at += port.width
        sizes.append(at)
    inputs, outputs = sizes
    groups = -(-outputs // 4)
    listed = ",\n".join(connections)
    verilog = f"""module {_HARNESS}(input clk, input d, output reg q);
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
    return verilog, inputs + outputs + 2 * groups + 1, 2 * groups
