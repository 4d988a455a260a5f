"""Other contents of block RAMs in a finished bitstream, byte by byte.

The formats are those of Project IceStorm's documentation and of Project Trellis' library.

iCE40: after a preamble commands, of which the lower half of the first byte says how many bytes of a number follow. A block
RAM has 256 words of 16 bits. Those of a bank lie beside each other, their words above each other; a bank is one half, lower
or upper, of a column of block RAMs. One CRC over all of it.

ECP5: for every block RAM a command with its number, one with 256 rows of 72 bits, highest first, and a CRC. Nothing else
looks like these two.
"""

from binascii import crc_hqx
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["exchange"]

_PREAMBLE = bytes.fromhex("7eaa997e")
_COLUMNS = {3: 0, 6: 0, 8: 0, 10: 2, 19: 2, 25: 2}
"""The lower bank of the column of block RAMs at x, of the dies 1k, 5k and 8k: left, and right."""

_SPECIAL, _BANK, _CRC, _WIDTH, _HEIGHT = 0, 1, 2, 6, 7
_CRAM, _BRAM, _RESET_CRC, _WAKEUP = 1, 3, 5, 6


Contents = Mapping[str, tuple[list[int], list[int]]]
"""Old and new rows of block RAMs (`hdlgen.gateware.blocks.Block.rows`), by what `hdlgen synth` calls their places."""


@dataclass(kw_only=True)
class _Ice40:
    """Where in a bitstream the CRC begins, what it is made of, and where every word of the first block RAM of a bank is.

    ``banks``: the number of block RAMs and these places; the word of the next block RAM is two bytes behind.
    """

    summed: int = 0
    crc: int = 0
    banks: dict[int, tuple[int, list[int]]] = field(default_factory=dict)

    @classmethod
    def of(cls, bits: bytes) -> "_Ice40":
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
        """Where the words of the block RAM at column and row ``name`` are."""
        x, y = map(int, name.split())
        bank, number = _COLUMNS.get(x, -1), y // 2
        if bank in self.banks and number >= self.banks[bank][0]:
            bank, number = bank + 1, number - self.banks[bank][0]
        count, words = self.banks.get(bank, (0, []))
        if number >= count:
            raise ValueError(f"has no block RAM {name}")
        return [at + 2 * number for at in words]


def exchange(family: str, bits: bytes, contents: Contents) -> bytes:
    """The bitstream with other contents of some block RAMs, and the CRCs that fit.

    Raises :class:`ValueError` if the bitstream is damaged, has no such block RAM, or other contents are there.
    """
    return {"ice40": _ice40, "ecp5": _ecp5}[family](bits, contents)


def _ice40(bits: bytes, contents: Contents) -> bytes:
    places = _Ice40.of(bits)
    new = bytearray(bits)
    for name, (old_rows, new_rows) in contents.items():
        for at, before, after in zip(places.words(name), _words(old_rows), _words(new_rows), strict=True):
            if bits[at : at + 2] != before:
                raise _others(name)
            new[at : at + 2] = after
    new[places.crc : places.crc + 2] = crc_hqx(new[places.summed : places.crc], 0xFFFF).to_bytes(2, "big")
    return bytes(new)


def _words(rows: list[int]) -> list[bytes]:
    """The 256 words of 16 bits, the lowest one of a row first."""
    return [(row >> shift & 0xFFFF).to_bytes(2, "big") for row in rows for shift in range(0, 256, 16)]


def _ecp5(bits: bytes, contents: Contents) -> bytes:
    new = bytearray(bits)
    for name, rows in contents.items():
        # LSC_EBR_ADDRESS; LSC_EBR_WRITE with a CRC behind 256 frames
        command = bytes([0xF6, 0, 0, 0]) + (int(name) << 11).to_bytes(4, "big") + bytes([0xB2, 0xD0, 1, 0])
        if bits.count(command) != 1:
            raise ValueError(f"has no block RAM {name}")
        at = bits.find(command) + len(command)
        before, after = map(_frames, rows)
        end = at + len(before)
        if bits[at:end] != before:
            raise _others(name)
        # The CRC is linear: the change of the contents says how it changes, whatever stands before them.
        change = int.from_bytes(before, "big") ^ int.from_bytes(after, "big")
        crc = int.from_bytes(bits[end : end + 2], "big") ^ _remainder(change)
        new[at : end + 2] = after + crc.to_bytes(2, "big")
    return bytes(new)


def _frames(rows: list[int]) -> bytes:
    """The 2048 words of 9 bits, the first in the highest bits."""
    bits = "".join(f"{row >> shift & 0x1FF:09b}" for row in rows for shift in range(0, 288, 9))
    return int(bits, 2).to_bytes(2304, "big")


def _remainder(number: int) -> int:
    """CRC-16 (polynomial 0x8005) of ``number``, beginning with 0."""
    rest = 0
    for byte in number.to_bytes(2304, "big"):
        rest ^= byte << 8
        for _ in range(8):
            rest = rest << 1 ^ (0x18005 if rest & 0x8000 else 0)
    return rest


def _others(name: str) -> ValueError:
    return ValueError(f"block RAM {name} does not hold what the design says")
