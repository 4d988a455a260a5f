"""Other contents of block RAMs in an iCE40 bitstream, byte by byte.

The format is that of Project IceStorm's documentation ("bitstream file format"): after a preamble commands, of which the
lower half of the first byte says how many bytes of a number follow. A block RAM has 256 words of 16 bits. Those of a bank
lie beside each other, their words above each other; a bank is one half, lower or upper, of a column of block RAMs.
"""

from binascii import crc_hqx
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

__all__ = ["exchange"]

_PREAMBLE = bytes.fromhex("7eaa997e")
_COLUMNS = {3: 0, 6: 0, 8: 0, 10: 2, 19: 2, 25: 2}
"""The lower bank of the column of block RAMs at x, of the dies 1k, 5k and 8k: left, and right."""

_SPECIAL, _BANK, _CRC, _WIDTH, _HEIGHT = 0, 1, 2, 6, 7
_CRAM, _BRAM, _RESET_CRC, _WAKEUP = 1, 3, 5, 6


@dataclass(kw_only=True)
class _Places:
    """Where in a bitstream the CRC begins, what it is made of, and where every word of the first block RAM of a bank is.

    ``banks``: the number of block RAMs and these places; the word of the next block RAM is two bytes behind.
    """

    summed: int = 0
    crc: int = 0
    banks: dict[int, tuple[int, list[int]]] = field(default_factory=dict)

    @classmethod
    def of(cls, bits: bytes) -> "_Places":
        found = cls()
        at = bits.find(_PREAMBLE) + len(_PREAMBLE)
        bank = width = height = 0
        while at < len(bits):
            command, size = bits[at] >> 4, bits[at] & 15
            number = int.from_bytes(bits[at + 1 : at + 1 + size], "big")
            at += 1 + size
            if command == _BANK:
                bank = number
            elif command == _WIDTH:
                width = number + 1
            elif command == _HEIGHT:
                height = number
            elif command == _CRC:
                found.crc = at - size
            elif command == _SPECIAL and number == _RESET_CRC:
                found.summed = at
            elif command == _SPECIAL and number == _WAKEUP:
                break
            elif command == _SPECIAL and number in (_CRAM, _BRAM):
                if number == _BRAM:
                    _count, words = found.banks.setdefault(bank, (width // 16, []))
                    words += range(at, at + width * height // 8, width // 8)
                at += width * height // 8 + 2
        if at > len(bits) or crc_hqx(bits[found.summed : found.crc + 2], 0xFFFF):
            raise ValueError("is damaged")
        return found

    def words(self, name: str) -> list[int]:
        """Where the words of the block RAM at column and row ``name`` are, as iceunpack calls it."""
        x, y = map(int, name.split())
        bank, number = _COLUMNS.get(x, -1), y // 2
        if bank in self.banks and number >= self.banks[bank][0]:
            bank, number = bank + 1, number - self.banks[bank][0]
        count, words = self.banks.get(bank, (0, []))
        if number >= count:
            raise ValueError(f"has no block RAM {name}")
        return [at + 2 * number for at in words]


def exchange(bits: bytes, contents: Mapping[str, tuple[list[int], list[int]]]) -> bytes:
    """``bits`` with other contents of some block RAMs, and the CRC that fits.

    ``contents`` has the 16 rows of 256 bits that are there and those that shall be, by column and row.

    Raises
    ------
    ValueError
        If the bitstream is damaged, has no such block RAM, or other contents are there.
    """
    places = _Places.of(bits)
    new = bytearray(bits)
    for name, (old_rows, new_rows) in contents.items():
        for at, before, after in zip(places.words(name), _words(old_rows), _words(new_rows), strict=True):
            if bits[at : at + 2] != before:
                raise ValueError(f"block RAM {name} does not hold what the design says")
            new[at : at + 2] = after
    new[places.crc : places.crc + 2] = crc_hqx(new[places.summed : places.crc], 0xFFFF).to_bytes(2, "big")
    return bytes(new)


def _words(rows: list[int]) -> Iterator[bytes]:
    for row in rows:
        for word in range(16):
            yield (row >> 16 * word & 0xFFFF).to_bytes(2, "big")
