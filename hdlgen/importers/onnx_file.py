"""ONNX files, QONNX included, as graphs. The reader trusts nothing.

The size of the file comes first, then the protobuf, and the size of a tensor before its values. Data outside of the
file are read from the folder of the file and below it only. Nothing is executed, and nothing unpickled.
"""

import functools
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from hdlgen.description import show
from hdlgen.errors import InputError
from hdlgen.files import opened
from hdlgen.importers.graph import MAX_ELEMENTS, MAX_NODES, RECURRENT, Constants, Graph, Node, sort
from hdlgen.importers.loops import without_loops

__all__ = ["INTEGERS", "MAX_BYTES", "STANDARD", "parse_model", "read_bytes", "read_onnx"]

MAX_BYTES = 1 << 30

STANDARD = ("", "ai.onnx")
_OLDEST = 7
"""Version of the operations: before it their inputs broadcast in another way."""

#: Types of elements that quantisers make, by number: bits, and whether they are signed.
INTEGERS = {2: (8, False), 3: (8, True), 4: (16, False), 5: (16, True)}
INTEGERS |= {21: (4, False), 22: (4, True), 25: (2, False), 26: (2, True)}
_TYPES = (1, 6, 7, 9, 10, 11, 12, 13, 16, *INTEGERS)
_ALLOWED = (
    "float32, uint8, int8, uint16, int16, int32, int64, bool, float16, float64, uint32, uint64, bfloat16, and integers of"
    " 2 and 4 bits"
)
#: For types that NumPy does not have itself one that holds their values.
_PLAIN = {"bfloat16": np.float32, "int4": np.int8, "uint4": np.uint8, "int2": np.int8, "uint2": np.uint8}


def _text(value: str | bytes) -> str:
    """A string of a message, which comes as bytes where it is no UTF-8."""
    return value if isinstance(value, str) else value.decode()  # raises UnicodeDecodeError


def _dtype(number: int, place: str) -> np.dtype:
    from onnx import helper

    if number not in _TYPES:
        raise InputError(f"{place}: type of elements is number {number}; allowed: {_ALLOWED}")
    return helper.tensor_dtype_to_np_dtype(number)


def _plain(array: np.ndarray) -> np.ndarray:
    return array.astype(_PLAIN.get(array.dtype.name, array.dtype))


def _narrow(number: int) -> int | None:
    """Bits of integers of fewer than 8."""
    bits, _ = INTEGERS.get(number, (8, False))
    return bits if bits < 8 else None


def _external(tensor: Any, needed: int, folder: Path, place: str) -> bytes:
    """The bytes of a tensor that lie in another file, which must be in ``folder`` or below."""
    try:
        entries = {_text(entry.key): _text(entry.value) for entry in tensor.external_data}
    except UnicodeDecodeError:
        raise InputError(f"{place}: names data that are no UTF-8; allowed: what onnx.save writes") from None
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
        with opened(file, f"{place}: its data in {show(location)}") as stream:
            size = os.fstat(stream.fileno()).st_size
            offset, length = (
                entries.get(key, default) for key, default in (("offset", "0"), ("length", str(needed)))
            )
            if not (offset.isascii() and offset.isdigit() and len(offset) < 20) or length != str(needed):
                raise InputError(
                    f"{place}: its data are {show(length)} bytes from {show(offset)}; allowed: {needed} bytes,"
                    " which is what its shape needs"
                )
            if int(offset) + needed > size:
                raise InputError(
                    f"{place}: its data end at byte {int(offset) + needed} of {show(location)}; it has {size}"
                )
            stream.seek(int(offset))
            return stream.read(needed)
    except RuntimeError as error:  # links in a circle
        raise InputError(f"{place}: its data in {show(location)} cannot be read: {error}") from None


def _array(tensor: Any, folder: Path, place: str) -> np.ndarray:
    from onnx import TensorProto, helper, numpy_helper

    number, shape = tensor.data_type, list(tensor.dims)
    dtype = _dtype(number, place)
    if any(length < 0 for length in shape) or len(shape) > 8:
        raise InputError(f"{place}: shape is {show(shape)}; allowed: up to 8 lengths, none below 0")
    count = math.prod(shape)
    if count > MAX_ELEMENTS:
        raise InputError(f"{place}: shape is {show(shape)}; allowed: up to {MAX_ELEMENTS} elements")
    bits = _narrow(number) or 8 * dtype.itemsize
    needed, field = -(-count * bits // 8), helper.tensor_dtype_to_field(number)
    if tensor.data_location == 1:
        tensor = TensorProto(data_type=number, dims=shape, raw_data=_external(tensor, needed, folder, place))
    if tensor.HasField("raw_data"):
        if len(tensor.raw_data) != needed:
            raise InputError(f"{place}: has {len(tensor.raw_data)} bytes; its shape {show(shape)} needs {needed}")
        return _plain(numpy_helper.to_array(tensor))
    values, stored = getattr(tensor, field), needed if bits < 8 else count
    if len(values) != stored:
        raise InputError(f"{place}: has {len(values)} values; its shape {show(shape)} needs {stored}")
    whole = bits >= 8 and dtype.kind in "iu"
    limits = np.iinfo(dtype if whole else np.uint16 if bits > 8 else np.uint8)
    if count and (whole or field == "int32_data") and not limits.min <= min(values) <= max(values) <= limits.max:
        raise InputError(f"{place}: has values beyond its type; allowed: values of {dtype}")
    return _plain(numpy_helper.to_array(tensor))


def _attribute(attribute: Any, folder: Path, place: str) -> Any:
    """Its value; None for kinds that no supported node has."""
    from onnx import helper

    place = f"{place}: attribute {show(attribute.name)}"
    if attribute.type == 4:
        return functools.partial(_array, attribute.t, folder, place)
    if attribute.type not in (1, 2, 3, 6, 7, 8):
        return None
    value = helper.get_attribute_value(attribute)
    if attribute.type == 8:
        return [entry.decode("utf-8", "replace") for entry in value]
    return value.decode("ascii", "replace") if isinstance(value, bytes) else value


def _domain(node: Any, defined: set[tuple[str, str]]) -> str:
    """Empty for ONNX's own operations; a function of the file belongs to none that is known."""
    if (node.domain, node.op_type) in defined:
        return f"{_text(node.domain) or STANDARD[1]} (a function of the file)"
    return "" if node.domain in STANDARD else _text(node.domain)


def _constant(node: Node) -> np.ndarray:
    """The value of a node Constant."""
    kinds = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}
    given = {name: value for name, value in node.attributes.items() if value is not None}
    if list(given) == ["value"] and callable(given["value"]):
        return given["value"]()
    name, value = next(iter(given.items()), ("", None))
    entries = value if isinstance(value, list) else [value]
    if len(given) != 1 or name not in kinds or not all(isinstance(entry, int | float) for entry in entries):
        raise InputError(f"{node.place}: has no value; allowed: a tensor or numbers")
    return np.array(value, dtype=kinds[name])


def _shape(info: Any, where: str) -> tuple[int | None, tuple[int, ...], np.dtype]:
    """Batch, shape of one input, and type; with three axes the batch or steps, and the others, 0 if free."""
    place = f"{where}: input {show(info.name)}"
    if not info.type.HasField("tensor_type"):
        raise InputError(f"{place}: is no tensor; allowed: one tensor")
    tensor = info.type.tensor_type
    number = tensor.elem_type
    if number not in _TYPES or _narrow(number):
        raise InputError(
            f"{place}: type of elements is number {number}; allowed: real numbers, and integers of 8 or 16 bits"
        )
    dtype = _plain(np.zeros(0, _dtype(number, place))).dtype
    dims: list[int | None] = [int(dim.dim_value) if dim.HasField("dim_value") else None for dim in tensor.shape.dim]
    # Some exporters write 0 where they mean an unknown length.
    free = 2 if len(dims) == 3 else 1
    dims = [None if index < free and dim is not None and dim <= 0 else dim for index, dim in enumerate(dims)]
    shown = ", ".join("?" if dim is None else str(dim) for dim in dims)
    if not 2 <= len(dims) <= 8 or any(dim is None or dim < 1 for dim in dims[free:]):
        raise InputError(f"{place}: shape is [{shown}]; allowed: [batch, fixed lengths..], the batch may be free")
    lengths = tuple(dim or 0 for dim in dims[1:])
    if math.prod(lengths) > 1 << 20:
        raise InputError(f"{place}: shape is [{shown}]; allowed: up to {1 << 20} elements")
    return dims[0], lengths, dtype


def _recurrent(node: Any) -> bool:
    return node.domain in STANDARD and node.op_type in RECURRENT


def _graph(model: Any, path: Path, where: str) -> Graph:
    graph = model.graph
    if not graph.node:
        raise InputError(f"{where}: the graph has no nodes; allowed: an ONNX model")
    if len(graph.node) > MAX_NODES:
        raise InputError(f"{where}: the graph has {len(graph.node)} nodes; allowed: up to {MAX_NODES}")
    opset = max((entry.version for entry in model.opset_import if entry.domain in STANDARD), default=1)
    if opset < _OLDEST:
        raise InputError(f"{where}: operations are of version {opset}; allowed: {_OLDEST} and later")
    folder = path.parent
    readers, narrow = {}, {}
    messages, more = without_loops(graph.node, graph.initializer, opset, MAX_NODES)
    for tensor in (*graph.initializer, *more):
        title = _text(tensor.name)
        place = f"{where}: tensor {show(title)}"
        if title in readers:
            raise InputError(f"{place}: exists already; allowed: each name once")
        readers[title] = functools.partial(_array, tensor, folder, place)
        narrow[title] = _narrow(tensor.data_type)
    given = [info for info in graph.input if _text(info.name) not in readers]
    if len(given) != 1:
        names = ", ".join(show(info.name) for info in given[:5]) or "none"
        kind = next((f", and 0 as first state of {node.op_type}" for node in graph.node if _recurrent(node)), "")
        raise InputError(f"{where}: the graph has {len(given)} inputs ({names}); allowed: one{kind}")
    batch, shape, dtype = _shape(given[0], where)
    defined = {(function.domain, function.name) for function in model.functions}
    nodes: list[Node] = []
    for number, node in messages:
        name = f" {show(_text(node.name))}" if node.name else ""
        place = f"{where}: node {number} of {len(graph.node)}{name} ({show(_text(node.op_type))[1:-1]})"
        read = Node(
            op=node.op_type,
            domain=_domain(node, defined),
            inputs=tuple(_text(name) for name in node.input),
            outputs=tuple(
                _text(output) or f"\0{number}.{place_of}"  # of a recurrent node, the first one may be left out
                for place_of, output in enumerate(node.output)
                if output or _recurrent(node)
            ),
            attributes={_text(item.name): _attribute(item, folder, place) for item in node.attribute},
            place=place,
        )
        if (read.domain, read.op) == ("", "Constant") and len(read.outputs) == 1 and read.outputs[0] not in readers:
            readers[read.outputs[0]] = functools.partial(_constant, read)
            given_tensor = next((item.t for item in node.attribute if item.name == "value"), None)
            narrow[read.outputs[0]] = None if given_tensor is None else _narrow(given_tensor.data_type)
        else:
            nodes.append(read)
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
        opset=opset,
        outputs=outputs,
        nodes=ordered,
        constants=Constants(readers),
        narrow={title: bits for title, bits in narrow.items() if bits is not None},
    )


def read_bytes(path: Path, where: str | None = None) -> bytes:
    """The file, if it is a regular one of a size that is allowed; ``where`` is what messages call it."""
    with opened(path, where) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size > MAX_BYTES:
            raise InputError(f"{where or path}: file has {size} bytes; allowed: up to {MAX_BYTES}")
        return stream.read(size)


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

    Raises InputError if there is no such file, it is damaged, has no single input or free lengths, or its graph has a
    cycle.
    """
    file = Path(path)
    where = str(path)
    model = parse_model(read_bytes(file), where)
    try:
        return _graph(model, file, where)
    except UnicodeDecodeError:
        raise InputError(f"{where}: damaged: a name is no UTF-8; allowed: what onnx.save writes") from None
