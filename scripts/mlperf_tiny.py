#!/usr/bin/env python3
"""The five int8 models of MLPerf Tiny through the golden model, beside what LiteRT's reference kernels say.

    python scripts/mlperf_tiny.py FOLDER [CIFAR.npz]

FOLDER has the models, ``answers.npz`` (what the reference kernels say before the softmax, and most inputs) and ``kws01.npz``
(1,000 keywords, ``x`` and ``y``); CIFAR.npz the 10,000 test images, ``x`` and ``y``. With LiteRT (``ai-edge-litert``) three
random inputs of each model are compared in every layer, too.
"""

import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from hdlgen import golden
from hdlgen.importers.litert import litert_values
from hdlgen.importers.tflite import read_tflite

MODELS = {
    "keywords": ("kws_ref_model", "kws"),
    "images": ("pretrainedResnet_quant", "resnet"),
    "anomalies": ("ad01_int8", "ad"),
    "persons": ("vww_96_int8", "vww"),
    "wake word": ("str_ww_ref_model", "ww"),
}


def main(folder: Path, images: Path | None = None) -> None:
    answers, keywords = np.load(folder / "answers.npz"), np.load(folder / "kws01.npz")
    cifar = None if images is None else np.load(images)
    print("| model | multiplications | weights | equal outputs | of a layer | right | ms each |\n|" + " --- |" * 7)
    for name, (file, short) in MODELS.items():
        path = folder / f"{file}.tflite"
        model = read_tflite(path, short)
        network = model.network
        x, wanted = keywords["x"] if short == "kws" else answers[f"{short}_x"], answers[f"{short}_y"]
        begin = time.process_time()
        y = golden.evaluate(network, x.reshape(len(x), -1).astype(np.int64))
        took, right, inner = (time.process_time() - begin) / len(x), "", ""
        if short == "kws":
            right = f"{(y.argmax(axis=1) == keywords['y']).sum():,} of {len(x):,}"
        if short == "resnet":
            right = f"{(y.argmax(axis=1) == answers['resnet_label']).sum()} of {len(x)}"
            if cifar is not None:
                begin = time.process_time()
                classes = golden.evaluate(network, cifar["x"].reshape(len(cifar["x"]), -1).astype(np.int64) - 128)
                right += f"; {(classes.argmax(axis=1) == cifar['y']).sum():,} of {len(cifar['y']):,}"
                right += f" in {time.process_time() - begin:.1f} s"
        if find_spec("ai_edge_litert") is not None:
            sample = np.random.default_rng(0).integers(-128, 128, (3, network.input.width))
            pairs = zip(golden.activations(network, sample), litert_values(path, model, sample), strict=True)
            counts = [((ours == theirs).sum(), ours.size) for ours, theirs in pairs]
            inner = "{:,} of {:,}".format(*np.sum(counts, axis=0))
        matrices = [
            matrix
            for layer in network.layers
            for matrix in layer.matrices(network.tensors, network.widths[layer.read])
        ]
        products, weights = sum(len(m.edges) * m.uses for m in matrices), sum(len(m.edges) for m in matrices)
        same = f"{(y == wanted).sum():,} of {wanted.size:,}"
        print(f"| {name} | {products:,} | {weights:,} | {same} | {inner} | {right} | {took * 1e3:.2f} |")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
