"""Every table of docs/mathematics.md, computed again by walking over the paths one at a time.

Nothing here uses the linear algebra that the document derives: slots come from `SobolTopology.slots`, everything else
from looking at all paths. What is stated about the compiler's choices is compared with the compiler.
"""

import re
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from hdlgen import golden
from hdlgen.compiler import Options
from hdlgen.compiler.path.compile import compile_paths
from hdlgen.network import Activation, InputFormat, Network, SobolTopology, Weighted
from hdlgen.sequences import sobol

DOCUMENT = Path(__file__).parent.parent / "docs" / "mathematics.md"

LANES = 4
LANE_BITS = 2
TOPOLOGY = SobolTopology(paths=8, dimensions=(0, 2, 5), log2_slots=(3, 3, 2))
WEIGHTS = (np.array([5, 5, -1, 3, 5, -1, 5, 4]), np.array([2, -1, -2, -1, 4, -3, -1, 5]))
INPUT = np.array([7, 1, 0, 3, 2, 5, 6, 4])

# The second example: enough blocks that their order matters.
WALK = SobolTopology(paths=32, dimensions=(0, 2), log2_slots=(4, 3))

Rows = list[list[str]]


def network(topology: SobolTopology, weights: tuple[np.ndarray, ...]) -> Network:
    widths = [1 << bits for bits in topology.log2_slots]
    tensors = {f"w{number}": tensor.astype(np.int64) for number, tensor in enumerate(weights, 1)}
    layers = tuple(
        Weighted(
            width=width,
            weight=f"w{number}",
            weight_bits=4,
            activation=Activation(bits=4, shift=1) if number < len(weights) else None,
        )
        for number, width in enumerate(widths[1:], 1)
    )
    return Network(
        name="example", input=InputFormat(width=widths[0], bits=3), topology=topology, layers=layers, tensors=tensors
    )


def tables() -> dict[str, Rows]:
    """The tables of the document by the name in the comment above each: rows of cells, heading left out."""
    found: dict[str, Rows] = {}
    for name, body in re.findall(r"<!-- check: ([a-z-]+) -->\n((?:\|.*\n)+)", DOCUMENT.read_text()):
        lines = [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in body.splitlines()]
        assert name not in found
        found[name] = lines[2:]
    return found


def slot(topology: SobolTopology, layer: int, path: int) -> int:
    return int(topology.slots(layer)[path])


def bank(topology: SobolTopology, layer: int, path: int) -> int:
    return slot(topology, layer, path) >> (topology.log2_slots[layer] - LANE_BITS)


def word(topology: SobolTopology, layer: int, path: int) -> int:
    return slot(topology, layer, path) & ((1 << (topology.log2_slots[layer] - LANE_BITS)) - 1)


def block(number: int) -> range:
    return range(number * LANES, (number + 1) * LANES)


def source_bank(topology: SobolTopology, layer: int, number: int, destination: int) -> int:
    """The bank of layer - 1 that destination bank takes its value from in a block."""
    (path,) = (path for path in block(number) if bank(topology, layer, path) == destination)
    return bank(topology, layer - 1, path)


def constant(topology: SobolTopology, layer: int, number: int) -> int:
    """c(t): where destination bank 0 takes its value from."""
    return source_bank(topology, layer, number, 0)


def linear(topology: SobolTopology, layer: int) -> list[int]:
    """M d for every bank d: the sources of block 0, in which c = 0."""
    return [source_bank(topology, layer, 0, destination) for destination in range(LANES)]


def lane(topology: SobolTopology, layer: int) -> list[int]:
    """R d for every bank d: the lane that a bank lives in, by following the paths of block 0 back to layer 0."""
    lanes = list(range(LANES))
    for number in range(1, layer + 1):
        before = lanes
        lanes = [before[source_bank(topology, number, 0, destination)] for destination in range(LANES)]
    return lanes


def exchange(topology: SobolTopology, layer: int, number: int) -> int:
    return lane(topology, layer - 1)[constant(topology, layer, number)]


def matrix_of(images: list[int]) -> str:
    """The matrix with these images of 1, 2, 4...: its rows, most significant digit first."""
    bits = len(images).bit_length() - 1
    columns = [images[1 << (bits - 1 - k)] for k in range(bits)]
    return " ".join("".join(str(column >> (bits - 1 - r) & 1) for column in columns) for r in range(bits))


def generator_rows() -> Rows:
    rows = []
    for layer, dimension in enumerate(TOPOLOGY.dimensions):
        points = [int(point) for point in sobol.points(dimension, 0, 8, 3)]
        # Column k is the point of index 2^k.
        matrix = " ".join("".join(str(points[1 << k] >> (2 - r) & 1) for k in range(3)) for r in range(3))
        rows.append([str(layer), str(dimension), matrix, " ".join(map(str, points))])
    return rows


def slot_rows() -> Rows:
    return [
        [str(path // LANES), str(path)]
        + [str(slot(TOPOLOGY, layer, path)) for layer in range(3)]
        + [str(bank(TOPOLOGY, layer, path)) for layer in range(3)]
        + [str(word(TOPOLOGY, layer, path)) for layer in range(3)]
        for path in range(TOPOLOGY.paths)
    ]


def linear_rows() -> Rows:
    rows = []
    for layer in range(3):
        relative = linear(TOPOLOGY, layer) if layer else []
        lanes = lane(TOPOLOGY, layer)
        rows.append([str(layer), matrix_of(relative) if layer else "", matrix_of(lanes), " ".join(map(str, lanes))])
    return rows


def exchange_rows() -> Rows:
    return [
        [str(layer), str(number)]
        + [" ".join(str(source_bank(TOPOLOGY, layer, number, destination)) for destination in range(LANES))]
        + [str(constant(TOPOLOGY, layer, number)), str(exchange(TOPOLOGY, layer, number))]
        for layer in (1, 2)
        for number in range(2)
    ]


def arithmetic_rows() -> Rows:
    """Block by block, lane by lane: path, weight, where the value comes from, the product, the sum."""
    values = INPUT
    rows = []
    for layer in (1, 2):
        sums = np.zeros(1 << TOPOLOGY.log2_slots[layer], np.int64)
        run = []
        for number in range(2):
            cells = []
            for position in range(LANES):
                destination = lane(TOPOLOGY, layer).index(position)
                (path,) = (i for i in block(number) if bank(TOPOLOGY, layer, i) == destination)
                weight, value = int(WEIGHTS[layer - 1][path]), int(values[slot(TOPOLOGY, layer - 1, path)])
                # The value lies in the lane that the exchange says.
                home = lane(TOPOLOGY, layer - 1)[bank(TOPOLOGY, layer - 1, path)]
                assert home == position ^ exchange(TOPOLOGY, layer, number)
                sums[slot(TOPOLOGY, layer, path)] += weight * value
                cells.append(f"{weight} × {value}")
            (target,) = {word(TOPOLOGY, layer, i) for i in block(number)}
            run.append([str(layer), str(number), str(target), str(exchange(TOPOLOGY, layer, number)), *cells])
        rows += run
        values = np.clip((sums + 1) >> 1, 0, 15) if layer == 1 else sums
    return rows


def result_rows() -> Rows:
    first, second = golden.activations(network(TOPOLOGY, WEIGHTS), INPUT[np.newaxis])[1:]
    return [
        ["layer 0", " ".join(map(str, INPUT))],
        ["layer 1", " ".join(map(str, first[0]))],
        ["layer 2", " ".join(map(str, second[0]))],
    ]


def walk_program():
    return compile_paths(network(WALK, (np.arange(32) % 15 - 7,)), Options(lanes=LANES))


def walk_rows() -> Rows:
    """The blocks in the compiler's order, and what the paths of each block say about it."""
    (transition,) = walk_program().transitions
    rows = []
    for counter in range(8):
        number = 0
        for bit, column in enumerate(transition.columns):
            number ^= (column // LANES) * (counter >> bit & 1)
        (target,) = {word(WALK, 1, path) for path in block(number)}
        (source,) = {word(WALK, 0, path) for path in block(number)}
        rows.append([str(counter), str(number), str(target), str(source), str(exchange(WALK, 1, number))])
    return rows


def width_rows() -> Rows:
    """Six neurons in eight slots on four lanes, from the definition of a vertex."""
    rows = []
    for destination, place in product(range(LANES), range(2)):
        number = 2 * destination + place
        phase = destination * 3 % 2
        rows.append(
            [
                str(number),
                str(destination),
                str(place),
                str(number * 6 >> 3),
                str(phase),
                str((place * 3 >> 1) + phase >> 1),
            ]
        )
    return rows


CHECKS: dict[str, Callable[[], Rows]] = {
    "generators": generator_rows,
    "slots": slot_rows,
    "linear": linear_rows,
    "exchange": exchange_rows,
    "arithmetic": arithmetic_rows,
    "result": result_rows,
    "walk": walk_rows,
    "widths": width_rows,
}


def test_every_table_is_checked() -> None:
    assert set(tables()) == set(CHECKS)
    # No table without a comment that names it.
    assert DOCUMENT.read_text().count("\n|---") + DOCUMENT.read_text().count("\n| ---") == len(CHECKS)


@pytest.mark.parametrize("name", CHECKS)
def test_table(name: str) -> None:
    assert tables()[name] == CHECKS[name]()


@pytest.mark.parametrize("topology", [TOPOLOGY, WALK], ids=["example", "walk"])
def test_claims(topology: SobolTopology) -> None:
    """Banks are a permutation, one word address, sources affine, and lanes exchange by one constant per block."""
    for layer in range(len(topology.dimensions)):
        for number in range(topology.paths // LANES):
            assert sorted(bank(topology, layer, path) for path in block(number)) == list(range(LANES))
            assert len({word(topology, layer, path) for path in block(number)}) == 1
            if not layer:
                continue
            shift = constant(topology, layer, number)
            for destination in range(LANES):
                source = source_bank(topology, layer, number, destination)
                assert source == linear(topology, layer)[destination] ^ shift
                here = lane(topology, layer)[destination]
                there = lane(topology, layer - 1)[source]
                assert there == here ^ exchange(topology, layer, number)


def test_walk_is_destination_stationary() -> None:
    rows = walk_rows()
    assert sorted(int(row[1]) for row in rows) == list(range(8))
    targets = [int(row[2]) for row in rows]
    assert targets == sorted(targets)
    # The compiler's own words and exchanges are those of the paths.
    (transition,) = walk_program().transitions
    words, lanes = transition.walk()
    assert words.tolist() == [int(row[3]) for row in rows]
    assert lanes.tolist() == [int(row[4]) for row in rows]


def test_program_gives_the_result() -> None:
    example = network(TOPOLOGY, WEIGHTS)
    program = compile_paths(example, Options(lanes=LANES))
    for layer in range(3):
        assert list(program.layers[layer].lane) == lane(TOPOLOGY, layer)
    assert program.run(INPUT[np.newaxis]).tolist() == golden.evaluate(example, INPUT[np.newaxis]).tolist()


@pytest.mark.parametrize("lanes", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("width", range(1, 40))
def test_rows_of_any_width(width: int, lanes: int) -> None:
    """vertex = first(bank) + ((u(word) + phase(bank)) >> log2 classes), the identity of the section on widths."""
    slot_bits = 6
    lane_bits = lanes.bit_length() - 1
    classes = lanes // np.gcd(width, lanes)
    cells = width // np.gcd(width, lanes)
    for number in range(1 << slot_bits):
        place = number & ((1 << (slot_bits - lane_bits)) - 1)
        destination = number >> (slot_bits - lane_bits)
        u = place * cells >> (slot_bits - lane_bits)
        first, phase = divmod(destination * cells, classes)
        assert number * width >> slot_bits == first + (u + phase) // classes
