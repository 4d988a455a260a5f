"""JSON descriptions and the tensors that they name: one guard for all that a file may hold."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from hdlgen.errors import InputError
from hdlgen.integers import outside
from hdlgen.schema import known_kind, members_of, refuse, show, text_of, whole

__all__ = [
    "MAX_BITS",
    "MAX_EDGES",
    "MAX_LAYERS",
    "MAX_NEURONS",
    "MAX_PATHS",
    "MAX_SHIFT",
    "MAX_WIDTH",
    "NAME",
    "NAME_ALLOWED",
    "TENSOR_DTYPES",
    "Expected",
    "Present",
    "Shape",
    "Shapes",
    "check_name",
    "check_range",
    "flag",
    "known_kind",
    "list_of",
    "members_of",
    "one_of",
    "present_tensors",
    "real",
    "refuse",
    "shape_of",
    "show",
    "tensor",
    "tensor_or_null",
    "text_of",
    "whole",
    "within",
]

T = TypeVar("T")

MAX_PATHS = 1 << 24
MAX_EDGES = 1 << 24
MAX_WIDTH = 1 << 20
MAX_BITS = 16
MAX_SHIFT = 62
MAX_LAYERS = 256
MAX_NEURONS = 1 << 22

#: Names become file and module names further down the line.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
NAME_ALLOWED = "1 to 64 of the characters A-Z a-z 0-9 _ . -, a letter or digit first"
_TENSOR_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./:-]{0,127}")
_TENSOR_NAME_ALLOWED = "1 to 128 of the characters A-Z a-z 0-9 _ . / : -, a letter, digit or _ first"

#: Integer types a tensor may have, by their names in safetensors.
TENSOR_DTYPES: Mapping[str, np.dtype] = {
    f"{kind.upper()}{8 * size}": np.dtype(f"{kind}{size}") for kind in "iu" for size in (1, 2, 4, 8)
}

#: For each tensor name its type, by its name in safetensors, and its shape.
Present = Mapping[str, tuple[str, tuple[int, ...]]]
#: For each tensor name: where it is used, its shape and its allowed safetensors types.
Expected = dict[str, tuple[str, tuple[int, ...], Sequence[str]]]
Shape = tuple[int, ...]
#: Of the tensors of a layer, or of connections, by their roles.
Shapes = dict[str, Shape]


def list_of(
    where: str, what: str, value: object, count: int, words: tuple[str, str], entry: Callable[[str, object, int], T]
) -> tuple[T, ...]:
    """``count`` times what ``entry`` makes of a name, a value and an index; ``words``: what they are, and one per what."""
    if not isinstance(value, list):
        refuse(where, what, value, f"a list of {count} {words[0]}, one per {words[1]}")
    if len(value) != count:
        raise InputError(f"{where}: {what} has {len(value)} entries; allowed: {count}, one per {words[1]}")
    return tuple(entry(f"{what}[{index}]", each, index) for index, each in enumerate(value))


def present_tensors(tensors: Mapping[str, np.ndarray]) -> Present:
    """Types, by their names in safetensors, and shapes."""
    names = {dtype: name for name, dtype in TENSOR_DTYPES.items()}
    return {name: (names.get(tensor.dtype, str(tensor.dtype)), tensor.shape) for name, tensor in tensors.items()}


def flag(where: str, what: str, value: object) -> bool:
    if not isinstance(value, bool):
        refuse(where, what, value, "true or false")
    return value


def one_of(where: str, what: str, value: object, allowed: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in allowed:
        refuse(where, what, value, ", ".join(allowed))
    return value


def within(where: str, what: str, value: object, low: int, high: int) -> tuple[int, int]:
    """Two integers within ``low`` .. ``high``, the first one less."""
    if not isinstance(value, list) or len(value) != 2:
        refuse(where, what, value, f"[low, high] within {low}..{high}")
    least = whole(where, f"{what}[0]", value[0], low, high - 1)
    return least, whole(where, f"{what}[1]", value[1], least + 1, high)


def real(
    where: str, what: str, value: object, allowed: str, fits: Callable[[float], bool] = lambda value: True
) -> float:
    """A finite number of moderate size that ``fits``."""
    # bool is an int to isinstance; an integer may be too long for a float.
    if type(value) not in (int, float) or not abs(value) <= 1e30 or not fits(value):  # type: ignore[arg-type]
        refuse(where, what, value, allowed)
    return float(value)  # type: ignore[arg-type]


def check_name(name: str) -> str:
    """``name``, if a network may be called so; raises InputError if not."""
    if not NAME.fullmatch(name):
        raise InputError(f"name is {show(name)}; allowed: {NAME_ALLOWED}")
    return name


def tensor(where: str, what: str, value: object) -> str:
    """The name of a tensor."""
    return text_of(where, what, value, _TENSOR_NAME, _TENSOR_NAME_ALLOWED)


def tensor_or_null(where: str, what: str, value: object) -> str | None:
    if value is None:
        return None
    return text_of(where, what, value, _TENSOR_NAME, f"null, or {_TENSOR_NAME_ALLOWED}")


def shape_of(present: Present, where: str, owner: str, name: str, most: int, *columns: int) -> tuple[int, ...]:
    """The shape of a tensor that may have 1..``most`` rows, each of such a shape; that of one row where there is none."""
    shape = present[name][1] if name in present else (1, *columns)
    if len(shape) != 1 + len(columns) or not 1 <= shape[0] <= most or shape[1:] != columns:
        allowed = ", ".join(map(str, (f"1..{most}", *columns)))
        raise InputError(f"{where}: {owner}: tensor {show(name)} has shape {show(list(shape))}; allowed: [{allowed}]")
    return shape


def check_range(where: str, what: str, name: str, values: np.ndarray, low: int, high: int, why: str) -> None:
    """Refuse ``values`` of tensor ``name`` outside of low..high."""
    if found := outside(values, low, high):
        raise InputError(
            f"{where}: {what} {found[0]} at {found[1]} in tensor {show(name)}; allowed: {low}..{high} ({why})"
        )
