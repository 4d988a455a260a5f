"""What is to be computed: the layers that the output depends on, and their edges."""

from dataclasses import dataclass

from hdlgen.compiler.factors import Ints
from hdlgen.compiler.gather.program import Reads
from hdlgen.connections import InterleaverTopology
from hdlgen.network import Network

__all__ = ["Job", "find_jobs"]


@dataclass(frozen=True, kw_only=True)
class Job(Reads):
    """What a layer of the network asks for, its repeated edges merged; by target, then source."""

    targets: Ints
    sources: Ints
    weights: Ints
    skip: tuple[int, int] | None


def find_jobs(network: Network, lanes: int, notes: list[str], *, keep: bool) -> list[Job]:
    """The layers that the output depends on; ``keep``: also edges of weight zero."""
    wanted = {len(network.layers)}
    for number in range(len(network.layers), 0, -1):
        if number in wanted:
            wanted |= set(network.layer(number).sources)
        else:
            notes.append(f"layer {number}: no layer reads it; it is not computed")
    wanted.discard(0)
    job_of = {0: -1} | {number: job for job, number in enumerate(sorted(wanted))}
    jobs: list[Job] = []
    for number in sorted(wanted):
        layer = network.weighted(number)
        inputs = network.widths[layer.read]
        edges = given = network.edges(number)
        counted = layer.connections.full
        interleaver = _computed(network, number, jobs, job_of, lanes, notes)
        if not counted and not interleaver:
            edges = given.merged(inputs) if keep else given.nonzero(inputs)
            if lost := len(given) - len(edges):
                why = "are repeated" if keep else "are repeated or have no weight"
                notes.append(f"layer {number}: {lost} of {len(given)} edges {why}")
        jobs.append(
            Job(
                number=number,
                width=layer.width,
                source=job_of[layer.read],
                counted=counted,
                interleaver=interleaver,
                rectify=layer.rectified and network.value_range(layer.read)[0] < 0,
                targets=edges.target,
                sources=edges.source,
                weights=edges.weight,
                skip=None if layer.skip is None else (job_of[layer.skip.source], layer.skip.shift),
            )
        )
    return jobs


def _computed(
    network: Network, number: int, jobs: list[Job], job_of: dict[int, int], lanes: int, notes: list[str]
) -> InterleaverTopology | None:
    """The interleaver of a layer, if the lanes can compute what they read."""
    layer = network.weighted(number)
    topology, source = layer.connections.interleaver, job_of[layer.read]
    if topology is None:
        return None
    if topology.lanes != lanes:
        notes.append(f"layer {number}: an interleaver of {topology.lanes} lanes on {lanes}: its indices are stored")
        return None
    if source >= 0 and jobs[source].stored:
        notes.append(f"layer {number}: an interleaver behind a layer with indices: its indices are stored, too")
        return None
    return topology
