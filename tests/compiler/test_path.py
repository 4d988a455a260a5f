"""A program computes what the network says, in the order of the hardware."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.check import relations
from hdlgen.compiler import Options
from hdlgen.compiler.faults import CompilerFault
from hdlgen.compiler.path.compile import compile_paths
from hdlgen.compiler.path.passes import path_numbers
from hdlgen.compiler.path.program import Program, flushes
from hdlgen.compiler.path.verify import verify
from hdlgen.errors import InputError
from hdlgen.gateware.path.contents import weight_words
from hdlgen.network import Network, load, log2_slots
from hdlgen.resources import folder

from .. import gf2
from .networks import inputs, make, network_and_lanes, powers

VECTORS = Path(__file__).parent.parent / "vectors"
NAMES = sorted(file.stem for file in VECTORS.glob("*.safetensors"))
ELEMENTS = st.sampled_from([1, 2, 4, 8, 16])


@pytest.mark.parametrize("merge", [True, False], ids=["merged", "plain"])
@pytest.mark.parametrize("name", NAMES)
def test_vectors(name: str, merge: bool) -> None:
    network = load(VECTORS / f"{name}.safetensors")
    with np.load(VECTORS / f"{name}.npz") as arrays:
        x, y = arrays["x"], arrays["y"]
    for lanes in (1, 2, 4, 8, 16, 32, 64):
        if lanes <= network.topology.paths:
            program = compile_paths(network, Options(lanes=lanes, merge=merge))
            assert np.array_equal(program.run(x), y), f"{lanes} lanes"


@settings(max_examples=70, deadline=None)
@given(network_and_lanes(), ELEMENTS, st.booleans(), st.sampled_from([None, 1, 2]))
def test_equals_the_golden_model(
    chosen: tuple[Network, int], elements: int, merge: bool, buffers: int | None
) -> None:
    network, lanes = chosen
    program = compile_paths(
        network, Options(lanes=lanes, elements_per_beat=elements, merge=merge, input_buffers=buffers), check=False
    )
    verify(network, program)
    x = inputs(network, 5)
    assert np.array_equal(program.run(x), golden.evaluate(network, x))
    assert program.interval_cycles >= max(program.blocks, program.output_width)
    assert program.latency_cycles > program.blocks
    for index in range(len(program.transitions)):
        assert program.transitions[index].blocks == expected_blocks(network, program, index, merge)


def expected_blocks(network: Network, program: Program, index: int, merge: bool) -> int:
    """Blocks left when one of all paths with equal ends stays, counted by ranks over GF(2)."""
    bits, lane_bits = program.index_bits, program.log2_lanes
    if not merge:
        return 1 << (bits - lane_bits)
    topology = network.topology
    ends = [(topology.dimensions[layer], min(topology.log2_slots[layer], bits)) for layer in (index, index + 1)]
    digits = [gf2.generator_matrix(dimension, bits)[:slots] for dimension, slots in ends] if bits else []
    kernel = gf2.kernel(np.concatenate(digits)) if bits else np.zeros((0, 0), np.uint8)
    # Paths of one block are worked on together, so a repeat inside a block saves no time.
    saved = gf2.rank(kernel[:, lane_bits:]) if kernel.size else 0
    if min(slots for _, slots in ends) >= lane_bits:
        assert bits - saved == relations.edge_rank(bits, ends[0], ends[1])
    return 1 << (bits - lane_bits - saved)


def test_repeated_edges_are_merged() -> None:
    """4 x 4 slots have 16 edges: the other 48 of 64 paths are repeats."""
    network = make((4, 4, 4), 64)
    assert [t.blocks for t in compile_paths(network, Options(lanes=4)).transitions] == [4, 4]
    assert [t.blocks for t in compile_paths(network, Options(lanes=4, merge=False)).transitions] == [16, 16]


def test_scrambling_and_shifts_cost_nothing() -> None:
    """As many blocks, cycles and bits as without; other paths, and the same integers as the golden model."""
    plain = make((784, 300, 60, 10), 2048)
    changed = make((784, 300, 60, 10), 2048, scramble=3, digital_shift=4)
    x = inputs(plain, 3)
    assert not np.array_equal(golden.evaluate(plain, x), golden.evaluate(changed, x))
    for lanes in (1, 16, 64):
        before, after = (compile_paths(network, Options(lanes=lanes)) for network in (plain, changed))
        assert np.array_equal(after.run(x), golden.evaluate(changed, x))
        assert (after.latency_cycles, after.interval_cycles) == (before.latency_cycles, before.interval_cycles)
        assert after.blocks == before.blocks
        assert all(any(transition.first) for transition in after.transitions)
        assert not any(any(transition.first) for transition in before.transitions)


def test_what_scrambled_networks_the_engine_refuses() -> None:
    full = make((16, 8, 8), 64, scramble=1, kept=2)
    assert np.array_equal(
        compile_paths(full, Options(lanes=4)).run(inputs(full, 4)), golden.evaluate(full, inputs(full, 4))
    )
    with pytest.raises(InputError) as caught:
        compile_paths(full, Options(lanes=8))
    assert str(caught.value) == (
        "network 'random': lanes: 8; allowed are up to 4, as the scrambling leaves 2 digits (topology: kept)"
    )
    few = make((16, 8, 8), 8, digital_shift=1, digits=10)
    with pytest.raises(InputError) as caught:
        compile_paths(few, Options(lanes=4))
    assert str(caught.value) == (
        "network 'random': topology: 10 digits of 16 slots are scrambled or shifted; allowed are 3 digits with 8 paths,"
        " or up to 8 slots"
    )
    enough = make((16, 8, 8), 16, scramble=1, digital_shift=1, digits=10)
    x = inputs(enough, 4)
    assert np.array_equal(compile_paths(enough, Options(lanes=4)).run(x), golden.evaluate(enough, x))


def worst_inputs(network: Network) -> np.ndarray:
    """For every neuron of layer 1 the input that makes it largest, and the one that makes it smallest."""
    source, target = (network.topology.vertices(layer, network.widths[layer]) for layer in (0, 1))
    effect = np.zeros((network.widths[1], network.widths[0]), np.int64)
    np.add.at(effect, (target, source), network.weights(1))
    top = (1 << network.input.bits) - 1
    return np.concatenate([np.where(effect > 0, top, 0), np.where(effect < 0, top, 0)])


def signed_bits(values: np.ndarray) -> int:
    low, high = int(values.min()), int(values.max())
    return max(high.bit_length(), (~low).bit_length() if low < 0 else 0) + 1


@settings(max_examples=50, deadline=None)
@given(network_and_lanes(transitions=3, width=24, paths=256), st.booleans())
def test_no_register_overflows(chosen: tuple[Network, int], merge: bool) -> None:
    """Every sum a lane ever holds, and the outputs, fit their widths, at the inputs that are worst for layer 1."""
    network, lanes = chosen
    program = compile_paths(network, Options(lanes=lanes, merge=merge))
    x = worst_inputs(network)
    values = golden.activations(network, x)
    whole = replace(network.topology, paths=1 << program.index_bits, digits=network.topology.changed_digits)
    for index, transition in enumerate(program.transitions):
        # Of powers of two there is a sign and an exponent.
        assert program.multiplier == "shift" or signed_bits(transition.weights) <= program.weight_bits
        vertex = whole.vertices(index, network.widths[index])
        products = values[index][:, vertex[path_numbers(network, program, index)[0]]] * transition.weights
        held = np.zeros((len(x), lanes), np.int64)
        flushed = {block: np.array(flags) for block, flags, _rows in flushes(program, index)}
        for block in range(transition.blocks):
            held += products[:, block]
            assert signed_bits(held) <= program.sum_bits
            if block in flushed:
                held[:, flushed[block]] = 0
        assert not held.any(), "a sum was left in its lane"
    raw = golden.evaluate(network, x)
    assert signed_bits(raw) <= program.accumulator_bits[-1] <= program.result_bits
    without_bias = raw - network.bias(len(network.layers))
    assert signed_bits(without_bias) <= program.sum_bits


def test_accumulators_are_not_wider_than_needed() -> None:
    """One path a neuron: 3 * 63 and -4 * 63 need 9 bits, and the bias 1000 one of 12."""
    network = make((4, 4), 4, weight_bits=3, bias=True)
    network.tensors["w1"][:] = [3, -4, 3, 3]
    network.tensors["b1"][:] = 0
    assert compile_paths(network, Options(lanes=2)).accumulator_bits == (9,)
    network.tensors["b1"][:] = 1000
    program = compile_paths(network, Options(lanes=2))
    assert program.accumulator_bits == (12,)
    assert program.sum_bits == 9


def test_padding_is_noted() -> None:
    network = make((8, 8, 8), 100)
    program = compile_paths(network, Options(lanes=4))
    assert program.notes[0] == "100 paths padded to 128 by paths of weight zero"
    assert program.blocks * 4 == 2 * 64  # 8 x 8 edges of slots

    assert not any("padded" in note for note in compile_paths(make((8, 8, 8), 128), Options(lanes=4)).notes)


def test_weights_that_merging_widens_are_noted() -> None:
    network = make((2, 2), 16, weight_bits=4)
    network.tensors["w1"][:] = 7
    program = compile_paths(network, Options(lanes=2))
    assert program.weight_bits == 6
    assert program.notes == ("layer 1: adding up repeated edges widens the weights from 4 to 6 bits",)


class TestZeroStalls:
    """The lanes work in every cycle, whatever the dimensions."""

    @settings(max_examples=25, deadline=None)
    @given(
        st.lists(st.integers(0, 40), min_size=4, max_size=5),
        st.lists(st.sampled_from([16, 32, 64]), min_size=3, max_size=3),
        st.sampled_from([4, 8, 16]),
        st.booleans(),
    )
    def test_hidden_widths_are_powers_of_two(
        self, dimensions: list[int], hidden: list[int], lanes: int, merge: bool
    ) -> None:
        widths = (60, *hidden[: len(dimensions) - 2], 10)
        # Long enough that the one frame's blocks cover the other frame's way through the pipeline.
        network = make(widths, 128 * lanes, dimensions=tuple(dimensions))
        program = compile_paths(network, Options(lanes=lanes, elements_per_beat=2, merge=False))
        assert program.interval_cycles == program.blocks == 128 * (len(widths) - 1)
        merged = compile_paths(network, Options(lanes=lanes, elements_per_beat=2))
        if min(transition.blocks for transition in merged.transitions) >= 64:
            assert merged.interval_cycles == merged.blocks

    @settings(max_examples=10, deadline=None)
    @given(
        st.lists(st.integers(0, 40), min_size=5, max_size=5, unique=True),
        st.lists(st.tuples(st.integers(1, 240), st.integers(0, 9)), min_size=2, max_size=3),
        st.sampled_from([4, 8, 16, 32]),
    )
    def test_any_hidden_widths(self, dimensions: list[int], hidden: list[tuple[int, int]], lanes: int) -> None:
        """Neurons in two banks and more cost at most one cycle for each of their layers."""
        widths = (60, *(width for width, _slots in hidden), 10)
        paths = 128 * lanes
        network = make(
            widths,
            paths,
            dimensions=tuple(dimensions[: len(widths)]),
            slots=tuple(
                min(least + more, (paths - 1).bit_length())
                for least, more in zip(log2_slots(widths), (0, *(slots for _width, slots in hidden), 0), strict=True)
            ),
        )
        program = compile_paths(network, Options(lanes=lanes, elements_per_beat=4, merge=False), check=False)
        assert program.interval_cycles == program.blocks + sum(program.pauses)

    @pytest.mark.parametrize(
        ("lanes", "elements", "interval"), [(8, 1, 1536), (16, 2, 768), (32, 4, 384), (64, 8, 192)]
    )
    def test_widths_that_the_lanes_do_not_divide(self, lanes: int, elements: int, interval: int) -> None:
        """784-300-300-10, all of whose hidden banks share neurons."""
        program = compile_paths(
            load(folder("networks") / "talk.safetensors"), Options(lanes=lanes, elements_per_beat=elements)
        )
        assert program.joined == (0, 1)
        assert program.interval_cycles == program.blocks == interval


def with_transition(program: Program, index: int, **changes: object) -> Program:
    transitions = list(program.transitions)
    transitions[index] = replace(transitions[index], **changes)  # type: ignore[arg-type]
    return replace(program, transitions=tuple(transitions))


def with_layer(program: Program, index: int, **changes: object) -> Program:
    layers = list(program.layers)
    layers[index] = replace(layers[index], **changes)  # type: ignore[arg-type]
    return replace(program, layers=tuple(layers))


class TestVerify:
    """verify() sees faults planted in a program that was right."""

    def setup_method(self) -> None:
        self.network = make((16, 12, 8), 128, dimensions=(2, 5, 3))
        self.program = compile_paths(self.network, Options(lanes=4))
        verify(self.network, self.program)

    def refused(self, program: Program, message: str) -> None:
        with pytest.raises(CompilerFault, match=message):
            verify(self.network, program)

    @pytest.mark.parametrize("index", [0, 1])
    def test_wrong_weight(self, index: int) -> None:
        weights = self.program.transitions[index].weights.copy()
        weights[3, 1] += 1
        self.refused(with_transition(self.program, index, weights=weights), "weights lost, doubled or exchanged")

    @pytest.mark.parametrize("index", [0, 1])
    def test_swapped_weights(self, index: int) -> None:
        weights = self.program.transitions[index].weights.copy()
        other = np.flatnonzero(weights[:, 0] != weights[0, 0])[0]
        weights[[0, other], 0] = weights[[other, 0], 0]
        self.refused(with_transition(self.program, index, weights=weights), "weights lost, doubled or exchanged")

    @pytest.mark.parametrize("index", [0, 1])
    def test_wrong_step(self, index: int) -> None:
        steps = list(self.program.transitions[index].steps)
        for number, (word, lanes) in enumerate(steps):
            for wrong in ((word, lanes ^ 1), (word ^ 1, lanes)):
                changed = (*steps[:number], wrong, *steps[number + 1 :])
                self.refused(
                    with_transition(self.program, index, steps=changed), "a path runs through another neuron"
                )

    @pytest.mark.parametrize("index", [0, 1, 2])
    def test_wrong_lane(self, index: int) -> None:
        lane = self.program.layers[index].lane
        swapped = (lane[1], lane[0], *lane[2:])
        self.refused(with_layer(self.program, index, lane=swapped), "a path runs through another neuron")
        self.refused(with_layer(self.program, index, lane=(lane[0], *lane[:-1])), "two banks share a lane")

    def test_wrong_column(self) -> None:
        columns = self.program.transitions[0].columns
        self.refused(with_transition(self.program, 0, columns=columns[::-1]), "another neuron")
        self.refused(with_transition(self.program, 0, columns=(columns[0], *columns[:-1])), "paths lost or doubled")

    def test_weight_outside_its_format(self) -> None:
        weights = self.program.transitions[0].weights.copy()
        limit = 1 << (self.program.weight_bits - 1)
        weights[0, 0], weights[0, 1] = limit, int(weights[0, :2].sum()) - limit
        self.refused(with_transition(self.program, 0, weights=weights), "format|lost")

    def test_lost_neuron(self) -> None:
        rows = self.program.layers[1].rows
        self.refused(with_layer(self.program, 1, rows=(rows[0] - 1, *rows[1:])), "a neuron has no place")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lanes": 64}, "network 'random': lanes: 64 is more than its 50 paths; allowed are powers of two up to 50"),
        (
            {"multiplier": "add", "merge": False},
            "network 'random': multiplier: add needs weights in -1, 0, 1; the largest weight here is 7",
        ),
        (
            {"multiplier": "shift", "merge": False},
            "network 'random': multiplier: shift needs weights that are 0 or powers of two; one here is 7",
        ),
    ],
)
def test_bad_options(options: dict, message: str) -> None:
    network = make((8, 6, 4), 50)
    network.tensors["w1"][:] = 7
    network.tensors["w2"][:] = -3
    with pytest.raises(InputError) as caught:
        compile_paths(network, Options(**{"lanes": 4, **options}))
    assert str(caught.value) == message


def test_multiplier_kinds() -> None:
    network = make((8, 6, 4), 48, weight_bits=2)
    for tensor in ("w1", "w2"):
        np.clip(network.tensors[tensor], -1, 1, out=network.tensors[tensor])
    plain = compile_paths(network, Options(lanes=4, merge=False))
    assert (plain.multiplier, plain.weight_bits) == ("add", 2)
    assert compile_paths(network, Options(lanes=4, merge=False, multiplier="dsp")).multiplier == "dsp"
    assert compile_paths(make((8, 6, 4), 48), Options(lanes=4)).multiplier == "dsp"
    assert compile_paths(make((8, 6, 4), 48), Options(lanes=4, multiplier="lut")).multiplier == "lut"


def test_powers_of_two() -> None:
    """They are stored as sign and exponent, unless repeated edges add up to something else."""
    network = powers((8, 6, 4), 48, weight_bits=8)
    program = compile_paths(network, Options(lanes=4, merge=False))
    assert (program.multiplier, program.weight_bits) == ("shift", 4)
    assert compile_paths(network, Options(lanes=4, merge=False, multiplier="dsp")).weight_bits == 8
    x = inputs(network, 9)
    assert np.array_equal(program.run(x), golden.evaluate(network, x))
    merged = compile_paths(network, Options(lanes=4))
    assert any(transition.merged for transition in merged.transitions)
    assert (merged.multiplier, merged.weight_bits) == ("dsp", 8)
    words = weight_words(program)
    sizes = {word >> 4 * lane & 7 for word in words for lane in range(4)}
    assert sizes == {0, 1, 2, 3, 4, 5, 6, 7}
