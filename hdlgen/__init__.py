"""hdlgen: FPGA hardware for sparse path networks, from a trained network to a bitstream with open tools."""

__version__ = "0.1.0"
