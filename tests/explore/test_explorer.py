"""Jobs on a scheduler with two workers, one of which is killed; and an exploration from the options to the front."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hdlgen.cli import main
from hdlgen.errors import InputError
from hdlgen.explore import Explorer, Store, Training, best, explorer, parse_axes, parse_want, rows
from hdlgen.explore.jobs import Stopped, place_job
from hdlgen.flow.pool import pool

from .workers import placed, slow_square

pytest.importorskip("distributed")

ROOT = Path(__file__).parents[2]
TINY = str(ROOT / "tests" / "vectors" / "tiny.safetensors")


def start(*words: str, log: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with log.open("wb") as output:
        return subprocess.Popen(command, stdout=output, stderr=output, env=environment, cwd=log.parent)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list["subprocess.Popen[bytes]"]]]:
    """The address of a scheduler, and its two workers."""
    folder = tmp_path_factory.mktemp("cluster")
    file = folder / "scheduler.json"
    started = [
        start(
            "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file),
            log=folder / "scheduler.log",
        )
    ]  # fmt: skip
    try:
        for _ in range(300):
            if file.is_file() and file.read_text().strip():
                break
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        for number in range(2):
            words = ("--nthreads", "1", "--no-dashboard", "--no-nanny", "--local-directory", str(folder))
            started.append(start("dask_worker", address, *words, log=folder / f"worker{number}.log"))
        yield address, started[1:]
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()


def test_a_worker_is_killed(cluster: tuple[str, list["subprocess.Popen[bytes]"]], tmp_path: Path) -> None:
    address, workers = cluster
    with pool(scheduler=address) as found:
        while found.slots < 2:
            time.sleep(0.1)
        results, killed = dict[int, object](), 0
        for key, outcome in found.run(slow_square, ((n, (n, str(tmp_path))) for n in range(10))):
            results[key] = outcome.value()
            if not killed:
                # The first of them, in the middle of its next job.
                killed = workers[0].pid
                while not any(name.suffix == f".{killed}" for name in tmp_path.iterdir()):
                    time.sleep(0.02)
                os.kill(killed, signal.SIGKILL)
        assert results == {n: n * n for n in range(10)}
        assert workers[0].wait() == -signal.SIGKILL
        (outcome,) = [outcome for _, outcome in found.run(slow_square, [("bad", (-1, str(tmp_path)))])]
        with pytest.raises(ValueError, match="-1 is negative"):
            outcome.value()


def test_an_exploration(
    cluster: tuple[str, list["subprocess.Popen[bytes]"]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the worker that is left: estimates are real, place and route is not."""
    monkeypatch.setattr(explorer, "place_job", placed)
    file, said = tmp_path / "x.sqlite", list[str]()
    axes = parse_axes(["lanes=2/4/8", "target=ecp5-25k"])
    wants = [parse_want("luts<=100000")]
    with pool(scheduler=cluster[0]) as found, Store(file) as store:
        exploring = Explorer(store=store, pool=found, wants=wants, say=said.append)
        hashes = exploring.add([TINY])
        keys = exploring.estimate(hashes, axes)
        assert {row["status"] for row in rows(store)} == {"estimated"}
        assert len(exploring.promising(keys, 2)) == 2
        exploring.place(keys)
        table = {row["chosen"]["lanes"]: row for row in rows(store)}
        assert [table[lanes]["status"] for lanes in "248"] == ["failed", "measured", "measured"]
        assert table["2"]["error"] == "TimeoutError: hung"
        assert table["4"]["luts"] == 400
        assert [row["chosen"]["lanes"] for row in best(rows(store), wants, exploring.goals)] == ["4"]
        # Again: what is measured is not measured again, what failed is tried again, more seeds are more work.
        count = len(said)
        exploring.place(keys)
        assert len(said) == count + 1
        exploring.seeds = 2
        exploring.place(keys[1:2])
        assert len(rows(store)[1]["seeds"]) == 2
        assert rows(store)[1]["command"] == (
            f"hdlgen compile {TINY} -o core --lanes 4 --target ecp5-25k && hdlgen synth core --target ecp5-25k --seeds 2"
        )


def test_files_of_an_exploration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without networks the verb shows what is there."""
    file, table, full = (tmp_path / name for name in ("x.sqlite", "x.csv", "x.json"))
    with Store(file) as store:
        store.add_network("n", "net", "net.safetensors", b"")
        guess = {"luts": 100, "rate": 5.0, "shortages": [], "missing": []}
        for lanes, luts in ((2, 100), (4, 90)):
            chosen = json.dumps({"lanes": str(lanes), "target": "ecp5-25k"})
            row = {"network": "n", "chosen": chosen, "command": "c", "estimate": json.dumps({**guess, "luts": luts})}
            store.add_all("designs", {str(lanes): row})
    with pytest.raises(SystemExit) as ended:
        main(["explore", "-o", str(file), "--csv", str(table), "--json", str(full)])
    assert ended.value.code == 0
    assert "2 designs: 2 estimated; the best:" in capsys.readouterr().out
    found = list(csv.DictReader(table.open()))
    assert [(row["options"], row["best"]) for row in found] == [
        ("lanes=2 target=ecp5-25k", "0"),
        ("lanes=4 target=ecp5-25k", "1"),
    ]
    assert [row["best"] for row in json.loads(full.read_text())] == [False, True]
    with pytest.raises(SystemExit) as ended:
        main(["explore", "-o", str(file), "--want", "luts<=50"])
    assert ended.value.code == 1
    assert "no design has luts <= 50" in capsys.readouterr().err


def test_a_job_that_hangs_is_ended() -> None:
    content = Path(TINY).read_bytes()
    begun = time.monotonic()
    with pytest.raises(Stopped, match=r"^stopped after 0\.5 s, --time-limit$"):
        place_job(content, {"lanes": 2, "target": "ecp5-25k"}, 1, 0.5)
    assert time.monotonic() - begun < 30


def test_trainings_that_grow() -> None:
    training = Training(
        words=("idx", "F"), axes=tuple(parse_axes(["paths=8/16", "seed=1/2"], training=True)), densify=True
    )
    first, second = training.rounds()
    assert [run.before for run in first] == [None, None]
    assert [run.before for run in second] == first
    assert second[1].command == (
        "hdlgen train idx F --paths 8 --seed 2 -o net.safetensors && "
        "hdlgen train idx F --paths 16 --seed 2 --init net.safetensors -o net.safetensors"
    )
    with pytest.raises(InputError, match=r"^--densify: paths are 16/8; allowed: more and more$"):
        Training(words=(), axes=tuple(parse_axes(["paths=16/8"], training=True)), densify=True).rounds()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--vary", "lanes=2"], "--vary: of what?"),
        (["net", "--vary", "train.paths=2"], "--vary train.paths: allowed with --train only"),
        (["net", "--want", "luts"], "--want 'luts': allowed:"),
        ([TINY, "--train", "'"], "--train: no closing quotation"),
        ([TINY, "--scheduler", "tcp://127.0.0.1:1"], "--scheduler tcp://127.0.0.1:1: "),
        (["net", "--jobs", "0"], "--jobs 0: allowed are 1 to 1024 (processes)"),
    ],
)
def test_bad_options(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hdlgen.flow.pool._WAIT", 1)
    with pytest.raises(SystemExit) as ended:
        main(["explore", *words, "-o", str(tmp_path / "x.sqlite")])
    assert ended.value.code == 2
    assert re.search(re.escape(said), capsys.readouterr().err)
