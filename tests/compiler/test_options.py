"""One set of options: checked once, the same for the command line and for Python, and chosen for a device in one place."""

import dataclasses
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from hdlgen.cli import main
from hdlgen.compiler import Options, compile_network
from hdlgen.emit import compile_to
from hdlgen.emit.verilog import held
from hdlgen.errors import InputError
from hdlgen.gateware.blocks import cut
from hdlgen.gateware.primitives import RomParameters, StoreParameters
from hdlgen.network import Network, load, save
from hdlgen.targets import FORMATS, TARGETS

from ..layered import make as make_layered
from ..layered import mixture
from ..mixed import MIXED
from .networks import make
from .recurrent import layer, make_recurrent
from .test_gather import RELU

TINY = load(Path(__file__).parent.parent / "vectors" / "tiny.safetensors")


SEVERAL = MIXED["all engines, one of them twice"][0]()


def rnn() -> Network:
    return make_recurrent(2, [layer("gru", 4, band=3)], (3,))


def test_what_is_usual() -> None:
    options = Options()
    assert (options.lanes, options.source, options.fill, options.banks) == (16, "rom", "bitstream", 1)
    assert (options.flash_divide, options.adaptable, options.results) == (2, False, "sequence")
    assert (Options(source="ram").banks, Options(source="ram").adaptable) == (2, True)
    assert Options(source="spram").fill == "port"
    assert Options(engine="path") == Options(engine=("path",))
    with pytest.raises(dataclasses.FrozenInstanceError):
        options.lanes = 8  # type: ignore[misc]
    for given in (
        options,
        Options(source="ram", banks=1, dsps=(8, 2), wide_blocks=9, lanes=(4, 8), engine=("path",)),
    ):
        assert Options.from_json(json.loads(json.dumps(given.as_json())), "where") == given


@pytest.mark.parametrize(
    ("given", "said"),
    [
        *(
            ({"lanes": lanes}, f"lanes: {lanes}; allowed are 1, 2, 4, 8, 16, 32 and 64")
            for lanes in (0, 3, 128, True)
        ),
        ({"lanes": ()}, "lanes: (); allowed are 1, 2, 4, 8, 16, 32 and 64"),
        ({"lanes": (4, 3)}, "lanes: 3; allowed are 1, 2, 4, 8, 16, 32 and 64"),
        ({"engine": ()}, "engine: (); allowed are delay, draw, gather, path, scan, spatial, spot, tensor and unit"),
        (
            {"engine": "dense"},
            "engine: 'dense'; allowed are delay, draw, gather, path, scan, spatial, spot, tensor and unit",
        ),
        (
            {"engine": ("path", "dense")},
            "engine: 'dense'; allowed are delay, draw, gather, path, scan, spatial, spot, tensor and unit",
        ),
        ({"elements_per_beat": 32}, "elements per beat: 32; allowed are 1, 2, 4, 8 and 16"),
        ({"merge": 1}, "merge: 1; allowed are False and True"),
        ({"multiplier": "best"}, "multiplier: 'best'; allowed are auto, dsp, lut, shift and add"),
        ({"dsps": (1,)}, "dsps: (1,); allowed are two numbers: multipliers, and products of each"),
        ({"wide_blocks": -1}, "wide blocks: -1; allowed are None and numbers from 0 on"),
        ({"input_buffers": 0}, "input buffers: 0; allowed are 1 and 2"),
        ({"source": "rum"}, "weights: 'rum'; allowed are rom, ram, spram and flash"),
        ({"fill": "port"}, "fill: 'port' of weights in rom; allowed is bitstream"),
        ({"source": "spram", "fill": "disk"}, "fill: 'disk' of weights in spram; allowed are port and flash"),
        ({"banks": 2}, "banks: 2 of weights in rom; allowed is 1"),
        ({"source": "ram", "banks": 0}, "banks: 0 of weights in ram; allowed are 1 and 2"),
        ({"source": "spram", "flash_lines": 4}, "flash lines: 4 of weights in spram; allowed is 1"),
        ({"source": "flash", "flash_divide": 3}, "flash divide: 3 of weights in flash; allowed are 2, 4 and 8"),
        ({"adaptable": "yes"}, "adaptable: 'yes'; allowed are False and True"),
        ({"results": "frame"}, "results: 'frame'; allowed are sequence and step"),
    ],
)
def test_values(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        Options(**given)
    assert str(caught.value) == f"options: {said}"


def test_any_option_of_a_file_may_be_anything() -> None:
    """It is refused in one line, or taken as it stands."""
    refused = 0
    for name, value in itertools.product(
        (*Options.__dataclass_fields__, "x\x1b"),
        (
            None,
            True,
            1,
            -1,
            10**5000,
            1.5,
            float("nan"),
            "",
            "z80",
            "\x1b\n",
            [],
            [1],
            [[1]],
            {},
            {"a": 1},
            "x" * 9999,
        ),
    ):
        try:
            Options.from_json({name: value}, "w")
        except InputError as error:
            refused += 1
            said = str(error)
        else:
            said = ""
        assert said.isascii()
        assert "\n" not in said
        assert len(said) < 300
    assert refused > 150


@pytest.mark.parametrize(
    ("network", "given", "said"),
    [
        (rnn(), {"merge": False}, "merge: False is no option of the unit engine; allowed are lanes, multiplier, "),
        (rnn(), {"input_buffers": 2}, "input buffers: 2 is no option of the unit engine; allowed are lanes, "),
        (rnn(), {"multiplier": "add"}, "multiplier: 'add'; allowed with the unit engine are auto, dsp and lut"),
        (mixture(), {"elements_per_beat": 2}, "elements per beat: 2 is no option of the gather engine; allowed are "),
        (mixture(), {"source": "flash"}, "weights: 'flash'; allowed with the gather engine are rom and ram"),
        (mixture(), {"results": "step"}, "results: 'step' is no option of the gather engine; allowed are lanes, "),
        (make((8, 6, 4), 48), {"results": "step"}, "results: 'step' is no option of the path engine; allowed are "),
    ],
)
def test_what_engines_understand(network: Network, given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        compile_network(network, Options(lanes=4, **given))
    assert str(caught.value).startswith(f"network {network.name!r}: {said}")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("target", list(TARGETS)[::2])
def test_python_does_what_the_command_line_does(target: str, tmp_path: Path) -> None:
    """For every other device, with the kinds of networks and where their weights are in turn."""
    network, source = [
        (TINY, "auto"),
        (TINY, "ram"),
        (TINY, "flash"),
        (rnn(), "ram"),
        (mixture(), "auto"),
        (SEVERAL, "auto"),
    ][list(TARGETS).index(target) // 2 % 6]
    save(network, tmp_path / "net.safetensors")
    network = load(tmp_path / "net.safetensors")
    given = ["--lanes", "2", "--weights", source, "--target", target]
    with pytest.raises(SystemExit) as caught:
        main(["compile", str(tmp_path / "net.safetensors"), "-o", str(tmp_path / "line"), *given])
    assert caught.value.code == 0
    manifest = compile_to(network, tmp_path / "call", target=target, lanes=2, source=source)
    assert manifest.target == target
    assert files(tmp_path / "call") == files(tmp_path / "line")


def test_what_is_chosen_for_a_device() -> None:
    """Each where the device asks for it, and nothing that is given is changed."""
    large = load("mnist-large")
    for target, source in (("ice40-up5k", "spram"), ("ice40-hx8k", "flash"), ("ecp5-25k", "rom")):
        options = Options.for_target(large, target, lanes=8)
        assert options.source == source
        assert compile_network(TINY, options).first.multiplier == ("lut" if target == "ice40-hx8k" else "dsp")
    assert Options.for_target(large, "ice40-hx8k", lanes=8, source="rom").source == "rom"
    assert Options.for_target(load("mnist-small"), "ice40-up5k", lanes=8).source == "rom"
    assert Options.for_target(mixture(), "ice40-hx1k", lanes=8).source == "rom"
    assert Options.for_target(TINY, "ecp5-25k", lanes=4, source="flash").flash_divide == 4
    assert Options.for_target(TINY, "ice40-up5k", lanes=4, source="flash").flash_divide == 2
    # One product for each of the eight multipliers, two with small factors.
    wide, wider = make((8, 6, 4), 48), make((8, 6, 4), 48, weight_bits=9)
    for network, lanes, kind in ((wide, 16, "dsp"), (wide, 32, "lut"), (wider, 8, "dsp"), (wider, 16, "lut")):
        program = compile_network(network, Options.for_target(network, "ice40-up5k", lanes=lanes)).first
        assert program.multiplier == kind
        assert program.dsps(2) <= 8
    assert compile_network(wide, Options.for_target(wide, "ice40-hx8k", lanes=1)).first.multiplier == "lut"
    assert (
        compile_network(wide, Options.for_target(wide, "ice40-hx8k", lanes=1, multiplier="dsp")).first.multiplier
        == "dsp"
    )
    assert Options.for_target(TINY, None, lanes=2) == Options(lanes=2)


def test_unknown_targets() -> None:
    listed = ", ".join(TARGETS)
    with pytest.raises(InputError) as caught:
        Options(target="z80")
    assert str(caught.value) == f"target z80: unknown; allowed {listed}"
    with pytest.raises(InputError) as caught:
        compile_to(TINY, "never", target="icebreaker", lanes=4)
    assert str(caught.value) == f"target icebreaker: a board, whose target is ice40-up5k; allowed {listed}"
    assert not Path("never").exists()


@pytest.mark.parametrize(
    ("network", "given"),
    [
        *((make((12, 10, 7, 4), 64, bias=bias), {"source": source}) for bias in (0, 3) for source in ("rom", "ram")),
        (make((12, 10, 4), 64, bias=3), {"lanes": 16, "adaptable": True}),
        *((rnn(), {"source": source}) for source in ("rom", "ram")),
        (make_recurrent(2, [layer("tanh", 4, band=3)]), {"source": "ram", "banks": 1}),
        *((mixture(), {"source": source, "lanes": lanes}) for source in ("rom", "ram") for lanes in (2, 8)),
        (SEVERAL, {}),
    ],
)
def test_memories_are_those_of_the_hardware(network: Network, given: dict[str, Any]) -> None:
    plan = compile_network(network, Options(**{"lanes": 4, **given}))
    stored = [memory.memory for stage in plan.stages for memory in held(stage, "top").memories]
    more = [memory for memory in plan.memories if memory not in stored]
    assert [memory for memory in plan.memories if memory in stored] == stored
    assert all(not memory.written for memory in more)
    assert bool(more) == any(stage.engine == "gather" for stage in plan.stages)


@pytest.mark.parametrize("family", FORMATS)
def test_blocks_are_counted_as_they_are_cut(family: str) -> None:
    device = next(target for target in TARGETS.values() if target.family == family)
    for depth, width in ((1, 1), (257, 16), (256, 17), (1500, 40), (4096, 2), (1024, 18)):
        rom = RomParameters(name="one", depth=depth, width=width, init=(0,) * depth)
        store = StoreParameters(**vars(rom), banks=2)
        for memory in (rom, store):
            assert device.blocks([memory.memory]) == len(cut(memory, family))
    assert TARGETS["gowin-gw1nr9"].blocks([rom.memory, rom.memory]) == 2


def test_what_a_device_has_no_room_for_is_said() -> None:
    layers = [{"kind": "dense", "width": 40, "activation": RELU}, {"kind": "dense", "width": 9}]
    network = make_layered(3, width=200, layers=layers)
    program = compile_network(network, Options.for_target(network, "ice40-hx1k", lanes=8))
    needed = TARGETS["ice40-hx1k"].blocks(program.memories)
    assert needed > 16
    assert program.notes[-1] == f"needs at least {needed} block RAMs; ice40-hx1k (iCE40HX1K) has 16"
    fits = compile_network(network, Options.for_target(network, "ecp5-25k", lanes=8))
    assert not any("block RAMs" in note for note in fits.notes)
