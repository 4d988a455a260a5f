"""A network that was trained in PyTorch, on its way to Verilog that is proved equal to its integers.

    python examples/pytorch.py FOLDER

Handwritten digits as eight points of a pen's way, those that travel with hdlgen; a network of 16-32-10 neurons, trained in
floats by PyTorch and nothing else, exported as ONNX. From there on the same as `hdlgen import`, `compile` and `simulate`.
FOLDER is new; in the end it has the network's files and the core.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from hdlgen import golden, networks
from hdlgen.emit import compile_to
from hdlgen.flow.simulate import simulate
from hdlgen.importers import InputOptions, compare_with_file, import_network
from hdlgen.network import save

folder = Path(sys.argv[1])
folder.mkdir()

# Yours: any data, any training.
samples = np.load(networks.sample_file("pendigits"))
x, labels = samples["x"].astype(np.float32) / 100, samples["labels"].astype(np.int64)
order = np.random.default_rng(1).permutation(len(x))
train, test = order[:2500], order[2500:]
torch.manual_seed(1)
model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for _ in range(60):
    for batch in torch.from_numpy(train).split(100):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(torch.from_numpy(x)[batch]), torch.from_numpy(labels)[batch])
        loss.backward()
        optimizer.step()
with torch.no_grad():
    floats = model(torch.from_numpy(x[test])).argmax(dim=1).numpy()
print(f"in real numbers: {np.mean(floats == labels[test]):.2%} of {len(test)}")
torch.onnx.export(model.eval(), (torch.zeros(1, 16),), folder / "pen.onnx", dynamo=False, input_names=["points"])

# Six bits a weight, scales by what the network meets in training. The input is an integer of 8 bits, 0..255 for 0..1.
np.save(folder / "calibration.npy", x[train])
options = InputOptions(8, "1/255", None, False)
found = import_network(
    folder / "pen.onnx", name="pen", options=options, bits=6, calibration=folder / "calibration.npy"
)
np.save(folder / "test.npy", x[test])
compared = compare_with_file(folder / "pen.onnx", found, folder / "test.npy")
print(f"the same class as in real numbers: {compared.agree} of {compared.inputs}")
save(found.network, folder / "pen.safetensors")

# What the hardware computes, exactly: integers in, integers out.
integers = np.rint(x[test] * 255).astype(np.uint8)
y = golden.evaluate(found.network, integers)
print(f"in integers: {np.mean(y.argmax(axis=1) == labels[test]):.2%}")

# Verilog, with these inputs as test vectors, and every bit of its answers compared with the golden model's.
core = folder / "core"
manifest = compile_to(found.network, core, lanes=4, inputs=integers, labels=labels[test])
report = simulate(core)
print(f"{manifest.top}: {report.mismatches} of {report.results} results differ; {report.interval_cycles} cycles each")
sys.exit(not report.passed)
