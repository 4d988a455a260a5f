"""What of an engine cannot change when it gets other weights: the fixed part of a finished design."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from hdlgen.compiler import fitting as room
from hdlgen.compiler.factors import are_powers, factors_allowed
from hdlgen.compiler.options import Options
from hdlgen.compiler.path.program import Program
from hdlgen.errors import InputError
from hdlgen.network import Network
from hdlgen.targets import SPRAM_BITS, SPRAM_WORDS

__all__ = ["Frame", "fit"]

_SHIFT_BITS = 3


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Options and widths of a design.

    ``multiplier`` and ``input_buffers`` as the compiler chose them. ``shifts``, ``hidden_bias`` and ``result_bias`` say what
    is wired into the logic: ``shifts`` where ``shift_bits`` is 0, ``result_bias`` where ``result_bias_bits`` is 0.
    """

    lanes: int
    elements_per_beat: int
    merge: bool
    multiplier: str
    input_buffers: int
    source: str
    fill: str
    banks: int
    flash_lines: int
    flash_divide: int
    weight_bits: int
    sum_bits: int
    accumulator_bits: tuple[int, ...]
    bias_bits: int
    result_bias_bits: int
    shift_low: int
    shift_bits: int
    shifts: tuple[int, ...]
    result_bias: tuple[int, ...]

    @classmethod
    def of(cls, program: Program) -> "Frame":
        steps = [t.requantise for t in program.transitions if t.requantise is not None]
        return cls(
            shifts=() if program.shift_bits else tuple(step.shift for step in steps),
            result_bias=() if program.result_bias_bits else program.result_bias,
            **{
                field.name: getattr(program, field.name)
                for field in fields(cls)
                if field.name not in ("shifts", "result_bias")
            },
        )

    @property
    def options(self) -> Options:
        """Those with which the design was compiled."""
        names = ["lanes", "elements_per_beat", "merge", "multiplier", "input_buffers", "source", "fill"]
        names += ["banks", "flash_lines", "flash_divide"]
        return Options(**{name: getattr(self, name) for name in names})

    def as_json(self) -> dict[str, Any]:
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, table: Mapping[str, Any], where: str) -> "Frame":
        """Raises :class:`InputError` where ``table`` is not what `as_json` gives."""
        kinds = {"bool": bool, "str": str, "int": int}
        values: dict[str, Any] = {}
        for field in fields(cls):
            value = table.get(field.name) if isinstance(table, Mapping) else None
            kind = kinds.get(getattr(field.type, "__name__", ""))
            if kind is None and isinstance(value, list) and all(type(item) is int for item in value):
                values[field.name] = tuple(value)
            elif kind is not None and type(value) is kind:
                values[field.name] = value
            else:
                raise InputError(f"{where}: frame.{field.name} is {value!r}; compile the design again")
        return cls(**values)


def fit(network: Network, program: Program, options: Options, frame: Frame | None) -> Program:
    """Leave room for other weights (`Options.adaptable`), or take the widths of a design as they are (``frame``)."""
    steps = [t.requantise for t in program.transitions if t.requantise is not None]
    offsets = [value + step.rounding for step in steps for value in step.bias]
    biased = any(any(step.bias) for step in steps)
    bias_bits = max(value.bit_length() for value in offsets) + 1 if biased else 0
    result_bias_bits = max(value.bit_length() for value in program.result_bias) + 1
    if program.source == "spram":
        width, depth = program.lanes * program.weight_bits, program.blocks
        if width > SPRAM_BITS or depth > SPRAM_WORDS:
            raise InputError(
                f"network {network.name!r}: weights in spram: {depth:,} words of {width} bits with {program.lanes} lanes; "
                f"allowed are {SPRAM_WORDS:,} words of {SPRAM_BITS} bits"
            )
    if frame is None:
        program = replace(program, bias_bits=max(bias_bits, 2) if biased else 0)
        if not options.adaptable:
            return program
        # One more bit for every sum: weights of twice the size, all in all.
        shifts = [step.shift for step in steps] or [0]
        low = max(min(shifts) - 2, 0)
        shift_bits = max(_SHIFT_BITS, (max(shifts) + 1 - low).bit_length())
        widths = tuple(bits + 1 for bits in program.accumulator_bits)
        return replace(
            program,
            accumulator_bits=widths,
            sum_bits=program.sum_bits + 1,
            bias_bits=max(bias_bits + 1, *widths) if steps else 0,
            result_bias_bits=max(result_bias_bits + 1, widths[-1]),
            shift_low=low,
            shift_bits=shift_bits if steps else 0,
        )

    def refused(what: str, value: object, allowed: str) -> InputError:
        where = f"network {network.name!r}"
        return room.refused(where, what, value, allowed, adaptable=frame.result_bias_bits > 0)

    low_weight = min(int(t.weights.min()) for t in program.transitions if t.weights is not None)
    high_weight = max(int(t.weights.max()) for t in program.transitions if t.weights is not None)
    least, most = factors_allowed(frame.multiplier, frame.weight_bits)
    if low_weight < least or high_weight > most:
        raise refused(
            "weights, those of repeated edges added up",
            f"{low_weight} to {high_weight}",
            f"has multipliers for {least} to {most}",
        )
    for number, transition in enumerate(program.transitions, 1):
        if frame.multiplier == "shift" and transition.weights is not None and not are_powers(transition.weights):
            raise refused(f"layer {number}: weights", "not all 0 or powers of two", "shifts where others multiply")
    for number, (mine, theirs) in enumerate(zip(program.accumulator_bits, frame.accumulator_bits, strict=True), 1):
        if mine > theirs:
            raise refused(f"layer {number}: sums of {mine} bits", "too wide", f"has {theirs}")
    if program.sum_bits > frame.sum_bits:
        raise refused(f"sums of {program.sum_bits} bits", "too wide", f"has {frame.sum_bits}")
    if biased and not frame.bias_bits:
        raise refused("biases of hidden neurons", "not zero", "has no memory for them")
    if frame.bias_bits and steps and max(value.bit_length() for value in offsets) + 1 > frame.bias_bits:
        largest = max(offsets, key=abs)
        raise refused("largest bias with rounding", largest, f"has {frame.bias_bits} bits for it")
    for number, step in enumerate(steps, 1):
        if frame.shift_bits:
            top = frame.shift_low + (1 << frame.shift_bits) - 1
            if not frame.shift_low <= step.shift <= top:
                raise refused(f"layer {number}: shift", step.shift, f"can shift by {frame.shift_low} to {top}")
        elif step.shift != frame.shifts[number - 1]:
            raise refused(f"layer {number}: shift", step.shift, f"always shifts by {frame.shifts[number - 1]}")
    if frame.result_bias_bits:
        if result_bias_bits > frame.result_bias_bits:
            largest = max(program.result_bias, key=abs)
            raise refused("largest bias of the last layer", largest, f"has {frame.result_bias_bits} bits")
    elif program.result_bias != frame.result_bias:
        raise refused("biases of the last layer", "different", "has them wired in")
    return replace(
        program,
        **{
            name: getattr(frame, name)
            for name in (
                "multiplier",
                "weight_bits",
                "sum_bits",
                "accumulator_bits",
                "bias_bits",
                "result_bias_bits",
                "shift_low",
                "shift_bits",
            )
        },
    )
