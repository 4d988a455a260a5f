"""The passes for path networks.

Each takes the network, the program so far, the options, and what fits it into a frame, and returns the program with one more
part filled in.

The order, and why it is this order, stands in `hdlgen.compiler.path.PASSES`.
"""

import itertools
from dataclasses import replace
from functools import cached_property
from math import gcd

import numpy as np

from hdlgen.compiler.fitting import Fitter
from hdlgen.compiler.options import Options
from hdlgen.compiler.path.program import Flush, Ints, Layer, Program, Requantise, Transition, flushes
from hdlgen.integers import Interval, scatter, signed_bits
from hdlgen.network import Network, SobolTopology
from hdlgen.targets import FORMATS, WIDE_BITS, WIDE_VALUES

__all__ = ["accumulate", "drain", "fold", "path_numbers", "place", "store", "topology_of", "walk"]


def topology_of(network: Network) -> SobolTopology:
    """What the paths of a network of paths follow."""
    shared = network.weighted(1).connections.shared
    if shared is None:
        raise ValueError(f"{network.where}: layer 1 follows no Sobol' paths that layers share")
    return shared[0]


class _Digits:
    """A layer's Sobol' component as a linear map of the path number: everything about slots, banks and words.

    A digital shift makes the map affine; ``shift_bank`` and ``shift_word`` are its constants.
    """

    def __init__(self, network: Network, index: int, program: Program):
        self.bits = program.index_bits
        self.lane_bits = program.log2_lanes
        topology = topology_of(network)
        self.slot_bits = min(topology.log2_slots[index], self.bits)
        self.columns = topology.columns(index, self.bits)
        shift = topology.offset(index, self.bits)
        self.shift_bank = shift >> (self.bits - self.lane_bits)
        self.shift_word = (shift >> (self.bits - self.slot_bits)) & ((1 << self.word_bits) - 1)

    def point(self, number: int) -> int:
        """x(number) * 2^index_bits, without the digital shift."""
        x = 0
        for k, column in enumerate(self.columns):
            if number >> k & 1:
                x ^= column
        return x

    def slot(self, number: int) -> int:
        return self.point(number) >> (self.bits - self.slot_bits)

    def bank(self, number: int) -> int:
        return self.point(number) >> (self.bits - self.lane_bits)

    @property
    def word_bits(self) -> int:
        return max(self.slot_bits - self.lane_bits, 0)

    def word(self, number: int) -> int:
        return self.slot(number) & ((1 << self.word_bits) - 1)

    @cached_property
    def low_of_bank(self) -> list[int]:
        """The inverse of bank() on the first block: path number of each bank."""
        return sorted(range(1 << self.lane_bits), key=self.bank)

    def met(self, number: int, target: "_Digits", start: "_Digits", *, shifted: bool = False) -> tuple[int, int]:
        """The source word of a block, and its lane exchange on the way to ``target``."""
        banks = (self.bank(number), target.bank(number))
        if shifted:
            banks = (banks[0] ^ self.shift_bank, banks[1] ^ target.shift_bank)
        exchange = start.bank(self.low_of_bank[banks[0]] ^ target.low_of_bank[banks[1]])
        return self.word(number) ^ (self.shift_word if shifted else 0), exchange


def _digits(network: Network, program: Program) -> list[_Digits]:
    return [_Digits(network, index, program) for index in range(len(network.widths))]


def place(network: Network, program: Program, options: Options, fitter: Fitter) -> Program:
    """Give every neuron its banks, lanes and rows (`Layer`)."""
    digits = _digits(network, program)
    layers = []
    lanes, lane_bits = program.lanes, program.log2_lanes
    for index, digit in enumerate(digits):
        width = network.widths[index]
        slots = 1 << digit.slot_bits
        neurons = list(range(width))
        hidden = 0 < index < len(digits) - 1
        if hidden and width > slots:
            neurons = [(slot * width) // slots for slot in range(slots)]
            width = slots
        if digit.slot_bits >= lane_bits:
            common = gcd(width, lanes)
            classes, cells = lanes // common, width // common
            phase = [bank * cells % classes for bank in range(lanes)]
            first = [bank * cells // classes for bank in range(lanes)]
            # An input without any path still has its place: the loader puts all elements one after the other.
            top = cells - 1 if width > slots else (((1 << digit.word_bits) - 1) * cells) >> digit.word_bits
            rows = [(p + top) // classes + 1 for p in phase]
        else:
            classes = cells = 1
            phase = [0] * lanes
            first = [((bank >> (lane_bits - digit.slot_bits)) * width) // slots for bank in range(lanes)]
            rows = [1] * lanes
        start = digits[0]
        low = digit.low_of_bank
        activation = network.weighted(index).activation if index else None
        layers.append(
            Layer(
                width=width,
                neurons=tuple(neurons),
                word_bits=digit.word_bits,
                cells=cells,
                classes=classes,
                first=tuple(first),
                phase=tuple(phase),
                rows=tuple(rows),
                lane=tuple(start.bank(low[bank]) for bank in range(lanes)),
                bits=program.input_bits if index == 0 else activation.bits if activation else 0,
            )
        )
    return replace(program, layers=tuple(layers))


def _eliminate(images: list[int], vectors: list[int]) -> tuple[dict[int, tuple[int, int]], list[int]]:
    """Row reduction over GF(2): by pivot the reduced image, in which no other one's pivot is set, and the combination of
    ``vectors`` that has it; and combinations whose images cancel, a basis of the kernel."""
    rows: dict[int, tuple[int, int]] = {}
    kernel: list[int] = []
    for image, vector in zip(images, vectors, strict=True):
        for pivot, (row, origin) in rows.items():
            if image >> pivot & 1:
                image, vector = image ^ row, vector ^ origin
        if not image:
            kernel.append(vector)
            continue
        pivot = image.bit_length() - 1
        for other, (row, origin) in rows.items():
            if row >> pivot & 1:
                rows[other] = row ^ image, origin ^ vector
        rows[pivot] = image, vector
    return rows, kernel


def walk(network: Network, program: Program, options: Options, fitter: Fitter) -> Program:
    """Order the blocks of every transition by destination word and fold repeated edges (`Transition` without weights)."""
    digits = _digits(network, program)
    lane_bits, bits = program.log2_lanes, program.index_bits
    start = digits[0]
    transitions = []
    for source, target in itertools.pairwise(digits):
        merged: list[int] = []
        if options.merge:
            units = [1 << bit for bit in range(bits)]
            images = [source.slot(unit) << target.slot_bits | target.slot(unit) for unit in units]
            _, kernel = _eliminate(images, units)
            # Only a repeat that lies in another block saves anything. Reduced by their block numbers they are independent.
            merged = [vector for vector, _ in _eliminate(kernel, kernel)[0].values() if vector >> lane_bits]
        pivots = {vector.bit_length() - 1 for vector in merged}
        free = [1 << bit for bit in range(lane_bits, bits) if bit not in pivots]
        # What leaves the destination word as it is, and a preimage of each of its bits.
        words, inner = _eliminate([target.word(vector) for vector in free], free)
        assert len(words) == target.word_bits, "the word of a layer does not take all its values"
        outer = [words[bit][1] for bit in range(target.word_bits)]
        columns = inner + outer
        totals = itertools.accumulate(columns, int.__xor__)
        # The first block is of destination word 0, whatever the shift.
        base = 0
        for bit, column in enumerate(outer):
            base ^= column if target.shift_word >> bit & 1 else 0
        transitions.append(
            Transition(
                run_bits=len(inner),
                columns=tuple(columns),
                merged=tuple(merged),
                steps=tuple(source.met(total, target, start) for total in totals),
                base=base,
                first=source.met(base, target, start, shifted=True),
            )
        )
    return replace(program, transitions=tuple(transitions))


def _span(vectors: tuple[int, ...]) -> Ints:
    """All XOR combinations, counting order."""
    span = np.zeros(1, np.int64)
    for vector in vectors:
        span = np.concatenate([span, span ^ vector])
    return span


def path_numbers(network: Network, program: Program, index: int) -> Ints:
    """The paths that lane j multiplies in block q of a transition, repeated edges as one: (2^repeats, blocks, lanes)."""
    digits = _digits(network, program)
    start, target = digits[0], digits[index + 1]
    transition = program.transitions[index]
    start_low, target_low = np.array(start.low_of_bank), np.array(target.low_of_bank)
    vectors = _span(transition.columns) ^ transition.base
    banks = _span(tuple(target.bank(column) for column in transition.columns)) ^ target.bank(transition.base)
    low = start_low ^ target_low[banks ^ target.shift_bank][:, np.newaxis]
    return np.asarray(vectors[:, np.newaxis] ^ low ^ _span(transition.merged)[:, np.newaxis, np.newaxis])


def fold(network: Network, program: Program, options: Options, fitter: Fitter) -> Program:
    """Put the weights into the order of the walk, adding up those of repeated edges; attach requantisation."""
    transitions = []
    for number, transition in enumerate(program.transitions, 1):
        stored = network.weights(number)
        padded = np.pad(stored, (0, (1 << program.index_bits) - len(stored)))
        weights = padded[path_numbers(network, program, number - 1)].sum(axis=0)
        activation, requantise = network.weighted(number).activation, None
        if activation is not None:
            kept = network.bias(number)[list(program.layers[number].neurons)]
            requantise = Requantise(shift=activation.shift, bits=activation.bits, bias=tuple(kept.tolist()))
        transitions.append(replace(transition, weights=weights, requantise=requantise))
    bias = tuple(network.bias(len(network.layers)).tolist())
    return replace(program, transitions=tuple(transitions), result_bias=bias)


def accumulate(network: Network, program: Program, options: Options, fitter: Fitter) -> Program:
    """Derive the widths of sums from the weights' worst case: none, whole or partial, can leave its register."""
    widths, sums, notes = [], [1], []
    highest = np.full(program.layers[0].width, (1 << program.input_bits) - 1)
    for number, transition in enumerate(program.transitions, 1):
        source, target = program.edges(number - 1)
        weights, step, width = transition.weights, transition.requantise, program.layers[number].width
        high, low = (scatter(part(weights, 0) * highest[source], target, width) for part in (np.maximum, np.minimum))
        bias = np.array(step.bias if step else program.result_bias, np.int64)
        sums.append(Interval.spanning(low, high).bits)
        widths.append(Interval.spanning(np.minimum(low, low + bias), np.maximum(high, high + bias)).bits)
        if step:
            highest = step(high)
        stored = network.weights(number)
        before, after = (signed_bits(int(each.min()), int(each.max())) for each in (stored, weights))
        if after > network.weighted(number).weight_bits:
            notes.append(f"layer {number}: adding up repeated edges widens the weights from {before} to {after} bits")
    return replace(program, accumulator_bits=tuple(widths), sum_bits=max(sums), notes=program.notes + tuple(notes))


def drain(network: Network, program: Program, options: Options, fitter: Fitter) -> Program:
    """How many chains carry the sums out of the lanes: as few as keep up with the flushes of every transition.

    The lanes of a chain are those with the same low bits. A chain of B lanes needs B cycles; within them none of its lanes
    may flush again.
    """
    events = [flushes(program, index) for index in range(len(program.transitions))]
    chains = 1
    while chains < program.lanes and not _keeps_up(program, events, chains):
        chains *= 2
    return replace(
        program,
        groups=max(layer.classes for layer in program.layers),
        chains=chains,
        whole_rows=tuple(_whole_rows(program, of_this, index) for index, of_this in enumerate(events)),
        pauses=_pauses(program, events, chains),
    )


def _keeps_up(program: Program, events: list[list[Flush]], chains: int) -> bool:
    length = program.lanes // chains
    for transition, of_this in zip(program.transitions, events, strict=True):
        blocks = np.array([block for block, _, _ in of_this])
        flags = np.array([flags for _, flags, _ in of_this]).reshape(-1, length, chains)
        if any((np.diff(blocks[flags[:, :, chain].any(axis=1)]) < length).any() for chain in range(chains)):
            return False
        # The next transition may be any; its first flush comes no sooner than its first run ends.
        final = transition.blocks - 1
        if any(of_other[0][0] + 1 + (final - of_this[-1][0]) < length for of_other in events):
            return False
    return True


def _whole_rows(program: Program, events: list[Flush], index: int) -> int:
    """All rows but the last of lane 0, if the lanes go through them at the same time; else none.

    What a lane brings is kept until the row is written, so it must bring nothing of the next row before.
    """
    if index not in program.joined:
        return 0
    layer = program.layers[index + 1]
    last = events[-1][2][0]
    kept: dict[int, int] = {}
    written: dict[tuple[int, int], int] = {}
    for _block, flags, rows in events:
        flushed = {lane: rows[lane] for lane in range(program.lanes) if flags[lane]}
        kept |= flushed
        if rows[0] == last:
            written |= {(lane, row): row for lane, row in flushed.items()}
        elif flags[0]:
            written |= {(lane, rows[0]): kept.get(lane, -1) for lane in range(program.lanes)}
    # Row 0 of a lane that goes on with a neuron of another one is written at the end.
    needed = [(lane, row) for _neuron, lane, row in layer.places() if row or lane not in layer.continued]
    return last if all(written.get((lane, row)) == row for lane, row in needed) else 0


def _pauses(program: Program, events: list[list[Flush]], chains: int) -> tuple[bool, ...]:
    """Transitions into joined layers, if a row could meet that of the neurons' second places: where the first block of a
    transition into a hidden layer completes a neuron."""
    joined, meet = program.joined, False
    for layer, ((block, flags, rows), *_) in zip(program.layers[1:-1], events, strict=False):
        lanes = set(range(program.lanes)) - set(layer.continued) | {lane for lane, row in enumerate(rows) if row}
        meet |= block == 0 and any(flags[lane] for lane in lanes)
    return tuple(meet and chains == program.lanes and index in joined for index in range(len(events)))


def store(network: Network, program: Program, options: Options, fitter: Fitter) -> Program:
    """Lay out the activation memory.

    Where block RAM can be written wider than it is read, each block holds as many columns as can be written at once, if
    there are blocks enough, and if all lanes write the same row of a hidden layer.
    """
    buffers = options.input_buffers or 2
    rows = all(layer.classes == 1 for layer in program.layers[1:-1])
    blocks = options.wide_blocks if rows and program.activation_bits <= WIDE_BITS else None
    columns = min(WIDE_VALUES, program.lanes)
    while blocks is not None and columns > 1:
        laid = _laid_out(replace(program, columns=columns, input_buffers=buffers))
        if _has_room(laid, blocks):
            return laid
        columns //= 2
    return _laid_out(replace(program, columns=1, input_buffers=buffers))


def _laid_out(program: Program) -> Program:
    base = program.input_buffers * program.buffer_words
    layers = [program.layers[0]]
    for layer in program.layers[1:-1]:
        layers.append(replace(layer, base=base))
        base += layer.depth
    return replace(program, layers=(*layers, program.layers[-1]))


def _has_room(program: Program, blocks: int) -> bool:
    """Whether there are as many blocks for each lane as a word takes, and words enough in them, beside other memories."""
    own = program.lanes * -(-program.word_values // WIDE_VALUES)
    values = program.memory_words * min(program.word_values, WIDE_VALUES)
    ecp5 = FORMATS["ecp5"]
    return values <= ecp5.depths[WIDE_BITS] and own + sum(map(ecp5.blocks, program.memories)) <= blocks
