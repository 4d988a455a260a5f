"""Damaged files of every kind that is read: success, or one line that says what is wrong, and nothing else."""

import contextlib
import gzip
import io
import json
import re
import shutil
import tarfile
import tempfile
import warnings
import wave
import zipfile
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.descriptor import FieldDescriptor

from hdlgen import fsdd, idx
from hdlgen.cli import main
from hdlgen.emit import compile_to
from hdlgen.errors import InputError, Refused
from hdlgen.flow import simulate, synth_report
from hdlgen.flow.boards import read_board
from hdlgen.network import save
from hdlgen.resources import folder as resources

from ..choices import Choices, Seeded
from ..compiler.recurrent import layer, make_recurrent
from ..flow.manifests import simulated, synthesised
from ..layered import mixture
from ..mixed import MIXED
from .checks import Found

__all__ = ["CORPUS", "look"]

FILES = Path(__file__).parents[1] / "importers" / "files"
VECTORS = Path(__file__).parents[1] / "vectors"

Blob = bytes
Damage = Callable[[Blob, Choices], Blob]

HOSTILE: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 1, 2**31, 2**63, -(2**63), 10**400, 0.5, -0.0, 1e308, float("nan"), float("inf")),
    *(
        "",
        "a" * 70000,
        "../../x",
        "/etc/passwd",
        "x\0y",
        "\x1b[31m",
        "[red]",
        "{0}",
        "%s",
        "\ud800",
        "è",
        "1e999999999",
    ),
    *([], {}, [[]], [1] * 1000),
)


# --------------------------------------------------------------------------------------------------------- damage


def damage_bytes(data: bytes, choose: Choices) -> bytes:
    """Bits, bytes and pieces changed, lost, doubled and moved."""
    result = bytearray(data)
    for _ in range(choose.of([1, 1, 1, 2, 4, 16])):
        size = len(result)
        at = choose.integer(0, max(size - 1, 0))
        length = min(choose.of([1, 2, 4, 8, 64, 1000]), size - at)
        kind = choose.integer(0, 6)
        if kind == 0 and size:
            result[at] ^= 1 << choose.integer(0, 7)
        elif kind == 1 and size:
            result[at] = choose.of([0, 1, 0x7F, 0x80, 0xFF, choose.integer(0, 255)])
        elif kind == 2:
            del result[at : at + length]
        elif kind == 3:
            result[at:at] = result[at : at + length] * choose.of([1, 1, 100])
        elif kind == 4:
            result[at:at] = bytes(choose.integer(0, 255) for _ in range(min(length, 8)))
        elif kind == 5:
            number = choose.of([0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1])
            result[at : at + 8] = number.to_bytes(8, choose.of(["little", "big"]))[: choose.of([4, 8])]
        else:
            del result[at:]
    return bytes(result)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from _places(value[key])


def damage_json(data: bytes, choose: Choices) -> bytes:
    """Members missing, too many, of other types, out of range, exchanged, too deep, twice."""
    document = json.loads(data)
    for _ in range(choose.of([1, 1, 2, 5])):
        places = list(_places(document))
        if not places:
            break
        owner, key = choose.of(places)
        kind = choose.integer(0, 7)
        other, place = choose.of(places)
        if kind == 0:
            del owner[key]
        elif kind == 1 and isinstance(owner, dict):
            owner[choose.of(["", "x" * 300, "weight", "kind", "\x1b[0m", str(key) + " "])] = owner.pop(key)
        elif kind == 2:
            owner[key], other[place] = other.get(place) if isinstance(other, dict) else other[place], owner[key]
        elif kind == 3 and type(owner[key]) in (int, float):
            owner[key] = choose.of([owner[key] + 1, owner[key] - 1, -owner[key], owner[key] * 2, owner[key] * 2**40])
        elif kind == 4:
            nested: Any = owner[key]
            for _ in range(choose.of([1, 3, 400])):
                nested = choose.of([[nested], {"a": nested}])
            owner[key] = nested
        else:
            owner[key] = choose.of(HOSTILE)
        with contextlib.suppress(ValueError):  # a cycle: exchanged with what it stands in
            json.dumps(document)
            continue
        return damage_bytes(data, choose)
    text = json.dumps(document)
    if choose.integer(0, 9) == 0:
        text = text.replace('"kind"', '"kind": 1, "kind"', 1)
    if choose.integer(0, 19) == 0:
        text = "[" * 100000 + text
    return text.encode("utf-8", "surrogatepass")


def damage_safetensors(data: bytes, choose: Choices) -> bytes:
    """The header as JSON, with a description in it, or any bytes."""
    length = int.from_bytes(data[:8], "little")
    kind = choose.integer(0, 3)
    if kind == 0:
        return damage_bytes(data, choose)
    header = json.loads(data[8 : 8 + length])
    metadata = header.get("__metadata__", {})
    described = [key for key, value in metadata.items() if value.startswith("{")]
    if kind > 1 and described:
        key = choose.of(described)
        metadata[key] = damage_json(metadata[key].encode(), choose).decode("latin-1")
        text = json.dumps(header).encode("utf-8", "surrogatepass")
    else:
        text = damage_json(data[8 : 8 + length], choose)
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def damage_npy(data: bytes, choose: Choices) -> bytes:
    """The header's text, or any bytes."""
    if choose.flag():
        return damage_bytes(data, choose)
    length = int.from_bytes(data[8:10], "little")
    text = data[10 : 10 + length].decode()
    number = choose.of(["0", "-1", "9" * 20, "9" * 5000, "1e3", "3, 4", "True", "None", "2**70"])
    text = re.sub(r"\d+", lambda found: number if choose.integer(0, 2) == 0 else found[0], text)
    kind = choose.of(
        ["<i8", "<u1", "<f8", "|O", "|b1", "<c16", "|V8", "<M8[s]", "|S5", "<U4", "<f2", "i4, i4", ">i2"]
    )
    text = re.sub(r"'descr': '[^']*'", f"'descr': '{kind}'", text) if choose.flag() else text
    if choose.integer(0, 5) == 0:
        text = damage_bytes(text.encode(), choose).decode("latin-1")
    header = text.encode("latin-1", "replace")
    return data[:8] + (len(header) & 0xFFFF).to_bytes(2, "little") + header + data[10 + length :]


def damage_text(data: bytes, choose: Choices) -> bytes:
    """Lines and values of a TOML file."""
    lines = data.decode().splitlines()
    for _ in range(choose.of([1, 1, 2, 4])):
        at = choose.integer(0, len(lines) - 1)
        key, equals, _ = lines[at].partition("=")
        kind = choose.integer(0, 4)
        values = [
            '""',
            "0",
            "-1",
            "1e400",
            "nan",
            "[]",
            "{}",
            "true",
            '"{0.__class__}"',
            '"a b"',
            "[[[]]]",
            "1979-05-27",
        ]
        values += ['"\\u001b[31m"', "9" * 5000, '"' + "x" * 5000 + '"', '"../../x"', '"${PATH}; x"']
        if kind == 0:
            del lines[at]
        elif kind == 1:
            lines.insert(at, choose.of(lines) if lines else "")
        elif kind == 2 and equals:
            lines[at] = key + "= " + choose.of(values)
        elif kind == 3:
            lines[at] = damage_bytes(lines[at].encode(), choose).decode("latin-1")
        else:
            lines[at] += choose.of([".x = 1", " = 2", "\0", "]", "\r"])
        lines = lines or [""]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def damage_onnx(data: bytes, choose: Choices) -> bytes:
    """Fields of any message: left away, doubled, with other numbers and names; or any bytes."""
    if choose.integer(0, 3) == 0:
        return damage_bytes(data, choose)
    model = onnx.load_model_from_string(data)
    for _ in range(choose.of([1, 1, 2, 4])):
        message, field = choose.of(list(_messages(model)))
        _damage_field(message, field, choose)
    made: bytes = model.SerializeToString()
    return made


def _messages(message: Any) -> Iterator[tuple[Any, Any]]:
    for field, value in message.ListFields():
        yield message, field
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for part in value if hasattr(value, "extend") else [value]:
                yield from _messages(part)


def _damage_field(message: Any, field: Any, choose: Choices) -> None:
    value = getattr(message, field.name)
    if hasattr(value, "extend"):
        at = choose.integer(0, len(value) - 1) if len(value) else 0
        kind = choose.integer(0, 3)
        if kind == 0 and len(value):
            del value[at]
        elif kind == 1 and len(value):
            value.append(value[at])
        elif kind == 2 and len(value) and field.type != FieldDescriptor.TYPE_MESSAGE:
            value[at] = _other(field, value[at], choose)
        else:
            message.ClearField(field.name)
    elif field.type != FieldDescriptor.TYPE_MESSAGE and choose.integer(0, 3):
        with contextlib.suppress(ValueError, TypeError):  # not a value of an enumeration
            setattr(message, field.name, _other(field, value, choose))
    else:
        message.ClearField(field.name)


def _other(field: Any, value: Any, choose: Choices) -> Any:
    if field.type == FieldDescriptor.TYPE_STRING:
        names = ["manifest.json", "manifest.json", simulate.REPORT, "synth-ecp5-25k.json"]
        return choose.of(names)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return damage_bytes(value, choose)
    if field.type in (FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE):
        return choose.of([0.0, -1.0, float("nan"), float("inf"), 1e38, 1e-40, -value])
    return choose.of([0, 1, -1, 2, 7, 13, 16, 22, 2**31 - 1, -(2**31), choose.of([2**62, value + 1, value - 1])])


def damage_member(data: bytes, choose: Choices) -> bytes:
    """An archive whose members are damaged arrays; or any bytes."""
    if choose.flag():
        return damage_bytes(data, choose)
    result = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(result, "w", choose.of([0, zipfile.ZIP_DEFLATED])) as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            kind = choose.integer(0, 4)
            new.writestr(
                name if kind else choose.of(["lengths.npy", "x", "../x.npy", "x.npy.npy", "y.npy"]),
                damage_npy(content, choose) if kind > 1 else content,
            )
    return result.getvalue()


# ------------------------------------------------------------------------------------------------------------- corpus


@cache
def _made() -> Path:
    """A folder with one good file of every kind; made once in every process, and gone with it."""
    holder = tempfile.TemporaryDirectory()
    _HELD.append(holder)
    root = Path(holder.name)
    networks = {
        "path": None,
        "layered": mixture(),
        "recurrent": make_recurrent(3, [layer("gru", 4, band=3), layer("lstm", 3, edges=7, state_table=8)], (3,)),
        "mixed": MIXED["all engines, one of them twice"][0](),
    }
    for name, network in networks.items():
        if network is not None:
            save(network, root / f"{name}.safetensors")
    shutil.copyfile(VECTORS / "tiny.safetensors", root / "path.safetensors")
    np.save(root / "x.npy", np.arange(24, dtype=np.uint8).reshape(3, 8))
    np.save(root / "labels.npy", np.array([0, 1, 3]))
    np.savez(root / "x.npz", x=np.zeros((5, 3), np.int8), lengths=np.array([2, 3]), labels=np.array([1, 0]))
    np.savez_compressed(root / "set.npz", x=np.zeros((6, 4), np.uint8), labels=np.array([0, 1, 2, 0, 1, 2]))
    with wave.open(str(root / "7_someone_0.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", "not compressed"))
        sound.writeframes(np.arange(400, dtype="<i2").tobytes())
    with tarfile.open(root / "recordings.tar.gz", "w:gz") as archive:
        archive.add(root / "7_someone_0.wav", "7_someone_0.wav")
    header = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (2, 2, 3))
    (root / "images.idx").write_bytes(header + bytes(12))
    (root / "images.gz").write_bytes(gzip.compress(header + bytes(12), mtime=0))
    manifest = compile_to(MIXED["edges alone, rounded to even at the end"][0](), root / "core", lanes=2)
    synth_report.write_report(synthesised(manifest, None), root / "core" / "synth-ecp5-25k.json")
    simulate.write_report(simulated(manifest), root / "core" / simulate.REPORT)
    return root


_HELD: list[Any] = []


def _cli(*arguments: object) -> None:
    """One line at most on the error stream, and exit status 0, 1 or 2."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as ended:
            status = ended.code
    said = err.getvalue()
    if status not in (0, 1, 2):
        raise AssertionError(f"exit status {status}")
    if "Traceback" in said or "Warning" in said:
        raise AssertionError(said[-300:])
    if status == 2:
        raise InputError(said.removesuffix("\n"))


def _network(path: Path, choose: Choices) -> None:
    verb = choose.of(["check", "plan", "evaluate"])
    if verb == "check":
        _cli("check", path)
    elif verb == "plan":
        _cli("compile", path, "--plan")
    else:
        _cli("evaluate", path, "-i", _made() / "x.npy", "-o", path.with_name("y.npy"))


def _array(path: Path, choose: Choices) -> None:
    good, y = _made(), path.with_name("y.npy")
    which = choose.integer(0, 3)
    if which == 0:
        _cli("evaluate", good / "path.safetensors", "-i", path, "-o", y)
    elif which == 1:
        _cli("evaluate", good / "path.safetensors", "-i", good / "x.npy", "-o", y, "--labels", path)
    elif which == 2:
        _cli("evaluate", good / "path.safetensors", "-i", good / "x.npy", "-o", y, "--targets", path)
    else:
        _cli("quantize", FILES / "torch-mlp.onnx", "-o", path.with_name("n.safetensors"), "--calibration", path)


def _archive(path: Path, choose: Choices) -> None:
    _cli("evaluate", _made() / "recurrent.safetensors", "-i", path, "-o", path.with_name("y.npy"))


def _import(path: Path, choose: Choices) -> None:
    more = choose.of([[], ["--bits", "8", "--input-range", "0,1"], ["--input-scale", "1/255"]])
    _cli("import", path, "-o", path.with_name("n.safetensors"), *more)


def _state(path: Path, choose: Choices) -> None:
    shutil.copyfile(FILES / "state.safetensors", path.with_name("state.safetensors"))
    _cli("quantize", path, "-o", path.with_name("n.safetensors"), "--input-range", "0,1")


def _tensors(path: Path, choose: Choices) -> None:
    shutil.copyfile(FILES / "state.json", path.with_name("state.json"))
    _cli("quantize", path.with_name("state.json"), "-o", path.with_name("n.safetensors"), "--input-range", "0,1")


def _design(path: Path, choose: Choices) -> None:
    """A member of a design's folder."""
    root = path.parent / "core"
    shutil.copytree(_made() / "core", root)
    names = ["manifest.json", "manifest.json", simulate.REPORT, "synth-ecp5-25k.json"]
    victim = root / choose.of(names)
    victim.write_bytes((damage_bytes if choose.integer(0, 4) == 0 else damage_json)(victim.read_bytes(), choose))
    verb = choose.integer(0, 3)
    if verb == 0:
        _cli("patch", root, root / "network.safetensors", "-o", path.parent / "new")
    elif verb == 1:
        _cli("load", root, "--port", "none")
    elif verb == 2:
        _cli("run", root, "--port", "none")
    else:
        _cli("report", root)


def _recordings(path: Path, choose: Choices) -> None:
    if path.suffix == ".wav":
        fsdd.read_wav(path)
    else:
        fsdd.read_recordings(path)


def _idx(path: Path, choose: Choices) -> None:
    idx.read(path, choose.of([1, 3]))


def _dataset(path: Path, choose: Choices) -> None:
    from hdlgen.train.arrays import read_dataset

    read_dataset(path)


#: By name: the good files, how they are damaged, and who reads them.
CORPUS: Mapping[str, tuple[Callable[[], list[Path]], Damage, Callable[[Path, Choices], None]]] = {
    "network": (
        lambda: [_made() / f"{name}.safetensors" for name in ("path", "layered", "recurrent", "mixed")],
        damage_safetensors,
        _network,
    ),
    "npy": (lambda: [_made() / "x.npy", _made() / "labels.npy"], damage_npy, _array),
    "npz": (lambda: [_made() / "x.npz"], damage_member, _archive),
    "onnx": (lambda: sorted(FILES.glob("*.onnx")), damage_onnx, _import),
    "state": (lambda: [FILES / "state.json"], damage_json, _state),
    "tensors": (lambda: [FILES / "state.safetensors"], damage_safetensors, _tensors),
    "design": (lambda: [_made() / "x.npy"], lambda data, choose: data, _design),
    "recordings": (lambda: [_made() / "7_someone_0.wav", _made() / "recordings.tar.gz"], damage_bytes, _recordings),
    "idx": (lambda: [_made() / "images.idx", _made() / "images.gz"], damage_bytes, _idx),
    "dataset": (lambda: [_made() / "set.npz"], damage_member, _dataset),
    "board": (lambda: sorted(resources("boards").glob("*.toml")), damage_text, lambda path, choose: _board(path)),
}


def _board(path: Path) -> None:
    read_board(path)


def look(seed: int) -> Found:
    """Damage one file, and give it to who reads it."""
    choose = Seeded(seed)
    kind = choose.of(list(CORPUS))
    good, damage, read = CORPUS[kind]
    file = choose.of(good())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / file.name
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            path.write_bytes(damage(file.read_bytes(), choose))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                read(path, choose)
        except (InputError, Refused) as error:
            said = str(error)
            if not said or not said.isascii() or not said.isprintable():
                return Found(seed=seed, kind=kind, outcome="wrong", detail=f"said {said[:250]!r}")
            return Found(seed=seed, kind=kind, outcome="refused")
        except Exception as error:
            place = _place(error)
            return Found(
                seed=seed, kind=kind, outcome="wrong", detail=f"{type(error).__name__}: {error} ({place})"[:300]
            )
    return Found(seed=seed, kind=kind, outcome="equal")


def _place(error: BaseException) -> str:
    """Where in the package it came from."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        code = trace.tb_frame.f_code
        if "hdlgen/" in code.co_filename:
            place = f"{Path(code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
