"""Linear recurrences in PyTorch, in real numbers and in integers: their sums, of one step or several, and the scan behind.

As in :mod:`hdlgen.train.cells` the forward pass in integers computes those of :mod:`hdlgen.golden`, held in float64.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from hdlgen.layers.base import Tensors
from hdlgen.network import Activation, Dense, Layer, Network, Scan, Table, Weighted
from hdlgen.quantize import weight_exponent, weight_limits
from hdlgen.quantize.tables import FUNCTIONS, cell_table, function_table
from hdlgen.train.rounding import MAX_BIAS, PRE_LOG2, floor, looked_up, narrow, round_shift

__all__ = ["ScanCell", "ScanScales", "trains_scan"]

_KEEPS = {"mingru": -1.0, "sru": 1.0, "qrnn": 1.0}
"""First bias of a cell's first gate, on average: it keeps most of the state."""


@dataclass(frozen=True, kw_only=True)
class ScanScales:
    """The scales of a cell's integers: weights by 2**e, ``fraction`` of the rows, which the sums are shifted to.

    ``scan_exponent`` : of an IndRNN's own weights.
    """

    exponent: int
    fraction: int
    shift: int
    scan_exponent: int


@dataclass(frozen=True, kw_only=True)
class _Arithmetic:
    """What the equations of a scan are made of; ``between``: base + gate * (other - base)."""

    gate: Callable[[torch.Tensor], torch.Tensor]
    candidate: Callable[[torch.Tensor], torch.Tensor]
    plain: Callable[[torch.Tensor], torch.Tensor]
    between: Callable[..., torch.Tensor]
    state: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


_TRAINED = ("dense scan", "delay dense scan")
"""The kinds of layers of a recurrence."""


def trains_scan(layers: Sequence[Layer], tensors: Tensors) -> bool:
    """Whether these layers are those of a :class:`ScanCell`, with all hard functions, or tables of sigmoid and tanh."""
    if " ".join(layer.kind for layer in layers) not in _TRAINED:
        return False
    sums: Any = layers[-2]
    scan: Any = layers[-1]
    own = {name: getattr(sums, name) for name in ("width", "source", "weight", "weight_bits", "bias")}
    activation = sums.activation and Activation(
        kind="identity", bits=sums.activation.bits, shift=sums.activation.shift
    )
    if sums != Weighted(connections=Dense(), activation=activation, **own):
        return False
    given = {"gate": scan.gate_function, "candidate": scan.candidate_function}
    if scan.gated and len({table is None for which, table in given.items() if scan.bounded or which == "gate"}) > 1:
        return False
    for which, table in given.items():
        if table is not None:
            entries = tensors[table.table].astype(np.int64)
            if np.abs(entries - _entries(scan, which, table.shift, scan.fraction, len(entries))).max() > 1:
                return False
    return True


def _entries(scan: Scan, which: str, shift: int, fraction: int, count: int) -> np.ndarray:
    """A table of the function of gates, or of candidates, of so many entries, of rows at 2**fraction."""
    gate = which == "gate"
    return function_table(
        FUNCTIONS["gate" if gate else "state"],
        entries=count,
        shift=shift,
        source=fraction,
        target=scan.gate_fraction if gate else scan.state.fraction,
        limits=(0, 1 << scan.gate_fraction) if gate else scan.states,
    )


class ScanCell(torch.nn.Module):
    """The layers of one linear recurrence over whole sequences.

    Parameters
    ----------
    layers : perhaps a :class:`~hdlgen.network.Delay`, a dense :class:`~hdlgen.network.Weighted`, and a
        :class:`~hdlgen.network.Scan`. Scales (shift, fraction) and tables' shifts are those of an example; :meth:`scales`
        chooses them.
    inputs : of a step.
    functions : "hard"; "smooth": sigmoid and tanh, and tables of them in integers.
    seed : of the initial weights.
    """

    def __init__(self, layers: Sequence[Layer], inputs: int, *, functions: str = "hard", seed: int = 0) -> None:
        super().__init__()
        scan: Any = layers[-1]
        sums: Any = layers[-2]
        self.layers, self.sums, self.scan = tuple(layers), sums, scan
        self.taps = 1 if len(layers) == 2 else layers[0].width // inputs
        self.smooth = functions == "smooth" and scan.gated
        generator = torch.Generator().manual_seed(seed)
        fan_in, rows = inputs * self.taps, len(scan.names)

        def uniform(*shape: int) -> torch.Tensor:
            return 2 * torch.rand(*shape, generator=generator) - 1

        self.weight = torch.nn.Parameter(uniform(sums.width, fan_in) / math.sqrt(fan_in))
        self.bias = torch.nn.Parameter(torch.zeros(sums.width))
        self.own = torch.nn.Parameter(uniform(scan.width) * 0.25 + 0.75) if scan.weight is not None else None
        if scan.cell in _KEEPS:
            with torch.no_grad():
                self.bias[::rows] = _KEEPS[scan.cell] + 0.75 * uniform(scan.width)

    @property
    def exponent(self) -> int:
        """What it passes on stands for itself / 2**exponent."""
        return self.scan.output.fraction

    # The equations.

    def _rows(self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """Sums of all steps, (T, S, N R), of inputs (T, S, I) and those of the steps before."""
        late = [x]
        for _ in range(self.taps - 1):
            late.append(torch.cat([torch.zeros_like(x[:1]), late[-1][:-1]]))
        return torch.cat(late, dim=2) @ weight.T + bias

    def _states(self, rows: torch.Tensor, a: _Arithmetic) -> torch.Tensor:
        """What all steps pass on, (T, S, N), from their rows (T, S, N R)."""
        scan = self.scan
        parts = dict(zip(scan.names, rows.unflatten(2, (scan.width, -1)).unbind(3), strict=True))
        s, states = torch.zeros_like(rows[0, :, : scan.width]), []
        if scan.cell == "mingru":
            for z, n in zip(a.gate(parts["z"]), a.candidate(parts["n"]), strict=True):
                s = a.between(s, n, z)
                states.append(s)
        elif scan.gated:
            for f, n in zip(a.gate(parts["f"]), a.candidate(parts["n"]), strict=True):
                s = a.between(n, s, f)
                states.append(s)
        else:
            for row in parts["a"]:
                s = a.state(row, s)
                states.append(s)
        found = torch.stack(states)
        if scan.cell == "sru":
            return a.between(a.plain(parts["x"]), found, a.gate(parts["r"]))
        return a.between(0.0, found, a.gate(parts["o"])) if scan.cell == "qrnn" else found

    # Real numbers.

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What all steps pass on, (T, S, N), in real numbers, for inputs (T, S, I)."""
        scan, own = self.scan, self.own
        sigmoid = torch.sigmoid if self.smooth else lambda v: (v * 0.25 + 0.5).clamp(0, 1)
        tanh = torch.tanh if self.smooth else lambda v: v.clamp(-1, 1)
        limit = tanh if scan.bounded else torch.relu if scan.function == "relu" else lambda v: v
        arithmetic = _Arithmetic(
            gate=sigmoid,
            candidate=limit,
            plain=lambda v: v,
            between=lambda base, other, gate: base + gate * (other - base),
            state=lambda row, s: limit(row + own * s),
        )
        return self._states(self._rows(x, self.weight, self.bias), arithmetic)

    # Integers.

    def scales(self, source_exponent: int) -> ScanScales:
        """The scales of the least squared error of the weights; inputs are at 2**source_exponent."""
        scan, bits = self.scan, self.sums.activation.bits if self.sums.activation is not None else 16
        exponent = weight_exponent(self.weight.detach().double().numpy(), self.sums.weight_bits)
        least = scan.gate_fraction - 2 if scan.gated and not self.smooth else 0
        fraction = max(min(source_exponent + exponent, bits - 1 - PRE_LOG2), least)
        exponent, own = max(exponent, fraction - source_exponent), 0
        if self.own is not None:
            own = weight_exponent(self.own.detach().double().numpy(), scan.weight_bits or 1)
            own = max(own, fraction - scan.state.fraction, 0)
        shift = source_exponent + exponent - fraction
        return ScanScales(exponent=exponent, fraction=fraction, shift=shift, scan_exponent=own)

    def integer_weights(self, scales: ScanScales) -> dict[str, torch.Tensor]:
        """``weight``, ``bias`` and perhaps ``own``, integers in float64."""

        def integers(values: torch.Tensor, exponent: int, limits: tuple[int, int]) -> torch.Tensor:
            return floor(values.double() * 2.0**exponent + 0.5).clamp(*limits)

        scan, sums, at = self.scan, self.sums, scales.fraction + scales.shift
        result = {
            "weight": integers(self.weight, scales.exponent, weight_limits(sums.weight_bits)),
            "bias": integers(self.bias, at, (-MAX_BIAS, MAX_BIAS)),
        }
        if self.own is not None:
            result["own"] = integers(self.own, scales.scan_exponent, weight_limits(scan.weight_bits or 1))
        return result

    def begin_with(self, network: Network, first: int, source_exponent: int) -> None:
        """Take over what the integers of layers ``first``, .. stand for; inputs are at 2**source_exponent."""
        last = first + len(self.layers) - 1
        sums, tensors = network.weighted(last - 1), network.tensors
        at = self.scan.fraction + (0 if sums.activation is None else sums.activation.shift)
        scaled = [
            (self.weight, network.weights(last - 1), at - source_exponent),
            (self.bias, network.bias(last - 1), at),
        ]
        if self.own is not None:
            scaled.append((self.own, self.scan.weights(tensors), self.scan.weight_fraction or 0))
        with torch.no_grad():
            for parameter, integers, exponent in scaled:
                parameter.copy_(torch.from_numpy(np.ldexp(integers.astype(np.float64), -exponent)))

    def _tables(self, scales: ScanScales) -> dict[str, tuple[Table, np.ndarray]]:
        """Of the ``gate``'s function, and the ``candidate``'s: the table and its entries."""
        found = {}
        for which in ("gate", "candidate") if self.smooth else ():
            if which == "gate" or self.scan.bounded:
                name, kind = f"{self.sums.weight}.{which}_table", "gate" if which == "gate" else "state"
                table = cell_table(name, kind, fraction=scales.fraction, entries_log2=8, cell_fraction=None)
                found[which] = table, _entries(self.scan, which, table.shift, scales.fraction, 256)
        return found

    def exported(self, scales: ScanScales) -> tuple[list[Layer], dict[str, np.ndarray]]:
        """Its layers as a network file has them, and their tensors."""
        tables, sums, scan = self._tables(scales), self.sums, self.scan
        assert sums.activation is not None
        weights = {
            name: value.detach().numpy().astype(np.int64) for name, value in self.integer_weights(scales).items()
        }
        tensors = {
            sums.weight: narrow(weights["weight"], sums.weight_bits),
            str(sums.bias): weights["bias"].astype(np.int32),
        }
        if scan.weight is not None:
            tensors[scan.weight] = narrow(weights["own"], scan.weight_bits or 1)
        tensors |= {table.table: entries for table, entries in tables.values()}
        made = replace(
            scan,
            fraction=scales.fraction,
            weight_fraction=None if scan.weight is None else scales.scan_exponent,
            gate_function=tables["gate"][0] if "gate" in tables else None,
            candidate_function=tables["candidate"][0] if "candidate" in tables else None,
            function="identity" if "candidate" in tables else scan.function,
        )
        shifted = replace(sums, activation=replace(sums.activation, shift=scales.shift))
        return [*self.layers[:-2], shifted, made], tensors

    def integer(self, x: torch.Tensor, scales: ScanScales) -> torch.Tensor:
        """What all steps pass on, (T, S, N), for inputs (T, S, I); all integers in float64."""
        weights, scan, p, f = self.integer_weights(scales), self.scan, scales.fraction, self.scan.state.fraction
        assert self.sums.activation is not None
        tables, g = self._tables(scales), scan.gate_fraction if scan.gated else 0
        rows = round_shift(self._rows(x, weights["weight"], weights["bias"]), scales.shift)
        rows = rows.clamp(self.sums.activation.low, self.sums.activation.high)

        def aligned(limits: tuple[int, int]) -> Callable[[torch.Tensor], torch.Tensor]:
            return lambda v: (v * 2.0 ** (f - p) if f >= p else round_shift(v, p - f)).clamp(*limits)

        functions: dict[str, Any] = {
            "gate": lambda v: round_shift(v + 2.0 ** (p + 1), p + 2 - g).clamp(0, 1 << g),
            "candidate": aligned(scan.hard_limits if scan.bounded else scan.states),
        }
        smooth = {
            "gate": lambda v: torch.sigmoid(v * 2.0**-p) * 2.0**g,
            "candidate": lambda v: torch.tanh(v * 2.0**-p) * 2.0**f,
        }
        functions |= {which: looked_up(smooth[which], *found) for which, found in tables.items()}
        lift, e = f + scales.scan_exponent - p, scales.scan_exponent
        limited = scan.hard_limits if scan.bounded else scan.states
        arithmetic = _Arithmetic(
            **functions,
            plain=aligned(scan.states),
            between=lambda base, other, gate: base + round_shift(gate * (other - base), g),
            state=lambda row, s: round_shift(row * 2.0**lift + weights["own"] * s, e).clamp(*limited),
        )
        low, high = scan.format
        return round_shift(self._states(rows, arithmetic), f - scan.output.fraction).clamp(low, high)
