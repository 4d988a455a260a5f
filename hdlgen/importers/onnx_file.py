"""ONNX files, QONNX included, as graphs. The reader trusts nothing.

The size of the file comes first, then the protobuf, and the size of a tensor before its values. Data outside of the
file are read from the folder of the file and below it only. Nothing is executed, and nothing unpickled.
"""

import functools
import math
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np

from hdlgen.errors import InputError
from hdlgen.importers.graph import MAX_ELEMENTS, MAX_NODES, Constants, Graph, Node, sort
from hdlgen.network.model import show

__all__ = ["MAX_BYTES", "read_onnx"]

MAX_BYTES = 1 << 30

#: Numbers of the types, and the fields that hold their values where there are no raw bytes.
_TYPES: dict[int, tuple[type[np.generic], str]] = {
    1: (np.float32, "float_data"),
    2: (np.uint8, "int32_data"),
    3: (np.int8, "int32_data"),
    4: (np.uint16, "int32_data"),
    5: (np.int16, "int32_data"),
    6: (np.int32, "int32_data"),
    7: (np.int64, "int64_data"),
    9: (np.bool_, "int32_data"),
    10: (np.float16, "int32_data"),
    11: (np.float64, "double_data"),
    12: (np.uint32, "uint64_data"),
    13: (np.uint64, "uint64_data"),
}
_TYPES_ALLOWED = ", ".join(np.dtype(kind).name for kind, _ in _TYPES.values())


def _text(value: str | bytes) -> str:
    """A string of a message, which comes as bytes where it is no UTF-8."""
    return value if isinstance(value, str) else value.decode()  # raises UnicodeDecodeError


def _type(number: int, place: str) -> tuple[np.dtype, str]:
    if number not in _TYPES:
        raise InputError(f"{place}: type of elements is number {number}; allowed: {_TYPES_ALLOWED}")
    kind, member = _TYPES[number]
    return np.dtype(kind), member


def _external(tensor: Any, needed: int, folder: Path, place: str) -> bytes:
    """The bytes of a tensor that lie in another file, which must be in ``folder`` or below."""
    entries = {_text(entry.key): _text(entry.value) for entry in tensor.external_data}
    location = entries.get("location", "")
    allowed = "files in the folder of the model and below it"
    # Both as it is written and as links resolve it.
    inside = Path(location)
    if not location or "\0" in location or inside.is_absolute() or ".." in inside.parts or "\\" in location:
        raise InputError(f"{place}: its data are in {show(location)}; allowed: {allowed}")
    root = folder.resolve()
    try:
        file = (root / inside).resolve()
        if not file.is_relative_to(root):
            raise InputError(f"{place}: its data are in {show(location)}, a link to elsewhere; allowed: {allowed}")
        if not stat.S_ISREG(file.stat().st_mode):
            raise InputError(f"{place}: its data are in {show(location)}, which is no regular file")
        size = file.stat().st_size
        offset, length = (entries.get(key, default) for key, default in (("offset", "0"), ("length", str(needed))))
        if not (offset.isascii() and offset.isdigit() and len(offset) < 20) or length != str(needed):
            raise InputError(
                f"{place}: its data are {show(length)} bytes from {show(offset)}; allowed: {needed} bytes,"
                " which is what its shape needs"
            )
        if int(offset) + needed > size:
            raise InputError(
                f"{place}: its data end at byte {int(offset) + needed} of {show(location)}; it has {size}"
            )
        with file.open("rb") as stream:
            stream.seek(int(offset))
            return stream.read(needed)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{place}: its data in {show(location)} cannot be read: {reason}") from None


def _array(tensor: Any, folder: Path, place: str) -> np.ndarray:
    try:
        return _values(tensor, folder, place)
    except UnicodeDecodeError:
        raise InputError(f"{place}: names data that are no UTF-8; allowed: what onnx.save writes") from None


def _values(tensor: Any, folder: Path, place: str) -> np.ndarray:
    dtype, member = _type(tensor.data_type, place)
    shape = tuple(tensor.dims)
    if any(length < 0 for length in shape) or len(shape) > 8:
        raise InputError(f"{place}: shape is {show(list(shape))}; allowed: up to 8 lengths, none below 0")
    count = math.prod(shape)
    if count > MAX_ELEMENTS:
        raise InputError(f"{place}: shape is {show(list(shape))}; allowed: up to {MAX_ELEMENTS} elements")
    needed = count * dtype.itemsize
    if tensor.data_location == 1:
        raw = _external(tensor, needed, folder, place)
    elif tensor.HasField("raw_data"):
        raw = tensor.raw_data
    else:
        values = getattr(tensor, member)
        if len(values) != count:
            raise InputError(f"{place}: has {len(values)} values; its shape {show(list(shape))} needs {count}")
        if dtype == np.float16:  # its bits, as integers
            if any(not 0 <= value < 1 << 16 for value in values):
                raise InputError(f"{place}: has values beyond 16 bits; allowed: bits of float16")
            return np.array(values, dtype=np.uint16).view(np.float16).reshape(shape)
        plain = np.array(
            values, dtype=np.float64 if dtype.kind == "f" else np.int64 if dtype.kind != "u" else np.uint64
        )
        if dtype.kind in "iu" and count:
            limits = np.iinfo(dtype)
            if plain.min() < limits.min or plain.max() > limits.max:
                raise InputError(f"{place}: has values beyond its type; allowed: values of {dtype}")
        return plain.astype(dtype).reshape(shape)
    if len(raw) != needed:
        raise InputError(f"{place}: has {len(raw)} bytes; its shape {show(list(shape))} needs {needed}")
    return np.frombuffer(raw, dtype=dtype.newbyteorder("<")).astype(dtype, copy=False).reshape(shape)


def _attribute(attribute: Any, folder: Path, place: str) -> Any:
    """Its value; None for kinds that no supported node has."""
    place = f"{place}: attribute {show(attribute.name)}"
    match attribute.type:
        case 1:
            return float(attribute.f)
        case 2:
            return int(attribute.i)
        case 3:
            return attribute.s.decode("ascii", "replace")
        case 4:
            return functools.partial(_array, attribute.t, folder, place)
        case 6:
            return [float(value) for value in attribute.floats]
        case 7:
            return [int(value) for value in attribute.ints]
        case _:
            return None


def _shape(info: Any, where: str) -> tuple[int | None, tuple[int, ...], np.dtype]:
    """Batch, shape of one input, and type."""
    place = f"{where}: input {show(info.name)}"
    if not info.type.HasField("tensor_type"):
        raise InputError(f"{place}: is no tensor; allowed: one tensor")
    tensor = info.type.tensor_type
    dtype, _ = _type(tensor.elem_type, place)
    dims: list[int | None] = [int(dim.dim_value) if dim.HasField("dim_value") else None for dim in tensor.shape.dim]
    # Some exporters write 0 where they mean an unknown length.
    dims = [None if index == 0 and dim is not None and dim <= 0 else dim for index, dim in enumerate(dims)]
    shown = ", ".join("?" if dim is None else str(dim) for dim in dims)
    if not 2 <= len(dims) <= 8 or any(dim is None or dim < 1 for dim in dims[1:]):
        raise InputError(f"{place}: shape is [{shown}]; allowed: [batch, fixed lengths..], the batch may be free")
    lengths = tuple(dim for dim in dims[1:] if dim is not None)
    if math.prod(lengths) > 1 << 20:
        raise InputError(f"{place}: shape is [{shown}]; allowed: up to {1 << 20} elements")
    return dims[0], lengths, dtype


def _graph(model: Any, path: Path, where: str) -> Graph:
    graph = model.graph
    if not graph.node:
        raise InputError(f"{where}: the graph has no nodes; allowed: an ONNX model")
    if len(graph.node) > MAX_NODES:
        raise InputError(f"{where}: the graph has {len(graph.node)} nodes; allowed: up to {MAX_NODES}")
    folder = path.parent
    readers = {}
    for tensor in graph.initializer:
        title = _text(tensor.name)
        place = f"{where}: tensor {show(title)}"
        if title in readers:
            raise InputError(f"{place}: exists already; allowed: each name once")
        readers[title] = functools.partial(_array, tensor, folder, place)
    given = [info for info in graph.input if _text(info.name) not in readers]
    if len(given) != 1:
        names = ", ".join(show(info.name) for info in given[:5]) or "none"
        raise InputError(f"{where}: the graph has {len(given)} inputs ({names}); allowed: one")
    batch, shape, dtype = _shape(given[0], where)
    nodes = []
    for number, node in enumerate(graph.node, 1):
        name = f" {show(_text(node.name))}" if node.name else ""
        place = f"{where}: node {number} of {len(graph.node)}{name} ({show(_text(node.op_type))[1:-1]})"
        nodes.append(
            Node(
                op=node.op_type,
                inputs=tuple(_text(name) for name in node.input),
                outputs=tuple(_text(output) for output in node.output if output),
                attributes={_text(item.name): _attribute(item, folder, place) for item in node.attribute},
                place=place,
            )
        )
    outputs = tuple(_text(info.name) for info in graph.output)
    if not outputs:
        raise InputError(f"{where}: the graph has no output; allowed: one")
    ordered = sort(nodes, {given[0].name, "", *readers})
    made = {given[0].name, *readers, *(name for node in nodes for name in node.outputs)}
    for name in outputs:
        if name not in made:
            raise InputError(f"{where}: output {show(name)} is made by nothing; allowed: outputs of nodes")
    return Graph(
        name=path.name.removesuffix(".onnx"),
        where=where,
        input=given[0].name,
        input_shape=shape,
        batch=batch,
        input_type=dtype,
        outputs=outputs,
        nodes=ordered,
        constants=Constants(readers),
    )


def read_bytes(path: Path) -> bytes:
    """The file, if it is a regular one of a size that is allowed."""
    where = str(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # before it is opened: a pipe would wait for a writer
            raise InputError(f"{where}: not a regular file")
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if size > MAX_BYTES:
                raise InputError(f"{where}: file has {size} bytes; allowed: up to {MAX_BYTES}")
            return stream.read(size)
    except OSError as error:
        raise InputError(f"{where}: cannot be read: {error.strerror or error}") from None


def parse_model(data: bytes, where: str) -> Any:
    """The protobuf of an ONNX model."""
    import onnx
    from google.protobuf.message import DecodeError

    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except (DecodeError, RecursionError):
        raise InputError(f"{where}: damaged, or no ONNX model; allowed: what onnx.save writes") from None
    return model


def read_onnx(path: str | os.PathLike[str]) -> Graph:
    """The graph in the ONNX file ``path``.

    Raises
    ------
    InputError
        If there is no such file, it is damaged, has no single input or free lengths, or its graph has a cycle.
    """
    file = Path(path)
    where = str(path)
    model = parse_model(read_bytes(file), where)
    try:
        return _graph(model, file, where)
    except UnicodeDecodeError:
        raise InputError(f"{where}: damaged: a name is no UTF-8; allowed: what onnx.save writes") from None
