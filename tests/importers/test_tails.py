"""What stands behind the outputs: dropped if that leaves their order, refused if not."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

from hdlgen import importers
from hdlgen.errors import InputError

from .models import model, node, quant, write

R = np.random.default_rng(0)
TENSORS = {"w": R.normal(size=(4, 3)), "b": R.normal(size=3), "one": R.normal(size=(4, 1))}
GEMM, SINGLE = node("Gemm", "x w b", "h"), node("Gemm", "x one", "h")
X = R.uniform(-2, 2, (200, 4)).astype(np.float32)
ML = "ai.onnx.ml"
LABELS = {"names": np.array([30, 10, 20])}
HALF = {"o": np.array(1.0), "half": np.array(0.5), "k": np.array(2.5)}


@pytest.mark.parametrize(
    ("nodes", "tensors", "outputs"),
    [
        ([GEMM, node("Softmax", "h", "y")], {}, "y"),
        ([GEMM, node("Softmax", "h", "y", axis=1)], {}, "y h"),
        ([GEMM, node("LogSoftmax", "h", "y", axis=-1)], {}, "y"),
        ([GEMM, node("Softmax", "h", "s"), node("Log", "s", "y")], {}, "y"),
        ([GEMM, node("Sigmoid", "h", "y")], {}, "y"),
        ([GEMM, node("Div", "h k", "t"), node("Softmax", "t", "y")], {}, "y"),
        ([GEMM, node("Softmax", "h", "s"), node("Mul", "k s", "y")], {}, "y"),
        ([GEMM, node("ArgMax", "h", "y", axis=1)], {}, "y"),
        ([GEMM, node("ArgMax", "h", "y", axis=-1, keepdims=0)], {}, "y"),
        ([GEMM, node("TopK", "h n", "y i")], {"n": np.array([2])}, "y i"),
        (
            [
                GEMM,
                node("Softmax", "h", "p"),
                node("ArgMax", "p", "c", axis=1),
                node("ArrayFeatureExtractor", "names c", "f", domain=ML),
                node("Reshape", "f s", "g"),
                node("Cast", "g", "y", to=6),
            ],
            {**LABELS, "s": np.array([-1])},
            "y p",
        ),
        (
            [
                GEMM,
                node("Softmax", "h", "p"),
                node("ArgMax", "p", "c", axis=1, keepdims=0),
                node("Gather", "names c", "y"),
            ],
            LABELS,
            "y",
        ),
        # Two classes of one output, as scikit-learn has them.
        (
            [
                SINGLE,
                node("Sigmoid", "h", "p"),
                node("Sub", "o p", "q"),
                node("Concat", "q p", "both", axis=1),
                node("ArgMax", "both", "y", axis=1),
            ],
            {},
            "y both",
        ),
        ([SINGLE, node("Sigmoid", "h", "p"), node("Greater", "p half", "y")], {}, "y"),
        ([SINGLE, node("Squeeze", "h a", "s"), node("Sigmoid", "s", "y")], {"a": np.array([1])}, "y"),
        ([SINGLE, node("Sigmoid", "h", "p"), node("Binarizer", "p", "y", domain=ML, threshold=0.5)], {}, "y"),
        # Quantised probabilities.
        (
            [GEMM, node("Softmax", "h", "p"), node("QuantizeLinear", "p q z", "i"), node("DequantizeLinear", "i q z", "y")],
            {"q": np.array(1 / 256), "z": np.array(0, np.uint8)},
            "y",
        ),
    ],
    ids=lambda nodes: "-".join(each.op_type for each in nodes) if isinstance(nodes, list) else "",
)  # fmt: skip
def test_what_leaves_the_order_is_dropped(
    nodes: list[onnx.NodeProto], tensors: dict[str, np.ndarray], outputs: str, tmp_path: Path
) -> None:
    """The outputs are the values before; from them the reference makes what onnxruntime makes of the inputs."""
    path = write(tmp_path / "m.onnx", model(nodes, {**TENSORS, **HALF, **tensors}, outputs=outputs))
    graph = importers.read(path)
    lowered = importers.lower(graph)
    reference = importers.Reference(path, graph, lowered)
    values, behind = reference.run(X.astype(np.float64))
    y = importers.float_network(lowered).evaluate(X.astype(np.float64))
    assert np.abs(values - y).max() < 1e-12
    assert len(lowered.notes) == 1
    assert ": dropped, with what comes after it: " in lowered.notes[0]
    wanted = dict(zip(outputs.split(), onnxruntime.InferenceSession(path).run(None, {"x": X}), strict=True))
    for name, ours, theirs in zip(reference.behind, reference.after(y), behind, strict=True):
        assert np.abs(ours.astype(float) - theirs.astype(float)).max() < 1e-12
        assert np.abs(ours.astype(float) - wanted[name].reshape(len(X), -1).astype(float)).max() < 1e-5


@pytest.mark.parametrize(
    ("labels", "names", "notes"),
    [
        ({"classlabels_int64s": [7, 1, 5]}, ("7", "1", "5"), 1),
        ({"classlabels_strings": ["Birke", "Kastanie", "Ölbaum"]}, ("Birke", "Kastanie", "Ölbaum"), 1),
        ({"classlabels_strings": ["a", "b"]}, None, 2),
        ({"classlabels_strings": ["a", "b", "\n"]}, None, 2),
    ],
)
def test_names_of_classes(
    labels: dict[str, list[object]], names: tuple[str, ...] | None, notes: int, tmp_path: Path
) -> None:
    """They are kept; what cannot be one is told."""
    nodes = [GEMM, node("Softmax", "h", "p"), node("ZipMap", "p", "y", domain=ML, **labels)]
    path = write(tmp_path / "m.onnx", model(nodes, TENSORS))
    imported = importers.import_network(
        path, name="m", options=importers.InputOptions(8, None, None, False), bits=8, input_range="-2,2"
    )
    assert imported.network.output_names == names
    assert len(imported.notes) == notes


@pytest.mark.parametrize(
    ("nodes", "tensors", "message"),
    [
        ([GEMM, node("Sigmoid", "h", "s"), node("Mul", "h s", "y")], {}, "node 3 of 3 'n_y' (Mul): reads what comes"),
        (
            [GEMM, node("Softmax", "h", "s"), node("Gemm", "x w", "g"), node("Add", "s g", "y")],
            {},
            "node 4 of 4 'n_y' (Add): reads what comes after ",
        ),
        (
            [GEMM, node("Softmax", "h", "s"), node("Mul", "s k", "p"), node("ArgMax", "p", "y", axis=1)],
            {"k": np.array([100.0, 0.001, 0.1])},
            "node 3 of 4 'n_p' (Mul): reads what comes after ",
        ),
        ([GEMM, node("Softmax", "h", "s"), node("Neg", "s", "y")], {}, "node 3 of 3 'n_y' (Neg): reads what comes af"),
        ([GEMM, node("Softmax", "h", "s"), node("Mul", "s m", "y")], {}, "node 3 of 3 'n_y' (Mul): reads what comes a"),
        ([GEMM, node("Softmax", "h", "s"), node("Div", "o s", "y")], {}, "node 3 of 3 'n_y' (Div): reads what comes a"),
        ([GEMM, node("Softmax", "h", "s"), node("Sub", "o s", "y")], {}, "node 3 of 3 'n_y' (Sub): reads what comes a"),
        ([GEMM, node("Softmax", "h", "s"), node("Cast", "s", "y", to=7)], {}, "node 3 of 3 'n_y' (Cast): reads what c"),
        ([GEMM, node("Sigmoid", "h", "s"), node("Greater", "s k", "y")], {}, "node 3 of 3 'n_y' (Greater): reads what"),
        (
            [GEMM, node("Sigmoid", "h", "s"), node("Gemm", "s v", "y")],
            {"v": np.eye(3)},
            "node 3 of 3 'n_y' (Gemm): reads what comes after PATH: node 2 of 3 'n_s' (Sigmoid), which is not computed;"
            " allowed: Softmax, LogSoftmax, Sigmoid, ArgMax, TopK at the end only",
        ),
        (
            [GEMM, node("Softmax", "h", "s"), quant("s half z n", "q", signed=0), node("ArgMax", "q", "y", axis=1)],
            {"z": np.array(0.0), "n": np.array(2.0)},
            "node 4 of 4 'n_y' (ArgMax): reads what comes after ",
        ),
        ([GEMM, node("Softmax", "h", "y", axis=0)], {}, "node 2 of 2 'n_y' (Softmax): attribute axis is 0 of 2 axes; a"),
        ([GEMM, node("ArgMax", "h", "y")], {}, "node 2 of 2 'n_y' (ArgMax): attribute axis is 0 of 2 axes; allowed: "),
        (
            [GEMM, node("ArgMax", "h", "y", axis=1, select_last_index=1)],
            {},
            "node 2 of 2 'n_y' (ArgMax): attribute select_last_index is 1; allowed: 0, the first of equal outputs",
        ),
        (
            [GEMM, node("TopK", "h n", "y i", largest=0)],
            {"n": np.array([2])},
            "node 2 of 2 'n_y i' (TopK): attribute largest is 0; allowed: 1",
        ),
        ([SINGLE, node("Softmax", "h", "y")], {}, "node 2 of 2 'n_y' (Softmax): has one output for each input; allowed"),
        (
            [node("Softmax", "b", "s"), node("Add", "x s", "y")],
            {"b": np.ones(4)},
            "node 1 of 2 'n_s' (Softmax): operation Softmax of constants is not supported; allowed: ",
        ),
    ],
    ids=lambda nodes: "-".join(each.op_type for each in nodes) if isinstance(nodes, list) else "",
)  # fmt: skip
def test_all_else_is_refused(
    nodes: list[onnx.NodeProto], tensors: dict[str, np.ndarray], message: str, tmp_path: Path
) -> None:
    tensors = {**TENSORS, **HALF, "m": np.array(-1.0), **tensors}
    path = write(tmp_path / "m.onnx", model(nodes, tensors))
    with pytest.raises(InputError) as caught:
        importers.lower(importers.read(path))
    assert str(caught.value).startswith(f"{path}: {message}".replace("PATH", str(path)))


def test_functions_of_the_file_are_none_of_onnx(tmp_path: Path) -> None:
    """Whatever they are called."""
    for domain in ("my.domain", ""):
        body = [helper.make_node("LeakyRelu", ["a"], ["b"], alpha=0.5)]
        function = helper.make_function(domain, "Relu", ["a"], ["b"], body, [helper.make_opsetid("", 17)])
        nodes = [GEMM, node("Relu", "h", "y", domain=domain)]
        path = write(tmp_path / "m.onnx", model(nodes, TENSORS, functions=[function]))
        with pytest.raises(InputError) as caught:
            importers.lower(importers.read(path))
        assert str(caught.value).startswith(
            f"{path}: node 2 of 2 'n_y' (Relu): operation Relu of domain {domain or 'ai.onnx'} (a function of the file) is"
            " not supported; allowed: "
        )
