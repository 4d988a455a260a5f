"""Integer networks of other tools, imported and compared with what these tools say of them: the numbers of docs/import.md.

python scripts/foreign.py qdq MNIST        onnxruntime's quantize_static, with all its options
python scripts/foreign.py conv MNIST FILES the same of convolutional networks, which scripts/cnn.py makes
python scripts/foreign.py brevitas MNIST   Brevitas, W2A2 and W4A4; needs brevitas, qonnx, onnxoptimizer
python scripts/foreign.py layers           120 random QONNX layers, in the executor of QONNX; needs qonnx

MNIST is the folder of its files; networks are 196-48-32-10, of images of half the size.
"""

import argparse
import importlib
import itertools
import logging
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from hdlgen import golden, importers
from hdlgen.idx import Dataset, read_folder

COUNT = 2000
WIDTHS = (196, 48, 32, 10)


def halved(images: np.ndarray) -> np.ndarray:
    return (images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(len(images), -1) / 255).astype(np.float32)


def train(model: nn.Module, data: Dataset) -> None:
    torch.set_num_threads(1)
    optimiser = torch.optim.Adam(model.parameters(), 2e-3)
    x, y = torch.tensor(halved(data.train_images)), torch.tensor(data.train_labels.astype(np.int64))
    for rows in torch.randperm(len(x))[:40000].split(200):
        optimiser.zero_grad()
        outputs = model(x[rows])
        nn.functional.cross_entropy(getattr(outputs, "value", outputs), y[rows]).backward()
        optimiser.step()
    model.eval()


def compare(name: str, path: Path, x: np.ndarray) -> tuple[bool, float, np.ndarray]:
    """Whether it is exact, the part of the inputs with the same class, and the outputs."""
    graph = importers.read(path)
    lowered = importers.lower(graph)
    made = importers.integer_network(lowered)
    found = importers.compare(made.network, importers.Reference(path, graph, lowered), x.astype(np.float64))
    agree = found.agree / found.inputs
    kind = "exact" if made.exact else f"near, {made.differ} neurons differ"
    largest = found.largest / (found.magnitude or 1)
    print(
        f"{name}: {kind}; equal {found.equal} of {found.inputs}, same class {agree:.2%}, largest {largest:.2g}",
        flush=True,
    )
    y = golden.evaluate(made.network, made.network.input.quantise(x.astype(np.float64)))
    return made.exact, agree, y * float(made.output_scale)


def options() -> Iterator[dict[str, Any]]:
    from onnxruntime.quantization import CalibrationMethod, QuantType

    u8, i8, u16, i16 = QuantType.QUInt8, QuantType.QInt8, QuantType.QUInt16, QuantType.QInt16
    for (a, w), channel, symmetric, bias in itertools.product(((u8, i8), (u8, u8), (i8, i8)), *[(False, True)] * 3):
        extra = {"ActivationSymmetric": symmetric, "QuantizeBias": bias}
        yield {"activation_type": a, "weight_type": w, "per_channel": channel, "extra_options": extra}
    for a, channel, bias in itertools.product((u16, i16), (False, True), (False, True)):
        extra = {"QuantizeBias": bias, "UseQDQContribOps": True}
        yield {"activation_type": a, "weight_type": i8, "per_channel": channel, "extra_options": extra}
    for w, channel in itertools.product((QuantType.QInt4, QuantType.QUInt4, i16), (False, True)):
        extra = {"UseQDQContribOps": True}
        yield {"activation_type": u8, "weight_type": w, "per_channel": channel, "extra_options": extra}
    for channel in (False, True):
        yield {"activation_type": u8, "weight_type": i8, "reduce_range": True, "per_channel": channel}
    for method in (CalibrationMethod.Entropy, CalibrationMethod.Percentile):
        yield {"activation_type": u8, "weight_type": i8, "calibrate_method": method}
    for name, value in (
        ("WeightSymmetric", False),
        ("AddQDQPairToWeight", True),
        ("DedicatedQDQPair", True),
        ("QDQDisableWeightAdjustForInt32Bias", True),
        ("ForceQuantizeNoInputCheck", True),
        ("CalibMovingAverage", True),
        ("MinimumRealRange", 0.5),
    ):
        yield {"activation_type": i8, "weight_type": i8, "extra_options": {name: value}}
    yield {"activation_type": u8, "weight_type": i8, "op_types_to_quantize": ["Gemm"]}


def reader(name: str, x: np.ndarray) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.parts = iter(np.split(x, 6))

        def get_next(self) -> dict[str, np.ndarray] | None:
            part = next(self.parts, None)
            return None if part is None else {name: part}

    return Reader()


def conv(data: Dataset, folder: Path, models: list[str]) -> None:
    import onnxruntime
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    train, x = (
        part[:, None].astype(np.float32) / 255 for part in (data.train_images[:600], data.test_images[:COUNT])
    )
    path = folder / "model.onnx"
    for model, (activation, symmetric) in itertools.product(
        models, ((QuantType.QUInt8, False), (QuantType.QInt8, True))
    ):
        more = {"per_channel": symmetric, "extra_options": {"ActivationSymmetric": symmetric}}
        types = {"activation_type": activation, "weight_type": QuantType.QInt8}
        quantize_static(model, str(path), reader("pixels", train), quant_format=QuantFormat.QDQ, **types, **more)
        made = importers.integer_network(importers.lower(importers.read(path)))
        given = made.network.input.quantise(x.reshape(len(x), -1).astype(np.float64))
        y = golden.evaluate(made.network, given) * float(made.output_scale)
        wanted = onnxruntime.InferenceSession(path).run(None, {"pixels": x})[0]
        steps = np.abs(y - wanted) / float(made.output_scale)
        print(
            f"{Path(model).stem} {activation}: {'exact' if made.exact else f'near, {made.differ} channels differ'}; equal"
            f" {(steps < 0.01).all(axis=1).sum()} of {len(x)}, largest difference {steps.max():.0f} step(s), same class"
            f" {np.mean(y.argmax(axis=1) == wanted.argmax(axis=1)):.2%}",
            flush=True,
        )


def qdq(data: Dataset, folder: Path) -> None:
    from onnxruntime.quantization import QuantFormat, quantize_static

    torch.manual_seed(0)
    layers = [nn.Linear(196, 48), nn.ReLU(), nn.Linear(48, 32), nn.ReLU(), nn.Linear(32, 10)]
    model = nn.Sequential(*layers)
    train(model, data)
    base, axes = folder / "real.onnx", {"x": {0: "N"}, "y": {0: "N"}}
    names = {"input_names": ["x"], "output_names": ["y"], "dynamic_axes": axes}
    torch.onnx.export(model, torch.zeros(1, 196), str(base), dynamo=False, opset_version=17, **names)
    x = halved(data.train_images[:600])
    found = []
    for number, chosen in enumerate(options()):
        path = folder / f"{number}.onnx"
        quantize_static(str(base), str(path), reader("x", x), quant_format=QuantFormat.QDQ, **chosen)
        name = " ".join(f"{key}={getattr(value, 'name', value)}" for key, value in chosen.items())
        found.append(compare(name, path, halved(data.test_images[:COUNT])))
    summary(found)


def summary(found: list[tuple[bool, float, np.ndarray]]) -> None:
    exact, least = sum(entry[0] for entry in found), min(entry[1] for entry in found)
    print(f"{len(found)} files: {exact} exact, {len(found) - exact} near; same class {least:.2%} at least")


def brevitas(data: Dataset, folder: Path) -> None:
    import brevitas.nn as qnn
    from brevitas.export import export_qonnx
    from brevitas.quant import fixed_point, scaled_int

    kinds = {
        "float": (scaled_int, "Int8WeightPerTensorFloat", "Uint8ActPerTensorFloat", "Int8ActPerTensorFloat"),
        "channel": (scaled_int, "Int8WeightPerChannelFloat", "Uint8ActPerTensorFloat", "Int8ActPerTensorFloat"),
        "fixed": (
            fixed_point,
            "Int8WeightPerTensorFixedPoint",
            "Uint8ActPerTensorFixedPoint",
            "Int8ActPerTensorFixedPoint",
        ),
    }
    found, x = [], halved(data.test_images[:COUNT])
    forms = [(True, True, False), (True, False, True), (False, True, True)]
    for number, (bits, kind) in enumerate(itertools.product((2, 4), kinds)):
        relu, norm, bias = forms[(number + number // len(kinds)) % len(forms)]
        module, *names = kinds[kind]
        weights, unsigned, signed = (getattr(module, name) for name in names)
        torch.manual_seed(0)
        layers: list[nn.Module] = [qnn.QuantIdentity(act_quant=signed, bit_width=8, return_quant_tensor=True)]
        for before, width in itertools.pairwise(WIDTHS):
            of_weights = {"weight_quant": weights, "weight_bit_width": bits if before != WIDTHS[0] else max(bits, 4)}
            layers.append(qnn.QuantLinear(before, width, bias=bias, **of_weights))
            if width != WIDTHS[-1]:
                layers += [nn.BatchNorm1d(width)] if norm else []
                activation, quantiser = (qnn.QuantReLU, unsigned) if relu else (qnn.QuantIdentity, signed)
                layers.append(activation(act_quant=quantiser, bit_width=bits, return_quant_tensor=True))
        model = nn.Sequential(*layers)
        train(model, data)
        name = (
            f"W{bits}A{bits} {kind}{' relu' if relu else ''}{' batch norm' if norm else ''}{' bias' if bias else ''}"
        )
        path = folder / f"{len(found)}.onnx"
        export_qonnx(model, args=torch.tensor(x[:1]), export_path=str(path), opset_version=13)
        exact, agree, y = compare(name, path, x)
        with torch.no_grad():
            theirs = model(torch.tensor(x))
        difference = np.abs(getattr(theirs, "value", theirs).numpy() - y).max(axis=1) / np.abs(y).max()
        print(f"    of Brevitas's own outputs equal: {np.mean(difference < 1e-5):.2%}")
        found.append((exact, agree, y))
    summary(found)


def layers(folder: Path) -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    models = importlib.import_module("tests.importers.models")
    from onnx import helper
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes

    roundings = ["ROUND", "FLOOR", "CEIL", "UP", "DOWN", "HALF_UP", "HALF_DOWN"]
    exact, equal = 0, []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        inputs, outputs, powers = int(rng.integers(3, 40)), int(rng.integers(2, 20)), rng.random() < 0.4
        weight_bits, bits = int(rng.integers(1, 9)), int(rng.integers(1, 9))
        signed, narrow = int(rng.random() < 0.5), int(rng.random() < 0.4 and bits > 1)

        def scale(*shape: int, powers: bool = powers, rng: np.random.Generator = rng) -> np.ndarray:
            drawn = 2.0 ** rng.integers(-7, 1, shape) if powers else rng.uniform(0.003, 0.9, shape)
            return np.asarray(drawn, np.float32)

        per, x_scale = scale(outputs, 1) if rng.random() < 0.5 else scale(), scale()
        mean = float(np.mean(per))
        step = mean * float(x_scale) * np.sqrt(inputs) * 2.0 ** (weight_bits + 6 - bits) * rng.uniform(0.7, 1.3)
        tensors = {
            "w": rng.normal(size=(outputs, inputs)) * mean * 2.0 ** (weight_bits - 2),
            "sw": per,
            "bw": np.array(float(weight_bits)),
            "sx": x_scale,
            "sa": np.float32(2.0 ** np.round(np.log2(step)) if powers else step),
            "ba": np.array(float(bits)),
            "b": rng.normal(size=outputs) * mean,
            "v": rng.normal(size=(4, outputs)),
            "z": np.array(0.0),
            "b8": np.array(8.0),
            "b4": np.array(4.0),
            "sv": np.array(0.25),
        }
        rounding = str(rng.choice(roundings)) if rng.random() < 0.6 else "ROUND"
        bias, relu = " b" if rng.random() < 0.6 else "", rng.random() < 0.4
        nodes = [
            models.quant("x sx z b8", "q"),
            models.quant("w sw z bw", "p", narrow=int(weight_bits > 1)),
            models.node("Gemm", f"q p{bias}", "h", transB=1),
            models.node("Relu" if relu else "Identity", "h", "r"),
            models.quant("r sa z ba", "a", signed=signed, narrow=narrow, rounding=rounding),
            models.quant("v sv z b4", "u", narrow=1),
            models.node("Gemm", "a u", "y", transB=1),
        ]
        made = models.model(nodes, tensors, shape=[60, inputs])
        made.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", 1, [60, 4]))
        path = models.write(folder / "layer.onnx", made)
        x = (rng.integers(-128, 128, (60, inputs)) * np.float64(x_scale)).astype(np.float32)
        name = f"{seed}: W{weight_bits}A{bits} {rounding}{' signed' if signed else ''}{' powers of two' if powers else ''}"
        proved, _, y = compare(name, path, x)
        theirs = execute_onnx(ModelWrapper(str(path)).transform(InferShapes()), {"x": x})["y"]
        equal.append(float(np.mean((np.abs(y - theirs) <= 1e-5 * np.abs(theirs).max()).all(axis=1))))
        exact += proved
    whole = sum(part == 1 for part in equal)
    print(
        f"120 layers: {exact} exact; {whole} equal to QONNX's executor for all inputs, on average {np.mean(equal):.2%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["qdq", "conv", "brevitas", "layers"])
    parser.add_argument("mnist", nargs="?")
    parser.add_argument("models", nargs="*", metavar="FILE")
    chosen = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.filterwarnings("ignore")
    with tempfile.TemporaryDirectory() as name:
        if chosen.kind == "layers":
            layers(Path(name))
        elif chosen.mnist is None:
            parser.error("MNIST, the folder of its files, is missing")
        elif chosen.kind == "conv":
            conv(read_folder(chosen.mnist), Path(name), chosen.models)
        else:
            {"qdq": qdq, "brevitas": brevitas}[chosen.kind](read_folder(chosen.mnist), Path(name))


if __name__ == "__main__":
    main()
