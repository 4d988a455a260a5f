"""Makes ``dynamo-*`` of this folder, and ``script-*`` of feed-forward networks: by both exporters of PyTorch.

    python tests/importers/files/make_exporters.py

needs torch, onnx and onnxscript; README.md names the versions. What PyTorch says is in exporters.npz, for inputs with a
batch of 2, and of recurrent networks of 1.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

FOLDER = Path(__file__).parent if len(sys.argv) < 2 else Path(sys.argv[1])
INPUTS, WIDTH, STEPS = 5, 6, 4
FREE = torch.export.Dim.DYNAMIC
reference = {}


class Recurrent(nn.Module):
    """``how``: the last step, all steps, or the last states of the last layer."""

    def __init__(self, kind, how, layers=1, **options):
        super().__init__()
        self.cells, self.how = getattr(nn, kind)(INPUTS, WIDTH, layers, **options), how
        both = 2 if self.cells.bidirectional else 1
        self.head = nn.Sequential(nn.Linear(both * WIDTH, 4), nn.ReLU(), nn.Linear(4, 3))

    def forward(self, x):
        y, h = self.cells(x)
        h = h[0] if isinstance(h, tuple) else h
        last = y[:, -1] if self.cells.batch_first else y[-1]
        return self.head({"last": last, "all": y, "states": h[-1]}[self.how])


class Loop(nn.Module):
    """Two cells and a loop over the steps."""

    def __init__(self, kind, how):
        super().__init__()
        self.one, self.two = getattr(nn, kind)(INPUTS, WIDTH), getattr(nn, kind)(WIDTH, 4)
        self.head, self.how = nn.Linear(4, 3), how

    def forward(self, x):
        one = two = None
        found = []
        for t in range(x.shape[1]):
            one = self.one(x[:, t], one)
            two = self.two(one[0] if isinstance(one, tuple) else one, two)
            found.append(two[0] if isinstance(two, tuple) else two)
        return self.head(torch.stack(found, 1) if self.how == "all" else found[-1])


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two, self.head = nn.Linear(8, 6), nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x):
        y = torch.relu(self.one(x))
        return torch.softmax(self.head(torch.relu(self.two(y) + y)), dim=1)


def write(name, model, shape, dynamic, *, dynamo=True):
    """Without what the exporter writes about the source."""
    path, x = FOLDER / f"{name}.onnx", torch.randn(shape)
    options = {"dynamic_shapes": dynamic} if dynamo else {"dynamic_axes": {"x": {0: "batch"}} if dynamic else None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model, (x,), str(path), input_names=["x"], dynamo=dynamo, verbose=False, external_data=False, **options
        )
    proto = onnx.load(path)
    graph = proto.graph
    for entry in (proto, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        entry.ClearField("metadata_props")
        entry.ClearField("doc_string")
    del graph.value_info[:], proto.functions[:]
    onnx.save(proto, path)
    print(path.name, path.stat().st_size, *sorted({node.op_type for node in graph.node}))
    return x


def trained(model):
    """Statistics and biases as after a training."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    return model.eval()


def recurrent(name, model, *, free=True):
    torch.manual_seed(len(name))
    model = trained(model)
    first = isinstance(model, Loop) or model.cells.batch_first
    shape = (1, STEPS, INPUTS) if first else (STEPS, 1, INPUTS)
    x = write(f"dynamo-{name}", model, shape, ({0 if first else 1: FREE},) if free else None)
    with torch.no_grad():
        reference[name] = model.double()(x.double())[0 if first or model.how != "all" else slice(None)].numpy()
    reference[f"{name} x"] = x.reshape(STEPS, INPUTS).numpy()


def feed_forward(name, model, shape):
    torch.manual_seed(len(name))
    model = trained(model)
    for kind in ("dynamo", "script"):
        x = write(f"{kind}-{name}", model, (2, *shape), ({0: FREE},), dynamo=kind == "dynamo")
    with torch.no_grad():
        reference[name] = model.double()(x.double()).numpy()
    reference[f"{name} x"] = x.numpy()


torch.manual_seed(1)
recurrent("gru", Recurrent("GRU", "last", 2, batch_first=True))
recurrent("gru-all", Recurrent("GRU", "all"))
recurrent("lstm", Recurrent("LSTM", "states", 2))
recurrent("lstm-fixed", Recurrent("LSTM", "last", batch_first=True), free=False)
recurrent("rnn", Recurrent("RNN", "last", 2, batch_first=True))
recurrent("rnn-all", Recurrent("RNN", "all", 2, nonlinearity="relu"))
recurrent("rnn-both", Recurrent("RNN", "last", bidirectional=True, batch_first=True), free=False)
recurrent("gru-cells", Loop("GRUCell", "all"), free=False)
recurrent("lstm-cells", Loop("LSTMCell", "last"), free=False)
feed_forward(
    "mlp", nn.Sequential(nn.Flatten(), nn.Linear(8, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3)), (2, 4)
)
feed_forward("residual", Residual(), (8,))
feed_forward(
    "conv",
    nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU6(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 4, 3, groups=4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    ),
    (2, 8, 8),
)
feed_forward("signal", nn.Sequential(nn.Conv1d(2, 3, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(9, 3)), (2, 8))
np.savez_compressed(FOLDER / "exporters.npz", **reference)
