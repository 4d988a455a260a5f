"""Train a recurrent network on spoken digits as PyTorch users do, and export it to ONNX: the model of docs/import.md.

    python scripts/gru.py FOLDER -o gru

FOLDER holds the recordings of FSDD. The network is nn.GRU (or --kind LSTM, RNN) of 64 and a Linear layer; it reads the 20
features of `hdlgen train fsdd`, divided by 32. Writes gru.onnx, and sequences of real numbers with their digits: train.npz,
600 of those trained on, and test.npz. Needs PyTorch.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn

from hdlgen.train.sequences import Sequences, speech_data

SCALE = 32
CALIBRATION = 600


class Classifier(nn.Module):
    def __init__(self, kind: str, inputs: int, width: int, layers: int) -> None:
        super().__init__()
        self.cells = getattr(nn, kind)(inputs, width, layers, batch_first=True)
        self.linear = nn.Linear(width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(self.cells(x)[0][:, -1])

    def logits(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Of padded sequences."""
        return self.linear(self.cells(x)[0][torch.arange(len(x)), lengths - 1])


def parts(sequences: Sequences) -> list[torch.Tensor]:
    values = torch.from_numpy(sequences.x / SCALE).float()
    return list(values.split(sequences.lengths.tolist()))


def write(path: Path, x: list[torch.Tensor], labels: torch.Tensor) -> None:
    lengths = np.array([len(part) for part in x])
    np.savez(path, x=torch.cat(x).numpy(), lengths=lengths, labels=labels.numpy())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("-o", "--output", required=True, help="a folder")
    parser.add_argument("--kind", default="GRU", choices=["RNN", "GRU", "LSTM"])
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    data = speech_data(options.folder)
    x = parts(data.train) + parts(data.validation)
    y = torch.from_numpy(np.concatenate([data.train.wanted, data.validation.wanted]))
    model = Classifier(options.kind, data.input.width, options.width, options.layers)
    optimiser = torch.optim.Adam(model.parameters(), 4e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, options.epochs * -(-len(x) // 64))
    for _ in range(options.epochs):
        for rows in torch.randperm(len(x)).split(64):
            batch = [x[row] for row in rows.tolist()]
            padded = nn.utils.rnn.pad_sequence(batch, batch_first=True)
            optimiser.zero_grad()
            logits = model.logits(padded, torch.tensor([len(part) for part in batch]))
            nn.functional.cross_entropy(logits, y[rows]).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
    folder = Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        model.eval(),
        (x[0][None],),
        str(folder / "gru.onnx"),
        dynamo=False,
        input_names=["features"],
        output_names=["logits"],
        dynamic_axes={"features": {0: "batch", 1: "steps"}},
    )
    some = torch.randperm(len(x))[:CALIBRATION]
    write(folder / "train.npz", [x[row] for row in some.tolist()], y[some])
    assert data.test is not None
    write(folder / "test.npz", parts(data.test), torch.from_numpy(data.test.wanted))


if __name__ == "__main__":
    main()
