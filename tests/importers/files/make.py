"""Makes the files of this folder with the tools that users have; README.md names their versions.

    python tests/importers/files/make.py

needs hdlgen itself (for MNIST's test images), torch, onnx, onnxscript, onnxruntime, scikit-learn, skl2onnx, qonnx, brevitas
and safetensors. The networks read images of 14 x 14 pixels (means of 2 x 2) and are trained for seconds. ``reference.npz``
holds 200 images and what the tool that defines each format says of them: onnxruntime, or qonnx for its own nodes.
"""

import json
import warnings
from pathlib import Path

import brevitas.nn as qnn
import numpy as np
import onnx
import onnxruntime
import safetensors.torch
import torch
from brevitas.export import export_onnx_qcdq, export_qonnx
from brevitas.quant import (
    Int8ActPerTensorFixedPoint,
    Int8WeightPerTensorFixedPoint,
    Int32Bias,
    SignedBinaryActPerTensorConst,
    SignedBinaryWeightPerTensorConst,
    Uint8ActPerTensorFixedPoint,
    Uint8ActPerTensorFloat,
)
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes
from skl2onnx import to_onnx
from sklearn.neural_network import MLPClassifier, MLPRegressor
from torch import nn
from torch.nn.utils import prune

from hdlgen import networks

warnings.simplefilter("ignore")
FOLDER = Path(__file__).parent
KEEP = 200

torch.manual_seed(1)
torch.set_num_threads(1)
images, digits = networks.test_set()
small = images.reshape(-1, 14, 2, 14, 2).astype(np.float32).mean(axis=(2, 4)).round()  # whole numbers, 0..255
x_all = torch.tensor(small.reshape(-1, 1, 14, 14) / 256)  # exact in float32
y_all = torch.tensor(digits.astype(np.int64))
x_train, y_train = x_all[KEEP:], y_all[KEEP:]
x_keep = x_all[:KEEP].numpy()
reference = {"x": small.reshape(-1, 196)[:KEEP].astype(np.uint8), "labels": digits[:KEEP].astype(np.uint8)}


def train(model, epochs=3, rate=3e-3):
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], rate)
    model.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(x_train)).split(100):
            optimiser.zero_grad()
            out = model(x_train[rows])
            nn.functional.cross_entropy(getattr(out, "value", out), y_train[rows]).backward()
            optimiser.step()
    return model.eval()


def accuracy(name, y):
    print(f"{name}: {np.mean(y.argmax(axis=1) == digits[:KEEP]):.1%} of {KEEP}")


def run(name):
    session = onnxruntime.InferenceSession(FOLDER / f"{name}.onnx")
    feed = session.get_inputs()[0]
    x = x_keep if len(feed.shape) == 4 else x_keep.reshape(KEEP, -1)
    if feed.shape[0] == 1:
        y = np.concatenate([session.run(None, {feed.name: row[None]})[-1] for row in x])
    else:
        y = session.run(None, {feed.name: x})[-1]
    reference[name] = np.asarray(y)
    if reference[name].shape[1] == 1:
        return
    accuracy(name, reference[name])


def run_qonnx(name):
    model = ModelWrapper(str(FOLDER / f"{name}.onnx")).transform(InferShapes())
    feed, answer = model.graph.input[0].name, model.graph.output[0].name
    reference[name] = np.concatenate([execute_onnx(model, {feed: row[None]})[answer] for row in x_keep])
    accuracy(name, reference[name])


def torch_onnx(model, name, *, dynamo=True, **options):
    batch = x_all[:2]
    if dynamo:
        options |= {
            "dynamic_shapes": ({0: torch.export.Dim("batch")},),
            "external_data": options.get("external_data", False),
        }
    else:
        options |= {"dynamic_axes": {"input": {0: "batch"}}}
    torch.onnx.export(
        model,
        (batch,),
        FOLDER / f"{name}.onnx",
        dynamo=dynamo,
        input_names=["input"],
        output_names=["logits"],
        **options,
    )
    run(name)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.into, self.inside, self.out = nn.Linear(196, 24), nn.Linear(24, 24), nn.Linear(24, 10)

    def forward(self, x):
        h = torch.relu(self.into(x.view(x.size(0), -1)))
        h = torch.relu(self.inside(h) + h)
        return torch.softmax(self.out(h + torch.relu(self.inside(h))), dim=1)


# PyTorch: both exporters, batch normalisation, pruning, skips, external data.
mlp = train(
    nn.Sequential(
        nn.Flatten(),
        nn.Linear(196, 32),
        nn.BatchNorm1d(32),
        nn.ReLU(),
        nn.Linear(32, 16),
        nn.ReLU(),
        nn.Linear(16, 10),
    )
)
torch_onnx(mlp, "torch-mlp", optimize=False)
torch_onnx(mlp, "torch-external", external_data=True)
residual = train(Residual())
torch_onnx(residual, "torch-residual", dynamo=False)
pruned = nn.Sequential(nn.Flatten(), nn.Linear(196, 48), nn.ReLU(), nn.Linear(48, 10))
for layer, amount in ((pruned[1], 0.9), (pruned[3], 0.5)):
    prune.l1_unstructured(layer, "weight", amount)
train(pruned, epochs=5)
for layer in (pruned[1], pruned[3]):
    prune.remove(layer, "weight")
torch_onnx(pruned, "torch-pruned", dynamo=False)

# A state_dict with its description.
safetensors.torch.save_file(
    {key: value.contiguous() for key, value in mlp.state_dict().items()}, FOLDER / "state.safetensors"
)
(FOLDER / "state.json").write_text(
    json.dumps(
        {
            "format": "hdlgen.import",
            "name": "state",
            "tensors": "state.safetensors",
            "input": 196,
            "layers": [
                {"kind": "linear", "weight": "1.weight", "bias": "1.bias"},
                {"kind": "batch_norm", "prefix": "2"},
                {"kind": "relu"},
                {"kind": "linear", "weight": "4.weight", "bias": "4.bias"},
                {"kind": "relu"},
                {"kind": "linear", "weight": "6.weight", "bias": "6.bias"},
            ],
        },
        indent=1,
    )
    + "\n"
)
with torch.no_grad():
    reference["state"] = mlp(x_all[:KEEP]).numpy()

# scikit-learn.
rows = x_train.reshape(len(x_train), -1).numpy()
classifier = MLPClassifier((16,), max_iter=5, random_state=1).fit(rows, y_train)
(FOLDER / "sklearn-classifier.onnx").write_bytes(
    to_onnx(classifier, rows[:1], options={"zipmap": False}).SerializeToString()
)
run("sklearn-classifier")
regressor = MLPRegressor(hidden_layer_sizes=(12,), max_iter=10, random_state=1).fit(rows, rows[:, 98:].mean(axis=1))
(FOLDER / "sklearn-regressor.onnx").write_bytes(to_onnx(regressor, rows[:1]).SerializeToString())
run("sklearn-regressor")


# Brevitas: powers of two; free scales, per neuron, batch normalisation; binary; a skip.
def fixed_point(bits):
    return nn.Sequential(
        qnn.QuantIdentity(act_quant=Uint8ActPerTensorFixedPoint, bit_width=8, return_quant_tensor=True),
        nn.Flatten(),
        qnn.QuantLinear(
            196,
            32,
            bias=True,
            bias_quant=Int32Bias,
            weight_quant=Int8WeightPerTensorFixedPoint,
            weight_bit_width=bits,
        ),
        qnn.QuantReLU(act_quant=Uint8ActPerTensorFixedPoint, bit_width=6, return_quant_tensor=True),
        qnn.QuantLinear(
            32, 10, bias=True, bias_quant=Int32Bias, weight_quant=Int8WeightPerTensorFixedPoint, weight_bit_width=bits
        ),
    )


def free_scales():
    return nn.Sequential(
        qnn.QuantIdentity(act_quant=Uint8ActPerTensorFloat, bit_width=8),
        nn.Flatten(),
        qnn.QuantLinear(196, 24, bias=False, weight_bit_width=4, weight_scaling_per_output_channel=True),
        nn.BatchNorm1d(24),
        qnn.QuantReLU(bit_width=4),
        qnn.QuantLinear(24, 16, bias=True, weight_bit_width=3),
        qnn.QuantReLU(bit_width=5),
        qnn.QuantLinear(16, 10, bias=False, weight_bit_width=4),
    )


def binary():
    return nn.Sequential(
        qnn.QuantIdentity(act_quant=Uint8ActPerTensorFixedPoint, bit_width=8),
        nn.Flatten(),
        qnn.QuantLinear(
            196, 64, bias=False, weight_quant=SignedBinaryWeightPerTensorConst, weight_scaling_init=0.125
        ),
        nn.BatchNorm1d(64),
        qnn.QuantIdentity(act_quant=SignedBinaryActPerTensorConst, scaling_init=1.0),
        qnn.QuantLinear(64, 10, bias=False, weight_quant=SignedBinaryWeightPerTensorConst, weight_scaling_init=0.125),
    )


class QuantSkip(nn.Module):
    def __init__(self):
        super().__init__()
        self.input = qnn.QuantIdentity(act_quant=Uint8ActPerTensorFixedPoint, bit_width=8)
        weights = {"bias": False, "weight_quant": Int8WeightPerTensorFixedPoint, "weight_bit_width": 5}
        self.into, self.inside, self.out = (
            qnn.QuantLinear(196, 24, **weights),
            qnn.QuantLinear(24, 24, **weights),
            qnn.QuantLinear(24, 10, **weights),
        )
        self.relu = qnn.QuantReLU(act_quant=Uint8ActPerTensorFixedPoint, bit_width=6)
        self.signed = qnn.QuantIdentity(act_quant=Int8ActPerTensorFixedPoint, bit_width=7)

    def forward(self, x):
        h = self.relu(self.into(torch.flatten(self.input(x), 1)))
        return self.out(self.signed(self.inside(h) + h))


for name, model in (
    ("qonnx-fixed", fixed_point(4)),
    ("qonnx-free", free_scales()),
    ("qonnx-binary", binary()),
    ("qonnx-skip", QuantSkip()),
):
    trained = train(model)
    with torch.no_grad():
        trained(x_all[:1])
        export_qonnx(trained, args=x_all[:1], export_path=str(FOLDER / f"{name}.onnx"), dynamo=False)
    run_qonnx(name)
    if name == "qonnx-fixed":
        export_onnx_qcdq(trained, args=x_all[:1], export_path=str(FOLDER / "qcdq-fixed.onnx"), dynamo=False)
        run("qcdq-fixed")


# onnxruntime's own quantisation, in QDQ form.
class Reader(CalibrationDataReader):
    def __init__(self):
        self.rows = iter([{"input": x_train[start : start + 100].numpy()} for start in range(0, 1000, 100)])

    def get_next(self):
        return next(self.rows, None)


quantize_static(
    FOLDER / "torch-pruned.onnx",
    FOLDER / "qdq-runtime.onnx",
    Reader(),
    quant_format=QuantFormat.QDQ,
    activation_type=QuantType.QUInt8,
    weight_type=QuantType.QInt8,
    per_channel=False,
)
run("qdq-runtime")
np.savez_compressed(FOLDER / "reference.npz", **reference)
for tool in (torch, onnx, onnxruntime, np):
    print(tool.__name__, tool.__version__)
