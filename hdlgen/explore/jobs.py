"""What workers do: estimates at once, trainings and place and route in a process of their own that can be ended.

Nothing here knows of the exploration's file: networks come as bytes, and results go as what JSON can hold.
"""

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hdlgen.errors import InputError, Refused
from hdlgen.files import reason
from hdlgen.processes import child, workspace

__all__ = ["Stopped", "estimate_job", "place_job", "train_job"]

_PLACE = "from hdlgen.explore.jobs import place; place()"
_VERB = "from hdlgen.cli import main; main()"


class Stopped(Exception):
    """A job that did not end in time, or whose process ended without a word. It may be tried again."""


def _run(folder: Path, arguments: Sequence[str], limit: float) -> None:
    """A process of ours in ``folder``.

    Raises
    ------
    Refused
        With its last line, if its answer is no or it was given bad input.
    Stopped
        If it takes longer than ``limit`` seconds, or ends in another way.
    """
    command = [sys.executable, "-P", "-c", *arguments]
    with (
        open(folder / "job.log", "w+b") as log,
        child(command, folder, stdout=log, stderr=subprocess.STDOUT) as process,
    ):
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            raise Stopped(f"stopped after {limit:g} s, --time-limit") from None
        log.seek(0)
        lines = [line for line in log.read().decode(errors="replace").splitlines() if line.strip()] or ["nothing"]
    if status in (1, 2):
        raise Refused(lines[-1].removeprefix("hdlgen: "))
    if status:
        raise Stopped(f"exit status {status} after: {lines[-1]}")


def estimate_job(network: bytes, designs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """An estimate, or why there is none (``error``), for each of the arguments of `Options.for_target`."""
    from hdlgen import network as networks
    from hdlgen.compiler import Options, compile_network
    from hdlgen.estimate import Estimator
    from hdlgen.targets import find_target

    with workspace("estimate") as folder:
        (folder / "net.safetensors").write_bytes(network)
        read = networks.load(folder / "net.safetensors")
    estimator, found = Estimator(), list[dict[str, Any]]()
    for given in designs:
        try:
            plan = compile_network(read, Options.for_target(read, **given), check=False)
            estimate = estimator.estimate(plan, find_target(given["target"]))
        except InputError as error:
            found.append({"error": str(error).replace(f"{folder}/", "")})
            continue
        found.append(
            {
                "luts": estimate.luts,
                "flipflops": estimate.flipflops,
                "brams": estimate.memory_blocks,
                "dsps": estimate.dsps,
                "fmax": estimate.fmax_mhz,
                "rate": estimate.inferences_per_second,
                "latency": estimate.latency_us,
                "interval": estimate.interval_cycles,
                "latency_cycles": estimate.latency_cycles,
                "mean_cycles": estimate.mean_cycles,
                "shortages": list(estimate.shortages),
                "missing": list(estimate.missing),
            }
        )
    return found


def place_job(network: bytes, given: Mapping[str, Any], seeds: int, limit: float) -> dict[str, Any]:
    """Compile, synthesise, place and route; the measures of `hdlgen.explore.wants`, medians of so many ``seeds``.

    Raises
    ------
    Refused
        If the design is impossible.
    Stopped
        As `_run`.
    """
    with workspace("explore") as folder:
        (folder / "net.safetensors").write_bytes(network)
        (folder / "job.json").write_text(json.dumps({"given": given, "seeds": seeds}), encoding="utf-8")
        _run(folder, [_PLACE], limit)
        found: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        return found


def place() -> None:
    """In the process of `place_job`, whose folder is the current one."""
    from hdlgen import network as networks
    from hdlgen.emit import compile_to
    from hdlgen.flow.synth import synthesise
    from hdlgen.targets import find_target

    job = json.loads(Path("job.json").read_text(encoding="utf-8"))
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in job["given"].items()
    }
    target = find_target(given["target"])
    try:
        manifest = compile_to(networks.load("net.safetensors"), "core", **given)
        report = synthesise("core", target=target, seeds=range(1, job["seeds"] + 1))
    except (InputError, Refused) as error:
        sys.exit(_last(str(error)))
    cells = {kind: report.cells_of(kind) for kind in ("logic", "flipflop", "memory", "dsp")}
    used = {kind: 0 if found is None else found[0] for kind, found in cells.items()}
    flipflops = used["flipflop"]
    if cells["flipflop"] is None:
        flipflops = sum(count for name, count in report.netlist_cells.items() if name.startswith("SB_DFF"))
    result = {
        "luts": used["logic"],
        "flipflops": flipflops,
        "brams": used["memory"],
        "dsps": used["dsp"],
        "fmax": report.fmax_mhz.median,
        "rate": report.inferences_per_second,
        "latency": report.latency_us,
        "interval": manifest.interval_cycles,
        "seeds": [[seed.seed, seed.fmax_mhz] for seed in report.fmax_mhz.seeds],
        "tools": dict(report.tools),
        "cpu_seconds": round(_cpu(), 1),
    }
    Path("result.json").write_text(json.dumps(result), encoding="utf-8")


def _cpu() -> float:
    """Processor time of this process and of those that it has waited for."""
    import resource

    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def _last(text: str) -> int:
    """Print a line, which is the last one; the exit status that says that it is meant."""
    print(f"\n{' '.join(text.split())}", flush=True)
    return 1


def train_job(words: Sequence[str], limit: float, initial: bytes | None = None) -> dict[str, Any]:
    """`hdlgen train` with these words: the network (``content``, bytes), and what the history says of it.

    ``initial``: the network to go on from.

    Raises
    ------
    Refused
        If a word is not allowed, or the training diverges.
    Stopped
        As `_run`.
    """
    begun = time.perf_counter()
    with workspace("train") as folder:
        output, history = folder / "net.safetensors", folder / "history.json"
        more = ["-o", str(output), "--history", str(history)]
        if initial is not None:
            (folder / "initial.safetensors").write_bytes(initial)
            more += ["--init", str(folder / "initial.safetensors")]
        _run(folder, [_VERB, "train", *words, *more], limit)
        try:
            found: dict[str, Any] = json.loads(history.read_text(encoding="utf-8"))
            content = output.read_bytes()
        except OSError as error:
            raise Stopped(reason(error)) from None
    return {"content": content, "seconds": round(time.perf_counter() - begun, 1), **found}
