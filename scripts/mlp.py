"""Train a dense network on images as PyTorch users do, and export it to ONNX: the model of docs/quantize.md.

    python scripts/mlp.py FOLDER -o mlp.onnx

FOLDER holds the files of MNIST. The network is 784-256-256-10 with ReLU and reads pixels divided by 255. Needs PyTorch.
"""

import argparse
import itertools

import torch
from torch import nn

from hdlgen.idx import read_folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--widths", default="256,256", help="of the hidden layers")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    data = read_folder(options.folder)
    x, y = torch.tensor(data.train_images).float() / 255, torch.tensor(data.train_labels).long()
    x = x.reshape(len(x), -1)
    widths = [x.shape[1], *map(int, options.widths.split(",")), data.classes]
    layers: list[nn.Module] = []
    for before, width in itertools.pairwise(widths):
        layers += [nn.Linear(before, width), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    optimiser = torch.optim.Adam(model.parameters(), 2e-3)
    batches = options.epochs * -(-len(x) // 128)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, batches)
    for _ in range(options.epochs):
        for rows in torch.randperm(len(x)).split(128):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimiser.step()
            schedule.step()
    torch.onnx.export(
        model.eval(),
        (x[:1],),
        options.output,
        dynamo=False,
        input_names=["pixels"],
        output_names=["logits"],
        dynamic_axes={"pixels": {0: "batch"}},
    )


if __name__ == "__main__":
    main()
