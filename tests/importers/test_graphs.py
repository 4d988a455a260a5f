"""Small graphs: what nodes mean, with onnxruntime as judge where it knows them."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hdlgen import golden, importers
from hdlgen.quantize.layered import QuantizeRecipe, choose_input, quantize_network

from .models import model, node, run_plain, write

W = np.random.default_rng(0).normal(size=(4, 3))
V = np.random.default_rng(1).normal(size=(3, 3))
B = np.array([0.5, -1.0, 2.0])


def real(path: Path, x: np.ndarray) -> np.ndarray:
    return importers.float_network(importers.lower(importers.read(path))).evaluate(x.reshape(len(x), -1))


def same(path: Path, made: onnx.ModelProto, shape: tuple[int, ...] = (4,), count: int = 7) -> None:
    """The imported network computes what onnxruntime does, and so does the reference to compare with."""
    write(path, made)
    x = np.random.default_rng(2).normal(size=(count, *shape)).astype(np.float32)
    wanted = run_plain(path, x).reshape(count, -1)
    assert np.abs(real(path, x) - wanted).max() < 1e-5
    graph = importers.read(path)
    reference = importers.Reference(path, graph, importers.lower(graph))
    outputs, behind = reference.run(x.reshape(count, -1).astype(np.float64))
    assert np.abs(outputs - wanted).max() < 1e-5
    assert not behind


def activation(*nodes: onnx.NodeProto, **tensors: object) -> tuple[list[onnx.NodeProto], dict[str, object]]:
    """Two layers with nodes from h to r between them."""
    return [node("Gemm", "x w b", "h"), *nodes, node("Gemm", "r v", "y")], {"w": W, "b": B, "v": V, **tensors}


def packed(values: np.ndarray, kind: int) -> TensorProto:
    """Integers of 4 bits, two in a byte."""
    return helper.make_tensor("q", kind, values.shape, values.reshape(-1).tolist())


ZERO, ONE = np.array(0.0), np.array(1.0)
BFLOAT = helper.make_tensor("w", TensorProto.BFLOAT16, W.shape, W.reshape(-1).tolist())

GRAPHS = {
    "matmul and add": ([node("MatMul", "x w", "h"), node("Add", "h b", "y")], {"w": W, "b": B}),
    "add, the other way round": ([node("MatMul", "x w", "h"), node("Add", "b h", "y")], {"w": W, "b": B}),
    "alpha and beta": ([node("Gemm", "x w b", "y", alpha=0.5, beta=-2.0)], {"w": W, "b": B}),
    "a matrix transposed": ([node("Gemm", "x w", "y", transB=1)], {"w": W.T}),
    "transposed by a node": ([node("Transpose", "w", "wt", perm=[1, 0]), node("MatMul", "x wt", "y")], {"w": W.T}),
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
    "Clip as Relu": activation(node("Clip", "h z", "r"), z=ZERO),
    "Clip to the end of single precision": activation(node("Clip", "h z e", "r"), z=ZERO, e=np.array(3.4028235e38)),
    "Clip to infinity": activation(node("Clip", "h e z", "r"), z=ONE, e=np.array(-np.inf)),
    "Clip without limits": activation(node("Clip", "h", "r")),
    "Clip with limits in place of inputs": activation(node("Clip", "h  e", "r"), e=ONE),
    "ReLU6": activation(node("Clip", "h z s", "r"), z=ZERO, s=np.array(6.0)),
    "Hardtanh": activation(node("Clip", "h m o", "r"), m=-ONE, o=ONE),
    "Hardtanh in two nodes": activation(node("Max", "h m", "i"), node("Min", "i o", "r"), m=-ONE, o=np.array([1.0])),
    "a clamp behind a clamp": activation(node("Relu", "h", "i"), node("Clip", "i m o", "r"), m=-ONE, o=np.array(0.5)),
    "a clamp away from 0": activation(node("Clip", "h m o", "r"), m=np.array(0.25), o=ONE),
    "Max with 0": activation(node("Max", "h z", "r"), z=ZERO),
    "Max with 0 first": activation(node("Max", "z h", "r"), z=ZERO),
    "LeakyRelu of slope 0": activation(node("LeakyRelu", "h", "r", alpha=0.0)),
    "LeakyRelu of slope 1": activation(node("LeakyRelu", "h", "r", alpha=1.0)),
    "PRelu of slope 0": activation(node("PRelu", "h z", "r"), z=np.zeros(3)),
    "Sum": ([node("Gemm", "x w", "h"), node("Sum", "b h b h", "y")], {"w": W, "b": B}),
    "a matrix of three axes": (
        [node("Unsqueeze", "x i", "u"), node("MatMul", "u k", "m"), node("Squeeze", "m i", "y")],
        {"k": W[None], "i": np.array([1])},
    ),
    "axes that come and go": activation(
        node("Unsqueeze", "h i", "u"),
        node("Transpose", "u", "t", perm=[0, 2, 1]),
        node("Squeeze", "t j", "s"),
        node("Transpose", "s", "p", perm=[0, 1]),
        node("Flatten", "p", "r", axis=-1),
        i=np.array([1]),
        j=np.array([-1]),
    ),
    "scikit-learn's Scaler": (
        [
            node("Scaler", "x", "s", domain="ai.onnx.ml", offset=[1.0, 2.0, 3.0, 4.0], scale=[0.5, 2.0, -1.0, 1.0]),
            node("Gemm", "s w", "y"),
        ],
        {"w": W},
    ),
    "a Scaler of one number": (
        [node("Scaler", "x", "s", domain="ai.onnx.ml", offset=[1.0], scale=[0.5]), node("Gemm", "s w", "y")],
        {"w": W},
    ),
    "weight normalisation": (
        [
            node("ReduceL2", "v", "n", axes=[1], keepdims=1),
            node("Div", "v n", "d"),
            node("Mul", "d g", "w"),
            node("Gemm", "x w", "y", transB=1),
        ],
        {"v": W.T, "g": np.array([[1.0], [2.0], [-0.5]])},
    ),
    "numbers that a node holds": (
        [
            node("Constant", "", "k", value=numpy_helper.from_array(W.astype(np.float32))),
            node("Constant", "", "s", value_float=0.5),
            node("MatMul", "x k", "h"),
            node("Mul", "s h", "y"),
        ],
        {},
    ),
    "bfloat16": ([node("Cast", "w", "v", to=1), node("Gemm", "x v", "y")], {"w": BFLOAT}),
    "integers of 4 bits": (
        [node("DequantizeLinear", "q s", "v"), node("Gemm", "x v", "y")],
        {"q": packed(np.arange(-6, 6).reshape(4, 3), TensorProto.INT4), "s": np.array(0.3)},
    ),
    "unsigned ones with zero points, for each column": (
        [node("DequantizeLinear", "q s z", "v", axis=1), node("Gemm", "x v", "y")],
        {
            "q": packed(np.arange(1, 16, dtype=np.int64).reshape(5, 3)[:4], TensorProto.UINT4),
            "s": np.array([0.3, 0.1, 0.2]),
            "z": helper.make_tensor("z", TensorProto.UINT4, [3], [3, 0, 15]),
        },
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
    same(tmp_path / "m.onnx", model(nodes, tensors, opset=21 if "of 4 bits" in name or "unsigned" in name else 17))


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


FLAT = {"i": np.array([-1]), "n": np.array([-1]), "m": np.array([-1, 1])}


@pytest.mark.parametrize("batch", ["N", 7, 1])
@pytest.mark.parametrize(
    "nodes",
    [
        [node("Squeeze", "h i", "y")],
        [node("Squeeze", "h", "y")],
        [node("Reshape", "h n", "y")],
        [node("Reshape", "h n", "f"), node("Reshape", "f m", "g"), node("Identity", "g", "y")],
        [node("Flatten", "h", "y", axis=-1)],
        [node("Transpose", "h", "y", perm=[0, 1])],
    ],
    ids=lambda nodes: "-".join(each.op_type for each in nodes),
)
def test_shapes_of_one_output(nodes: list[onnx.NodeProto], batch: int | str, tmp_path: Path) -> None:
    """The batch may be the only axis that is left."""
    made = model([node("Gemm", "x w", "h"), *nodes], {"w": W[:, :1], **FLAT}, shape=[batch, 4])
    same(tmp_path / "m.onnx", made, count=1 if batch == 1 else 7)


def test_a_batch_of_one_may_vanish(tmp_path: Path) -> None:
    nodes = [node("Reshape", "x n", "f"), node("MatMul", "f w", "g"), node("Unsqueeze", "g o", "h")]
    nodes = [*nodes, node("Gemm", "h v", "i"), node("Squeeze", "i o", "y")]
    tensors = {"w": W, "v": V, "n": np.array([-1]), "o": np.array([0])}
    same(tmp_path / "m.onnx", model(nodes, tensors, shape=[1, 2, 2]), (2, 2), count=1)


@pytest.mark.parametrize("opset", [7, 9, 11, 13, 18, 21])
def test_versions_of_operations(opset: int, tmp_path: Path) -> None:
    """Those whose attributes became inputs, and those that the reference had wrong."""
    axes = {"axes": [1]} if opset < 13 else {}
    nodes = [
        node("Unsqueeze", "x" if axes else "x i", "u", **axes),
        node("Squeeze", "u" if axes else "u i", "s", **axes),
        node("BatchNormalization", "s g g g g", "n"),
        node("Dropout", "n", "d"),
        node("Gemm", "d w b", "h"),
        node("Clip", "h" if opset < 11 else "h z o", "r", **({"min": 0.0, "max": 1.0} if opset < 11 else {})),
        node("Gemm", "r v b", "y"),
    ]
    tensors = {"i": np.array([1]), "g": np.arange(1.0, 5), "w": W, "b": B, "v": V, "z": ZERO, "o": ONE}
    same(tmp_path / "m.onnx", model(nodes, tensors, opset=opset))


@pytest.mark.parametrize("requantise", ["shift", "multiplier"])
def test_clamps_are_quantised(requantise: str, tmp_path: Path) -> None:
    """ReLU6 and Hardtanh saturate in integers where they do in real numbers."""
    nodes = [
        node("Gemm", "x w b", "h"),
        node("Clip", "h z s", "r"),
        node("Gemm", "r v", "i"),
        node("Clip", "i m o", "t"),
        node("Gemm", "t v b", "y"),
    ]
    tensors = {"w": W * 3, "b": B, "v": V, "z": ZERO, "s": np.array(2.0), "m": -ONE, "o": np.array(0.75)}
    path = write(tmp_path / "m.onnx", model(nodes, tensors))
    network = importers.float_network(importers.lower(importers.read(path)))
    x = np.random.default_rng(2).normal(size=(500, 4)) * 2
    source = choose_input(x, 12, 4)
    made = quantize_network(network, QuantizeRecipe(bits=12, activation_bits=10, requantise=requantise), source, x)
    values = golden.activations(made.network, source.quantise(x))
    real_values = network.activations(source.values(source.quantise(x)))
    assert [(v.min(), v.max()) for v in real_values[1:3]] == [(0, 2), (-1, 0.75)]
    for number in (1, 2):
        activation = made.network.layer(number).activation
        assert (values[number].min(), values[number].max()) == (activation.low, activation.high)
        step = real_values[number].max() / activation.high
        assert np.abs(values[number] * step - real_values[number]).max() < 0.02
    assert np.abs(values[-1] * made.output_scale - real_values[-1]).max() < 0.02 * np.abs(real_values[-1]).max()
