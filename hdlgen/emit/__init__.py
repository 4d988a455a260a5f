"""A plan as files: Verilog, memory images, test bench, test vectors and the manifest that tells of all of them.

>>> emit(plan, network, "build/mnist")

`hdlgen.emit.design` is loaded when one of its functions is asked for: who reads manifests needs no hardware description.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hdlgen.emit.design import (
        compile_to,
        describe,
        describe_plan,
        emit,
        module_name,
        read_words,
        stored_memories,
        test_vectors,
        write_around,
        write_images,
        write_vectors,
    )

__all__ = [
    "compile_to",
    "describe",
    "describe_plan",
    "emit",
    "module_name",
    "read_words",
    "stored_memories",
    "test_vectors",
    "write_around",
    "write_images",
    "write_vectors",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("hdlgen.emit.design"), name)
