"""Files of both exporters of PyTorch, and steps that exporters unroll. files/make_exporters.py made the files."""

import re
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import helper
from torch import nn

from hdlgen import importers
from hdlgen.cli import main
from hdlgen.errors import InputError
from hdlgen.importers import InputOptions
from hdlgen.quantize.recurrent import FloatRecurrent, Sequences
from tests.importers.models import FILES, run_plain

REFERENCE = dict(np.load(FILES / "exporters.npz"))
STEPS = 4
WHAT = {
    "gru": (["gru", "gru"], False),
    "gru-all": (["gru"], True),
    "lstm": (["lstm", "lstm"], False),
    "lstm-fixed": (["lstm"], False),
    "rnn": (["tanh", "tanh"], False),
    "rnn-all": (["relu", "relu"], True),
    "gru-cells": (["gru", "gru"], True),
    "lstm-cells": (["lstm", "lstm"], False),
}


def real_of(path: Path) -> FloatRecurrent:
    return importers.float_recurrent(importers.read(path))


def one_sequence(x: np.ndarray) -> Sequences:
    return Sequences(x=x.astype(np.float64), lengths=np.array([len(x)]))


@pytest.mark.parametrize("name", WHAT)
def test_recurrent_networks_of_the_second_exporter(name: str) -> None:
    path, x = FILES / f"dynamo-{name}.onnx", REFERENCE[f"{name} x"]
    graph, real = importers.read(path), real_of(path)
    assert ([cell.cell for cell in real.cells], real.every_step) == WHAT[name]
    y = real.evaluate(one_sequence(x))
    first = graph.input_shape[0] == STEPS
    ran = run_plain(path, x[None] if first else x[:, None])
    assert np.abs(y - REFERENCE[name].reshape(y.shape)).max() < 1e-6
    assert np.abs(y - ran.reshape(y.shape)).max() < 1e-6


@pytest.mark.parametrize("name", ["mlp", "residual", "conv", "signal"])
def test_both_exporters_make_the_same_network(name: str) -> None:
    made = []
    for kind in ("dynamo", "script"):
        path, x = FILES / f"{kind}-{name}.onnx", REFERENCE[f"{name} x"]
        lowered = importers.lower(importers.read(path))
        reference = importers.Reference(path, importers.read(path), lowered)
        elements = x.reshape(len(x), -1)[:, np.argsort(lowered.order)]
        y, behind = reference.run(elements)
        wanted = behind[0] if behind else y
        assert np.abs(wanted - REFERENCE[name]).max() < 1e-6
        assert np.abs(wanted - run_plain(path, x)).max() < 1e-6
        assert np.abs(importers.float_network(lowered).evaluate(elements) - y).max() < 1e-6
        options = InputOptions(bits=8, scale=None, offset=None, signed=False)
        made.append(importers.import_network(path, name="n", options=options, bits=8, input_range="-3,3").network)
    one, two = made
    assert [layer.kind for layer in one.layers] == [layer.kind for layer in two.layers]
    assert one.tensors.keys() == two.tensors.keys()
    assert all(np.array_equal(one.tensors[key], two.tensors[key]) for key in one.tensors)
    assert (one.input, one.output_scale) == (two.input, two.output_scale)


KERAS = {
    "torch gru-all": (["gru"], True),
    "torch lstm": (["lstm", "lstm"], False),
    "torch simple": (["tanh"], False),
    "tensorflow gru": (["gru", "gru"], False),
    "tensorflow lstm-all": (["lstm"], True),
    "tensorflow simple": (["tanh"], False),
    "tensorflow simple-all": (["relu"], True),
}


@pytest.mark.parametrize("name", KERAS)
def test_keras(name: str) -> None:
    """Of PyTorch and of TensorFlow: steps that are unrolled, nodes, and loops; Dense layers of all steps."""
    backend, kind = name.split()
    reference = np.load(FILES / f"keras-{backend}-recurrent.npz")
    path, x = FILES / f"keras-{backend}-recurrent-{kind}.onnx", reference["x"]
    real = real_of(path)
    assert ([cell.cell for cell in real.cells], real.every_step) == KERAS[name]
    lengths = np.full(len(x), x.shape[1])
    y = real.evaluate(Sequences(x=x.reshape(-1, x.shape[2]).astype(np.float64), lengths=lengths))
    assert np.abs(y - reference[kind].reshape(y.shape)).max() < 1e-6
    assert np.abs(y - run_plain(path, x).reshape(y.shape)).max() < 1e-6


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("gru-before", "the first of 4 unrolled steps (GRU): GRU resets the states before their product"),
        ("both", "(LSTM): LSTM is bidirectional"),
    ],
)
def test_keras_refused(kind: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        real_of(FILES / f"keras-tensorflow-recurrent-{kind}.onnx")


def in_body(op: str, change: Callable[[onnx.NodeProto], object]) -> Callable[[onnx.NodeProto], object]:
    def changed(loop: onnx.NodeProto) -> None:
        (body,) = (item.g for item in loop.attribute if item.name == "body")
        change(next(node for node in body.node if node.op_type == op))

    return changed


@pytest.mark.parametrize(
    "change",
    [
        lambda loop: loop.ClearField("attribute"),
        lambda loop: loop.input.pop(),
        lambda loop: loop.output.append("more"),
        lambda loop: loop.input.__setitem__(0, ""),
        lambda loop: loop.input.__setitem__(0, loop.input[3]),
        in_body("And", lambda node: setattr(node, "op_type", "Xor")),
        in_body("Less", lambda node: node.input.reverse()),
        in_body("Less", lambda node: node.input.pop()),
        in_body("Cast", lambda node: node.ClearField("attribute")),
    ],
)
def test_loops_that_are_not_understood(change: Callable[[onnx.NodeProto], object], tmp_path: Path) -> None:
    """Whether they go on is not known, or they do not always."""
    proto = onnx.load(FILES / "keras-tensorflow-recurrent-simple.onnx")
    change(next(node for node in proto.graph.node if node.op_type == "Loop"))
    onnx.save(proto, tmp_path / "m.onnx")
    with pytest.raises(InputError, match=r"\(Loop\): a loop that is not understood; allowed: Loop with a number"):
        importers.read(tmp_path / "m.onnx")


class Loop(nn.Module):
    """A cell in a loop; ``start`` is its first state, and ``how`` what is made of its states."""

    def __init__(self, kind: str, how: Callable[[list[torch.Tensor]], torch.Tensor], start: float = 0.0) -> None:
        super().__init__()
        self.cell, self.head = getattr(nn, kind)(3, 4), nn.Linear(4, 2)
        self.how, self.start = how, start

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h, found = torch.full((x.shape[1], 4), self.start), []
        for step in self.steps(x):
            h = self.cell(step, h)
            found.append(h)
        return self.head(self.how(found))

    def steps(self, x: torch.Tensor) -> list[torch.Tensor]:
        return [*x]


class Backward(Loop):
    def steps(self, x: torch.Tensor) -> list[torch.Tensor]:
        return [*x][::-1]


class Stepwise(Loop):
    """Another weight in one step."""

    def steps(self, x: torch.Tensor) -> list[torch.Tensor]:
        return [*x[:2], x[2] * 2, x[3]]


def last(found: list[torch.Tensor]) -> torch.Tensor:
    return found[-1]


def export(model: nn.Module, path: Path, batch: int = 2) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model.eval(), (torch.zeros(STEPS, batch, 3),), str(path), input_names=["x"], dynamo=False)
    return path


@pytest.mark.parametrize("kind", ["RNNCell", "GRUCell"])
@pytest.mark.parametrize("batch", [1, 3])
def test_steps_first(kind: str, batch: int, tmp_path: Path) -> None:
    torch.manual_seed(batch)
    path = export(Loop(kind, torch.stack), tmp_path / "m.onnx", batch)
    x = np.random.default_rng(1).normal(size=(STEPS, batch, 3)).astype(np.float32)
    ran = run_plain(path, x)
    for number in range(batch):
        assert np.abs(real_of(path).evaluate(one_sequence(x[:, number])) - ran[:, number]).max() < 1e-6


LOOKS = "looks like a step of nn.RNN, or of a GRUCell, LSTMCell or RNNCell, that was unrolled by an exporter"


@pytest.mark.parametrize(
    "model",
    [
        Loop("GRUCell", last, start=0.5),
        Loop("RNNCell", last, start=1e-3),
        Loop("RNNCell", lambda found: found[1]),
        Loop("GRUCell", lambda found: found[2] + found[3]),
        Backward("GRUCell", last),
        Stepwise("GRUCell", last),
    ],
    ids=["first state", "small first state", "second step", "two steps", "backward", "unequal"],
)
def test_steps_that_are_no_cell(model: nn.Module, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = export(model, tmp_path / "m.onnx")
    with pytest.raises(SystemExit, match="2"):
        main(["import", str(path), "-o", str(tmp_path / "n.safetensors")])
    error = capsys.readouterr().err
    assert LOOKS in error
    assert error.count("\n") == 1


def test_the_bidirectional_one() -> None:
    with pytest.raises(InputError, match=re.escape(LOOKS)):
        importers.read(FILES / "dynamo-rnn-both.onnx")


def changed(proto: onnx.ModelProto, op: str, change: Callable[[onnx.NodeProto], object]) -> onnx.ModelProto:
    change([node for node in proto.graph.node if node.op_type == op][1])
    return proto


@pytest.mark.parametrize(
    ("op", "change"),
    [
        ("Add", lambda node: node.input.append("x")),
        ("Sub", lambda node: node.input.pop()),
        ("Gemm", lambda node: node.input.pop(1)),
        ("Split", lambda node: node.output.pop()),
        ("Split", lambda node: node.ClearField("input")),
        ("Gather", lambda node: node.input.pop()),
        ("Gather", lambda node: node.attribute[0].CopyFrom(helper.make_attribute("axis", 9))),
        ("Mul", lambda node: node.ClearField("input")),
        ("Tanh", lambda node: node.input.append("x")),
        ("Unsqueeze", lambda node: node.input.pop()),
    ],
)
def test_damaged_steps(op: str, change: Callable[[onnx.NodeProto], object], tmp_path: Path) -> None:
    proto = changed(onnx.load(FILES / "dynamo-gru-cells.onnx"), op, change)
    onnx.save(proto, tmp_path / "m.onnx")
    with pytest.raises(InputError):
        real_of(tmp_path / "m.onnx")


def test_a_network_without_steps_is_none(tmp_path: Path) -> None:
    """Layers of Relu on a matrix are as they were."""
    layers = [nn.Linear(3, 3) if number % 2 else nn.ReLU() for number in range(12)]
    path = export(nn.Sequential(nn.Flatten(), nn.Linear(6, 3), *layers), tmp_path / "m.onnx")
    graph = importers.read(path)
    assert graph.recurrent is None
    assert len(importers.lower(graph).layers) == 7
