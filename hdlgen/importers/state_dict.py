"""A state_dict in a safetensors file, with a description in JSON of what its tensors are for, as a graph."""

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import safetensors

from hdlgen.description import (
    MAX_LAYERS,
    MAX_WIDTH,
    NAME,
    NAME_ALLOWED,
    known_kind,
    members_of,
    refuse,
    text_of,
    whole,
)
from hdlgen.errors import InputError
from hdlgen.importers.graph import Graph, Node, finite
from hdlgen.importers.onnx_file import read_bytes
from hdlgen.schema import load_json

__all__ = ["FORMAT", "read_state_dict"]

FORMAT = "hdlgen.import"

_REAL = {"F16": np.float16, "BF16": np.uint16, "F32": np.float32, "F64": np.float64}
#: Kinds of layers: members, members that may be left out, and the operation.
_KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "linear": (("weight",), ("bias", "mask"), "Gemm"),
    "conv": (("weight",), ("bias", "stride", "padding", "groups"), "Conv"),
    "max_pool": (("kernel",), ("stride", "padding"), "MaxPool"),
    "mean": ((), (), "GlobalAveragePool"),
    "flatten": ((), (), "Flatten"),
    "batch_norm": (("prefix",), ("epsilon",), "BatchNormalization"),
    "relu": ((), (), "Relu"),
    "add": (("other",), (), "Add"),
    "softmax": ((), (), "Softmax"),
    "rnn": (("prefix",), ("nonlinearity",), "RNN"),
    "gru": (("prefix",), (), "GRU"),
    "lstm": (("prefix",), (), "LSTM"),
}
#: Order of PyTorch's gates in ONNX.
_GATES = {"RNN": (0,), "GRU": (1, 0, 2), "LSTM": (0, 3, 1, 2)}


def _tensors(path: Path) -> dict[str, dict[str, Any]]:
    """Shape, type and bytes of each tensor; nothing is made of those that are not used."""
    where = ascii(str(path))[1:-1]  # a name out of a file
    data = read_bytes(path, where)
    try:
        return dict(safetensors.deserialize(data))
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{where}: no valid safetensors file: {ascii(str(error))[1:-1]}") from None


class _Builder:
    def __init__(self, tensors: dict[str, dict[str, Any]], where: str, axes: int) -> None:
        #: ``axes`` are height and width, of images.
        self.tensors, self.where, self.axes = tensors, where, axes
        self.constants: dict[str, np.ndarray] = {"\0axis 0": np.array([0]), "\0axis 1": np.array([1])}
        #: Of recurrent layers, the states of all steps; a layer's own name is that of the last step's.
        self.steps: dict[str, str] = {}

    def recurrent(self, number: int, op: str, source: str, members: dict[str, Any], place: str) -> Iterator[Node]:
        """Nodes for each of the layers l0, l1, .. of nn.RNN, nn.GRU or nn.LSTM."""
        prefix, kind = members["prefix"], members.get("nonlinearity", "tanh")
        if not isinstance(prefix, str):
            refuse(place, "prefix", prefix, "what the names of its tensors begin with")
        if kind not in ("tanh", "relu"):
            refuse(place, "nonlinearity", kind, "tanh, relu")
        base = f"{prefix}." if prefix else ""
        attributes = {"linear_before_reset": 1} if op == "GRU" else {"activations": [kind]} if op == "RNN" else {}
        for refused, what in (("weight_ih_l0_reverse", "bidirectional"), ("weight_hr_l0", "of proj_size")):
            if base + refused in self.tensors:
                raise InputError(f"{place}: {op} is {what} ({base}{refused}); allowed: forward, without projection")

        def ordered(name: str, dimensions: int) -> np.ndarray:
            what, gates = f"{op} {'weight' if dimensions == 2 else 'bias'}", _GATES[op]
            array = self.constants[self.tensor(place, what, base + name, dimensions)]
            if len(array) % len(gates):
                rows = f"has {len(array)} rows; allowed: a multiple of {len(gates)}, its gates"
                raise InputError(f"{place}: {op} {base + name!r} {rows}")
            parts = np.split(array, len(gates))
            return np.concatenate([parts[gate] for gate in gates])[None]

        read, layer = self.steps.get(source, source), 0
        while not layer or f"{base}weight_ih_l{layer}" in self.tensors:
            title = f"\0{number}.{layer}"
            made = {f"{title} {of}": ordered(f"weight_{of}_l{layer}", 2) for of in ("ih", "hh")}
            if f"{base}bias_ih_l{layer}" in self.tensors:
                both = [ordered(f"bias_{of}_l{layer}", 1) for of in ("ih", "hh")]
                made[f"{title} bias"] = np.concatenate(both, axis=1)
            self.constants |= made
            states, last, steps = (f"{title} {what}" for what in ("states", "last", "steps"))
            inputs, called = (read, *made), f"{place} ({op})"
            yield Node(op=op, inputs=inputs, outputs=(states, last), attributes=attributes, place=called)
            yield Node(op="Squeeze", inputs=(states, "\0axis 1"), outputs=(steps,), place=place)
            read, layer = steps, layer + 1
        self.steps[str(number)] = read
        yield Node(op="Squeeze", inputs=(last, "\0axis 0"), outputs=(str(number),), place=place)

    def tensor(self, place: str, what: str, name: object, dimensions: int) -> str:
        if not isinstance(name, str) or name not in self.tensors:
            some = ", ".join(ascii(known[:60])[1:-1] for known in sorted(self.tensors)[:8])
            refuse(place, what, name, f"names of tensors: {some}{', ..' if len(self.tensors) > 8 else ''}")
        kind, shape = self.tensors[name]["dtype"], list(self.tensors[name]["shape"])
        if len(shape) != dimensions or kind not in _REAL or 0 in shape:
            raise InputError(
                f"{place}: {what} {name!r} is {kind} {shape};"
                f" allowed: real numbers ({', '.join(_REAL)}) with {dimensions} dimension(s), at least one"
            )
        if name not in self.constants:
            array = np.frombuffer(self.tensors[name]["data"], _REAL[kind]).reshape(shape)
            if kind == "BF16":  # the upper half of single precision
                array = (array.astype(np.uint32) << 16).view(np.float32)
            self.constants[name] = finite(array, place, f"{what} {name!r}")
        return name

    def masked(self, place: str, weight: str, mask: object) -> str:
        name = self.tensor(place, "mask", mask, 2)
        shapes = [list(self.constants[each].shape) for each in (name, weight)]
        if shapes[0] != shapes[1]:
            raise InputError(f"{place}: mask is {shapes[0]}; allowed: the shape of the weight, {shapes[1]}")
        product = f"{weight}\0{name}"
        self.constants[product] = self.constants[weight] * self.constants[name]
        return product

    def layer(self, number: int, value: object) -> Iterator[Node]:
        place = f"{self.where}: layer {number}"
        known_kind(place, "layer", value, tuple(_KINDS))
        kind = value.get("kind", "") if isinstance(value, dict) else ""
        if kind in ("conv", "max_pool", "mean") and not self.axes:
            refuse(place, "kind", kind, "others, for inputs without pixels")
        required, optional, op = _KINDS.get(kind, ((), (), ""))
        members = members_of(place, "layer", value, ("kind", *required), ("source", *optional))
        inputs = [str(whole(place, "source", members.get("source", number - 1), 0, number - 1))]
        attributes: dict[str, Any] = {}
        if kind in ("rnn", "gru", "lstm"):
            yield from self.recurrent(number, op, inputs[0], members, place)
            return
        if kind == "linear":
            attributes["transB"] = 1
            weight = self.tensor(place, "weight", members["weight"], 2)
            if members.get("mask") is not None:
                weight = self.masked(place, weight, members["mask"])
            inputs.append(weight)
            if members.get("bias") is not None:
                inputs.append(self.tensor(place, "bias", members["bias"], 1))
        elif kind == "conv":
            inputs.append(self.tensor(place, "weight", members["weight"], 2 + self.axes))
            if members.get("bias") is not None:
                inputs.append(self.tensor(place, "bias", members["bias"], 1))
            attributes["group"] = whole(place, "groups", members.get("groups", 1), 1, MAX_WIDTH)
        elif kind == "max_pool":
            attributes["kernel_shape"] = [whole(place, "kernel", members["kernel"], 1, MAX_WIDTH)] * self.axes
        elif kind == "batch_norm":
            prefix, epsilon = members["prefix"], members.get("epsilon", 1e-5)
            if not isinstance(prefix, str):
                refuse(place, "prefix", prefix, "what the names of its tensors begin with")
            if not isinstance(epsilon, float) or not 0 < epsilon < 1:
                refuse(place, "epsilon", epsilon, "numbers between 0 and 1; 1e-05 where left out")
            attributes["epsilon"] = epsilon
            for name in ("weight", "bias", "running_mean", "running_var"):
                inputs.append(self.tensor(place, name, f"{prefix}.{name}", 1))
        elif kind == "add":
            inputs.append(str(whole(place, "other", members["other"], 0, number - 1)))
        if kind in ("conv", "max_pool"):  # PyTorch moves a pool by its kernel
            stride = whole(place, "stride", members.get("stride", members.get("kernel", 1)), 1, MAX_WIDTH)
            around = whole(place, "padding", members.get("padding", 0), 0, MAX_WIDTH)
            attributes |= {"strides": [stride] * self.axes, "pads": [around] * 2 * self.axes}
        yield Node(
            op=op, inputs=tuple(inputs), outputs=(str(number),), attributes=attributes, place=f"{place} ({kind})"
        )


def read_state_dict(path: str | os.PathLike[str]) -> Graph:
    """The graph of the description ``path``, a JSON file that names a safetensors file beside it.

    Raises InputError if there is no such file, or it breaks a rule of docs/import.md.
    """
    file, where = Path(path), str(path)
    members = members_of(where, "description", load_json(file), ("format", "name", "tensors", "input", "layers"))
    if members["format"] != FORMAT:
        refuse(where, "format", members["format"], FORMAT)
    name = text_of(where, "name", members["name"], NAME, NAME_ALLOWED)
    tensors, layers = members["tensors"], members["layers"]
    if (
        not isinstance(tensors, str)
        or Path(tensors).name != tensors
        or tensors in ("", "..")
        or not tensors.isprintable()
    ):
        refuse(where, "tensors", tensors, "the name of a safetensors file in the same folder")
    lengths = members["input"] if isinstance(members["input"], list) else [members["input"]]
    shape = tuple(whole(where, "input", length, 1, MAX_WIDTH) for length in lengths)
    if not 1 <= len(shape) <= 3 or math.prod(shape) > MAX_WIDTH:
        refuse(where, "input", members["input"], "a width, or [channels, height, width], or [channels, steps]")
    if not isinstance(layers, list) or not 1 <= len(layers) <= 4 * MAX_LAYERS:
        refuse(where, "layers", layers, f"a list of 1..{4 * MAX_LAYERS} layers")
    builder = _Builder(_tensors(file.parent / tensors), where, len(shape) - 1)
    nodes = tuple(node for number, layer in enumerate(layers, 1) for node in builder.layer(number, layer))
    return Graph(
        name=name,
        where=where,
        input="0",
        input_shape=(0, *shape) if any(map(Graph.has_state, nodes)) else shape,
        outputs=(str(len(layers)),),
        nodes=nodes,
        constants=builder.constants,
    )
