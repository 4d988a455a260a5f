"""A line between two pseudo-terminals on which bytes are changed, dropped and doubled, and that can break."""

import contextlib
import errno
import os
import random
import select
import threading
import tty
from types import TracebackType

__all__ = ["Proxy"]


class Proxy:
    """Stands between a program that opens ``port`` and the terminal ``behind``.

    Parameters
    ----------
    behind : str or None
        None: nobody is there; what is sent goes nowhere.
    to_board, to_host : float
        Share of the bytes in that direction that something happens to.
    """

    def __init__(
        self, behind: str | None, *, to_board: float = 0.0, to_host: float = 0.0, seed: int = 1, break_after: int = 0
    ) -> None:
        self.rates = {"to_board": to_board, "to_host": to_host}
        self.faults = {"to_board": 0, "to_host": 0}
        self.bytes = {"to_board": 0, "to_host": 0}
        self.break_after = break_after
        self._random = random.Random(seed)
        self._behind = behind
        self._stop, self._wake = os.pipe()

    def __enter__(self) -> "Proxy":
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._board = -1
        if self._behind is not None:
            self._board = os.open(self._behind, os.O_RDWR | os.O_NOCTTY)
            tty.setraw(self._board)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.write(self._wake, b"x")
        self._thread.join()
        for handle in (self._master, self._slave, self._board, self._stop, self._wake):
            if handle >= 0:
                with contextlib.suppress(OSError):
                    os.close(handle)

    def _spoilt(self, data: bytes, direction: str) -> bytes:
        self.bytes[direction] += len(data)
        rate = self.rates[direction]
        if not rate:
            return data
        out = bytearray()
        for byte in data:
            if self._random.random() >= rate:
                out.append(byte)
                continue
            self.faults[direction] += 1
            kind = self._random.randrange(4)
            if kind == 0:
                out.append(byte ^ 1 << self._random.randrange(8))
            elif kind == 1:
                out += bytes([byte, self._random.choice((byte, 0x7E, 0x7D, 0x00))])
            elif kind == 2:
                out.append(self._random.choice((0x7E, 0x7D)))
            # Otherwise it is lost.
        return bytes(out)

    def _run(self) -> None:
        handles = [self._master, self._stop, *([self._board] if self._board >= 0 else [])]
        while True:
            ready, _, _ = select.select(handles, [], [])
            if self._stop in ready:
                return
            for source, target, direction in (
                (self._master, self._board, "to_board"),
                (self._board, self._master, "to_host"),
            ):
                if source not in ready:
                    continue
                try:
                    data = self._spoilt(os.read(source, 4096), direction)
                    if target >= 0:
                        os.write(target, data)
                except OSError as error:
                    if error.errno != errno.EIO:
                        raise
                    return
            if self.break_after and self.bytes["to_board"] >= self.break_after:
                # Both ends on this side: what is open elsewhere is an unplugged device from now on.
                os.close(self._slave)
                os.close(self._master)
                self._slave = self._master = -1
                return
