"""The page of an exploration: all designs, the best ones with their commands, and nothing that a text in them asks for."""

from pathlib import Path
from typing import Any

import pytest

from hdlgen.cli import main
from hdlgen.explore import MEASURES, Store, best, parse_goals, rows
from hdlgen.explore.page import render

from ..browser import Visit, browser

HOSTILE = "</script><script>alert(1)</script>"


def _rows(count: int) -> list[dict[str, Any]]:
    """Designs of which the more expensive ones are faster, but every second one is worse than the one before."""
    made = []
    for number in range(count):
        values: dict[str, Any] = dict.fromkeys(MEASURES)
        values |= {"luts": 100 + 50 * number, "rate": 1000.0 * (number - 2 * (number % 2)) + 5000}
        made.append(
            {
                "key": str(number),
                "network": HOSTILE if number % 3 else "mnist",
                "chosen": {"lanes": str(number)},
                "status": "measured" if number < 6 else "estimated",
                "fits": True,
                "command": f"hdlgen compile {HOSTILE}",
                **values,
            }
        )
    return made


def test_in_a_browser(tmp_path: Path) -> None:
    every = _rows(20)
    front = best(every, [], parse_goals(["luts"], ["rate"]))
    assert [row["key"] for row in front] == ["0", "2", "4"]
    text = render(HOSTILE, every, front)
    assert text == render(HOSTILE, every, front)
    file = tmp_path / "page.html"
    file.write_text(text, encoding="utf-8")
    with browser() as chromium:
        visit = Visit(chromium, file.as_uri(), 390, 800)
        section, told = visit.page.locator("#front"), visit.page.locator("#front .detail p")
        assert section.get_attribute("data-shown") == "20"
        visit.page.locator("#front canvas").focus()
        for key, number in (
            ("ArrowRight", 0),
            ("ArrowRight", 2),
            ("ArrowRight", 4),
            ("ArrowRight", 4),
            ("ArrowLeft", 2),
        ):
            visit.page.keyboard.press(key)
            assert (
                f"lanes={number}: luts {100 + 50 * number}, rate {1000 * number + 5000:,}; measured."
                in told.inner_text()
            )
        box = visit.page.locator("#front canvas").bounding_box()
        visit.page.mouse.move(box["x"] + box["width"] - 22, box["y"] + 45)  # the last but one is the fastest
        assert "lanes=18" in told.inner_text() or "lanes=19" in told.inner_text()
        visit.page.locator("[name=network]").select_option("mnist")
        assert section.get_attribute("data-shown") == "7"
        assert visit.page.locator("#best code").count() == 3
        assert visit.page.evaluate("document.documentElement.scrollWidth") == 390
        assert visit.requests == [file.as_uri()]
        assert visit.quiet(), (visit.complaints, visit.dialogs)


def test_the_option(tmp_path: Path) -> None:
    """Of an exploration without any design."""
    with Store(tmp_path / "all.db") as store:
        assert rows(store) == []
    with pytest.raises(SystemExit) as caught:
        main(["explore", "-o", str(tmp_path / "all.db"), "--page", str(tmp_path / "page.html")])
    assert caught.value.code == 0
    assert "No design has what is wanted." in (tmp_path / "page.html").read_text(encoding="utf-8")
