"""How a read-only memory is cut into the block RAMs of a device, and where each of its bits then lies.

The same cut makes the hardware (`hdlgen.gateware.ecp5`, `hdlgen.gateware.ice40`) and says what to write into a finished
bitstream when only the contents change (`hdlgen.flow.patch`), so the two cannot disagree.
"""

from dataclasses import dataclass

from hdlgen.gateware.primitives import RomParameters
from hdlgen.targets import FORMATS

__all__ = ["Block", "cut"]


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
