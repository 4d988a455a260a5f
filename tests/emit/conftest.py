"""Designs of all engines, each written once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hdlgen.emit import compile_to
from hdlgen.network import Network

from ..compiler.networks import make
from ..compiler.recurrent import layer, make_recurrent
from ..layered import mixture
from ..mixed import MIXED

DESIGNS: dict[str, tuple[Callable[[], Network], dict[str, Any]]] = {
    # With biases, repeated edges, neurons in several banks and paths to fill up.
    "path": (
        lambda: make((12, 10, 6), 100, input_bits=9),
        {"lanes": 8, "elements_per_beat": 2, "target": "ecp5-25k", "seed": 7},
    ),
    "flash": (lambda: make((12, 10, 6), 64), {"lanes": 4, "source": "flash"}),
    "gather": (mixture, {"lanes": 4}),
    "ram": (mixture, {"lanes": 4, "source": "ram"}),
    "unit": (
        lambda: make_recurrent(3, [layer("gru", 8, band=3, weight_bits=4, in_weight_bits=4)], (4,), name="steps"),
        {"lanes": 4},
    ),
    "edges": (
        lambda: make_recurrent(3, [layer("gru", 9, edges=40, weight_bits=4, in_weight_bits=4)], (4,), name="edges"),
        {"lanes": 4},
    ),
    "several": (MIXED["all engines, one of them twice"][0], {"lanes": 2, "results": "step"}),
}
"""Networks by name, and what they are compiled with."""


class Designs:
    """The folders of `DESIGNS`."""

    def __init__(self, root: Path):
        self.root = root

    def __getitem__(self, name: str) -> Path:
        if not (self.root / name).exists():
            self.write(name, self.root / name)
        return self.root / name

    def network(self, name: str) -> Network:
        return DESIGNS[name][0]()

    def write(self, name: str, folder: Path, **changes: Any) -> None:
        build, given = DESIGNS[name]
        compile_to(build(), folder, **given | changes)


@pytest.fixture(scope="session")
def designs(tmp_path_factory: pytest.TempPathFactory) -> Designs:
    return Designs(tmp_path_factory.mktemp("designs"))
