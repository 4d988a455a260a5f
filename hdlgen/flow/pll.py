"""Settings of the PLLs: which frequencies can be made of a board's oscillator, and how.

Every setting within the limits of the data sheets is enumerated (a few thousand), so the answer is exact: there is no
faster one below a limit, and none nearer to a wish. Frequencies are fractions of Hz, without rounding.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from typing import Any

__all__ = ["PLLS", "Pll", "Setting", "fastest_setting", "nearest_setting", "settings"]

_MHZ = 1_000_000

Chain = tuple[Fraction, Fraction, Fraction, dict[str, Any]]
"""Phase detector, oscillator and output in Hz, and the parameters."""


@dataclass(frozen=True, kw_only=True)
class Pll:
    """The PLL of a family, its vendor's ``primitive``, and its limits in MHz, each (least, greatest), both allowed.

    ``chains`` gives, for an input in Hz, all that may be within the limits.
    """

    primitive: str
    input: tuple[float, float]
    detector: tuple[float, float]
    oscillator: tuple[float, float]
    output: tuple[float, float]
    chains: Callable[["Pll", Fraction], Iterator[Chain]]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One way to make a clock of ``frequency`` Hz: by the PLL ``primitive``, or None for the oscillator itself.

    ``parameters`` of the PLL are those that depend on frequencies, numbers or texts; ``detector`` and ``vco`` are inside of
    it, in Hz.
    """

    frequency: Fraction
    primitive: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    detector: Fraction = Fraction(0)
    vco: Fraction = Fraction(0)

    @property
    def megahertz(self) -> float:
        return float(self.frequency / _MHZ)


def _within(frequency: Fraction, limits: tuple[float, float], tolerance: Fraction = Fraction(0)) -> bool:
    low, high = Fraction(limits[0]) * _MHZ, Fraction(limits[1]) * _MHZ
    return low <= frequency * (1 - tolerance) and frequency * (1 + tolerance) <= high


def _ice40(pll: Pll, source: Fraction) -> Iterator[Chain]:
    """F = source / (DIVR+1) * (DIVF+1) / 2^DIVQ, feedback SIMPLE: the oscillator runs at F * 2^DIVQ."""
    for divr in range(16):
        detector = source / (divr + 1)
        # The loop filter follows the phase detector's frequency.
        filter_range = 1 + sum(detector >= limit * _MHZ for limit in (17, 26, 44, 66, 101))
        for divf, divq in product(range(128), range(1, 7)):
            vco = detector * (divf + 1)
            parameters = {"DIVR": divr, "DIVF": divf, "DIVQ": divq, "FILTER_RANGE": filter_range}
            yield detector, vco, vco / (1 << divq), parameters


def _ecp5(pll: Pll, source: Fraction) -> Iterator[Chain]:
    """F = source / CLKI_DIV * CLKOP_DIV / CLKOS_DIV: CLKOP is the feedback, CLKOS the clock.

    Two outputs give far more frequencies than one of which both is asked.
    """
    for clki, clkop in product(range(1, 129), repeat=2):
        detector, vco = source / clki, source / clki * clkop
        if _within(detector, pll.detector) and _within(vco, pll.oscillator):
            for clkos in range(1, 129):
                parameters = {"CLKI_DIV": clki, "CLKFB_DIV": 1, "CLKOP_DIV": clkop, "CLKOS_DIV": clkos}
                yield detector, vco, vco / clkos, parameters


def _gowin(pll: Pll, source: Fraction) -> Iterator[Chain]:
    """F = source / (IDIV_SEL+1) * (FBDIV_SEL+1); the oscillator runs at F * ODIV_SEL."""
    for idiv, fbdiv, odiv in product(range(64), range(64), (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128)):
        detector = source / (idiv + 1)
        frequency = detector * (fbdiv + 1)
        parameters = {"IDIV_SEL": idiv, "FBDIV_SEL": fbdiv, "ODIV_SEL": odiv}
        yield detector, frequency * odiv, frequency, parameters


def _none(pll: Pll, source: Fraction) -> Iterator[Chain]:
    return iter(())


def _three(
    divide: str, multiply: str, output: str, most: tuple[int, int]
) -> Callable[[Pll, Fraction], Iterator[Chain]]:
    """F = source / divide * multiply / output, by the names of the parameters; the first two are at ``most`` so large."""

    def chains(pll: Pll, source: Fraction) -> Iterator[Chain]:
        for first, factor in product(range(1, most[0] + 1), range(2, most[1] + 1)):
            detector, vco = source / first, source / first * factor
            if _within(detector, pll.detector) and _within(vco, pll.oscillator):
                for last in range(1, 129):
                    yield detector, vco, vco / last, {divide: first, multiply: factor, output: last}

    return chains


def _gatemate(pll: Pll, source: Fraction) -> Iterator[Chain]:
    """F = source * N / M: nextpnr finds the dividers for a frequency, M being 2 or a multiple of 4.

    The oscillator runs at 2 source * N. Above 1250 MHz the dividers behind it must be two each. nextpnr's search is in
    numbers of floating point, so only multiples of 125 kHz are taken, which are exact in them.
    """
    for n in range(1, 1025):
        vco = 2 * source * n
        slow = vco <= 1250 * _MHZ
        if vco <= pll.oscillator[0] * _MHZ or not (slow or any(n % part == 0 for part in range(2, 65))):
            continue
        eighths = 8 * source * n / _MHZ
        for m in (*([2] if slow else []), *range(4, 2049, 4)):
            if eighths.denominator == 1 and eighths.numerator % m == 0:
                frequency = source * n / m
                texts = {"REF_CLK": source / _MHZ, "OUT_CLK": frequency / _MHZ}
                yield source, vco, frequency, {name: f"{float(value):.3f}" for name, value in texts.items()}


PLLS: Mapping[str, Pll] = {
    # iCE40 LP/HX and UltraPlus family data sheets, sysCLOCK PLL timing: the same figures.
    "ice40": Pll(
        primitive="SB_PLL40",
        input=(10, 133),
        detector=(10, 133),
        oscillator=(533, 1066),
        output=(16, 275),
        chains=_ice40,
    ),
    # ECP5 and ECP5-5G family data sheet, sysCLOCK PLL timing.
    "ecp5": Pll(
        primitive="EHXPLLL",
        input=(8, 400),
        detector=(10, 400),
        oscillator=(400, 800),
        output=(3.125, 400),
        chains=_ecp5,
    ),
    # GW1NR series data sheet, PLL switching characteristics of GW1NR-9, C6/I5.
    "gw1nr9": Pll(
        primitive="rPLL",
        input=(3, 400),
        detector=(3, 400),
        oscillator=(400, 1200),
        output=(3.125, 600),
        chains=_gowin,
    ),
    # GW2A series data sheet, C8/I7.
    "gw2a": Pll(
        primitive="rPLL",
        input=(3, 500),
        detector=(3, 500),
        oscillator=(500, 1250),
        output=(3.90625, 625),
        chains=_gowin,
    ),
    # GW5A series data sheet, GW5A-25.
    "gw5a": Pll(
        primitive="PLLA",
        input=(19, 800),
        detector=(19, 800),
        oscillator=(800, 1600),
        output=(6.25, 800),
        chains=_three("IDIV_SEL", "MDIV_SEL", "ODIV0_SEL", (64, 128)),
    ),
    # GateMate FPGA data sheet (DS1001), at a core of 1.0 V, "economy".
    "gatemate": Pll(
        primitive="CC_PLL",
        input=(5, 50),
        detector=(5, 50),
        oscillator=(1000, 2000),
        output=(1, 312.5),
        chains=_gatemate,
    ),
    # Artix-7 data sheet (DS181), PLL, speed grades 1 and 1L; parameters: UG472.
    "xc7": Pll(
        primitive="PLLE2_BASE",
        input=(19, 800),
        detector=(19, 450),
        oscillator=(800, 1600),
        output=(6.25, 464),
        chains=_three("DIVCLK_DIVIDE", "CLKFBOUT_MULT", "CLKOUT0_DIVIDE", (56, 64)),
    ),
    # Oscillator and nothing else: there is no PLL, or none whose analogue part the open tools have a setting for.
    "none": Pll(primitive="", input=(0, 0), detector=(0, 0), oscillator=(0, 0), output=(0, 0), chains=_none),
}
"""The PLLs by the name that `Target.pll` uses."""


@functools.cache
def settings(name: str, source: Fraction, tolerance: Fraction = Fraction(0)) -> tuple[Setting, ...]:
    """All frequencies that PLL ``name`` makes of ``source`` Hz, slowest first, one setting for each.

    The limits hold for an oscillator that is off by ``tolerance``, as a part of the whole, either way.

    Of several settings with the same output the one with the fastest phase detector is taken (it jitters least), then
    the one whose oscillator is nearest to the middle of its range.
    """
    pll = PLLS[name]
    if not _within(source, pll.input, tolerance):
        return ()
    middle = Fraction(sum(pll.oscillator)) * _MHZ / 2
    limits = (pll.detector, pll.oscillator, pll.output)
    best: dict[Fraction, tuple[tuple[Fraction, Fraction], Setting]] = {}
    for *chain, parameters in pll.chains(pll, source):
        if all(_within(hertz, limit, tolerance) for hertz, limit in zip(chain, limits, strict=True)):
            detector, vco, frequency = chain
            rank = -detector, abs(vco - middle)
            if frequency not in best or rank < best[frequency][0]:
                best[frequency] = (
                    rank,
                    Setting(
                        frequency=frequency,
                        primitive=pll.primitive,
                        parameters=parameters,
                        detector=detector,
                        vco=vco,
                    ),
                )
    return tuple(best[frequency][1] for frequency in sorted(best))


def _with_oscillator(name: str, source: Fraction, tolerance: Fraction) -> list[Setting]:
    """All settings, the oscillator itself in place of the PLL's at its frequency."""
    made = (setting for setting in settings(name, source, tolerance) if setting.frequency != source)
    return sorted([Setting(frequency=source), *made], key=lambda setting: setting.frequency)


def fastest_setting(
    name: str, source: Fraction, limit: Fraction, tolerance: Fraction = Fraction(0)
) -> Setting | None:
    """The fastest setting of at most ``limit`` Hz; None if even the slowest is faster."""
    slow = [setting for setting in _with_oscillator(name, source, tolerance) if setting.frequency <= limit]
    return slow[-1] if slow else None


def nearest_setting(name: str, source: Fraction, wish: Fraction, tolerance: Fraction = Fraction(0)) -> Setting:
    """The setting nearest to ``wish`` Hz, of two equally near ones the slower."""
    return min(
        _with_oscillator(name, source, tolerance),
        key=lambda setting: (abs(setting.frequency - wish), setting.frequency),
    )
