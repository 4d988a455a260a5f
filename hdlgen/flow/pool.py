"""Jobs on other processes, here or on other machines: one queue for explorations, seeds and tables of numbers.

The processes are workers of `dask.distributed` (extra ``explore``): a cluster of this machine's own, or any scheduler that
runs already. A job is a function of a module and its arguments, all of which can be pickled; it is done again where its
worker dies.
"""

import logging
import tempfile
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from hdlgen.errors import InputError, Refused

__all__ = ["Outcome", "Pool", "pool"]

K = TypeVar("K", bound=Hashable)

_ALLOWED_DEATHS = 3
"""So many workers may die of a job before it is given up."""

_WAIT = 30
"""Seconds for a scheduler, and for the first worker of it."""


@dataclass(frozen=True)
class Outcome:
    """What became of a job: its result, or why there is none."""

    result: Any = None
    error: BaseException | None = None

    def value(self) -> Any:
        """The result; raises the exception of the job."""
        if self.error is not None:
            raise self.error
        return self.result


class Pool:
    """Workers that take jobs."""

    def __init__(self, client: Any):
        self._client = client

    @property
    def slots(self) -> int:
        """Jobs that run at the same time."""
        return sum(self._client.nthreads().values())

    def run(
        self, function: Callable[..., Any], jobs: Iterable[tuple[K, tuple[Any, ...]]]
    ) -> Iterator[tuple[K, Outcome]]:
        """Call ``function`` with the arguments of each job, given with a key; yields keys and outcomes as they come.

        Jobs are taken from the iterable only as workers are free for them. Where the caller ends early, or is interrupted,
        what still runs is given up.

        Raises
        ------
        Refused
            If the scheduler goes away.
        """
        from distributed import as_completed

        finished = as_completed(loop=self._client.loop, raise_errors=False)
        running: dict[Any, K] = {}
        waiting = iter(jobs)
        try:
            while True:
                while len(running) < max(self.slots, 1):
                    job = next(waiting, None)
                    if job is None:
                        break
                    future = self._client.submit(function, *job[1], pure=False)
                    running[future] = job[0]
                    finished.add(future)
                if not running:
                    return
                future = next(finished)
                yield running.pop(future), self._outcome(future)
        finally:
            if running and self._client.status == "running":
                self._client.cancel(list(running), force=True)

    def _outcome(self, future: Any) -> Outcome:
        if future.status == "finished":
            return Outcome(result=future.result())
        if self._client.status != "running" or future.status == "lost":
            raise Refused("the scheduler went away; what is done is kept: give the command again")
        return Outcome(error=future.exception() or Refused(f"the job was {future.status}"))


@contextmanager
def pool(workers: int = 1, scheduler: str | None = None) -> Iterator[Pool]:
    """So many worker processes of this machine, or those of the ``scheduler`` at an address such as tcp://HOST:8786.

    Raises
    ------
    InputError
        If `dask.distributed` is not installed, or there is no such scheduler, or it has no workers.
    """
    try:
        import dask
        import distributed
    except ModuleNotFoundError:
        raise InputError("dask.distributed is not installed; remedy: pip install 'hdlgen[explore]'") from None
    settings = {
        "distributed.scheduler.allowed-failures": _ALLOWED_DEATHS,
        "distributed.comm.timeouts.connect": _WAIT,
        "distributed.admin.large-graph-warning-threshold": "1GB",  # a netlist goes with every job
    }
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        stack.enter_context(dask.config.set(settings))
        if scheduler is None:
            folder = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="hdlgen-pool-", ignore_cleanup_errors=True)
            )
            cluster = distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                memory_limit=0,
                local_directory=folder,
                silence_logs=logging.CRITICAL,
            )
            stack.enter_context(cluster)
            where: Any = cluster
        else:
            where = scheduler
        try:
            client = stack.enter_context(distributed.Client(where, timeout=_WAIT, set_as_default=False))
            client.wait_for_workers(1, timeout=_WAIT)
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(
                f"--scheduler {scheduler}: {str(error).splitlines()[0] if str(error) else 'no answer'}; allowed: the address"
                " of a running scheduler with workers, such as tcp://127.0.0.1:8786"
            ) from None
        yield Pool(client)
