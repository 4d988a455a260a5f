"""How a memory is cut into the block RAMs of a device, and where each of its bits then lies.

The same cut makes the hardware (`hdlgen.gateware.ecp5`, `hdlgen.gateware.ice40`) and says what to write into a finished
bitstream when only the contents change (`hdlgen.flow.patch`), so the two cannot disagree.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Array, Instance, Module, Signal

from hdlgen.gateware.primitives import PIECE, Rom, RomParameters, Store
from hdlgen.targets import FORMATS

__all__ = ["Block", "assemble", "cut", "settings"]


@dataclass(frozen=True, kw_only=True)
class Block:
    """One block RAM: bits ``low`` to ``low + bits - 1`` of the words from ``start`` on, as words of ``width`` bits."""

    family: str
    low: int
    bits: int
    start: int
    width: int
    words: tuple[int, ...]

    @property
    def name(self) -> str:
        return f"block_{self.start}_{self.low}"

    def rows(self) -> list[int]:
        """The initial contents in the order of the block itself, row 0 and bit 0 first."""
        form = FORMATS[self.family]
        image = [0] * form.rows
        for address, word in enumerate(self.words):
            for bit in range(self.bits):
                if word >> bit & 1:
                    row, place = divmod(_PLACES[self.family](address, bit, self.width), form.row_bits)
                    image[row] |= 1 << place
        return image


def _ice40(address: int, bit: int, width: int) -> int:
    """Words of less than 16 bits lie beside each other in one of 16, bit by bit: the index within it is read backwards."""
    place = address * width + bit
    index = place & 15
    backwards = (index & 1) << 3 | (index & 2) << 1 | (index & 4) >> 1 | (index & 8) >> 3
    return place & ~15 | backwards


def _ecp5(address: int, bit: int, width: int) -> int:
    return address * width + bit


_PLACES = {"ice40": _ice40, "ecp5": _ecp5}


def cut(parameters: RomParameters, family: str) -> list[Block]:
    """The blocks of a memory: all columns of the first words, then all columns of the next.

    A column of a `StoreParameters` is what is written at once, and a word of a block is one column.
    """
    form, memory = FORMATS[family], parameters.memory
    width, column = form.column(memory)
    depth = form.depths[width]
    blocks = []
    for start in range(0, memory.banks * memory.depth, depth):
        words = parameters.contents[start : start + depth]
        for low in range(0, parameters.width, column):
            bits = min(column, parameters.width - low)
            mask = (1 << bits) - 1
            contents = tuple(word >> low & mask for word in words)
            blocks.append(Block(family=family, low=low, bits=bits, start=start, width=width, words=contents))
    return blocks


def assemble(
    m: Module,
    part: Rom | Store,
    family: str,
    instance: Callable[[Block, Any, Any, Callable[[], Any]], Instance],
    stages: Sequence[Any],
) -> Any:
    """The word that is read from the blocks of a memory.

    Parameters
    ----------
    instance: makes a block of its address, its part of the word, and a function that says whether it is written
    stages: enables of the registers that a block has: the address of the block goes with them
    """
    blocks = cut(part.parameters, family)
    depth = FORMATS[family].depths[blocks[0].width]
    bits = (depth - 1).bit_length()
    words: dict[int, Signal] = {}
    for block in blocks:
        word = words.setdefault(block.start, Signal(part.parameters.width, name=f"word_{block.start}"))

        def written(block: Block = block) -> Signal:
            assert isinstance(part, Store)
            enable = Signal(name=f"write_{block.name}")
            here = part.write_address[bits:] == block.start // depth
            m.d.comb += enable.eq(part.write_enable[block.low // PIECE] & here)
            return enable

        own = word[block.low : block.low + block.bits]
        m.submodules[block.name] = instance(block, part.address[:bits], own, written)
    chosen = part.address[bits:]
    for enable in stages if len(words) > 1 else ():
        late = Signal(len(chosen))
        with m.If(enable):
            m.d.sync += late.eq(chosen)
        chosen = late
    return Array(words.values())[chosen]


def settings(text: str) -> dict[str, str]:
    """Parameters of a vendor's part, from words NAME=VALUE."""
    return {f"p_{name}": value for name, _, value in (word.partition("=") for word in text.split())}
