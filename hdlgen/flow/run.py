"""Answers of a board, or of its simulation, to a file of inputs: checked, counted and timed.

Every answer is compared with the golden model's, the cycles that the board counts with the manifest's.
"""

import contextlib
import os
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from hdlgen.emit.manifest import Manifest, check_sources, read_manifest
from hdlgen.errors import Doubtful, InputError
from hdlgen.flow.inputs import ask, read_inputs
from hdlgen.flow.load import load, loaded_network
from hdlgen.flow.serial import KIND
from hdlgen.flow.synth_report import found_reports
from hdlgen.flow.virtual import VirtualBoard
from hdlgen.host import BAUD, Bench, Board
from hdlgen.host.protocol import Identity

__all__ = ["Connected", "RunReport", "baud_of", "connected", "run"]

_SINGLE = 32
"""Inferences that are asked one at a time, for the latency."""


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """What came of it.

    Parameters
    ----------
    loaded : str or None
        The file of the folder with the network in force, where that is one which `hdlgen load` sent.
    mismatches : int or None
        Inferences of which a result differs from the golden model's; None if nothing was compared.
    accuracy : float or None
        See `hdlgen.flow.inputs.Inputs.accuracy`.
    latency_ms : mapping
        Percentile -> milliseconds, of inferences asked one at a time, first byte sent to last byte received.
    inferences_per_second : float
        Over the line, as many ahead as it carries.
    bench, latency_slack : Bench, int
        Cycles counted on the chip; the latency may be longer by so many: a flash needs time to read ahead.
    repeated, recoveries : int
        Messages sent again, and how often both ends had to find each other, because of damage on the line.
    y : int64
        The answers; not part of the JSON report.
    """

    design: str
    port: str
    identity: Identity
    loaded: str | None
    inferences: int
    mismatches: int | None
    first_mismatch: str | None
    accuracy: float | None
    latency_ms: Mapping[str, float]
    inferences_per_second: float
    bench: Bench
    latency_slack: int
    repeated: int
    recoveries: int
    build_seconds: float
    seconds: float
    y: np.ndarray = field(repr=False, compare=False)

    @property
    def failures(self) -> tuple[str, ...]:
        """What is wrong, a line each; empty if everything is as it should be."""
        found = []
        if self.mismatches:
            found.append(f"{self.mismatches} of {self.inferences} answers differ; {self.first_mismatch}")
        if not self.bench.correct:
            found.append("results at full speed differ from those of the same input alone")
        if not 0 <= self.bench.latency - self.identity.latency <= self.latency_slack:
            found.append(f"latency on the chip is {self.bench.latency} cycles, predicted {self.identity.latency}")
        if self.bench.interval > self.identity.interval:
            found.append(
                f"interval on the chip is {self.bench.interval:g} cycles, predicted {self.identity.interval}"
            )
        return tuple(found)

    def as_json(self) -> dict[str, Any]:
        p, bench = self.identity, self.bench
        own = ["design", "port", "loaded", "inferences", "mismatches", "accuracy", "latency_ms"]
        own += ["inferences_per_second", "repeated", "recoveries"]
        return {
            "format_version": 1,
            "kind": "run",
            "passed": not self.failures,
            **{name: getattr(self, name) for name in own},
            "board": {
                "name": p.name,
                "network": p.network.hex(),
                "build": p.build.hex(),
                "lanes": p.lanes,
                "clock_mhz": p.clock / 1e6,
                "baud": round(p.clock / p.divisor),
            },
            "cycles": {
                "latency": bench.latency,
                "predicted_latency": p.latency,
                "interval": bench.interval,
                "predicted_interval": p.interval,
                "frames": bench.frames,
                "full_speed_correct": bench.correct,
            },
            "build_seconds": round(self.build_seconds, 1),
            "seconds": round(self.seconds, 1),
            "failures": list(self.failures),
        }


def baud_of(directory: str | os.PathLike[str]) -> int:
    """What the folder's reports say of the bitstreams' serial ports, if they agree."""
    root = Path(directory)
    tops = [report.board_top or {} for _, report in found_reports(root, read_manifest(root))]
    found = {top.get("baud") for top in tops if top.get("kind") == KIND}
    baud = found.pop() if len(found) == 1 else None
    return baud if isinstance(baud, int) else BAUD


@dataclass(frozen=True, kw_only=True)
class Connected:
    """A board that computes the network of a design, or the one in the file ``loaded`` of its folder."""

    board: Board
    loaded: Path | None
    build_seconds: float


@contextlib.contextmanager
def connected(
    root: Path,
    manifest: Manifest,
    *,
    port: str | None,
    baud: int | None = None,
    timeout: float = 2.0,
    progress: bool = False,
    tool_overrides: Mapping[str, str] | None = None,
) -> Iterator[Connected]:
    """The board on ``port``, ready to infer; parameters, and what is raised, as of :func:`run`."""
    with contextlib.ExitStack() as stack:
        name, build_seconds = port, 0.0
        if name is None:
            virtual = VirtualBoard(root, tool_overrides=tool_overrides)
            quiet = None if progress else True
            with tqdm(desc="build the virtual board", disable=quiet, leave=False, bar_format="{desc}"):
                stack.enter_context(virtual)
            name, build_seconds = virtual.port, virtual.build_seconds
        board = stack.enter_context(Board.open(name, baud=baud or baud_of(root), timeout=timeout))
        if manifest.weights.from_flash:
            _wait_for_flash(board, manifest)
        elif manifest.weights.loadable and not board.status().ready:
            # Nothing is in force yet: single-port RAM is empty at first.
            load(root, None, board)
        other = None
        if manifest.weights.loadable and board.identity.network != manifest.identity:
            other = loaded_network(root, board.identity.network)
        if other is None:
            board.require_network(manifest.identity.hex(), str(root))
        yield Connected(board=board, loaded=other, build_seconds=build_seconds)


def run(
    directory: str | os.PathLike[str],
    *,
    port: str | None,
    input_file: str | None = None,
    labels_file: str | None = None,
    images: int | None = None,
    compare: bool = True,
    baud: int | None = None,
    timeout: float = 2.0,
    progress: bool = False,
    tool_overrides: Mapping[str, str] | None = None,
) -> RunReport:
    """Send inputs to the board on ``port``, which computes the network in ``directory``, and check the answers.

    The report comes also when answers are wrong: look at ``failures``.

    Parameters
    ----------
    port : str or None
        None for a simulated board, which is built first.
    input_file, labels_file, images
        See :func:`hdlgen.flow.inputs.read_inputs`.
    compare : bool
        Ask the golden model too.
    baud : int, optional
        Default: what the folder's synthesis report says, otherwise 1,000,000.
    timeout : float
        Seconds of silence after which the board is asked again, and in the end given up.

    Raises
    ------
    InputError
        If the folder or the input is unusable, or the board does not answer.
    Refused
        If the board computes another network.
    """
    start = time.monotonic()
    quiet = None if progress else True  # None: unless stderr is a terminal
    root = Path(directory)
    manifest = read_manifest(root)
    check_sources(root, manifest)
    read = partial(read_inputs, root, manifest, input_file, labels_file, images, compare=compare)
    inputs = read()  # before anything else is done
    with connected(
        root, manifest, port=port, baud=baud, timeout=timeout, progress=progress, tool_overrides=tool_overrides
    ) as found:
        board, other, build_seconds = found.board, found.loaded, found.build_seconds
        if other is not None:
            with warnings.catch_warnings():  # which were said of the design's own network
                warnings.simplefilter("ignore", Doubtful)
                inputs = read(network_file=other)
        count = inputs.count
        single = min(_SINGLE, -(-count // 2))
        answers = []
        with tqdm(total=count, unit=" inferences", disable=quiet, leave=False) as bar:

            def show(done: int, base: int) -> None:
                bar.update(base + done - bar.n)

            for index in range(single):
                answers.append(ask(board, inputs.rows[index : index + 1]))
                show(1, index)
            latencies = list(board.statistics.latencies)
            begun = time.monotonic()
            if count > single:
                answers.append(ask(board, inputs.rows[single:], lambda done: show(done, single)))
            seconds = time.monotonic() - begun
        slack = manifest.weights.refill_cycles
        bench = board.bench(inputs.rows[0][0], pause=slack)
        statistics = board.statistics
    y = np.concatenate(answers)
    rate = (count - single) / seconds if count > single else 1 / latencies[0]
    wrong, first = (None, None) if inputs.y is None else inputs.differences(y)
    return RunReport(
        design=manifest.name,
        port=port or "virtual",
        identity=board.identity,
        loaded=None if other is None else other.name,
        inferences=count,
        mismatches=wrong,
        first_mismatch=first,
        accuracy=inputs.accuracy(y),
        latency_ms={
            key: round(1000 * float(np.percentile(latencies, share)), 3)
            for key, share in (("minimum", 0), ("p50", 50), ("p90", 90), ("p99", 99), ("maximum", 100))
        },
        inferences_per_second=round(rate, 1),
        bench=bench,
        latency_slack=slack,
        repeated=statistics.repeated,
        recoveries=statistics.recoveries,
        build_seconds=build_seconds,
        seconds=time.monotonic() - start,
        y=y,
    )


def _wait_for_flash(board: Board, manifest: Manifest) -> None:
    """Until the board has read the image in its flash.

    Raises :class:`InputError` if it finds none.
    """
    left = 2 * manifest.weights.start_cycles
    while not board.status().ready:
        left -= board.status_cycles
        if left < 0:
            other = " or `hdlgen load` sends it" if manifest.weights.loadable else ""
            raise InputError(
                f"the board finds no image for its design in its flash; `hdlgen program` writes it, "
                f"{manifest.weights.image}{other}"
            )
    board.greet()
