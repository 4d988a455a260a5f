"""Networks trained elsewhere: ONNX, QONNX and PyTorch's state_dict, to layered networks."""

from hdlgen.importers.codes import Codes
from hdlgen.importers.files import Comparison, check_name, compare, read, reference
from hdlgen.importers.graph import Graph, Node
from hdlgen.importers.integers import Imported, integer_network
from hdlgen.importers.lowering import LoweredLayer, LoweredNetwork, lower
from hdlgen.importers.onnx_file import read_onnx
from hdlgen.importers.reals import float_network
from hdlgen.importers.samples import InputOptions, codes_of, meaning, number, read_labels, read_range, read_samples
from hdlgen.importers.state_dict import read_state_dict

__all__ = [
    "Codes",
    "Comparison",
    "Graph",
    "Imported",
    "InputOptions",
    "LoweredLayer",
    "LoweredNetwork",
    "Node",
    "check_name",
    "codes_of",
    "compare",
    "float_network",
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
    "reference",
]
