"""The first paths of a network are a network, and scrambled topologies are read back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hdlgen import golden
from hdlgen.cli import main
from hdlgen.errors import InputError
from hdlgen.network import Network, SobolTopology, describe, first_paths, load, save, verify

from ..compiler.networks import inputs, make
from ..layered import mixture
from ..recurrent import make as make_recurrent
from .descriptions import PATHS, changed, content

RELU = {"cell": "relu", "width": 2, "band": 1}
VECTORS = Path(__file__).parent.parent / "vectors"


def test_scrambled_topology_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "net.safetensors"
    for members, expected in [
        ({"scramble": 5}, {"scramble": 5, "kept": 6, "digits": 4}),
        ({"scramble": 5, "kept": 2, "shift": 0, "digits": 9}, {"scramble": 5, "kept": 2, "shift": 0, "digits": 9}),
        ({"shift": 2**32 - 1}, {"shift": 2**32 - 1, "digits": 4}),
    ]:
        file.write_bytes(content(changed("topology", value=PATHS["topology"] | members)))
        network = load(file)
        assert network.topology == SobolTopology(
            paths=16, dimensions=(0, 1, 2), log2_slots=(3, 2, 4), **{"kept": 6} | expected
        )
        assert describe(network) == changed("topology", value=PATHS["topology"] | expected)
        save(network, file)
        assert load(file).topology == network.topology


def prefix(network: Network, count: int) -> np.ndarray:
    """The outputs of ``network`` for some inputs with all later paths' weights 0."""
    cut = {
        name: np.where(np.arange(len(tensor)) < count, tensor, 0) if name.startswith("w") else tensor
        for name, tensor in network.tensors.items()
    }
    return golden.evaluate(replace(network, tensors=cut), inputs(network, 20))


@pytest.mark.parametrize("changes", [{}, {"scramble": 3, "kept": 1, "digital_shift": 4}, {"digital_shift": 1}])
def test_first_paths(tmp_path: Path, changes: dict[str, int]) -> None:
    network = make((20, 16, 12, 5), 256, shift=0, **changes)
    for count in (256, 128, 64, 16, 4, 1, 100):
        part = first_paths(network, count)
        save(part, tmp_path / "part.safetensors")
        again = load(tmp_path / "part.safetensors")
        assert again.topology.paths == count
        assert np.array_equal(golden.evaluate(again, inputs(network, 20)), prefix(network, count))
    assert describe(first_paths(first_paths(network, 64), 16)) == describe(first_paths(network, 16))


def test_other_networks_have_no_first_paths() -> None:
    with pytest.raises(
        InputError, match=r": first paths of another network; allowed: Sobol' paths that layers share$"
    ):
        first_paths(mixture(), 1)


def test_other_layers_stay_as_they_are() -> None:
    network = make_recurrent(np.random.default_rng(0), inputs=2, bands=[RELU], path=(3, 2))
    few = first_paths(network, 5)
    verify(few)
    changed = {name for name, tensor in network.tensors.items() if not np.array_equal(few.tensors[name], tensor)}
    assert changed == {"w1", "w2"}
    assert len(few.tensors["w1"]) == len(few.tensors["w2"]) == 5


@pytest.mark.parametrize("count", [0, -1, 257])
def test_so_many_paths_are_not_there(count: int) -> None:
    with pytest.raises(InputError) as caught:
        first_paths(make((4, 4), 256), count)
    assert str(caught.value) == f"network 'random': first paths is {count}; allowed: 1..256"


def test_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "few.safetensors"
    with pytest.raises(SystemExit) as caught:
        main(["paths", str(VECTORS / "tiny.safetensors"), "--first", "8", "-o", str(output)])
    assert not caught.value.code
    assert capsys.readouterr().out == f"{output}: 8 paths\n"
    tiny, few = load(VECTORS / "tiny.safetensors"), load(output)
    assert few.topology.paths == 8
    assert few.tensors["w1"].tolist() == tiny.tensors["w1"][:8].tolist()


def test_check_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "net.safetensors"
    save(make((4, 4, 4), 64, scramble=3, digital_shift=0), file)
    with pytest.raises(SystemExit):
        main(["check", str(file)])
    assert "random: 4-4-4, 64 paths, scrambled by 3, shifted by 0, 136 parameters," in capsys.readouterr().out
