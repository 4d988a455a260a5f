"""Training of recurrent networks in two phases: in real numbers, then in the integers of the hardware."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from tqdm import tqdm

from hdlgen import golden
from hdlgen.errors import InputError
from hdlgen.network import BandRnn, InputFormat, Layer, Network, verify
from hdlgen.quantize import Edges, find_edges, weight_exponent, weight_limits
from hdlgen.train.cells import BandCell, CellScales, split, trains
from hdlgen.train.products import EdgeProduct
from hdlgen.train.rounding import MAX_BIAS, floor, narrow
from hdlgen.train.scans import ScanCell, ScanScales, trains_scan
from hdlgen.train.sequence_recipe import SequenceRecipe
from hdlgen.train.sequences import SequenceData, Sequences
from hdlgen.train.training import Epoch, Goal, Trained, reproducible, train_phase

__all__ = ["SequenceModel", "begins", "train_sequences"]

_EVALUATION_BATCH = 512
#: Gradients of recurrences are cut to this norm.
_MAX_NORM = 1.0


@dataclass(frozen=True, kw_only=True)
class _Scales:
    cells: tuple[CellScales | ScanScales, ...]
    head_exponent: int


class SequenceModel(torch.nn.Module):
    """Recurrent layers and a layer behind them, dense or of paths, that reads the last state of each sequence, or all.

    Parameters
    ----------
    network : as of :meth:`SequenceRecipe.network`; one layer behind the recurrent ones. With tensors of weights training
        begins with these; a network may have them only where :func:`begins` does not refuse it.
    exponent : the input v stands for v / 2**exponent.
    functions, seed : as of :class:`BandCell`; layers with tables are smooth.
    every_step : outputs are those of each step.
    unit : what an output of 1 in real numbers means.
    """

    def __init__(
        self,
        network: Network,
        *,
        exponent: int,
        functions: str = "hard",
        seed: int = 0,
        every_step: bool = False,
        unit: float = 1.0,
    ) -> None:
        super().__init__()
        self.network, self.exponent, self.classifier = network, exponent, network.weighted(len(network.layers))
        self.every_step, self.unit = every_step, unit
        widths = network.widths
        self.cells = torch.nn.ModuleList(
            _CELLS[network.layer(last).kind](network, first, last, functions, seed + number)
            for number, (first, last) in enumerate(_runs(network))
        )
        generator = torch.Generator().manual_seed(seed + len(self.cells))
        bound = widths[-2] ** -0.5
        self.edges: Edges | None = None
        if (topology := self.classifier.connections.sobol) is None:
            weights = torch.rand(widths[-1], widths[-2], generator=generator)
        else:
            self.edges = find_edges(topology, (widths[-2], widths[-1]))
            weights = torch.rand(len(self.edges), generator=generator)
            bound = max(bound, (widths[-1] / len(self.edges)) ** 0.5)
            self._product = EdgeProduct.over(self.edges)
        self.head = torch.nn.Parameter((2 * weights - 1) * bound)
        self.head_bias = torch.nn.Parameter(torch.zeros(widths[-1]))
        if self.classifier.weight in network.tensors:
            self._begin()

    def _begin(self) -> None:
        """With the weights of the network. Where no file says what those of the head stand for, they are -2 .. 2 here."""
        network, exponent = self.network, self.exponent
        for (first, _), cell in zip(_runs(network), self.cells, strict=True):
            cell.begin_with(network, first, exponent)
            exponent = cell.exponent
        number = len(network.layers)
        scale = 2.0 ** (2 - self.classifier.weight_bits - exponent)
        if network.output_scale is not None:
            scale = network.output_scale / self.unit
        with torch.no_grad():
            self.head.copy_(torch.from_numpy(network.weights(number) * (scale * 2.0**exponent)))
            self.head_bias.copy_(torch.from_numpy(network.bias(number) * scale))

    def _read(self, states: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """The last state of each sequence, or all of the first sequence, then all of the second, .., (rows, N)."""
        if not self.every_step:
            return states[lengths - 1, torch.arange(states.shape[1])]
        present = torch.arange(len(states)) < lengths[:, None]
        return states.swapaxes(0, 1)[present]

    def _classify(self, states: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        if self.edges is None:
            return states @ weight.T + bias
        return self._product(states.relu(), weight) + bias

    def real(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Outputs, (rows, outputs), in real numbers, for integers x (T, S, I)."""
        values = x.float() * 2.0**-self.exponent
        for cell in self.cells:
            values = cell(values)
        return self._classify(self._read(values, lengths), self.head, self.head_bias)

    def scales(self) -> _Scales:
        """The scales of the least squared error of the weights."""
        exponent, found = self.exponent, []
        for cell in self.cells:
            found.append(cell.scales(exponent))
            exponent = cell.exponent
        bits = self.classifier.weight_bits
        return _Scales(cells=tuple(found), head_exponent=weight_exponent(self.head.detach().double().numpy(), bits))

    def _logit_exponent(self, scales: _Scales) -> int:
        return scales.head_exponent + self.cells[-1].exponent

    def _head(self, scales: _Scales) -> tuple[torch.Tensor, torch.Tensor]:
        limits = weight_limits(self.classifier.weight_bits)
        weight = floor(self.head.double() * 2.0**scales.head_exponent + 0.5).clamp(*limits)
        bias = floor(self.head_bias.double() * 2.0 ** self._logit_exponent(scales) + 0.5)
        return weight, bias.clamp(-MAX_BIAS, MAX_BIAS)

    def integer(self, x: torch.Tensor, lengths: torch.Tensor, scales: _Scales) -> torch.Tensor:
        """Outputs of the integer network, (rows, outputs), as integers in float64."""
        values = x.double()
        for cell, chosen in zip(self.cells, scales.cells, strict=True):
            values = cell.integer(values, chosen)
        weight, bias = self._head(scales)
        return self._classify(self._read(values, lengths), weight, bias)

    def logits(self, x: torch.Tensor, lengths: torch.Tensor, scales: _Scales) -> torch.Tensor:
        """The outputs of the integer network on the scale of the real one."""
        return self.integer(x, lengths, scales) * 2.0 ** -self._logit_exponent(scales)

    def export(self, scales: _Scales, source: InputFormat, *, scaled: bool = False) -> Network:
        """The integer network, verified; ``scaled``: it says what an output of 1 means."""
        tensors: dict[str, np.ndarray] = {}
        layers: list[Layer] = []

        with torch.no_grad():
            for cell, chosen in zip(self.cells, scales.cells, strict=True):
                made, own = cell.exported(chosen)
                layers += made
                tensors |= own
            listed = {name for layer in layers for role, name in layer.roles() if role == "edges" and name}
            tensors |= {name: self.network.tensors[name] for name in listed}
            head = self.classifier
            weight, bias = self._head(scales)
            integers = weight.numpy().astype(np.int64)
            tensors[head.weight] = narrow(split(self.edges, integers), head.weight_bits)
            tensors[str(head.bias)] = bias.numpy().astype(np.int32)
        scale = self.unit * 2.0 ** -self._logit_exponent(scales) if scaled else None
        network = replace(self.network, input=source, layers=(*layers, head), tensors=tensors, output_scale=scale)
        verify(network)
        return network


def _runs(network: Network) -> list[tuple[int, int]]:
    """First and last layers of each recurrence: a layer with a state, and for a scan those that it reads before."""
    ends = [number for number, layer in enumerate(network.layers, 1) if layer.kind in _CELLS]
    return list(zip([1, *(end + 1 for end in ends)], ends, strict=False))


def _band_cell(network: Network, first: int, last: int, functions: str, seed: int) -> BandCell:
    layer = network.recurrent(last)
    hard = layer.gate_function is layer.state_function is None
    inputs, ends = network.widths[first - 1], _ends(network, layer)
    return BandCell(layer, inputs, ends=ends, functions=functions if hard else "smooth", seed=seed)


def _scan_cell(network: Network, first: int, last: int, functions: str, seed: int) -> ScanCell:
    layers = network.layers[first - 1 : last]
    hard = not any(role.endswith("table") and name for role, name in layers[-1].roles())
    inputs = network.widths[first - 1]
    return ScanCell(layers, inputs, functions=functions if hard else "smooth", seed=seed)


_CELLS: dict[str, Callable[[Network, int, int, str, int], BandCell | ScanCell]] = {
    "band_rnn": _band_cell,
    "scan": _scan_cell,
}
"""What trains the layers of a recurrence, by the kind of the last of them."""


def _ends(network: Network, layer: BandRnn) -> tuple[np.ndarray, np.ndarray] | None:
    """Source and row of each recurrent edge of a layer that has such."""
    if layer.recurrence.regular:
        return None
    source, row = network.tensors[str(layer.edges)].astype(np.int64).T
    return source, row


def begins(initial: Network, data: SequenceData, name: str) -> Network:
    """``initial`` under another name, with all biases: what training can begin with.

    Raises
    ------
    InputError
        If its inputs or outputs are not those of ``data``, it has tables of other functions than sigmoid and tanh, paths or
        edges of inputs, or not one dense layer behind the recurrent ones.
    """
    where = initial.where
    initial.refuse_special("to train further")
    for what, own, asked in (
        ("inputs", initial.input.width, data.input.width),
        ("input bits", initial.input.bits, data.input.bits),
        ("signed", initial.input.signed, data.input.signed),
        ("outputs", initial.widths[-1], data.outputs),
    ):
        if own != asked:
            raise InputError(f"{where}: {what}: {own}; allowed with these sequences: {asked}")
    runs, last = _runs(initial), len(initial.layers)
    chained = all(layer.sources == (number,) for number, layer in enumerate(initial.layers))
    head = None if initial.layers[-1].stateful else initial.weighted(last)
    if not runs or runs[-1][1] != last - 1 or not chained or head is None:
        head = None
    if head is None or head.activation is not None or not (head.incoming.full and head.plain(last)):
        raise InputError(f"{where}: cannot be trained further; allowed: one dense layer behind the recurrent ones")
    tensors, layers = dict(initial.tensors), list(initial.layers)

    def named(bias: str | None, new: str, *shape: int) -> str:
        if bias is not None:
            return bias
        while new in tensors:
            new += "_"
        tensors[new] = np.zeros(shape, np.int32)
        return new

    for first, end in runs:
        layers[first - 1 : end] = _READY[initial.layer(end).kind](initial, first, end, named)
    layers[-1] = replace(head, bias=named(head.bias, "head_bias", data.outputs))
    return replace(initial, name=name, layers=tuple(layers), tensors=tensors)


def _band_ready(network: Network, first: int, last: int, named: Callable[..., str]) -> list[Layer]:
    """The layer with all biases; InputError if it cannot be trained."""
    layer, candidate = network.recurrent(last), network.recurrent(last).candidate
    if first != last or not layer.input.connections.full or not trains(layer, network.tensors):
        raise InputError(
            f"{network.where}: layer {first} cannot be trained further; allowed: hard functions, or tables of sigmoid and"
            " tanh, and a dense input"
        )
    if candidate is not None:
        candidate = replace(candidate, bias=named(candidate.bias, f"candidate{last}", layer.width))
    return [replace(layer, bias=named(layer.bias, f"bias{last}", len(layer.gates), layer.width), candidate=candidate)]


def _scan_ready(network: Network, first: int, last: int, named: Callable[..., str]) -> list[Layer]:
    """The layers with all biases; InputError if they cannot be trained."""
    layers = list(network.layers[first - 1 : last])
    if not trains_scan(layers, network.tensors):
        raise InputError(
            f"{network.where}: layer {last} cannot be trained further; allowed: a scan behind a dense layer, perhaps with a"
            " delay before it, and hard functions, or tables of sigmoid and tanh"
        )
    sums = network.weighted(last - 1)
    return [*layers[:-2], replace(sums, bias=named(sums.bias, f"bias{last - 1}", sums.width)), layers[-1]]


_READY: dict[str, Callable[..., list[Layer]]] = {"band_rnn": _band_ready, "scan": _scan_ready}
"""What makes layers such that their training can go on, by the kind of the last of them."""


def _padded(parts: list[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    """Sequences as (T, S, I), with zeros behind the shorter ones, and their lengths."""
    lengths = np.array([len(part) for part in parts])
    x = np.zeros((lengths.max(), len(parts), parts[0].shape[1]))
    for index, part in enumerate(parts):
        x[: len(part), index] = part
    return torch.from_numpy(x), torch.from_numpy(lengths)


class _Batches:
    """Batches of sequences of like lengths in random order, varied and rounded to the network's inputs."""

    def __init__(self, data: SequenceData, recipe: SequenceRecipe) -> None:
        ends = np.cumsum(data.train.lengths)
        self._parts = np.split(data.train.x.astype(np.float64), ends[:-1])
        self._wanted = _rows(data.train, data.train.wanted)
        self._data, self._recipe = data, recipe
        self._rng = np.random.default_rng(recipe.seed)
        self.steps = -(-len(self._parts) // recipe.batch)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        batch, source = self._recipe.batch, self._data.input
        # Neighbours in length go together, so that little is padded.
        roughly = self._data.train.lengths * (1 + 0.2 * self._rng.random(len(self._parts)))
        order = np.argsort(roughly, kind="stable")
        for index in self._rng.permutation(self.steps):
            chosen = order[index * batch : (index + 1) * batch]
            parts = [self._parts[sequence] for sequence in chosen]
            if self._data.change is not None and self._recipe.augment:
                parts = [self._data.change(part, self._rng, self._recipe.augment) for part in parts]
            x, lengths = _padded([np.clip(np.floor(part + 0.5), source.low, source.high) for part in parts])
            wanted = np.concatenate([self._wanted[sequence] for sequence in chosen])
            yield x, lengths, torch.from_numpy(wanted)


_Forward = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _rows(sequences: Sequences, wanted: np.ndarray) -> list[np.ndarray]:
    """``wanted`` of each sequence: a row, or one for each of its steps."""
    counts = sequences.lengths if len(wanted) == len(sequences.x) else np.ones(len(sequences), np.int64)
    return np.split(wanted, np.cumsum(counts)[:-1])


def _outputs(forward: _Forward, sequences: Sequences) -> np.ndarray:
    """Outputs for all sequences, in their order."""
    parts = np.split(sequences.x, np.cumsum(sequences.lengths)[:-1])
    places = _rows(sequences, np.arange(len(sequences.wanted)))
    order = np.argsort(sequences.lengths, kind="stable")
    with torch.no_grad():
        found = [
            forward(*_padded([parts[sequence] for sequence in chosen])).numpy()
            for chosen in np.split(order, range(_EVALUATION_BATCH, len(order), _EVALUATION_BATCH))
        ]
    return np.concatenate(found)[np.argsort(np.concatenate([places[sequence] for sequence in order]))]


def train_sequences(
    data: SequenceData, recipe: SequenceRecipe, *, initial: Network | None = None, progress: bool = True
) -> Trained:
    """Train a recurrent network; the same arguments give the same network on the same machine.

    From scratch, or going on from ``initial``, whose connections and formats stay and take the place of the recipe's. The
    test sequences are looked at once, by the golden model, when all is done; validation sequences are never trained on.

    Raises
    ------
    InputError
        If training diverges, or as :func:`begins`.
    """
    source = data.input
    if initial is None:
        network = recipe.network(source, data.outputs)
    else:
        network = begins(initial, data, recipe.name)
        source = replace(source, scale=network.input.scale, offset=network.input.offset)
    goal, history = Goal(data.train.wanted), list[Epoch]()
    with reproducible(recipe.threads):
        model = SequenceModel(
            network,
            exponent=data.exponent,
            functions=recipe.functions,
            seed=recipe.seed,
            every_step=data.every_step,
            unit=goal.unit,
        )
        batches = _Batches(data, recipe)
        steps = (recipe.epochs + recipe.qat_epochs) * batches.steps
        with tqdm(total=steps, disable=None if progress else True, unit="step", mininterval=0.5) as bar:

            def phase(title: str, forward: _Forward, epochs: int, rate: float, option: str) -> None:
                train_phase(
                    title,
                    torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=recipe.decay),
                    forward,
                    goal.loss,
                    batches,
                    lambda: goal.score(_outputs(forward, data.validation), data.validation.wanted),
                    epochs=epochs,
                    option=option,
                    most_norm=_MAX_NORM,
                    progress=bar,
                    history=history,
                )

            phase("real", model.real, recipe.epochs, recipe.learning_rate, "learning-rate")
            scales = model.scales()
            phase(
                "integer",
                lambda x, lengths: model.logits(x, lengths, scales),
                recipe.qat_epochs,
                recipe.qat_learning_rate,
                "qat-learning-rate",
            )
        scaled = not goal.classes or data.every_step or network.output_scale is not None
        network = model.export(scales, source, scaled=scaled)
        trained_for = _outputs(lambda x, lengths: model.integer(x, lengths, scales), data.validation)
    # What was trained is what was exported, bit for bit.
    asked = {"every_step": data.every_step}
    held_out = data.validation
    assert np.array_equal(trained_for, golden.evaluate(network, held_out.x, held_out.lengths, **asked))
    validation, test = (
        (None, None) if part is None else goal.measure(network, part.x, part.wanted, lengths=part.lengths, **asked)
        for part in (held_out, data.test)
    )
    return Trained(
        network=network,
        validation_accuracy=validation[0],
        test_accuracy=test[0],
        validation_deviation=validation[1],
        test_deviation=test[1],
        history=tuple(history),
    )
