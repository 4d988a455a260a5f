"""The network file: one ``.safetensors`` file, its description as JSON under the metadata key ``hdlgen.network``.

The reader trusts nothing. It looks at the size of the file, then at the size of the header, then parses the header
and checks every name, type and shape against the description, and only then reads the tensors.
"""

import json
import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from hdlgen.description import TENSOR_DTYPES, Present, present_tensors, show
from hdlgen.errors import InputError
from hdlgen.files import atomic_write, opened
from hdlgen.network.network import Network, check_tensors, describe, parse, verify
from hdlgen.resources import folder
from hdlgen.schema import parse_json

__all__ = ["METADATA_KEY", "load", "resolve", "save"]

METADATA_KEY = "hdlgen.network"

MAX_FILE_BYTES = 1 << 30
MAX_HEADER_BYTES = 1 << 20
SUFFIX = ".safetensors"


def resolve(name: str | os.PathLike[str]) -> Path:
    """The file that ``name`` means: a path, or, without suffix and without such a file, a shipped network.

    Raises InputError if there is neither.
    """
    path = Path(name)
    if os.path.exists(path):  # unlike Path.exists also of names that are too long
        return path
    if path.suffix or path.parent != Path("."):
        raise InputError(f"{path}: no such network file")
    try:
        shipped = folder("networks")
    except FileNotFoundError:
        raise InputError(f"{path}: no such network file, and no networks are shipped here") from None
    candidate = shipped / f"{path.name}{SUFFIX}"
    if os.path.isfile(candidate):
        return candidate
    names = ", ".join(sorted(file.stem for file in shipped.glob(f"*{SUFFIX}"))) or "none"
    raise InputError(f"{path}: no such network file, nor a shipped network; shipped: {names}")


def _header(data: bytes, where: str) -> tuple[Present, str]:
    """Types and shapes of the tensors, and the text of the description."""
    header = parse_json(data, f"{where}: header")
    if not isinstance(header, dict):
        raise InputError(f"{where}: header is {show(header)}; allowed: a safetensors header, a JSON object")
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or not isinstance(metadata.get(METADATA_KEY), str):
        raise InputError(
            f"{where}: no metadata key {METADATA_KEY!r}; allowed: files written by hdlgen or after its format"
        )
    tensors: dict[str, tuple[str, tuple[int, ...]]] = {}
    for name, entry in header.items():
        match entry:
            case {"dtype": str(dtype), "shape": list(shape)} if all(type(length) is int for length in shape):
                tensors[name] = (show(dtype)[1:-1], tuple(shape))
            case _:
                raise InputError(
                    f"{where}: header: tensor {show(name)} is {show(entry)}; allowed: dtype, shape, data_offsets"
                )
    return tensors, metadata[METADATA_KEY]


def load(path: str | os.PathLike[str]) -> Network:
    """Read a network file, or a shipped network by its name, and verify it.

    Raises InputError if there is no such file, or it breaks any rule of the format: one line that says where.
    """
    file = resolve(path)
    where = str(file)
    with opened(file) as stream:
        size = os.fstat(stream.fileno()).st_size
        if not 8 <= size <= MAX_FILE_BYTES:
            raise InputError(
                f"{where}: file has {size} bytes; allowed: a safetensors file, 8..{MAX_FILE_BYTES} bytes"
            )
        length = stream.read(8)
        header_bytes = int.from_bytes(length, "little")
        if header_bytes > MAX_HEADER_BYTES:
            raise InputError(f"{where}: header claims {header_bytes} bytes; allowed: up to {MAX_HEADER_BYTES}")
        if 8 + header_bytes > size:
            raise InputError(f"{where}: file has {size} bytes; its header needs {8 + header_bytes}: truncated")
        header = stream.read(header_bytes)
        present, text = _header(header, where)
        described = parse(parse_json(text, f"{where}: {METADATA_KEY}"), where)
        network = replace(described, origin=where)
        check_tensors(network, present)
        needed = 8 + header_bytes
        needed += sum(TENSOR_DTYPES[dtype].itemsize * math.prod(shape) for dtype, shape in present.values())
        if size != needed:
            raise InputError(f"{where}: file has {size} bytes; header and tensors need {needed}")
        body = stream.read()
    try:
        tensors = safetensors.numpy.load(length + header + body)
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise InputError(f"{where}: no valid safetensors file: {ascii(str(error))[1:-1]}") from None
    network = replace(network, tensors=tensors, header=header)
    verify(network)
    return network


def save(network: Network, path: str | os.PathLike[str]) -> None:
    """Write ``network`` to ``path``, whole or not at all. The same network gives the same bytes.

    A network that was read from a file, whoever wrote it, and not changed gives the bytes of that file.

    Raises InputError if the network breaks a rule of the format, or ``path`` cannot be written.
    """
    verify(network)
    atomic_write(path, _as_read(network) or _anew(network))


def _as_read(network: Network) -> bytes | None:
    """The file with the header that the network was read with, if that still describes it."""
    if network.header is None:
        return None
    present, text = _header(network.header, network.where)
    described = describe(parse(parse_json(text, network.where), network.where))
    if described != describe(network) or present != present_tensors(network.tensors):
        return None
    entries = json.loads(network.header)
    body = sorted(network.tensors, key=lambda name: entries[name]["data_offsets"])
    parts = [np.ascontiguousarray(network.tensors[name]).tobytes() for name in body]
    return len(network.header).to_bytes(8, "little") + network.header + b"".join(parts)


def _anew(network: Network) -> bytes:
    text = json.dumps(describe(network), allow_nan=False)
    tensors = {name: np.ascontiguousarray(tensor) for name, tensor in sorted(network.tensors.items())}
    return safetensors.numpy.save(tensors, metadata={METADATA_KEY: text})
