"""A file imported: which reader it takes, what its network becomes, and that compared with the file itself."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from hdlgen import golden
from hdlgen.description import check_name, show
from hdlgen.errors import InputError
from hdlgen.importers.graph import Graph
from hdlgen.importers.integers import Imported, integer_network, with_class_names
from hdlgen.importers.litert import litert_values
from hdlgen.importers.onnx_file import read_onnx
from hdlgen.importers.operations import lower
from hdlgen.importers.reals import float_network
from hdlgen.importers.recurrent import float_recurrent
from hdlgen.importers.reference import Reference
from hdlgen.importers.samples import InputOptions, read_samples, read_sequences
from hdlgen.importers.state_dict import read_state_dict
from hdlgen.importers.tflite import read_tflite
from hdlgen.importers.unrolled import rolled
from hdlgen.importers.values import LoweredNetwork
from hdlgen.network import BandRnn, Network
from hdlgen.quantize.layered import Quantized, QuantizeRecipe, quantize_network
from hdlgen.quantize.recurrent import quantize_recurrent

__all__ = ["Comparison", "compare", "compare_with_file", "import_network", "read"]

#: Scales of files are products in single precision: so much of the largest output they may err.
_SINGLE = 2.0**-20
#: And so much of the network's step, where biases are rounded.
_STEP = 2.0**-8
#: One output agrees if it is as near as this part of the largest one.
_NEAR = 0.05


def read(path: str | os.PathLike[str]) -> Graph:
    """The graph in ``path``: an ONNX or QONNX file, or the description of a state_dict.

    Raises InputError if it is neither, or cannot be used.
    """
    match Path(path).suffix.lower():
        case ".onnx":
            graph = rolled(read_onnx(path))
            if graph.recurrent is None and 0 in graph.input_shape:
                shown = ", ".join(str(length or "?") for length in (graph.batch, *graph.input_shape))
                allowed = "[batch, fixed lengths..], the batch may be free"
                raise InputError(f"{graph.where}: input {show(graph.input)}: shape is [{shown}]; allowed: {allowed}")
            return graph
        case ".json":
            return read_state_dict(path)
        case suffix:
            allowed = ".onnx (ONNX, QONNX), .json (a state_dict in safetensors), and to import .tflite"
            raise InputError(f"{path}: suffix is {suffix!a}; allowed: {allowed}")


def _named(imported: Imported, graph: Graph) -> Imported:
    """With the names that the file has for the classes, behind its outputs."""
    members = "classlabels_strings", "classlabels_int64s"
    maps = [node for node in graph.nodes if node.op == "ZipMap"]
    labels = next((node.attributes[name] for node in maps for name in members if node.attributes.get(name)), None)
    return imported if labels is None else with_class_names(imported, [str(label) for label in labels])


def import_network(
    path: str | os.PathLike[str],
    *,
    name: str,
    options: InputOptions,
    bits: int | None = None,
    activation_bits: int = 8,
    calibration: str | os.PathLike[str] | None = None,
    input_range: str | None = None,
    widen: bool = True,
    edges: str = "auto",
    announce: Callable[[str], object] = lambda step: None,
) -> Imported:
    """The network in ``path`` as integers: those of the file, or, with ``bits``, its real numbers quantised.

    Parameters
    ----------
    name: what the network is called
    options: what the integers of the input mean, where the file does not say
    bits, activation_bits: of a weight, and of a hidden value
    calibration, input_range: with ``bits``, a file of inputs, or LOW,HIGH of all inputs
    widen: give weights of QONNX files more bits where biases lie between integers
    edges: how edges are stored, as for :func:`hdlgen.quantize.storage.choose_storage`
    announce: called with a word at the beginning of each step

    Raises
    ------
    InputError
        If the file cannot be read or has no network that can be run, or an option is missing or not allowed.
    """
    announce("read")
    if _tflite(path):
        said = {"--bits": bits, "--calibration": calibration, "--input-range": input_range}
        for option, value in (said | {"--input-scale": options.scale}).items():
            if value is not None:
                raise InputError(f"{option}: {path} holds integers already; allowed: with files of real numbers")
        model = read_tflite(path, check_name(name))
        scale, notes = Fraction(model.scale), model.notes
        imported = Imported(network=model.network, output_scale=scale, storage=None, exact=True, notes=notes)
        return imported if model.class_names is None else with_class_names(imported, model.class_names)
    graph = read(path)
    announce("understand")
    if (node := graph.recurrent) is not None:
        if bits is None:
            raise InputError(
                f"{node.place}: the weights of a {node.op} are real numbers; required: --bits with --calibration X.npz"
            )
        cells = dataclasses.replace(float_recurrent(graph), name=check_name(name))
        announce("integers")
        source, samples = options.of_sequences(path, cells.width, calibration, input_range)
        recipe = QuantizeRecipe(bits=bits, activation_bits=activation_bits, edges=edges)
        made = quantize_recurrent(cells, recipe, source, samples)
        finer = [
            f"layer {number}: weights of the inputs {bits} -> {layer.input.weight_bits} bits, as fine as the states' sums"
            for number, layer in enumerate(made.network.layers, 1)
            if isinstance(layer, BandRnn) and layer.input.weight_bits > bits
        ]
        return _quantised(made, [*cells.notes, *finer])
    lowered = dataclasses.replace(lower(graph), name=check_name(name))
    announce("integers")
    given = options.given(lowered.width, lowered.shape)
    if bits is None:
        _refuse_reals(lowered)
        for option, value in (("--calibration", calibration), ("--input-range", input_range)):
            if value is not None:
                raise InputError(f"{option}: {path} holds integers already; allowed: with --bits only")
        if given is not None and lowered.input is not None:
            raise InputError(f"--input-scale: {path} quantises its input itself; allowed: files that do not")
        return _named(integer_network(lowered, given, widen=widen, edges=edges), graph)
    real = float_network(lowered)
    source, x = options.chosen(path, lowered, calibration, input_range)
    recipe = QuantizeRecipe(bits=bits, activation_bits=activation_bits, edges=edges)
    if real.shape is not None:  # hardware multiplies each channel anyway
        recipe = dataclasses.replace(recipe, scales="neuron", requantise="multiplier")
    return _named(_quantised(quantize_network(real, recipe, source, x), real.notes), graph)


def _quantised(made: Quantized, notes: Sequence[str]) -> Imported:
    return Imported(
        network=made.network,
        output_scale=Fraction(made.output_scale),
        storage=made.storage,
        exact=False,
        notes=tuple(notes),
    )


def _tflite(path: str | os.PathLike[str]) -> bool:
    return Path(path).suffix.lower() == ".tflite"


def _refuse_reals(lowered: LoweredNetwork) -> None:
    if lowered.integer:
        return
    layer = next(layer for layer in lowered.layers if not layer.integer or layer.codes is None)
    what = "weights are real numbers" if not layer.integer else "the activation is a real number"
    raise InputError(f"{layer.place}: {what}; required: --bits with --calibration X.npy or --input-range LOW,HIGH")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Of the golden model's outputs times their scale with the file's own.

    Members
    -------
    equal : inputs all of whose outputs are the same, but for what single precision makes of scales.
    behind : those of which also what the file has behind the outputs is the same.
    largest, mean : absolute differences; ``magnitude`` is the greatest absolute value of the file's outputs.
    agree : inputs of the same class; with one output, those that differ by less than a twentieth of the magnitude.
    """

    inputs: int
    equal: int
    behind: int
    largest: float
    mean: float
    magnitude: float
    agree: int


def compare(network: Network, reference: Reference, x: np.ndarray) -> Comparison:
    """Evaluate ``network`` on the integers of real inputs ``x`` (N, width) and compare with what the file says of ``x``."""
    if network.output_scale is None:
        raise ValueError("the network has no output scale; allowed: those that are imported")
    y = golden.evaluate(network, network.input.quantise(x.astype(reference.graph.input_type)))
    wanted, behind = reference.run(x)
    if wanted.shape != y.shape:
        raise InputError(f"{network.where}: outputs are {list(wanted.shape)} in the file; allowed: {list(y.shape)}")
    outputs = y * network.output_scale
    tolerance = _tolerance(wanted, network.output_scale)
    # An output that is as large as the largest one may be that as well: what is behind says one of them.
    same = np.ones(len(y), dtype=bool)
    ordered = np.sort(outputs, axis=1)[:, ::-1]
    tied = (ordered[:, :-1] - ordered[:, 1:] <= 2 * tolerance).any(axis=1)
    for ours, theirs in zip(reference.after(outputs), behind, strict=True):
        if theirs.dtype.kind == "f":
            same &= (np.abs(ours - theirs) <= 1e-4 + 1e-4 * np.abs(theirs)).all(axis=1)
        else:
            same &= (ours == theirs).all(axis=1) | tied
    return _comparison(outputs, wanted, tolerance, same)


def _tolerance(wanted: np.ndarray, step: float) -> float:
    return _SINGLE * float(np.abs(wanted).max()) + _STEP * step


def _comparison(outputs: np.ndarray, wanted: np.ndarray, tolerance: float, same: np.ndarray) -> Comparison:
    """``same``: where what is behind the outputs is the same."""
    difference, magnitude = np.abs(outputs - wanted), float(np.abs(wanted).max())
    equal = (difference <= tolerance).all(axis=1)
    if outputs.shape[1] > 1:
        chosen = np.take_along_axis(wanted, outputs.argmax(axis=1)[:, None], axis=1)[:, 0]
        agree = chosen >= wanted.max(axis=1) - _SINGLE * magnitude
    else:
        agree = difference[:, 0] <= _NEAR * magnitude
    return Comparison(
        inputs=len(outputs),
        equal=int(equal.sum()),
        behind=int((equal & same).sum()),
        largest=float(difference.max()),
        mean=float(difference.mean()),
        magnitude=magnitude,
        agree=int(agree.sum()),
    )


def compare_with_file(path: str | os.PathLike[str], imported: Imported, inputs: str | os.PathLike[str]) -> Comparison:
    """`compare` what was imported from ``path`` with what that file says for the file of ``inputs``."""
    source = imported.network.input
    if _tflite(path):
        x = source.quantise(read_samples(inputs, source.width, source))
        y, wanted = golden.evaluate(imported.network, x), litert_values(path, read_tflite(path, "x"), x)[-1]
        return _comparison(y, wanted, 0, np.ones(len(y), dtype=bool))
    graph = read(path)
    network = imported.network
    source = network.input
    if graph.recurrent is not None:
        real = float_recurrent(graph)
        samples = read_sequences(inputs, real.width, source)
        scale = float(imported.output_scale)
        codes = source.quantise(samples.x)
        outputs = golden.evaluate(network, codes, samples.lengths, every_step=real.every_step) * scale
        wanted = real.evaluate(samples)
        return _comparison(outputs, wanted, _tolerance(wanted, scale), np.ones(len(outputs), dtype=bool))
    lowered = lower(graph)
    x = read_samples(inputs, lowered.width, source, lowered.order)
    if imported.exact and lowered.input is None:  # only the options say what the integers are: it computes of these
        x = source.values(source.quantise(x))
    return compare(network, Reference(path, graph, lowered), x)
