"""What recurrent network to train, and how: checked before any file is read."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hdlgen.description import MAX_WIDTH
from hdlgen.errors import InputError
from hdlgen.layers import GATES, SCANS
from hdlgen.layers.delay import MAX_TAPS
from hdlgen.network import FORMAT_VERSION, InputFormat, Network, parse
from hdlgen.train.graphs import check_graph, random_graph
from hdlgen.train.recipe import MAX_EPOCHS, Course, check_rate, check_whole

__all__ = ["SequenceRecipe"]

#: Fraction bits of a state of b bits: b less these; the ReLU of an unsigned state needs room above 1.
_HEADROOM = {"relu": 3, "ligru": 3, "mingru": 3, "sru": 3, "indrnn": 3}

_DEGREE, _REWIRE, _GRAPH_SEED = 8, 0.1, 1


@dataclass(frozen=True, kw_only=True)
class SequenceRecipe(Course):
    """A network of recurrent layers and a classifier, to train from scratch, and its training, a :class:`Course`.

    Parameters
    ----------
    name : of the network.
    cell : relu, tanh, gru, ligru or lstm; or a linear recurrence: mingru, sru, qrnn, indrnn.
    width : neurons of each recurrent layer.
    layers : recurrent layers.
    band, cyclic, groups : the connections: a band of C, cyclic or not, or so many groups; neither: full.
    graph, degree, rewire, graph_seed : or a random graph, one for all gates, as of :func:`random_graph`; the next layer has
        the next seed. By default a degree of 8, 0.1 and seed 1.
    window : of linear recurrences: so many steps are looked at, the last ones of what the layer reads; by default 1, with
        qrnn 2.
    shared : one input product for all gates.
    input_paths : so many Sobol' paths from the layer's input instead of a dense matrix.
    head_paths : so many Sobol' paths from the last state to the classes instead of a dense matrix.
    functions : "hard", or "smooth": sigmoid and tanh, as tables in integers.
    weight_bits, state_bits : of the integers; gates have as many bits as states.
    state_fraction : default: one less than the bits; for an unsigned state three less.
    epochs, learning_rate : of the training in real numbers; Adam, cosine to zero.
    qat_epochs, qat_learning_rate : of the quantisation-aware training that follows; 0 epochs: rounding only.
    augment : strength of the changes of training sequences where the data has such; 0: none.
    decay : weight decay, as AdamW's.
    """

    name: str
    cell: str
    width: int
    layers: int = 1
    band: int | None = None
    cyclic: bool = False
    groups: int | None = None
    graph: str | None = None
    degree: int | None = None
    rewire: float | None = None
    graph_seed: int | None = None
    window: int | None = None
    shared: bool = False
    input_paths: int | None = None
    head_paths: int | None = None
    functions: str = "hard"
    weight_bits: int = 8
    state_bits: int = 8
    state_fraction: int | None = None
    epochs: int = 30
    learning_rate: float = 4e-3
    qat_epochs: int = 15
    qat_learning_rate: float = 1e-3
    batch: int = 64
    augment: float = 1.0
    decay: float = 0.0

    def __post_init__(self) -> None:
        check_whole("layers", self.layers, 1, 16)
        super().__post_init__()
        check_whole("qat-epochs", self.qat_epochs, 0, MAX_EPOCHS)
        if self.functions not in ("hard", "smooth"):
            raise InputError(f"train: functions is {self.functions!r}; allowed: hard, smooth")
        check_rate("qat-learning-rate", self.qat_learning_rate)
        for option, value, high in (("augment", self.augment, 4), ("decay", self.decay, 1)):
            if not (math.isfinite(value) and 0 <= value <= high):
                raise InputError(f"train: {option} is {value}; allowed: 0..{high}")
        self._check_graph()
        self._check_scan()
        # Stand-ins for what only the data tell.
        self.network(InputFormat(width=1, bits=8, signed=True), 2)

    def _check_graph(self) -> None:
        for option in ("degree", "rewire", "graph_seed"):
            if self.graph is None and (value := getattr(self, option)) is not None:
                raise InputError(f"train: {option.replace('_', '-')} is {value}; allowed: with --graph")
        if self.graph is None:
            return
        for option, chosen in (("band", self.band), ("groups", self.groups), ("cyclic", self.cyclic or None)):
            if chosen is not None:
                raise InputError(f"train: {option} is {chosen}; allowed: without --graph")
        if self.rewire is not None and (not 0 <= self.rewire <= 1 or self.graph != "watts-strogatz"):
            raise InputError(f"train: rewire is {self.rewire}; allowed: 0..1, with --graph watts-strogatz")
        check_whole("graph-seed", self._graph["seed"], 0, (1 << 32) - 1 - self.layers)
        check_whole("width", self.width, 2, MAX_WIDTH)
        check_graph(self.graph, self.width, self._graph["degree"])

    def _check_scan(self) -> None:
        """What linear recurrences have, and what they have not."""
        if self.cell not in SCANS:
            if self.window is not None:
                raise InputError(f"train: window is {self.window}; allowed: with --cell {', '.join(SCANS)}")
            return
        for option in ("band", "groups", "cyclic", "graph", "shared", "input_paths"):
            if value := getattr(self, option):
                raise InputError(f"train: {option.replace('_', '-')} is {value}; allowed: with {', '.join(GATES)}")
        if self.window is not None:
            check_whole("window", self.window, 1, MAX_TAPS)

    @property
    def _graph(self) -> dict[str, Any]:
        return {
            "degree": _DEGREE if self.degree is None else self.degree,
            "rewire": _REWIRE if self.rewire is None else self.rewire,
            "seed": _GRAPH_SEED if self.graph_seed is None else self.graph_seed,
        }

    def _edges(self) -> dict[str, np.ndarray]:
        """The tensors of the layers' edges."""
        tensors, chosen = {}, self._graph
        for number in range(1, self.layers + 1 if self.graph is not None else 1):
            pairs = random_graph(str(self.graph), self.width, **(chosen | {"seed": chosen["seed"] + number - 1}))
            gates = np.arange(len(GATES[self.cell]))[:, None, None] * [0, self.width]
            tensors[f"edges{number}"] = (pairs + gates).reshape(-1, 2).astype(np.int32)
        return tensors

    @property
    def _fraction(self) -> int:
        """Fraction bits of a state."""
        if self.state_fraction is not None:
            return self.state_fraction
        return max(0, self.state_bits - _HEADROOM.get(self.cell, 1))

    def _bands(self) -> list[dict[str, Any]]:
        given = {"groups": self.groups, "band": self.band}
        connections: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if not connections and self.graph is None:
            whole = 2 * self.width - 1 if type(self.width) is int and self.width > 0 else 1
            connections["band"] = self.width if self.cyclic else whole
        if "band" in connections:
            connections["cyclic"] = self.cyclic
        wide, bits = max(16, 2 * self.state_bits), {"weight_bits": self.weight_bits}
        layers: list[dict[str, Any]] = []
        for number in range(1, self.layers + 1):
            fed = {"weight": f"input{number}", "shift": 0, "bits": wide, "shared": self.shared} | bits
            topology = {} if self.input_paths is None else {"topology": _paths(self.input_paths)}
            layer = {
                "kind": "band_rnn",
                "width": self.width,
                "cell": self.cell,
                "recurrent": f"recurrent{number}",
                "input": {"kind": "path" if topology else "dense", **fed, **topology},
                "bias": f"bias{number}",
                "fraction": 40,  # a stand-in that suits every state and gate
                "state": {"bits": self.state_bits, "fraction": self._fraction},
            }
            if self.cell in ("gru", "ligru", "lstm"):
                layer["gate"] = {"bits": self.state_bits}
            if self.cell == "gru":
                layer["candidate"] = {"bias": f"candidate{number}", "bits": wide, "shift": 0}
            if self.cell == "lstm":
                layer["cell_state"] = {"bits": 2 * self.state_bits, "fraction": self.state_bits}
            listed = {} if self.graph is None else {"edges": f"edges{number}"}
            layers.append(layer | connections | listed | bits)
        return layers

    def _scans(self, source: InputFormat) -> list[dict[str, Any]]:
        """A layer of sums and a scan each, and a delay before them where they look at more than one step."""
        rows, bits = len(SCANS[self.cell]), {"weight_bits": self.weight_bits}
        taps = self.window or (2 if self.cell == "qrnn" else 1)
        relu = self.cell == "indrnn"
        read = {"width": source.width, "bits": source.bits, "signed": source.signed}
        layers: list[dict[str, Any]] = []
        for number in range(1, self.layers + 1):
            if taps > 1:
                layers.append({"kind": "delay", **read, "width": taps * read["width"], "taps": taps})
            sums = {"kind": "dense", "width": rows * self.width, "weight": f"input{number}", "bias": f"bias{number}"}
            activation = {"kind": "identity", "bits": 16, "shift": 0}
            layers.append(sums | bits | {"activation": activation})
            scan = {
                "kind": "scan",
                "width": self.width,
                "cell": self.cell,
                "fraction": 14,  # a stand-in that suits every state and gate
                # The difference of two states has twice the bits of an output: a multiplier of 16 bits takes it.
                "state": {"bits": 2 * self.state_bits - 1, "fraction": self._fraction + self.state_bits - 1},
                "output": {"bits": self.state_bits, "fraction": self._fraction},
            }
            if relu:
                scan |= {"weight": f"scan{number}", "weight_fraction": 14} | bits
            else:
                candidate = "hard" if self.cell == "qrnn" else "identity"
                scan |= {"gate": {"bits": self.state_bits}, "functions": {"candidate": candidate}}
            layers.append(scan)
            read = {"width": self.width, "bits": self.state_bits, "signed": not relu}
        return layers

    def network(self, source: InputFormat, outputs: int) -> Network:
        """The network without tensors but those of edges, after the same checks as those of a network file.

        Its scales are stand-ins.
        """
        if self.cell not in (*GATES, *SCANS):
            raise InputError(f"train: cell is {self.cell!r}; allowed: {', '.join((*GATES, *SCANS))}")
        bits = {"weight_bits": self.weight_bits}
        layers = self._scans(source) if self.cell in SCANS else self._bands()
        head = {"width": outputs, "weight": "head", "bias": "head_bias", "activation": None} | bits
        layers.append({"kind": "dense" if self.head_paths is None else "path", **head})
        description: dict[str, Any] = {
            "format_version": FORMAT_VERSION,
            "name": self.name,
            "input": {"width": source.width, "bits": source.bits, "signed": source.signed},
            "layers": layers,
        }
        if self.head_paths is not None:
            description["topology"] = _paths(self.head_paths)
        return replace(parse(description, "train"), tensors=self._edges())


def _paths(count: int) -> dict[str, Any]:
    return {"kind": "sobol", "paths": count, "dimensions": [0, 1]}
