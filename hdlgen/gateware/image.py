"""What a design holds that was trained, as one image, which is sent to a board or lies in its flash; see docs/weights.md."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from zlib import crc32

import numpy as np
from amaranth.lib import data
from numpy.typing import ArrayLike

from hdlgen.compiler.common import EngineProgram
from hdlgen.gateware.primitives import PIECE, RomParameters, StoreParameters

__all__ = ["MAGIC", "NOTHING", "Held", "image_id", "side_by_side"]

MAGIC = b"HDLW"
"""How every image begins."""


def side_by_side(rows: ArrayLike, bits: int) -> list[int]:
    """A word of each row: its numbers modulo 2^bits, the first in the lowest bits."""
    values = np.asarray(rows, np.int64)
    spread = (values[..., np.newaxis] >> np.arange(bits) & 1).astype(np.uint8)
    packed = np.packbits(spread.reshape(len(values), -1), axis=1, bitorder="little")
    return [int.from_bytes(row, "little") for row in packed]


@dataclass(frozen=True, kw_only=True)
class Held:
    """The memories of an engine that hold what was trained, in the order in which an image has them.

    ``shape`` is the same for two engines only if the image of either fits the other. If the memories can be written, all
    can, and in the same way.
    """

    shape: str
    memories: tuple[RomParameters, ...]

    @classmethod
    def of(cls, program: EngineProgram, contents: Iterable[tuple[str, Sequence[int], int]], *shape: object) -> "Held":
        """Memories from names, words and widths, the weights first: in single-port RAM, if there is any."""
        memories = [RomParameters.of(*memory) for memory in contents]
        forms = [(memory.depth, memory.width) for memory in memories]
        if program.writable:
            memories = [
                StoreParameters(
                    **vars(memory),
                    banks=program.banks,
                    preset=program.fill == "bitstream",
                    single_port=program.source == "spram" and memory is memories[0],
                )
                for memory in memories
            ]
        return cls(shape=repr((*shape, forms)), memories=tuple(memories))

    @cached_property
    def stores(self) -> tuple[StoreParameters, ...]:
        """The memories, if they can be written; otherwise none."""
        found = tuple(memory for memory in self.memories if isinstance(memory, StoreParameters))
        assert len(found) in (0, len(self.memories))
        return found

    @property
    def load(self) -> data.StructLayout:
        """What goes from `Reload` to the memories: the bank to read, and one piece of a word of one memory to be written.

        ``select`` and ``piece`` are one-hot; ``address`` counts from the beginning of the memory, bank 0.
        """
        pieces = max((store.pieces for store in self.stores), default=0)
        address = max((store.address_bits for store in self.stores), default=0)
        select = len(self.memories)
        return data.StructLayout({"bank": 1, "select": select, "piece": pieces, "address": address, "data": PIECE})

    @property
    def banks(self) -> int:
        """Complete sets of contents for which there is room."""
        return self.stores[0].banks if self.stores else 1

    @property
    def preset(self) -> bool:
        """Whether the bitstream fills them."""
        return self.stores[0].preset if self.stores else True

    @property
    def header(self) -> bytes:
        """How an image begins."""
        return MAGIC + sha256(self.shape.encode()).digest()[:4]

    @cached_property
    def image(self) -> bytes:
        """Header, then every memory's words, each in pieces of 16 bits, all least significant byte first, then the CRC-32
        (that of zlib) of all bytes before it."""
        data = bytearray(self.header)
        for memory in self.memories:
            pieces = -(-memory.width // PIECE)
            data += b"".join(word.to_bytes(2 * pieces, "little") for word in memory.init)
        return bytes(data + crc32(data).to_bytes(4, "little"))

    @property
    def image_bytes(self) -> int:
        """Length of an image."""
        return len(self.header) + 4 + sum(2 * -(-memory.width // PIECE) * memory.depth for memory in self.memories)


NOTHING = Held(shape="", memories=())


def image_id(content: bytes) -> str:
    """What a board says of an image in force, in hexadecimal: its CRC, and the engine that it is for."""
    return (content[-4:] + content[len(MAGIC) : len(MAGIC) + 4]).hex()
