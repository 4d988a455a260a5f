"""TFLite files: the same integers as LiteRT's reference kernels, in every layer; and files that cannot be used."""

import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdlgen import golden, importers
from hdlgen.cli import main
from hdlgen.errors import InputError
from hdlgen.importers.litert import litert_values
from hdlgen.importers.tflite import TfliteModel, read_tflite
from hdlgen.network import describe, load

from .tflite_files import FLOAT32, Fields, Writer

MUTATIONS = int(os.environ.get("HDLGEN_MUTATIONS", "300"))
SAME, VALID = ("b", 0), ("b", 1)


def conv(stride: tuple[int, int] = (1, 1), padding: Any = SAME, activation: int = 0) -> Fields:
    return {0: padding, 1: ("i", stride[1]), 2: ("i", stride[0]), 3: ("b", activation)}


def deep(stride: tuple[int, int] = (1, 1), padding: Any = SAME, activation: int = 0) -> Fields:
    return {0: padding, 1: ("i", stride[1]), 2: ("i", stride[0]), 3: ("i", 1), 4: ("b", activation)}


def pool(kernel: tuple[int, int], stride: tuple[int, int], padding: Any = SAME, activation: int = 0) -> Fields:
    sizes = {1: ("i", stride[1]), 2: ("i", stride[0]), 3: ("i", kernel[1]), 4: ("i", kernel[0])}
    return {0: padding, 5: ("b", activation)} | sizes


def one_conv(
    w: Writer, inputs: tuple[int, ...], kernel: tuple[int, ...], outputs: tuple[int, ...], options: Fields
) -> tuple[int, int]:
    """``kernel``: channels, height, width, channels that each reads."""
    x, y = w.tensor([1, *inputs], 0.05, -7), w.tensor([1, *outputs], 0.04, 11)
    w.op("CONV_2D", [x, w.weights(kernel), w.bias(kernel[0])], y, options)
    return x, y


def one_deep(w: Writer, channels: int, multiple: int, options: Fields, outputs: tuple[int, int]) -> tuple[int, int]:
    x, y = w.tensor([1, 7, 6, channels], 0.05, 9), w.tensor([1, *outputs, channels * multiple], 0.03, -20)
    w.op(
        "DEPTHWISE_CONV_2D",
        [x, w.weights([1, 3, 3, channels * multiple], 3), w.bias(channels * multiple)],
        y,
        options,
    )
    return x, y


def one_full(w: Writer, axis: int | None, activation: int = 0, *, biased: bool = True) -> tuple[int, int]:
    x, y = w.tensor([1, 2, 4, 5], 0.05, -7), w.tensor([1, 30], 0.03, 5)
    inputs = [x, w.weights([30, 40], axis)]
    w.op("FULLY_CONNECTED", [*inputs, w.bias(30) if biased else -1], y, {0: ("b", activation)})
    return x, y


def one_pool(w: Writer, name: str, options: Fields, outputs: tuple[int, int]) -> tuple[int, int]:
    x, y = w.tensor([1, 7, 5, 3], 0.05, -7), w.tensor([1, *outputs, 3], 0.05, -7)
    w.op(name, [x], y, options)
    return x, y


def one_mean(w: Writer, factor: float, *, keep: int = 0) -> tuple[int, int]:
    x, y = w.tensor([1, 5, 4, 6], 0.05, -7), w.tensor([1, 1, 1, 6] if keep else [1, 6], 0.05 / factor, 5)
    w.op("MEAN", [x, w.constant([2, 1])], y, {0: ("b", keep)})
    return x, y


def sums(w: Writer, scales: tuple[float, float, float], activation: int = 0) -> tuple[int, int]:
    x, a = w.tensor([1, 3, 3, 4], scales[0], 3), w.tensor([1, 3, 3, 4], scales[1], -40)
    w.op("CONV_2D", [x, w.weights([4, 1, 1, 4]), w.bias(4, 200)], a, conv())
    y = w.tensor([1, 3, 3, 4], scales[2], -9)
    w.op("ADD", [a, x], y, {0: ("b", activation)})
    return x, y


def factors_above_one(w: Writer) -> tuple[int, int]:
    """Sums that are made longer before they are multiplied; by channels, and for all."""
    x, a, y = w.tensor([1, 4, 4, 2], 0.05, -7), w.tensor([1, 4, 4, 3], 0.008, 3), w.tensor([1, 5], 0.002, -4)
    w.op("CONV_2D", [x, w.weights([3, 1, 1, 2], scale=0.4), w.bias(3, 20)], a, conv())
    w.tensors[3]["data"] = w.rng.integers(-1, 2, (3, 1, 1, 2)).astype(np.int8)
    w.tensors[3]["data"][:, 0, 0, 0] = 1
    full = w.weights([5, 48], None, 0.4)
    w.tensors[full]["data"] = (w.rng.random((5, 48)) < 0.03).astype(np.int8)
    w.op("FULLY_CONNECTED", [a, full, w.bias(5, 9, scale=0.0032)], y)
    return x, y


def padded(w: Writer) -> tuple[int, int]:
    x, p, y = w.tensor([1, 6, 5, 2], 0.05, -7), w.tensor([1, 8, 8, 2], 0.05, -7), w.tensor([1, 3, 3, 4], 0.04, 11)
    w.op("PAD", [x, w.constant([[0, 0], [0, 2], [2, 1], [0, 0]])], p)
    w.op("CONV_2D", [p, w.weights([4, 3, 3, 2]), w.bias(4)], y, conv((2, 2), VALID, 1))
    return x, y


def network(w: Writer) -> tuple[int, int]:
    """All of them, behind an input of real numbers and before probabilities."""
    x, q = w.tensor([1, 96], [], [], type=FLOAT32), w.tensor([1, 96], 0.02, -3)
    w.op("QUANTIZE", [x], q)
    image = w.op("RESHAPE", [q, w.constant([1, 8, 6, 2])], w.tensor([1, 8, 6, 2], 0.02, -3))
    a = w.tensor([1, 4, 3, 8], 0.05, -128)
    w.op("CONV_2D", [image, w.weights([8, 3, 3, 2]), w.bias(8)], a, conv((2, 2), SAME, 3))
    b = w.tensor([1, 4, 3, 8], 0.04, 12)
    w.op("DEPTHWISE_CONV_2D", [a, w.weights([1, 3, 3, 8], 3), w.bias(8)], b, deep())
    c = w.op("ADD", [a, b], w.tensor([1, 4, 3, 8], 0.06, -60), {0: ("b", 1)})
    d = w.op("MAX_POOL_2D", [c], w.tensor([1, 2, 2, 8], 0.06, -60), pool((2, 2), (2, 2)))
    e = w.op("AVERAGE_POOL_2D", [d], w.tensor([1, 1, 1, 8], 0.06, -60), pool((2, 2), (1, 1), VALID))
    f = w.op("RESHAPE", [e, w.constant([1, 8])], w.tensor([1, 8], 0.06, -60))
    g = w.tensor([1, 5], 0.02, 4)
    w.op("FULLY_CONNECTED", [f, w.weights([5, 8], None), w.bias(5, scale=0.0006)], g)
    h = w.op("SOFTMAX", [g], w.tensor([1, 5], 1 / 256, -128), {0: ("f", 1.0)})
    return x, w.op("DEQUANTIZE", [h], w.tensor([1, 5], [], [], type=FLOAT32))


MODELS: dict[str, Callable[[Writer], tuple[int, int]]] = {
    "3x3": lambda w: one_conv(w, (6, 5, 3), (7, 3, 3, 3), (6, 5, 7), conv()),
    "uneven": lambda w: one_conv(w, (9, 8, 2), (4, 4, 3, 2), (5, 4, 4), conv((2, 2), SAME, 1)),
    "strides": lambda w: one_conv(w, (9, 11, 2), (4, 2, 5, 2), (3, 7, 4), conv((3, 1), VALID, 3)),
    "between": lambda w: one_conv(w, (4, 4, 5), (4, 1, 1, 5), (2, 2, 4), conv((2, 2), SAME, 2)),
    "one row": lambda w: one_conv(w, (1, 20, 6), (8, 1, 5, 6), (1, 10, 8), conv((1, 2), SAME)),
    "groups": lambda w: one_conv(w, (5, 4, 6), (9, 3, 3, 2), (5, 4, 9), conv()),
    "long": lambda w: one_conv(w, (3, 3, 200), (5, 3, 3, 200), (3, 3, 5), conv()),
    "depthwise": lambda w: one_deep(w, 5, 1, deep(activation=3), (7, 6)),
    "depthwise multiple": lambda w: one_deep(w, 3, 4, deep((2, 1), VALID, 1), (3, 4)),
    "full": lambda w: one_full(w, None),
    "full by channels": lambda w: one_full(w, 0, 1),
    "full without bias": lambda w: one_full(w, None, 3, biased=False),
    "max": lambda w: one_pool(w, "MAX_POOL_2D", pool((3, 2), (2, 1)), (4, 5)),
    "max valid": lambda w: one_pool(w, "MAX_POOL_2D", pool((2, 2), (2, 2), VALID, 1), (3, 2)),
    "mean at the edge": lambda w: one_pool(w, "AVERAGE_POOL_2D", pool((3, 3), (1, 1)), (7, 5)),
    "mean": lambda w: one_pool(w, "AVERAGE_POOL_2D", pool((2, 3), (2, 2), VALID, 3), (3, 2)),
    "reduced": lambda w: one_mean(w, 1.3),
    "reduced, kept": lambda w: one_mean(w, 1.0, keep=1),
    "reduced, larger": lambda w: one_mean(w, 7.0),
    "sum": lambda w: sums(w, (0.05, 0.02, 0.06)),
    "sum of one scale": lambda w: sums(w, (0.05, 0.05, 0.03), 1),
    "sum of far scales": lambda w: sums(w, (0.02, 0.9, 0.1), 3),
    "padded": padded,
    "factors above one": factors_above_one,
    "network": network,
}


def written(folder: Path, make: Callable[[Writer], tuple[int, int]], seed: int = 0) -> tuple[Path, TfliteModel]:
    w = Writer(seed)
    first, last = make(w)
    path = folder / "m.tflite"
    path.write_bytes(w.bytes(first, last))
    return path, read_tflite(path, "m")


@pytest.mark.parametrize("name", MODELS)
def test_every_value_is_that_of_litert(name: str, tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="pip install ai-edge-litert, of the extra dev")
    for seed in range(2):
        path, model = written(tmp_path, MODELS[name], seed)
        x = np.random.default_rng(seed).integers(-128, 128, (20, model.network.input.width))
        ours = golden.activations(model.network, x)
        theirs = litert_values(path, model, x)
        for number, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            assert np.array_equal(a, b), f"layer {number}"
            assert len(np.unique(a)) > 8


@pytest.mark.parametrize("name", MODELS)
def test_saved_and_within_ranges(name: str, tmp_path: Path) -> None:
    """By the verb: the file that it writes is the network, whose values stay within what they can reach."""
    path, model = written(tmp_path, MODELS[name])
    net = tmp_path / "net.safetensors"
    with pytest.raises(SystemExit) as status:
        main(["import", str(path), "-o", str(net), "--name", "m"])
    assert status.value.code == 0
    loaded = load(net)
    assert loaded.layers == model.network.layers
    x = np.random.default_rng(0).integers(-128, 128, (20, loaded.input.width))
    for reached, found in zip(loaded.ranges(), golden.trace(loaded, x).layers, strict=True):
        assert (reached.value_low <= found["value"]).all()
        assert (found["value"] <= reached.value_high).all()
        assert reached.low <= found["accumulator"].min() <= found["accumulator"].max() <= reached.high


def test_notes_and_meaning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, model = written(tmp_path, network)
    assert model.notes == (
        "SOFTMAX is left out: the outputs are the values before it",
        "DEQUANTIZE is left out: the outputs are the values before it",
        "real outputs are 0.0199999996 times (integer - 4)",
    )
    source = model.network.input
    assert (source.shape, source.values(np.full((1, 96), -3))[0, 0]) == ((8, 6, 2), 0)
    x = np.zeros((2, 96), np.int8)
    np.save(tmp_path / "x.npy", x)
    with pytest.raises(SystemExit) as status:
        main(["import", str(path), "-o", str(tmp_path / "n.safetensors"), "--bits", "8", "--calibration", "x.npy"])
    assert status.value.code == 2
    assert (
        capsys.readouterr().err
        == f"hdlgen: --bits: {path} holds integers already; allowed: with files of real numbers\n"
    )
    assert not (tmp_path / "n.safetensors").exists()


def test_labels_behind_the_model(tmp_path: Path) -> None:
    """TFLite packs them into a ZIP archive; what is none, or damaged, is nothing."""
    path, model = written(tmp_path, network)
    plain, names = path.read_bytes(), [f"wörd {number}" for number in range(model.network.widths[-1])]
    assert model.class_names is None
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("labels.txt", "\n".join(names) + "\n")
    imported = importers.import_network(path, name="net", options=importers.InputOptions(8, None, None, False))
    assert describe(imported.network) == describe(replace(model.network, name="net", output_names=tuple(names)))
    packed = path.read_bytes()
    for place in range(len(plain), len(packed)):
        path.write_bytes(packed[:place] + bytes([packed[place] ^ 0xFF]) + packed[place + 1 :])
        found = read_tflite(path, "net").class_names
        assert found is None or isinstance(found, tuple)


def test_verbs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was imported is checked, evaluated and compiled; pruning says in one line why not."""
    path, model = written(tmp_path, network)
    net, x = tmp_path / "net.safetensors", np.random.default_rng(0).integers(-128, 128, (5, 8, 6, 2)).astype(np.int8)
    np.save(tmp_path / "x.npy", x)
    out = ["-o", str(tmp_path / "made")]
    for arguments, status, words in [
        (["import", str(path), "-o", str(net)], 0, f"{net}: equal to the file for every input"),
        (["check", str(net)], 0, "conv depthwise"),
        (["evaluate", str(net), "-i", str(tmp_path / "x.npy"), "-o", str(tmp_path / "y.npy")], 0, "5 x 5 outputs"),
        (["compile", str(net), "-o", str(tmp_path / "core")], 0, "tensor"),
        (["prune", str(net), *out], 2, f"hdlgen: {net}: layer 1: has a window that moves over a tensor; allowed to"),
    ]:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        said = "".join(capsys.readouterr())
        assert (ended.value.code, words in said) == (status, True), said
        assert status == 0 or said.count("\n") == 1
    assert not (tmp_path / "made").exists()
    assert np.array_equal(np.load(tmp_path / "y.npy"), golden.evaluate(model.network, x.reshape(5, 96)))


def test_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--check`` runs LiteRT, or says that there is none."""
    path, _ = written(tmp_path, network)
    np.save(tmp_path / "x.npy", np.random.default_rng(0).integers(-128, 128, (9, 96)).astype(np.int8))
    with pytest.raises(SystemExit) as status:
        main(["import", str(path), "-o", str(tmp_path / "n.safetensors"), "--check", str(tmp_path / "x.npy")])
    out, err = capsys.readouterr()
    if find_spec("ai_edge_litert") is None:
        assert status.value.code == 2
        assert err == "hdlgen: --check: LiteRT is not installed; required for .tflite: pip install ai-edge-litert\n"
    else:
        assert status.value.code == 0
        assert "compared on 9 inputs: 9 with equal outputs; largest difference 0" in out


def refusal(folder: Path, make: Callable[[Writer], tuple[int, int]], seed: int = 0) -> str:
    """The message, without the path."""
    with pytest.raises(InputError) as caught:
        written(folder, make, seed)
    text, path = str(caught.value), folder / "m.tflite"
    assert "\n" not in text
    assert text.isascii()
    assert text.startswith(f"{path}: ")
    return text.removeprefix(f"{path}: ")


def changed(make: Callable[[Writer], tuple[int, int]], **members: Any) -> Callable[[Writer], tuple[int, int]]:
    """With other members of a tensor, ``tensor``, or of the last operator: its ``options`` or ``name``."""

    def made(w: Writer) -> tuple[int, int]:
        ends = make(w)
        given = dict(members)
        name, inputs, output, options = w.operators[-1]
        w.operators[-1] = given.pop("name", name), inputs, output, {**options, **given.pop("options", {})}
        if given:
            w.tensors[given.pop("tensor")] |= given
        return ends

    return made


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            changed(MODELS["3x3"], name="SUB"),
            "operator 1 (41): not supported; allowed: ADD, ARG_MAX, AVERAGE_POOL_2D,",
        ),
        (changed(MODELS["3x3"], options={4: ("i", 2)}), "operator 1 (CONV_2D): dilation is 2; allowed: 1"),
        (
            changed(MODELS["depthwise"], options={6: ("i", 3)}),
            "operator 1 (DEPTHWISE_CONV_2D): dilation is 3; allowed: 1",
        ),
        (
            changed(MODELS["3x3"], options={3: ("b", 4)}),
            "operator 1 (CONV_2D): activation is 4; allowed: 0 (none), 1 (ReLU),",
        ),
        (
            changed(MODELS["3x3"], options={2: ("i", 0)}),
            "operator 1 (CONV_2D): stride or kernel is 0; allowed: 1 and more",
        ),
        (
            changed(MODELS["3x3"], options={0: ("b", 2)}),
            "operator 1 (CONV_2D): padding is 2; allowed: 0 (same), 1 (valid)",
        ),
        (
            changed(MODELS["3x3"], tensor=0, type=FLOAT32),
            "operator 1 (CONV_2D): tensor 't' is 'type 0 with 1 scales'; allowed: int8 (type 9) with one scale and",
        ),
        (
            changed(MODELS["3x3"], tensor=2, zero=np.full(7, 1)),
            "operator 1 (CONV_2D): a zero point of weights is 1; allowed: 0",
        ),
        (
            changed(MODELS["3x3"], tensor=2, axis=3),
            "operator 1 (CONV_2D): scales of weights is '7 along axis 3'; allowed: 1, or 7 along 0",
        ),
        (
            changed(MODELS["3x3"], tensor=1, scale=np.ones(3), zero=np.zeros(3)),
            "operator 1 (CONV_2D): tensor 't' is 'type 9 with 3 scales'; allowed: int8",
        ),
        (
            changed(MODELS["3x3"], tensor=1, scale=np.array([np.nan])),
            "tensor 't': scales are [nan]; allowed: numbers above 0, each with a zero point",
        ),
        (changed(MODELS["3x3"], tensor=1, scale=np.array([1e-30])), "operator 1 (CONV_2D): factor of scales is "),
        (
            changed(MODELS["3x3"], tensor=0, signature=[-1, -1, 5, 3]),
            "tensor 't': shape is [-1, -1, 5, 3]; allowed: fixed lengths but for the batch",
        ),
        (
            changed(MODELS["3x3"], tensor=0, shape=[2, 6, 5, 3]),
            "operator 1 (CONV_2D): shape is (2, 6, 5, 3); allowed: [1, height, width, channels]",
        ),
        (changed(MODELS["3x3"], tensor=1, shape=[1, 6, 5, 8]), "layer 1: shape is [1, 6, 5, 8]; allowed: [6, 5, 7]"),
        (
            changed(MODELS["3x3"], tensor=0, shape=[1, 6, 5, 4]),
            "operator 1 (CONV_2D): shape of weights is (7, 3, 3, 3); allowed: as many channels as there are, 4, or",
        ),
        (
            changed(MODELS["3x3"], tensor=2, data=None),
            "operator 1 (CONV_2D): tensor 't' is 'type 9, a variable'; allowed: a",
        ),
        (
            changed(MODELS["3x3"], tensor=2, data=np.zeros(5, np.int8)),
            "tensor 't': 5 bytes of type 9 for [7, 3, 3, 3]; allowed: as many as its shape needs",
        ),
        (
            lambda w: one_conv(w, (3, 3, 2), (2, 5, 2, 2), (1, 2, 2), conv(padding=VALID)),
            "operator 1 (CONV_2D): kernel is [5, 2]; allowed: up to [3, 3], as large as what it reads",
        ),
        (
            changed(MODELS["max"], tensor=1, scale=np.array([0.06])),
            "operator 1 (MAX_POOL_2D): scale of the output is 0.05999999865889549; allowed: that of the input,",
        ),
        (
            changed(MODELS["full"], tensor=0, shape=[1, 2, 4, 6]),
            "operator 1 (FULLY_CONNECTED): what it reads is (1, 2, 4, 6); allowed: 40 values",
        ),
        (
            changed(MODELS["reduced"], tensor=2, data=np.array([1, 3], np.int32)),
            "operator 1 (MEAN): axes is [1, 3]; allowed:",
        ),
        (
            changed(MODELS["sum"], tensor=0, shape=[1, 3, 3, 5]),
            "operator 1 (CONV_2D): shape of weights is (4, 1, 1, 4); allowed: ",
        ),
        (changed(MODELS["long"], tensor=3, data=np.full(5, (1 << 31) - 1, np.int32)), "layer 1: sums are "),
    ],
)
def test_refused(make: Callable[[Writer], tuple[int, int]], message: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, make).startswith(message)


def test_graphs_that_are_refused(tmp_path: Path) -> None:
    def behind(w: Writer) -> tuple[int, int]:
        x, _ = one_full(w, None)
        y = w.op("SOFTMAX", [w.operators[0][2][0]], w.tensor([1, 30], 1 / 256, -128), {0: ("f", 1.0)})
        z = w.op("FULLY_CONNECTED", [y, w.weights([4, 30], None)], w.tensor([1, 4]))
        return x, z

    text = "operator 3 (FULLY_CONNECTED): what it reads is 'SOFTMAX'; allowed: that only behind all layers"
    assert refusal(tmp_path, behind) == text

    def early(w: Writer) -> tuple[int, int]:
        x, y = one_conv(w, (3, 3, 2), (2, 3, 3, 2), (3, 3, 2), conv())
        w.op("ADD", [x, y], w.tensor([1, 3, 3, 2]))
        return x, y

    assert refusal(tmp_path, early) == "output is tensor 't'; allowed: that of the last layer"

    def unknown(w: Writer) -> tuple[int, int]:
        x, y = one_conv(w, (3, 3, 2), (2, 3, 3, 2), (3, 3, 2), conv())
        w.operators[0][1][0] = w.tensor([1, 3, 3, 2])
        return x, y

    text = "operator 1 (CONV_2D): what it reads is 't'; allowed: values of operators before"
    assert refusal(tmp_path, unknown) == text

    def nothing(w: Writer) -> tuple[int, int]:
        x = w.tensor([1, 4])
        return x, x

    assert refusal(tmp_path, nothing) == "output is tensor 't'; allowed: that of the last layer"

    def versions(w: Writer) -> tuple[int, int]:
        w.identifier = b"TFL2"
        return MODELS["3x3"](w)

    assert refusal(tmp_path, versions) == "no identifier TFL3; allowed: a .tflite file"


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """One to eight changes: bytes, words with small and with large values, a cut."""
    result = bytearray(data)
    for _ in range(rng.integers(1, 9)):
        place, how = int(rng.integers(0, len(result) - 4)), rng.integers(0, 4)
        if how == 0:
            result[place] = rng.integers(0, 256)
        elif how == 1:
            result[place & ~3 : (place & ~3) + 4] = int(rng.integers(0, 1 << 32)).to_bytes(4, "little")
        elif how == 2:
            result[place & ~1 : (place & ~1) + 2] = int(rng.integers(0, 64)).to_bytes(2, "little")
        else:
            result[place] ^= 1 << rng.integers(0, 8)
    return bytes(result[: rng.integers(8, len(result))] if rng.random() < 0.1 else result)


def test_mutations(tmp_path: Path) -> None:
    """A network, or one line of ASCII that begins with the file: nothing else."""
    w = Writer()
    data, path, messages = w.bytes(*network(w)), tmp_path / "m.tflite", list[str]()
    for seed in range(MUTATIONS):
        path.write_bytes(mutated(data, np.random.default_rng(seed)))
        try:
            read_tflite(path, "m")
        except InputError as error:
            messages.append(str(error))
    assert len(messages) > MUTATIONS // 3
    for message in messages:
        assert message.startswith(f"{path}: ")
        assert message.isascii()
        assert "\n" not in message
        assert "allowed: " in message
