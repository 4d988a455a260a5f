"""From end to end: the host program, a pseudo-terminal, and the Verilog of the whole board in Verilator."""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import hdlgen
from hdlgen import golden, networks
from hdlgen.cli import main
from hdlgen.emit import compile_to
from hdlgen.errors import InputError, Refused
from hdlgen.flow.run import run
from hdlgen.flow.virtual import VirtualBoard
from hdlgen.network import load

from .proxy import Proxy

VECTORS = Path(__file__).parent.parent / "vectors"
IMAGES = 100


@pytest.fixture(scope="module")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mnist") / "core"
    compile_to(load("mnist"), folder, lanes=8)
    return folder


@pytest.fixture(scope="module")
def board(mnist: Path) -> Iterator[VirtualBoard]:
    with VirtualBoard(mnist) as virtual:
        yield virtual


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny") / "core"
    compile_to(load(VECTORS / "tiny.safetensors"), folder, lanes=4)
    return folder


@pytest.fixture(scope="module")
def small_board(tiny: Path) -> Iterator[VirtualBoard]:
    with VirtualBoard(tiny) as virtual:
        yield virtual


@pytest.fixture(scope="module")
def images() -> tuple[np.ndarray, np.ndarray]:
    x, labels = networks.test_set()
    return x[:IMAGES], labels[:IMAGES]


def _run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_mnist(
    mnist: Path,
    board: VirtualBoard,
    images: tuple[np.ndarray, np.ndarray],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, array in zip(("x", "labels"), images, strict=True):
        np.save(tmp_path / f"{name}.npy", array)
    files = ("--input", tmp_path / "x.npy", "--labels", tmp_path / "labels.npy")
    outputs = ("-o", tmp_path / "y.npy", "--report", tmp_path / "r.json")
    assert _run("run", mnist, "--port", board.port, *files, *outputs) == 0
    y = golden.evaluate(load("mnist"), images[0])
    assert np.array_equal(np.load(tmp_path / "y.npy"), y)
    report = json.loads((tmp_path / "r.json").read_text())
    manifest = json.loads((mnist / "manifest.json").read_text())
    assert (report["inferences"], report["mismatches"], report["recoveries"]) == (IMAGES, 0, 0)
    assert report["accuracy"] == (y.argmax(axis=1) == images[1]).mean()
    # To the cycle: neither the protocol nor the line stalls the core.
    assert report["cycles"]["latency"] == manifest["latency_cycles"]
    assert report["cycles"]["interval"] == manifest["interval_cycles"]
    assert report["cycles"]["full_speed_correct"] is True
    assert "0 of 100 answers differ" in capsys.readouterr().out


@pytest.mark.parametrize(("to_board", "to_host"), [(4e-4, 0), (2e-4, 6e-3)])
def test_mnist_over_a_bad_line(
    board: VirtualBoard, images: tuple[np.ndarray, np.ndarray], to_board: float, to_host: float
) -> None:
    with (
        Proxy(board.port, to_board=to_board, to_host=to_host) as line,
        hdlgen.Board.open(line.port, timeout=0.5) as host,
    ):
        y = host.infer(images[0])
        statistics = host.statistics
    assert np.array_equal(y, golden.evaluate(load("mnist"), images[0]))
    assert sum(line.faults.values()) > 5
    assert statistics.recoveries > 3
    assert statistics.repeated > 3


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits") / "core"
    compile_to(load("digits-diag"), folder)
    return folder


@pytest.fixture(scope="module")
def digits_board(digits: Path) -> Iterator[VirtualBoard]:
    with VirtualBoard(digits) as virtual:
        yield virtual


def test_spoken_digits(digits: Path, digits_board: VirtualBoard) -> None:
    recordings = str(networks.sequence_file("digits-diag"))
    report = run(digits, port=digits_board.port, input_file=recordings, images=20)
    assert (report.inferences, report.mismatches, report.recoveries, report.failures) == (20, 0, 0, ())
    assert report.accuracy is not None
    assert report.accuracy > 0.8
    manifest = json.loads((digits / "manifest.json").read_text())
    assert (report.bench.latency, report.bench.interval) == (manifest["latency_cycles"], manifest["interval_cycles"])


def test_spoken_digits_over_a_bad_line(digits: Path, digits_board: VirtualBoard) -> None:
    recordings = str(networks.sequence_file("digits-diag"))
    with Proxy(digits_board.port, to_board=5e-4, to_host=2e-3) as line:
        report = run(digits, port=line.port, input_file=recordings, images=20, timeout=0.5)
    assert (report.mismatches, report.failures) == (0, ())
    assert sum(line.faults.values()) > 10
    assert report.recoveries > 3


def test_the_examples_of_the_document(
    small_board: VirtualBoard, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second one opens the board that the first one asks."""
    text = (Path(__file__).parents[2] / "docs" / "run.md").read_text(encoding="utf-8")
    ask, serve = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    x = np.random.default_rng(2).integers(0, 256, (5, 8))
    scope = {"x": x}
    monkeypatch.setattr("hdlgen.flow.virtual.VirtualBoard", lambda folder: contextlib.nullcontext(small_board))
    monkeypatch.setattr("builtins.input", lambda _: exec(ask.replace("/dev/ttyUSB1", small_board.port), scope))
    exec(serve, {})
    assert np.array_equal(scope["y"], golden.evaluate(load(VECTORS / "tiny.safetensors"), x))
    assert capsys.readouterr().out.startswith(f"{small_board.port}\ntiny ")


def test_small_inputs_travel_together(small_board: VirtualBoard) -> None:
    network = load(VECTORS / "tiny.safetensors")
    x = np.random.default_rng(1).integers(0, 256, (400, 8))
    seen: list[int] = []
    with (
        Proxy(small_board.port, to_board=1e-3, to_host=1e-3) as line,
        hdlgen.Board.open(line.port, timeout=0.5) as host,
    ):
        y = host.infer(x, progress=seen.append)
        assert np.array_equal(y, golden.evaluate(network, x))
        assert host.statistics.sent < 100
        # The same session goes on.
        assert np.array_equal(host.infer(x[:3]), y[:3])
        assert host.infer(x[:0]).shape == (0, 4)
    assert seen == list(range(1, 401))


def test_speed(board: VirtualBoard, images: tuple[np.ndarray, np.ndarray]) -> None:
    """The line is the limit: no more filler than there is without need, and no waiting for answers."""
    with Proxy(board.port) as line, hdlgen.Board.open(line.port) as host:
        before = line.bytes["to_board"]
        host.infer(images[0][:50])
        assert line.bytes["to_board"] - before < 1.1 * 50 * (784 + 9)


# -------------------------------------------------------------------------------------------------------------- refused


def test_another_network(tiny: Path, board: VirtualBoard) -> None:
    with pytest.raises(Refused) as caught:
        run(tiny, port=board.port)
    assert re.fullmatch(
        rf"--port {board.port}: the board computes network 'mnist', [0-9a-f]{{16}}\.\.\., not that of {tiny}, "
        r"[0-9a-f]{16}\.\.\.; load its bitstream, or name the folder it was made from",
        str(caught.value),
    )


def test_no_such_port(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("run", tiny, "--port", "/dev/no-such-port") == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("hdlgen: --port /dev/no-such-port: cannot be opened: ")
    assert "No such file" in said


def test_a_port_in_use(small_board: VirtualBoard) -> None:
    with hdlgen.Board.open(small_board.port), pytest.raises(InputError, match=r"^--port .*: cannot be opened: "):
        hdlgen.Board.open(small_board.port)


def test_nobody_answers(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Proxy(None) as line:
        assert _run("run", tiny, "--port", line.port, "--timeout", 0.1) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"hdlgen: --port {line.port}: no answer from a board; is it the right port and --baud, and does the board run a "
        "bitstream of `hdlgen synth --board B`?"
    )


def test_unplugged(board: VirtualBoard, images: tuple[np.ndarray, np.ndarray]) -> None:
    with (
        Proxy(board.port, break_after=30_000) as line,
        hdlgen.Board.open(line.port, timeout=0.3) as host,
        pytest.raises(InputError, match=rf"^--port {line.port}: (lost: |the board has stopped answering)"),
    ):
        host.infer(images[0])


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((2, 7), int), "x: inference 0 has shape [1, 7]; allowed: [steps, 8]"),
        (np.zeros(8, int), "x: shape is [8]; allowed: [N, 8]"),
        (np.zeros((2, 8)), "x: dtype is float64; allowed: integers, or real numbers of a known meaning with a scale"),
        (np.array([[0] * 8, [256] + [0] * 7]), "x: inference 1 holds 256; allowed: 0..255 (8 bits)"),
        (np.full((1, 8), -1), "x: inference 0 holds -1; allowed: 0..255 (8 bits)"),
    ],
)
def test_inputs(small_board: VirtualBoard, x: np.ndarray, message: str) -> None:
    with hdlgen.Board.open(small_board.port) as host, pytest.raises(InputError) as caught:
        host.infer(x)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "hdlgen run: give either --port or --virtual"),
        (["--port", "x", "--virtual"], "hdlgen run: give either --port or --virtual"),
        (["--virtual", "--baud", "9600"], "--baud: allowed with --port only; "),
        (["--port", "x", "--baud", "1"], "--baud 1: allowed are 300 to 50000000"),
        (["--port", "x", "--timeout", "0"], "--timeout 0: allowed are 0.01 to 3600 (seconds)"),
        (["--port", "x", "--images", "0"], "--images 0: allowed are 1 and more"),
        (["--port", "x", "--input", "none.npy"], "none.npy: cannot be read: No such file or directory"),
        (["--port", "x", "-o", "none/y.npy"], "none/y.npy: cannot be written; name a file in a writable folder"),
    ],
)
def test_usage(tiny: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("run", tiny, *options) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"hdlgen: {message}")
