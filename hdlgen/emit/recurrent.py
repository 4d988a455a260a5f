"""What is emitted for a recurrent network and not for others."""

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdlgen import golden
from hdlgen.compiler.program_band import BandProgram, Unit
from hdlgen.emit.ports import ports
from hdlgen.gateware.primitives import Library, RamParameters, RomParameters, StoreParameters
from hdlgen.network import RecurrentNetwork

__all__ = ["PROBE", "members", "vectors"]

LENGTHS = (1, 2, 3, 1, 5, 8, 13)
"""Of the random test vectors."""
PROBES = (1, 1, 2, 3, 7)
"""Of the sequences that the test bench needs besides: single steps, whose latency it measures, and short ones."""
LONGEST = 200
PROBE = "probe_"
"""Begins the names of their files."""


_PURPOSES = {
    "weights": "weights",
    "indices": "connectivity",
    "lengths": "schedule",
    **dict.fromkeys(("before", "after", "bias", "late_bias"), "biases"),
}
"""What the read-only memories of a unit are for; the others are tables of functions."""


def probe_lengths(program: BandProgram) -> tuple[int, ...]:
    """`PROBES` and a long sequence: of 200 steps, fewer where these take long, but enough to see the interval."""
    return (*PROBES, max(20, min(LONGEST, 250_000 // program.interval_cycles)))


def members(program: BandProgram, library: Library) -> dict[str, Any]:
    """What the manifest says of the core of a recurrent network.

    ``interval_cycles`` is that of a time step.
    """
    last = program.units[-1]
    return {
        "ports": ports(program, data=8 * program.bytes_per_element, results=program.result_bits, sequences=True),
        "lanes": program.lanes,
        "multiplier": max(program.units, key=lambda unit: unit.lanes).multiplier,
        "input": {
            "width": program.input_width,
            "bits": program.input_bits,
            "bytes_per_element": program.bytes_per_element,
            "elements_per_beat": 1,
            "beats": program.input_width,
            "signed": program.input_signed,
        },
        "output": {"width": program.output_width, "bits": program.result_bits, "signed": True},
        "sequence": {
            "results": "step" if program.every_step else "sequence",
            "probes": {key: f"vectors/{PROBE}{key}.npy" for key in ("x", "lengths", "y")},
        },
        "latency_cycles": program.latency_cycles,
        "interval_cycles": program.interval_cycles,
        "multiplications_per_step": program.multiplications,
        "layers": [_layer(unit) for unit in program.units],
        # Those of the last layer with biases: what the results can be.
        "accumulator_bits": [*(unit.sums.bits for unit in program.units[:-1]), last.output.bits],
        "memory_bits": _memory_bits(program, library),
    }


def _layer(unit: Unit) -> dict[str, Any]:
    about: dict[str, Any] = {
        "kind": "dense" if unit.recurrence is None else "band_rnn",
        "width": unit.width,
        "lanes": unit.lanes,
        "chains": unit.chains,
        "forward_cycles": unit.forward_words,
        "weight_bits": unit.weight_bits,
    }
    if unit.cell is not None and unit.recurrence is not None:
        about |= {
            "cell": unit.cell.kind,
            "recurrence": unit.recurrence.form,
            "recurrent_cycles": unit.recurrent_words,
            "recurrent_weights": unit.width * unit.gates * unit.recurrence.cycles,
        }
        if unit.gathered:
            weights = unit.recurrence.products
            about |= {
                "recurrent_weights": weights,
                "index_bits": unit.index_bits,
                "lane_utilisation": round(weights / (unit.lanes * unit.recurrent_words), 4),
            }
    return about


def _memory_bits(program: BandProgram, library: Library) -> dict[str, int]:
    """Bits of every memory by purpose. Where there are no stored indices, the connectivity is computed and has none."""
    bits: Counter[str] = Counter()
    copies = {f"{unit.name}_states": unit.lanes for unit in program.units if unit.gathered}
    for part in library.parts.values():
        p = part.parameters
        # What a memory is for, a constant of every neuron, or a table of a function, is in its name: see the gateware.
        name = p.name[p.name.rfind("layer") :]
        if isinstance(p, RamParameters):
            bits["activations"] += copies.get(name, 1) * p.depth * p.lanes * p.bits
        elif isinstance(p, RomParameters):
            banks = p.banks if isinstance(p, StoreParameters) else 1
            bits[_PURPOSES.get(name.split("_", 1)[1], "tables")] += banks * p.depth * p.width
    last = program.units[-1]
    results = 2 * last.groups * last.lanes * (last.output.bits - (last.output.low >= 0))
    purposes = ["weights", "biases", "tables", "activations"]
    purposes += ["schedule"] * bool(copies)
    return {**{name: bits[name] for name in purposes}, "results": results, "connectivity": bits["connectivity"]}


def vectors(
    program: BandProgram,
    network: RecurrentNetwork,
    x: NDArray[np.integer] | None,
    lengths: NDArray[np.integer] | None,
    labels: NDArray[np.integer] | None,
    seed: int,
) -> dict[str, NDArray[np.integer]]:
    """The test vectors, or random ones, and the probes, as they are stored."""
    if x is None:
        x, lengths = random_sequences(network, LENGTHS, seed)
    result = _answered(program, network, x, lengths)
    if labels is not None:
        result["labels"] = np.asarray(labels, np.int64)
    probes = _answered(program, network, *random_sequences(network, probe_lengths(program), seed + 1))
    return {**result, **{f"{PROBE}{key}": array for key, array in probes.items()}}


def _answered(
    program: BandProgram, network: RecurrentNetwork, x: NDArray[np.integer], lengths: NDArray[np.integer] | None
) -> dict[str, NDArray[np.integer]]:
    """Sequences and what the golden model says to them."""
    steps, counts = golden.check_sequences(network, x, lengths)
    stored = np.min_scalar_type(network.input.low or network.input.high)
    y = golden.evaluate(network, steps, counts, every_step=program.every_step)
    return {"x": steps.astype(stored), "lengths": counts, "y": y}


def random_sequences(
    network: RecurrentNetwork, lengths: tuple[int, ...], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sequences that reach far into the range: steps at both its ends, of zeros, and random ones of several sizes."""
    generator = np.random.Generator(np.random.Philox(seed))
    low, high = network.input.low, network.input.high
    steps = sum(lengths)
    x = generator.integers(low, high + 1, (steps, network.input.width))
    x >>= generator.integers(0, network.input.bits, (steps, 1))
    x[0], x[3], x[4], x[-1] = high, low, low, 0
    return x, np.array(lengths, np.int64)
