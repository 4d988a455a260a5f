"""RNN, GRU and LSTM: what PyTorch says of its own modules, exported or as a state_dict, and the integers for them."""

import json
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import helper
from safetensors.torch import save_file
from torch import nn

from hdlgen import golden, importers
from hdlgen.cli import main
from hdlgen.compiler import Options
from hdlgen.compiler.unit.compile import compile_units
from hdlgen.errors import InputError
from hdlgen.network import InputFormat, load
from hdlgen.quantize.layered import QuantizeRecipe, choose_input
from hdlgen.quantize.recurrent import FloatCell, FloatRecurrent, Sequences, quantize_recurrent

INPUTS, WIDTH, STEPS, COUNT = 5, 7, 6, 9


class Model(nn.Module):
    def __init__(self, kind: str, how: str = "last", layers: int = 1, *, batch_first: bool = True, **options: Any):
        super().__init__()
        self.cells = getattr(nn, kind)(INPUTS, WIDTH, layers, batch_first=batch_first, **options)
        self.head = nn.Sequential(
            nn.Linear(WIDTH * (1 + self.cells.bidirectional), 6), nn.ReLU(), nn.Dropout(), nn.Linear(6, 3)
        )
        self.how, self.steps = how, int(batch_first)

    def forward(self, x: torch.Tensor) -> Any:
        y, h = self.cells(x)
        h = h[0] if isinstance(h, tuple) else h
        match self.how:
            case "last":
                return self.head(y[:, -1] if self.steps else y[-1])
            case "slice":
                return self.head((y[:, -1:, :] if self.steps else y[-1:]).squeeze(self.steps))
            case "head first":
                z = self.head(y)
                return z[:, -1] if self.steps else z[-1]
            case "states":
                return self.head(h[-1])
            case "view":
                return self.head(h[-1:].reshape(-1, WIDTH))
            case "all":
                return torch.softmax(self.head(y), dim=2)
            case "mean":
                return self.head(y.mean(1))
            case "first":
                return self.head(y[:, 0])
            case "normalised":
                return self.head(self.cells(x * 2)[0][:, -1])
            case "both":
                return self.head(self.cells(x, torch.ones(1, 1, WIDTH))[0][:, -1])
            case "alone":
                return y, h


def export(model: Model, path: Path, free: tuple[int, ...] = (0, 1), batch: int = 1) -> Path:
    x = torch.zeros((batch, STEPS, INPUTS) if model.steps else (STEPS, batch, INPUTS))
    axes = {"x": {axis: f"axis{axis}" for axis in free}} if free else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model.eval(), (x,), str(path), input_names=["x"], dynamic_axes=axes, dynamo=False)
    return path


def sequences(lengths: list[int], seed: int = 1) -> Sequences:
    x = np.random.default_rng(seed).normal(size=(sum(lengths), INPUTS)).astype(np.float32).astype(np.float64)
    return Sequences(x=x, lengths=np.array(lengths))


def said(model: Model, samples: Sequences) -> np.ndarray:
    """What PyTorch makes of one sequence after the other."""
    found = []
    for part in np.split(samples.x, np.cumsum(samples.lengths)[:-1]):
        x = torch.from_numpy(part).double()
        with torch.no_grad():
            y = model.double().eval()(x[None] if model.steps else x[:, None])
        y = y[0] if isinstance(y, tuple) else y
        found.append(y.reshape(-1, y.shape[-1]).numpy())
    return np.concatenate(found)


CASES: dict[str, tuple[Callable[[], Model], tuple[int, ...], int]] = {
    "GRU": (lambda: Model("GRU"), (0, 1), 1),
    "GRU, nothing free": (lambda: Model("GRU"), (), 1),
    "GRU, batch of 4": (lambda: Model("GRU", "head first", batch_first=False), (), 4),
    "GRU of 2 layers, states, no biases": (
        lambda: Model("GRU", "states", 2, batch_first=False, bias=False),
        (0, 1),
        1,
    ),
    "GRU, slice": (lambda: Model("GRU", "slice", 2, dropout=0.5), (0,), 1),
    "LSTM": (lambda: Model("LSTM", batch_first=False), (1,), 1),
    "LSTM of 3 layers, states": (lambda: Model("LSTM", "states", 3), (0,), 1),
    "LSTM, slice": (lambda: Model("LSTM", "slice", batch_first=False), (1,), 1),
    "LSTM of 2 layers, view": (lambda: Model("LSTM", "view", 2), (0, 1), 1),
    "RNN": (lambda: Model("RNN"), (0, 1), 1),
    "RNN with relu": (lambda: Model("RNN", "states", 2, nonlinearity="relu"), (0, 1), 1),
    "RNN, head first": (lambda: Model("RNN", "head first"), (0, 1), 1),
    "LSTM alone": (lambda: Model("LSTM", "alone"), (0, 1), 1),
}


@pytest.mark.parametrize("name", CASES)
def test_pytorch_exports(name: str, tmp_path: Path) -> None:
    """The graph as real numbers is PyTorch's module; the integers are near, and the compiler's program computes them."""
    torch.manual_seed(len(name))
    make, free, batch = CASES[name]
    model = make()
    real = importers.float_recurrent(importers.read(export(model, tmp_path / "m.onnx", free, batch)))
    samples = sequences([STEPS] * COUNT if "alone" not in name else [1] * COUNT)
    wanted = said(model, samples)
    assert np.abs(real.evaluate(samples) - wanted).max() < 1e-6
    source = choose_input(samples.x, 8, INPUTS)
    made = quantize_recurrent(real, QuantizeRecipe(bits=8), source, samples)
    codes = source.quantise(samples.x)
    y = golden.evaluate(made.network, codes, samples.lengths)
    assert np.abs(y * made.output_scale - wanted).max() < 0.03
    program = compile_units(made.network, Options(lanes=4))
    assert np.array_equal(program.run(codes, samples.lengths), y)


@pytest.mark.parametrize("kind", ["GRU", "LSTM", "RNN"])
def test_sequences_of_all_lengths(kind: str, tmp_path: Path) -> None:
    model = Model(kind, layers=2)
    real = importers.float_recurrent(importers.read(export(model, tmp_path / "m.onnx")))
    samples = sequences([3, 1, 9, 4, 1, 9])
    assert np.abs(real.evaluate(samples) - said(model, samples)).max() < 1e-6


def test_every_step(tmp_path: Path) -> None:
    """Outputs of all steps, before a Softmax along the third axis."""
    model = Model("GRU", "all", 2)
    real = importers.float_recurrent(importers.read(export(model, tmp_path / "m.onnx")))
    samples = sequences([3, 5])
    logits = real.evaluate(samples)
    assert real.every_step
    assert logits.shape == (8, 3)
    assert np.abs(torch.softmax(torch.from_numpy(logits), 1).numpy() - said(model, samples)).max() < 1e-6
    assert any("the largest output stays the largest" in note for note in real.notes)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", ["GRU", "LSTM", "RNN"])
def test_state_dict(kind: str, layers: int, tmp_path: Path) -> None:
    model = Model(kind, layers=layers, bias=layers == 1)
    save_file(model.state_dict(), tmp_path / "state.safetensors")
    parts = [
        {"kind": kind.lower(), "prefix": "cells"},
        {"kind": "linear", "weight": "head.0.weight", "bias": "head.0.bias"},
        {"kind": "relu"},
        {"kind": "linear", "weight": "head.3.weight", "bias": "head.3.bias"},
    ]
    description = {"format": "hdlgen.import", "name": "s", "tensors": "state.safetensors", "input": INPUTS}
    (tmp_path / "s.json").write_text(json.dumps({**description, "layers": parts}))
    samples = sequences([3, 5, 1])
    real = importers.float_recurrent(importers.read(tmp_path / "s.json"))
    assert [cell.cell for cell in real.cells] == [{"RNN": "tanh"}.get(kind, kind.lower())] * layers
    assert np.abs(real.evaluate(samples) - said(model, samples)).max() < 1e-6


def test_the_description_in_the_document(tmp_path: Path) -> None:
    document = (Path(__file__).parents[2] / "docs" / "import.md").read_text(encoding="utf-8")
    text, _ = re.findall(r"^```json\n(.*?)^```", document, re.MULTILINE | re.DOTALL)
    (tmp_path / "words.json").write_text(text)
    save_file(
        nn.ModuleDict({"rnn": nn.GRU(20, 6, 2), "head": nn.Linear(6, 3)}).state_dict(), tmp_path / "state.safetensors"
    )
    assert importers.float_recurrent(importers.read(tmp_path / "words.json")).widths == (20, 6, 6, 3)


@pytest.mark.parametrize(
    ("module", "entry", "message"),
    [
        (
            nn.GRU(3, 4, bidirectional=True),
            {},
            "layer 1: GRU is bidirectional (weight_ih_l0_reverse); allowed: forward",
        ),
        (nn.LSTM(3, 4, proj_size=2), {"kind": "lstm"}, "layer 1: LSTM is of proj_size (weight_hr_l0)"),
        (nn.GRU(3, 4), {"kind": "lstm"}, "(LSTM): LSTM: W has shape [1, 12, 3]; allowed: [1, 16, 3]"),
        (nn.RNN(3, 4), {"kind": "rnn", "nonlinearity": "sigmoid"}, "nonlinearity is 'sigmoid'; allowed: tanh, relu"),
        (nn.GRU(3, 4), {"prefix": "rnn"}, "GRU weight is 'rnn.weight_ih_l0'; allowed: names of tensors: bias_hh_l0"),
        (nn.RNN(4, 4), {"kind": "rnn"}, "(RNN): RNN: W has shape [1, 4, 4]; allowed: [1, 4, 3]"),
    ],
)
def test_state_dict_refused(module: nn.Module, entry: dict[str, Any], message: str, tmp_path: Path) -> None:
    save_file(module.state_dict(), tmp_path / "s.safetensors")
    layers = [{"kind": "gru", "prefix": "", **entry}]
    given = {"format": "hdlgen.import", "name": "s", "tensors": "s.safetensors", "input": 3, "layers": layers}
    (tmp_path / "s.json").write_text(json.dumps(given))
    with pytest.raises(InputError, match=re.escape(message)):
        importers.float_recurrent(importers.read(tmp_path / "s.json"))


def changed(attribute: str | None, value: Any = None, *, inputs: dict[int, str] | None = None) -> Callable:
    """A change of the first recurrent node."""

    def change(graph: onnx.GraphProto) -> None:
        node = next(node for node in graph.node if node.op_type in ("RNN", "GRU", "LSTM"))
        if attribute is not None:
            kept = [item for item in node.attribute if item.name != attribute]
            del node.attribute[:]
            node.attribute.extend([*kept, *([] if value is None else [helper.make_attribute(attribute, value)])])
        for place, name in (inputs or {}).items():
            node.input.extend([""] * (place + 1 - len(node.input)))
            node.input[place] = name

    return change


REFUSED: dict[str, tuple[Model, Callable[[onnx.GraphProto], None] | None, str]] = {
    "bidirectional GRU": (Model("GRU", bidirectional=True), None, "(GRU): GRU is bidirectional: it begins with"),
    "bidirectional LSTM": (Model("LSTM", bidirectional=True), None, "(LSTM): LSTM is bidirectional"),
    "reverse": (Model("RNN"), changed("direction", "reverse"), "(RNN): RNN is reverse: it begins with the last step"),
    "clip": (Model("RNN"), changed("clip", 3.0), "(RNN): RNN clips its sums"),
    "activations": (
        Model("GRU"),
        changed("activations", ["HardSigmoid", "Tanh"]),
        "(GRU): GRU has activations HardSig",
    ),
    "reset": (Model("GRU"), changed("linear_before_reset", 0), "(GRU): GRU resets the states before their product"),
    "no attribute": (
        Model("GRU"),
        changed("linear_before_reset"),
        "(GRU): GRU resets the states before their product",
    ),
    "foreign": (Model("GRU"), changed("twice", 1), "(GRU): GRU has an attribute 'twice'"),
    "peepholes": (Model("LSTM"), changed(None, inputs={7: "head.0.bias"}), "(LSTM): LSTM has peepholes"),
    "coupled": (Model("LSTM"), changed("input_forget", 1), "(LSTM): LSTM couples input and forget gate"),
    "lengths": (Model("LSTM"), changed(None, inputs={4: "head.0.bias"}), "(LSTM): LSTM has an input sequence_lens"),
    "first state": (Model("GRU", "both"), None, "(GRU): GRU begins with a state h other than 0; allowed: 0"),
    "shape": (
        Model("LSTM"),
        changed(None, inputs={3: "head.0.bias"}),
        "(LSTM): LSTM: B has shape [6]; allowed: [1, 56]",
    ),
    "no matrix": (Model("RNN"), changed(None, inputs={1: "", 2: ""}), "(RNN): reads ''"),
    "mean": (
        Model("GRU", "mean"),
        None,
        "ReduceMean of all steps in a recurrent network (GRU); allowed there: the last step",
    ),
    "first step": (
        Model("LSTM", "first"),
        None,
        "Gather of values along batch, steps, features in a recurrent network (LSTM)",
    ),
    "squeeze of what may be 1": (
        Model("LSTM", "slice"),
        None,
        "Equal of lengths in a recurrent network (LSTM); allowed there: the last step as y",
    ),
    "before": (Model("RNN", "normalised"), None, "(Mul): Mul before its first RNN in a recurrent network (RNN)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    """The line names the operation that was written, whatever exporters put before it."""
    model, change, message = REFUSED[name]
    path = export(model, tmp_path / "m.onnx")
    if change is not None:
        proto = onnx.load(path)
        change(proto.graph)
        onnx.save(proto, path)
    with pytest.raises(InputError, match=re.escape(message)):
        importers.float_recurrent(importers.read(path))


def test_without_first_output(tmp_path: Path) -> None:
    """Other exporters leave out the states of all steps where only the last are read."""
    model = Model("GRU", "states")
    proto = onnx.load(export(model, tmp_path / "m.onnx"))
    node = next(node for node in proto.graph.node if node.op_type == "GRU")
    node.output[0] = ""
    unused = [other for other in proto.graph.node if other.op_type == "Squeeze" and "GRU_output_0" in other.input[0]]
    for other in unused:
        proto.graph.node.remove(other)
    onnx.save(proto, tmp_path / "m.onnx")
    samples = sequences([2, 4])
    real = importers.float_recurrent(importers.read(tmp_path / "m.onnx"))
    assert np.abs(real.evaluate(samples) - said(model, samples)).max() < 1e-6


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in arguments])
    return int(caught.value.code or 0)


def test_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(1)
    model, samples = Model("GRU"), sequences([3, 7, 2, 5])
    path, net, given = export(model, tmp_path / "m.onnx"), tmp_path / "net.safetensors", tmp_path / "x.npz"
    labels = said(model, samples).argmax(axis=1)
    np.savez(given, x=samples.x, lengths=samples.lengths, labels=labels)
    for command, message in (
        (("import", path, "-o", net), "(GRU): the weights of a GRU are real numbers; required: --bits with"),
        (
            ("import", path, "-o", net, "--bits", 8, "--input-range", "-1,1"),
            "recurrent network; required: --calibration",
        ),
        (("quantize", path, "--samples", 8), "(GRU) has a state; allowed: networks without"),
        (
            ("quantize", path, "--calibration", given, "--weights", "ternary"),
            "weights are ternary; allowed for recurrent",
        ),
        (("import", path, "-o", net, "--bits", 8, "--calibration", path), "m.onnx"),
        (
            ("train", "tune", path, tmp_path, "-o", net, "--input-scale", 1),
            "(GRU): GRU is recurrent; allowed here: networks without states",
        ),
    ):
        assert run(*command) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
    assert not net.exists()
    assert run("import", path, "-o", net, "--bits", 8, "--calibration", given) == 0
    out = capsys.readouterr().out
    assert "compared on 4 inputs" in out
    assert "same class 4 (100.00%)" in out
    network = load(net)
    y = golden.evaluate(network, network.input.quantise(samples.x), samples.lengths)
    assert network.output_scale is not None
    assert np.abs(y * network.output_scale - said(model, samples)).max() < 0.03
    assert run("quantize", path, "--calibration", given, "--bits", "2,8") == 0
    table = capsys.readouterr().out
    assert re.search(r"8 bits, 8 bits .* 100\.00%", table)
    assert run("compile", net, "-o", tmp_path / "core", "--lanes", 4, "--input", given) == 0
    assert np.array_equal(np.load(tmp_path / "core/vectors/y.npy"), y)


def test_few_bits_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 1, and no file, if too many sequences have another class."""
    torch.manual_seed(1)
    path, samples = export(Model("LSTM"), tmp_path / "m.onnx"), sequences([6] * 60)
    np.savez(tmp_path / "x.npz", x=samples.x, lengths=samples.lengths)
    options = ("--bits", 2, "--activation-bits", 2, "--calibration", tmp_path / "x.npz", "--least-agreement", 1)
    assert run("import", path, "-o", tmp_path / "net.safetensors", *options) == 1
    assert "of the inputs agree with the file" in capsys.readouterr().err
    assert not (tmp_path / "net.safetensors").exists()


def test_numbers_that_no_format_holds() -> None:
    def quantised(recurrent: float, bias: float, scale: float) -> None:
        cell = FloatCell(
            cell="relu",
            weight=np.ones((2, 1)),
            recurrent=np.full((2, 2), recurrent),
            bias=np.full(2, bias),
            place="node 1 (RNN)",
        )
        network = FloatRecurrent(name="n", where="n", cells=(cell,), head=None)
        samples = Sequences(x=np.ones((400, 1)), lengths=np.array([400]))
        source = InputFormat(width=1, bits=8, scale=scale)
        quantize_recurrent(network, QuantizeRecipe(bits=8), source, samples)

    quantised(0.25, 0.5, 1 / 128)
    with pytest.raises(InputError, match=re.escape("node 1 (RNN): its states leave all")):
        quantised(20.0, 1.0, 1 / 128)
    with pytest.raises(InputError, match=re.escape("node 1 (RNN): its sums cannot be as fine as its states")):
        quantised(0.25, 0.5, 1e6)
    with pytest.raises(InputError, match=re.escape("node 1 (RNN): a bias leaves 32 bits")):
        quantised(0.25, -1e9, 1 / 128)
