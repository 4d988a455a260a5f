"""The registers of a core on a bus, described once: hardware, C header, SVD and Markdown are all made of this."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Const, Value

__all__ = ["ADDRESS_BITS", "CYCLE_BITS", "VERSION", "Access", "BusParameters", "Field", "Register", "register_map"]

ADDRESS_BITS = 8
"""Of a byte address."""

VERSION = 1
"""Of the map. Greater ones have more registers, none of another meaning."""

CYCLE_BITS = 24
"""Of the counter of cycles: a sixth of a second at 100 MHz, in the room that a wrapper is to take."""

_MAGIC = int.from_bytes(b"HDLG", "little")


@dataclass(frozen=True, kw_only=True)
class Access:
    """What a bus may do with a register: its name, that in SVD, and whether reads or writes are answered."""

    name: str
    svd: str
    reads: bool
    writes: bool


READ = Access(name="read", svd="read-only", reads=True, writes=False)
WRITE = Access(name="write", svd="write-only", reads=False, writes=True)
BOTH = Access(name="read, write", svd="read-write", reads=True, writes=True)


@dataclass(frozen=True, kw_only=True)
class Field:
    """Bits of a register from ``low`` on; ``clear``: writing 1 clears it."""

    name: str
    low: int
    text: str
    width: int = 1
    access: Access = READ
    clear: bool = False


@dataclass(frozen=True, kw_only=True)
class Register:
    """A word of 32 bits at the byte ``offset``.

    ``value``: of one that never changes, otherwise what it reads after a reset where that is known. ``takes``: reading it
    changes something.
    """

    name: str
    offset: int
    access: Access
    text: str
    fields: tuple[Field, ...] = ()
    value: int | None = None
    constant: bool = False
    takes: bool = False

    @property
    def word(self) -> int:
        return self.offset // 4

    def assemble(self, parts: Mapping[str, Any]) -> Value:
        """The value of a register whose fields have these values, name by name; what is in no field is 0."""
        named = {field.name for field in self.fields}
        if named != set(parts):
            raise ValueError(f"{self.name}: fields {sorted(named)}, values {sorted(parts)}")
        bits: list[Value] = []
        for field in self.fields:
            here = sum(len(part) for part in bits)
            bits += [Const(0, field.low - here)] if field.low > here else []
            bits.append(Value.cast(parts[field.name])[: field.width])
        return Cat(bits)

    def field(self, name: str, word: Value) -> Value:
        """A field of a value."""
        return next(word[field.low : field.low + field.width] for field in self.fields if field.name == name)


@dataclass(frozen=True, kw_only=True)
class BusParameters:
    """A core as its wrapper sees it.

    Parameters
    ----------
    core: its module
    beat_bits, beats: of a frame on its input
    result_bits, results: of its output stream, and of a frame of it
    score_bits: bits of a result that matter; those above are copies of the highest of them
    signed: elements are in two's complement
    sequences, every_step: frames are the steps of sequences; each is answered
    load, state: there is a load port; there are ``load_state`` and ``load_id``
    network: four bytes that stand for the network
    patience: cycles that a word waits for those before it until the bus hears of an error, one less than a power of two
    pins: further ports of the core by name, as (direction, width): they become ports of the wrapper
    """

    core: str
    beat_bits: int
    beats: int
    result_bits: int
    results: int
    score_bits: int
    signed: bool = False
    sequences: bool = False
    every_step: bool = False
    load: bool = False
    state: bool = False
    network: bytes = bytes(4)
    patience: int = 15
    pins: tuple[tuple[str, str, int], ...] = ()

    @property
    def frame_words(self) -> int:
        """Words of 32 bits that are written for a frame."""
        return -(-self.beats * self.beat_bits // 32)

    @property
    def wide(self) -> bool:
        """Results are two words."""
        return self.result_bits > 32


_END = Field(name="END", low=3, access=BOTH, text="1: frames that are written are last steps of their sequences")


def register_map(p: BusParameters) -> tuple[Register, ...]:
    """The registers, in the order of their addresses."""
    return tuple(_registers(p))


def _registers(p: BusParameters) -> Iterator[Register]:
    features = (
        _fixed("VERSION", 0, 8, "of this map of registers", VERSION),
        _fixed("SEQUENCES", 8, 1, "frames are the steps of sequences", p.sequences),
        _fixed("EVERY_STEP", 9, 1, "each step of a sequence has results", p.every_step),
        _fixed("LOAD", 10, 1, "weights can be loaded", p.load),
        _fixed("WIDE", 11, 1, "results have 64 bits", p.wide),
        _fixed("SIGNED", 12, 1, "elements of the input are signed", p.signed),
        _fixed("BEAT_BYTES", 16, 8, "bytes of a beat of the core's input", p.beat_bits // 8),
    )
    yield _constant("ID", 0, "the letters HDLG, H in the lowest byte", _MAGIC)
    value = sum(number << field.low for field, number in features)
    yield _constant("FEATURES", 4, "what the core has", value, tuple(field for field, _ in features))
    low = int.from_bytes(p.network, "little")
    yield _constant("NETWORK", 8, "the first four bytes of what stands for the network (docs/bus.md)", low)
    yield _constant("WORDS", 12, "words of a frame: how often DATA is written for it", p.frame_words)
    yield _constant("RESULTS", 16, "results of a frame", p.results)
    yield Register(
        name="CONTROL",
        offset=20,
        access=BOTH,
        value=0,
        text="how the core is run",
        fields=(
            Field(name="RESET", low=0, access=WRITE, text="1: forget all frames on their way, and DONE and ERROR"),
            Field(
                name="CLASSIFY",
                low=1,
                access=BOTH,
                text="1: results are not read one by one, only CLASS and SCORE are kept",
            ),
            Field(
                name="INTERRUPT",
                low=2,
                access=BOTH,
                text="1: the interrupt is high while RESULT or DONE of STATUS is 1",
            ),
            *([_END] if p.sequences else []),
        ),
    )
    yield Register(
        name="STATUS", offset=24, access=BOTH, text="how the core is; DONE and ERROR are cleared by writing 1 to them",
        fields=tuple(_status(p)),
    )  # fmt: skip
    yield Register(
        name="CYCLES",
        offset=28,
        access=READ,
        value=0,
        text=f"clock cycles, modulo 2^{CYCLE_BITS}, from the first beat behind the last clearing of DONE, to the next DONE",
    )
    yield Register(name="CLASS", offset=32, access=READ, text="while DONE: the number of the greatest result")
    yield Register(name="SCORE", offset=36, access=READ, text="while DONE: the greatest result, its lower 32 bits")
    yield Register(
        name="RESULT",
        offset=40,
        access=READ,
        takes=True,
        text="the next result, its lower 32 bits; reading takes it. An error while RESULT of STATUS is 0",
    )
    yield Register(name="DATA", offset=44, access=WRITE, text="four bytes of a frame, the first one lowest")
    if p.wide:
        yield Register(name="SCORE_HIGH", offset=52, access=READ, text="the upper 32 bits of SCORE")
        yield Register(name="RESULT_HIGH", offset=56, access=READ, text="the upper 32 bits of what RESULT would read")
    if p.load:
        yield Register(name="LOAD_DATA", offset=64, access=WRITE, text="four bytes of an image of weights")
        yield Register(
            name="LOAD_COMMAND",
            offset=68,
            access=WRITE,
            text="about an image of weights",
            fields=(Field(name="KIND", low=0, width=2, access=WRITE, text="0 begin, 2 commit, 3 abort"),),
        )
    if p.state:
        yield Register(name="LOAD_ID", offset=48, access=READ, text="the CRC of the image in force, `load_id`")


def _status(p: BusParameters) -> Iterator[Field]:
    yield Field(name="READY", low=0, text="a word can be written")
    yield Field(name="RESULT", low=1, text="a result can be read")
    yield Field(
        name="DONE",
        low=2,
        access=BOTH,
        clear=True,
        text="a frame was answered, all its results are taken; no more are until this is cleared",
    )
    yield Field(
        name="ERROR", low=3, access=BOTH, clear=True, text="a word that was written could not be taken, and is lost"
    )
    yield Field(name="BUSY", low=4, text="CYCLES counts")
    yield Field(name="FRAME_ERROR", low=5, text="`frame_error` of the core")
    if p.sequences:
        yield Field(name="END", low=6, text="while DONE: those were the results of the last step of a sequence")
    if p.state:
        yield Field(name="LOAD_STATE", low=8, width=8, text="`load_state` of the core")


def _fixed(name: str, low: int, width: int, text: str, value: int) -> tuple[Field, int]:
    return Field(name=name, low=low, width=width, text=text), int(value)


def _constant(name: str, offset: int, text: str, value: int, fields: tuple[Field, ...] = ()) -> Register:
    return Register(
        name=name, offset=offset, access=READ, text=text, value=value, constant=True, fields=fields
    )  # fmt: skip
