"""Many seeds, by as many workers as there are, into a file that a later run goes on with."""

import contextlib
import gc
import json
import os
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, wait
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from tqdm import tqdm

from . import checks, fuzz
from .checks import Found

__all__ = ["LEVELS", "repeat", "run", "seeds_of"]

_SECONDS = {"model": 60, "verilog": 600, "netlist": 3600, "routed": 3600}
LEVELS: dict[str, tuple[Callable[[int], Found], float, int]] = {
    level: (partial(checks.look, level), _SECONDS[level.rpartition("-")[2]], 0) for level in checks.LEVELS
} | {"fuzz": (fuzz.look, 10, 2 << 30)}
"""What is done with a seed, how many seconds of the processor it may take, and by how many bytes it may grow; 0: by any."""

_WAITING = 30
"""Times the seconds of its processor that a seed may take on a busy machine."""


class _Slow(BaseException):
    """Whatever catches exceptions does not catch this one."""


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise _Slow


def _one(level: str, seed: int) -> Found:
    look, seconds, grows = LEVELS[level]
    timers = {signal.ITIMER_PROF: (signal.SIGPROF, seconds), signal.ITIMER_REAL: (signal.SIGALRM, _WAITING * seconds)}
    for timer, (number, after) in timers.items():
        signal.signal(number, _ring)
        signal.setitimer(timer, after)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        found = look(seed)
    except _Slow:
        return Found(seed=seed, kind="-", outcome="wrong", detail=f"not done in {seconds:g} seconds")
    finally:
        for timer in timers:
            signal.setitimer(timer, 0)
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    if grows and grown > grows:
        return Found(seed=seed, kind=found.kind, outcome="wrong", detail=f"took {grown:,} bytes")
    return found


def work(level: str, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """What a worker does: it needs nothing but this module and its arguments."""
    return [asdict(_one(level, seed)) for seed in seeds]


def seeds_of(text: str) -> range:
    """``first:end`` or a single number."""
    first, _, end = text.partition(":")
    return range(int(first), int(end or int(first) + 1))


def repeat(level: str, seed: int) -> str:
    """The command that does it again."""
    return f"python scripts/campaign.py {level} --seeds {seed}"


def _known(path: Path, level: str) -> Iterator[Found]:
    """What an earlier run found; a line that it did not finish counts for nothing."""
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                entry = json.loads(line)
                if entry.pop("level") == level:
                    yield Found(**entry)


def _batches(seeds: Iterable[int], size: int) -> Iterator[list[int]]:
    batch: list[int] = []
    for seed in seeds:
        batch.append(seed)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _count(total: Counter[tuple[str, str]], found: Found) -> None:
    total[found.kind, found.outcome] += 1
    if found.compared:
        total[found.kind, "compared"] += found.compared


def run(
    level: str,
    seeds: range,
    executor: Executor,
    *,
    workers: int = 1,
    results: Path | None = None,
    seconds: float | None = None,
    progress: bool = False,
) -> Counter[tuple[str, str]]:
    """Look at all ``seeds``, but for those whose results are in the file ``results`` already; others are added to it.

    Parameters
    ----------
    executor : whatever has ``submit``, as those of `concurrent.futures`; ``workers``: how many there are
    seconds : no seed is begun after that

    Returns
    -------
    How many there are of each kind and outcome, those of earlier runs included, and as outcome "compared" how many
    configurations were equal. One line for everything that is wrong goes to standard output, with the command that does
    it again.
    """
    total: Counter[tuple[str, str]] = Counter()
    done = set()
    for found in _known(results, level) if results is not None else ():
        if found.seed in seeds:
            done.add(found.seed)
            _count(total, found)
    size = 50 if level.endswith(("model", "fuzz")) else 1
    batches = _batches((seed for seed in seeds if seed not in done), size)
    end = None if seconds is None else time.monotonic() + seconds
    with contextlib.ExitStack() as stack:
        file = None if results is None else stack.enter_context(open(results, "a", encoding="utf-8"))
        bar = stack.enter_context(tqdm(total=len(seeds) - len(done), disable=not progress, file=sys.stderr))
        pending = set()
        while True:
            while len(pending) < 2 * workers and (end is None or time.monotonic() < end):
                batch = next(batches, None)
                if batch is None:
                    break
                pending.add(executor.submit(work, level, batch))
            if not pending:
                return total
            ready, pending = wait(pending, return_when=FIRST_COMPLETED)
            for entry in [entry for future in ready for entry in future.result()]:
                found = Found(**entry)
                _count(total, found)
                bar.update()
                if file is not None:
                    file.write(json.dumps({"level": level} | entry) + "\n")
                    file.flush()
                if found.outcome == "wrong":
                    tqdm.write(f"WRONG {found.kind}: {found.detail}; {repeat(level, found.seed)}", file=sys.stdout)


def quiet() -> None:
    """Of a worker: an interrupt is the parent's business, one core is enough, and what is there stays there."""
    gc.freeze()
    gc.set_threshold(200_000, 50, 1000)  # of what Amaranth makes of a design nearly all goes at once
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
