"""The page of a design in a browser: it draws, answers to pointer and keys, filters, and asks for nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdlgen import networks as shipped
from hdlgen.emit import compile_to
from hdlgen.emit.manifest import read_manifest
from hdlgen.flow.report import evaluate, render
from hdlgen.flow.simulate import write_report
from hdlgen.flow.synth_report import Hop
from hdlgen.flow.synth_report import write_report as write_synthesis
from hdlgen.network import load

from ..browser import Visit, browser
from ..mixed import MIXED
from .manifests import simulated, synthesised

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'{{7*7}}&amp;"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a design about which everything is known, and from whose reports hostile texts come."""
    root = tmp_path_factory.mktemp("page")
    x, labels = shipped.test_set()
    compile_to(load("mnist-small"), root / "core", lanes=4, inputs=x[:20], labels=labels[:20])
    np.savez(root / "x.npz", x=x[:2000], labels=labels[:2000])
    evaluate(root / "core", str(root / "x.npz"))
    manifest = read_manifest(root / "core")
    write_report(
        simulated(manifest, passed=False, mismatches=1, failures=(HOSTILE,)), root / "core" / "simulate.json"
    )
    hops = (
        Hop(kind="clk-to-q", ns=0.5, name=HOSTILE, x=3, y=4),
        Hop(kind="routing", ns=1.5, name="n", x=None, y=None),
    )
    report = synthesised(manifest, None, notes=(HOSTILE,), tools={"yosys": HOSTILE}, critical_path=hops)
    write_synthesis(report, root / "core" / "synth-ecp5-25k.json")
    file = root / "report.html"
    file.write_text(render(root / "core"), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as found:
        yield found


def test_pointer_keys_and_filters(chromium: Any, page: Path) -> None:
    visit = Visit(chromium, page.as_uri())
    network, canvas = visit.page.locator("#network"), visit.page.locator("#network .stack canvas").nth(1)
    lines = int(network.get_attribute("data-lines"))
    model = load("mnist-small")
    nonzero = sum(int(np.count_nonzero(model.tensors[f"w{n}"][:1024])) for n in (1, 2, 3))
    assert lines == nonzero

    box = canvas.bounding_box()
    step = (box["width"] - 52) / 3
    canvas.hover(position={"x": 26 + step, "y": 12 + (box["height"] - 58) * (40 + 0.5) / 256})
    assert network.get_attribute("data-chosen") == "1:40"
    told = network.locator(".detail p")
    assert told.inner_text() == (
        "Neuron 40 of layer 1 (Sobol'): reads 16 of layer 0, is read by 16 of layer 2; 16 paths run through it."
    )
    assert network.locator(".detail canvas").is_visible()
    canvas.focus()
    visit.page.keyboard.press("ArrowDown")
    assert network.get_attribute("data-chosen") == "1:41"
    visit.page.keyboard.press("ArrowRight")
    assert network.get_attribute("data-chosen") == "2:41"
    visit.page.keyboard.press("Escape")
    assert network.get_attribute("data-chosen") == ""

    visit.page.locator("[name=sign]").select_option("1")
    positive = sum(int((model.tensors[f"w{n}"][:1024] > 0).sum()) for n in (1, 2, 3))
    assert int(network.get_attribute("data-lines")) == positive < nonzero
    visit.page.locator("[name=most]").fill("5")
    assert int(network.get_attribute("data-lines")) == sum(
        int((model.tensors[f"w{n}"][:32] > 0).sum()) for n in (1, 2, 3)
    )
    visit.page.locator("[name=beside]").check()
    assert network.locator(".statistics").nth(1).is_visible()
    assert "Paths: 16 into a neuron of layer 1" in network.locator(".statistics").nth(0).inner_text()
    assert "Paths: 16 into a neuron of layer 1" not in network.locator(".statistics").nth(1).inner_text()

    shown = visit.page.locator(".mistakes li:visible")
    total = shown.count()
    field = visit.page.locator(".confusion button").first
    field.click()
    label, said = field.get_attribute("data-label"), field.get_attribute("data-said")
    assert (
        0
        < shown.count()
        == visit.page.locator(f'.mistakes li[data-label="{label}"][data-said="{said}"]').count()
        < total
    )
    assert field.get_attribute("aria-pressed") == "true"
    field.click()
    assert shown.count() == total
    dark = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
    for _ in range(2):
        visit.page.locator("#theme").click()
    assert visit.page.evaluate("getComputedStyle(document.body).backgroundColor") != dark

    assert visit.page.locator("#simulation .bad").inner_text() == HOSTILE
    assert visit.requests == [page.as_uri()]
    assert visit.quiet(), (visit.complaints, visit.dialogs)
    visit.page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone(chromium: Any, page: Path, scheme: str) -> None:
    """Nothing is wider than the window but what scrolls by itself."""
    visit = Visit(chromium, page.as_uri(), 390, 800, color_scheme=scheme)
    assert visit.page.evaluate("document.documentElement.scrollWidth") == 390
    unnamed = "[...document.querySelectorAll('button, select, input, [role=img]')].filter(e => !e.closest('label')"
    assert visit.page.evaluate(f"{unnamed} && !e.ariaLabel && !e.textContent.trim()).length") == 0
    assert visit.quiet(), (visit.complaints, visit.dialogs)
    visit.page.close()


@pytest.mark.parametrize("name", ["recurrent layers in the middle", "tensors"])
def test_other_networks(chromium: Any, tmp_path: Path, name: str) -> None:
    compile_to(MIXED[name][0](), tmp_path / "core", lanes=4)
    file = tmp_path / "report.html"
    file.write_text(render(tmp_path / "core"), encoding="utf-8")
    visit = Visit(chromium, file.as_uri())
    canvas = visit.page.locator("#network .stack canvas").nth(1)
    canvas.focus()
    visit.page.keyboard.press("ArrowRight")
    told = visit.page.locator("#network .detail p").inner_text()
    assert told.startswith(("Neuron 0 of layer 1", "Channel 0 of layer 1"))
    assert int(visit.page.locator("#network").get_attribute("data-lines")) > 20
    assert visit.page.locator(".time .track i").count() > 10
    assert visit.quiet(), (visit.complaints, visit.dialogs)
    visit.page.close()
