"""Strings of Reber's grammar, good ones and such with one wrong symbol: a task that needs a state machine.

A string begins with B, walks through the grammar's graph and ends with E. An *embedded* string is a T or a P, a string
of the grammar, and the same T or P again, between a B and an E. Source: A. S. Reber (1967); A. Cleeremans, D.
Servan-Schreiber and J. L. McClelland (1989).
"""

import re
from collections.abc import Collection, Sequence

import numpy as np

__all__ = ["ONE", "SYMBOLS", "accepts", "encode", "sample", "walk"]

SYMBOLS = "BTPSXVE"
#: The input of a symbol that is there; its weights are 8 bits too, and the sums are shifted down, never up.
ONE = 128

#: For each node the symbols that leave it and the nodes they lead to; the last node is the end.
_GRAPH: tuple[dict[str, int], ...] = (
    {"B": 1},
    {"T": 2, "P": 3},
    {"S": 2, "X": 4},
    {"T": 3, "V": 5},
    {"X": 3, "S": 6},
    {"P": 4, "V": 6},
    {"E": 7},
    {},
)
_END = len(_GRAPH) - 1


def accepts(string: str, *, embedded: bool = False) -> bool:
    """Whether ``string`` is of the grammar, or of the embedded one."""
    if embedded:
        around = re.fullmatch(r"B([TP])(.*)\1E", string)
        return around is not None and accepts(around[2])
    node = 0
    for symbol in string:
        if symbol not in _GRAPH[node]:
            return False
        node = _GRAPH[node][symbol]
    return node == _END


def walk(rng: np.random.Generator, *, embedded: bool = False) -> str:
    """A string of the grammar; where two symbols are possible, each has the probability 1/2."""
    node, string = 0, ""
    while node != _END:
        choices = sorted(_GRAPH[node].items())
        symbol, node = choices[int(rng.integers(len(choices)))]
        string += symbol
    around = "TP"[int(rng.integers(2))] if embedded else ""
    return f"B{around}{string}{around}E" if embedded else string


def _corrupt(rng: np.random.Generator, string: str, embedded: bool) -> str:
    """``string`` with one symbol replaced by another, so that the grammar does not accept it."""
    while True:
        position = int(rng.integers(len(string)))
        symbol = SYMBOLS[int(rng.integers(len(SYMBOLS)))]
        wrong = string[:position] + symbol + string[position + 1 :]
        if wrong != string and not accepts(wrong, embedded=embedded):
            return wrong


def sample(
    rng: np.random.Generator, count: int, *, embedded: bool = False, unseen: Collection[str] | None = None
) -> tuple[list[str], np.ndarray]:
    """``count`` strings and their labels, int64: 1 for every second one, which is good, 0 for the corrupted others.

    With ``unseen`` no string is one of these, and none occurs twice.
    """
    found: list[str] = []
    taken = set(unseen or ())
    while len(found) < count:
        string = walk(rng, embedded=embedded)
        if len(found) % 2 == 0:
            string = _corrupt(rng, string, embedded)
        if unseen is not None:
            if string in taken:
                continue
            taken.add(string)
        found.append(string)
    return found, np.arange(count) % 2


def encode(strings: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Steps, uint8 (symbols of all strings, 7), with ``ONE`` for the symbol, and lengths, int64 (strings,)."""
    symbols = [SYMBOLS.index(symbol) for string in strings for symbol in string]
    lengths = np.array([len(string) for string in strings], dtype=np.int64)
    return (ONE * np.eye(len(SYMBOLS), dtype=np.uint8))[np.array(symbols, dtype=np.int64)], lengths
