"""No property test is timed: a machine under load is slow. What takes longest runs alone: `scripts/test -m long`."""

import os
from collections.abc import Iterator
from fnmatch import fnmatch

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # all else as it is, on a developer's machine or in CI
settings.load_profile("untimed")

LONG = (
    "tests/bus/test_simulation.py::test_other_cores*",
    "tests/emit/test_emit.py::test_scrambled_and_shifted_paths_simulate",
    "tests/emit/test_emit.py::test_the_same_bytes_again[[]several]",
    "tests/flow/test_chains.py::test_bench[[]a code book and a signed input]",
    "tests/flow/test_chains.py::test_bench[[]a scan of the sums of a tensor*",
    "tests/flow/test_chains.py::test_bench[[]a skip connection*",
    "tests/flow/test_chains.py::test_bench[[]an activation at the end of recurrent layers]",
    "tests/flow/test_chains.py::test_bench[[]recurrent layers in the middle]",
    "tests/flow/test_chains.py::test_results_of_every_step[[]all engines, one of them twice]",
    "tests/flow/test_chains.py::test_results_of_every_step[[]two recurrent stages]",
    "tests/flow/test_chains.py::test_synthesis",
    "tests/flow/test_chains.py::test_verilog[[]paths in two places]",
    "tests/flow/test_chains.py::test_verilog[[]tensors between others]",
    "tests/flow/test_chains.py::test_verilog[[]two recurrent stages]",
    "tests/flow/test_families.py::test_carries_of_nexus_begin_open",
    "tests/flow/test_patch.py::test_equals_a_rebuild[[]icebreaker-recurrent]",
    "tests/flow/test_patch.py::test_equals_a_rebuild[[]icebreaker-serial]",
    "tests/flow/test_patch.py::test_equals_a_rebuild[[]ulx3s-85f]",
    "tests/flow/test_play.py::test_drawing_on_a_simulated_board",
    "tests/flow/test_selftest.py::test_passes[[]one input]",
    "tests/flow/test_selftest.py::test_sequences[[]step]",
    "tests/flow/test_selftest.py::test_weights_from_flash[[]single-port RAM]",
    "tests/flow/test_simulate.py::test_a_wrong_core_is_found_by_both_benches[[]<lambda>-*-verilator]",
    "tests/flow/test_simulate.py::test_a_wrong_core_is_found_by_both_benches[[]_no_last-*-verilator]",
    "tests/flow/test_simulate.py::test_the_command_fails_with_status_1_and_one_line[[]wrong bit-verilator]",
    "tests/flow/test_simulate_recurrent.py::test_results_of_every_step[[]memory1]",
    "tests/flow/test_simulate_recurrent.py::test_stored_indices",
    "tests/flow/test_synth.py::test_bitstream[[]icebreaker-serial-*",
    "tests/flow/test_synth.py::test_bitstream[[]ulx3s-12f-serial-*",
    "tests/flow/test_synth.py::test_flash_on_four_lines",
    "tests/flow/test_synth_sources.py::test_bit_exact[[]ice40-pow2-SB_RAM40_4K-*",
    "tests/flow/test_synth_sources.py::test_bit_exact[[]ice40-thirds-SB_SPRAM256KA-8-memory3]",
    "tests/flow/test_synth_sources.py::test_bit_exact[[]ice40-wide_weights-ICESTORM_DSP-*",
    "tests/formal/test_band.py::test_lanes_meet_their_neighbours[[]4-2-1-members0-16]",
    "tests/formal/test_band.py::test_lanes_meet_their_neighbours[[]4-2-1-members2-16]",
    "tests/formal/test_cell.py::test_cells_compute_what_is_defined[[]gru]",
    "tests/formal/test_cell.py::test_cells_compute_what_is_defined[[]ligru]",
    "tests/formal/test_cell.py::test_mutants_fail[[]ligru-*",
    "tests/formal/test_core.py::test_engines[[]unit-True]",
    "tests/formal/test_core.py::test_joined_neurons",
    "tests/formal/test_core.py::test_results[[]widths1-8-4]",
    "tests/formal/test_flash.py::test_reads[[]1]",
    "tests/formal/test_lanes.py::test_equals_definition[[]64-1-*",
    "tests/formal/test_loader.py::test_contents[[]beats]",
    "tests/formal/test_loader.py::test_contents[[]odd]",
    "tests/formal/test_loader.py::test_frames_mutant_fails[[]misses_long]",
    "tests/formal/test_reload.py::test_sooner_is_still_right",
    "tests/formal/test_results.py::test_frames[[]odd]",
    "tests/formal/test_results.py::test_frames[[]rows]",
    "tests/formal/test_scan.py::test_mutants_fail[[]indrnn-not_half_up]",
    "tests/formal/test_scan.py::test_mutants_fail[[]mingru-too_soon]",
    "tests/formal/test_scan.py::test_scans_compute_what_is_defined[[]mingru-*",
    "tests/formal/test_uart.py::test_line[[]6]",
    "tests/formal/test_unit_bank.py::test_the_other_bank_changes_nothing[[]0]",
    "tests/gateware/path/test_core.py::test_vectors[[]talk_floor-16-4-2-*",
    "tests/gateware/path/test_core.py::test_vectors[[]talk_floor-64-8-2-*",
    "tests/gateware/path/test_flash.py::test_four_lines_want_their_bit[[]320-*",
    "tests/gateware/path/test_flash.py::test_frames[[]widths[34]-32-*",
    "tests/gateware/path/test_reload.py::test_bad_images*'banks': 1}]",
    "tests/gateware/path/test_reload.py::test_bad_images[[]{'lanes': 4, 'source': 'ram'}]",
    "tests/gateware/path/test_reload.py::test_reset[[]ram]",
    "tests/gateware/path/test_reload.py::test_speed[[]{'lanes': 8, 'source': 'spram'}]",
    "tests/gateware/path/test_reload.py::test_switch[[]full speed-*-(9, 7, 6, 3)]",
    "tests/gateware/path/test_reload.py::test_switch[[]stalls-*(9, 7, 6, 3)]",
    "tests/gateware/path/test_reload.py::test_switch[[]stalls-*-(12, 10, 4)]",
    "tests/gateware/tensor/test_reload.py::test_frames_on_their_way",
    "tests/gateware/tensor/test_reload.py::test_single_port[[]1]",
    "tests/gateware/test_chain.py::test_timing[[]dgsu-*",
    "tests/gateware/test_chain.py::test_timing[[]gpu-*",
    "tests/gateware/test_chain.py::test_timing[[]gug-*",
    "tests/gateware/test_chain.py::test_timing[[]pgp-36-60]",
    "tests/gateware/test_chain.py::test_timing[[]pp-*",
    "tests/gateware/test_chain.py::test_timing[[]pu-*",
    "tests/gateware/test_chain.py::test_timing[[]u-113-*",
    "tests/gateware/test_chain.py::test_timing[[]ugu-104-60]",
    "tests/gateware/test_netlist.py::test_core[[]gather-ecp5]",
    "tests/gateware/test_netlist.py::test_core[[]layered, weights that can be loaded-[eg]*",
    "tests/gateware/test_netlist.py::test_core[[]recurrent-ecp5]",
    "tests/gateware/test_netlist.py::test_core[[]recurrent-gowin]",
    "tests/gateware/test_netlist.py::test_core[[]tensor-ecp5]",
    "tests/gateware/test_netlist.py::test_core[[]tensor-gowin]",
    "tests/gateware/test_netlist.py::test_core_behind_place_and_route[[]gowin]",
    "tests/gateware/test_netlist.py::test_core_where_yosys_packs_multipliers[[]generic-recurrent]",
    "tests/gateware/test_netlist.py::test_core_where_yosys_packs_multipliers[[]ice40-recurrent]",
    "tests/gateware/test_netlist.py::test_self_test[[]ecp5]",
    "tests/gateware/test_netlist.py::test_self_test[[]gowin]",
    "tests/gateware/test_netlist.py::test_serial_top[[][eg]*",
    "tests/gateware/unit/test_core.py::test_equal_layers[[]step]",
    "tests/gateware/unit/test_reload.py::test_switch[[]edges-1-sequence-True]",
    "tests/gateware/unit/test_reload.py::test_switch[[]lstm-2-step-False]",
    "tests/link/test_endpoint.py::test_fuzz[[][ew]*",
    "tests/link/test_endpoint.py::test_session[[]0.0-*",
    "tests/link/test_endpoint.py::test_session[[]0.5-every step]",
    "tests/link/test_endpoint.py::test_session[[]0.5-wide]",
    "tests/link/test_load.py::test_bad_line[[]spram]",
    "tests/link/test_load.py::test_flash",
    "tests/link/test_load.py::test_flash_and_port[[]paths]",
    "tests/link/test_load.py::test_load[[]ram]",
    "tests/link/test_load.py::test_load[[]spram]",
    "tests/link/test_load.py::test_load_in_mid_sequence[[]1]",
    "tests/link/test_virtual.py::test_mnist",
    "tests/link/test_virtual.py::test_spoken_digits_over_a_bad_line",
    "tests/test_examples.py::test_example[[]pytorch.py]",
    "tests/train/test_compare_topologies.py::test_lines_of_the_table",
    "tests/train/test_products.py::test_gradients_are_those_of_differences[[]False]",
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
    if missing and len(items) >= ALL:
        raise pytest.UsageError(f"tests/conftest.py: no test is called {missing}")


@pytest.fixture(scope="session", autouse=True)
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Verilator's run-time library is compiled once for all designs; all workers share the folder."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HDLGEN_OBJECT_CACHE", os.environ.get("HDLGEN_OBJECT_CACHE", str(shared / "verilated")))
        yield
