"""Carry chains that begin by themselves: the same sums, whatever stands before them, of fewer cells."""

import copy
import random
from typing import Any

import pytest

from hdlgen.flow.carries import shorten

SUM = 0b1001011010101010  # of Yosys: A ^ B ^ C, and A goes on where that is 0


def chain(bits: int, *, minus: bool, carry: int, read: bool = False) -> dict[str, Any]:
    """A module as Yosys makes it of a sum of two values of so many bits, or of a difference; ``read``: its carry is, too."""
    a, b, s, c = (list(range(start, start + bits + 2)) for start in (100, 200, 300, 400))
    cells = {}
    for place in range(0, bits, 2):
        nets = {"CIN": [c[place // 2 - 1] if place else str(carry)], "COUT": [c[place // 2]]}
        for half in range(2):
            there = place + half < bits
            values = (a[place + half], b[place + half]) if there else ("0", "0")
            nets |= {
                f"A{half}": [values[0]],
                f"B{half}": [values[1]],
                f"C{half}": [str(int(minus))],
                f"D{half}": ["1"],
            }
            nets |= {f"S{half}": [s[place + half]]}
        cells[f"sum_{place}"] = {
            "type": "CCU2C",
            "parameters": {"INIT0": f"{SUM:016b}", "INIT1": f"{SUM:016b}", "INJECT1_0": "NO", "INJECT1_1": "NO"},
            "attributes": {},
            "port_directions": {name: "output" if name in ("S0", "S1", "COUT") else "input" for name in nets},
            "connections": nets,
        }
    out = s[:bits] + ([c[(bits - 1) // 2]] if read else [])
    ports = {
        "a": {"direction": "input", "bits": a[:bits]},
        "b": {"direction": "input", "bits": b[:bits]},
        "s": {"direction": "output", "bits": out},
    }
    names = {name: {"bits": nets} for name, nets in (("a", a), ("b", b), ("s", s), ("c", c))}
    return {"cells": cells, "ports": ports, "netnames": names}


def evaluate(module: dict[str, Any], a: int, b: int, nowhere: int) -> int:
    """The output, by the equations of Yosys' model of the cell; a carry that nothing drives is ``nowhere``."""
    nets: dict[Any, int] = {"0": 0, "1": 1, "x": nowhere}
    for port, value in (("a", a), ("b", b)):
        nets |= {net: value >> place & 1 for place, net in enumerate(module["ports"][port]["bits"])}
    left = list(module["cells"].values())
    while left:
        cell = next(c for c in left if c["type"] == "LUT4" or c["connections"]["CIN"][0] in nets)
        left.remove(cell)
        at = {
            port: nets[bits[0]]
            for port, bits in cell["connections"].items()
            if cell["port_directions"][port] == "input"
        }
        if cell["type"] == "LUT4":
            place = at["A"] | at["B"] << 1 | at["C"] << 2 | at["D"] << 3
            nets[cell["connections"]["Z"][0]] = int(cell["parameters"]["INIT"], 2) >> place & 1
            continue
        carry = at["CIN"]
        for half in "01":
            table, low = int(cell["parameters"][f"INIT{half}"], 2), at[f"A{half}"] | at[f"B{half}"] << 1
            passes = table >> (low | at[f"C{half}"] << 2 | at[f"D{half}"] << 3) & 1
            for net in cell["connections"].get(f"S{half}", []):
                nets[net] = passes ^ carry
            carry = carry if passes else table >> low & 1
        if cell["connections"]["COUT"] != ["x"]:
            nets[cell["connections"]["COUT"][0]] = carry
    return sum(nets[net] << place for place, net in enumerate(module["ports"]["s"]["bits"]))


@pytest.mark.parametrize("minus", [False, True])
@pytest.mark.parametrize("carry", [0, 1])
@pytest.mark.parametrize("bits", [1, 2, 3, 4, 9, 12])
def test_equal(bits: int, carry: int, minus: bool) -> None:
    """Sums, differences, and both with one more or less; a bit takes a look-up table, and one more begins the chain."""
    module, rng = chain(bits, minus=minus, carry=carry), random.Random(bits)
    before = copy.deepcopy(module)
    assert shorten(module) == 1
    kinds = [cell["type"] for cell in module["cells"].values()]
    assert 2 * kinds.count("CCU2C") + kinds.count("LUT4") == bits + 1
    pairs = [(rng.getrandbits(bits), rng.getrandbits(bits)) for _ in range(60)]
    for a, b in pairs:
        for nowhere in (0, 1):
            found = evaluate(module, a, b, nowhere)
            assert found == evaluate(before, a, b, 0) == (a + (~b if minus else b) + carry) % (1 << bits)
    after = copy.deepcopy(module)
    assert shorten(module) == 0
    assert module == after


def test_carry_that_is_read() -> None:
    """It is led out: the chain stays as it is."""
    module = chain(4, minus=False, carry=0, read=True)
    before = copy.deepcopy(module)
    assert shorten(module) == 0
    assert module == before


def test_carry_that_is_no_constant() -> None:
    """It has to be brought in; only the end is cut off."""
    module = chain(4, minus=False, carry=0)
    module["cells"]["sum_0"]["connections"]["CIN"] = [100]
    assert shorten(module) == 0
    assert module["cells"]["sum_0"]["connections"]["CIN"] == [100]
    assert module["cells"]["sum_2"]["connections"]["COUT"] == ["x"]
