"""A module around a core that draws symbols, as a file."""

from hdlgen.emit.manifest import Manifest
from hdlgen.emit.verilog import convert
from hdlgen.gateware.generator import Generator, GeneratorParameters
from hdlgen.network import Network

__all__ = ["GENERATOR", "generator_of"]

GENERATOR = "generator.v"
"""In the design's folder."""


def generator_of(manifest: Manifest, network: Network) -> dict[str, str]:
    """The text of `GENERATOR`, if the core of this ``network`` draws its own inputs, one after every step."""
    if not (network.generates and manifest.every_step and manifest.input.elements_per_beat == 1):
        return {}
    parameters = GeneratorParameters(
        core=manifest.top,
        symbols=network.input.width,
        one_hot=network.input.one_hot or 0,
        beat_bits=manifest.input.beat_bits,
        result_bits=manifest.output.bits,
    )
    top = f"{manifest.top}_generator"
    return {GENERATOR: convert(Generator(parameters), top, f"{top}: {manifest.top}, whose inputs are what it draws")}
