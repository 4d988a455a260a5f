"""An SPI flash as its pins show it: what a data sheet says of it, and nothing for what is against its rules."""

__all__ = ["FlashModel"]


class FlashModel:
    """Give it the pins once in every cycle of the FPGA's clock; it answers with what it drives.

    SPI mode 0. It sleeps until command 0xAB and ``wake`` ns after that. 0x0B, 0x3B and 0x6B read over one, two and four
    lines: 24 bits of address and 8 clocks that mean nothing, on line 0, then data until it is deselected. 0x6B does so only
    with the bit QE, which 0x50 and then ``quad``, a command with its value, set; without it line 3 is HOLD# and must be
    high. Any other command, or one that comes while it sleeps, is answered by nothing. What is against the rules is kept in
    ``offences``.

    Parameters
    ----------
    content : bytes
        From ``address`` on; what lies around it reads as 0xFF.
    period : float
        Of the FPGA's clock, ns.
    high : float
        Least time between two selections, ns.
    late : int
        Clocks without meaning, more or fewer than 8.
    quad : int
        What sets QE: the command in the upper byte, below it the value.
    delay : float
        From the falling clock to the data, ns. Until then the lines hold garbage.
    """

    LINES = {0x0B: 1, 0x3B: 2, 0x6B: 4}
    GARBAGE = 0b0101

    def __init__(
        self,
        content: bytes,
        address: int,
        *,
        period: float = 20.0,
        high: float = 100.0,
        delay: float = 8.0,
        wake: float = 35_000.0,
        fastest: float = 18.0,
        late: int = 0,
        quad: int = 0x3102,
    ) -> None:
        self.clocks = 40 + late
        self.content, self.address = content, address
        self.period, self.high, self.delay, self.wake, self.fastest = period, high, delay, wake, fastest
        self.now = 0.0
        self.selected = self.clk = False
        self.awake_at: float | None = None
        self.quad, self.volatile, self.quad_enabled = quad, False, False
        self.deselected_at, self.fell_at, self.rose_at = -1e9, -1e9, -1e9
        self.bits: list[int] = []
        self.lines = 0
        self.position = 0  # bits given
        self.driven = self.before = 0xF
        self.offences: list[str] = []
        self.reads: list[int] = []  # addresses
        self.commands: list[int] = []

    def _byte(self, place: int) -> int:
        offset = place - self.address
        return self.content[offset] if 0 <= offset < len(self.content) else 0xFF

    def cycle(self, cs_n: int, clk: int, lines: int, enabled: int) -> int:
        """Pins of one cycle: select, clock, levels of the lines and which of them the FPGA drives. Returns the lines."""
        self.now += self.period
        if cs_n:
            if self.selected:
                self._deselect()
            self.selected, self.clk = False, bool(clk)
            return (lines & enabled) | (0xF & ~enabled)
        if not self.selected:
            self.selected = True
            if clk:
                self.offences.append("selected while the clock is high")
            if self.now - self.deselected_at < self.high:
                self.offences.append(f"selected {self.now - self.deselected_at:g} ns after it was deselected")
            self.bits, self.lines, self.position, self.driven = [], 0, 0, 0xF
        if clk and not self.clk:
            if self.now - self.rose_at < self.fastest:
                self.offences.append(f"two clocks within {self.now - self.rose_at:g} ns")
            self.rose_at = self.now
            self._rise(lines & 1)
        elif self.clk and not clk:
            self.fell_at, self.before = self.now, self.driven
            self._fall()
        self.clk = bool(clk)
        if not self.quad_enabled and enabled & 8 and not lines & 8:
            self.offences.append("HOLD# is low")
        drives = {0: 0, 1: 0b0010, 2: 0b0011, 4: 0b1111}[self.lines]
        if drives & enabled:
            self.offences.append(f"lines {drives & enabled:04b} are driven from both sides")
        # What the FPGA samples at the end of this cycle.
        mine = self.driven if self.now + self.period >= self.fell_at + self.delay else self.GARBAGE
        return (mine & drives) | (lines & enabled & ~drives) | (0xF & ~drives & ~enabled)

    def _deselect(self) -> None:
        self.deselected_at = self.now
        word = int("".join(map(str, self.bits)) or "0", 2)
        if len(self.bits) == 8 and word == 0xAB and self.awake_at is None:
            self.awake_at = self.now + self.wake
        self.quad_enabled |= len(self.bits) == 16 and word == self.quad and self.volatile
        self.volatile = len(self.bits) == 8 and word == 0x50 and self._awake()

    def _awake(self) -> bool:
        return self.awake_at is not None and self.now >= self.awake_at

    def _rise(self, bit: int) -> None:
        if len(self.bits) < self.clocks:
            self.bits.append(bit)
        if len(self.bits) == 8:
            self.commands.append(int("".join(map(str, self.bits)), 2))

    def _fall(self) -> None:
        command = int("".join(map(str, self.bits[:8])), 2) if len(self.bits) >= 8 else -1
        if len(self.bits) < self.clocks or command not in self.LINES or not self._awake():
            return
        if command == 0x6B and not self.quad_enabled:
            return
        place = int("".join(map(str, self.bits[8:32])), 2)
        if not self.lines:
            self.reads.append(place)
        self.lines = self.LINES[command]
        byte = self._byte((place + self.position // 8) % (1 << 24))
        piece = byte >> (8 - self.lines - self.position % 8) & ((1 << self.lines) - 1)
        self.driven = piece << 1 if self.lines == 1 else piece
        self.position += self.lines
