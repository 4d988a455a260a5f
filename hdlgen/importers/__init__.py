"""Networks trained elsewhere: ONNX, QONNX and PyTorch's state_dict, to networks of integers."""

from hdlgen.importers.codes import Codes
from hdlgen.importers.files import Comparison, check_name, compare, compare_with_file, import_network, read
from hdlgen.importers.graph import Graph, Node
from hdlgen.importers.integers import Imported, integer_network
from hdlgen.importers.onnx_file import read_onnx
from hdlgen.importers.operations import lower
from hdlgen.importers.reals import float_network
from hdlgen.importers.reference import Reference
from hdlgen.importers.samples import InputOptions, meaning, number, read_labels, read_range, read_samples
from hdlgen.importers.state_dict import read_state_dict
from hdlgen.importers.values import LoweredLayer, LoweredNetwork

__all__ = [
    "Codes",
    "Comparison",
    "Graph",
    "Imported",
    "InputOptions",
    "LoweredLayer",
    "LoweredNetwork",
    "Node",
    "Reference",
    "check_name",
    "compare",
    "compare_with_file",
    "float_network",
    "import_network",
    "integer_network",
    "lower",
    "meaning",
    "number",
    "read",
    "read_labels",
    "read_onnx",
    "read_range",
    "read_samples",
    "read_state_dict",
]
