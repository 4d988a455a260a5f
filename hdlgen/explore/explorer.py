"""From a space of options to the best designs in it: estimates of all, then place and route of the promising ones."""

import hashlib
import shlex
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hdlgen import golden
from hdlgen import network as networks
from hdlgen import networks as shipped
from hdlgen.errors import InputError, Refused
from hdlgen.explore.jobs import Stopped, estimate_job, place_job, train_job
from hdlgen.explore.space import Axis, canonical, combinations, compile_words, members
from hdlgen.explore.store import Store, loads
from hdlgen.explore.wants import MEASURES, Goal, Want, fronts, spread
from hdlgen.flow.pool import Outcome, Pool
from hdlgen.network.file import resolve
from hdlgen.processes import workspace
from hdlgen.targets import TARGETS

__all__ = ["GOALS", "Explorer", "Training", "best", "rows"]

_CHUNK = 8
"""Estimates of a job."""

_SLACK = 0.15
"""By how much an estimate may miss what is wanted and still be tried: what Fmax may be off by."""

_POLL = 2.0
"""Seconds between looks at what others work on."""

GOALS = (Goal("luts", False), Goal("rate", True), Goal("accuracy", True))


@dataclass(frozen=True, kw_only=True)
class Training:
    """`hdlgen train` with these words, such as ("idx", FOLDER, "--widths", "256,256,10"), and options that vary.

    ``densify``: the networks of an axis "paths" grow out of each other, each from the one with fewer paths before it.
    """

    words: tuple[str, ...]
    axes: tuple[Axis, ...] = ()
    densify: bool = False

    def rounds(self) -> list[list["Run"]]:
        """All trainings; those of a round need only the rounds before.

        Raises
        ------
        InputError
            If there is nothing along which to densify, or the paths do not grow.
        """
        if not self.densify:
            return [[Run.of(self.words, chosen) for chosen in combinations(self.axes)]]
        paths = next((axis for axis in self.axes if axis.name == "paths"), None)
        if paths is None or any(not value.isdigit() for value in paths.values):
            raise InputError("--densify: needs --vary paths=FEWER/MORE/..")
        if sorted(map(int, paths.values)) != list(map(int, paths.values)):
            raise InputError(f"--densify: paths are {'/'.join(paths.values)}; allowed: more and more")
        others = [axis for axis in self.axes if axis is not paths]
        rounds, last = list[list[Run]](), dict[str, Run]()
        for value in paths.values:
            runs = []
            for chosen in combinations(others):
                run = Run.of(self.words, {"paths": value, **chosen}, last.get(canonical(chosen)))
                last[canonical(chosen)] = run
                runs.append(run)
            rounds.append(runs)
        return rounds


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training: what is chosen, the words with it, and the key of the network that it begins with."""

    chosen: Mapping[str, str]
    words: tuple[str, ...]
    command: str
    key: str
    before: "Run | None"

    @classmethod
    def of(cls, words: Sequence[str], chosen: Mapping[str, str], before: "Run | None" = None) -> "Run":
        every = (*words, *(word for name, value in chosen.items() for word in (f"--{name}", value)))
        text = f"hdlgen train {shlex.join(every)}"
        if before is not None:
            text = f"{before.command} && {text} --init net.safetensors"
        text += " -o net.safetensors"
        return cls(chosen=chosen, words=every, command=text, key=_key(text), before=before)


@dataclass(kw_only=True)
class Explorer:
    """An exploration in the file of ``store`` by the workers of ``pool``.

    Parameters
    ----------
    wants, goals : what is wanted of a design, and what is to be small or large; without goals `GOALS`
    seeds : of place and route
    limit : seconds for one training, or for place and route of one design
    say : is told what happens
    """

    store: Store
    pool: Pool
    wants: Sequence[Want] = ()
    goals: Sequence[Goal] = GOALS
    seeds: int = 1
    limit: float = 3600.0
    say: Callable[[str], None] = lambda text: None

    # -------------------------------------------------------------------------------------------------------- networks

    def add(self, names: Sequence[str]) -> list[str]:
        """Network files, or names of shipped ones: their hashes.

        Raises
        ------
        InputError
            If one cannot be read.
        """
        hashes = []
        for name in names:
            network, content = networks.load(name), resolve(name).read_bytes()
            hashes.append(hashlib.sha256(content).hexdigest())
            self.store.add_network(hashes[-1], network.name, name, content)
        return hashes

    def train(self, training: Training) -> list[str]:
        """Train all networks that are not there; hashes of all that there are then.

        Raises
        ------
        InputError
            If none could be trained.
        """
        rounds = training.rounds()
        every = {run.key: run for runs in rounds for run in runs}
        self.store.add_all(
            "trainings",
            {key: {"chosen": canonical(run.chosen), "command": run.command} for key, run in every.items()},
        )

        def arguments(key: str) -> tuple[Any, ...]:
            before = every[key].before
            content = None
            if before is not None:
                content = self.store.network(self.store.job("trainings", before.key)["network"])["content"]
            return every[key].words, self.limit, content

        for runs in rounds:
            ready = [
                run.key
                for run in runs
                if run.before is None or self.store.job("trainings", run.before.key)["network"]
            ]
            self._run("trainings", ready, train_job, arguments, self._trained)
        found = [row for row in (self.store.job("trainings", key) for key in every) if row["network"]]
        if not found:
            errors = [row["error"] for row in (self.store.job("trainings", key) for key in every) if row["error"]]
            raise InputError(f"no network was trained: {errors[0] if errors else 'others work on them'}")
        return list(dict.fromkeys(row["network"] for row in found))

    def _trained(self, key: str, outcome: Outcome, seconds: float) -> None:
        row = self.store.job("trainings", key)
        if outcome.error is not None:
            self._failed("trainings", key, outcome.error, seconds)
            return
        result = dict(outcome.result)
        content = result.pop("content")
        sha256 = hashlib.sha256(content).hexdigest()
        self.store.add_network(sha256, f"trained-{key[:6]}", row["command"], content)
        for which in ("test", "validation"):
            if result["accuracy"][which] is not None:
                self.store.rate_network(sha256, 100 * result["accuracy"][which], which)
                break
        self.store.finish(
            "trainings", key, network=sha256, result=canonical(result), error=None, seconds=round(seconds, 1)
        )
        self.say(f"trained: {row['command']}: {_accuracies(result)}")

    def rate(self, sha256: str, inputs: Path | None = None, labels: Path | None = None) -> None:
        """The accuracy of a network by the golden model: on these inputs, or of a shipped one on those that it has."""
        row = self.store.network(sha256)
        known = row["source"] in shipped.names()
        if row["accuracy"] is not None or (inputs is None and not known):
            return
        network = self._network(row)
        if inputs is not None:
            found = golden.read_inputs(network, inputs, labels=labels)
            x, lengths, wanted, of = found.x, found.lengths, found.labels, inputs.name
        else:
            x, lengths, wanted = _shipped(network, row["source"])
            of = "test"
        if wanted is None:
            return
        y = golden.evaluate(network, x, lengths)
        if len(wanted) == len(y):
            self.store.rate_network(sha256, 100 * float(np.mean(y.argmax(axis=1) == wanted)), of)

    def _network(self, row: Any) -> networks.Network:
        with workspace("explore") as folder:
            (folder / "net.safetensors").write_bytes(row["content"])
            return networks.load(folder / "net.safetensors")

    # --------------------------------------------------------------------------------------------------------- designs

    def estimate(self, hashes: Sequence[str], axes: Sequence[Axis]) -> list[str]:
        """Estimate all designs of these networks that are not estimated yet; the keys of all."""
        if not any(axis.name == "target" for axis in axes):
            axes = [*axes, Axis("target", tuple(TARGETS))]
        every: dict[str, dict[str, Any]] = {}
        for sha256 in hashes:
            source = self.store.network(sha256)["source"]
            for chosen in combinations(axes):
                key = _key(canonical([sha256, chosen]))
                command = _command(source, chosen, self.seeds)
                every[key] = {"network": sha256, "chosen": canonical(chosen), "command": command}
        self.store.add_all("designs", every)
        missing = defaultdict[str, list[str]](list)
        for key, row in every.items():
            if self.store.job("designs", key)["estimate"] is None:
                missing[row["network"]].append(key)
        # Estimates are quick and always the same: nobody claims them.
        jobs = []
        for sha256, keys in missing.items():
            content = self.store.network(sha256)["content"]
            for start in range(0, len(keys), _CHUNK):
                part = keys[start : start + _CHUNK]
                jobs.append((tuple(part), (content, [members(loads(every[key]["chosen"])) for key in part])))
        for done, outcome in self.pool.run(estimate_job, jobs):
            for key, found in zip(done, outcome.value(), strict=True):
                self.store.update("designs", key, estimate=canonical(found))
        if jobs:
            self.say(f"estimated: {sum(map(len, missing.values()))} designs")
        return list(every)

    def promising(self, keys: Sequence[str], count: int) -> list[str]:
        """Those to place and route: that fit and may meet what is wanted; the best by the goals, far from each other."""
        table = [row for row in rows(self.store) if row["key"] in set(keys) and row["fits"]]
        table = [row for row in table if all(want.met(row, _SLACK) or _unknown(want, row) for want in self.wants)]
        chosen: list[int] = []
        for front in fronts(table, self.goals):
            chosen += spread(table, front, self.goals, count - len(chosen))
        return [table[number]["key"] for number in chosen]

    def place(self, keys: Sequence[str]) -> None:
        """Place and route these designs, where it is not done with as many seeds."""
        fewer = set()
        for key in keys:
            result = loads(self.store.job("designs", key)["result"])
            if result is not None and len(result["seeds"]) < self.seeds:
                fewer.add(key)

        def arguments(key: str) -> tuple[Any, ...]:
            row = self.store.job("designs", key)
            content = self.store.network(row["network"])["content"]
            return content, members(loads(row["chosen"])), self.seeds, self.limit

        def done(key: str, outcome: Outcome, seconds: float) -> None:
            if outcome.error is not None:
                self._failed("designs", key, outcome.error, seconds)
                return
            row = self.store.job("designs", key)
            command = _command(self.store.network(row["network"])["source"], loads(row["chosen"]), self.seeds)
            result = canonical(outcome.result)
            self.store.finish(
                "designs", key, result=result, command=command, error=None, final=0, seconds=round(seconds, 1)
            )
            found = outcome.result
            self.say(f"placed: {command}: {found['luts']:,} LUTs, {found['fmax']:.1f} MHz")

        self._run("designs", keys, place_job, arguments, done, again=fewer)

    # ------------------------------------------------------------------------------------------------------------ both

    def _run(
        self,
        table: str,
        keys: Sequence[str],
        function: Callable[..., Any],
        arguments: Callable[[str], tuple[Any, ...]],
        done: Callable[[str, Outcome, float], None],
        again: Iterable[str] = (),
    ) -> None:
        """Do the jobs that are not done, and wait for those that others do; what they give up is done here."""
        begun: dict[str, float] = {}
        repeated, tried = set(again), set[str]()
        while True:

            def claimed() -> Iterator[tuple[str, tuple[Any, ...]]]:
                for key in keys:
                    if key not in tried and self.store.claim(table, key, again=key in repeated):
                        tried.add(key)
                        begun[key] = time.perf_counter()
                        yield key, arguments(key)

            for key, outcome in self.pool.run(function, claimed()):
                done(key, outcome, time.perf_counter() - begun[key])
            pending = self.store.pending(table, [key for key in keys if key not in tried])
            left = [key for key in keys if key not in tried and self._open(table, key)]
            if not pending and not left:
                return
            time.sleep(_POLL)

    def _open(self, table: str, key: str) -> bool:
        row = self.store.job(table, key)
        return row["result"] is None and not row["final"]

    def _failed(self, table: str, key: str, error: BaseException, seconds: float) -> None:
        """What can be said is said; what is impossible is final, the rest is tried again by the next command."""
        final = isinstance(error, Refused | InputError)
        text = str(error) if final or isinstance(error, Stopped) else f"{type(error).__name__}: {error}"
        self.store.finish(table, key, error=text, final=int(final), seconds=round(seconds, 1))
        self.say(f"failed: {self.store.job(table, key)['command']}: {text}")


def _key(text: str) -> str:
    """Of a job."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _accuracies(result: Mapping[str, Any]) -> str:
    found = [f"{name} {value:.2%}" for name, value in result["accuracy"].items() if value is not None]
    return ", ".join(found) or "done"


def _unknown(want: Want, row: Mapping[str, Any]) -> bool:
    """Nothing is known of it before place and route."""
    return row.get(want.measure) is None and want.measure in ("luts", "flipflops", "fmax", "rate", "latency")


def _command(source: str, chosen: Mapping[str, str], seeds: int) -> str:
    """What repeats a design, from the network on."""
    made, net = "", shlex.quote(source)
    if source.startswith("hdlgen train "):
        made, net = f"{source} && ", "net.safetensors"
    compiled = f"hdlgen compile {net} -o core {compile_words(chosen)}"
    return f"{made}{compiled} && hdlgen synth core --target {chosen['target']} --seeds {seeds}"


def _shipped(network: networks.Network, name: str) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Test inputs that travel with a shipped network, lengths of sequences, and classes, where there are such."""
    if network.sequential:
        x, lengths, labels = shipped.test_sequences(name)
        return x, lengths, labels
    try:
        file: Path | None = shipped.sample_file(name)
    except ValueError:
        file = None
    if file is not None:
        found = golden.read_inputs(network, file)
        return found.x, None, found.labels
    images, labels = shipped.test_set()
    classes = network.widths[-1] == 10
    return images, None, labels if classes else None


def rows(store: Store) -> list[dict[str, Any]]:
    """All designs of an exploration: what is measured, or else estimated, by the names of `MEASURES`.

    Each row further has ``key``, ``network`` (name), ``sha256``, ``chosen`` (options as they are written), ``target``,
    ``command``, ``status`` ("measured", "estimated", "does not fit", "impossible" or "failed"), ``fits``, ``error``,
    ``seconds`` and ``seeds`` (number, MHz).
    """
    known = {row["sha256"]: row for row in store.jobs("networks")}
    found = []
    for row in store.jobs("designs"):
        guess, result = loads(row["estimate"]) or {}, loads(row["result"])
        network, chosen = known[row["network"]], loads(row["chosen"])
        values = guess if result is None else {**guess, **result}
        shortages = guess.get("shortages", [])
        if result is not None:
            status = "measured"
        elif guess.get("error"):
            status = "impossible"
        elif shortages or row["final"]:
            status = "does not fit"
        else:
            status = "failed" if row["error"] else "estimated"
        found.append(
            {
                "key": row["key"],
                "network": network["name"],
                "sha256": row["network"],
                "target": chosen["target"],
                "chosen": chosen,
                "status": status,
                "fits": status in ("measured", "estimated", "failed"),
                **{name: values.get(name) for name in MEASURES},
                "accuracy": network["accuracy"],
                "seeds": values.get("seeds", []),
                "seconds": row["seconds"],
                "error": row["error"] or guess.get("error") or "; ".join(shortages) or None,
                "command": row["command"],
            }
        )
    return found


def best(table: Sequence[dict[str, Any]], wants: Sequence[Want], goals: Sequence[Goal]) -> list[dict[str, Any]]:
    """The front: of the measured designs that have what is wanted, those that no other is better than; without measured
    ones, of the estimated ones."""
    for status in ("measured", "estimated"):
        fitting = [row for row in table if row["status"] == status and all(want.met(row) for want in wants)]
        if fitting:
            return [fitting[number] for number in fronts(fitting, goals)[0]]
    return []
