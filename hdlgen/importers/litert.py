"""An imported ``.tflite`` file beside LiteRT's reference kernels, of the package ``ai-edge-litert``, needed here alone."""

import os

import numpy as np

from hdlgen import golden
from hdlgen.errors import InputError
from hdlgen.importers.tflite import TfliteModel

__all__ = ["litert_values"]


def litert_values(path: str | os.PathLike[str], model: TfliteModel, x: np.ndarray) -> list[np.ndarray]:
    """For integer inputs ``x`` (N, width) what LiteRT has in each layer 0..L of ``model``: int64 (N, n_l).

    Raises
    ------
    InputError
        If LiteRT is not installed, or cannot run the file.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError:
        raise InputError(
            "--check: LiteRT is not installed; required for .tflite: pip install ai-edge-litert"
        ) from None
    try:
        # It holds only the last values of a tensor unless it is told to keep them all.
        runner = Interpreter(
            os.fspath(path),
            experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
            experimental_preserve_all_tensors=True,
            num_threads=1,
        )
        runner.allocate_tensors()
        (given,) = runner.get_input_details()
        found: list[list[np.ndarray]] = [[] for _ in model.tensors]
        real = given["dtype"] == np.float32
        for row in model.network.input.values(x) if real else golden.check_input(model.network, x):
            runner.set_tensor(given["index"], row.astype(given["dtype"]).reshape(given["shape"]))
            runner.invoke()
            for kept, number in zip(found, model.tensors, strict=True):
                kept.append(runner.get_tensor(number).reshape(-1).astype(np.int64))
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{path}: LiteRT: {' '.join(str(error).split())[:200]}") from None
    return [np.stack(rows) for rows in found]
