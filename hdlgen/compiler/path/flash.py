"""What reading the weights from a flash takes: what the gateware does in how many cycles."""

from dataclasses import dataclass, replace
from typing import Any

__all__ = ["FlashTiming"]


_PREFETCH = 32
"""Words that are read ahead at most."""

_COMMAND_CLOCKS = 8 + 24 + 8


@dataclass(frozen=True, kw_only=True)
class FlashTiming:
    """All in cycles of the core's clock.

    Parameters
    ----------
    lines: bits at once
    divide: cycles of the flash's clock: 2, 4, ...
    words, word_bytes: of one inference, where these stay in the flash
    """

    lines: int
    divide: int
    words: int = 1
    word_bytes: int = 2

    @classmethod
    def of(cls, program: Any) -> "FlashTiming":
        """Of the program of an engine."""
        timing = cls(lines=program.flash_lines, divide=program.flash_divide)
        if program.source != "flash":
            return timing
        word_bytes = 2 * -(-program.lanes * program.weight_bits // 16)
        return replace(timing, words=program.blocks, word_bytes=word_bytes)

    @property
    def prefetch(self) -> int:
        """Words that are read ahead: a power of two, of at most four inferences."""
        return min(_PREFETCH, 4 << (self.words.bit_length() - 1))

    @property
    def byte(self) -> int:
        """From the beginning of a byte to the next one's."""
        return 8 // self.lines * self.divide

    @property
    def word(self) -> int:
        return self.word_bytes * self.byte

    @property
    def wake(self) -> int:
        """Behind each command that prepares the flash: 43 us at 60 MHz, ``divide`` 2. Flashes take 3 to 35 to wake up."""
        return 1280 * self.divide

    def start(self, count: int) -> int:
        """At most so much from the end of the reset until an image of ``count`` bytes is in force."""
        preparations = 3 if self.lines == 4 else 1
        return preparations * self.wake + (preparations + 2) * self.restart + count * (self.byte + 16) + 100

    @property
    def deselect(self) -> int:
        """The flash is not selected between two reads."""
        return 4 * self.divide

    @property
    def restart(self) -> int:
        """From the end of a read to the first byte of the next one: deselection, command, address, and 8 empty clocks."""
        return self.deselect + 1 + _COMMAND_CLOCKS * self.divide

    @property
    def frame(self) -> int:
        """What reading the words of one inference takes, again and again."""
        return self.words * self.word + self.restart

    @property
    def refill(self) -> int:
        """By so much the flash can be behind where it is when it has had the time to read ahead."""
        return (self.prefetch + 1) * self.word + (self.prefetch // self.words + 2) * self.restart
