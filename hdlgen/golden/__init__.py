"""The golden model: what every network computes, exactly, in integers. All else must equal it bit for bit."""

from hdlgen.golden.arrays import (
    Samples,
    SequenceSamples,
    check_labels,
    check_targets,
    read_array,
    read_samples,
    read_sequences,
)
from hdlgen.golden.deviation import Deviation, deviation
from hdlgen.golden.evaluate import (
    Trace,
    accumulator_bits,
    activations,
    check_input,
    check_lengths,
    check_sequences,
    evaluate,
    trace,
)
from hdlgen.golden.inputs import Inputs, read_inputs
from hdlgen.golden.sounds import Sound, read_sounds
from hdlgen.golden.stream import Stream, generate

__all__ = [
    "Deviation",
    "Inputs",
    "Samples",
    "SequenceSamples",
    "Sound",
    "Stream",
    "Trace",
    "accumulator_bits",
    "activations",
    "check_input",
    "check_labels",
    "check_lengths",
    "check_sequences",
    "check_targets",
    "deviation",
    "evaluate",
    "generate",
    "read_array",
    "read_inputs",
    "read_samples",
    "read_sequences",
    "read_sounds",
    "trace",
]
