"""Train a convolutional network on images as PyTorch users do, and export it to ONNX: the models of docs/convolution.md.

    python scripts/cnn.py FOLDER -o lenet.onnx
    python scripts/cnn.py FOLDER -o residual.onnx --network residual

FOLDER holds the files of MNIST or Fashion-MNIST. Networks read pixels divided by 255. Needs PyTorch.
"""

import argparse

import torch
from torch import nn

from hdlgen.idx import read_folder


def convolution(before: int, after: int, stride: int = 1) -> nn.Module:
    return nn.Sequential(nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after))


class Block(nn.Module):
    """Two convolutions, added to what they read."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.main = nn.Sequential(convolution(before, after, stride), nn.ReLU(), convolution(after, after))
        self.beside = nn.Conv2d(before, after, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.relu(self.main(x) + self.beside(x))


def separable(before: int, after: int, stride: int = 1) -> list[nn.Module]:
    alone = nn.Conv2d(before, before, 3, stride, 1, groups=before, bias=False)
    parts = alone, nn.BatchNorm2d(before), nn.ReLU6(), nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after)
    return [*parts, nn.ReLU6()]


def network(kind: str) -> nn.Module:
    if kind == "lenet":
        first = (
            nn.Conv2d(1, 6, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        layers = nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)
        return nn.Sequential(*first, nn.Flatten(), *layers)
    last = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)
    if kind == "residual":
        blocks = Block(8, 8, 1), Block(8, 16, 2), Block(16, 32, 2)
        return nn.Sequential(convolution(1, 8, 2), nn.ReLU(), *blocks, *last)
    return nn.Sequential(
        convolution(1, 16, 2), nn.ReLU6(), *separable(16, 16), *separable(16, 32, 2), *separable(32, 32), *last
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--network", default="lenet", choices=["lenet", "residual", "separable"])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    data = read_folder(options.folder)
    x, y = torch.tensor(data.train_images)[:, None].float() / 255, torch.tensor(data.train_labels).long()
    model = network(options.network)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, options.epochs * -(-len(x) // 128))
    for _ in range(options.epochs):
        for rows in torch.randperm(len(x)).split(128):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimiser.step()
            schedule.step()
    axes = {"pixels": {0: "batch"}}
    names = {"input_names": ["pixels"], "output_names": ["logits"], "dynamic_axes": axes}
    torch.onnx.export(model.eval(), (x[:1],), options.output, dynamo=False, **names)


if __name__ == "__main__":
    main()
