"""The image of a recurrent network is all that a design of its shape needs to know of it."""

import dataclasses
from zlib import crc32

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.compiler import Options
from hdlgen.compiler.adopt import adopt
from hdlgen.compiler.unit.compile import compile_units
from hdlgen.compiler.unit.program import BandProgram, Constants, Unit
from hdlgen.errors import InputError
from hdlgen.gateware.image import image_id, side_by_side
from hdlgen.gateware.unit.contents import held
from hdlgen.network import Network

from ..compiler.recurrent import sequences
from ..compiler.test_frame import retrained
from ..recurrent import recurrent_networks


class Reader:
    """Takes memories from an image, as docs/weights.md describes it."""

    def __init__(self, image: bytes):
        assert image[:4] == b"HDLW"
        assert crc32(image[:-4]) == int.from_bytes(image[-4:], "little")
        self.image, self.at = image[:-4], 8

    def signed(self, words: int, count: int, bits: int) -> np.ndarray:
        """(words, count): a word after the other, ``count`` numbers of so many bits in each."""
        size = 2 * -(-count * bits // 16)
        found = []
        for _ in range(words):
            word = int.from_bytes(self.image[self.at : self.at + size], "little")
            self.at += size
            numbers = [word >> place * bits & ((1 << bits) - 1) for place in range(count)]
            found.append([number - (number >> (bits - 1) << bits) for number in numbers])
        return np.array(found, np.int64).reshape(words, count)


def refilled(program: BandProgram, image: bytes) -> BandProgram:
    """The program with what the image says in the place of what was trained."""
    reader = Reader(image)

    def constants(unit: Unit, given: Constants) -> Constants:
        words = given.words(unit.run_length, unit.chains)
        if not given.stored and all(word == words[0] for word in words):
            return given
        low, bits = given.span.low, given.span.bits - (given.span.low >= 0)
        found = reader.signed(len(words), unit.chains, bits)
        if low >= 0:
            found %= 1 << bits
        # Word i of the chains' r elements: that of lane c r + i.
        values = found.reshape(-1, unit.run_length, unit.chains).transpose(0, 2, 1).reshape(-1)
        return dataclasses.replace(given, values=tuple(values.tolist()))

    units = []
    for unit in program.units:
        weights = reader.signed(*unit.weights.shape, unit.weight_bits)
        before, after = constants(unit, unit.forward.before), constants(unit, unit.forward.after)
        unit = dataclasses.replace(
            unit, weights=weights, forward=dataclasses.replace(unit.forward, before=before, after=after)
        )
        if unit.cell is not None:
            bias, late = constants(unit, unit.cell.bias), constants(unit, unit.cell.late_bias)
            unit = dataclasses.replace(unit, cell=dataclasses.replace(unit.cell, bias=bias, late_bias=late))
        units.append(unit)
    assert reader.at == len(reader.image)
    return dataclasses.replace(program, units=tuple(units))


@settings(deadline=None, max_examples=40, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    network=recurrent_networks(most=9),
    lanes=st.sampled_from([1, 2, 4]),
    banks=st.sampled_from([1, 2]),
    adaptable=st.sampled_from([None, False]),
    seed=st.integers(0, 9),
)
def test_holds_all_that_was_trained(
    network: Network, lanes: int, banks: int, adaptable: bool | None, seed: int
) -> None:
    other = retrained(network, seed)
    options = Options(lanes=lanes, source="ram", banks=banks, adaptable=adaptable)  # type: ignore[arg-type]
    try:
        program = compile_units(network, options)
        found = compile_units(adopt(other, network, "DIR", shifts=()), options, frame=program.frame)
    except InputError:
        assume(False)
    mine, theirs = held(program), held(found)
    # Without room for it, a recurrent edge that becomes zero makes another engine.
    assume(mine.header == theirs.header or adaptable is None)
    assert mine.header == theirs.header == theirs.image[:8]
    assert len(mine.image) == len(theirs.image) == mine.image_bytes
    assert image_id(theirs.image) == (theirs.image[-4:] + theirs.image[4:8]).hex()
    assert [store.banks for store in mine.stores] == [banks] * len(mine.memories)
    x, lengths = sequences(network, [1, 3, 2])
    wanted = golden.evaluate(other, x, lengths)
    assert np.array_equal(refilled(program, theirs.image).run(x, lengths), wanted)


@pytest.mark.parametrize("bits", [1, 7, 16, 33, 64])
def test_words_of_numbers_side_by_side(bits: int) -> None:
    rng = np.random.default_rng(bits)
    rows = rng.integers(-(1 << 63), (1 << 63) - 1, (9, 5), endpoint=True)
    words = side_by_side(rows, bits)
    assert words == [sum(int(v) % (1 << bits) << place * bits for place, v in enumerate(row)) for row in rows]
    assert side_by_side(rows.tolist(), bits) == words
