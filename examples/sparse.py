"""A network that is sparse from the first training step, and a board, simulated, that is asked from Python.

    python examples/sparse.py FOLDER

Handwritten digits as eight points of a pen's way; 16-64-10 neurons joined by 512 Sobol' paths, weights of four bits. The
same as `hdlgen train arrays`, `check`, `compile` and `run --virtual`. FOLDER is new; in the end it has network and core.
"""

import sys
from pathlib import Path

import numpy as np

import hdlgen
from hdlgen import check, golden, networks
from hdlgen.emit import compile_to
from hdlgen.flow.virtual import VirtualBoard
from hdlgen.network import save
from hdlgen.train import Recipe, read_dataset, train

folder = Path(sys.argv[1])
folder.mkdir()

samples = np.load(networks.sample_file("pendigits"))
order = np.random.default_rng(1).permutation(len(samples["x"]))
for name, part in (("train", order[:2500]), ("test", order[2500:])):
    np.savez(folder / f"{name}.npz", x=samples["x"][part], labels=samples["labels"][part])
data = read_dataset(folder / "train.npz", folder / "test.npz", seed=1)
trained = train(
    data, Recipe(name="pen", widths=(64, 10), paths=512, weight_bits=4, epochs=8, qat_epochs=4, augment=0)
)
network = trained.network
save(network, folder / "pen.safetensors")
x, labels = samples["x"][order[2500:]], samples["labels"][order[2500:]]
y = golden.evaluate(network, x)
print(f"{np.mean(y.argmax(axis=1) == labels):.2%} of {len(y)}")
print(f"degrees of the first layer: {check.report(network)['layers'][0]}")

# The whole board in Verilog, behind a pseudo-terminal; a real one has another name: hdlgen.Board.open("/dev/ttyUSB1").
compile_to(network, folder / "core", lanes=4)
with VirtualBoard(folder / "core") as virtual, hdlgen.Board.open(virtual.port) as board:
    answers = board.infer(x[:100])
    print(f"{board.identity.name}: {int((answers != y[:100]).any(axis=1).sum())} of 100 answers differ")
sys.exit(not np.array_equal(answers, y[:100]))
