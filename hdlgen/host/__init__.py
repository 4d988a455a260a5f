"""The host's end of the serial protocol: a board, or its simulation, as a Python object."""

from hdlgen.host.board import BAUD, Bench, Board, Statistics

__all__ = ["BAUD", "Bench", "Board", "Statistics"]
