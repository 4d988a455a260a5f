"""Makes ``keras-BACKEND-recurrent-*`` of this folder with Keras: recurrent networks, and what Keras says of them.

    KERAS_BACKEND=torch python tests/importers/files/make_keras_recurrent.py
    KERAS_BACKEND=tensorflow python tests/importers/files/make_keras_recurrent.py

Those are kept that tests read. It needs keras, and torch with onnxscript, or tensorflow with tf2onnx; README.md names the
versions.
"""

import sys
from pathlib import Path

import keras
import numpy as np
import onnx
from keras import layers

FOLDER = Path(__file__).parent if len(sys.argv) < 2 else Path(sys.argv[1])
BACKEND = keras.backend.backend()
INPUTS, WIDTH, STEPS, COUNT = 5, 6, 4, 8

keras.utils.set_random_seed(1)
x = np.random.default_rng(1).normal(size=(COUNT, STEPS, INPUTS)).astype(np.float32)
reference = {"x": x}


def make(kind, *cells):
    """Biases are not 0, as they were after training."""
    head = [layers.Dense(4, activation="relu"), layers.Dense(3)]
    model = keras.Sequential([keras.Input((STEPS, INPUTS)), *cells, *head])
    random = np.random.default_rng(len(kind))
    model.set_weights(
        [w + random.normal(size=w.shape) / 4 if w.ndim < 2 or len(w) == 2 else w for w in model.get_weights()]
    )
    name = f"keras-{BACKEND}-recurrent-{kind}"
    reference[kind] = model.predict(x, batch_size=1, verbose=0)
    path = FOLDER / f"{name}.onnx"
    model.export(path, format="onnx", verbose=False)
    proto = onnx.load(path)
    proto.doc_string = ""
    for entry in (
        proto,
        proto.graph,
        *proto.graph.node,
        *proto.graph.input,
        *proto.graph.output,
        *proto.graph.value_info,
    ):
        entry.ClearField("metadata_props")
        entry.ClearField("doc_string")
    del proto.graph.value_info[:]
    onnx.save(proto, path)
    print(name, path.stat().st_size, sorted({node.op_type for node in proto.graph.node}))


make("gru", layers.GRU(WIDTH, return_sequences=True), layers.GRU(WIDTH))
make("gru-before", layers.GRU(WIDTH, reset_after=False))
make("gru-all", layers.GRU(WIDTH, return_sequences=True))
make("lstm", layers.LSTM(WIDTH, return_sequences=True), layers.LSTM(WIDTH))
make("lstm-all", layers.LSTM(WIDTH, return_sequences=True))
make("simple", layers.SimpleRNN(WIDTH))
make("simple-all", layers.SimpleRNN(WIDTH, activation="relu", return_sequences=True))
make("both", layers.Bidirectional(layers.LSTM(WIDTH)))
np.savez_compressed(FOLDER / f"keras-{BACKEND}-recurrent.npz", **reference)
print(BACKEND, *(f"{tool.__name__} {tool.__version__}" for tool in (keras, onnx, np)))
