"""What the manifest says of the stages of a plan, engine by engine."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from hdlgen.compiler.delay.program import DelayProgram
from hdlgen.compiler.draw.program import DrawProgram
from hdlgen.compiler.gather.program import GatherLayer, GatherProgram
from hdlgen.compiler.path.flash import FlashTiming
from hdlgen.compiler.path.passes import topology_of
from hdlgen.compiler.path.program import Program
from hdlgen.compiler.plan import Stage as Planned
from hdlgen.compiler.scan.program import ScanProgram
from hdlgen.compiler.spatial.program import SpatialProgram
from hdlgen.compiler.spot.program import SpotProgram
from hdlgen.compiler.tensor.job import Job
from hdlgen.compiler.tensor.program import TensorProgram
from hdlgen.compiler.unit.program import BandProgram, Unit
from hdlgen.emit.manifest import PURPOSES, Layer, Stage
from hdlgen.gateware.gather.contents import connectivity_bits
from hdlgen.gateware.path.results import result_places
from hdlgen.gateware.primitives import Library, RamParameters, RomParameters, StoreParameters
from hdlgen.network import Network

__all__ = ["describe_stage"]


def describe_stage(stage: Planned, library: Library) -> Stage:
    """Of a stage whose core refers to the primitives of ``library``."""
    program: Any = stage.program
    layers, others = _STAGES[stage.engine](program, stage.network, library)
    return Stage(
        engine=stage.engine,
        lanes=program.lanes,
        latency_cycles=program.latency_cycles,
        interval_cycles=program.interval_cycles,
        layers=tuple(replace(layer, number=layer.number + stage.first - 1) for layer in layers),
        **others,
    )


_Described = tuple[Iterable[Layer], dict[str, Any]]
"""The layers of a stage, numbered from 1, and what else the engine says."""


def _path(program: Program, network: Network, library: Library) -> _Described:
    """What it takes is known without the ``library``."""
    layers = [
        Layer(
            number=number,
            kind=layer.kind,
            width=layer.width,
            lanes=program.lanes,
            cycles=transition.blocks,
            waiting_cycles=int(pause),
            weight_bits=program.weight_bits,
            accumulator_bits=bits,
            indices="computed",
        )
        for number, (layer, transition, bits, pause) in enumerate(
            zip(network.layers, program.transitions, program.accumulator_bits, program.pauses, strict=True), 1
        )
    ]
    # The program's paths may be padded with others of weight zero, of which the network knows nothing.
    edges = sum(topology_of(network).paths >> len(transition.merged) for transition in program.transitions)
    return layers, {
        "multiplier": program.multiplier,
        "weight_bits": program.weight_bits,
        "stored_weight_bits": program.weight_bits,
        "activation_bits": program.activation_bits,
        "edges": edges,
        "utilisation": round(edges * program.period_frames / (program.lanes * program.period_cycles), 4),
        "memory_bits": _path_memory_bits(program),
    }


def _path_memory_bits(program: Program) -> dict[str, int]:
    """Bits of every memory by purpose. The connectivity is computed: it has none."""
    lanes = program.lanes
    parts = {lane for index in program.joined for lane in program.layers[index + 1].continued}
    hidden = sum(layer.width for layer in program.layers[1:-1])
    biases = hidden * (program.bias_bits + program.shift_bits)
    if program.result_bias_bits:
        biases += program.output_width * program.result_bias_bits
    elif any(program.result_bias):
        biases += program.output_width * (max(abs(value) for value in program.result_bias).bit_length() + 1)
    words = FlashTiming.of(program).prefetch if program.source == "flash" else program.blocks
    return {
        **dict.fromkeys(PURPOSES, 0),
        "weights": program.banks * words * lanes * program.weight_bits,
        "biases": program.banks * biases,
        "activations": program.memory_words * program.word_values * lanes * program.activation_bits,
        "results": (2 * len(result_places(program.layers[-1])) + len(parts)) * program.sum_bits,
    }


def _gather(program: GatherProgram, network: Network, library: Library) -> _Described:
    return (_gather_layer(program, network, job) for job in program.layers), {
        "multiplier": program.multiplier,
        "scale_multiplier": program.scale_multiplier if program.multiplies else None,
        "weight_bits": program.weight_bits,
        "stored_weight_bits": program.code_bits,
        "activation_bits": program.value_bits,
        "edges": program.edges,
        "utilisation": round(program.utilisation, 4),
        "memory_bits": _gather_memory_bits(program, library),
    }


def _gather_layer(program: GatherProgram, network: Network, job: GatherLayer) -> Layer:
    return Layer(
        number=job.number,
        kind=network.layers[job.number - 1].kind,
        width=job.width,
        lanes=program.lanes,
        cycles=sum(job.cycles),
        waiting_cycles=sum(job.delays),
        weight_bits=program.weight_bits,
        accumulator_bits=job.total.bits,
        indices="none" if job.counted else "stored" if job.stored else "computed",
        index_bits=program.delta_bits if job.stored else 0,
    )


def _gather_memory_bits(program: GatherProgram, library: Library) -> dict[str, int]:
    """Bits of every memory by purpose."""
    bits: Counter[str] = Counter()
    copies = (program.lanes if program.replicated else 1) + program.skips
    for part in library.parts.values():
        p = part.parameters
        if isinstance(p, RamParameters):
            bits["activations"] += copies * p.depth * p.lanes * p.bits
        elif p.name.endswith("_neurons"):
            bits["biases"] += program.banks * p.depth * p.width
        elif p.name.endswith("_rounds"):
            bits["schedule"] += p.depth * p.width
    connectivity = connectivity_bits(program)
    indices = program.steps * program.lanes * program.delta_bits
    output = program.output
    return {
        **dict.fromkeys(PURPOSES, 0),
        "weights": program.banks * program.steps * program.lanes * program.code_bits,
        # Indices beside the biases count as connectivity.
        "biases": bits["biases"] - (connectivity - indices),
        "schedule": bits["schedule"],
        "activations": bits["activations"],
        "results": 2 * program.output_width * (output.bits - (output.low >= 0)),
        "connectivity": connectivity,
    }


def _tensor(program: TensorProgram, network: Network, library: Library) -> _Described:
    bits = Counter(dict.fromkeys(PURPOSES, 0))
    for part in library.parts.values():
        p = part.parameters
        if isinstance(p, RamParameters):
            copies = program.lanes // p.lanes if p.name.endswith("_activations") else 1
            bits["biases" if p.name.endswith("_constants") else "activations"] += copies * p.depth * p.lanes * p.bits
        elif isinstance(p, RomParameters) and "_terms_" in p.name:
            bits["tables"] += program.outlets * p.depth * p.width
    bits["weights"] = program.banks * len(program.weights) * program.lanes * program.code_bits
    bits["biases"] += program.banks * program.constant_words * program.outlets * sum(program.fields.values())
    output = program.output
    bits["results"] = 2 * program.output_width * (output.bits - (output.low >= 0))
    layers = [_tensor_layer(program, network, job) for job in program.jobs]
    layers += [_pooled_layer(program, network, job) for job in program.jobs if job.last != job.number]
    return sorted(layers, key=lambda layer: layer.number), {
        "multiplier": program.multiplier,
        "scale_multiplier": program.scale_multiplier if program.multiplies else None,
        "weight_bits": program.weight_bits,
        "stored_weight_bits": program.code_bits,
        "activation_bits": program.value_bits,
        "edges": program.edges,
        "utilisation": round(program.utilisation, 4),
        "memory_bits": dict(bits),
    }


def _tensor_layer(program: TensorProgram, network: Network, job: Job) -> Layer:
    return Layer(
        number=job.number,
        kind=network.layers[job.number - 1].kind,
        width=network.widths[job.number],
        lanes=program.lanes,
        cycles=job.flushes * job.steps,
        waiting_cycles=program.work(job) - job.flushes * job.steps + program.settle(job),
        weight_bits=program.weight_bits,
        accumulator_bits=job.sums.bits,
        indices="computed",
    )


def _pooled_layer(program: TensorProgram, network: Network, job: Job) -> Layer:
    """The pooling that goes with a job takes no cycle of its own."""
    kind, width = network.layers[job.last - 1].kind, network.widths[job.last]
    own = _tensor_layer(program, network, job)
    return replace(own, number=job.last, kind=kind, width=width, cycles=0, waiting_cycles=0)


_PURPOSES = {
    "weights": "weights",
    "indices": "connectivity",
    "lengths": "schedule",
    **dict.fromkeys(("before", "after", "bias", "late_bias"), "biases"),
}
"""What the read-only memories of a unit are for; the others are tables of functions."""


def _unit(program: BandProgram, network: Network, library: Library) -> _Described:
    """``interval_cycles`` is that of a time step."""
    last, busiest = program.units[-1], max(program.units, key=lambda unit: unit.lanes)
    sums = [*(unit.sums.bits for unit in program.units[:-1]), last.output.bits]  # the last ones with biases: results
    lanes = sum(unit.lanes for unit in program.units)
    bits = max(unit.weight_bits for unit in program.units)
    operands = [unit.operand for unit in program.units]
    layers = zip(network.layers, program.units, sums, strict=True)
    return (_unit_layer(number, layer.kind, unit, total) for number, (layer, unit, total) in enumerate(layers, 1)), {
        "multiplier": busiest.multiplier,
        "scale_multiplier": busiest.cell_multiplier if busiest.cell_products else None,
        "weight_bits": bits,
        "stored_weight_bits": bits,
        "activation_bits": max(operand.bits - (operand.low >= 0) for operand in operands),
        "edges": program.multiplications,
        "utilisation": round(program.multiplications * program.period_frames / (lanes * program.period_cycles), 4),
        "memory_bits": _unit_memory_bits(program, library),
    }


def _unit_layer(number: int, kind: str, unit: Unit, accumulator_bits: int) -> Layer:
    recurrence = unit.recurrence
    edges = 0
    if recurrence is not None:
        edges = recurrence.products if unit.gathered else unit.width * unit.gates * recurrence.cycles
    return Layer(
        number=number,
        kind=kind,
        width=unit.width,
        lanes=unit.lanes,
        cycles=unit.forward_words + unit.recurrent_words,
        weight_bits=unit.weight_bits,
        accumulator_bits=accumulator_bits,
        indices="none" if recurrence is None else "stored" if unit.gathered else "computed",
        index_bits=unit.index_bits,
        cell=unit.kind,
        recurrence=None if recurrence is None else recurrence.form,
        recurrent_cycles=unit.recurrent_words,
        recurrent_edges=edges,
    )


def _unit_memory_bits(program: BandProgram, library: Library) -> dict[str, int]:
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
    bits["results"] = 2 * last.groups * last.lanes * (last.output.bits - (last.output.low >= 0))
    return {purpose: bits[purpose] for purpose in PURPOSES}


def _scan(program: ScanProgram, network: Network, library: Library) -> _Described:
    """What its one lane multiplies are gates and states: ``edges`` are its products."""
    states, output = program.output_width, program.output
    tables = sum(
        len(squash.table) * squash.output.stored_bits for squash in (program.gate, program.candidate) if squash
    )
    factor = program.weight_bits if program.weights else program.fraction + 1
    layer = Layer(
        number=1,
        kind="scan",
        width=states,
        lanes=1,
        cycles=program.input_width,
        waiting_cycles=program.pause,
        weight_bits=factor,
        accumulator_bits=program.state.bits + program.fraction,
        indices="none",
        cell=program.cell,
    )
    return [layer], {
        "multiplier": program.multiplier,
        "weight_bits": factor,
        "stored_weight_bits": factor,
        "activation_bits": program.state.stored_bits,
        "edges": states * program.products,
        "utilisation": round(states * program.period_frames / program.period_cycles, 4),
        "memory_bits": dict.fromkeys(PURPOSES, 0)
        | {
            "weights": len(program.weights) * program.weight_bits,
            "tables": tables,
            "activations": states * program.state.stored_bits,
            "results": 2 * states * output.stored_bits,
        },
    }


def _delay(program: DelayProgram, network: Network, library: Library) -> _Described:
    bits = program.output.stored_bits
    kept = {"activations": program.places * program.input_width * bits}
    return _unmultiplied(network, program.output_width, bits, bits, kept)


def _spot(program: SpotProgram, network: Network, library: Library) -> _Described:
    scores, bits, sums = program.input_width, program.input_bits, program.sums.stored_bits
    tables = scores * max(program.thresholds).bit_length()
    kept = {"activations": scores * (program.window * bits + sums), "tables": tables}
    return _unmultiplied(network, scores, bits, sums, kept)


def _draw(program: DrawProgram, network: Network, library: Library) -> _Described:
    noise = max((abs(entry) for entry in program.table), default=0).bit_length() + 1
    kept = {"tables": len(program.table) * noise}
    return _unmultiplied(network, program.input_width, program.input_bits, program.sums.stored_bits, kept)


def _unmultiplied(network: Network, cycles: int, bits: int, sums: int, kept: dict[str, int]) -> _Described:
    """One layer that multiplies nothing, of values and sums of so many bits; ``kept``: bits of its memories."""
    layer = Layer(
        number=1,
        kind=network.layer(1).kind,
        width=network.widths[1],
        lanes=1,
        cycles=cycles,
        weight_bits=1,
        accumulator_bits=sums,
        indices="none",
    )
    return [layer], {
        "multiplier": "lut",
        "weight_bits": 1,
        "stored_weight_bits": 1,
        "activation_bits": bits,
        "edges": 0,
        "utilisation": 0.0,
        "memory_bits": dict.fromkeys(PURPOSES, 0) | kept,
    }


def _spatial(program: SpatialProgram, network: Network, library: Library) -> _Described:
    """A lane is a weight: all are at work in every cycle, and nothing is stored but results."""
    layers = [
        Layer(
            number=number,
            kind=layer.kind,
            width=layer.width,
            lanes=max(edges, 1),
            cycles=1,
            weight_bits=network.weighted(number).weight_bits,
            accumulator_bits=sums.bits,
            indices="none",
        )
        for number, (layer, edges, sums) in enumerate(
            zip(network.layers, program.edges_of, program.sums, strict=True), 1
        )
    ]
    values = [program.values[number].reached for layer in program.neurons[:-1] for number in layer if number >= 0]
    return layers, {
        "multiplier": "add",
        "weight_bits": program.weight_bits,
        "stored_weight_bits": 0,
        "activation_bits": max((value.stored_bits for value in values), default=program.input_bits),
        "edges": program.edges,
        "utilisation": 1.0,
        "memory_bits": dict.fromkeys(PURPOSES, 0)
        | {"results": (program.places - 1) * program.output_width * program.output.stored_bits},
    }


_STAGES: Mapping[str, Callable[[Any, Network, Library], _Described]] = {
    "path": _path,
    "gather": _gather,
    "tensor": _tensor,
    "unit": _unit,
    "scan": _scan,
    "delay": _delay,
    "spatial": _spatial,
    "spot": _spot,
    "draw": _draw,
}
