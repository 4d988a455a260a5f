"""JSON descriptions and the tensors that they name: one guard for all that a file may hold."""

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from hdlgen.errors import InputError
from hdlgen.schema import known_kind, members_of, refuse, show, text_of, whole

__all__ = [
    "MAX_BITS",
    "MAX_EDGES",
    "MAX_LAYERS",
    "MAX_PATHS",
    "MAX_SHIFT",
    "MAX_WIDTH",
    "NAME",
    "NAME_ALLOWED",
    "TENSOR_DTYPES",
    "Expected",
    "Present",
    "check_edges",
    "check_range",
    "claim",
    "compare_tensors",
    "flag",
    "known_kind",
    "limits",
    "members_of",
    "number",
    "one_of",
    "present_tensors",
    "refuse",
    "show",
    "tensor",
    "tensor_length",
    "tensor_or_null",
    "text_of",
    "whole",
    "whole_list",
]

MAX_PATHS = 1 << 24
MAX_EDGES = 1 << 24
MAX_WIDTH = 1 << 20
MAX_BITS = 16
MAX_SHIFT = 62
MAX_LAYERS = 256

#: Names become file and module names further down the line.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
NAME_ALLOWED = "1 to 64 of the characters A-Z a-z 0-9 _ . -, a letter or digit first"
_TENSOR_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./:-]{0,127}")
_TENSOR_NAME_ALLOWED = "1 to 128 of the characters A-Z a-z 0-9 _ . / : -, a letter, digit or _ first"

#: Integer types a tensor may have, by their names in safetensors.
TENSOR_DTYPES: Mapping[str, type[np.signedinteger | np.unsignedinteger]] = {
    "I8": np.int8,
    "I16": np.int16,
    "I32": np.int32,
    "I64": np.int64,
    "U8": np.uint8,
    "U16": np.uint16,
    "U32": np.uint32,
    "U64": np.uint64,
}

#: For each tensor name its type, by its name in safetensors, and its shape.
Present = Mapping[str, tuple[str, tuple[int, ...]]]
#: For each tensor name: where it is used, its shape and its allowed safetensors types.
Expected = dict[str, tuple[str, tuple[int, ...], Sequence[str]]]


def whole_list(
    where: str, what: str, value: object, count: int, check: Callable[[str, object, int], int]
) -> tuple[int, ...]:
    if not isinstance(value, list):
        refuse(where, what, value, f"a list of {count} integers, one per layer that paths visit")
    if len(value) != count:
        raise InputError(
            f"{where}: {what} has {len(value)} entries; allowed: {count}, one per layer that paths visit"
        )
    return tuple(check(f"{what}[{index}]", entry, index) for index, entry in enumerate(value))


def claim(owners: dict[str, str], where: str, number: int, role: str, tensor: str | None) -> None:
    """Note in ``owners`` that layer ``number`` uses ``tensor`` as its ``role``; refuse a second use."""
    if tensor is None:
        return
    if tensor in owners:
        raise InputError(
            f"{where}: layer {number}: {role} is {show(tensor)}, which is the {owners[tensor]} already;"
            " allowed: one use of each tensor"
        )
    owners[tensor] = f"{role} of layer {number}"


def compare_tensors(present: Present, expected: Expected, where: str) -> None:
    """Compare types and shapes of the tensors ``present`` with those ``expected``: no more, no less."""
    for name, (owner, wanted, dtypes) in expected.items():
        if name not in present:
            raise InputError(
                f"{where}: {owner} is {show(name)}, and there is no such tensor; present:"
                f" {', '.join(show(key) for key in sorted(present)[:8]) or 'none'}"
            )
        dtype, shape = present[name]
        if dtype not in dtypes:
            raise InputError(f"{where}: {owner}: tensor {show(name)} has dtype {dtype}; allowed: {', '.join(dtypes)}")
        if shape != wanted:
            raise InputError(
                f"{where}: {owner}: tensor {show(name)} has shape {list(shape)}; allowed: {list(wanted)}"
            )
    for name in sorted(present):
        if name not in expected:
            raise InputError(f"{where}: tensor {show(name)} is used by no layer; allowed: tensors that a layer names")


def present_tensors(tensors: Mapping[str, np.ndarray]) -> Present:
    """Types, by their names in safetensors, and shapes."""
    names = {np.dtype(scalar): name for name, scalar in TENSOR_DTYPES.items()}
    return {name: (names.get(tensor.dtype, str(tensor.dtype)), tensor.shape) for name, tensor in tensors.items()}


def flag(where: str, what: str, value: object) -> bool:
    if not isinstance(value, bool):
        refuse(where, what, value, "true or false")
    return value


def one_of(where: str, what: str, value: object, allowed: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in allowed:
        refuse(where, what, value, ", ".join(allowed))
    return value


def limits(where: str, what: str, value: object, low: int, high: int) -> tuple[int, int]:
    """Two integers within ``low`` .. ``high``, the first one less."""
    if not isinstance(value, list) or len(value) != 2:
        refuse(where, what, value, f"[low, high] within {low}..{high}")
    least = whole(where, f"{what}[0]", value[0], low, high - 1)
    return least, whole(where, f"{what}[1]", value[1], least + 1, high)


def number(where: str, what: str, value: object, allowed: str, fits: Callable[[float], bool]) -> float:
    """A finite number of moderate size that ``fits``."""
    # bool is an int to isinstance; an integer may be too long for a float.
    if type(value) not in (int, float) or not abs(value) <= 1e30 or not fits(value):  # type: ignore[arg-type]
        refuse(where, what, value, allowed)
    return float(value)  # type: ignore[arg-type]


def tensor(where: str, what: str, value: object) -> str:
    """The name of a tensor."""
    return text_of(where, what, value, _TENSOR_NAME, _TENSOR_NAME_ALLOWED)


def tensor_or_null(where: str, what: str, value: object) -> str | None:
    if value is None:
        return None
    return text_of(where, what, value, _TENSOR_NAME, f"null, or {_TENSOR_NAME_ALLOWED}")


def tensor_length(present: Present, where: str, owner: str, name: str, columns: int, most: int) -> int:
    """Rows of a tensor that may have 1..most of them, of ``columns`` (0: no second axis)."""
    shape = present[name][1] if name in present else (1, columns)[: 1 + (columns > 0)]
    if len(shape) != 1 + (columns > 0) or not 1 <= shape[0] <= most or (columns and shape[1] != columns):
        allowed = f"[1..{most}, {columns}]" if columns else f"[1..{most}]"
        raise InputError(f"{where}: {owner}: tensor {show(name)} has shape {list(shape)}; allowed: {allowed}")
    return shape[0]


def check_range(where: str, what: str, name: str, values: np.ndarray, low: int, high: int, why: str) -> None:
    """Refuse ``values`` of tensor ``name`` outside of low..high."""
    for extreme in (int(values.min()), int(values.max())):
        if not low <= extreme <= high:
            index = ", ".join(str(int(position[0])) for position in np.nonzero(values == extreme))
            raise InputError(
                f"{where}: {what} {extreme} at [{index}] in tensor {show(name)}; allowed: {low}..{high} ({why})"
            )


def check_edges(where: str, name: str, edges: np.ndarray, ends: Sequence[tuple[str, int, str]]) -> None:
    """Refuse edges (E, 2) whose ends, each with what it is called, how many there are and why, are out of range."""
    for column, (end, count, why) in enumerate(ends):
        for extreme in (int(edges[:, column].min()), int(edges[:, column].max())):
            if not 0 <= extreme < count:
                edge = int(np.flatnonzero(edges[:, column] == extreme)[0])
                raise InputError(
                    f"{where}: {end} {extreme} of edge {edge} in tensor {show(name)}; allowed: 0..{count - 1} ({why})"
                )
