"""Carry chains of the ECP5 without what nextpnr would put at both of their ends.

In a netlist of Yosys every chain begins with a constant carry and ends with one that nobody reads. nextpnr brings the
former in through a CCU2C of its own, and leads the latter out through another one: four look-up tables for each adder.
But a half of a CCU2C whose own table gives 0 passes on what its inputs say, whatever comes before it, which is how
nextpnr's own ones work: the chain can begin by itself, in a half that is left over or in that of its lowest bit, whose
sum then is a look-up table. And a carry that is not connected, an "x" in the netlist, is not led out.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["shorten"]

_INPUTS = "ABCD"
_ONES = dict.fromkeys(_INPUTS, "1")
_NOWHERE = ["x"]


@dataclass(frozen=True, kw_only=True)
class _Half:
    """One bit: sum = table ^ carry; table ? carry : generate goes on, which is the table where C and D are 0.

    ``inputs``: nets of A, B, C and D; ``sum``: that of the sum, if there is one.
    """

    table: int
    inputs: Mapping[str, Any]
    sum: Any

    def begun(self, carry: int) -> "_Half | None":
        """The half that gives the carry of this one, whose own carry is a constant; None if C or D is none."""
        high = [self.inputs[name] for name in "CD"]
        if not all(net in ("0", "1") for net in high):
            return None
        offset = 4 * int(high[0]) + 8 * int(high[1])
        given = 0
        for place in range(4):
            passes = self.table >> offset + place & 1
            given |= (carry if passes else self.table >> place & 1) << place
        return _Half(table=given, inputs={**self.inputs, "C": "1", "D": "1"}, sum=None)


def shorten(module: dict[str, Any]) -> int:
    """Change the netlist of a module, in Yosys' JSON, in place; returns how many chains begin by themselves now."""
    cells = module["cells"]
    ends = [bit for port in module["ports"].values() if port["direction"] == "output" for bit in port["bits"]]
    loads = Counter(
        [bit for bit in ends if isinstance(bit, int)]
        + [
            bit
            for cell in cells.values()
            for port, bits in cell["connections"].items()
            if cell["port_directions"][port] != "output"
            for bit in bits
            if isinstance(bit, int)
        ]
    )
    free = max([1, *(bit for net in module["netnames"].values() for bit in net["bits"] if isinstance(bit, int))]) + 1
    changed = 0
    for names in list(_chains(cells)):
        last = cells[names[-1]]["connections"]
        if not loads[last["COUT"][0]]:
            last["COUT"] = _NOWHERE
        carry = cells[names[0]]["connections"]["CIN"][0]
        if carry in ("0", "1") and _begin(cells, names, int(carry), loads, free):
            changed += 1
            free += len(names) + 1
    return changed


def _chains(cells: Mapping[str, Any]) -> Iterator[list[str]]:
    """Cells whose carries follow each other."""
    carries = {name: cell for name, cell in cells.items() if cell["type"] == "CCU2C"}
    given = {cell["connections"]["COUT"][0] for cell in carries.values()} - {*_NOWHERE}
    comes = {name: cell["connections"]["CIN"][0] for name, cell in carries.items()}
    behind = {net: name for name, net in comes.items() if net in given}
    for name, net in comes.items():
        if net in given:
            continue
        chain = [name]
        while (net := carries[chain[-1]]["connections"]["COUT"][0]) in behind:
            chain.append(behind[net])
        yield chain


def _begin(cells: dict[str, Any], names: list[str], carry: int, loads: Counter[Any], free: int) -> bool:
    """Let a chain begin by itself; False if it is not like those of sums. ``free``: the first net that there is not."""
    chain = [cells[name] for name in names]
    first = chain[0]
    if any(cell["parameters"].get(f"INJECT1_{half}") != "NO" for cell in chain for half in "01"):
        return False
    if chain[-1]["connections"]["COUT"] != _NOWHERE or any(
        loads[cell["connections"]["COUT"][0]] > 1 for cell in chain
    ):
        return False
    halves = [_half(cell, half) for cell in chain for half in "01"]
    while len(halves) > 1 and not loads[halves[-1].sum]:
        halves.pop()
    if len(halves) % 2:
        halves.insert(0, _Half(table=15 * carry, inputs=_ONES, sum=None))
    else:
        begun = halves[0].begun(carry)
        if begun is None:
            return False
        if loads[halves[0].sum]:
            cells[f"{names[0]}$lowest"] = _table(halves[0], carry)
        halves[0] = begun
    nets = [_NOWHERE, *([free + place] for place in range(len(halves) // 2 - 1)), _NOWHERE]
    for name, place in zip(names, range(0, len(halves), 2), strict=False):
        carries = {"CIN": nets[place // 2], "COUT": nets[place // 2 + 1]}
        cells[name] = _cell(halves[place : place + 2], first, carries)
    for name in names[len(halves) // 2 :]:
        del cells[name]
    return True


def _half(cell: Mapping[str, Any], half: str) -> _Half:
    nets = cell["connections"]
    sums = nets.get(f"S{half}") or [None]
    inputs = {name: (nets.get(f"{name}{half}") or ["1"])[0] for name in _INPUTS}
    return _Half(table=int(cell["parameters"][f"INIT{half}"], 2), inputs=inputs, sum=sums[0])


def _cell(halves: list[_Half], like: Mapping[str, Any], carries: Mapping[str, Any]) -> dict[str, Any]:
    """A CCU2C."""
    nets: dict[str, Any] = dict(carries)
    for number, half in enumerate(halves):
        nets |= {f"{name}{number}": [net] for name, net in half.inputs.items()}
        nets |= {} if half.sum is None else {f"S{number}": [half.sum]}
    tables = {f"INIT{number}": f"{half.table:016b}" for number, half in enumerate(halves)}
    directions = {name: "output" if name[0] == "S" or name == "COUT" else "input" for name in nets}
    return {
        **like,
        "parameters": {**like["parameters"], **tables},
        "port_directions": directions,
        "connections": nets,
    }


def _table(half: _Half, carry: int) -> dict[str, Any]:
    """The sum of the lowest bit, whose carry is a constant."""
    return {
        "hide_name": 1,
        "type": "LUT4",
        "parameters": {"INIT": f"{half.table ^ 0xFFFF * carry:016b}"},
        "attributes": {},
        "port_directions": {**dict.fromkeys(_INPUTS, "input"), "Z": "output"},
        "connections": {**{name: [net] for name, net in half.inputs.items()}, "Z": [half.sum]},
    }
