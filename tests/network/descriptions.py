"""Descriptions of networks of all kinds of layers, with tensors, and what is done to them: files, changes, refusals."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import strategies as st

from hdlgen.errors import InputError
from hdlgen.network import METADATA_KEY, load

PATHS: dict[str, Any] = {
    "format_version": 1,
    "name": "paths",
    "input": {"width": 6, "bits": 8, "signed": False},
    "topology": {"kind": "sobol", "paths": 16, "dimensions": [0, 1, 2], "log2_slots": [3, 2, 4]},
    "layers": [
        {
            "kind": "path",
            "width": 4,
            "weight": "w1",
            "bias": "b1",
            "weight_bits": 4,
            "activation": {"kind": "relu", "bits": 8, "shift": 3},
        },
        {"kind": "path", "width": 3, "weight": "w2", "bias": None, "weight_bits": 8, "activation": None},
    ],
}
MIXED: dict[str, Any] = {
    "format_version": 1,
    "name": "mixed",
    "input": {"width": 6, "bits": 8, "signed": True},
    "layers": [
        {
            "kind": "explicit",
            "width": 6,
            "edges": "e1",
            "weight": "w1",
            "weight_bits": 4,
            "code_book": "c1",
            "bias": "b1",
            "skip": {"source": 0, "shift": 3},
            "activation": {"kind": "identity", "bits": 8, "shift": 6, "multiplier": "m1"},
        },
        {
            "kind": "path",
            "width": 4,
            "source": 0,
            "topology": {"kind": "sobol", "paths": 16, "dimensions": [0, 1]},
            "weight": "w2",
            "weight_bits": 8,
            "bias": None,
            "activation": {"kind": "relu", "bits": 6, "shift": 5},
        },
        {"kind": "dense", "width": 3, "weight": "w3", "weight_bits": 8, "activation": None},
    ],
}
RANDOM: dict[str, Any] = {
    "format_version": 1,
    "name": "random",
    "input": {"width": 6, "bits": 8, "signed": False},
    "topology": {"kind": "random", "paths": 12, "generator": "drand48", "seed": 7},
    "layers": [
        {
            "kind": "path",
            "width": 5,
            "weight": "w1",
            "weight_bits": 8,
            "activation": {"kind": "relu", "bits": 8, "shift": 5},
        },
        {"kind": "path", "width": 3, "weight": "w2", "weight_bits": 8, "activation": None},
    ],
}
FEATURES = {
    "kind": "log-mel",
    "rate": 8000,
    "frame": 256,
    "hop": 160,
    "low": 60,
    "high": 3800.0,
    "floor": 1e-4,
    "offset": [-1, -2.5, 0, 1, 2],
    "scale": [1, 2, 3.5, 4, 5],
}

GRU: dict[str, Any] = {
    "format_version": 1,
    "name": "gru",
    "input": {"width": 5, "bits": 8, "signed": True, "features": FEATURES},
    "layers": [
        {
            "kind": "band_rnn",
            "width": 6,
            "cell": "gru",
            "band": 3,
            "cyclic": True,
            "recurrent": "u1",
            "weight_bits": 4,
            "input": {"kind": "dense", "weight": "w1", "weight_bits": 8, "shift": 2, "bits": 14, "shared": True},
            "bias": "b1",
            "candidate": {"bias": "c1", "bits": 12, "shift": 2},
            "fraction": 10,
            "state": {"bits": 8, "fraction": 6},
            "gate": {"bits": 7},
            "functions": {"gate": {"table": "g1", "shift": 4}, "state": "hard"},
        },
        {
            "kind": "band_rnn",
            "width": 4,
            "cell": "lstm",
            "groups": 2,
            "recurrent": "u2",
            "weight_bits": 8,
            "input": {
                "kind": "path",
                "topology": {"kind": "sobol", "paths": 32, "dimensions": [0, 1]},
                "weight": "w2",
                "weight_bits": 8,
                "shift": 2,
                "rectify": True,
            },
            "bias": None,
            "fraction": 12,
            "state": {"bits": 8},
            "cell_state": {"bits": 16, "fraction": 9},
            "functions": {"state": {"table": "t2", "shift": 5}},
        },
        {
            "kind": "dense",
            "width": 3,
            "weight": "w3",
            "bias": "b3",
            "weight_bits": 8,
            "activation": {"kind": "relu", "bits": 8, "shift": 6},
        },
        {"kind": "dense", "width": 2, "weight": "w4", "bias": None, "weight_bits": 8, "activation": None},
    ],
}
#: ReLU, a band with ends, path layers behind.
RELU: dict[str, Any] = {
    "format_version": 1,
    "name": "relu",
    "input": {"width": 3, "bits": 4, "signed": False},
    "topology": {"kind": "sobol", "paths": 16, "dimensions": [0, 1]},
    "layers": [
        {
            "kind": "band_rnn",
            "width": 4,
            "cell": "relu",
            "band": 3,
            "recurrent": "u1",
            "weight_bits": 8,
            "input": {"kind": "dense", "weight": "w1", "weight_bits": 8, "shift": 0},
            "bias": None,
            "fraction": 6,
            "state": {"bits": 8, "fraction": 5},
        },
        {"kind": "path", "width": 2, "weight": "w2", "bias": None, "weight_bits": 8, "activation": None},
    ],
}
#: Edges instead of a band, and of an input.
EDGES: dict[str, Any] = {
    "format_version": 1,
    "name": "edges",
    "input": {"width": 3, "bits": 4, "signed": True},
    "layers": [
        {
            "kind": "band_rnn",
            "width": 5,
            "cell": "ligru",
            "edges": "e1",
            "recurrent": "u1",
            "weight_bits": 8,
            "input": {
                "kind": "explicit",
                "edges": "f1",
                "weight": "w1",
                "weight_bits": 8,
                "shift": 0,
                "shared": True,
            },
            "bias": None,
            "fraction": 8,
            "state": {"bits": 8, "fraction": 5},
        }
    ],
}
#: What a dense layer feeds: a gated one, read by two more; the last has an activation.
CHAIN: dict[str, Any] = {
    "format_version": 1,
    "name": "chain",
    "input": {
        "width": 4,
        "bits": 6,
        "signed": True,
        "scale": 0.25,
        "offset": [0, 1, -2, 0.5],
        "rounding": "down",
        "clamp": [-32, 30],
    },
    "topology": {"kind": "sobol", "paths": 12, "dimensions": [3, 1, 0], "log2_slots": [3, 3, 2]},
    "layers": [
        {
            "kind": "dense",
            "width": 5,
            "weight": "w1",
            "weight_bits": 4,
            "bias": "b1",
            "activation": {"kind": "identity", "bits": 6, "shift": 4, "clamp": [-20, 25]},
        },
        {
            "kind": "band_rnn",
            "width": 5,
            "cell": "ligru",
            "band": 1,
            "recurrent": "u2",
            "weight_bits": 8,
            "input": {
                "kind": "path",
                "topology": {"kind": "random", "paths": 30, "generator": "philox", "seed": 4},
                "weight": "w2",
                "weight_bits": 8,
                "shift": 0,
            },
            "bias": None,
            "fraction": 6,
            "state": {"bits": 8, "fraction": 5},
        },
        {
            "kind": "path",
            "width": 5,
            "weight": "w3",
            "weight_bits": 6,
            "code_book": "c3",
            "activation": {"kind": "relu", "bits": 8, "shift": 3},
        },
        {
            "kind": "path",
            "width": 4,
            "source": 2,
            "weight": "w4",
            "weight_bits": 4,
            "skip": {"source": 0, "shift": 2},
            "activation": {"kind": "identity", "bits": 8, "shift": 4, "multiplier": "m4", "rounding": "even"},
        },
    ],
    "output": {"scale": 0.125},
}
BASES = {description["name"]: description for description in (PATHS, MIXED, RANDOM, GRU, RELU, EDGES, CHAIN)}


def tensors(description: dict[str, Any] = PATHS) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)

    def whole(*shape: int, high: int = 8, kind: type = np.int8) -> np.ndarray:
        return rng.integers(-high, high, shape).astype(kind)

    name = description["name"]
    if name == "paths":
        w2 = (np.arange(16) * 17 - 128).astype(np.int16)
        return {"w1": (np.arange(16) - 8).astype(np.int8), "b1": np.array([1, -2, 3, -4], np.int32), "w2": w2}
    if name == "mixed":
        return {
            "e1": np.stack([np.arange(9) % 6, np.arange(9) * 5 % 6], axis=1).astype(np.uint8),
            "w1": (np.arange(9) % 3).astype(np.uint8),
            "c1": np.array([-8, 1, 7], np.int8),
            "b1": np.arange(6, dtype=np.int32),
            "m1": np.array([1, 2, 3, 4, 5, 2**24 - 1], np.int32),
            "w2": whole(16, high=100),
            "w3": whole(3, 4, high=100, kind=np.int64),
        }
    if name == "random":
        return {"w1": whole(12, high=100), "w2": whole(12, high=100)}
    if name == "chain":
        return {
            "w1": whole(5, 4),
            "b1": whole(5, high=100, kind=np.int32),
            "u2": whole(2, 1, 5, high=100),
            "w2": whole(30, high=100),
            "w3": (np.arange(12) % 4).astype(np.uint8),
            "c3": np.array([-32, 5, 31, 8], np.int8),
            "w4": whole(12),
            "m4": np.array([1, 2, 3, 4], np.int32),
        }
    if name == "relu":
        u = whole(1, 3, 4)
        u[0, 0, 0] = u[0, 2, 3] = 0
        return {"u1": u, "w1": whole(4, 3), "w2": whole(16)}
    if name == "edges":
        edges = np.array([[0, 9], [4, 0], [4, 0], [3, 7]], np.int32)
        return {"e1": edges, "u1": whole(4, high=100), "f1": np.array([[2, 4], [0, 0]], np.int16), "w1": whole(2)}
    return {
        "u1": whole(3, 3, 6),
        "w1": whole(6, 5, high=100),
        "b1": whole(3, 6, high=500, kind=np.int32),
        "c1": whole(6, high=500, kind=np.int32),
        "g1": np.linspace(0, 64, 16).astype(np.int16),
        "u2": whole(4, 2, 4, high=100),
        "w2": whole(32, high=100),
        "t2": np.linspace(-128, 127, 32).astype(np.int16),
        "w3": whole(3, 4, high=100),
        "b3": whole(3, high=1000, kind=np.int32),
        "w4": whole(2, 3, high=100),
    }


def content(description: Any = PATHS, arrays: dict[str, np.ndarray] | None = None) -> bytes:
    """A file with this description, which need not be JSON, and ``arrays``, or those that belong to its name."""
    text = description if isinstance(description, str) else json.dumps(description)
    if arrays is None:
        name = description.get("name") if isinstance(description, dict) else None
        arrays = tensors(BASES[name] if isinstance(name, str) and name in BASES else PATHS)
    return safetensors.numpy.save(arrays, metadata={METADATA_KEY: text})


def refusal(file: Path, data: bytes) -> str:
    """The message about ``data``, without the name of the file."""
    file.write_bytes(data)
    with pytest.raises(InputError) as caught:
        load(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert message.isascii()
    assert "\n" not in message
    return message.removeprefix(f"{file}: ")


def changed(*path: Any, value: Any, base: dict[str, Any] = PATHS) -> dict[str, Any]:
    """``base`` with one member replaced."""
    result = copy.deepcopy(base)
    place = result
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return result


def without(*path: Any, base: dict[str, Any] = PATHS) -> dict[str, Any]:
    """``base`` without one member."""
    place = result = copy.deepcopy(base)
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return result


def layer(index: int, *, base: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """``base`` with other members in a layer; "absent" takes one away."""
    members = {key: value for key, value in (base["layers"][index] | changes).items() if value != "absent"}
    return changed("layers", index, value=members, base=base)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 40)
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["sobol", "random", "path", "explicit", "dense", "band_rnn", "relu", "identity", "gru"])
    | st.sampled_from(["lstm", "tanh", "hard", "w1", "w2", "b1", "u1", "g1"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


def places(value: Any) -> list[tuple[Any, ...]]:
    """The paths of all members of a JSON value, its own included."""
    found: list[tuple[Any, ...]] = [()]
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        found += [(key, *place) for place in places(member)]
    return found


def replaced(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    result = copy.copy(value)
    result[place[0]] = replaced(value[place[0]], place[1:], new)
    return result
