"""What is emitted for a layered network and not for others."""

from collections import Counter
from typing import Any

from hdlgen.compiler.program_gather import GatherProgram
from hdlgen.emit.ports import ports
from hdlgen.gateware.gather import connectivity_bits
from hdlgen.gateware.primitives import Library, RamParameters

__all__ = ["members"]


def members(program: GatherProgram, library: Library) -> dict[str, Any]:
    """What the manifest says of the core of a layered network."""
    return {
        "ports": ports(program, data=8 * program.bytes_per_element, results=program.result_bits),
        "engine": "gather",
        "lanes": program.lanes,
        "multiplier": program.multiplier,
        "scale_multiplier": program.scale_multiplier if program.multiplies else None,
        "weight_bits": program.weight_bits,
        "stored_weight_bits": program.code_bits,
        "index_bits": program.delta_bits,
        "activation_bits": program.value_bits,
        "input": {
            "width": program.input_width,
            "bits": program.input_bits,
            "bytes_per_element": program.bytes_per_element,
            "elements_per_beat": 1,
            "beats": program.beats,
            "signed": program.input_signed,
        },
        "output": {"width": program.output_width, "bits": program.result_bits, "signed": True},
        "latency_cycles": program.latency_cycles,
        "interval_cycles": program.interval_cycles,
        "edges": program.edges,
        "steps_per_inference": program.steps,
        "lane_utilisation": round(program.utilisation, 4),
        "layers": [
            {
                "number": job.number,
                "width": job.width,
                "rounds": len(job.cycles),
                "steps": sum(job.cycles),
                "waiting_cycles": sum(job.delays),
                "index": "none" if job.counted else "computed" if job.interleaver is not None else "stored",
            }
            for job in program.layers
        ],
        "accumulator_bits": [job.total.bits for job in program.layers],
        "memory_bits": _memory_bits(program, library),
    }


def _memory_bits(program: GatherProgram, library: Library) -> dict[str, int]:
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
        "weights": program.banks * program.steps * program.lanes * program.code_bits,
        # Indices beside the biases count as connectivity.
        "biases": bits["biases"] - (connectivity - indices),
        "schedule": bits["schedule"],
        "activations": bits["activations"],
        "results": 2 * program.output_width * (output.bits - (output.low >= 0)),
        "connectivity": connectivity,
    }
