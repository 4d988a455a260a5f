"""Files that cannot be used: one line that says what and where; never a traceback, never a read elsewhere."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto

from hdlgen import importers
from hdlgen.cli import main
from hdlgen.errors import InputError
from hdlgen.importers import lowering, onnx_file
from hdlgen.network import InputFormat

from .models import FILES, model, node, write

W = np.arange(12.0).reshape(4, 3) + 1
GOOD = {"w": W, "b": np.ones(3)}
ONES = {"s": 1.0, "z": 0.0, "b": 8.0}
GEMM = [node("Gemm", "x w b", "y")]


def refusal(path: Path) -> str:
    """The message, without the path."""
    with pytest.raises(InputError) as caught:
        importers.integer_network(importers.lower(importers.read(path)))
    text = str(caught.value)
    assert "\n" not in text
    assert text.isascii()
    assert text.startswith(str(path))
    return text.removeprefix(f"{path}: ")


def external(location: str, **entries: object) -> onnx.ModelProto:
    made = model(GEMM, GOOD)
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=str(value))
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With data inside, outside, and a link from inside to outside."""
    inner = tmp_path / "inner"
    (inner / "below").mkdir(parents=True)
    data = W.astype(np.float32).tobytes()
    for file in (tmp_path / "outside.bin", inner / "inside.bin", inner / "below" / "inside.bin"):
        file.write_bytes(b"12345678" + data)
    (inner / "link.bin").symlink_to(tmp_path / "outside.bin")
    (inner / "loop.bin").symlink_to(inner / "loop.bin")
    (inner / "up").symlink_to(tmp_path)
    return inner


def test_external_data_inside(folder: Path) -> None:
    for location in ("inside.bin", "below/inside.bin"):
        path = write(folder / "m.onnx", external(location, offset=8, length=48))
        assert np.array_equal(importers.read(path).constants["w"], W.astype(np.float32))


@pytest.mark.parametrize(
    ("location", "entries", "message"),
    [
        (
            "../outside.bin",
            {},
            "its data are in '../outside.bin'; allowed: files in the folder of the model and below it",
        ),
        ("below/../../outside.bin", {}, "its data are in 'below/../../outside.bin'; allowed: files in the folder of"),
        ("/etc/passwd", {}, "its data are in '/etc/passwd'; allowed: files in the folder of the model and below it"),
        ("..\\outside.bin", {}, "its data are in '..\\\\outside.bin'; allowed: files in the folder of the model and"),
        ("", {}, "its data are in ''; allowed: files in the folder of the model and below it"),
        ("a\0b", {}, "its data are in 'a\\x00b'; allowed: files in the folder of the model and below it"),
        (
            "link.bin",
            {},
            "its data are in 'link.bin', a link to elsewhere; allowed: files in the folder of the model",
        ),
        ("up/outside.bin", {}, "its data are in 'up/outside.bin', a link to elsewhere; allowed: files in the folder"),
        ("loop.bin", {}, "its data in 'loop.bin'"),
        ("missing.bin", {}, "its data in 'missing.bin': cannot be read: No such file or directory"),
        ("below", {}, "its data in 'below': not a regular file"),
        ("inside.bin", {"offset": 9}, "its data end at byte 57 of 'inside.bin'; it has 56"),
        (
            "inside.bin",
            {"offset": -1},
            "its data are '48' bytes from '-1'; allowed: 48 bytes, which is what its shape",
        ),
        ("inside.bin", {"length": 1 << 60}, "its data are '1152921504606846976' bytes from '0'; allowed: 48 bytes"),
    ],
)
def test_external_data_elsewhere(folder: Path, location: str, entries: dict[str, int], message: str) -> None:
    path = write(folder / "m.onnx", external(location, **entries))
    assert refusal(path).startswith(f"tensor 'w': {message}")


def changed(change: Any, base: onnx.ModelProto | None = None) -> onnx.ModelProto:
    made = model(GEMM, GOOD) if base is None else base
    change(made)
    return made


def set_type(made: onnx.ModelProto) -> None:
    made.graph.initializer[0].data_type = 99


def set_dims(*dims: int) -> Any:
    def change(made: onnx.ModelProto) -> None:
        del made.graph.initializer[0].dims[:]
        made.graph.initializer[0].dims.extend(dims)

    return change


@pytest.mark.parametrize(
    ("made", "message"),
    [
        # Graphs.
        (model([], {}), "the graph has no nodes; allowed: an ONNX model"),
        (
            model([node("Add", "x h", "g"), node("Relu", "g", "h"), node("Gemm", "h w", "y")], {"w": W}),
            "node 2 of 3 'n_h' (Relu): reads what is made from it; allowed: graphs without cycles",
        ),
        (
            model([node("Add", "x y", "y")], {}),
            "node 1 of 1 'n_y' (Add): reads what is made from it; allowed: graphs without cycles",
        ),
        (model([node("Gemm", "x u", "y")], {}), "node 1 of 1 'n_y' (Gemm): reads 'u', which nothing makes; allowed:"),
        (
            model([*GEMM, node("Relu", "y", "y")], GOOD),
            "node 2 of 2 'n_y' (Relu): output 'y' exists already; allowed: each name once",
        ),
        (model(GEMM, GOOD, outputs="z"), "output 'z' is made by nothing; allowed: outputs of nodes"),
        (model(GEMM, GOOD, outputs="y w"), "output 'w' does not depend on the input; allowed: what does"),
        (
            model([*GEMM, node("Gemm", "x w", "z")], GOOD, outputs="y z"),
            "outputs 'y' and 'z' are of different layers; allowed: one output",
        ),
        (model([node("Relu", "x", "y")], {}), "no layer has weights; allowed: a Conv, Gemm or MatMul at least"),
        (
            model([node("Dropout", "x", "h mask"), node("Gemm", "mask w", "y")], {"w": W}),
            "node 2 of 2 'n_y' (Gemm): reads 'mask', which is not the first output of its node; allowed: first outputs",
        ),
        # The input.
        (
            model(GEMM, GOOD, shape=[1, "features"]),
            "input 'x': shape is [1, ?]; allowed: [batch, fixed lengths..], the",
        ),
        (model(GEMM, GOOD, shape=["N", None]), "input 'x': shape is [?, ?]; allowed: [batch, fixed lengths..], the"),
        (
            model(GEMM, GOOD, shape=["N", 0]),
            "input 'x': shape is [?, 0]; allowed: [batch, fixed lengths..], the batch",
        ),
        (
            model(GEMM, GOOD, shape=[4]),
            "input 'x': shape is [4]; allowed: [batch, fixed lengths..], the batch may be",
        ),
        (model(GEMM, GOOD, shape=["N", 1 << 40]), "input 'x': shape is [?, 1099511627776]; allowed: up to 1048576"),
        (
            model(GEMM, GOOD, kind=TensorProto.STRING),
            "input 'x': type of elements is number 8; allowed: real numbers,",
        ),
        (
            model(GEMM, GOOD, kind=TensorProto.INT64),
            "input 'x' has type int64; allowed: real numbers, and integers of 8 or 16 bits",
        ),
        (
            model(GEMM, GOOD, kind=TensorProto.INT4),
            "input 'x': type of elements is number 22; allowed: real numbers,",
        ),
        # Tensors.
        (changed(set_type), "tensor 'w': type of elements is number 99; allowed: float32, uint8, int8,"),
        (changed(set_dims(5, 3)), "tensor 'w': has 48 bytes; its shape [5, 3] needs 60"),
        (changed(set_dims(-4, -3)), "tensor 'w': shape is [-4, -3]; allowed: up to 8 lengths, none below 0"),
        (changed(set_dims(1 << 40, 1 << 40)), "tensor 'w': shape is [1099511627776, 1099511627776]; allowed: up to"),
        (
            model(GEMM, {**GOOD, "w": np.full((4, 3), np.nan)}),
            "node 1 of 1 'n_y' (Gemm): its matrix [0, 0] is nan; allowed: finite numbers",
        ),
        (
            model(GEMM, {**GOOD, "b": np.array([0, np.inf, 0])}),
            "node 1 of 1 'n_y' (Gemm): its bias [1] is inf; allowed: finite numbers",
        ),
        (
            model(GEMM, {**GOOD, "w": np.zeros((4, 0))}),
            "node 1 of 1 'n_y' (Gemm): its matrix is a matrix [0, 4] (to, from); allowed: [1.., 4], what it reads has",
        ),
        (
            model(GEMM, {**GOOD, "w": np.zeros((5, 3))}),
            "node 1 of 1 'n_y' (Gemm): its matrix is a matrix [3, 5] (to, from); allowed: [1.., 4], what it reads has",
        ),
        (
            model(GEMM, {**GOOD, "b": np.zeros(4)}),
            "node 1 of 1 'n_y' (Gemm): its bias has shape [4]; allowed: what broadcasts to [1, 3]",
        ),
        # Nodes.
        (
            model([node("ConvTranspose", "x w", "h"), *GEMM], GOOD),
            "node 1 of 2 'n_h' (ConvTranspose): operation ConvTranspose is not supported; allowed: Add, ArgMax, Ave",
        ),
        (
            model(
                [node("Gemm", "x w", "h"), node("Softmax", "h", "p"), node("MatMul", "p v", "y")], {"w": W, "v": W}
            ),
            "node 3 of 3 'n_y' (MatMul): reads what comes after",
        ),
        (model([node("MatMul", "w x", "y")], GOOD), "node 1 of 1 'n_y' (MatMul): its first input is a constant; al"),
        (
            model([node("Gemm", "x w", "y", transA=1)], GOOD),
            "node 1 of 1 'n_y' (Gemm): attribute transA is 1; allowed: 0",
        ),
        (model([node("Mul", "x x", "y")], {}), "node 1 of 1 'n_y' (Mul): Mul of two values that depend on the input"),
        (
            model([node("Reshape", "x s", "h"), node("Gemm", "h w", "y")], {"s": np.array([4, -1]), "w": W}),
            "node 1 of 2 'n_h' (Reshape): makes [4, 2] of [2, 4]; allowed: what keeps the batch as first axis",
        ),
        *(
            (
                model([node("Reshape", "x s", "h"), node("Gemm", "h w", "y")], {"s": shape, "w": W}),
                "node 1 of 2 'n_h' (Reshape): ",
            )
            for shape in (np.array(-1), np.array([], np.int64), np.array([[-1, 4]]), np.array([-1, -1, -1]))
        ),
        (
            model([node("Clip", "x a b", "h"), node("Gemm", "h w", "y")], {"a": 6.0, "b": 0.0, "w": W}),
            "node 1 of 2 'n_h' (Clip): clips to 6..0; allowed: min below max",
        ),
        (
            model([node("Clip", "x a", "h"), node("Gemm", "h w", "y")], {"a": np.arange(4.0), "w": W}),
            "node 1 of 2 'n_h' (Clip): min is float32 [4]; allowed: one number, or the same in all elements",
        ),
        (
            model([node("Clip", "x a", "h"), node("Gemm", "h w", "y")], {"a": np.array(np.inf), "w": W}),
            "node 1 of 2 'n_h' (Clip): min is inf; allowed: finite numbers",
        ),
        (
            model([node("Max", "x a", "h"), node("Gemm", "h w", "y")], {"a": np.array(np.nan), "w": W}),
            "node 1 of 2 'n_h' (Max): min is float32 []; allowed: one number, or the same in all elements",
        ),
        (
            model([node("Gemm", "x w", "h"), node("Max", "h x", "y")], {"w": np.eye(4)}),
            "node 2 of 2 'n_y' (Max): Max of two values that depend on the input; allowed: of one, and constants",
        ),
        (
            model([node("LeakyRelu", "x", "h"), node("Gemm", "h w", "y")], {"w": W}),
            "node 1 of 2 'n_h' (LeakyRelu): slope is 0.01; allowed: 0, which is Relu, and 1",
        ),
        (
            model([node("Transpose", "x", "h", perm=[1, 0]), node("Gemm", "h w", "y")], {"w": W}),
            "node 1 of 2 'n_h' (Transpose): makes [4, 2] of [2, 4]; allowed: what keeps the batch as first axis",
        ),
        (
            model([node("Dropout", "x r t", "h"), node("Gemm", "h w", "y")], {"r": 0.5, "t": np.array(True), "w": W}),
            "node 1 of 2 'n_h' (Dropout): input training_mode is 1; allowed: 0, a model exported for inference",
        ),
        (
            model([node("Relu", "x", "h", alpha=0.5), node("Gemm", "h w", "y")], {"w": W}),
            "node 1 of 2 'n_h' (Relu): attribute alpha is not known; allowed: none",
        ),
        (
            model([node("Quant", "x s z b", "h", domain="else.where"), node("Gemm", "h w", "y")], {"w": W, **ONES}),
            "node 1 of 2 'n_h' (Quant): operation Quant of domain else.where is not supported; allowed: Add, ArgMax, ",
        ),
        (model(GEMM, GOOD, opset=6), "operations are of version 6; allowed: 7 and later"),
        # Numbers that are none.
        *(
            (
                model([node("Gemm", "x w b", "y", **{name: value})], GOOD),
                f"node 1 of 1 'n_y' (Gemm): attribute {name} is {value}",
            )
            for name in ("alpha", "beta")
            for value in (float("nan"), float("inf"))
        ),
        (
            model([node("Add", "x a", "y")], {"a": float("nan")}),
            "node 1 of 1 'n_y' (Add): its constant is nan; allowed:",
        ),
        (
            model(GEMM, GOOD | {"b": float("nan")}),
            "node 1 of 1 'n_y' (Gemm): its bias is nan; allowed: finite numbers",
        ),
        (
            model([node("Quant", "x s z b", "y")], ONES | {"s": float("inf")}),
            "node 1 of 1 'n_y' (Quant): its scale is inf; allowed: finite numbers",
        ),
        (
            model([node("Quant", "x s z b", "y")], ONES | {"z": float("nan")}),
            "node 1 of 1 'n_y' (Quant): its zero point is nan; allowed: finite numbers",
        ),
        (
            model([node("QuantizeLinear", "x s z", "y", output_dtype=3)], {"s": 1.0, "z": np.array(0, np.uint8)}),
            "node 1 of 1 'n_y' (QuantizeLinear): output_dtype is 3, and the zero point has type 2; allowed: the same",
        ),
        (
            model([node("QuantizeLinear", "x s", "y", output_dtype=17)], {"s": 1.0}),
            "node 1 of 1 'n_y' (QuantizeLinear): output_dtype is 17; allowed: 2, 3, 4, 5, 21, 22, 25, 26, integers of",
        ),
        # Constants that are no tensors, or no finite ones.
        (
            model([node("Constant", "", "k", value_string=b"a"), node("Add", "x k", "y")], {}),
            "node 1 of 2 'n_k' (Constant): has no value; allowed: a tensor or numbers",
        ),
        (
            model([node("Constant", "", "k", value_strings=[b"a"]), node("Add", "x k", "y")], {}),
            "node 1 of 2 'n_k' (Constant): has no value; allowed: a tensor or numbers",
        ),
        (
            model([node("Constant", "", "k"), node("Add", "x k", "y")], {}),
            "node 1 of 2 'n_k' (Constant): has no value; allowed: a tensor or numbers",
        ),
        (
            model([node("Constant", "", "k", value_float=float("nan")), node("Add", "x k", "y")], {}),
            "node 2 of 2 'n_y' (Add): its constant is nan; allowed: finite numbers",
        ),
        (
            model([node("Div", "a b", "c"), node("Add", "x c", "y")], {"a": 1.0, "b": 0.0}),
            "node 2 of 2 'n_y' (Add): its constant is inf; allowed: finite numbers",
        ),
        (
            model([node("Sqrt", "a", "c"), node("Add", "x c", "y")], {"a": -1.0}),
            "node 2 of 2 'n_y' (Add): its constant is nan; allowed: finite numbers",
        ),
        (
            model([node("Reshape", "a s", "c"), node("Add", "x c", "y")], {"a": np.ones(4), "s": np.array([3])}),
            "node 1 of 2 'n_c' (Reshape): cannot be computed: cannot reshape array of size 4 into shape (3,)",
        ),
        (
            model(
                [node("Reshape", "a s", "c", axis=1), node("Add", "x c", "y")], {"a": np.ones(4), "s": np.array([4])}
            ),
            "node 1 of 2 'n_c' (Reshape): cannot be computed: ",
        ),
        (
            model([node("Cast", "a", "c", to=8), node("Add", "x c", "y")], {"a": 1.0}),
            "node 1 of 2 'n_c' (Cast): casts a constant to type 8; allowed: 1, 11, 6, 7, 10, 16",
        ),
        (
            model([node("Gather", "a i", "c"), node("Add", "x c", "y")], {"a": np.ones(4), "i": np.array(4)}),
            "node 1 of 2 'n_c' (Gather): cannot be computed: index 4 is out of bounds for axis 0 with size 4",
        ),
        (
            model([node("Add", "a s", "c"), node("Add", "x c", "y")], {"a": np.ones(4), "s": np.array([4])}),
            "node 1 of 2 'n_c' (Add): cannot be computed: Input type mismatch: float32 != int64",
        ),
        (
            model([node("BatchNormalization", "x a a a b", "y")], {"a": np.ones(4), "b": -np.ones(4)}),
            "node 1 of 1 'n_y' (BatchNormalization): variance plus epsilon is not above 0 everywhere; allowed: what a",
        ),
        (
            model([node("Quant", "x s z b", "y", rounding_mode="RND")], {"s": 1.0, "z": 0.0, "b": 8.0}),
            "node 1 of 1 'n_y' (Quant): rounding mode is 'RND'; allowed: ROUND, FLOOR, CEIL, UP, DOWN, HALF_UP,",
        ),
        (
            model([node("Quant", "x s z b", "y")], {"s": 0.0, "z": 0.0, "b": 8.0}),
            "node 1 of 1 'n_y' (Quant): scale is 0; allowed: above 0",
        ),
        (
            model([node("Quant", "x s z b", "y")], {"s": 1.0, "z": 0.0, "b": 0.0}),
            "node 1 of 1 'n_y' (Quant): bit width is 0; allowed: integers 1..32",
        ),
        (
            model([node("Quant", "x s z b", "h"), node("Gemm", "h w", "y")], {"s": 1.0, "z": 0.0, "b": 32.0, "w": W}),
            "node 1 of 2 'n_h' (Quant): codes are -2147483648..2147483647; allowed: up to 16 bits",
        ),
        (
            model([node("Quant", "x s z b", "h"), node("Gemm", "h w", "y")], {"s": 1.0, "z": 0.0, "b": 17.0, "w": W}),
            "node 1 of 2 'n_h' (Quant): codes are -65536..65535; allowed: up to 16 bits",
        ),
    ],
)
def test_wrong_graphs(made: onnx.ModelProto, message: str, tmp_path: Path) -> None:
    assert refusal(write(tmp_path / "m.onnx", made)).startswith(message)


def test_constants_do_not_grow_without_bounds(tmp_path: Path) -> None:
    """Each node doubles: refused before there is memory for it."""
    nodes = [node("Concat", f"c{i} c{i}", f"c{i + 1}", axis=0) for i in range(40)]
    text = refusal(write(tmp_path / "m.onnx", model([*nodes, node("Add", "x c40", "y")], {"c0": np.ones(1 << 10)})))
    assert text.startswith(
        "node 15 of 41 'n_c15' (Concat): makes a constant of shape [33554432], with those before 67108864 elements;"
        " allowed: up to 16777216, and 67108864 together"
    )
    nodes = [node("Mul", "a b", "c"), node("Add", "x c", "y")]
    made = model(nodes, {"a": np.ones((1 << 15, 1)), "b": np.ones(1 << 15)})
    text = refusal(write(tmp_path / "m.onnx", made))
    assert text.startswith(
        "node 1 of 2 'n_c' (Mul): makes a constant of shape [32768, 32768], with those before 1073741824 elements; allowed"
    )


def test_constants_do_not_take_time_without_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tens of thousands of single numbers."""
    nodes = [node("Neg", f"c{i}", f"c{i + 1}") for i in range(40)]
    made = model([*nodes, node("Add", "x c40", "y"), node("Gemm", "y w", "z")], {"c0": 1.0, "w": W}, outputs="z")
    assert not importers.lower(importers.read(write(tmp_path / "m.onnx", made))).integer
    monkeypatch.setattr(lowering, "_MAX_CONSTANTS", 10 << 12)
    text = refusal(write(tmp_path / "m.onnx", made))
    assert text.startswith(
        "node 11 of 42 'n_c11' (Neg): makes a constant of shape [], with those before 45056 elements;"
    )


def test_values_do_not_grow_without_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [node("Add", f"h{i} b", f"h{i + 1}") for i in range(40)]
    made = model(
        [node("Relu", "x", "h0"), *nodes, node("Gemm", "h40 w", "y")], {"b": np.ones(1), "w": np.ones((1, 4))}
    )
    monkeypatch.setattr(lowering, "_MAX_VALUES", 100)
    text = refusal(write(tmp_path / "m.onnx", made))
    assert text == "node 13 of 42 'n_h12' (Add): the values up to here have 104 elements; allowed: up to 100"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the graph has no nodes; allowed: an ONNX model"),
        (b"\x08", "damaged, or no ONNX model; allowed: what onnx.save writes"),
        (b"PK\3\4 not this", "damaged, or no ONNX model; allowed: what onnx.save writes"),
    ],
)
def test_no_onnx(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    assert refusal(tmp_path / "m.onnx") == message


@pytest.mark.parametrize("name", [b"n_y", b"Gemm", b"w", b"outside.bin"])
def test_names_that_are_no_text(name: bytes, tmp_path: Path) -> None:
    content = external("outside.bin").SerializeToString()
    assert name in content
    (tmp_path / "m.onnx").write_bytes(content.replace(name, b"\xff" * len(name)))
    text = refusal(tmp_path / "m.onnx")
    assert text.endswith("no UTF-8; allowed: what onnx.save writes")


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(tmp_path / "no.onnx") == "cannot be read: No such file or directory"
    (tmp_path / "a.onnx").mkdir()
    assert refusal(tmp_path / "a.onnx") == "not a regular file"
    (tmp_path / "m.h5").write_bytes(b"")
    assert refusal(tmp_path / "m.h5") == (
        "suffix is '.h5'; allowed: .onnx (ONNX, QONNX), .json (a state_dict in safetensors), and to import .tflite"
    )
    path = write(tmp_path / "m.onnx", model(GEMM, GOOD))
    monkeypatch.setattr(onnx_file, "MAX_BYTES", 100)
    assert refusal(path) == f"file has {path.stat().st_size} bytes; allowed: up to 100"


SMALL = model(
    [
        node("Quant", "x s z b", "q"),
        node("Quant", "w s z b", "v"),
        node("Gemm", "q v c", "g"),
        node("Relu", "g", "r"),
        node("Quant", "r s z b", "h", signed=0),
        node("MatMul", "h u", "y"),
    ],
    {"s": 0.5, "z": 0.0, "b": 4.0, "w": W - 6, "c": np.ones(3), "u": np.ones((3, 2))},
).SerializeToString()


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_damaged_files(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Cut, flipped and overwritten: a network or one line."""
    content = bytearray(SMALL)
    for _ in range(data.draw(st.integers(1, 6))):
        index = data.draw(st.integers(0, len(content) - 1))
        content[index] = data.draw(st.one_of(st.just(content[index] ^ 1 << (index % 8)), st.integers(0, 255)))
    cut = data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))
    path = tmp_path_factory.mktemp("damaged") / "m.onnx"
    path.write_bytes(content[:cut])
    text = ""
    try:
        lowered = importers.lower(importers.read(path))
        importers.float_network(lowered)
        if lowered.integer:
            importers.integer_network(lowered, InputFormat(width=lowered.width, bits=4, signed=True, scale=0.5))
    except InputError as error:
        text = str(error)
    assert "\n" not in text
    assert text.isascii()


DESCRIPTION = json.loads((FILES / "state.json").read_text())


def described(tmp_path: Path, description: object) -> Path:
    shutil.copy(FILES / "state.safetensors", tmp_path)
    path = tmp_path / "state.json"
    path.write_text(description if isinstance(description, str) else json.dumps(description))
    return path


def with_layer(**layer: object) -> dict[str, Any]:
    return DESCRIPTION | {"layers": [layer, *DESCRIPTION["layers"][1:]]}


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ("{", "cannot be read as JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ([], "description is []; allowed: an object with format, name, tensors, input, layers"),
        (DESCRIPTION | {"format": "x"}, "format is 'x'; allowed: hdlgen.import"),
        (
            DESCRIPTION | {"tensors": "../state.safetensors"},
            "tensors is '../state.safetensors'; allowed: the name of a",
        ),
        (DESCRIPTION | {"tensors": ".."}, "tensors is '..'; allowed: the name of a"),
        (DESCRIPTION | {"input": 0}, "input is 0; allowed: integers 1..1048576"),
        (DESCRIPTION | {"layers": []}, "layers is []; allowed: a list of 1..1024 layers"),
        (DESCRIPTION | {"layers": [3]}, "layer 1: layer is 3; allowed: an object with kind"),
        (with_layer(kind="dropout"), "layer 1: layer kind is 'dropout'; allowed: linear, conv, max_pool, mean, fl"),
        (with_layer(kind="linear"), "layer 1: layer has no 'weight'; required: kind, weight"),
        (
            with_layer(kind="linear", weight="1.w"),
            "layer 1: weight is '1.w'; allowed: names of tensors: 1.bias, 1.weight,",
        ),
        (with_layer(kind="linear", weight=[]), "layer 1: weight is []; allowed: names of tensors: "),
        (
            with_layer(kind="linear", weight="1.bias"),
            "layer 1: weight '1.bias' is F32 [32]; allowed: real numbers (F16, BF16, F32, F64) with 2 dimension(s), at",
        ),
        (
            with_layer(kind="linear", weight="6.weight"),
            "layer 1 (linear): its matrix is a matrix [10, 16] (to, from);",
        ),
        (with_layer(kind="relu", source=1), "layer 1: source is 1; allowed: integers 0..0"),
        (with_layer(kind="batch_norm", prefix="7"), "layer 1: weight is '7.weight'; allowed: names of tensors: "),
        (
            with_layer(kind="batch_norm", prefix="2", epsilon=0),
            "layer 1: epsilon is 0; allowed: numbers between 0 and 1;",
        ),
        (with_layer(kind="batch_norm", prefix="2"), "layer 1 (batch_norm): scale has shape [32]; allowed: [196]"),
        (
            with_layer(kind="linear", weight="1.weight", mask="4.weight"),
            "layer 1: mask is [16, 32]; allowed: the shape of the weight, [32, 196]",
        ),
    ],
)
def test_wrong_descriptions(description: object, message: str, tmp_path: Path) -> None:
    assert refusal(described(tmp_path, description)).startswith(message)


def safetensors_file(path: Path, tensors: dict[str, tuple[str, list[int], bytes]]) -> None:
    """Of any types."""
    header, body = {}, b""
    for name, (kind, shape, data) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)


def test_names_of_tensors_are_shown_as_they_are(tmp_path: Path) -> None:
    """Whatever stands in the file: nothing that a terminal obeys."""
    tensors = {"\x1b[0m": ("F32", [1], b"1234"), "w" * 100: ("F32", [1], b"1234")}
    safetensors_file(tmp_path / "state.safetensors", tensors)
    path = tmp_path / "state.json"
    path.write_text(json.dumps(with_layer(kind="linear", weight="1.w")))
    assert refusal(path) == f"layer 1: weight is '1.w'; allowed: names of tensors: \\x1b[0m, {'w' * 60}"


def test_types_of_tensors(tmp_path: Path) -> None:
    """bfloat16 is the upper half of single precision; of tensors that are not used the type does not matter."""
    real = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    upper = (real.view(np.uint32) >> 16).astype(np.uint16)
    others = {"a": ("F8_E4M3", [2], b"ab"), "b": ("I64", [1], b"12345678")}
    weight = {"w": ("BF16", [3, 4], upper.tobytes())}
    safetensors_file(tmp_path / "state.safetensors", weight | others)
    base = {"format": "hdlgen.import", "name": "s", "tensors": "state.safetensors", "input": 4}
    path = tmp_path / "state.json"
    path.write_text(json.dumps(base | {"layers": [{"kind": "linear", "weight": "w"}]}))
    network = importers.float_network(importers.lower(importers.read(path)))
    assert np.array_equal(network.layers[0].weight, (upper.astype(np.uint32) << 16).view(np.float32))
    assert np.abs(network.layers[0].weight - real).max() < 2**-7
    path.write_text(json.dumps(base | {"layers": [{"kind": "linear", "weight": "w", "bias": "a"}]}))
    assert refusal(path) == (
        "layer 1: bias 'a' is F8_E4M3 [2]; allowed: real numbers (F16, BF16, F32, F64) with 1 dimension(s), at least one"
    )


@pytest.mark.parametrize(
    "text", ["1e999999999", "1/1e-999999999", "nan", "inf", "1e400", "9" * 50, "1/2/3", "1/0", "", "0x10"]
)
def test_numbers_of_options(text: str) -> None:
    with pytest.raises(InputError) as caught:
        importers.number(text, "--input-scale")
    assert str(caught.value) == (f"--input-scale is {text[:40]!a}; allowed: a number, or a fraction such as 1/255")
    assert importers.number(" 1 / 255", "--input-scale") == 1 / 255
    assert importers.number("-2.5e-3", "--input-scale") == -0.0025


def test_wrong_tensors(tmp_path: Path) -> None:
    path = described(tmp_path, DESCRIPTION)
    content = (FILES / "state.safetensors").read_bytes()
    (tmp_path / "state.safetensors").write_bytes(content[:-5])
    with pytest.raises(InputError, match=r"state\.safetensors: no valid safetensors file: "):
        importers.read(path)
    (tmp_path / "state.safetensors").unlink()
    with pytest.raises(InputError, match=r"state\.safetensors: cannot be read: No such file"):
        importers.read(path)
    with pytest.raises(InputError, match=r"\\xe8\.safetensors: cannot be read: No such file"):
        importers.read(described(tmp_path, DESCRIPTION | {"tensors": "\xe8.safetensors"}))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["torch-mlp.onnx"], "node 10 of 13 'node_relu' (Relu): weights are real numbers; required: --bits with"),
        (["torch-mlp.onnx", "--bits", "8"], "nothing says what its inputs are like; required: --calibration X.npy"),
        (["torch-mlp.onnx", "--bits", "17", "--input-range", "0,1"], "quantize: bits is 17; allowed: 1..16"),
        (["torch-mlp.onnx", "--bits", "8", "--input-range", "1,0"], "--input-range is '1,0'; allowed: LOW,HIGH with"),
        (["torch-mlp.onnx", "--bits", "8", "--input-range", "a,b"], "--input-range is 'a'; allowed: a number, or a"),
        (
            ["torch-mlp.onnx", "--bits", "8", "--calibration", "bytes.npy"],
            "bytes.npy: holds integers, which mean nothing",
        ),
        (
            ["torch-mlp.onnx", "--bits", "8", "--calibration", "wide.npy"],
            "wide.npy: shape is [3, 8]; allowed: [1.., 196]",
        ),
        (
            ["torch-mlp.onnx", "--bits", "8", "--calibration", "nan.npy"],
            "nan.npy: element [0, 0] is nan; allowed: finite",
        ),
        (["torch-mlp.onnx", "--bits", "8", "--calibration", "no.npy"], "no.npy: cannot be read: No such file"),
        (
            ["torch-mlp.onnx", "--input-scale", "1/0"],
            "--input-scale is '1/0'; allowed: a number, or a fraction such as",
        ),
        (["torch-mlp.onnx", "--input-scale", "-1"], "--input-scale is -1; allowed: above 0"),
        (
            ["torch-mlp.onnx", "--input-offset", "1"],
            "--input-offset, --input-signed: of use with --input-scale only;",
        ),
        (["torch-mlp.onnx", "--input-bits", "0"], "--input-bits is 0; allowed: 1..16"),
        (["torch-mlp.onnx", "--name", "a b"], "name is 'a b'; allowed: 1 to 64 of the characters"),
        (["qonnx-fixed.onnx", "--calibration", "wide.npy"], "--calibration: "),
        (["qonnx-fixed.onnx", "--input-range", "0,1"], "--input-range: "),
        (["qonnx-fixed.onnx", "--input-scale", "1"], "--input-scale: "),
        (["qonnx-fixed.onnx", "--check", "wide.npy"], "wide.npy: shape is [3, 8]; allowed: [1.., 196]"),
        (
            ["qonnx-fixed.onnx", "--check", "large.npy"],
            "large.npy: an element is 256; allowed: 0..255, the integers of",
        ),
    ],
)
def test_verb(
    words: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("bytes.npy", np.zeros((3, 196), np.uint8))
    np.save("wide.npy", np.zeros((3, 8)))
    np.save("large.npy", np.full((3, 196), 256))
    np.save("nan.npy", np.full((3, 196), np.nan))
    with pytest.raises(SystemExit) as caught:
        main(["import", str(FILES / words[0]), *words[1:], "-o", "out.safetensors"])
    assert caught.value.code == 2
    text = capsys.readouterr().err.removeprefix("hdlgen: ").removeprefix(f"{FILES / words[0]}: ")
    assert text.startswith(message)
    assert text.count("\n") == 1
    assert not (tmp_path / "out.safetensors").exists()
