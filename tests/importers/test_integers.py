"""Files that define integers: what is said to be equal is, and what is not is near, by plain evaluation of the nodes."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from hdlgen import golden, importers
from hdlgen.cli import main
from hdlgen.errors import InputError
from hdlgen.network import load

from .models import model, node, plain, quant, run_plain, write

ROUNDINGS = ["ROUND", "FLOOR", "CEIL", "HALF_UP", "HALF_DOWN", "UP", "DOWN"]


def read(path: Path, nodes: Sequence[onnx.NodeProto], tensors: dict[str, Any], **members: Any) -> importers.Imported:
    write(path, model(nodes, tensors, **members))
    return importers.integer_network(importers.lower(importers.read(path)))


def outputs(made: importers.Imported, x: np.ndarray) -> np.ndarray:
    return golden.evaluate(made.network, made.network.input.quantise(x)) * float(made.output_scale)


def equal(path: Path, nodes: Sequence[onnx.NodeProto], tensors: dict[str, Any], x: np.ndarray) -> importers.Imported:
    """It is exact, by the plain evaluation and by the reference of the importer."""
    made = read(path, nodes, tensors, shape=["N", x.shape[1]])
    assert made.exact, made.notes
    wanted = plain(nodes, tensors, x)
    tolerance = 1e-6 * np.abs(wanted).max()
    assert np.abs(outputs(made, x) - wanted).max() <= tolerance
    graph = importers.read(path)
    lowered = importers.lower(graph)
    reference = importers.Reference(path, graph, lowered)
    assert np.abs(reference.run(x)[0] - wanted).max() <= tolerance
    found = importers.compare(made.network, reference, x)
    assert (found.equal, found.behind, found.agree) == (len(x), len(x), len(x))
    return made


# What lies between the graph's input and its first quantiser.

INPUT = {"w": np.random.default_rng(0).normal(size=(3, 4)), "z": np.array(0.0), "si": np.array(2.0**-5)}
INPUT |= {"sw": np.array(0.25), "b8": np.array(8.0), "b4": np.array(4.0), "k": np.array(1 / 255)}
INPUT |= {"m": np.array([0.1, -0.2, 0.3, 0.4]), "s": np.array([0.5, -2.0, 1.0, 0.25]), "o": np.array(1.0)}
INPUT |= {"g": np.array([1.0, -2.0, 0.5, 3.0]), "v": np.array([1.0, 2.0, 0.3, 0.7]), "h": np.array(0.3)}
REST = [quant("w sw z b4", "wq", narrow=1), node("Gemm", "q wq", "y", transB=1)]
PIXELS = np.random.default_rng(1).uniform(-150, 255, (400, 4)).astype(np.float32).astype(np.float64)


@pytest.mark.parametrize(
    "before",
    [
        [node("Mul", "x k", "p")],
        [node("Mul", "k x", "a"), node("Sub", "a m", "b"), node("Div", "b s", "p")],
        [node("Mul", "x k", "a"), node("Neg", "a", "b"), node("Add", "h b", "p")],
        [node("Mul", "x k", "a"), node("Sub", "o a", "p")],
        [node("Mul", "x k", "a"), node("BatchNormalization", "a g m m v", "p")],
        [node("Mul", "x k", "a"), node("Relu", "a", "p")],
        [node("Mul", "x k", "a"), node("Neg", "a", "b"), node("Clip", "b z h", "p")],
    ],
    ids=lambda nodes: "-".join(each.op_type for each in nodes),
)
@pytest.mark.parametrize("quantiser", ["signed", "narrow", "unsigned", "bipolar", "floor", "linear", "odd"])
def test_gain_and_offset_before_the_input(before: list[onnx.NodeProto], quantiser: str, tmp_path: Path) -> None:
    """They are what the integers of the input mean, of each input its own, of either sign; limits and halves too."""
    tensors, last = (
        INPUT,
        [quant("p si z b8", "q", signed=int(quantiser != "unsigned"), narrow=int(quantiser == "narrow"))],
    )
    if quantiser == "bipolar":
        last = [node("BipolarQuant", "p si", "q")]
    elif quantiser == "floor":
        last = [quant("p si z b8", "q", rounding="FLOOR")]
    elif quantiser in ("linear", "odd"):
        tensors = tensors | {"zero": np.array(128 + (quantiser == "odd"), np.uint8)}
        last = [node("QuantizeLinear", "p si zero", "i"), node("DequantizeLinear", "i si zero", "q")]
    if quantiser == "bipolar" and before[-1].op_type in ("Relu", "Clip"):
        with pytest.raises(
            InputError, match=r" \(BipolarQuant\): quantises all inputs to 1; allowed: to several integers$"
        ):
            read(tmp_path / "m.onnx", [*before, *last, *REST], tensors)
        return
    made = equal(tmp_path / "m.onnx", [*before, *last, *REST], tensors, PIXELS)
    assert len(made.network.layers) == 1
    assert made.network.input.rounding == {"bipolar": "up", "floor": "up", "odd": "odd"}.get(quantiser, "even")


def test_what_an_integer_of_the_input_means(tmp_path: Path) -> None:
    """It is in the file, and the command says it."""
    nodes = [node("Mul", "x k", "p"), quant("p si z b8", "q"), *REST]
    made = read(tmp_path / "m.onnx", nodes, INPUT | {"si": np.array(2.0**-7)})
    assert made.network.input.scale == pytest.approx(2**-7 * 255)
    assert importers.meaning(made.network.input) == "round(x / 1.99218738), -128..127"
    nodes = [node("Sub", "x m", "a"), node("Div", "a s", "p"), quant("p si z b8", "q"), *REST]
    made = read(tmp_path / "m.onnx", nodes, INPUT)
    assert made.network.input.scale == tuple(np.float32([0.5, -2.0, 1.0, 0.25]) / 32.0)
    assert made.network.input.offset == tuple(np.float32([0.1, -0.2, 0.3, 0.4]).astype(np.float64))


ROWS = np.array([[0.5], [-2.0], [4.0]])


@pytest.mark.parametrize(
    ("behind", "matrix"),
    [
        ([node("Mul", "d r", "p")], lambda d: d * ROWS),
        ([node("Mul", "r d", "p")], lambda d: d * ROWS),
        ([node("Div", "d r", "p")], lambda d: d / ROWS),
        ([node("Neg", "d", "a"), node("Cast", "a", "b", to=1), node("Identity", "b", "p")], lambda d: -d),
        ([node("Transpose", "d", "a"), node("Mul", "a k", "b"), node("Transpose", "b", "p")], lambda d: d / 255),
        ([node("Gather", "d i", "a", axis=0), node("Mul", "a r", "p")], lambda d: d[[2, 0, 1]] * ROWS),
        (
            [node("Slice", "d one two", "a"), node("Slice", "d two ten", "b"), node("Concat", "a a b", "p", axis=0)],
            lambda d: d[[1, 1, 2]],
        ),
        (
            [node("Reshape", "d n", "a"), node("Unsqueeze", "a one", "b"), node("Reshape", "b t", "p")],
            lambda d: d.reshape(3, 4),
        ),
        # Sums of scales are no integers with a scale: they are real numbers.
        ([node("Add", "d d", "p")], None),
        ([node("Mul", "d d", "p")], None),
        ([node("Clip", "d low high", "p")], None),
    ],
    ids=lambda nodes: "-".join(each.op_type for each in nodes) if isinstance(nodes, list) else "",
)
@pytest.mark.parametrize("quantiser", ["Quant", "DequantizeLinear"])
def test_nodes_behind_the_quantiser_of_weights(
    behind: list[onnx.NodeProto], matrix: Any, quantiser: str, tmp_path: Path
) -> None:
    """The integers stay what they are, as long as nodes move and multiply them; the reference computes the same."""
    codes = np.random.default_rng(3).integers(-7, 8, (3, 4))
    tensors = INPUT | {"w": codes * 0.25, "r": ROWS, "i": np.array([2, 0, 1]), "n": np.array([-1])}
    tensors |= {"one": np.array([1]), "two": np.array([2]), "ten": np.array([10]), "t": np.array([3, 4])}
    tensors |= {"c": codes.astype(np.int8), "low": np.array([[-1.0], [-0.5], [0.0]]), "high": np.ones((3, 1))}
    first = quant("w sw z b4", "d") if quantiser == "Quant" else node("DequantizeLinear", "c sw", "d")
    nodes = [quant("x si z b8", "q"), first, *behind, node("Gemm", "q p", "y", transB=1)]
    path = write(tmp_path / "m.onnx", model(nodes, tensors))
    graph = importers.read(path)
    lowered = importers.lower(graph)
    reference = importers.Reference(path, graph, lowered)
    x = np.random.default_rng(4).uniform(-4, 4, (100, 4)).astype(np.float32).astype(np.float64)
    assert lowered.integer == (matrix is not None)
    if matrix is None:
        y = importers.float_network(lowered).evaluate(np.rint(x * 32).clip(-128, 127) / 32)
        assert np.abs(y - reference.run(x)[0]).max() < 1e-9
        return
    made = importers.integer_network(lowered)
    wanted = np.rint(x * 32).clip(-128, 127) / 32 @ matrix(codes * 0.25).T
    found = importers.compare(made.network, reference, x)
    assert (found.equal, found.agree) == (100, 100)
    assert made.exact
    assert np.abs(outputs(made, x) - wanted).max() <= 1e-6 * np.abs(wanted).max()


@pytest.mark.parametrize(
    ("rounding", "low"), [("UP", 0), ("DOWN", 0), ("HALF_UP", 0), ("HALF_DOWN", 0), ("FLOOR", -8), ("CEIL", -8)]
)
def test_halves_of_the_input(rounding: str, low: int, tmp_path: Path) -> None:
    """On a grid that has the halves and the whole numbers."""
    x = np.stack(np.meshgrid(np.arange(-80, 80), np.arange(4)), axis=-1).reshape(-1, 2) / 4
    nodes = [quant("x o z b4", "q", signed=int(low < 0), rounding=rounding), quant("w sw z b4", "wq", narrow=1)]
    nodes.append(node("Gemm", "q wq", "y", transB=1))
    equal(tmp_path / "m.onnx", nodes, INPUT | {"w": INPUT["w"][:, :2]}, x)


@pytest.mark.parametrize("rounding", ["UP", "DOWN", "HALF_UP", "HALF_DOWN"])
def test_what_the_input_cannot_mean_is_refused(rounding: str, tmp_path: Path) -> None:
    nodes = [quant("x o z b4", "q", rounding=rounding), *REST]
    with pytest.raises(InputError) as caught:
        read(tmp_path / "m.onnx", nodes, INPUT)
    assert str(caught.value) == (
        f"{tmp_path}/m.onnx: node 1 of 3 'n_q' (Quant): quantises the input with rounding mode {rounding} to -8..7;"
        " allowed: of numbers of both signs the modes ROUND, FLOOR and CEIL"
    )
    nodes = [node("Mul", "x k", "p"), quant("p si z b8", "q"), *REST]
    with pytest.raises(InputError, match=r": quantises an input times 0; allowed: inputs times other numbers$"):
        read(tmp_path / "m.onnx", nodes, INPUT | {"k": np.array([1.0, 0.0, 1.0, 1.0])})


# Hidden layers.


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[onnx.NodeProto], dict[str, Any], np.ndarray]:
    """Layers with quantisers of all kinds, and inputs."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    powers = draw(st.booleans())
    tensors: dict[str, Any] = {}
    nodes: list[onnx.NodeProto] = []

    def constant(value: Any) -> str:
        tensors[f"c{len(tensors)}"] = np.asarray(value, np.float64)
        return f"c{len(tensors) - 1}"

    def scale(*shape: int) -> np.ndarray:
        return 2.0 ** rng.integers(-5, 2, shape) if powers else rng.uniform(0.02, 0.9, shape)

    def quantiser(name: str, output: str, roundings: Sequence[str]) -> None:
        if draw(st.integers(0, 9)) == 0:
            nodes.append(node("BipolarQuant", f"{name} {constant(scale())}", output))
            return
        signed, narrow, bits = draw(st.booleans()), draw(st.booleans()), float(draw(st.integers(2, 8)))
        zero = draw(st.sampled_from([0.0, 0.0, 3.0, -2.0, 0.25]))
        rounding = draw(st.sampled_from(roundings))
        inputs = f"{name} {constant(scale())} {constant(zero)} {constant(bits)}"
        nodes.append(quant(inputs, output, signed=int(signed), narrow=int(narrow), rounding=rounding))

    widths = [int(width) for width in rng.integers(2, 6, draw(st.integers(3, 4)))]
    quantiser("x", "q0", ["ROUND", "FLOOR", "CEIL"])
    current = "q0"
    for number in range(1, len(widths)):
        before, width, last = widths[number - 1], widths[number], number == len(widths) - 1
        bits, step = float(draw(st.integers(1, 6))), scale(*draw(st.sampled_from([(), () if last else (width, 1)])))
        weights = constant(rng.normal(size=(width, before)) * float(np.mean(step)) * 2 ** (bits - 2))
        nodes.append(quant(f"{weights} {constant(step)} {constant(0.0)} {constant(bits)}", f"w{number}", narrow=1))
        if last:
            nodes.append(node("Gemm", f"{current} w{number}", "y", transB=1))
            break
        bias = constant(rng.normal(size=width)) if draw(st.booleans()) else ""
        nodes.append(node("Gemm", f"{current} w{number} {bias}".strip(), f"h{number}", transB=1))
        current = f"h{number}"
        kind = draw(st.sampled_from(["", "Relu", "Clip", "BatchNormalization"]))
        if kind:
            more = {
                "Relu": lambda: "",
                "Clip": lambda: f" {constant(-1.0)} {constant(rng.uniform(0.5, 3))}",
                "BatchNormalization": lambda width=width: "".join(
                    f" {constant(values)}" for values in (*rng.normal(size=(3, width)), rng.uniform(0.3, 2, width))
                ),
            }[kind]()
            nodes.append(node(kind, current + more, f"a{number}"))
            current = f"a{number}"
        quantiser(current, f"q{number}", ROUNDINGS)
        current = f"q{number}"
    x = rng.normal(size=(40, widths[0])) * 4
    return nodes, tensors, np.rint(x * 8) / 8 if powers else x.astype(np.float32).astype(np.float64)


@settings(max_examples=120, deadline=None)
@given(graphs())
def test_all_kinds_of_quantisers(tmp_path_factory: pytest.TempPathFactory, graph: Any) -> None:
    nodes, tensors, x = graph
    made = read(tmp_path_factory.mktemp("q") / "m.onnx", nodes, tensors, shape=["N", x.shape[1]])
    wanted = plain(nodes, tensors, x)
    if made.exact:
        assert np.abs(outputs(made, x) - wanted).max() <= 1e-6 * np.abs(wanted).max()
    else:
        # Only what is no staircase of equal steps, or what 24 bits and 16 bits of weights are too few for.
        modes = {helper.get_attribute_value(a) for each in nodes for a in each.attribute if a.name == "rounding_mode"}
        assert any("lie elsewhere" in note for note in made.notes)
        assert modes & {b"UP", b"DOWN", b"HALF_UP", b"HALF_DOWN"} or made.differ <= 2


BASE = {"z": np.array(0.0), "si": np.array(2.0**-5), "sw": np.array(0.25), "b8": np.array(8.0), "b4": np.array(4.0)}


def test_narrow_ranges(tmp_path: Path) -> None:
    """-1, 0 and 1 in two bits saturate at -1."""
    rng = np.random.default_rng(4)
    tensors = BASE | {"w": rng.normal(size=(5, 4)), "v": rng.normal(size=(3, 5)), "b": rng.normal(size=5) * 0.3}
    tensors |= {"sa": np.array(2.0), "b2": np.array(2.0)}
    nodes = [
        quant("x si z b8", "xq"),
        quant("w sw z b4", "wq", narrow=1),
        node("Gemm", "xq wq b", "h", transB=1),
        quant("h sa z b2", "a", narrow=1),
        quant("v sw z b4", "vq", narrow=1),
        node("Gemm", "a vq", "y", transB=1),
    ]
    made = equal(tmp_path / "m.onnx", nodes, tensors, rng.uniform(-3, 3, (300, 4)))
    assert made.network.layer(1).activation.clamp == (-1, 1)


def test_a_layer_that_is_the_same_for_every_input(tmp_path: Path) -> None:
    """Of sums below 0: their Relu has one sign only."""
    rng = np.random.default_rng(4)
    tensors = BASE | {"w": rng.uniform(0, 1, (3, 4)), "b": np.full(3, 2.0), "v": -np.ones((2, 3))}
    tensors |= {"u": rng.normal(size=(3, 2)), "one": np.array(1.0)}
    nodes = [
        quant("x si z b8", "xq", signed=0),
        quant("w sw z b4", "wq", narrow=1),
        node("Gemm", "xq wq b", "h", transB=1),
        quant("h sw z b8", "a", signed=0),
        quant("v sw z b4", "vq"),
        node("Gemm", "a vq", "g", transB=1),
        node("Relu", "g", "r"),
        node("BipolarQuant", "r one", "q"),
        quant("u sw z b4", "uq"),
        node("Gemm", "q uq", "y", transB=1),
    ]
    made = equal(tmp_path / "m.onnx", nodes, tensors, rng.uniform(0, 3, (100, 4)))
    assert "2 of 2 neurons are 0 for every input" in " ".join(made.notes)


def test_one_bit_of_any_zero_point(tmp_path: Path) -> None:
    """QONNX: -1 and 1, less the zero point."""
    rng = np.random.default_rng(4)
    for zero in (0.0, 1.0, 0.5):
        tensors = BASE | {"w": rng.normal(size=(3, 4)), "v": rng.normal(size=(2, 3)), "n": np.array(1.0)}
        tensors |= {"o": np.array(zero), "sa": np.array(0.5)}
        nodes = [
            quant("x si z b8", "xq"),
            quant("w sw o n", "wq", narrow=1),
            node("Gemm", "xq wq", "h", transB=1),
            quant("h sa o n", "a", narrow=1),
            quant("v sw z b4", "vq"),
            node("Gemm", "a vq", "y", transB=1),
        ]
        equal(tmp_path / "m.onnx", nodes, tensors, rng.uniform(-3, 3, (300, 4)))


def test_zero_points_of_weights(tmp_path: Path) -> None:
    """Halves to sixteenths make integers, other fractions none."""
    tensors = BASE | {"w": np.array([[1.0, 2.0], [3.0, -4.0]]), "one": np.array(1.0), "o": np.array(0.5)}
    nodes = [quant("x one z b8", "q", signed=0), quant("w one o b4", "wq"), node("MatMul", "q wq", "y")]
    x = np.array([[1.0, 2.0], [3.0, 4.0], [100.0, 200.0]])
    equal(tmp_path / "m.onnx", nodes, tensors, x)
    with pytest.raises(
        InputError, match=r"\(Quant\): zero point is 0.4; allowed: integers, and halves to sixteenths$"
    ):
        read(tmp_path / "m.onnx", nodes, tensors | {"o": np.array(0.4)}, shape=["N", 2])


@pytest.mark.parametrize(("opset", "kind"), [(21, TensorProto.INT8), (21, TensorProto.INT4), (10, None)])
def test_types_of_quantizelinear(opset: int, kind: int | None, tmp_path: Path) -> None:
    """The attribute says the type where no zero point does."""
    rng = np.random.default_rng(3)
    nodes = [
        node("QuantizeLinear", "x si", "xi", **({} if kind is None else {"output_dtype": kind})),
        node("DequantizeLinear", "xi si", "xq"),
        node("DequantizeLinear", "wq sw", "w"),
        node("Gemm", "xq w b", "y", transB=1),
    ]
    tensors = {"wq": rng.integers(-127, 128, (3, 6)).astype(np.int8), "si": np.array(1 / 64), "sw": np.array(1 / 128)}
    made = read(tmp_path / "m.onnx", nodes, tensors | {"b": np.zeros(3)}, shape=["N", 6], opset=opset)
    low, high = {TensorProto.INT8: (-128, 127), TensorProto.INT4: (-8, 7), None: (0, 255)}[kind]
    assert (made.network.input.low, made.network.input.high) == (low, high)
    x = rng.uniform(-1, 1, (300, 6))
    wanted = np.clip(np.rint(x * 64), low, high) / 64 @ (tensors["wq"] / 128).T
    assert made.exact
    assert np.array_equal(outputs(made, x), wanted)


@pytest.mark.parametrize("ends", [(-100, 100), (0, 200), (-128, 90)])
def test_clips_between_quantizelinear_and_dequantizelinear(ends: tuple[int, int], tmp_path: Path) -> None:
    kind = np.uint8 if ends[0] == 0 else np.int8
    rng = np.random.default_rng(3)
    tensors = {"w": rng.integers(-9, 10, (5, 4)).astype(np.int8), "v": rng.integers(-7, 8, (2, 5)).astype(np.int8)}
    tensors |= {
        "s": np.array(0.0713),
        "t": np.array(0.0053),
        "r": np.array(0.0037),
        "u": np.array(0.5),
        "z": np.array(0, kind),
    }
    tensors |= {"low": np.array(ends[0], kind), "high": np.array(ends[1], kind), "e": np.array(3, np.int8)}
    nodes = [
        node("QuantizeLinear", "x s e", "i"),
        node("DequantizeLinear", "i s e", "q"),
        node("DequantizeLinear", "w t", "wq"),
        node("Gemm", "q wq", "h", transB=1),
        node("QuantizeLinear", "h r z", "j"),
        node("Clip", "j low high", "k"),
        node("DequantizeLinear", "k r z", "a"),
        node("DequantizeLinear", "v u", "vq"),
        node("Gemm", "a vq", "y", transB=1),
    ]
    x = rng.uniform(-9, 9, (300, 4)).astype(np.float32).astype(np.float64)
    made = equal(tmp_path / "m.onnx", nodes, tensors, x)
    wanted = run_plain(tmp_path / "m.onnx", x.astype(np.float32))
    assert (np.abs(outputs(made, x) - wanted).max(axis=1) < 1e-3).mean() > 0.99  # single precision near thresholds
    bounds = golden.activations(made.network, made.network.input.quantise(x))[1]
    assert (bounds.min(), bounds.max()) == ends


@pytest.mark.parametrize(("low", "high"), [(3.0, 4.0), (-4.0, -3.0)])
def test_a_clip_beyond_all_codes_is_a_number(low: float, high: float, tmp_path: Path) -> None:
    """Which the codes before it have none for; files that define integers have no such layer."""
    tensors = INPUT | {"low": np.array(low), "high": np.array(high), "u": np.ones((2, 3)), "sa": np.array(0.25)}
    nodes = [quant("x si z b8", "q"), *REST[:1], node("Gemm", "q wq", "f", transB=1), quant("f sa z b4", "a")]
    nodes += [node("Clip", "a low high", "c"), node("Gemm", "c u", "y", transB=1)]
    path = write(tmp_path / "m.onnx", model(nodes, tensors))
    lowered = importers.lower(importers.read(path))
    assert [(layer.codes is None, layer.limits) for layer in lowered.layers[1:]] == [
        (True, (low, high)),
        (True, (None, None)),
    ]
    with pytest.raises(InputError, match=r"the activation is a real number; required: --bits"):
        importers.import_network(path, name="n", options=importers.InputOptions(8, None, None, False))


def test_scales_that_are_the_same_for_all_channels(tmp_path: Path) -> None:
    tensors = BASE | {"w": np.random.default_rng(0).normal(size=(3, 4)), "k": np.full((1, 3), 0.5)}
    tensors |= {"si": np.full(4, 0.125), "zs": np.zeros((1, 4))}
    nodes = [
        quant("x si zs b8", "xq"),
        quant("w sw z b4", "wq"),
        node("Gemm", "xq wq", "h", transB=1),
        quant("h k z b4", "y"),
    ]
    equal(tmp_path / "m.onnx", nodes, tensors, PIXELS)
    with pytest.raises(InputError, match=r"its scale has shape \[1, 3\]; allowed: one number, or the same in all"):
        read(tmp_path / "m.onnx", nodes, tensors | {"k": np.array([[0.5, 0.25, 0.5]])})


# What has no integers.


def test_neurons_without_integers_are_near(tmp_path: Path) -> None:
    """Scales and biases of single precision: each of the neurons is equal, or differs in few thresholds by a step."""
    rng = np.random.default_rng(28)
    w, v, b = rng.uniform(-0.4, 0.4, (4, 8)), rng.uniform(-0.4, 0.4, (2, 4)), rng.normal(size=4) * 0.3
    tensors = BASE | {"w": w, "v": v, "b": b, "sw": np.array(0.4 / 127)}
    tensors |= {"si": np.array(rng.uniform(0.015, 0.025)), "sa": np.array(rng.uniform(0.015, 0.025))}
    nodes = [
        quant("x si z b8", "xq", signed=0),
        quant("w sw z b8", "wq", narrow=1),
        node("Gemm", "xq wq b", "h", transB=1),
        node("Relu", "h", "r"),
        quant("r sa z b8", "a", signed=0),
        quant("v sw z b8", "vq", narrow=1),
        node("Gemm", "a vq", "y", transB=1),
    ]
    x = np.random.default_rng(1).uniform(0, 4, (300, 8)).astype(np.float32).astype(np.float64)
    equal(tmp_path / "m.onnx", nodes, tensors, x)
    lowered = importers.lower(importers.read(tmp_path / "m.onnx"))
    made = importers.integer_network(lowered, widen=False)
    assert not made.exact
    assert made.differ > 0
    assert [layer.weight_bits for layer in made.network.layers] == [8, 8]
    first = golden.activations(made.network, made.network.input.quantise(x))[1]
    wanted = plain([*nodes[:4], quant("r sa z b8", "y", signed=0)], tensors, x) / np.float32(tensors["sa"])
    assert np.abs(first - wanted).max() < 1 + 1e-6
    assert (np.abs(first - wanted) < 1e-6).mean() > 0.98


@pytest.mark.parametrize("weights", [1.0, 3.0])
def test_biases_of_outputs_are_met_to_a_256th_of_a_step(weights: float, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    tensors = BASE | {"w": rng.integers(-3, 4, (3, 4)) * weights, "b": rng.normal(size=3), "sw": np.array(weights)}
    nodes = [quant("x si z b8", "xq"), quant("w sw z b4", "wq"), node("Gemm", "xq wq b", "y", transB=1)]
    made = read(tmp_path / "m.onnx", nodes, tensors)
    step = weights / 32
    wanted = plain(nodes, tensors, PIXELS)
    assert 0 < np.abs(outputs(made, PIXELS) - wanted).max() <= step / 256
    assert not made.exact
    whole = importers.integer_network(importers.lower(importers.read(tmp_path / "m.onnx")), widen=False)
    assert whole.network.layers[0].weight_bits == 3
    assert np.abs(outputs(whole, PIXELS) - wanted).max() <= step / 2
    equal(tmp_path / "m.onnx", nodes, tensors | {"b": np.array([1.0, 0.25, -3 / 1024]) * step}, PIXELS)


@pytest.mark.parametrize("factor", [0.3, -1.7, 40.0, 0.011])
def test_sums_of_layers_of_different_scales_are_near(factor: float, tmp_path: Path) -> None:
    """The other one is rounded to a part of a step."""
    rng = np.random.default_rng(0)
    tensors = BASE | {
        "w": rng.normal(size=(4, 4)),
        "k": np.array(factor),
        "sa": np.array(0.37),
        "v": rng.normal(size=(3, 4)),
    }
    nodes = [
        quant("x si z b8", "xq"),
        quant("w sw z b4", "wq"),
        node("Gemm", "xq wq", "h", transB=1),
        node("Mul", "xq k", "f"),
        node("Add", "h f", "s"),
        quant("s sa z b8", "a"),
        quant("v sw z b4", "vq"),
        node("Gemm", "a vq", "y", transB=1),
    ]
    made = read(tmp_path / "m.onnx", nodes, tensors)
    wanted = plain(nodes, tensors, PIXELS)
    assert not made.exact
    difference = np.abs(outputs(made, PIXELS) - wanted)
    assert (difference.max(axis=1) < 1e-6).mean() > 0.8
    assert difference.max() < 0.02 * np.abs(wanted).max()


def test_outputs_with_scales_of_their_own(tmp_path: Path) -> None:
    """Per neuron in the last layer: integers where they are, else 16 bits."""
    common = [
        quant("x s z b", "xq", signed=0),
        quant("w k z b", "wq", narrow=1),
        node("Gemm", "xq wq", "y", transB=1),
    ]
    base = {"s": np.array(0.125), "z": np.array(0.0), "b": np.array(4.0), "w": np.ones((2, 2)) * [[3.0], [-5.0]]}
    x = np.stack(np.meshgrid(np.arange(16), np.arange(16)), axis=-1).reshape(-1, 2) / 8
    equal(tmp_path / "m.onnx", common, base | {"k": np.array([[0.5], [2.0]])}, x)
    tensors = base | {"k": np.array([[0.3], [0.7]])}
    made = read(tmp_path / "m.onnx", common, tensors, shape=["N", 2])
    wanted = plain(common, tensors, x)
    assert not made.exact
    assert 0 < np.abs(outputs(made, x) - wanted).max() <= np.abs(wanted).max() * 2**-14
    assert any("scales of their own" in note for note in made.notes)


def test_inputs_that_only_options_quantise(tmp_path: Path) -> None:
    tensors = BASE | {"w": np.random.default_rng(0).normal(size=(3, 4)), "sa": np.array(0.4)}
    nodes = [quant("w sw z b4", "wq"), node("Gemm", "x wq", "h", transB=1), quant("h sa z b8", "y")]
    path = write(tmp_path / "m.onnx", model(nodes, tensors))
    lowered = importers.lower(importers.read(path))
    source = importers.InputOptions(8, "0.05", "-3", False).given(4)
    made = importers.integer_network(lowered, source)
    assert made.exact
    codes = np.random.default_rng(0).integers(0, 256, (300, 4))
    x = codes * 0.05 - 3
    assert np.array_equal(source.quantise(x), codes)
    y = golden.evaluate(made.network, codes) * float(made.output_scale)
    assert np.abs(y - plain(nodes, tensors, x)).max() < 1e-6


def test_uint8_input_is_its_own_code(tmp_path: Path) -> None:
    nodes = [node("Cast", "x", "f", to=1), node("DequantizeLinear", "w s z", "wq"), node("MatMul", "f wq", "y")]
    weights = np.array([[1, -3], [127, 0], [-128, 5], [2, 2]], np.int8)
    tensors = {"w": weights, "s": np.array(0.25), "z": np.array(1, np.int8)}
    made = read(tmp_path / "m.onnx", nodes, tensors, kind=TensorProto.UINT8)
    assert (made.network.input.low, made.network.input.high, made.network.input.scale) == (0, 255, 1.0)
    x = np.random.default_rng(0).integers(0, 256, (9, 4))
    assert np.array_equal(outputs(made, x), x @ (weights - 1.0) * 0.25)


def test_the_command_compares_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 1 where an exact network is not equal, or another one agrees too little; then nothing is written."""
    rng = np.random.default_rng(0)
    tensors = BASE | {"w": rng.normal(size=(3, 4)), "b": rng.normal(size=3)}
    nodes = [quant("x si z b8", "xq"), quant("w sw z b4", "wq"), node("Gemm", "xq wq", "y", transB=1)]
    write(tmp_path / "exact.onnx", model(nodes, tensors))
    nodes[-1] = node("Gemm", "xq wq b", "y", transB=1)
    write(tmp_path / "near.onnx", model(nodes, tensors))
    np.save(tmp_path / "x.npy", PIXELS)

    def run(name: str, *words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as caught:
            main(["import", f"{tmp_path}/{name}.onnx", "-o", f"{tmp_path}/out.safetensors", *words])
        captured = capsys.readouterr()
        return caught.value.code or 0, captured.out, captured.err

    check = ("--check", f"{tmp_path}/x.npy")
    code, out, _ = run("exact", *check)
    assert code == 0
    assert "compared on 400 inputs: 400 with equal outputs; " in out
    assert f"{tmp_path}/out.safetensors: equal to the file for every input\n" in out
    assert load(tmp_path / "out.safetensors").input.scale == 2**-5
    code, out, _ = run("near", *check)
    assert code == 0
    assert "same class 400 (100.00%)\n" in out
    assert f"{tmp_path}/out.safetensors: an approximation of the file\n" in out
    (tmp_path / "out.safetensors").unlink()
    write(tmp_path / "real.onnx", model([node("Gemm", "x w b", "y", transB=1)], tensors))
    coarse = ("--bits", "4", "--calibration", f"{tmp_path}/x.npy", *check)
    code, _, err = run("real", *coarse, "--least-agreement", "99.9%")
    assert code == 1
    assert err.startswith(f"hdlgen: {tmp_path}/x.npy: 9")
    assert err.endswith("% of the inputs agree with the file; required: 0.999 (--least-agreement)\n")
    assert not (tmp_path / "out.safetensors").exists()
    code, _, err = run("near", *check, "--least-agreement", "101%")
    assert (code, err) == (2, "hdlgen: --least-agreement is '101%'; allowed: 0..1, or 0%..100%\n")
    code, _, _ = run("real", *coarse, "--least-agreement", "0.5")
    assert code == 0


def test_an_exact_network_that_is_not_equal_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A single output of a single input, even by less than a step."""
    tensors = BASE | {"w": np.random.default_rng(0).normal(size=(3, 4))}
    nodes = [quant("x si z b8", "xq"), quant("w sw z b4", "wq"), node("Gemm", "xq wq", "y", transB=1)]
    write(tmp_path / "m.onnx", model(nodes, tensors))
    np.save(tmp_path / "x.npy", PIXELS)
    run = importers.Reference.run

    def wrong(self: importers.Reference, x: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        outputs, behind = run(self, x)
        outputs[7, 1] += float(Fraction(1, 1000))
        return outputs, behind

    monkeypatch.setattr(importers.Reference, "run", wrong)
    with pytest.raises(SystemExit) as caught:
        main(["import", f"{tmp_path}/m.onnx", "-o", f"{tmp_path}/y.safetensors", "--check", f"{tmp_path}/x.npy"])
    assert caught.value.code == 1
    captured = capsys.readouterr()
    assert "compared on 400 inputs: 399 with equal outputs" in captured.out
    assert captured.err == (
        f"hdlgen: {tmp_path}/x.npy: 1 of 400 inputs have other outputs than in the file, which they should equal\n"
    )
    assert not (tmp_path / "y.safetensors").exists()
