"""Networks trained elsewhere: ONNX, QONNX and PyTorch's state_dict, to networks of integers."""

from hdlgen.importers.files import Comparison, compare, compare_with_file, import_network, read
from hdlgen.importers.integers import Imported, integer_network
from hdlgen.importers.operations import lower
from hdlgen.importers.reals import float_network
from hdlgen.importers.recurrent import float_recurrent
from hdlgen.importers.reference import Reference
from hdlgen.importers.samples import InputOptions, meaning, number, read_samples, read_sequences

__all__ = [
    "Comparison",
    "Imported",
    "InputOptions",
    "Reference",
    "compare",
    "compare_with_file",
    "float_network",
    "float_recurrent",
    "import_network",
    "integer_network",
    "lower",
    "meaning",
    "number",
    "read",
    "read_samples",
    "read_sequences",
]
