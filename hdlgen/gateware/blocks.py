"""How a read-only memory is cut into the block RAMs of a device, and where each of its bits then lies.

The same cut makes the hardware (`hdlgen.gateware.ecp5`, `hdlgen.gateware.ice40`) and says what to write into a finished
bitstream when only the contents change (`hdlgen.flow.patch`), so the two cannot disagree.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hdlgen.gateware.primitives import PIECE, RomParameters, StoreParameters

__all__ = ["FORMATS", "Block", "BlockFormat", "cut"]


@dataclass(frozen=True, kw_only=True)
class BlockFormat:
    """The block RAM of a family.

    Parameters
    ----------
    depths: words of a block by their width in bits
    rows, row_bits: rows of initial contents as the tools know them, and bits in each
    piece: how many blocks may be wasted to save one level of blocks above each other, and the multiplexer behind them
    """

    depths: Mapping[int, int]
    rows: int
    row_bits: int
    piece: int

    def width(self, depth: int, width: int) -> int:
        """The word width for which a memory costs the fewest blocks."""

        def cost(size: int) -> tuple[int, int]:
            pieces = -(-depth // self.depths[size])
            return pieces * -(-width // size) + self.piece * (pieces - 1), pieces

        return min(self.depths, key=cost)


FORMATS: Mapping[str, BlockFormat] = {
    # Lattice FPGA-TN-02002, iCE40 memory usage guide.
    "ice40": BlockFormat(depths={16: 256, 8: 512, 4: 1024, 2: 2048}, rows=16, row_bits=256, piece=0),
    # Lattice FPGA-TN-02204, ECP5 memory usage guide; the narrower words would leave every ninth bit unused.
    "ecp5": BlockFormat(depths={18: 1024, 9: 2048}, rows=64, row_bits=288, piece=2),
}


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
    form = FORMATS[family]
    if isinstance(parameters, StoreParameters):
        width, column, words_in_all = max(form.depths), PIECE, parameters.banks * parameters.depth
    else:
        width = column = form.width(parameters.depth, parameters.width)
        words_in_all = parameters.depth
    depth = form.depths[width]
    blocks = []
    for start in range(0, words_in_all, depth):
        words = parameters.contents[start : start + depth]
        for low in range(0, parameters.width, column):
            bits = min(column, parameters.width - low)
            mask = (1 << bits) - 1
            contents = tuple(word >> low & mask for word in words)
            blocks.append(Block(family=family, low=low, bits=bits, start=start, width=width, words=contents))
    return blocks
