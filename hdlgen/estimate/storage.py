"""How many block RAMs and multipliers synthesis takes for what the sources leave to it.

Memories: the rule of Yosys' ``memory_libmap``, with the costs in its libraries of parts: the cheapest of block RAM, RAM of
look-up tables, and flip-flops. Products: those of its ``synth_gowin``; for the other families the sources say it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["STORES", "Storage", "Stores", "gowin_multipliers"]

_ROM_COST = 1 / 16
"""Of a bit in look-up tables, where one in flip-flops costs 1."""


@dataclass(frozen=True)
class Storage:
    """A memory that synthesis chooses parts for.

    ``asynchronous``: it is read without a clock; ``columns``: how many parts of a word are written each by itself;
    ``block``: the sources ask for block RAM.
    """

    depth: int
    width: int
    written: bool
    asynchronous: bool
    columns: int
    block: bool = False


@dataclass(frozen=True)
class Stores:
    """The memories of a family.

    Members
    -------
    depths : words of a block RAM by their width
    cost : of a block RAM
    byte : bits that can be written each by themselves, where a word is at least ``whole`` bits wide
    lut_cost : of a RAM of look-up tables with 16 words of 4 bits; None: there is none
    """

    depths: Mapping[int, int]
    cost: int
    byte: int
    whole: int
    lut_cost: int | None = None

    def blocks(self, memory: Storage) -> int:
        """Block RAMs for it, if it is made of them."""
        column = -(-memory.width // memory.columns)
        best = 0
        for width, depth in self.depths.items():
            above = -(-memory.depth // depth)
            if memory.columns == 1:
                beside = -(-memory.width // width)
            elif width >= self.whole:
                beside = -(-memory.columns * -(-column // self.byte) * self.byte // width)
            else:
                beside = memory.columns * -(-column // width)
            best = min(best or above * beside, above * beside)
        return best

    def choice(self, memory: Storage) -> tuple[str, int]:
        """What it becomes, and how many of these: "block", "lutram" or "bit"."""
        if memory.block:
            return "block", self.blocks(memory)
        bits, column = memory.depth * memory.width, -(-memory.width // memory.columns)
        # Of the same cost flip-flops come first, then block RAM.
        costs: dict[str, tuple[float, int]] = {"bit": (bits * (1.0 if memory.written else _ROM_COST), bits)}
        if not memory.asynchronous:
            count = self.blocks(memory)
            costs["block"] = self.cost * count, count
        if self.lut_cost is not None and memory.written:
            count = -(-memory.depth // 16) * memory.columns * -(-column // 4)
            costs["lutram"] = self.lut_cost * count, count
        kind = min(costs, key=lambda name: costs[name][0])
        return kind, costs[kind][1]


STORES: Mapping[str, Stores] = {
    "ice40": Stores({16: 256, 8: 512, 4: 1024, 2: 2048}, cost=64, byte=1, whole=2),
    "ecp5": Stores({18: 1024, 9: 2048, 4: 4096, 2: 8192, 1: 16384, 36: 512}, cost=128, byte=9, whole=18, lut_cost=4),
    "gowin": Stores({36: 512, 18: 1024, 9: 2048, 4: 4096, 2: 8192, 1: 16384}, cost=128, byte=9, whole=18, lut_cost=4),
    "gowin5": Stores({36: 512, 18: 1024, 9: 2048, 4: 4096, 2: 8192, 1: 16384}, cost=128, byte=9, whole=18),
    "nexus": Stores({36: 512, 18: 1024, 9: 2048, 4: 4096, 2: 8192, 1: 16384}, cost=128, byte=9, whole=18, lut_cost=4),
    "xc7": Stores({36: 512, 18: 1024, 9: 2048, 4: 4096, 2: 8192, 1: 16384}, cost=129, byte=9, whole=18, lut_cost=4),
    "gatemate": Stores({40: 512, 20: 1024, 10: 2048, 5: 4096, 2: 8192, 1: 16384}, cost=129, byte=1, whole=2),
}


def gowin_multipliers(products: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Multipliers for products of factors of (more, fewer) bits, and bits times bits of those that are too small for one."""
    found = logic = 0
    for more, fewer in products:
        if more < 4 or fewer < 4:
            logic += more * fewer
        elif more <= 9 or (more <= 18 and fewer >= 4):
            found += 1
        else:
            found += -(-more // 18) * -(-fewer // 18) if fewer < 22 else 1
    return found, logic
