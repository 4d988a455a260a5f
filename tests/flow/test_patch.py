"""New weights in a finished design: the same folder and the same bitstream as if all had been made anew."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdlgen.cli import main
from hdlgen.compiler import Options, compile_network
from hdlgen.compiler.path.compile import compile_paths
from hdlgen.emit import compile_to, emit, module_name
from hdlgen.emit.manifest import read_manifest
from hdlgen.errors import InputError, Refused
from hdlgen.flow.boards import find_board
from hdlgen.flow.patch import patch
from hdlgen.flow.serial import board_top
from hdlgen.flow.synth import synthesise, write_report
from hdlgen.network import Activation, Network, save
from hdlgen.targets import TARGETS

from .. import layered
from ..compiler.networks import make, powers
from ..compiler.recurrent import layer, make_recurrent
from ..compiler.test_frame import fitted

WIDTHS, PATHS = (12, 10, 4), 64


def first() -> Network:
    return make(WIDTHS, PATHS, shift=2, seed=1)


def second() -> Network:
    """Other weights, biases and shift."""
    return make(WIDTHS, PATHS, shift=3, seed=2)


def recurrent(seed: int) -> Network:
    """Other weights and biases of both layers with every seed."""
    return make_recurrent(2, [layer("gru", 4, band=3, weight_bits=4, in_weight_bits=4)], (3,), seed=seed)


def sparse(seed: int) -> Network:
    """The same edges with every seed, with other weights, some of them zero; multipliers for each neuron."""
    activation = Activation(bits=8, shift=12)
    hidden = {"kind": "explicit", "width": 6, "edge_count": 16, "multiplied": True, "activation": activation}
    entries = [hidden | {"weight_bits": 4}, {"kind": "dense", "width": 3, "weight_bits": 4}]
    network = layered.make(seed, width=7, layers=entries)
    network.tensors["e1"] = np.stack([np.arange(16) % 7, np.arange(16) % 6], axis=1).astype(np.int32)
    network.tensors["w1"][seed] = 0
    network.tensors["w1"][-1], network.tensors["m1"][0] = 7, 50  # the largest ones stay
    return network


BOARDS = {
    "icebreaker": find_board("icebreaker"),
    # The same board with a serial port: what it says of itself has to change too.
    "icebreaker-serial": find_board("icebreaker"),
    # A board with the next smaller device: it is quicker.
    "ulx3s-85f": dataclasses.replace(find_board("ulx3s-85f"), target=TARGETS["ecp5-25k"]),
    # The other engines.
    "icebreaker-recurrent": find_board("icebreaker"),
    "icebreaker-layered": find_board("icebreaker"),
}
OTHERS: dict[str, Callable[[int], Network]] = {"icebreaker-recurrent": recurrent, "icebreaker-layered": sparse}


def before(board: str) -> tuple[Network, dict[str, Any]]:
    """The network of the design, and the options it is compiled with."""
    return (OTHERS[board](1), {"lanes": 2}) if board in OTHERS else (first(), {"lanes": 4})


def after(board: str) -> Network:
    return OTHERS[board](2) if board in OTHERS else second()


def emit_again(network: Network, design: Network, folder: Path, options: dict[str, Any], **vectors: Any) -> None:
    """What `hdlgen compile` writes for a network in the frame of a design."""
    plan = fitted(network, compile_network(design, Options(**options)))
    emit(plan, network, folder, top=module_name(design.name), **vectors)


def compile_again(design: Path, board: str, folder: Path) -> None:
    """What `hdlgen compile` writes for the other network in the frame of the design."""
    manifest = read_manifest(design)
    given = {"x": "inputs", "lengths": "lengths", "labels": "labels"}
    vectors = {
        word: np.load(design / manifest.vectors[key]) for key, word in given.items() if key in manifest.vectors
    }
    network, options = before(board)
    emit_again(after(board), network, folder, options | {"adaptable": True}, **vectors)


def build(design: Path, board: str) -> None:
    bitstream = design / f"synth-{board}.bits"
    top = board_top(read_manifest(design), None, str(design)) if board.endswith("-serial") else None
    report = synthesise(design, board=BOARDS[board], clock="oscillator", board_top=top, bitstream=bitstream)
    write_report(report, design / f"synth-{board}.json")


@pytest.fixture(scope="module")
def designs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The design with its bitstream for a board, made when first asked for."""
    folder = tmp_path_factory.mktemp("patch")

    def design(board: str) -> Path:
        if not (folder / board).exists():
            network, options = before(board)
            compile_to(network, folder / board, adaptable=True, **options)
            build(folder / board, board)
        return folder / board

    return design


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("board", [board for board in BOARDS if board != "icebreaker-layered"])
def test_equals_a_rebuild(designs: Callable[[str], Path], board: str, tmp_path: Path) -> None:
    """Patched: the bytes of the folder, and of the bitstream, that synthesis, place and route would give."""
    design = designs(board)
    done = patch(design, after(board), tmp_path / "new")
    compile_again(design, board, tmp_path / "again")
    report = f"synth-{board}.json"
    bits = f"synth-{board}.bits"
    new, again = files(tmp_path / "new"), files(tmp_path / "again")
    patched = {name: new.pop(name) for name in (report, bits)}
    assert new == again
    # Weights, biases, expected results.
    assert done.bitstreams[0][0] == bits
    assert done.bitstreams[0][1] >= done.bitstreams[0][2] >= 4
    assert patched[bits] != (design / bits).read_bytes()

    build(tmp_path / "again", board)
    assert patched[bits] == (tmp_path / "again" / bits).read_bytes()
    rebuilt = json.loads((tmp_path / "again" / report).read_text())
    told = json.loads(patched[report])
    old = json.loads((design / report).read_text())
    assert told["bitstream"].pop("patched_from") == old["bitstream"]["sha256"]
    assert rebuilt["bitstream"].pop("patched_from") is None
    assert told == rebuilt


def test_there_and_back(designs: Callable[[str], Path], tmp_path: Path) -> None:
    """A layered design; the bitstream with the first weights again is the one that it was made with."""
    board, bits = "icebreaker-layered", "synth-icebreaker-layered.bits"
    design = designs(board)
    done = patch(design, after(board), tmp_path / "new")
    assert done.bitstreams[0][2] >= 3  # weights, biases with multipliers, expected results
    compile_again(design, board, tmp_path / "again")
    new = files(tmp_path / "new")
    assert new[bits] != (design / bits).read_bytes()
    made = {name: new.pop(name) for name in (bits, f"synth-{board}.json")}
    assert new == files(tmp_path / "again")
    assert json.loads(made[f"synth-{board}.json"])["design"] == "layered"
    patch(tmp_path / "new", before(board)[0], tmp_path / "back")
    assert (tmp_path / "back" / bits).read_bytes() == (design / bits).read_bytes()


def test_verb(designs: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """To other weights, and from these back to the first ones."""
    design, bits = designs("icebreaker"), "synth-icebreaker.bits"
    for network, source, name in ((second(), design, "new"), (first(), tmp_path / "new", "back")):
        save(network, tmp_path / "net.safetensors")
        with pytest.raises(SystemExit) as caught:
            main(["patch", str(source), str(tmp_path / "net.safetensors"), "-o", str(tmp_path / name)])
        assert caught.value.code == 0
        assert "block RAMs changed" in capsys.readouterr().out
    assert (tmp_path / "new" / bits).read_bytes() != (design / bits).read_bytes()
    assert (tmp_path / "back" / bits).read_bytes() == (design / bits).read_bytes()


@pytest.mark.parametrize("memory", [{"source": "flash"}, {"source": "spram", "fill": "flash", "flash_lines": 2}])
def test_what_only_the_image_holds(memory: dict[str, Any], tmp_path: Path) -> None:
    """Where everything comes from a flash, no source depends on the network."""
    manifest = compile_to(first(), tmp_path / "design", lanes=4, **memory)
    patch(tmp_path / "design", second(), tmp_path / "new")
    x = np.load(tmp_path / "design" / "vectors" / "x.npy")
    emit_again(second(), first(), tmp_path / "again", {"lanes": 4, **memory}, inputs=x)
    old, new = files(tmp_path / "design"), files(tmp_path / "new")
    assert new == files(tmp_path / "again")
    changed = {name for name in new if new[name] != old[name]}
    assert not any(name.startswith("rtl/") for name in changed)
    assert manifest.weights.image in changed


def test_written_and_read_only_memories(tmp_path: Path) -> None:
    """Where weights can be written, tables of functions cannot."""
    one, two = (make_recurrent(2, [layer("tanh", 4, band=3, state_table=16)], seed=seed) for seed in (1, 2))
    two = dataclasses.replace(two, tensors={**two.tensors, "l1.state": one.tensors["l1.state"]})
    compile_to(one, tmp_path / "design", lanes=2, source="ram")
    patch(tmp_path / "design", two, tmp_path / "new")
    given = {key: np.load(tmp_path / "design" / "vectors" / f"{key}.npy") for key in ("x", "lengths")}
    vectors = {"inputs": given["x"], "lengths": given["lengths"]}
    emit_again(two, one, tmp_path / "again", {"lanes": 2, "source": "ram"}, **vectors)
    assert files(tmp_path / "new") == files(tmp_path / "again")
    assert files(tmp_path / "new") != files(tmp_path / "design")


# ------------------------------------------------------------------------------------------------------ what is refused


def damaged(design: Path, folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    shutil.copytree(design, folder)
    path = folder / "synth-icebreaker.json"
    report = json.loads(path.read_text())
    change(report)
    path.write_text(json.dumps(report))
    return folder


def exchange_two(report: dict[str, Any]) -> None:
    everything = [(name, key) for name, of in report["bitstream"]["memories"].items() for key in of]
    (one, a), (two, b) = everything[0], everything[-1]
    table = report["bitstream"]["memories"]
    table[one][a], table[two][b] = table[two][b], table[one][a]


@pytest.mark.parametrize(
    ("change", "said", "kind"),
    [
        (exchange_two, "does not hold what the design says; synthesise again", InputError),
        (
            lambda r: r["bitstream"].update(sha256="0" * 64),
            "not the bitstream that synth-icebreaker.json is",
            InputError,
        ),
        (
            lambda r: r["bitstream"].update(file="none.bin"),
            "none.bin: not found; `hdlgen synth` makes it anew",
            InputError,
        ),
        (
            lambda r: r["bitstream"].update(file="/x.bin"),
            "bitstream.file is '/x.bin'; allowed: the name of",
            InputError,
        ),
        (lambda r: r["bitstream"].update(file=".."), "file name '..'; allowed are names of files in", InputError),
        (lambda r: r["bitstream"].update(memories={}), "does not say where in synth-", InputError),
        (lambda r: r["bitstream"]["memories"].popitem(), "does not say where block block_0_0 of memory", Refused),
        (lambda r: r["self_test"].update(expected="logic"), "are in logic, for want of block RAM", Refused),
        (lambda r: r.pop("bitstream"), "content has no 'bitstream'; required: design, ", InputError),
    ],
)
def test_damaged_report(
    designs: Callable[[str], Path], tmp_path: Path, change: Callable, said: str, kind: type[Exception]
) -> None:
    folder = damaged(designs("icebreaker"), tmp_path / "design", change)
    with pytest.raises(kind) as caught:
        patch(folder, second(), tmp_path / "new")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["design"]


def other(**changes: Any) -> Network:
    return dataclasses.replace(first(), **changes)


def with_tensor(network: Network, name: str, value: int) -> Network:
    tensors = {key: array.copy() for key, array in network.tensors.items()}
    tensors[name][:] = value
    return dataclasses.replace(network, tensors=tensors)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    folder = tmp_path_factory.mktemp("folders")
    for adaptable in (False, True):
        compile_to(first(), folder / str(adaptable), lanes=4, adaptable=adaptable)
    return {adaptable: folder / str(adaptable) for adaptable in (False, True)}


@pytest.mark.parametrize(
    ("network", "adaptable", "said"),
    [
        (make((12, 11, 4), PATHS), True, "widths: (12, 11, 4); the design in {design} is made for (12, 10, 4)"),
        (make(WIDTHS, PATHS, input_bits=7), True, "input bits: 7; the design in {design} is made for 6"),
        (make(WIDTHS, 32), True, "topology: "),
        (
            make(WIDTHS, PATHS, activation_bits=5),
            True,
            "layer 1: activation bits: 5; the design in {design} is made for 6",
        ),
        (make(WIDTHS, PATHS, shift=8), True, "shifts: 8 to 8; the design has room for 0 to 7; compile"),
        (make(WIDTHS, PATHS, shift=3), False, "layer 1: shift: 3; the design has its own wired in; compile"),
        (make(WIDTHS, PATHS, weight_bits=8), True, "; the design has multipliers for -8 to 7; compile anew"),
        (with_tensor(first(), "b2", 77), False, "biases of the last layer: others; the design has its own wired in"),
        (
            with_tensor(first(), "b1", 30000),
            True,
            "layer 1: sums: -32768 to 32767; the design has room for -4096 to 4095; compile anew",
        ),
        (with_tensor(first(), "w1", 7), False, "layer 1: sums: "),
    ],
)
def test_what_does_not_fit(
    folders: dict[bool, Path], network: Network, adaptable: bool, said: str, tmp_path: Path
) -> None:
    folder = folders[adaptable]
    with pytest.raises(InputError) as caught:
        patch(folder, network, tmp_path / "new")
    assert said.format(design=folder) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_ternary_design_refuses_other_weights(tmp_path: Path) -> None:
    ternary = make((8, 4), 16, weight_bits=2, seed=3)
    ternary = with_tensor(ternary, "w1", 1)
    compile_to(ternary, tmp_path / "design", lanes=4, adaptable=True)
    with pytest.raises(InputError) as caught:
        patch(tmp_path / "design", with_tensor(ternary, "w1", -2), tmp_path / "new")
    assert "layer 1: weights: -2; the design adds and subtracts: it takes -1, 0, 1" in str(caught.value)


def test_shifting_design_refuses_other_weights(tmp_path: Path) -> None:
    network = powers((8, 4), 16, weight_bits=8)
    compile_to(network, tmp_path / "design", lanes=4, adaptable=True, merge=False)
    with pytest.raises(InputError) as caught:
        patch(tmp_path / "design", with_tensor(network, "w1", 3), tmp_path / "new")
    assert "layer 1: weights: 3; the design has shifters for 0 and powers of two up to 64" in str(caught.value)
    patch(tmp_path / "design", with_tensor(network, "w1", -2), tmp_path / "new")
    for folder in ("design", "new"):
        assert read_manifest(tmp_path / folder).stages[0].multiplier == "shift"


def test_unbiased_design_refuses_biases(tmp_path: Path) -> None:
    compile_to(make(WIDTHS, PATHS, bias=False), tmp_path / "design", lanes=4)
    biased = dataclasses.replace(first(), name="biased")
    with pytest.raises(InputError, match="biases of hidden neurons: not zero; the design has no memory for them"):
        patch(tmp_path / "design", with_tensor(biased, "b2", 0), tmp_path / "new")


def test_other_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compile_to(first(), tmp_path / "design", lanes=4)
    (tmp_path / "there").mkdir()
    with pytest.raises(InputError, match="output folder exists already"):
        patch(tmp_path / "design", first(), tmp_path / "there")
    manifest = json.loads((tmp_path / "design" / "manifest.json").read_text())
    whole = manifest["frame"]
    (stage,) = whole["stages"]
    for frame, said in (
        ({}, "frame has no 'options'; required: options, hardware, stages"),
        (whole | {"stages": [{}]}, "frame.stages[0] has no 'room'; required: room, wired, form"),
        (whole | {"stages": [stage | {"form": {}}]}, "frame.stages[0].form has no 'kind'; required: kind, "),
        (whole | {"stages": [stage, stage]}, "frame: 2 stages; allowed: 1; compile the design again"),
        (whole | {"options": {"merge": 1}}, "frame.options: merge: 1; compile the design again"),
    ):
        (tmp_path / "design" / "manifest.json").write_text(json.dumps(manifest | {"frame": frame}))
        with pytest.raises(InputError) as caught:
            patch(tmp_path / "design", first(), tmp_path / "new")
        assert said in str(caught.value)
    design = tmp_path / "design"
    with pytest.raises(SystemExit) as ended:
        main(["patch", str(design), str(design / "network.safetensors"), "-o", str(tmp_path / "new")])
    assert ended.value.code == 2
    assert "frame.options: merge: 1; compile the design again" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "new").exists()


def test_compiles_alike() -> None:
    """A frame taken from a program gives the program."""
    for adaptable in (False, True):
        options = Options(lanes=4, adaptable=adaptable)
        program = compile_paths(first(), options)
        again = compile_paths(first(), options, frame=program.frame)
        for name in (field.name for field in dataclasses.fields(program) if field.name != "transitions"):
            assert getattr(program, name) == getattr(again, name), name
