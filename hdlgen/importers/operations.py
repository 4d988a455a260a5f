"""Which nodes are understood, and the layers that a graph of them is."""

from hdlgen.errors import InputError
from hdlgen.importers.arithmetic import ARITHMETIC, SCIKIT
from hdlgen.importers.constants import FOLDED
from hdlgen.importers.graph import Graph
from hdlgen.importers.lowering import Arranged, Lowering
from hdlgen.importers.quantisers import LINEAR, QONNX
from hdlgen.importers.shapes import SHAPES
from hdlgen.importers.tails import BEGINS, tail
from hdlgen.importers.tensors import TENSORS
from hdlgen.importers.values import LoweredNetwork

__all__ = ["Reader", "lower"]


class Reader(Lowering):
    """With all operations that are understood."""

    operations = {
        (domain, name): operation
        for known, domains in (
            (ARITHMETIC | LINEAR | SHAPES | TENSORS, [""]),
            (SCIKIT, ["ai.onnx.ml"]),
            (LINEAR, ["com.microsoft"]),
            (QONNX, ["qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general"]),
        )
        for domain in domains
        for name, operation in known.items()
    }
    folded, begins, tail = FOLDED, tuple(BEGINS), tail


def lower(graph: Graph) -> LoweredNetwork:
    """The layers that compute the output of ``graph``.

    Raises InputError at the first node that is not supported, or whose shapes do not fit: it is named with its place in
    the graph.
    """
    if not graph.nodes:
        raise InputError(f"{graph.where}: the graph has no nodes; allowed: a Conv, Gemm or MatMul at least")
    if (node := graph.recurrent) is not None:
        raise InputError(f"{node.place}: {node.op} is recurrent; allowed here: networks without states")
    try:
        return Reader(graph).run()
    except Arranged as found:
        return Reader(graph, found.shape, found.order).run()
