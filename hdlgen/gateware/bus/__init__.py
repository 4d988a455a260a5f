"""A core behind the registers of a bus: AXI4-Lite or Wishbone. docs/bus.md is the contract."""
