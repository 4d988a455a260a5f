#!/usr/bin/env python3
"""How large the page of a network's core is, and how soon it can be used: scripts/page_numbers.py NET.

Compiles NET for 8 lanes, evaluates all of MNIST's test set, renders the page, and opens it five times in Chromium: from the
beginning of the navigation until the network is drawn and a neuron that is pointed at stands out.
"""

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from hdlgen import network, networks
from hdlgen.emit import compile_to
from hdlgen.flow.report import evaluate, render

RUNS = 5


def main() -> None:
    from playwright.sync_api import sync_playwright

    name = sys.argv[1] if len(sys.argv) > 1 else "mnist-large"
    x, labels = networks.test_set()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        root = Path(folder)
        np.savez(root / "x.npz", x=x, labels=labels)
        compile_to(network.load(name), root / "core", lanes=8, inputs=x[:100], labels=labels[:100])
        evaluate(root / "core", str(root / "x.npz"))
        begun = time.monotonic()
        page = root / "report.html"
        page.write_text(render(root / "core"), encoding="utf-8")
        rendered = time.monotonic() - begun
        arguments = ["--headless", "--no-sandbox", "--disable-gpu"]
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        seconds = []
        for _ in range(RUNS):
            window = chromium.new_page(viewport={"width": 1280, "height": 900})
            begun = time.monotonic()
            window.goto(page.as_uri())
            window.locator("#network[data-lines]").wait_for()
            window.locator("#network .stack canvas").nth(1).hover(position={"x": 440, "y": 120})
            window.locator("#network[data-chosen^='1:']").wait_for()
            seconds.append(time.monotonic() - begun)
            window.close()
        chromium.close()
        print(f"{name}: {page.stat().st_size:,} bytes; rendered in {rendered:.2f} s", end="; ")
        print(
            f"interactive after {statistics.median(seconds):.2f} s (median of {RUNS}, at most {max(seconds):.2f} s)"
        )


if __name__ == "__main__":
    main()
