"""What a design holds that was trained, as one image, which is sent to a board or lies in its flash; see docs/weights.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from zlib import crc32

from hdlgen.compiler.program_band import BandProgram
from hdlgen.compiler.program_gather import GatherProgram
from hdlgen.gateware.primitives import PIECE, RomParameters, StoreParameters

__all__ = ["MAGIC", "Held", "image_id"]

MAGIC = b"HDLW"
"""How every image begins."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """The memories of an engine that hold what was trained, in the order in which an image has them.

    ``shape`` is the same for two engines only if the image of either fits the other. If the memories can be written, all
    can, and in the same way.
    """

    shape: str
    memories: tuple[RomParameters, ...]

    @classmethod
    def of(cls, program: BandProgram | GatherProgram, memories: Sequence[RomParameters]) -> "Held":
        """Of a recurrent or layered core, whose memories are read-only as they are given."""
        shape = repr((program.engine, [(memory.depth, memory.width) for memory in memories]))
        if program.writable:
            memories = [StoreParameters(**vars(memory), banks=program.banks) for memory in memories]
        return cls(shape=shape, memories=tuple(memories))

    @cached_property
    def stores(self) -> tuple[StoreParameters, ...]:
        """The memories, if they can be written; otherwise none."""
        found = tuple(memory for memory in self.memories if isinstance(memory, StoreParameters))
        assert len(found) in (0, len(self.memories))
        return found

    @property
    def banks(self) -> int:
        """Complete sets of contents for which there is room."""
        return self.stores[0].banks if self.stores else 1

    @property
    def preset(self) -> bool:
        """Whether the bitstream fills them."""
        return self.stores[0].preset if self.stores else True

    def number(self, name: str) -> int:
        """Which memory is called ``name``."""
        return [memory.name for memory in self.memories].index(name)

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


def image_id(content: bytes) -> str:
    """What a board says of an image in force, in hexadecimal: its CRC, and the engine that it is for."""
    return (content[-4:] + content[len(MAGIC) : len(MAGIC) + 4]).hex()
