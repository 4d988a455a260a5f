"""No property test is timed: a machine under load is slow. What takes longest runs alone: `scripts/test -m long`."""

from fnmatch import fnmatch

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # all else as it is, on a developer's machine or in CI
settings.load_profile("untimed")

LONG = (
    "tests/bus/test_simulation.py::test_other_cores*",
    "tests/flow/test_chains.py::test_bench[[]an activation at the end of recurrent layers]",
    "tests/flow/test_chains.py::test_results_of_every_step[[]all engines, one of them twice]",
    "tests/flow/test_chains.py::test_synthesis",
    "tests/flow/test_patch.py::test_equals_a_rebuild[[]icebreaker-recurrent]",
    "tests/flow/test_patch.py::test_equals_a_rebuild[[]icebreaker-serial]",
    "tests/flow/test_play.py::test_drawing_on_a_simulated_board",
    "tests/flow/test_synth.py::test_bitstream[[]ulx3s-12f-serial-*",
    "tests/flow/test_synth_sources.py::test_bit_exact[[]ice40-pow2-SB_RAM40_4K-*",
    "tests/formal/test_band.py::test_lanes_meet_their_neighbours[[]4-2-1-members0-16]",
    "tests/formal/test_cell.py::test_cells_compute_what_is_defined[[]gru]",
    "tests/formal/test_cell.py::test_cells_compute_what_is_defined[[]ligru]",
    "tests/formal/test_cell.py::test_mutants_fail[[]ligru-*",
    "tests/formal/test_core.py::test_joined_neurons",
    "tests/formal/test_core.py::test_results[[]widths1-8-4]",
    "tests/formal/test_flash.py::test_reads[[]1]",
    "tests/formal/test_results.py::test_frames[[]rows]",
    "tests/gateware/path/test_core.py::test_vectors[[]talk_floor-64-8-2]",
    "tests/gateware/path/test_flash.py::test_frames[[]widths[34]-32-*",
    "tests/gateware/path/test_reload.py::test_bad_images*'banks': 1}]",
    "tests/gateware/test_netlist.py::test_core[[]layered, weights that can be loaded-[eg]*",
    "tests/gateware/test_netlist.py::test_self_test[[]gowin]",
    "tests/gateware/test_netlist.py::test_serial_top[[][eg]*",
    "tests/link/test_endpoint.py::test_fuzz[[][ew]*",
    "tests/test_examples.py::test_example[[]pytorch.py]",
    "tests/train/test_compare_topologies.py::test_lines_of_the_table",
)
"""Of each kind another test does the same with less."""

ALL = 4000
"""So many tests are only there if all are."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    found = {pattern: [item for item in items if fnmatch(item.nodeid, pattern)] for pattern in LONG}
    for long in found.values():
        for item in long:
            item.add_marker("long")
    missing = [pattern for pattern, long in found.items() if not long]
    assert len(items) < ALL or not missing, f"no test is called {missing}"
