"""Convolutions, pools and sums of tensors in ONNX, with onnxruntime and PyTorch as judges."""

import itertools
import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from hdlgen import golden, importers
from hdlgen.cli import main
from hdlgen.errors import InputError
from hdlgen.network import load
from hdlgen.quantize.layered import QuantizeRecipe, choose_input, quantize_network

from .models import FILES, model, node, plain, quant, run_plain, write

RNG = np.random.default_rng(0)
K = {f"k{kernel}": RNG.normal(size=(6, 3, kernel, kernel)) for kernel in (1, 2, 3, 5)}
K |= {"b": RNG.normal(size=6), "d": RNG.normal(size=(6, 1, 3, 3)), "l": RNG.normal(size=(6, 3, 3))}
K |= {"c": RNG.normal(size=(4, 6, 3, 3)), "e": RNG.normal(size=(6, 2, 3, 3)), "q": RNG.normal(size=(6, 6, 3, 3))}
K |= {name: RNG.uniform(0.5, 2, 3) for name in ("g", "o", "m", "v")}
K |= {f"{name}6": RNG.uniform(0.5, 2, 6) for name in ("g", "o", "m", "v")}
K |= {
    "w": RNG.normal(size=(96, 5)),
    "f": np.array([0, -1]),
    "two": np.array([2, 3]),
    "s": np.array([[[1.0]], [[-2.0]], [[0.5]]]),
}
K |= {"p": np.array([0, 0, 1, 2, 0, 0, 2, 1]), "p2": np.array([1, 2, 2, 1])}


def ordered(lowered: Any, x: np.ndarray) -> np.ndarray:
    """Inputs of the file as the network has them."""
    return x.reshape(len(x), -1)[:, np.argsort(lowered.order)].astype(np.float64)


def same(path: Path, made: onnx.ModelProto, shape: Sequence[int], *, sampled: bool = False) -> Any:
    """The imported network computes what onnxruntime does, so does the reference; and integers are near to it."""
    write(path, made)
    x = np.random.default_rng(2).normal(size=(5, *shape)).astype(np.float32)
    wanted = run_plain(path, x).reshape(5, -1)
    graph = importers.read(path)
    lowered = importers.lower(graph)
    real, given = importers.float_network(lowered), ordered(lowered, x)
    wanted = wanted[:, np.argsort(lowered.outputs)]
    largest = np.abs(wanted).max()
    assert np.abs(real.evaluate(given) - wanted).max() < 1e-5 * largest
    assert np.abs(importers.Reference(path, graph, lowered).run(given)[0] - wanted).max() < 1e-5 * largest
    source = choose_input(given, 12, lowered.width, lowered.shape)
    recipe = QuantizeRecipe(bits=12, activation_bits=12, requantise="multiplier")
    for samples in (given,) if sampled else (given, None):
        integers = quantize_network(real, recipe, source, samples)
        network = integers.network
        y = golden.evaluate(network, network.input.quantise(given)) * integers.output_scale
        assert np.abs(y - wanted).max() < (0.02 if samples is not None else 0.2) * largest
    return real


def conv(inputs: str, output: str = "y", **attributes: Any) -> onnx.NodeProto:
    return node("Conv", inputs, output, **attributes)


GRAPHS = {
    "one pixel": [conv("x k1")],
    "a bias": [conv("x k3 b")],
    "pads": [conv("x k3 b", pads=[1, 2, 2, 0], kernel_shape=[3, 3])],
    "strides": [conv("x k3", strides=[2, 3], pads=[1, 1, 1, 1])],
    "an even kernel": [conv("x k2 b", strides=[2, 2])],
    "SAME_UPPER": [conv("x k2 b", auto_pad="SAME_UPPER"), conv("y q", "z", strides=[2, 3], auto_pad="SAME_UPPER")],
    "SAME_LOWER": [conv("x k2 b", auto_pad="SAME_LOWER"), conv("y q", "z", strides=[2, 3], auto_pad="SAME_LOWER")],
    "VALID": [conv("x k5", auto_pad="VALID", strides=[2, 1])],
    "depthwise, twice as many": [conv("x d b", group=3, pads=[1, 1, 1, 1])],
    "groups": [conv("x k3", "h"), conv("h e b", group=3, strides=[1, 2])],
    "two without activation": [conv("x k3 b", "h", pads=[1, 1, 1, 1]), conv("h c", pads=[1, 1, 1, 1])],
    "Relu": [conv("x k3 b", "h"), node("Relu", "h", "r"), conv("r c")],
    "HardSigmoid": [conv("x k3 b", "h"), node("HardSigmoid", "h", "r", alpha=0.25), conv("r c", pads=[0, 0, 1, 1])],
    "gains before": [node("Mul", "x s", "h"), conv("h k3")],
    "gains before pads": [node("Mul", "x s", "h"), conv("h k3", pads=[1, 1, 1, 1])],
    "offsets before pads": [node("BatchNormalization", "x g o m v", "h"), conv("h k3", pads=[1, 1, 1, 1])],
    "one offset before pads": [node("Add", "x half", "h"), conv("h k3", pads=[1, 1, 1, 1])],
    "batch normalisation": [
        conv("x k3 b", "h"),
        node("BatchNormalization", "h g6 o6 m6 v6", "i"),
        node("Relu", "i", "y"),
    ],
    "Pad": [node("Pad", "x p", "h"), conv("h k5 b")],
    "Pad of two axes": [node("Pad", "x p2 zero two", "h"), conv("h k5 b", pads=[0, 0, 1, 1])],
    "Pad before an average": [
        node("Pad", "x p", "h"),
        node("AveragePool", "h", "i", kernel_shape=[4, 4]),
        conv("i k1"),
    ],
    "the greatest": [conv("x k3", "h"), node("MaxPool", "h", "r", kernel_shape=[2, 2], strides=[2, 2]), conv("r c")],
    "the greatest at the edge": [
        conv("x k3", "h"),
        node("MaxPool", "h", "r", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        conv("r c"),
    ],
    "the greatest of one input": [
        node("MaxPool", "x", "h", kernel_shape=[2, 3], auto_pad="SAME_UPPER"),
        conv("h k3"),
    ],
    "the greatest, of a ceiling": [
        conv("x k3", "h"),
        node("MaxPool", "h", "y", kernel_shape=[2, 2], strides=[3, 3], ceil_mode=1),
        conv("y q", "z", pads=[1, 1, 1, 1]),
    ],
    "the greatest before Relu": [
        conv("x k3", "h"),
        node("MaxPool", "h", "i", kernel_shape=[2, 2], strides=[2, 2]),
        node("Relu", "i", "y"),
    ],
    "twice the greatest": [
        node("MaxPool", "x", "h", kernel_shape=[2, 2]),
        node("MaxPool", "h", "i", kernel_shape=[2, 2]),
        node("Neg", "i", "j"),
        node("MaxPool", "j", "k", kernel_shape=[2, 1]),
        conv("k k1"),
    ],
    "means": [conv("x k3", "h"), node("AveragePool", "h", "y", kernel_shape=[2, 3], strides=[2, 2])],
    "means with the zeros": [
        conv("x k3", "h"),
        node("AveragePool", "h", "i", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1),
        node("Relu", "i", "y"),
    ],
    "the mean of all": [conv("x k3", "h"), node("Relu", "h", "r"), node("GlobalAveragePool", "r", "y")],
    "the mean of the input": [node("GlobalAveragePool", "x", "h"), conv("h k1")],
    "the greatest of all": [conv("x k3", "h"), node("GlobalMaxPool", "h", "i"), node("Flatten", "i", "y")],
    "ReduceMean": [conv("x k3", "h"), node("ReduceMean", "h", "y", axes=[-1, 2], keepdims=0)],
    "ReduceMax": [conv("x k3", "h"), node("ReduceMax", "h", "y", axes=[2, 3])],
    "channels last": [
        node("Transpose", "x", "t", perm=[0, 2, 3, 1]),
        node("Relu", "t", "r"),
        node("Transpose", "r", "u", perm=[0, 3, 1, 2]),
        conv("u k3 b", "h"),
        node("Transpose", "h", "i", perm=[0, 2, 3, 1]),
        node("ReduceMean", "i", "y", axes=[1, 2], keepdims=0),
    ],
    "a layer behind Flatten": [conv("x k5", "h"), node("Flatten", "h", "i"), node("Gemm", "i w", "y")],
    "a layer behind Reshape": [conv("x k5", "h"), node("Reshape", "h f", "i"), node("MatMul", "i w", "y")],
    "channels last before Flatten": [
        conv("x k5", "h"),
        node("Transpose", "h", "t", perm=[0, 2, 3, 1]),
        node("Flatten", "t", "i"),
        node("Gemm", "i w", "y"),
    ],
    "a sum": [
        conv("x k3 b", "h"),
        node("Relu", "h", "r"),
        conv("r q b", "i", pads=[1, 1, 1, 1]),
        node("Add", "i r", "y"),
    ],
    "a sum of the input": [conv("x t3", "h", pads=[1, 1, 1, 1]), node("Add", "x h", "i"), node("Relu", "i", "y")],
    "sums of many": [
        conv("x k3 b", "h"),
        conv("x k3 g6", "i"),
        node("Relu", "h", "r"),
        node("Sum", "h i r", "j"),
        node("Sub", "j i", "y"),
    ],
    "a sum with gains": [
        conv("x k3 b", "h"),
        node("Relu", "h", "r"),
        node("Mul", "r s6", "i"),
        node("Add", "i h", "y"),
    ],
}
K |= {
    "zero": np.array(0.0),
    "half": np.array(0.5),
    "t3": RNG.normal(size=(3, 3, 3, 3)),
    "s6": RNG.normal(size=(6, 1, 1)),
}


@pytest.mark.parametrize("nodes", GRAPHS.values(), ids=GRAPHS)
def test_graphs(nodes: list[onnx.NodeProto], tmp_path: Path) -> None:
    used = {name: K[name] for each in nodes for name in each.input if name in K}
    made = model(nodes, used, shape=["N", 3, 8, 8], outputs=nodes[-1].output[0], opset=18 if "two" in used else 17)
    same(tmp_path / "m.onnx", made, (3, 8, 8))


# Files of integers.


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[onnx.NodeProto], dict[str, Any], np.ndarray]:
    """Convolutions with quantisers of all kinds, sums, pools and a layer behind, in QONNX or with QuantizeLinear."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    linear, powers = draw(st.booleans()), draw(st.booleans())
    tensors: dict[str, Any] = {}
    nodes: list[onnx.NodeProto] = []
    fresh = (f"v{number}" for number in itertools.count())

    def constant(value: Any) -> str:
        tensors[f"c{len(tensors)}"] = np.asarray(value)
        return f"c{len(tensors) - 1}"

    def add(op: str, inputs: str, **attributes: Any) -> str:
        nodes.append(node(op, inputs, next(fresh), **attributes))
        return nodes[-1].output[0]

    def scale(size: float, *shape: int) -> np.ndarray:
        return (
            (2.0 ** np.round(np.log2(size)) if powers else size)
            * np.ones(shape)
            * (2.0 ** rng.integers(-1, 2, shape))
        )

    def quantised(name: str, size: float, relu: bool = False) -> str:
        """Values about as large as ``size``."""
        if linear:
            zero = rng.integers(0 if relu else 90, 140) * (not relu)
            ends = constant(scale(size / 100)), constant(np.array(zero, np.uint8))
            return add("DequantizeLinear", " ".join([add("QuantizeLinear", " ".join([name, *ends])), *ends]))
        bits = draw(st.integers(3, 8))
        zero = draw(st.sampled_from([0.0, 0.0, 2.0]))
        given = " ".join([name, *map(constant, (scale(size * 2.0 ** (2 - bits)), zero, float(bits)))])
        nodes.append(quant(given, next(fresh), signed=int(not relu)))
        return nodes[-1].output[0]

    def weights(*shape: int) -> str:
        """Rows with a variance as what they read has it."""
        size = 2 / np.sqrt(np.prod(shape[1:]))
        rows = (shape[0], *[1] * (len(shape) - 1)) if draw(st.booleans()) else ()
        if linear:
            codes = np.clip(np.rint(rng.normal(size=shape) * 40), -127, 127).astype(np.int8)
            name = constant(scale(size / 40, *([shape[0]] if rows else [])))
            return add("DequantizeLinear", f"{constant(codes)} {name}", axis=0)
        bits = draw(st.integers(2, 6))
        given = map(
            constant, (rng.normal(size=shape) * size, scale(size * 2.0 ** (2 - bits), *rows), 0.0, float(bits))
        )
        nodes.append(quant(" ".join(given), next(fresh), narrow=1))
        return nodes[-1].output[0]

    channels, height, width = (int(rng.integers(1, top)) for top in (4, 8, 8))
    x = rng.normal(size=(6, channels, height + 2, width + 2))
    current = quantised("x", 2.0)
    shape = [channels, height + 2, width + 2]
    for _ in range(draw(st.integers(1, 4))):
        channels, height, width = shape
        if draw(st.integers(0, 3)) == 0:  # a sum
            branches = []
            for _ in range(2):
                made = add("Conv", f"{current} {weights(channels, channels, 3, 3)}", pads=[1, 1, 1, 1])
                branches.append(quantised(made, 2.0))
            current = quantised(add("Relu", add("Add", " ".join(branches))), 2.0, relu=True)
            continue
        kernel = [int(rng.integers(1, min(4, length + 1))) for length in (height, width)]
        strides = [int(entry) for entry in rng.integers(1, 3, 2)]
        pads = [int(rng.integers(0, kernel[axis % 2])) for axis in range(4)]
        groups = draw(st.sampled_from([1, 1, channels]))
        count = channels * int(rng.integers(1, 3)) if groups > 1 else int(rng.integers(1, 6))
        given = f"{current} {weights(count, channels // groups, *kernel)}"
        given += f" {constant(rng.normal(size=count) * 0.3)}" if draw(st.booleans()) else ""
        current = add("Conv", given, kernel_shape=kernel, strides=strides, pads=pads, group=groups)
        shape = [count, *((shape[1 + a] + pads[a] + pads[2 + a] - kernel[a]) // strides[a] + 1 for a in (0, 1))]
        if draw(st.integers(0, 2)) == 0:
            numbers = *rng.normal(size=(3, count)), rng.uniform(0.5, 2, count)
            current = add("BatchNormalization", " ".join([current, *map(constant, numbers)]))
        relu, first = draw(st.booleans()), draw(st.booleans())
        current = add("Relu", current) if relu else current
        pool = min(shape[1:]) > 1 and draw(st.booleans())
        current = current if pool and first else quantised(current, 2.0, relu)
        if pool:
            current = add("MaxPool", current, kernel_shape=[2, 2], strides=[2, 2])
            current = quantised(current, 2.0, relu) if first else current
            shape[1:] = [length // 2 for length in shape[1:]]
    if draw(st.booleans()):
        current, shape = quantised(add("GlobalAveragePool", current), 1.0), [shape[0], 1, 1]
    current = add("Flatten", current)
    nodes.append(node("Gemm", f"{current} {weights(3, int(np.prod(shape)))}", "y", transB=1))
    return nodes, tensors, np.rint(x * 64) / 64 if powers else x.astype(np.float32).astype(np.float64)


@settings(max_examples=60, deadline=None)
@given(networks())
def test_integers(tmp_path_factory: pytest.TempPathFactory, network: Any) -> None:
    """What is said to be equal is; the rest is near, by plain evaluation of the nodes."""
    nodes, tensors, x = network
    path = write(tmp_path_factory.mktemp("t") / "m.onnx", model(nodes, tensors, shape=["N", *x.shape[1:]]))
    graph = importers.read(path)
    lowered = importers.lower(graph)
    made = importers.integer_network(lowered)
    given = ordered(lowered, x)
    y = golden.evaluate(made.network, made.network.input.quantise(given)) * float(made.output_scale)
    wanted = plain(nodes, tensors, x)
    largest = np.abs(wanted).max()
    reference = importers.Reference(path, graph, lowered)
    assert np.abs(reference.run(given)[0] - wanted).max() <= 1e-6 * largest
    if made.exact:
        assert np.abs(y - wanted).max() <= 1e-6 * largest
        assert importers.compare(made.network, reference, given).equal == len(x)
    else:
        assert any(
            "elsewhere" in note or "biases of the outputs" in note or "other side" in note for note in made.notes
        )
        assert np.abs(y - wanted).max() <= 0.3 * largest


# Networks of PyTorch.


class Residual(nn.Module):
    """Batch normalisation, a block with a sum of what it reads, and one with a convolution of one pixel beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.second, self.third = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.down, self.beside = nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.Conv2d(8, 16, 1, stride=2)
        self.last = nn.Linear(16, 10)
        with torch.no_grad():
            self.norm.running_mean.normal_()
            self.norm.running_var.uniform_(0.5, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.norm(self.first(x)))
        x = functional.relu(x + self.third(functional.relu(self.second(x))))
        x = functional.relu(self.down(x) + self.beside(x))
        return self.last(x.mean((2, 3)))


def lenet() -> nn.Module:
    first = nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.AvgPool2d(2)
    layers = nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)
    return nn.Sequential(*first, nn.Flatten(), *layers)


def separable() -> nn.Module:
    parts: list[nn.Module] = [nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.ReLU6()]
    for before, after in ((8, 12), (12, 16)):
        parts += [nn.Conv2d(before, before, 3, padding=1, groups=before), nn.ReLU6()]
        parts += [nn.Conv2d(before, after, 1), nn.ReLU6()]
    parts += [nn.Conv2d(16, 8, 3, groups=4), nn.Hardtanh(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*parts, nn.Linear(8, 4))


def signal() -> nn.Module:
    first = nn.Conv1d(4, 8, 5, stride=2, padding=2), nn.BatchNorm1d(8), nn.ReLU(), nn.MaxPool1d(2)
    return nn.Sequential(*first, nn.Conv1d(8, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(96, 5))


#: What makes it, the shape of an input, and the layers: convolutions by their connections.
NETWORKS: dict[str, tuple[Any, tuple[int, ...], str]] = {
    "lenet": (lenet, (1, 28, 28), "dense, max pool, dense, depthwise, a layer, a layer, a layer"),
    "residual": (Residual, (3, 16, 16), "dense, dense, dense, add, dense, dense, add, depthwise, a layer"),
    "separable": (separable, (1, 14, 12), "dense, depthwise, dense, depthwise, dense, groups, depthwise, a layer"),
    "signal": (signal, (4, 32), "dense, max pool, dense, a layer"),
}


def exported(name: str, path: Path) -> tuple[Path, np.ndarray]:
    make, shape, _ = NETWORKS[name]
    torch.manual_seed(0)
    names = {"input_names": ["x"], "output_names": ["y"], "dynamic_axes": {"x": {0: "N"}, "y": {0: "N"}}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(make().eval(), torch.zeros(1, *shape), str(path), dynamo=False, opset_version=17, **names)
    return path, np.random.default_rng(3).normal(size=(40, *shape)).astype(np.float32)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_pytorch(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Real numbers are those of PyTorch; integers of 8 bits near to them, by the command."""
    path, x = exported(name, tmp_path / "m.onnx")
    real = same(path, onnx.load(path), x.shape[1:], sampled=True)
    assert real.shape == ((1, x.shape[2], x.shape[1]) if x.ndim == 3 else (*x.shape[2:], x.shape[1]))
    np.save(tmp_path / "x.npy", x)
    words = ["import", path, "-o", tmp_path / "n.safetensors", "--bits", "8", "--calibration", tmp_path / "x.npy"]
    with pytest.raises(SystemExit, match=r"^0$"):
        main([*map(str, words), "--check", str(tmp_path / "x.npy"), "--least-agreement", "0.9"])
    assert "n.safetensors: an approximation of the file\n" in capsys.readouterr().out
    network = load(tmp_path / "n.safetensors")
    called = [layer.called if layer.shape is not None else "a layer" for layer in network.layers]
    assert ", ".join(called).replace("conv ", "") == NETWORKS[name][2]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("kind", ["unsigned", "signed, symmetric, by channels", "weights with zero points"])
def test_networks_of_onnxruntime(name: str, kind: str, tmp_path: Path) -> None:
    """Integers of quantize_static are equal to the file, but for thresholds that a note counts; weights keep their bits."""
    path, x = exported(name, tmp_path / "m.onnx")

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.parts = iter([x])

        def get_next(self) -> dict[str, np.ndarray] | None:
            part = next(self.parts, None)
            return None if part is None else {"x": part}

    types = {"activation_type": QuantType.QInt8 if "signed," in kind else QuantType.QUInt8}
    types["weight_type"] = QuantType.QUInt8 if "weights" in kind else QuantType.QInt8
    more = {"per_channel": "channels" in kind, "extra_options": {"ActivationSymmetric": "symmetric" in kind}}
    quantize_static(str(path), str(tmp_path / "q.onnx"), Reader(), quant_format=QuantFormat.QDQ, **types, **more)
    graph = importers.read(tmp_path / "q.onnx")
    lowered = importers.lower(graph)
    made = importers.integer_network(lowered)
    assert made.exact or made.differ
    assert made.differ <= 0.2 * sum(len(layer.offset) for layer in lowered.layers)
    bits = [matrix.bits for layer in made.network.layers for matrix in layer.matrices(made.network.tensors, 1)]
    assert max(bits) <= (9 if "weights" in kind else 8)
    given = ordered(lowered, x)
    found = importers.compare(made.network, importers.Reference(tmp_path / "q.onnx", graph, lowered), given)
    assert found.equal >= (len(x) if made.exact else 0.9 * len(x))
    y = golden.evaluate(made.network, made.network.input.quantise(given)) * float(made.output_scale)
    wanted = run_plain(tmp_path / "q.onnx", x)
    # Means of four are often in the middle between two integers, where single precision takes either.
    assert np.abs(y - wanted).max() <= 1.01 * float(made.output_scale)
    assert np.mean(np.abs(y - wanted) < 0.01 * float(made.output_scale)) >= (0.6 if name == "lenet" else 0.98)


@pytest.mark.parametrize("name", ["lenet", "signal"])
def test_state_dicts(name: str, tmp_path: Path) -> None:
    """The same network as its export, from the tensors and a description."""
    torch.manual_seed(0)
    module = NETWORKS[name][0]().eval()
    save_file(module.state_dict(), tmp_path / "s.safetensors")
    layers: list[dict[str, Any]] = []
    for number, part in module.named_children():
        tensors = {key: f"{number}.{key}" for key in ("weight", "bias")}
        match part:
            case nn.Conv1d() | nn.Conv2d():
                layers.append({"kind": "conv", "stride": part.stride[0], "padding": part.padding[0], **tensors})
            case nn.BatchNorm1d():
                layers.append({"kind": "batch_norm", "prefix": number})
            case nn.Linear():
                layers.append({"kind": "linear", **tensors})
            case nn.AvgPool2d():
                layers.append({"kind": "max_pool", "kernel": 2})
                module[int(number)] = nn.MaxPool2d(2)
            case nn.MaxPool1d() | nn.MaxPool2d():
                layers.append({"kind": "max_pool", "kernel": 2, "stride": 2})
            case _:
                layers.append({"kind": type(part).__name__.lower()})
    members = {"format": "hdlgen.import", "name": "n", "tensors": "s.safetensors", "input": list(NETWORKS[name][1])}
    (tmp_path / "s.json").write_text(json.dumps(members | {"layers": layers}))
    lowered = importers.lower(importers.read(tmp_path / "s.json"))
    x = np.random.default_rng(3).normal(size=(5, *NETWORKS[name][1])).astype(np.float32)
    wanted = module(torch.tensor(x)).detach().numpy()
    assert np.abs(importers.float_network(lowered).evaluate(ordered(lowered, x)) - wanted).max() < 1e-5
    for change, message in (
        (
            {"input": [1, 2, 3, 4]},
            "input is [1, 2, 3, 4]; allowed: a width, or [channels, height, width], or [channels, steps]",
        ),
        ({"input": 784}, "layer 1: kind is 'conv'; allowed: others, for inputs without pixels"),
        ({"layers": [{**layers[0], "stride": 0}]}, "layer 1: stride is 0; allowed: integers 1..1048576"),
    ):
        (tmp_path / "s.json").write_text(json.dumps(members | {"layers": layers} | change))
        with pytest.raises(InputError) as caught:
            importers.read(tmp_path / "s.json")
        assert str(caught.value) == f"{tmp_path}/s.json: {message}"


# Files of other tools: files/make_conv.py made them.

IMAGES = np.load(FILES / "reference.npz")["x"].reshape(-1, 14, 14) / 256


def test_convolutions_of_brevitas() -> None:
    """They are what QONNX's executor says, but for the biases of the outputs, which are real numbers."""
    imported = importers.integer_network(importers.lower(importers.read(FILES / "qonnx-conv.onnx")))
    network = imported.network
    assert [layer.called for layer in network.layers] == [
        *("conv dense", "max pool", "conv depthwise", "conv dense", "add", "conv dense", "dense")
    ]
    assert network.input.shape == (14, 14, 1)
    y = golden.evaluate(network, network.input.quantise(IMAGES.reshape(len(IMAGES), -1)))
    wanted = np.load(FILES / "qonnx-conv-reference.npz")["outputs"] / float(imported.output_scale)
    assert "biases of the outputs are rounded, by 0.00373 of the smallest step" in imported.notes[-1]
    assert not any("elsewhere" in note or "other side" in note for note in imported.notes)
    assert np.abs(y - wanted).max() < 1


def test_convolutions_of_keras() -> None:
    """Channels last, as TensorFlow has them."""
    lowered = importers.lower(importers.read(FILES / "keras-tensorflow-conv.onnx"))
    x = np.stack([IMAGES, IMAGES[:, ::-1]], axis=3).reshape(len(IMAGES), -1)
    assert lowered.shape == (14, 14, 2)
    assert np.array_equal(lowered.order, np.arange(x.shape[1]))
    y = importers.float_network(lowered).evaluate(x)
    y = np.exp(y - y.max(axis=1, keepdims=True))
    y /= y.sum(axis=1, keepdims=True)
    assert np.abs(y - np.load(FILES / "keras-tensorflow-conv-reference.npz")["outputs"]).max() < 2e-6


# What is refused.

K |= {
    "huge": np.array([0, 0, 1 << 30, 0, 0, 0, 0, 0]),
    "wide": np.array([0, 1, 0, 0, 0, 0, 0, 0]),
    "ones": np.array(1.0),
}
K |= {
    "image": RNG.normal(size=(3, 8, 8)),
    "v4": np.ones((192, 4)),
    "side": np.array([-1, 1, 2, 2]),
    "k9": np.ones((2, 3, 9, 9)),
}
K |= {
    "deep": np.ones((4, 3, 3, 3, 3)),
    "nan": np.full((4, 3, 3, 3), np.nan),
    "k8": np.ones((4, 8, 3, 3)),
    "kc": np.ones((2, 1, 1, 1)),
    "many": np.ones((16385, 3, 3, 3)),
}
OTHER = "allowed: AveragePool, Cast, Conv, DequantizeLinear, Identity, Pad, Quant, QuantizeLinear, Relu, Transpose"


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([conv("x k3", dilations=[2, 2])], "1 of 1 'n_y' (Conv): attribute dilations is [2, 2]; allowed: 1"),
        (
            [conv("x k3", group=2)],
            "1 of 1 'n_y' (Conv): its kernel has shape [6, 3, 3, 3] and attribute group is 2, for 3 channels; allowed: as"
            " many channels as a group has",
        ),
        ([conv("x k9")], "1 of 1 'n_y' (Conv): kernel height is 9; allowed: 1..8, that of the padded input"),
        ([conv("x k3", pads=[3, 0, 0, 0])], "1 of 1 'n_y' (Conv): padding[0] is 3; allowed: integers 0..2"),
        ([conv("x k3", pads=[1, 1])], "1 of 1 'n_y' (Conv): attribute pads is [1, 1]; allowed: 4 integers"),
        ([conv("x k3", strides=[0, 1])], "1 of 1 'n_y' (Conv): kernel and strides are [3, 3] and [0, 1]; allowed: 1"),
        (
            [conv("x k3", auto_pad="SAME")],
            "1 of 1 'n_y' (Conv): attribute auto_pad is 'SAME'; allowed: NOTSET, VALID, SAME_UPPER, SAME_LOWER",
        ),
        (
            [conv("x k3", kernel_shape=[5, 5])],
            "1 of 1 'n_y' (Conv): attribute kernel_shape is [5, 5]; allowed: that of the weights, [3, 3]",
        ),
        ([conv("x k3 g")], "1 of 1 'n_y' (Conv): its bias has shape [3]; allowed: [6]"),
        ([conv("x deep")], "1 of 1 'n_y' (Conv): its kernel has shape [4, 3, 3, 3, 3]; allowed: 4 axes"),
        ([conv("x x")], "1 of 1 'n_y' (Conv): its kernel depends on the input; allowed: constants"),
        (
            [conv("x many", pads=[1, 1, 1, 1])],
            "1 of 1 'n_y' (Conv): makes a tensor of [8, 8, 16385]; allowed: up to 1048576",
        ),
        ([conv("x nan")], "1 of 1 'n_y' (Conv): its kernel [0, 0, 0, 0] is nan; allowed: finite numbers"),
        (
            [node("ConvTranspose", "x k3", "y")],
            "1 of 1 'n_y' (ConvTranspose): operation ConvTranspose is not supported; ",
        ),
        ([conv("x k3", "h"), node("Concat", "h h", "y", axis=1)], "2 of 2 'n_y' (Concat): operation Concat is not"),
        (
            [node("AveragePool", "x", "h", kernel_shape=[3, 3], pads=[1, 1, 1, 1]), conv("h k3")],
            "1 of 2 'n_h' (AveragePool): count_include_pad is 0 and there are pads, so that means are of different counts;"
            " allowed: of as many pixels everywhere",
        ),
        (
            [node("AveragePool", "x", "h", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1), conv("h k3")],
            "1 of 2 'n_h' (AveragePool): ceil_mode reads behind the end, so that means are of different counts; allowed: of"
            " as many pixels everywhere",
        ),
        ([node("MaxPool", "x", "y")], "1 of 1 'n_y' (MaxPool): kernel and strides are [0, 0] and [1, 1]; allowed: 1"),
        (
            [node("Pad", "x p", "h"), node("MaxPool", "h", "y")],
            f"2 of 2 'n_y' (MaxPool): reads what Pad makes; {OTHER}",
        ),
        ([node("Pad", "x p ones", "h"), conv("h k3")], "1 of 2 'n_h' (Pad): pads with 1; allowed: 0"),
        (
            [node("Pad", "x p", "h", mode="edge"), conv("h k3")],
            "1 of 2 'n_h' (Pad): attribute mode is 'edge'; allowed",
        ),
        (
            [node("Pad", "x huge", "h"), conv("h k3")],
            "1 of 2 'n_h' (Pad): makes a constant of shape [1, 3, 1073741832, 8], with those before 25769803968 elements;",
        ),
        (
            [node("Pad", "x wide", "h"), conv("h k3")],
            "2 of 2 'n_y' (Conv): reads pixels in another order than they were made in; allowed: channels before height",
        ),
        (
            [conv("x k3", "h"), node("Transpose", "x", "t", perm=[0, 3, 2, 1]), conv("t k8")],
            "3 of 3 'n_y' (Conv): reads pixels in another order than they were made in; allowed: channels before height",
        ),
        (
            [node("Flatten", "x", "a"), node("Gemm", "a v4", "r"), node("Reshape", "r side", "h"), conv("h kc")],
            "4 of 4 'n_y' (Conv): reads pixels in another order than they were made in; allowed: channels before height",
        ),
        (
            [conv("x k3", "h"), node("ReduceMean", "h", "y", axes=[1])],
            "2 of 2 'n_y' (ReduceMean): reduces axes [0] of [6, 6, 6]; allowed: all pixels, and not the channels",
        ),
        (
            [conv("x k3", "h"), node("ReduceMean", "h", "y", axes=[0, 2])],
            "2 of 2 'n_y' (ReduceMean): reduces axes [0, 2]; allowed: some of 4, each once, without the batch",
        ),
        (
            [node("Sub", "x image", "h"), conv("h k3")],
            "1 of 2 'n_h' (Sub): its constant has shape [3, 8, 8], and differs between pixels; allowed: one number for each",
        ),
        (
            [conv("x k3", "h"), node("GlobalAveragePool", "h", "i"), node("Add", "h i", "y")],
            "3 of 3 'n_y' (Add): adds [6, 6, 6] and [6, 1, 1]; allowed: equal shapes",
        ),
        (
            [conv("x k3", "h"), node("Gemm", "h v4", "y")],
            "2 of 2 'n_y' (Gemm): reads [6, 6, 6] of each input; allowed",
        ),
    ],
)
def test_wrong_graphs(nodes: list[onnx.NodeProto], message: str, tmp_path: Path) -> None:
    used = {name: K[name] for each in nodes for name in each.input if name in K}
    path = write(tmp_path / "m.onnx", model(nodes, used, shape=["N", 3, 8, 8]))
    with pytest.raises(InputError) as caught:
        importers.float_network(importers.lower(importers.read(path)))
    assert str(caught.value).startswith(f"{path}: node {message}")
    assert "\n" not in str(caught.value)


def test_edges_and_other_ways_of_quantising(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is not made for tensors says so."""
    path = write(tmp_path / "m.onnx", model([conv("x k3")], {"k3": K["k3"]}, shape=["N", 3, 8, 8]))
    np.save(tmp_path / "x.npy", RNG.normal(size=(4, 3, 8, 8)))
    words = ["-o", tmp_path / "n.safetensors", "--calibration", tmp_path / "x.npy"]
    for verb, more, message in (
        ("import", ["--bits", "8", "--edges", "explicit"], f"{path}: edges is 'explicit'; allowed with convolutions"),
        ("quantize", ["--samples", "64"], f"{path}: node 1 of 1 'n_y' (Conv): makes a tensor; allowed with samples"),
    ):
        with pytest.raises(SystemExit, match=r"^2$"):
            main([verb, str(path), *map(str, words), *more])
        assert capsys.readouterr().err.startswith(f"hdlgen: {message}")
    assert not (tmp_path / "n.safetensors").exists()
