"""Small graphs: what nodes mean, with onnxruntime as judge where it knows them."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hdlgen import golden, importers
from hdlgen.errors import InputError
from hdlgen.importers import Codes

from .models import model, node, write

W = np.random.default_rng(0).normal(size=(4, 3))
V = np.random.default_rng(1).normal(size=(3, 3))
B = np.array([0.5, -1.0, 2.0])


def real(path: Path, x: np.ndarray) -> np.ndarray:
    return importers.float_network(importers.lower(importers.read(path))).evaluate(x.reshape(len(x), -1))


def same(path: Path, made: onnx.ModelProto, shape: tuple[int, ...] = (4,)) -> importers.LoweredNetwork:
    """The imported network computes what onnxruntime does."""
    write(path, made)
    x = np.random.default_rng(2).normal(size=(7, *shape)).astype(np.float32)
    session = onnxruntime.InferenceSession(path)
    wanted = session.run(None, {"x": x})[0].reshape(7, -1)
    assert np.abs(real(path, x) - wanted).max() < 1e-5
    return importers.lower(importers.read(path))


GRAPHS = {
    "matmul and add": ([node("MatMul", "x w", "h"), node("Add", "h b", "y")], {"w": W, "b": B}),
    "add, the other way round": ([node("MatMul", "x w", "h"), node("Add", "b h", "y")], {"w": W, "b": B}),
    "alpha and beta": ([node("Gemm", "x w b", "y", alpha=0.5, beta=-2.0)], {"w": W, "b": B}),
    "a matrix transposed": ([node("Gemm", "x w", "y", transB=1)], {"w": W.T}),
    "transposed by a node": (
        [node("Transpose", "w", "wt", perm=[1, 0]), node("MatMul", "x wt", "y")],
        {"w": W.T},
    ),
    "two matrices without activation": ([node("MatMul", "x w", "h"), node("MatMul", "h v", "y")], {"w": W, "v": V}),
    "standardised input": (
        [node("Sub", "x m", "a"), node("Div", "a s", "b"), node("Gemm", "b w", "y")],
        {"m": np.arange(4.0), "s": np.array([1.0, 2.0, 4.0, 0.3]), "w": W},
    ),
    "scaled sums": (
        [node("Gemm", "x w b", "h"), node("Mul", "h k", "g"), node("Neg", "g", "f"), node("Sub", "b f", "y")],
        {"w": W, "b": B, "k": np.array(3.0)},
    ),
    "batch normalisation before and after": (
        [
            node("BatchNormalization", "x g0 b0 m0 v0", "a"),
            node("Gemm", "a w", "h"),
            node("BatchNormalization", "h g1 b1 m1 v1", "i", epsilon=0.1),
            node("Relu", "i", "r"),
            node("Gemm", "r v b", "y"),
        ],
        {
            **{name: np.random.default_rng(3).uniform(0.5, 2, 4) for name in ("g0", "b0", "m0", "v0")},
            **{name: np.random.default_rng(4).uniform(-2, 2, 3) for name in ("g1", "b1", "m1")},
            "v1": np.ones(3),
            "w": W,
            "v": V,
            "b": B,
        },
    ),
    "ends with an activation": ([node("Gemm", "x w b", "h"), node("Relu", "h", "y")], {"w": W, "b": B}),
    "a skip connection": (
        [
            node("Gemm", "x w", "h"),
            node("Relu", "h", "r"),
            node("Gemm", "r v b", "s"),
            node("Add", "s r", "t"),
            node("Relu", "t", "u"),
            node("Gemm", "u v", "y"),
        ],
        {"w": W, "v": V, "b": B},
    ),
    "three branches": (
        [
            node("Gemm", "x w", "h"),
            node("Relu", "h", "r"),
            node("Gemm", "r v", "s"),
            node("Gemm", "x w b", "q"),
            node("Add", "s q", "t"),
            node("Add", "t r", "u"),
            node("Sub", "u h", "y"),
        ],
        {"w": W, "v": V, "b": B},
    ),
    "a sum with a factor that is no power of two": (
        [
            node("Gemm", "x w", "h"),
            node("Relu", "h", "r"),
            node("Mul", "r k", "q"),
            node("Gemm", "r v", "s"),
            node("Add", "s q", "y"),
        ],
        {"w": W, "v": V, "k": np.array([-3.0])},
    ),
    "Clip as Relu": (
        [node("Gemm", "x w b", "h"), node("Clip", "h zero", "r"), node("Gemm", "r v", "y")],
        {"w": W, "b": B, "v": V, "zero": np.array(0.0)},
    ),
    "no-ops": (
        [
            node("Identity", "x", "a"),
            node("Dropout", "a", "b"),
            node("Cast", "b", "c", to=1),
            node("Gemm", "c w", "y"),
        ],
        {"w": W},
    ),
    "nodes in no order": ([node("Add", "h b", "y"), node("MatMul", "x w", "h")], {"w": W, "b": B}),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_against_onnxruntime(name: str, tmp_path: Path) -> None:
    nodes, tensors = GRAPHS[name]
    if name == "nodes in no order":  # which ONNX does not allow, and onnxruntime does not run
        write(tmp_path / "m.onnx", model(nodes, tensors))
        x = np.ones((1, 4))
        assert np.abs(real(tmp_path / "m.onnx", x) - (x @ W + B)).max() < 1e-6
        return
    same(tmp_path / "m.onnx", model(nodes, tensors))


@pytest.mark.parametrize(
    ("nodes", "tensors"),
    [
        ([node("Flatten", "x", "f")], {}),
        ([node("Reshape", "x s", "f")], {"s": np.array([-1, 12])}),
        ([node("Reshape", "x s", "f")], {"s": np.array([0, -1])}),
        ([node("Reshape", "x s", "g"), node("Flatten", "g", "f")], {"s": np.array([0, 6, 2])}),
        (
            [
                node("Shape", "x", "n"),
                node("Gather", "n i", "b"),
                node("Unsqueeze", "b z", "u"),
                node("Concat", "u m", "s", axis=0),
                node("Reshape", "x s", "f"),
            ],
            {"i": np.array(0), "z": np.array([0]), "m": np.array([-1])},
        ),
    ],
)
@pytest.mark.parametrize("batch", ["N", 7])
def test_shapes(nodes, tensors, batch, tmp_path: Path) -> None:
    matrix = np.random.default_rng(5).normal(size=(12, 2))
    nodes = [*nodes, node("MatMul", "f w", "y")]
    same(tmp_path / "m.onnx", model(nodes, {**tensors, "w": matrix}, shape=[batch, 3, 2, 2]), (3, 2, 2))


def test_what_comes_after_the_outputs_is_dropped(tmp_path: Path) -> None:
    nodes = [
        node("Gemm", "x w b", "h"),
        node("Softmax", "h", "p"),
        node("ArgMax", "p", "c", axis=1),
        node("Cast", "c", "label", to=6),
    ]
    path = write(tmp_path / "m.onnx", model(nodes, {"w": W, "b": B}, outputs="label p"))
    lowered = importers.lower(importers.read(path))
    assert [note.removeprefix(f"{path}: ") for note in lowered.notes] == [
        "node 2 of 4 'n_p' (Softmax): dropped, with what comes after it: the largest output stays the largest"
    ]
    assert lowered.output == "h"
    x = np.random.default_rng(0).normal(size=(5, 4))
    assert np.abs(importers.reference(path, importers.read(path), lowered, x) - (x @ W + B)).max() < 1e-6


def quant(x: np.ndarray, scale: float, zero: float, low: int, high: int) -> np.ndarray:
    """QONNX's Quant, in single precision."""
    scale = np.float32(scale)
    return (np.clip(np.rint(x.astype(np.float32) / scale + np.float32(zero)), low, high) - zero) * scale


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    bits=st.integers(2, 5),
    exponents=st.tuples(*[st.integers(-4, 1)] * 3),
    per_neuron=st.booleans(),
    signed=st.booleans(),
    zero=st.sampled_from([0, 0, 3]),
)
def test_quant_nodes_with_powers_of_two(tmp_path_factory, seed, bits, exponents, per_neuron, signed, zero) -> None:
    """Bit-equal on every input of a range: real numbers are exact here, halves included."""
    generator = np.random.default_rng(seed)
    a, w, o = (2.0**exponent for exponent in exponents)
    widths = w * 2.0 ** generator.integers(-2, 2, (3, 1)) if per_neuron else np.array(w)
    matrix = generator.normal(size=(3, 2)) * 4 * w
    bias = generator.integers(-20, 20, 3) * a * (widths.reshape(-1) if per_neuron else w)
    second = generator.integers(-3, 4, (2, 3)) * 0.5
    tensors = {
        "w": matrix,
        "b": bias,
        "v": second,
        "sa": np.array(a),
        "sw": widths,
        "so": np.array(o),
        "half": np.array(0.5),
        "z": np.array(0.0),
        "zo": np.array(float(zero)),
        "b4": np.array(4.0),
        "bo": np.array(float(bits)),
    }
    nodes = [
        node("Quant", "x sa z b4", "xq", signed=1, narrow=0, rounding_mode="ROUND"),
        node("Quant", "w sw z b4", "wq", signed=1, narrow=1, rounding_mode="ROUND"),
        node("Gemm", "xq wq b", "h", transB=1),
        node("Quant", "h so zo bo", "hq", signed=int(signed), narrow=0, rounding_mode="ROUND"),
        node("Quant", "v half z b4", "vq", signed=1, narrow=1, rounding_mode="ROUND"),
        node("Gemm", "hq vq", "y", transB=1),
    ]
    path = write(tmp_path_factory.mktemp("q") / "m.onnx", model(nodes, tensors, shape=["N", 2]))
    graph = importers.read(path)
    lowered = importers.lower(graph)
    try:
        imported = importers.integer_network(lowered)
    except InputError as error:  # hidden values that are 0 for every input
        assume("which leaves nothing" not in str(error))
        raise
    codes = np.stack(np.meshgrid(np.arange(-8, 8), np.arange(-8, 8)), axis=-1).reshape(-1, 2)
    y = golden.evaluate(imported.network, codes) * float(imported.output_scale)
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    x = codes * a
    hidden = x @ quant(matrix, widths, 0, -7, 7).T + bias
    wanted = quant(hidden, o, zero, low, high) @ quant(second, 0.5, 0, -7, 7).T
    assert imported.exact
    assert np.array_equal(y, wanted)
    assert np.array_equal(importers.reference(path, graph, lowered, x), wanted)


def test_outputs_with_scales_of_their_own(tmp_path: Path) -> None:
    """Per neuron in the last layer: integers where they are, else 16 bits."""
    common = [node("Quant", "x s z b", "xq", signed=0, narrow=0), node("Quant", "w k z b", "wq", signed=1, narrow=1)]
    base = {"s": np.array(0.125), "z": np.array(0.0), "b": np.array(4.0), "w": np.ones((2, 2)) * [[3.0], [-5.0]]}
    x = np.stack(np.meshgrid(np.arange(16), np.arange(16)), axis=-1).reshape(-1, 2)
    for scales, exact in (([[0.5], [2.0]], True), ([[0.3], [0.7]], False)):
        nodes = [*common, node("Gemm", "xq wq", "y", transB=1)]
        path = write(tmp_path / "m.onnx", model(nodes, {**base, "k": np.array(scales)}, shape=["N", 2]))
        imported = importers.integer_network(importers.lower(importers.read(path)))
        integers = np.clip(np.rint(base["w"] / np.float32(scales)), -7, 7)
        wanted = (x * 0.125) @ (integers * np.float32(scales)).T
        y = golden.evaluate(imported.network, x) * float(imported.output_scale)
        assert imported.exact == exact
        if exact:
            assert np.array_equal(y, wanted)
        else:
            assert np.abs(y - wanted).max() <= np.abs(wanted).max() * 2**-14
            assert any("scales of their own" in note for note in imported.notes)


def test_uint8_input_is_its_own_code(tmp_path: Path) -> None:
    nodes = [
        node("Cast", "x", "f", to=1),
        node("DequantizeLinear", "w s z", "wq"),
        node("MatMul", "f wq", "y"),
    ]
    weights = np.array([[1, -3], [127, 0], [-128, 5], [2, 2]], np.int8)
    tensors = {"w": weights, "s": np.array(0.25), "z": np.array(1, np.int8)}
    path = write(tmp_path / "m.onnx", model(nodes, tensors, kind=onnx.TensorProto.UINT8))
    lowered = importers.lower(importers.read(path))
    imported = importers.integer_network(lowered)
    assert (imported.codes.low, imported.codes.high, imported.codes.scale) == (0, 255, 1)
    x = np.random.default_rng(0).integers(0, 256, (9, 4))
    wanted = x @ (weights - 1.0) * 0.25
    assert np.array_equal(golden.evaluate(imported.network, x) * float(imported.output_scale), wanted)
    assert np.array_equal(importers.reference(path, importers.read(path), lowered, x), wanted)


def test_signed_input_codes() -> None:
    codes = Codes.quant(8, signed=True, narrow=False, rounding="ROUND")
    assert (codes.bits, codes.low, codes.high) == (8, -128, 127)
    assert Codes.quant(3, signed=False, narrow=True, rounding="FLOOR").high == 6
