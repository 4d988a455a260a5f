"""Registers of a core as docs/bus.md says, in Python, with a function behind them that answers frames at once."""

from collections.abc import Callable

import numpy as np

from hdlgen.emit.manifest import Manifest


class Registers:
    """Written from the document, not from the hardware. A broken one has ``deaf`` (never ready) or ``loses`` set."""

    def __init__(self, manifest: Manifest, answer: Callable[[np.ndarray], np.ndarray]):
        form = manifest.input
        self.manifest, self.answer = manifest, answer
        self.words = -(-form.beats * form.beat_bits // 32)
        self.sent: list[int] = []
        self.waiting: list[int] = []
        self.taken: list[int] = []
        self.done = self.classify = self.deaf = self.loses = False
        self.resets = 0

    def read(self, address: int) -> int:
        wide = self.manifest.output.bits == 64
        if address == 0x00:
            return int.from_bytes(b"HDLG", "little")
        if address == 0x04:
            form = self.manifest.input
            return 1 | wide << 11 | form.signed << 12 | form.beat_bits // 8 << 16
        if address == 0x08:
            return int.from_bytes(self.manifest.identity[:4], "little")
        if address == 0x0C:
            return self.words
        if address == 0x10:
            return self.manifest.output.width
        if address == 0x18:
            self._drain()
            waits = bool(self.waiting) and not self.done
            return (not self.deaf) | waits << 1 | self.done << 2 | self.loses << 3
        if address == 0x1C:
            return 4711
        best = max(self.taken, default=0)
        if address == 0x20:
            return self.taken.index(best)
        if address == 0x24:
            return best & 0xFFFFFFFF
        if address == 0x34:
            return best >> 32 & 0xFFFFFFFF
        if address == 0x38:
            return self.waiting[0] >> 32 & 0xFFFFFFFF
        if address == 0x28:
            assert self.waiting, "RESULT was read while there is none"
            assert not self.done, "RESULT was read before DONE was cleared"
            return self._take() & 0xFFFFFFFF
        raise AssertionError(f"read of 0x{address:02x}")

    def write(self, address: int, value: int) -> None:
        if address == 0x14:
            self.classify = bool(value & 2)
            if value & 1:
                self.resets += 1
                self.sent, self.waiting, self.taken, self.done = [], [], [], False
        elif address == 0x18:
            if value & 4:
                self.done, self.taken = False, []
        elif address == 0x2C:
            self.sent.append(value)
            if len(self.sent) == self.words:
                self._frame()
        else:
            raise AssertionError(f"write of 0x{address:02x}")

    def _frame(self) -> None:
        form = self.manifest.input
        data = np.array(self.sent, "<u4").tobytes()
        kind = f"<{'i' if form.signed else 'u'}{form.bytes_per_element}"
        x = np.frombuffer(data, kind)[: form.width].astype(np.int64)
        self.waiting += self.answer(x[np.newaxis])[0].tolist()
        self.sent = []

    def _take(self) -> int:
        self.taken.append(self.waiting.pop(0))
        self.done = len(self.taken) == self.manifest.output.width
        return self.taken[-1]

    def _drain(self) -> None:
        while self.classify and self.waiting and not self.done:
            self._take()
