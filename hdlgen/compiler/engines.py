"""What an engine is to the plan: which layers it can take, and how it is compiled for them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hdlgen.compiler import timing
from hdlgen.compiler.common import EngineProgram
from hdlgen.layers import Layer
from hdlgen.network import Network

__all__ = ["Engine"]


@dataclass(frozen=True, kw_only=True)
class Engine:
    """One engine: a room of `hdlgen.compiler` and one of `hdlgen.gateware`.

    Members
    -------
    program : the class of its programs; their ``engine_name`` is what users call it.
    layers : the kinds of layers that it runs.
    lacks : (network, first, number): why it cannot take layer ``number``, which is of these kinds, in a run of layers that
        begins with ``first``; None where it can.
    compile : (network, options, frame=, check=): the program of a network of such layers, for the ``frame`` of a design that
        was compiled with these options, if there is one; verified if ``check``. Raises :class:`InputError` if an option does
        not fit the network, or that the frame.
    model : of a program: how it acts in time.
    rectified : it reads nothing negative; what stands before it sees to that.
    raw : its results are sums; their activation is left to the join behind it.
    special : it knows what `Layer.special` names.
    whole : it runs whole networks, and only where it is asked for.
    """

    program: type[EngineProgram]
    layers: tuple[type[Layer], ...]
    lacks: Callable[[Network, int, int], str | None]
    compile: Callable[..., Any]
    model: Callable[[Any], timing.Stage]
    rectified: bool = False
    raw: bool = False
    special: bool = False
    whole: bool = False

    @property
    def name(self) -> str:
        return self.program.engine_name

    @property
    def takes(self) -> Mapping[str, tuple[str, ...]]:
        """The options that it understands, with the values that it does; none are all."""
        return self.program.takes

    def missing(self, network: Network, first: int, number: int) -> str | None:
        """As ``lacks``, of layers of all kinds."""
        layer = network.layer(number)
        if self.whole and first > 1:
            return "it runs whole networks only"
        if not isinstance(layer, self.layers):
            keeps = any(kind.stateful for kind in self.layers)
            return "it keeps no state" if layer.stateful > keeps else f"it runs no layers of kind {layer.kind}"
        if not self.special and (special := layer.special(network.tensors)) is not None:
            return f"it knows no {special.removeprefix('a ').removeprefix('one ')}"
        return self.lacks(network, first, number)
