"""Makes ``keras-BACKEND-*`` of this folder with Keras: networks, and what onnxruntime says of them.

    KERAS_BACKEND=torch python tests/importers/files/make_keras.py
    KERAS_BACKEND=tensorflow python tests/importers/files/make_keras.py

needs hdlgen itself (for MNIST's test images), keras, onnxruntime, and torch with onnxscript or tensorflow with tf2onnx.
README.md names the versions. The networks read the images of ``make.py``.
"""

import sys
from pathlib import Path

import keras
import numpy as np
import onnxruntime
from keras import layers

from hdlgen import networks

FOLDER = Path(__file__).parent if len(sys.argv) < 2 else Path(sys.argv[1])
KEEP = 200
BACKEND = keras.backend.backend()

keras.utils.set_random_seed(1)
images, digits = networks.test_set()
x = images.reshape(-1, 14, 2, 14, 2).astype(np.float32).mean(axis=(2, 4)).round() / 256
reference = {}


def make(kind, model):
    name = f"keras-{BACKEND}-{kind}"
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[KEEP:], digits[KEEP:], batch_size=100, epochs=3, verbose=0)
    model.export(FOLDER / f"{name}.onnx", format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(FOLDER / f"{name}.onnx")
    (feed,) = session.get_inputs()
    reference[name] = session.run(None, {feed.name: x[:KEEP]})[0]
    right = np.mean(reference[name].argmax(axis=1) == digits[:KEEP])
    print(f"{name}: {feed.shape}, {right:.1%} of {KEEP}")


make(
    "sequential",
    keras.Sequential(
        [
            keras.Input((14, 14)),
            layers.Flatten(),
            layers.Dense(24, activation="relu"),
            layers.BatchNormalization(),
            layers.Dense(16, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dropout(0.1),
            layers.Dense(10, activation="softmax"),
        ]
    ),
)

source = keras.Input((14, 14))
flat = layers.Reshape((196,))(source)
first = layers.Dense(24, activation="relu")(flat)
second = layers.Dense(24)(first)
joined = layers.ReLU()(layers.Add()([first, second]))
make("functional", keras.Model(source, layers.Dense(10, activation="softmax")(joined)))

np.savez_compressed(FOLDER / f"keras-{BACKEND}-reference.npz", **reference)
print(BACKEND, *(f"{tool.__name__} {tool.__version__}" for tool in (keras, onnxruntime, np)))
