"""New weights over the serial port, to the simulated board, by the host program."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import hdlgen
from hdlgen import golden
from hdlgen.cli import main
from hdlgen.emit import compile_to
from hdlgen.errors import Doubtful, InputError, Refused
from hdlgen.flow import load as loading
from hdlgen.flow.inputs import ask
from hdlgen.flow.load import image_for, load
from hdlgen.flow.patch import patch
from hdlgen.flow.run import run
from hdlgen.flow.virtual import VirtualBoard
from hdlgen.host.protocol import Load, Message, Reply, Request
from hdlgen.network import Network, save

from ..compiler.networks import inputs, make
from ..compiler.test_frame import retrained
from ..mixed import conv, make_mixed, pool
from ..recurrent import make as recurrent
from ..recurrent import sequences as steps_of
from .proxy import Proxy

WIDTHS, PATHS = (12, 10, 4), 32


def network(seed: int) -> Network:
    return make(WIDTHS, PATHS, shift=seed, seed=seed)


def sequence_network(seed: int, shift: int) -> Network:
    band = {"cell": "tanh", "width": 4, "band": 3, "shift": shift}
    return recurrent(np.random.default_rng(seed), inputs=4, bands=[band])


@pytest.fixture(scope="module", params=["ram", "spram"])
def design(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("load") / "design"
    compile_to(network(2), folder, lanes=4, source=request.param, elements_per_beat=2)
    return folder


@pytest.fixture(scope="module")
def virtual(design: Path) -> Iterator[VirtualBoard]:
    with VirtualBoard(design) as board:
        yield board


def _run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_load(design: Path, virtual: VirtualBoard, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """To a second network and back; the board says whose weights it has, and `hdlgen run` looks at that."""
    x = inputs(network(2), 20)
    save(network(3), tmp_path / "three.safetensors")
    patch(design, network(3), tmp_path / "three")
    shutil.copytree(design, tmp_path / "copy")
    # Also fills what is empty at first.
    assert run(design, port=virtual.port).failures == ()
    assert _run("load", design, tmp_path / "three.safetensors", "--port", virtual.port) == 0
    assert "in force" in capsys.readouterr().out
    with hdlgen.Board.open(virtual.port) as board:
        assert np.array_equal(board.infer(x), golden.evaluate(network(3), x))
    with pytest.raises(Refused, match=r"not that of .* or, with `hdlgen load`, its weights"):
        run(tmp_path / "copy", port=virtual.port)
    # The folder that the network was loaded from knows it.
    found = run(design, port=virtual.port)
    assert found.failures == ()
    assert found.loaded == f"loaded-{found.identity.network.hex()}.safetensors"
    assert np.array_equal(found.y, golden.evaluate(network(3), np.load(design / "vectors/x.npy")))
    np.save(tmp_path / "dim.npy", x % 3)
    with pytest.warns(Doubtful, match=r"dim.npy: holds 0\.\.2, little of") as said:
        assert run(design, port=virtual.port, input_file=str(tmp_path / "dim.npy")).failures == ()
    assert len(said) == 1
    assert run(tmp_path / "three", port=virtual.port).failures == ()
    assert _run("load", design, "--port", virtual.port) == 0
    assert run(design, port=virtual.port).loaded is None
    # The sessions in between changed nothing about it.
    with hdlgen.Board.open(virtual.port) as board:
        assert np.array_equal(board.infer(x), golden.evaluate(network(2), x))


def test_bad_line(design: Path, virtual: VirtualBoard) -> None:
    """Bytes changed, lost and added in both directions: the image arrives all the same."""
    x = inputs(network(2), 5)
    repeated = 0
    with Proxy(virtual.port, to_board=0.004, to_host=0.004) as proxy:
        for seed in (3, 2) * 4:
            with hdlgen.Board.open(proxy.port, timeout=0.3) as board:
                load(design, network(seed), board)
                repeated += board.statistics.repeated
                assert np.array_equal(board.infer(x), golden.evaluate(network(seed), x))
        assert min(proxy.faults.values()) > 0
    assert repeated > 0


def test_damaged_image(design: Path, virtual: VirtualBoard) -> None:
    """The board looks at the whole image, not only at the messages."""
    x = inputs(network(2), 5)
    _name, content = image_for(design, None)
    with hdlgen.Board.open(virtual.port) as board:
        board.load(content)
        damaged = content[:20] + bytes([content[20] ^ 1]) + content[21:]
        with pytest.raises(Refused, match="the board says that the image is damaged"):
            board.load(damaged)
        if board.status().ready:  # there was room for both
            assert np.array_equal(board.infer(x), golden.evaluate(network(2), x))
        else:
            with pytest.raises(InputError, match="the board was not ready for it"):
                board.infer(x)
        with pytest.raises(Refused, match="the image is for design"):
            board.load(content[:4] + b"\0\0\0\0" + content[8:])
        board.load(content)
        assert np.array_equal(board.infer(x), golden.evaluate(network(2), x))


def test_other_weights_than_were_sent(design: Path, virtual: VirtualBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the board says that it computes is compared with the image."""
    _name, content = image_for(design, None)
    _name, another = image_for(design, network(3))
    with hdlgen.Board.open(virtual.port) as board:
        board.load(another)
        said = board.identity
        monkeypatch.setattr(board.line, "greet", lambda: said)
        with pytest.raises(
            Refused, match="the board has other weights in force than were sent; does somebody else use"
        ):
            board.load(content)
        monkeypatch.undo()
        board.load(content)
        assert board.identity.network == content[-4:] + content[4:8]


def test_wrong_answers(design: Path, virtual: VirtualBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the board computes with its new weights is compared."""
    monkeypatch.setattr(loading, "ask", lambda board, rows: ask(board, rows) + (np.arange(len(rows)) == 3)[:, None])
    with (
        hdlgen.Board.open(virtual.port) as board,
        pytest.raises(Refused, match=r"1 of 16 answers differ .*; inference 3, result 0: "),
    ):
        load(design, None, board)


def test_virtual(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A trial without any board, and with one set of weights."""
    save(network(5), tmp_path / "five.safetensors")
    compile_to(network(2), tmp_path / "design", lanes=4, source="ram", banks=1)
    assert _run("load", tmp_path / "design", tmp_path / "five.safetensors", "--virtual") == 0
    assert "16 answers, equal to the golden model's" in capsys.readouterr().out


def test_sequences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A recurrent network: its steps meet one set of weights or the other."""
    one, two = (sequence_network(seed, shift=3) for seed in (1, 2))
    design = tmp_path / "design"
    compile_to(one, design, lanes=2, source="ram")
    save(two, tmp_path / "two.safetensors")
    x = [steps_of(one, [length], seed=length) for length in (1, 7, 2, 5)]
    lengths = np.array([len(steps) for steps in x])
    with VirtualBoard(design) as board:
        assert run(design, port=board.port).loaded is None
        for line, network in (([tmp_path / "two.safetensors"], two), ([], one)):
            assert _run("load", design, *line, "--port", board.port) == 0
            with hdlgen.Board.open(board.port) as opened:
                assert np.array_equal(opened.infer(x), golden.evaluate(network, np.concatenate(x), lengths))
            found = run(design, port=board.port)
            assert found.failures == ()
            assert (found.loaded is None) == (network is one)
    save(sequence_network(1, shift=2), tmp_path / "shifts.safetensors")
    save(make((4, 4), 16), tmp_path / "paths.safetensors")
    for name, said in (("shifts", "layer 1: input shift: 2; the design"), ("paths", "input bits: 6; the design")):
        capsys.readouterr()
        assert _run("load", design, tmp_path / f"{name}.safetensors", "--port", "none") == 2
        assert said in capsys.readouterr().err


@pytest.mark.parametrize("banks", [1, 2])
def test_load_in_mid_sequence(tmp_path: Path, banks: int) -> None:
    """It is refused, and both the sequence and a later load go on."""
    one, two = (sequence_network(seed, shift=3) for seed in (1, 2))
    design, x = tmp_path / "design", steps_of(one, [5], seed=3)
    compile_to(one, design, lanes=2, source="ram", banks=banks)
    _name, content = image_for(design, two)
    frames = [row.astype(np.int8).tobytes() for row in x]
    with VirtualBoard(design) as virtual, hdlgen.Board.open(virtual.port) as board:
        for number, network in enumerate((one, one, two)):
            board.greet()
            for place, frame in enumerate(frames[:-1]):
                board.line.deliver(Message(Request.INFER, place, frame))
                if number == 1:
                    for kind, payload in ((Load.BEGIN, b"\0"), (Load.DATA, content), (Load.COMMIT, b"\0")):
                        with pytest.raises(InputError, match="16 times: the board was not ready for it"):
                            board.line.deliver(Message(kind, place + 1, payload))
            board.line.deliver(Message(Request.INFER_END, len(frames) - 1, frames[-1]))
            (result,) = (message for message in board.line.messages if message.type == Reply.RESULT)
            expected = golden.evaluate(network, x, np.array([len(x)]))
            assert np.array_equal(np.frombuffer(result.payload, "<i4"), expected[0])
            if number == 1:
                board.load(content)


def test_flash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Weights from a flash: other ones by another image there; a board that finds none says so."""
    design = tmp_path / "design"
    compile_to(network(2), design, lanes=4, source="flash", flash_lines=2)
    found = run(design, port=None)
    assert found.failures == ()
    manifest = json.loads((design / "manifest.json").read_text())
    assert found.bench.interval == manifest["interval_cycles"] >= manifest["weights"]["read_cycles"]
    patch(design, network(3), tmp_path / "three")
    with VirtualBoard(tmp_path / "three") as board:
        assert run(tmp_path / "three", port=board.port).failures == ()
        with pytest.raises(Refused, match="not that of"):
            run(design, port=board.port)
    assert _run("load", design, "--port", "none") == 2
    assert "its weights are in flash" in capsys.readouterr().err
    name = manifest["weights"]["image"]
    (design / name).write_bytes(b"nothing")
    hashes = manifest["sources_sha256"] | {name: hashlib.sha256(b"nothing").hexdigest()}
    (design / "manifest.json").write_text(json.dumps(manifest | {"sources_sha256": hashes}))
    with pytest.raises(InputError, match="the board finds no image for its design in its flash"):
        run(design, port=None)


def convolutions() -> Network:
    """A picture of 4 x 4 pixels with signed values: a convolution whose greatest values are kept, and two outputs."""
    entries = [conv(4, 3, 3, padding=(1, 1, 1, 1)), pool(2, 2), {"kind": "sums", "width": 2}]
    return make_mixed(entries, inputs=16, shape=(4, 4, 1), seed=2, signed=True)


@pytest.mark.parametrize(
    ("two", "three"),
    [(lambda: network(2), lambda: network(3)), (convolutions, lambda: retrained(convolutions()))],
    ids=["paths", "convolutions"],
)
def test_flash_and_port(
    two: Callable[[], Network], three: Callable[[], Network], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Single-port RAM that the design fills itself: it answers at once, and takes other weights through the port."""
    design = tmp_path / "design"
    compile_to(two(), design, lanes=4, source="spram", fill="flash", flash_lines=4)
    save(three(), tmp_path / "three.safetensors")
    with VirtualBoard(design) as board:
        assert run(design, port=board.port).failures == ()
        with hdlgen.Board.open(board.port) as opened:
            assert opened.identity.load
            assert opened.identity.flash
        assert _run("load", design, tmp_path / "three.safetensors", "--port", board.port) == 0
        assert "in force" in capsys.readouterr().out
        found = run(design, port=board.port)
        assert found.failures == ()
        assert found.loaded == f"loaded-{found.identity.network.hex()}.safetensors"
    # Other weights for the start: another image.
    patch(design, three(), tmp_path / "three")
    (image,) = (tmp_path / "three" / "images").glob("*.bin")
    assert image.read_bytes() == image_for(design, three())[1]


def test_designs_that_cannot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compile_to(network(2), tmp_path / "rom", lanes=4)
    compile_to(network(2), tmp_path / "ram", lanes=4, source="ram")
    save(make((12, 11, 4), PATHS), tmp_path / "other.safetensors")
    rnn = sequence_network(0, shift=2)
    save(rnn, tmp_path / "rnn.safetensors")
    compile_to(rnn, tmp_path / "rnn", lanes=4)
    for line, said in (
        (("load", tmp_path / "rom", "--port", "none"), "its weights are part of the bitstream; compile with"),
        (("load", tmp_path / "ram", tmp_path / "other.safetensors", "--port", "none"), "widths: (12, 11, 4); the"),
        (("load", tmp_path / "ram", "--port", "none"), "--port none: cannot be opened"),
        (("load", tmp_path / "nowhere", "--port", "none"), "manifest.json: not found"),
        (("load", tmp_path / "ram"), "give either --port or --virtual"),
        (("load", tmp_path / "ram", "--virtual", "--port", "none"), "give either --port or --virtual"),
        (("load", tmp_path / "ram", "--virtual", "--baud", "9600"), "--baud: allowed with --port only"),
        (("load", tmp_path / "ram", tmp_path / "rnn.safetensors", "--port", "none"), "widths: (4, 4); the design in"),
        (("load", tmp_path / "rnn", "--port", "none"), "its weights are part of the bitstream; compile with"),
    ):
        assert _run(*line) == 2
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1


def test_other_board(tmp_path: Path, design: Path, virtual: VirtualBoard) -> None:
    """A folder whose design is not the board's is refused before anything is sent."""
    compile_to(make((12, 10, 4), PATHS, dimensions=(0, 2, 1)), tmp_path / "other", lanes=4, source="ram")
    with hdlgen.Board.open(virtual.port) as board:
        before = board.status().load
        with pytest.raises(Refused, match="the image is for design"):
            load(tmp_path / "other", None, board)
        assert board.status().load == before
