"""What every verb does with what it cannot use: exit status 2, one line that says why, and nothing written."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hdlgen.cli import main
from hdlgen.emit import compile_to
from hdlgen.network import load, save

from ..recurrent import make

VECTORS = Path(__file__).parent.parent / "vectors"
VERBS = [
    *(
        "boards",
        "check",
        "compile",
        "demo",
        "draw",
        "estimate",
        "evaluate",
        "explore",
        "generate",
        "hear",
        "import",
        "load",
        "names",
        "patch",
        "paths",
        "play",
        "program",
        "prune",
        "quantize",
        "report",
        "run",
        "simulate",
        "study",
        "synth",
        "train",
    )
]


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("design") / "core"
    compile_to(load(VECTORS / "tiny.safetensors"), folder, lanes=4)
    return folder


@pytest.fixture
def place(tmp_path: Path, design: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, the current one, with a network, a design, arrays and things that are none of these."""
    shutil.copy(VECTORS / "tiny.safetensors", tmp_path / "tiny.safetensors")
    shutil.copytree(design, tmp_path / "core")
    (tmp_path / "a_file").write_text("no folder")
    (tmp_path / "a_folder").mkdir()
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "manifest.json").write_text('{"format_version": 1, "name": "old", "top": "hdlgen_old"}')
    (tmp_path / "cut.safetensors").write_bytes((VECTORS / "tiny.safetensors").read_bytes()[:100])
    np.save(tmp_path / "x.npy", np.zeros((3, 8), np.uint8))
    np.save(tmp_path / "wide.npy", np.zeros((3, 9), np.uint8))
    np.save(tmp_path / "large.npy", np.full((3, 8), 256))
    np.save(tmp_path / "real.npy", np.zeros((3, 8)))
    np.save(tmp_path / "labels.npy", np.zeros(3, np.int64))
    np.save(tmp_path / "two_labels.npy", np.zeros(2, np.int64))
    for name, shift in (("rnn", 2), ("lost", 40)):
        band = {"cell": "gru", "width": 4, "band": 3, "shift": shift}
        save(make(np.random.default_rng(0), inputs=4, bands=[band]), tmp_path / f"{name}.safetensors")
    for name, count in (("short", 2), ("good", 3)):
        np.savez(tmp_path / f"{name}.npz", x=np.zeros((3, 4), np.int8), lengths=np.array([count]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tree(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


def refused(capsys: pytest.CaptureFixture[str], line: str) -> str:
    """The one line on the error stream."""
    before = tree(Path.cwd())
    with pytest.raises(SystemExit) as caught:
        main(line.split())
    out, err = capsys.readouterr()
    assert caught.value.code == 2, err
    assert out == ""
    assert err.endswith("\n")
    *steps, said = err.splitlines()
    # The demonstration has said by then which step it is at.
    assert [step[:3] for step in steps] == (["[1/"] if steps and line.startswith("demo") else []), err
    assert tree(Path.cwd()) == before
    return said


USAGE = [
    ("nonsense", "hdlgen: No such command 'nonsense'; see hdlgen --help"),
    ("--nonsense", "hdlgen: No such option '--nonsense'; see hdlgen --help"),
    ("check", "hdlgen check: Missing argument 'NET'; see hdlgen check --help"),
    ("check a b", "hdlgen check: Got unexpected extra argument (b); see hdlgen check --help"),
    ("hear a_folder", "hdlgen hear: Missing option '-o' / '--output'; see hdlgen hear --help"),
    ("boards x", "hdlgen boards: Got unexpected extra argument (x); see hdlgen boards --help"),
    ("compile -o new", "hdlgen compile: Missing argument 'NET'; see hdlgen compile --help"),
    ("compile tiny.safetensors", "hdlgen compile: Missing option '-o' / '--output'; see hdlgen compile --help"),
    (
        "compile tiny.safetensors -o new --seed 1.5",
        "hdlgen compile: Invalid value for '--seed': '1.5' is not a valid integer; see hdlgen compile --help",
    ),
    ("compile tiny.safetensors -o", "hdlgen: Option '-o' requires an argument; see hdlgen --help"),
    ("evaluate tiny.safetensors", "hdlgen evaluate: Missing option '--input' / '-i'; see hdlgen evaluate --help"),
    ("import", "hdlgen import: Missing argument 'FILE'; see hdlgen import --help"),
    ("paths", "hdlgen paths: Missing argument 'NET'; see hdlgen paths --help"),
    ("prune", "hdlgen prune: Missing argument 'NET'; see hdlgen prune --help"),
    ("quantize", "hdlgen quantize: Missing argument 'FILE'; see hdlgen quantize --help"),
    ("simulate", "hdlgen simulate: Missing argument 'DIR'; see hdlgen simulate --help"),
    (
        "simulate core --simulator vcs",
        "hdlgen simulate: Invalid value for '--simulator': 'vcs' is not one of 'verilator', 'icarus'; "
        "see hdlgen simulate --help",
    ),
    ("synth", "hdlgen synth: Missing argument 'DIR'; see hdlgen synth --help"),
    (
        "synth core --target ecp5-25k --seeds 0",
        "hdlgen synth: Invalid value for '--seeds': 0 is not in the range 1<=x<=1000; see hdlgen synth --help",
    ),
    ("load", "hdlgen load: Missing argument 'DIR'; see hdlgen load --help"),
    ("patch core", "hdlgen patch: Missing argument 'NET'; see hdlgen patch --help"),
    ("patch core tiny.safetensors", "hdlgen patch: Missing option '-o' / '--output'; see hdlgen patch --help"),
    ("program", "hdlgen program: Missing argument 'DIR'; see hdlgen program --help"),
    ("run", "hdlgen run: Missing argument 'DIR'; see hdlgen run --help"),
    ("play", "hdlgen play: Missing argument 'DIR'; see hdlgen play --help"),
    ("report", "hdlgen report: Missing argument 'DIR'; see hdlgen report --help"),
    ("demo x", "hdlgen demo: Got unexpected extra argument (x); see hdlgen demo --help"),
    ("estimate", "hdlgen estimate: Missing argument 'NET'; see hdlgen estimate --help"),
    ("explore tiny.safetensors", "hdlgen explore: Missing option '-o' / '--output'; see hdlgen explore --help"),
    ("study", "hdlgen study: Missing option '-o' / '--output'; see hdlgen study --help"),
    ("draw", "hdlgen draw: Missing argument 'NET'; see hdlgen draw --help"),
    ("draw tiny.safetensors", "hdlgen draw: Missing option '-o' / '--output'; see hdlgen draw --help"),
    ("train nonsense", "hdlgen train: No such command 'nonsense'; see hdlgen train --help"),
    ("train idx", "hdlgen train idx: Missing argument 'FOLDER'; see hdlgen train idx --help"),
]


@pytest.mark.parametrize(("line", "message"), USAGE, ids=[line for line, _ in USAGE])
def test_usage(place: Path, capsys: pytest.CaptureFixture[str], line: str, message: str) -> None:
    # Releases of click word options differently: "No such option: --x" and "No such option '--x'".
    said = refused(capsys, line).replace("No such option: --nonsense", "No such option '--nonsense'")
    assert said == message


INPUT = [
    # Networks that are none.
    ("check missing", "missing"),
    ("check missing.safetensors", "missing.safetensors"),
    ("check a_file", "a_file"),
    ("check a_folder", "a_folder"),
    ("check cut.safetensors", "cut.safetensors"),
    ("compile missing -o new", "missing"),
    ("patch core missing -o new", "missing"),
    ("load core", "hdlgen load: give either --port or --virtual"),
    ("names tiny.safetensors -o new.safetensors", "names: nothing to name; allowed: --inputs, --outputs, or both"),
    ("generate tiny.safetensors", "is no sums of"),
    ("generate shakespeare --start Hello", "character 1 of --start is 'H'; allowed: '\\n', ' '"),
    ("generate shakespeare -n 0", "1 symbols to start with, 0 to follow; allowed: 1 and more"),
    ("generate shakespeare --seed 0", "seed is 0; allowed: integers 1..4294967295"),
    (
        "generate shakespeare --temperature 2",
        "shakespeare: draws already; allowed without --temperature and --output",
    ),
    ("play core", "hdlgen play: give one of --port, --virtual and --golden"),
    ("play none --golden", "none/manifest.json: not found; name a folder that `hdlgen compile` wrote"),
    ("load core missing --virtual", "missing"),
    ("load core tiny.safetensors --virtual", "core: its weights are part of the bitstream; compile with --weights"),
    (
        "load core rnn.safetensors --virtual",
        "core: its weights are part of the bitstream; compile with --weights ram, or",
    ),
    ("load core --port no_such_port", "core: its weights are part of the bitstream"),
    ("patch a_folder tiny.safetensors -o new", "a_folder/manifest.json: not found"),
    ("patch core tiny.safetensors -o a_file", "a_file: output folder exists already"),
    ("compile cut.safetensors -o new", "cut.safetensors"),
    ("compile a_folder -o new", "a_folder"),
    ("evaluate missing --input x.npy -o y.npy", "missing"),
    ("import missing.onnx -o y.safetensors", "missing.onnx: cannot be read: No such file or directory"),
    ("import tiny.safetensors -o y.safetensors", "tiny.safetensors: suffix is '.safetensors'; allowed: .onnx (ONNX,"),
    ("demo --network missing -o new", "missing"),
    # Places that cannot be written.
    ("compile tiny.safetensors -o core --lanes 4", "core: output folder exists already"),
    ("compile tiny.safetensors -o a_file --lanes 4", "a_file: output folder exists already"),
    ("compile tiny.safetensors -o a_file/new --lanes 4", "a_file/new: output folder cannot be made"),
    ("compile tiny.safetensors -o a_file/more/new --lanes 4", "a_file/more/new: output folder cannot be made"),
    ("evaluate tiny.safetensors --input x.npy -o a_file/y.npy", "a_file/y.npy: cannot be written"),
    ("evaluate tiny.safetensors --input x.npy -o none/y.npy", "none/y.npy: cannot be written"),
    ("evaluate tiny.safetensors --input x.npy -o a_folder", "a_folder: cannot be written"),
    ("estimate none.safetensors", "none.safetensors: no such network file"),
    ("estimate tiny.safetensors --target nonsense", "target nonsense: unknown; allowed ice40-hx1k, "),
    ("study -o none.sqlite", "none.sqlite: not found; `hdlgen explore NET -o none.sqlite` makes it"),
    ("draw tiny.safetensors -o a_folder", "a_folder: cannot be written"),
    ("draw cut.safetensors -o new.svg", "cut.safetensors"),
    ("draw tiny.safetensors -o new.svg --neuron x", "--neuron 'x': allowed are LAYER:NUMBER, such as 1:0"),
    ("draw tiny.safetensors -o new.svg --neuron 99:0", "neuron 99:0; allowed: 0:0.."),
    ("report core -o a_file/page.html", "a_file/page.html: cannot be written"),
    ("synth core --target ecp5-25k -o a_file/s.json", "a_file/s.json: cannot be written"),
    ("simulate core --report a_file/r.json", "a_file/r.json: cannot be written"),
    ("demo -o a_folder", "a_folder"),
    ("demo -o a_file/new", "a_file/new"),
    (f"compile tiny.safetensors -o {'x' * 300}", "xxx: output folder cannot be made: File name too long"),
    (f"evaluate tiny.safetensors --input x.npy -o {'x' * 300}", "xxx: cannot be written: File name too long"),
    (f"check {'x' * 300}.safetensors", "File name too long"),
    ("evaluate tiny.safetensors --input x.npy -o /dev/null", "/dev/null: cannot be written: is no regular file"),
    # Options with a wrong value.
    ("compile tiny.safetensors -o new --lanes 3", "lanes: 3; allowed are 1, 2, 4, 8, 16, 32 and 64"),
    ("compile tiny.safetensors -o new --lanes 0", "lanes: 0; allowed"),
    ("compile tiny.safetensors -o new --lanes many", "--lanes is 'many'; allowed: integers with commas between"),
    (
        "compile tiny.safetensors -o new --engine gather,best",
        "engine: 'best'; allowed are delay, draw, gather, path, scan, spatial, spot, tensor and unit",
    ),
    ("compile tiny.safetensors -o new --lanes -4", "lanes: -4; allowed"),
    ("compile tiny.safetensors -o new --lanes 128", "lanes: 128; allowed"),
    ("compile tiny.safetensors -o new --lanes 32", "lanes: 32 is more than its 16 paths; allowed are powers of two"),
    ("compile tiny.safetensors -o new --lanes 4 --elements-per-beat 3", "elements per beat: 3; allowed"),
    (
        "compile tiny.safetensors -o new --lanes 4 --weights rum",
        "weights: 'rum'; allowed are rom, ram, spram and flash",
    ),
    (
        "compile tiny.safetensors -o new --lanes 4 --weights flash --flash-lines 3",
        "flash lines: 3 of weights in flash",
    ),
    (
        "compile tiny.safetensors -o new --lanes 4 --weights ram --fill flash",
        "fill: 'flash' of weights in ram; allowed is bitstream",
    ),
    (
        "compile tiny.safetensors -o new --lanes 4 --weights spram --fill disk",
        "fill: 'disk' of weights in spram; allowed are port and flash",
    ),
    (
        "compile rnn.safetensors -o new --lanes 4 --fill flash",
        "fill: 'flash' of weights in rom; allowed is bitstream",
    ),
    ("compile tiny.safetensors -o new --lanes 4 --flash-lines 2", "flash lines: 2 of weights in rom; allowed is 1"),
    (
        "compile rnn.safetensors -o new --lanes 4 --elements-per-beat 2",
        "rnn.safetensors: elements per beat: 2 is no option of the unit engine; allowed are lanes, multiplier, ",
    ),
    (
        "compile rnn.safetensors -o new --weights spram",
        "rnn.safetensors: weights: 'spram'; allowed with the unit engine are rom and ram",
    ),
    (
        "compile tiny.safetensors -o new --lanes 4 --results step",
        "tiny.safetensors: results: 'step' is no option of the path engine; allowed are lanes, elements per beat, ",
    ),
    (
        "compile tiny.safetensors -o new --lanes 4 --target icebreaker",
        "target icebreaker: a board, whose target is ice40-up5k; allowed ice40-hx1k, ",
    ),
    (
        "compile tiny.safetensors -o new --lanes 4 --target ecp5-25k --weights spram",
        "tiny.safetensors: weights: 'spram'; allowed on ecp5-25k, which has no single-port RAM: rom, ram, flash",
    ),
    (
        "synth core --target icebreaker",
        "target icebreaker: a board, whose target is ice40-up5k; allowed ice40-hx1k, ",
    ),
    (
        "compile tiny.safetensors -o new --lanes 4 --weights ram --banks 3",
        "banks: 3 of weights in ram; allowed are 1 and 2",
    ),
    ("compile tiny.safetensors -o new --lanes 4 --banks 2", "banks: 2 of weights in rom; allowed is 1"),
    ("compile tiny.safetensors -o new --lanes 4 --multiplier best", "multiplier: 'best'; allowed"),
    ("compile tiny.safetensors -o new --lanes 4 --multiplier add", "add needs weights in -1, 0, 1"),
    ("compile tiny.safetensors -o new --lanes 4 --input-buffers 3", "input buffers: 3; allowed"),
    ("compile tiny.safetensors -o new --lanes 4 --target z80", "z80"),
    ("compile tiny.safetensors -o new --lanes 4 --seed -1", "seed: -1; allowed are 0 and more"),
    ("demo --network tiny.safetensors -o new", "tiny"),
    ("demo -o new --lanes 3", "lanes: 3; allowed"),
    ("demo -o new --board arduino", "arduino"),
    ("demo -o new --images 0", "images"),
    ("simulate core --images 0", "images"),
    ("simulate core --seed -1", "seed"),
    ("simulate core --tool nonsense=x", "nonsense"),
    ("simulate core --tool verilator=no_such_program", "no_such_program"),
    ("synth core", "give either --board or --target"),
    ("synth core --board icebreaker --target ecp5-25k", "give either --board or --target"),
    ("synth core --board arduino", "arduino"),
    ("synth core --target z80", "z80"),
    ("synth core --target ecp5-25k --freq nan", "--freq"),
    ("synth core --target ecp5-25k --freq -5", "--freq"),
    ("synth core --target ecp5-25k --require-fmax 0", "--require-fmax"),
    ("synth core --target ecp5-25k --images 3", "--images"),
    ("synth core --board icebreaker --images 0", "images"),
    ("synth core --target ecp5-25k --tool yosys", "yosys"),
    ("synth core --target ecp5-25k --top serial", "--top: allowed with --board only"),
    ("synth core --board icebreaker --top self-test --baud 9600", "--baud: allowed with --top serial only"),
    ("synth core --board icebreaker --top serial --images 3", "--images: allowed with --top self-test only"),
    ("synth core --board icebreaker --baud 0", "--baud 0: allowed are 300 to 50000000 (bits/s)"),
    ("run core --port x --baud -9600", "--baud -9600: allowed are 300 to"),
    ("load core --port x --baud 1e9", "--baud 1e9: allowed are 300 to"),
    ("run core --virtual --timeout nan", "--timeout nan: allowed are 0.01 to 3600 (seconds)"),
    ("synth core --board icebreaker --clock nan", "--clock nan: allowed are 0.1 to 2000 (MHz)"),
    ("synth core --board icebreaker --baud 20000000", "--baud 20000000: allowed at"),
    ("synth core --board icebreaker --clock 12 --baud 2200000", "12 MHz makes no rate within 2 %; the nearest are "),
    ("program none", "none/manifest.json: not found; name a folder that `hdlgen compile` wrote"),
    ("program core", "core: no bitstream"),
    ("run core", "give either --port or --virtual"),
    ("run none --port x", "none/manifest.json"),
    ("run a_folder --port x", "a_folder/manifest.json"),
    ("run core --port no_such_port", "--port no_such_port: cannot be opened"),
    ("run core --port a_file", "--port a_file: cannot be opened"),
    ("run core --port a_folder", "--port a_folder: cannot be opened"),
    ("run core --port x --input wide.npy", "wide.npy: shape is [3, 9]"),
    ("run core --port x --input x.npy --labels two_labels.npy", "two_labels.npy: labels are"),
    ("run core --virtual -o a_folder", "a_folder: cannot be written: is a folder"),
    # Arrays that do not fit.
    ("compile tiny.safetensors -o new --lanes 4 --input none.npy", "none.npy"),
    ("compile tiny.safetensors -o new --lanes 4 --input wide.npy", "wide.npy: shape is [3, 9]; allowed: [N, 8]"),
    (
        "compile tiny.safetensors -o new --lanes 4 --input large.npy",
        "large.npy: element [0, 0] is 256; allowed: 0..255",
    ),
    ("compile tiny.safetensors -o new --lanes 4 --input real.npy", "real.npy: dtype is float64; allowed: integers"),
    ("compile tiny.safetensors -o new --lanes 4 --input a_file", "a_file"),
    ("compile tiny.safetensors -o new --lanes 4 --input a_folder", "a_folder"),
    (
        "compile tiny.safetensors -o new --lanes 4 --labels labels.npy",
        "labels.npy: labels of nothing; required: --input",
    ),
    ("compile tiny.safetensors -o new --lanes 4 --input x.npy --labels two_labels.npy", "two_labels.npy: labels are"),
    ("simulate core --input wide.npy", "wide.npy"),
    ("simulate core --input large.npy", "large.npy"),
    ("simulate core --input x.npy --labels two_labels.npy", "two_labels.npy"),
    ("evaluate tiny.safetensors --input wide.npy -o y.npy", "wide.npy: shape is [3, 9]"),
    # Folders that are no design.
    ("simulate none", "none/manifest.json"),
    ("simulate a_folder", "a_folder/manifest.json"),
    ("simulate a_file", "a_file/manifest.json"),
    ("synth none --target ecp5-25k", "none"),
    ("synth a_folder --board icebreaker", "a_folder"),
    ("report none", "none"),
    ("report a_folder", "a_folder"),
    # Training.
    ("train idx a_folder --widths 10,x --paths 64 -o new.safetensors", "widths is '10,x'; allowed: integers"),
    ("train idx a_folder --widths 10 --paths 64 -o new.safetensors", "a_folder"),
    ("train idx none --widths 10 --paths 64 -o new.safetensors", "none"),
    ("train idx a_folder --widths 0 --paths 64 -o new.safetensors", "0"),
    ("train idx a_folder --widths 10 --paths 0 -o new.safetensors", "0"),
    ("train idx a_folder --widths 10 --paths 64 -o a_file/new.safetensors", "a_file/new.safetensors"),
    ("train idx a_folder --widths 10 --paths 64 -o a_folder", "a_folder: cannot be written: is a folder"),
    ("train idx a_folder --widths 10 --paths 64 --weight-bits 17 -o new.safetensors", "17"),
    ("train reber --band 4 -o new.safetensors", "band is 4; allowed: odd integers 1..63"),
    ("train reber --groups 5 -o new.safetensors", "groups is 5; allowed: divisors of the width 32"),
    (
        "train reber --cell rnn -o new.safetensors",
        "cell is 'rnn'; allowed: relu, tanh, gru, ligru, lstm, mingru, sru,",
    ),
    ("train embedded-reber --strings 0 -o new.safetensors", "strings is 0; allowed: 2.."),
    ("train reber -o a_folder", "a_folder: cannot be written: is a folder"),
    ("train fsdd none -o new.safetensors", "none: no such folder"),
    ("train fsdd a_folder -o new.safetensors", "a_folder: no recordings"),
    ("train fsdd a_file -o new.safetensors", "a_file: no archive of recordings"),
    ("hear none -o new.npz", "none: no such folder; allowed: a folder with recordings CLASS/*.wav"),
    ("hear a_folder -o new.npz", "a_folder: no recordings"),
    ("hear a_folder -o none/new.npz", "none/new.npz: cannot be written; name a file in a writable folder"),
    # A folder that another version wrote.
    *(
        (line, "old/manifest.json: format_version is 1; this version of hdlgen reads 3: compile the network again")
        for line in (
            "report old",
            "patch old tiny.safetensors -o new",
            "load old --port x",
            "run old --virtual",
            "play old --golden",
            "simulate old",
            "synth old --target ecp5-25k",
            "synth old --board icebreaker",
            "program old",
        )
    ),
    # Recurrent networks.
    ("evaluate rnn.safetensors --input x.npy -o y.npy", "x.npy: shape is [3, 8]; allowed: [sequences, steps, 4]"),
    (
        "evaluate rnn.safetensors --input short.npz -o y.npy",
        "short.npz: lengths: lengths are 2 steps in all; allowed: 3",
    ),
    ("evaluate rnn.safetensors --input a_file -o y.npy", "a_file: no .npy file"),
    ("evaluate rnn.safetensors --input none.npz -o y.npy", "none.npz: cannot be read"),
    (
        "evaluate rnn.safetensors --input good.npz --labels two_labels.npy -o y.npy",
        "two_labels.npy: labels are int64 [2]",
    ),
    ("evaluate tiny.safetensors --input x.npy -o y.npy --every-step", "--every-step: "),
    ("check lost.safetensors", "lost.safetensors: layer 1: input shift is 40, which leaves nothing of sums of"),
    ("evaluate lost.safetensors --input good.npz -o y.npy", "layer 1: input shift is 40, which leaves nothing"),
]


@pytest.mark.parametrize(("line", "words"), INPUT, ids=[line for line, _ in INPUT])
def test_input(place: Path, capsys: pytest.CaptureFixture[str], line: str, words: str) -> None:
    said = refused(capsys, line)
    assert said.startswith("hdlgen: ")
    assert words in said


def test_every_verb_is_tried() -> None:
    lines = [line for line, _ in USAGE + INPUT]
    for verb in VERBS:
        assert any(line.split()[0] == verb for line in lines)


@pytest.mark.parametrize(("line", "heading"), [([], "Make a network:"), (["train"], "Commands:")])
def test_help_without_a_verb(capsys: pytest.CaptureFixture[str], line: list[str], heading: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(line)
    assert caught.value.code == 2
    err = capsys.readouterr().err
    assert "Usage: hdlgen" in err
    assert heading in err
    assert "..." not in err.partition(heading)[2]


@pytest.mark.parametrize("verb", ["", *VERBS, "train idx", "train reber", "train embedded-reber", "train fsdd"])
def test_help(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*verb.split(), "--help"])
    assert caught.value.code == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"Usage: hdlgen {verb}".rstrip())
    assert err == ""


def test_verbs_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Each once, in a section, in the order of work, with a description that is not cut off."""
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    lines = out[out.index("Make a network:") :].splitlines()
    listed = [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "]
    assert sorted(listed) == VERBS
    assert listed[:2] == ["hear", "train"]
    assert listed.index("compile") < listed.index("simulate") < listed.index("synth") < listed.index("run")
    assert "..." not in out.partition("Make a network:")[2]


def test_what_comes_next(place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """In the help always; behind the work on a terminal, with the names that were given, quoted for a shell."""
    with pytest.raises(SystemExit):
        main(["synth", "--help"])
    assert "Next: hdlgen program DIRECTORY --board BOARD, or hdlgen report DIRECTORY" in capsys.readouterr().out
    for terminal, said in ((True, "next: hdlgen check 'a b.safetensors'\n"), (False, "")):
        with monkeypatch.context() as patched:
            patched.setattr(sys.stderr, "isatty", lambda terminal=terminal: terminal)
            with pytest.raises(SystemExit) as caught:
                main(["paths", "mnist-small", "--first", "1024", "-o", "a b.safetensors"])
        assert (caught.value.code, capsys.readouterr().err) == (0, said)


def test_a_process_of_its_own(place: Path) -> None:
    """The same through the interpreter's own exit."""
    command = [sys.executable, "-c", "from hdlgen.cli import main; main()"]
    done = subprocess.run(
        [*command, "compile", "tiny.safetensors", "-o", "new", "--lanes", "3"],
        capture_output=True,
        text=True,
        check=False,
    )
    message = "hdlgen: options: lanes: 3; allowed are 1, 2, 4, 8, 16, 32 and 64\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)
    done = subprocess.run([*command, "compile"], capture_output=True, text=True, check=False)
    message = "hdlgen compile: Missing argument 'NET'; see hdlgen compile --help\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


def test_a_failure_in_the_middle_leaves_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends the work: the scratch folder goes, the output folder never was."""

    def interrupted(*_arguments: object) -> None:
        raise KeyboardInterrupt

    before = tree(place)
    monkeypatch.setattr("hdlgen.emit.design.save", interrupted)
    with pytest.raises(SystemExit) as caught:
        main(["compile", "tiny.safetensors", "-o", "new", "--lanes", "4"])
    assert caught.value.code == 130
    assert tree(place) == before
