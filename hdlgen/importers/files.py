"""Which reader a file takes, and its result compared with the file's own."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hdlgen import golden
from hdlgen.errors import InputError
from hdlgen.importers.graph import Graph
from hdlgen.importers.lowering import LoweredNetwork
from hdlgen.importers.onnx_file import read_onnx
from hdlgen.importers.reals import float_network
from hdlgen.importers.state_dict import read_state_dict
from hdlgen.network import LayeredNetwork
from hdlgen.network.model import NAME, NAME_ALLOWED

__all__ = ["Comparison", "check_name", "compare", "read", "reference"]


def read(path: str | os.PathLike[str]) -> Graph:
    """The graph in ``path``: an ONNX or QONNX file, or the description of a state_dict.

    Raises
    ------
    InputError
        If it is neither, or cannot be used.
    """
    match Path(path).suffix.lower():
        case ".onnx":
            return read_onnx(path)
        case ".json":
            return read_state_dict(path)
        case suffix:
            raise InputError(
                f"{path}: suffix is {suffix!a}; allowed: .onnx (ONNX, QONNX), .json (a state_dict in safetensors)"
            )


def check_name(name: str) -> str:
    """``name``, if a network may be called so."""
    if not NAME.fullmatch(name):
        raise InputError(f"name is {name[:70]!a}; allowed: {NAME_ALLOWED}")
    return name


def reference(path: str | os.PathLike[str], graph: Graph, lowered: LoweredNetwork, x: np.ndarray) -> np.ndarray:
    """What the file itself says for real inputs: by onnxruntime, or in double precision for a state_dict."""
    if Path(path).suffix.lower() == ".onnx":
        from hdlgen.importers.runtime import run_onnx

        return run_onnx(path, graph, lowered.output, x)
    return float_network(lowered).evaluate(x)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Of the golden model's outputs times their scale with the file's own.

    Members
    -------
    equal : inputs all of whose outputs are the same integers.
    largest, mean : absolute differences; ``magnitude`` is the greatest absolute value of the file's outputs.
    agree : inputs of the same class; None with one output.
    """

    inputs: int
    equal: int
    largest: float
    mean: float
    magnitude: float
    agree: int | None


def compare(network: LayeredNetwork, codes: np.ndarray, scale: float, wanted: np.ndarray) -> Comparison:
    """Evaluate ``network`` on ``codes`` and compare with the outputs ``wanted`` (N, outputs)."""
    y = golden.evaluate(network, codes)
    if wanted.shape != y.shape:
        raise InputError(f"{network.where}: outputs are {list(wanted.shape)} in the file; allowed: {list(y.shape)}")
    wanted = wanted.astype(np.float64)
    difference = np.abs(y * scale - wanted)
    return Comparison(
        inputs=len(y),
        equal=int((np.rint(wanted / scale) == y).all(axis=1).sum()),
        largest=float(difference.max()),
        mean=float(difference.mean()),
        magnitude=float(np.abs(wanted).max()),
        agree=int((y.argmax(axis=1) == wanted.argmax(axis=1)).sum()) if y.shape[1] > 1 else None,
    )
