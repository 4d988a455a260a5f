"""Makes the convolutional files of this folder, with what the tools themselves say of them: README.md names the versions.

    python tests/importers/files/make_conv.py brevitas
    KERAS_BACKEND=tensorflow python tests/importers/files/make_conv.py keras

needs hdlgen itself (for MNIST's test images) and what ``make.py`` and ``make_keras.py`` need. Networks read the images of
``make.py``; that of Keras has two channels, of which the second one has the rows upside down.
"""

import os
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx

from hdlgen import networks

warnings.simplefilter("ignore")
FOLDER, KEEP = Path(__file__).parent, 200
images, digits = networks.test_set()
small = images.reshape(-1, 14, 2, 14, 2).astype(np.float32).mean(axis=(2, 4)).round() / 256


def brevitas():
    import brevitas.nn as qnn
    import torch
    from brevitas.export import export_qonnx
    from brevitas.quant import (
        Int8ActPerTensorFloat,
        Int8WeightPerChannelFloat,
        Int8WeightPerTensorFixedPoint,
        Uint8ActPerTensorFixedPoint,
        Uint8ActPerTensorFloat,
    )
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            weights, values = {"weight_bit_width": 4, "bias": False}, {"bit_width": 4, "return_quant_tensor": True}
            self.source = qnn.QuantIdentity(
                act_quant=Uint8ActPerTensorFixedPoint, bit_width=8, return_quant_tensor=True
            )
            self.first = qnn.QuantConv2d(1, 6, 3, padding=1, weight_quant=Int8WeightPerTensorFixedPoint, **weights)
            self.norm, self.pool = nn.BatchNorm2d(6), nn.MaxPool2d(2)
            self.relu = nn.ModuleList(qnn.QuantReLU(act_quant=Uint8ActPerTensorFloat, **values) for _ in range(3))
            self.alone, self.alone_norm = qnn.QuantConv2d(6, 6, 3, padding=1, groups=6, **weights), nn.BatchNorm2d(6)
            self.signed = qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, **values)
            self.beside = qnn.QuantConv2d(6, 6, 1, **weights)
            self.last = qnn.QuantConv2d(6, 8, 3, weight_quant=Int8WeightPerChannelFloat, **weights)
            self.layer = qnn.QuantLinear(200, 10, bias=True, weight_bit_width=4)

        def forward(self, x):
            x = self.pool(self.relu[0](self.norm(self.first(self.source(x)))))
            x = self.relu[1](self.signed(self.alone_norm(self.alone(x))) + self.signed(self.beside(x)))
            return self.layer(self.relu[2](self.last(x)).flatten(1))

    torch.manual_seed(1)
    torch.set_num_threads(1)
    x, y = torch.tensor(small[:, None]), torch.tensor(digits.astype(np.int64))
    model = Net()
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(3):
        for rows in torch.randperm(len(x) - KEEP).split(100):
            optimiser.zero_grad()
            out = model(x[rows + KEEP])
            nn.functional.cross_entropy(getattr(out, "value", out), y[rows + KEEP]).backward()
            optimiser.step()
    path = FOLDER / "qonnx-conv.onnx"
    export_qonnx(model.eval(), args=x[:1], export_path=str(path), opset_version=13)
    model = ModelWrapper(str(path)).transform(InferShapes())
    (source,), (output,) = model.graph.input, model.graph.output
    found = [execute_onnx(model, {source.name: row[None].numpy()})[output.name] for row in x[:KEEP]]
    finish(path, np.concatenate(found))


def keras():
    import keras
    import onnxruntime
    from keras import layers

    keras.utils.set_random_seed(1)
    x = np.stack([small, small[:, ::-1]], axis=3)
    source = keras.Input((14, 14, 2))
    read = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu")(source)
    read = layers.BatchNormalization()(read)
    alone = layers.BatchNormalization()(layers.DepthwiseConv2D(3, padding="same")(read))
    read = layers.MaxPooling2D(2)(layers.Add()([read, layers.ReLU(6.0)(alone)]))
    read = layers.ReLU()(layers.Conv2D(8, 3)(layers.ZeroPadding2D(((0, 1), (1, 0)))(read)))
    flat = layers.Dense(8, activation="relu")(layers.Flatten()(read))
    read = layers.Add()([layers.GlobalAveragePooling2D()(read), flat])
    model = keras.Model(source, layers.Dense(10, activation="softmax")(read))
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[KEEP:], digits[KEEP:], batch_size=100, epochs=2, verbose=0)
    path = FOLDER / f"keras-{os.environ['KERAS_BACKEND']}-conv.onnx"
    model.export(path, format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(path)
    (feed,) = session.get_inputs()
    finish(path, session.run(None, {feed.name: x[:KEEP]})[0])


def finish(path, outputs):
    """One small file, and its reference."""
    model = onnx.load(path)
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    onnx.save(model, path)
    path.with_name(f"{path.name}.data").unlink(missing_ok=True)
    np.savez_compressed(path.with_name(f"{path.stem}-reference.npz"), outputs=outputs)
    print(f"{path.name}: {np.mean(outputs.argmax(axis=1) == digits[:KEEP]):.1%} of {KEEP}")


{"brevitas": brevitas, "keras": keras}[sys.argv[1]]()
