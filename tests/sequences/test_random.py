"""Random draws against C's own drand48, and against Philox in plain integers."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from hdlgen.network import RandomTopology
from hdlgen.sequences import random

PROGRAM = r"""
#include <cstdio>
#include <cstdlib>
int main(int argc, char **argv) {
    long paths = atol(argv[2]);
    srand48(atol(argv[1]));
    for (int l = 3; l < argc; l++) {
        long n = atol(argv[l]);
        for (long i = 0; i < paths; i++) printf("%d\n", (int)(drand48() * n));
    }
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The loop of the talk, in C."""
    folder = tmp_path_factory.mktemp("drand48")
    (folder / "paths.cpp").write_text(PROGRAM)
    compiler = shutil.which("g++") or shutil.which("clang++")
    assert compiler, "a C++ compiler is needed, as for the simulator"
    subprocess.run([compiler, "-O1", "-o", folder / "paths", folder / "paths.cpp"], check=True)
    return folder / "paths"


@pytest.mark.parametrize(("seed", "paths"), [(0, 1), (1, 1000), (4242, 4097), (2**31 - 1, 333), (2**32 - 1, 64)])
def test_drand48_is_that_of_c(program: Path, seed: int, paths: int) -> None:
    widths = (784, 256, 1, 2**20, 10)
    words = [str(number) for number in (seed, paths, *widths)]
    answer = subprocess.run([program, *words], check=True, capture_output=True, text=True).stdout
    expected = np.array(answer.split(), dtype=np.int64).reshape(len(widths), paths)
    topology = RandomTopology(paths=paths, generator="drand48", seed=seed)
    for layer, width in enumerate(widths):
        assert topology.vertices(layer, width).tolist() == expected[layer].tolist()


def test_drand48_in_plain_integers() -> None:
    state, states = (99 << 16) | 0x330E, []
    for _ in range(300):
        state = (0x5DEECE66D * state + 0xB) % 2**48
        states.append(state)
    assert random.drand48_states(99, 0, 300).tolist() == states
    for start in (1, 2, 77, 299):
        assert random.drand48_states(99, start, 300 - start).tolist() == states[start:]
    assert random.drand48_states(99, 5, 0).tolist() == []
    assert random.drand48_states(99, 10**12, 1).tolist() == [
        # a**n X + c (a**n - 1) / (a - 1), for n steps, over the integers modulo (a - 1) 2**48
        (
            pow(0x5DEECE66D, 10**12 + 1, 2**48) * ((99 << 16) | 0x330E)
            + 0xB * ((pow(0x5DEECE66D, 10**12 + 1, 2**48 * 0x5DEECE66C) - 1) // 0x5DEECE66C)
        )
        % 2**48
    ]


def philox(key: int, counter: int) -> list[int]:
    """One block of Philox-4x64-10."""
    mask = 2**64 - 1
    words = [counter >> (64 * i) & mask for i in range(4)]
    keys = [key & mask, key >> 64]
    for _ in range(10):
        first, second = 0xD2E7470EE14C6C93 * words[0], 0xCA5A826395121157 * words[2]
        words = [(second >> 64) ^ words[1] ^ keys[0], second & mask, (first >> 64) ^ words[3] ^ keys[1], first & mask]
        keys = [(keys[0] + 0x9E3779B97F4A7C15) & mask, (keys[1] + 0xBB67AE8584CAA73B) & mask]
    return words


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_philox_in_plain_integers(seed: int) -> None:
    words = [word for counter in range(1, 26) for word in philox(seed, counter)]
    for start in (0, 1, 3, 4, 50):
        assert random.philox_words(seed, start, 100 - start).tolist() == words[start:]
    topology = RandomTopology(paths=30, generator="philox", seed=seed)
    for layer, width in enumerate((7, 2**20, 1)):
        expected = [(word >> 32) * width >> 32 for word in words[30 * layer : 30 * layer + 30]]
        assert topology.vertices(layer, width).tolist() == expected


def test_unknown_generator() -> None:
    with pytest.raises(ValueError, match=r"^generator is 'rand'; allowed: drand48, philox$"):
        random.uniform("rand", 0, 0, 1, 1)
