"""All that can be asked of the compiler, in one place, checked once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from hdlgen.compiler.factors import MULTIPLIERS
from hdlgen.errors import InputError
from hdlgen.network import Network
from hdlgen.schema import show
from hdlgen.targets import FORMATS, SPRAM_BITS, SPRAM_WORDS, Memory, Target, find_target

__all__ = ["FILLS", "GOALS", "LANES", "LINES", "RESULTS", "SOURCES", "Options", "engine_names"]

LANES = (1, 2, 4, 8, 16, 32, 64)

FILLS = {"rom": ("bitstream",), "ram": ("bitstream",), "spram": ("port", "flash"), "flash": ("flash",)}
"""Where weights are, and what fills that at first; the usual one first."""

SOURCES = tuple(FILLS)

LINES = (1, 2, 4)
"""Over which a flash gives its data."""

RESULTS = ("sequence", "step")

GOALS = ("throughput", "latency", "area")
"""What `hdlgen.estimate.choose` can make best."""

_USUAL: Any = None
"""Replaced by what is usual with the other options."""

_LABELS = {"source": "weights"}
"""What messages call an option whose name is another."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a network is to be compiled. None and "auto" stand for what is usual and are replaced by it, but in ``multiplier``
    and ``input_buffers``, which depend on the network.

    Which of them an engine understands, and which values, its program says (``takes``).

    Parameters
    ----------
    target: device that the design is meant for; `for_target` chooses the options for one
    engine: the engines that may be used, by name, or the name of the only one; None are all
    lanes: 1, 2, 4 .. 64, of every stage, or a number for each that has some, which scans and delays have not; with
        recurrent layers those of the layer with the most multiplications, the others get as many as they need to keep up
        with it
    elements_per_beat: input elements per beat of the input stream, 1, 2, 4 .. 16; default 1
    merge: fold repeated edges into one wherever that saves whole blocks
    multiplier: "dsp" (vendor multipliers where there are any), "lut" (plain logic), "shift" (only for weights that are 0 or
        powers of two, with either sign), "add" (only for weights in {-1, 0, 1}), or "auto": "add" where it is possible,
        "shift" where it is and weights take no more bits so, else "dsp" as far as the ``dsps`` go
    dsps: how many hardware multipliers the device has, and how many 8 x 8 products one of them makes, for "auto": with too
        few, lanes come before cells and accumulators, and layers with many lanes before others; None: there are enough
    wide_blocks: how many block RAMs the device has, if their ports may differ in width: for the path engine, each lane of
        which then takes one for itself where there are enough
    input_buffers: 1 or 2 frames of input memory; None takes 1 where that costs no time
    source: where what was trained is: "rom" (block RAM, in the bitstream), "ram" (block RAM, can be written), "spram" (the
        single-port RAM of the iCE40 UltraPlus, is to be written first), "flash" (SPI flash beside the device)
    fill: with "spram", what writes it first: "port" (whoever is at the load port; default) or "flash" (the design itself,
        after configuration; the load port may do it as well)
    banks: with "ram", 2 to go on with the old weights while new ones come, or 1; default 2
    flash_lines: with a flash, lines on which it gives data: 1, 2 or 4
    flash_divide: with a flash, cycles of its clock: 2, 4 or 8; default 2
    adaptable: leave room for the weights of a retrained network: biases (of path networks shifts, too) in memory, sums one
        bit wider, edges of weight zero kept, weights with the bits that the network declares; default where weights can be
        written
    adders: of the spatial engine, so many in a row between two registers, 1, 2 .. 8
    results: of recurrent networks, "step", or "sequence": only after the last step of each sequence

    Raises
    ------
    InputError
        If a value is not allowed, or not with the others.
    """

    target: str | None = None
    engine: str | tuple[str, ...] | None = None
    lanes: int | tuple[int, ...] = 16
    elements_per_beat: int = _USUAL
    merge: bool = True
    multiplier: str = "auto"
    dsps: tuple[int, int] | None = None
    wide_blocks: int | None = None
    input_buffers: int | None = None
    source: str = "auto"
    fill: str = _USUAL
    banks: int = _USUAL
    flash_lines: int = 1
    flash_divide: int = _USUAL
    adaptable: bool = _USUAL
    adders: int = 1
    results: str = "sequence"

    def __post_init__(self) -> None:
        if self.target is not None:
            find_target(self.target)
        source = "rom" if self.source == "auto" else self.source
        self._check("source", source, SOURCES)
        usual = {
            "elements_per_beat": 1,
            "fill": FILLS[source][0],
            "banks": 2 if source == "ram" else 1,
            "flash_divide": 2,
            "adaptable": source != "rom",
        }
        values: dict[str, Any] = {name: value for name, value in usual.items() if getattr(self, name) is None}
        if isinstance(self.engine, str):
            values["engine"] = (self.engine,)
        for name, value in (values | {"source": source}).items():
            object.__setattr__(self, name, value)
        flash = self.fill == "flash"
        of = f" of weights in {source}"
        rules: tuple[tuple[str, Collection[object], str], ...] = (
            ("elements_per_beat", (1, 2, 4, 8, 16), ""),
            ("merge", (False, True), ""),
            ("multiplier", MULTIPLIERS, ""),
            ("adaptable", (False, True), ""),
            ("adders", range(1, 9), ""),
            ("results", RESULTS, ""),
            ("input_buffers", (None, 1, 2), ""),
            ("lanes", LANES, ""),
            ("engine", (None,) if self.engine is None else engine_names(), ""),
            ("fill", FILLS[source], of),
            ("banks", (1, 2) if source == "ram" else (1,), of),
            ("flash_lines", LINES if flash else (1,), of),
            ("flash_divide", (2, 4, 8) if flash else (2,), of),
        )
        for name, allowed, of in rules:
            value = getattr(self, name)
            several = name in ("lanes", "engine") and isinstance(value, tuple) and value
            for each in value if several else (value,):
                self._check(name, each, allowed, of)
        if self.wide_blocks is not None and (type(self.wide_blocks) is not int or self.wide_blocks < 0):
            raise InputError(
                f"options: wide blocks: {show(self.wide_blocks)}; allowed are None and numbers from 0 on"
            )
        if self.dsps is not None and not (
            isinstance(self.dsps, tuple) and len(self.dsps) == 2 and all(type(n) is int and n >= 0 for n in self.dsps)
        ):
            raise InputError(
                f"options: dsps: {show(self.dsps)}; allowed are two numbers: multipliers, and products of each"
            )

    @classmethod
    def for_target(cls, network: Network, target: str | None = None, **given: Any) -> "Options":
        """The options for ``network`` on the device ``target``: those ``given``, and for others what fits the device.

        Multipliers are made of logic where it has too few; weights are where they fit, if its engine leaves that open; those
        that can be written have a second bank where there is room; and a flash gets a clock that it can follow. The same
        arguments give the same options, and these the same design, whoever asks: the command line has no choices of its own.

        Raises :class:`InputError` if there is no such target, or an option is not allowed.
        """
        if target is None:
            return cls(**given)
        # The compiler needs the options, and choosing some of them a first draft of the plan.
        from hdlgen.compiler.plan import assign, compile_network

        device = find_target(target)
        have = device.resources
        if given.get("dsps") is None:
            given["dsps"] = have.dsps, have.products_per_dsp
        engines = {engine.name: engine for engine, _, _ in assign(network, cls(engine=given.get("engine")).engine)}
        takes = next(iter(engines.values())).takes if len(engines) == 1 else {}
        if "wide_blocks" in takes and device.family in FORMATS and FORMATS[device.family].wide:
            given.setdefault("wide_blocks", _usable(have.memory_blocks))
        sources = (takes["source"] or SOURCES) if "source" in takes else ("rom",)
        if given.get("source", "auto") == "auto" and len(sources) > 1:
            draft = {name: given[name] for name in ("lanes", "merge", "multiplier", "engine") if name in given}
            memories = compile_network(network, cls(**draft), check=False).memories
            given["source"] = _source(device, memories, sources)
        if "flash" in (given.get("source"), given.get("fill")) and given.get("flash_divide") is None:
            # Its clock stays below 50 MHz at what cores reach on the device.
            given["flash_divide"] = 2 if device.family == "ice40" else 4
        options = cls(target=target, **given)
        if options.banks == 2 and given.get("banks") is None:
            needed = device.blocks(compile_network(network, options, check=False).memories)
            if needed > _usable(have.memory_blocks):
                options = cls(target=target, **given | {"banks": 1})
        return options

    @property
    def lane_count(self) -> int:
        """Of one stage. Raises :class:`InputError` where there is one number for each of several."""
        if isinstance(self.lanes, tuple):
            raise InputError(f"options: lanes: {self.lanes}; allowed for one stage is one number")
        return self.lanes

    def of_stage(self, engines: Sequence[Mapping[str, Collection[object]]], place: int) -> "Options":
        """Those of one of some stages, of which each one's engine takes some.

        Raises :class:`InputError` if there are lanes for another number of stages that have such.
        """
        given, takes = dict(vars(self)), engines[place]
        numbered = ["lanes" in each for each in engines]
        count = sum(numbered)
        if isinstance(self.lanes, tuple):
            if len(self.lanes) != count:
                raise InputError(
                    f"options: lanes: {len(self.lanes)} numbers for {count} stages; allowed: one, or {count}"
                )
            given["lanes"] = self.lanes[min(sum(numbered[:place]), count - 1)]
        if len(engines) > 1:
            kept = {"target", "dsps", "elements_per_beat", *takes} - ({"elements_per_beat"} if place else set())
            given = {name: value for name, value in given.items() if name in kept}
        return Options(**given | {"engine": None})

    def limit(self, where: str, engine: str, takes: Mapping[str, Collection[object]]) -> None:
        """Refuse what an engine does not understand.

        Parameters
        ----------
        where: how messages call the network
        takes: the options that the engine called ``engine`` takes, each with its values; no values are all

        Raises
        ------
        InputError
            With the first option that it does not take, if that is not as usual, or the first value.
        """
        plain = Options(target=self.target, engine=self.engine, **{name: getattr(self, name) for name in takes})
        for field in fields(self):
            name, value = field.name, getattr(self, field.name)
            if value != getattr(plain, name):
                listed = ", ".join(map(_label, takes))
                raise InputError(
                    f"{where}: {_label(name)}: {show(value)} is no option of the {engine} engine; allowed are {listed}"
                )
            if takes.get(name):
                self._check(name, value, takes[name], where=where, more=f" with the {engine} engine")

    def as_json(self) -> dict[str, Any]:
        """All but the target, as `from_json` reads them."""
        return {name: value for name, value in vars(self).items() if name != "target"}

    @classmethod
    def from_json(cls, table: Mapping[str, Any], where: str) -> "Options":
        """Raises :class:`InputError` where ``table`` is not what `as_json` gives; ``where`` says where it stands."""
        for name, value in table.items():
            if name == "target" or name not in cls.__dataclass_fields__:
                raise InputError(f"{where}: {show(name)}: {show(value)}; compile the design again")
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in table.items()
        }
        try:
            return cls(**given)
        except InputError as error:
            said = str(error).removeprefix("options: ").partition(";")[0]
            raise InputError(f"{where}: {said}; compile the design again") from None

    @staticmethod
    def _check(
        name: str, value: object, allowed: Collection[object], of: str = "", *, where: str = "options", more: str = ""
    ) -> None:
        """``of`` says what of, ``more`` under which condition."""
        if any(type(value) is type(each) and value == each for each in allowed):
            return
        words = [str(each) for each in allowed if each is not None]
        listed = " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)
        verb = "are" if words[1:] else "is"
        raise InputError(f"{where}: {_label(name)}: {show(value)}{of}; allowed{more} {verb} {listed}")


def engine_names() -> list[str]:
    """Those of all engines."""
    # These need options.
    from hdlgen.compiler.plan import ENGINES

    return sorted(engine.name for engine in ENGINES)


def _label(name: str) -> str:
    return _LABELS.get(name, name).replace("_", " ")


def _usable(amount: int) -> int:
    """Of block RAM: a tenth is left to activations and what is around the core."""
    return amount * 9 // 10


def _source(device: Target, memories: Sequence[Memory], sources: Collection[str]) -> str:
    """Where weights are: in block RAM, or where that is too small in what else there is, if the engine takes them from
    there. ``memories``: what would be in block RAM, the weights first."""
    have, weights = device.resources, memories[0]
    if weights.depth * weights.width <= _usable(have.memory_bits) and device.blocks(memories) <= have.memory_blocks:
        return "rom"
    fits = weights.depth <= SPRAM_WORDS and weights.width <= SPRAM_BITS
    choices = ("spram",) * (have.spram_bits > 0 and fits) + ("flash",)
    return next((choice for choice in choices if choice in sources), "rom")
