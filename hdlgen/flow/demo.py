"""The whole line on shipped data: from a network to Verilog, simulation, bitstream and page, with all numbers.

>>> report = demonstrate("demo")
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hdlgen import network as network_files
from hdlgen import networks
from hdlgen.emit import compile_to
from hdlgen.emit.manifest import Manifest
from hdlgen.errors import InputError, Refused
from hdlgen.files import atomic_write
from hdlgen.flow import report as page
from hdlgen.flow import simulate, synth, tools
from hdlgen.flow.boards import Board, find_board
from hdlgen.flow.evaluation import evaluate
from hdlgen.flow.simulate import SimulationReport
from hdlgen.flow.synth import SynthesisReport
from hdlgen.processes import workspace
from hdlgen.schema import as_json

__all__ = ["Demonstration", "demonstrate"]

STORED = 100
"""Test images that travel with the design; its self-test has room for fewer."""

_SYSTEM_TOOLS = ("verilator", "g++", "make", "perl", "yosys")
"""Asked for before anything is made: what no wheel brings is missing most often."""


@dataclass(frozen=True, kw_only=True)
class Demonstration:
    """What every step found.

    ``accuracy`` is that of the golden model on the whole test set of ``test_images`` images; ``synthesis`` is for the board,
    with its self-test around the core; ``seconds`` is wall time by step.
    """

    manifest: Manifest
    accuracy: float
    test_images: int
    simulation: SimulationReport
    board: Board
    synthesis: SynthesisReport
    bitstream: Path
    html: Path
    seconds: Mapping[str, float]

    @property
    def inferences_per_second_at_fmax(self) -> float:
        """Were the core clocked with the median Fmax and not with the board's oscillator."""
        return self.synthesis.fmax_mhz.median * 1e6 / self.manifest.mean_cycles

    def as_json(self) -> dict[str, Any]:
        simulation, synthesis = as_json(self.simulation), as_json(self.synthesis)
        simulated = ("mismatches", "latency_cycles", "interval_cycles")
        made = ("cells", "fmax_mhz", "clock_mhz", "inferences_per_second", "bitstream")
        return {
            "format_version": 1,
            "kind": "demonstration",
            "network": self.manifest.name,
            "lanes": self.manifest.lanes,
            "board": self.board.name,
            "test_images": self.test_images,
            "accuracy": self.accuracy,
            "simulated_images": self.simulation.images,
            "simulated_results": self.simulation.results,
            **{name: simulation[name] for name in simulated},
            **{name: synthesis[name] for name in made},
            "inferences_per_second_at_fmax": round(self.inferences_per_second_at_fmax, 1),
            "seconds": {step: round(seconds, 1) for step, seconds in self.seconds.items()},
        }


def demonstrate(
    directory: str | os.PathLike[str],
    *,
    network: str = "mnist",
    board: str = "icebreaker",
    images: int = 10_000,
    lanes: int = 8,
    seeds: int = 3,
    progress: bool = False,
    announce: Callable[[str], None] = lambda step: None,
) -> Demonstration:
    """Compile, evaluate, simulate, synthesise and report into the new folder ``directory``.

    ``network``, shipped or a file, must take the 784 bytes of an MNIST image and have 10 classes. The first so many
    ``images`` are simulated, and the first `STORED` of them are the design's vectors. ``announce`` gets a line at the
    beginning of each step.

    Raises
    ------
    InputError
        If the folder exists, a tool is missing, the network takes no MNIST images, or the board is too small.
    Refused
        If a simulated result differs from the golden model, or the design is too slow for the board.
    """
    model = network_files.load(network)
    x, labels = networks.test_set()
    if (model.input.width, model.input.bits, model.widths[-1]) != (x.shape[1], 8, 10):
        raise InputError(
            f"{network}: takes {model.input.width} inputs of {model.input.bits} bits and gives {model.widths[-1]} "
            f"results; allowed for the demonstration on MNIST: {x.shape[1]} inputs of 8 bits, 10 results"
        )
    if not 1 <= images <= len(x):
        raise InputError(f"images {images}: allowed are 1 to {len(x)}, the shipped test images")
    chosen = find_board(board)
    for name in _SYSTEM_TOOLS:
        tools.find(name)
    root = Path(directory)
    seconds: dict[str, float] = {}

    @contextmanager
    def step(name: str, text: str) -> Iterator[None]:
        announce(text)
        start = time.monotonic()
        yield
        seconds[name] = time.monotonic() - start

    with step("compile", f"compile {model.name} for {lanes} lanes"):
        kept = min(images, STORED)
        manifest = compile_to(
            model, root, target=chosen.target.name, inputs=x[:kept], labels=labels[:kept], lanes=lanes
        )
    with step("evaluate", f"golden model on all {len(x):,} test images"), workspace("evaluate") as scratch:
        file = scratch / "test.npz"
        np.savez(file, x=x, labels=labels)
        right = evaluate(root, str(file)).right or 0
    scenarios = "then with gaps, back-pressure, resets and bad frames"
    with step("simulate", f"simulate the Verilog on {images} test images, {scenarios}"), workspace("demo") as scratch:
        file = scratch / "test.npz"
        np.savez(file, x=x[:images], labels=labels[:images])
        simulation = simulate.simulate(root, input_file=str(file), progress=progress)
        simulate.write_report(simulation, root / "simulate.json")
        if not simulation.passed:
            more = f" ({len(simulation.failures) - 1} more)" if len(simulation.failures) > 1 else ""
            raise Refused(f"{root}: {simulation.failures[0]}{more}")
    bitstream = root / f"synth-{chosen.name}.{chosen.suffix}"
    places = f"place and route for {chosen.title}, {seeds} seed(s)"
    with step("synthesise", f"synthesise, {places}, and make the bitstream"):
        numbers = range(1, seeds + 1)
        synthesis = synth.synthesise(root, board=chosen, seeds=numbers, bitstream=bitstream, progress=progress)
        synth.write_report(synthesis, root / f"synth-{chosen.name}.json")
    html = root / "report.html"
    with step("report", "write the report"):
        atomic_write(html, page.render(root))
    result = Demonstration(
        manifest=manifest,
        accuracy=right / len(x),
        test_images=len(x),
        simulation=simulation,
        board=chosen,
        synthesis=synthesis,
        bitstream=bitstream,
        html=html,
        seconds=seconds,
    )
    atomic_write(root / "demo.json", json.dumps(result.as_json(), indent=1) + "\n")
    return result
