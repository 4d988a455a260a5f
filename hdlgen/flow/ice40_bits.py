"""An iCE40 bitstream read byte by byte: what its block RAMs hold, and all the rest.

The format is that of Project IceStorm's documentation ("bitstream file format"): after a preamble commands, of which the
lower half of the first byte says how many bytes of a number follow. A block RAM has 256 words of 16 bits. Those of a bank
lie beside each other, their words above each other; a bank is one half, lower or upper, of a column of block RAMs.
"""

from binascii import crc_hqx
from collections.abc import Mapping

__all__ = ["holds", "split"]

_PREAMBLE = bytes.fromhex("7eaa997e")
_COLUMNS = {3: 0, 6: 0, 8: 0, 10: 2, 19: 2, 25: 2}
"""The lower bank of the column of block RAMs at x, of the dies 1k, 5k and 8k: left, and right."""

_SPECIAL, _BANK, _CRC, _WIDTH, _HEIGHT = 0, 1, 2, 6, 7
_CRAM, _BRAM, _RESET_CRC, _WAKEUP = 1, 3, 5, 6


def split(bits: bytes) -> tuple[bytes, dict[int, list[bytes]]]:
    """The bitstream without the contents of its block RAMs and its CRC, and for every bank these contents.

    Each is a list of 512 bytes, the words one after the other, highest byte first.

    Raises
    ------
    ValueError
        If it is cut short, or its CRC is wrong.
    """
    at = bits.find(_PREAMBLE) + len(_PREAMBLE)
    rest = [bits[:at]]
    found: dict[int, list[bytes]] = {}
    bank = width = height = 0
    summed = at
    while True:
        if at >= len(bits):
            raise ValueError("cut short")
        command, size = bits[at] >> 4, bits[at] & 15
        number = int.from_bytes(bits[at + 1 : at + 1 + size], "big")
        start, at = at, at + 1 + size
        if (command, number) in ((_SPECIAL, _CRAM), (_SPECIAL, _BRAM)):
            at += width * height // 8
            if number == _BRAM:
                content = bits[start + 2 : at]
                blocks = found.setdefault(bank, [b""] * (width // 16))
                for place in range(width // 16):
                    words = [content[word : word + 2] for word in range(2 * place, len(content), width // 8)]
                    blocks[place] += b"".join(words)
                start = at
            at += 2
        if command == _CRC:
            if crc_hqx(bits[summed:at], 0xFFFF):
                raise ValueError("wrong CRC")
            continue
        rest.append(bits[start:at])
        if command == _BANK:
            bank = number
        elif command == _WIDTH:
            width = number + 1
        elif command == _HEIGHT:
            height = number
        elif (command, number) == (_SPECIAL, _RESET_CRC):
            summed = at
        elif (command, number) == (_SPECIAL, _WAKEUP):
            return b"".join([*rest, bits[at:]]), found


def holds(original: bytes, exchanged: Mapping[str, list[int]], bits: bytes) -> bool:
    """Whether ``bits`` is ``original`` with other contents of some block RAMs, and a right CRC.

    ``exchanged`` has their 16 rows of 256 bits, by column and row as iceunpack writes them.
    """
    try:
        (rest, blocks), (other_rest, other_blocks) = split(original), split(bits)
        for name, rows in exchanged.items():
            x, y = map(int, name.split())
            bank, number = _COLUMNS[x], y // 2
            if number >= len(blocks[bank]):
                bank, number = bank + 1, number - len(blocks[bank])
            words = [(row >> 16 * word & 0xFFFF).to_bytes(2, "big") for row in rows for word in range(16)]
            blocks[bank][number] = b"".join(words)
    except (ValueError, LookupError):
        return False
    return (rest, blocks) == (other_rest, other_blocks)
