"""The page on which one tries a core: who may ask, what is answered, and all of it in a browser, with a simulated board."""

import http.client
import io
import json
import threading
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdlgen import golden
from hdlgen.cli import main
from hdlgen.emit import compile_to
from hdlgen.emit.manifest import read_manifest
from hdlgen.errors import InputError
from hdlgen.flow.play import MAX_BYTES, Game, Playground, playground
from hdlgen.network import load, log_mel

from ..browser import Visit, browser
from ..mixed import dense, make_mixed, path
from .small_core import make_small_core


@contextmanager
def served(directory: Path, **options: Any) -> Iterator[Playground]:
    with playground(directory, **options) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playground]:
    with served(make_small_core(tmp_path_factory.mktemp("play") / "core"), board=False) as found:
        yield found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as found:
        yield found


def _ask(
    server: Playground, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, Any, dict]:
    """Status, content and headers; underscores in names of headers stand for hyphens, the empty text for none."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    length = {} if body is None else {"Content-Length": str(len(body))}
    for name, value in ({"Host": server.hosts[0]} | length | given).items():
        if value:
            connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    known = dict(answer.getheaders())
    return answer.status, json.loads(content) if "json" in known["Content-Type"] else content.decode(), known


def test_the_page(server: Playground) -> None:
    assert server.server_address[0] == "127.0.0.1"
    status, page, headers = _ask(server, "GET", f"/{server.token}/")
    assert status == 200
    assert "golden model" in page
    assert server.token not in page
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Server"] == "hdlgen "
    assert len(server.token) >= 32


JSON, BYTES = "application/json", "application/octet-stream"


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "why"),
    [
        ("GET", "/", None, {}, 404, "no such page"),
        ("GET", "/{token}", None, {}, 404, "no such page"),
        ("GET", "/{wrong}/", None, {}, 404, "no such page"),
        ("GET", "/%ff/", None, {}, 404, "no such page"),
        ("GET", "/{token}/../values", None, {}, 404, "no such page"),
        ("GET", "/{token}/", None, {"Host": "example.org"}, 421, "another host"),
        ("GET", "/{token}/", None, {"Host": ""}, 421, "another host"),
        ("GET", "/{token}/values", None, {}, 405, "allowed: POST"),
        ("POST", "/{token}/", b"", {}, 405, "allowed: GET"),
        ("POST", "/{wrong}/values", b"[]", {"Content_Type": JSON}, 404, "no such page"),
        ("POST", "/{token}/values", b"[]", {"Content_Type": JSON, "Host": "localhost"}, 421, "another host"),
        ("POST", "/{token}/values", b"[]", {"Content_Type": JSON, "Origin": "http://example.org"}, 403, None),
        ("POST", "/{token}/values", b"[]", {"Content_Type": JSON, "Origin": "null"}, 403, None),
        ("POST", "/{token}/values", b"[]", {"Content_Type": "text/plain"}, 415, "allowed: application/json"),
        ("POST", "/{token}/values", b"[]", {}, 415, "allowed: application/json"),
        ("POST", "/{token}/values", b"[]", {"Content_Type": JSON, "Content_Length": ""}, 411, None),
        ("POST", "/{token}/values", b"[]", {"Content_Type": JSON, "Content_Length": "-2"}, 411, None),
        ("POST", "/{token}/values", b"[]", {"Content_Type": JSON, "Transfer_Encoding": "chunked"}, 411, None),
        ("POST", "/{token}/values", b"", {"Content_Type": JSON, "Content_Length": str(MAX_BYTES + 1)}, 413, None),
        ("POST", "/{token}/values", b"{", {"Content_Type": JSON}, 400, None),
        ("POST", "/{token}/values", b"[]", {"Content_Type": JSON}, 400, None),
        (
            "POST",
            "/{token}/values",
            b"[[1, 2]]",
            {"Content_Type": JSON},
            400,
            "values: allowed are lists of 8 integers",
        ),
        (
            "POST",
            "/{token}/values",
            b"[[1,2,3,4,5,6,7,1.5]]",
            {"Content_Type": JSON},
            400,
            "values: allowed are integers",
        ),
        ("POST", "/{token}/values", b"[[1,2,3,4,5,6,7,256]]", {"Content_Type": JSON}, 400, "is 256; allowed: 0..255"),
        ("POST", "/{token}/sound", b"ab", {"Content_Type": BYTES}, 400, "has no features"),
        ("POST", "/{token}/file", b"none", {"Content_Type": BYTES}, 400, "file.npy: no .npy file"),
        ("POST", "/{token}/file", b"PK\x03\x04", {"Content_Type": BYTES}, 400, "file.npz: "),
    ],
)
def test_who_may_ask_for_what(
    server: Playground,
    method: str,
    path: str,
    body: bytes | None,
    headers: dict[str, str],
    status: int,
    why: str | None,
) -> None:
    place = path.format(token=server.token, wrong=server.token[:-1] + "-")
    found, answer, _ = _ask(server, method, place, body, **headers)
    assert (found, list(answer)) == (status, ["error"])
    assert why is None or why in answer["error"]
    assert "\n" not in answer["error"]
    assert "/tmp" not in answer["error"]


def test_other_methods(server: Playground) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    for method in ("PUT", "DELETE", "OPTIONS", "CONNECT", "HEAD"):
        connection.request(method, f"/{server.token}/")
        answer = connection.getresponse()
        assert answer.status == 501
        answer.read()
        connection.close()


def test_answers(server: Playground) -> None:
    model = server.game.model
    x = np.array([[255, 0, 7, 1, 2, 3, 4, 5]])
    status, answer, _ = _ask(
        server, "POST", f"/{server.token}/values", json.dumps(x.tolist()).encode(), Content_Type="application/json"
    )
    assert status == 200
    y = golden.evaluate(model, x)[0].tolist()
    assert (answer["answer"], answer["golden"], answer["equal"]) == (y, y, None)
    assert answer["said"] == int(np.argmax(y))
    assert answer["cycles"]["predicted"] == read_manifest(Path(model.origin or "").parent).latency_cycles

    buffer = io.BytesIO()
    many = np.arange(300 * 8).reshape(300, 8) % 256
    labels = golden.evaluate(model, many).argmax(axis=1)
    labels[3] = (labels[3] + 1) % 4
    np.savez(buffer, x=many, labels=labels)
    status, answer, _ = _ask(server, "POST", f"/{server.token}/file", buffer.getvalue(), Content_Type=BYTES)
    assert status == 200
    assert (answer["inputs"], answer["total"], answer["right"], answer["label"]) == (256, 300, 255, int(labels[0]))


class _Liar:
    """A board that says something else than the golden model, once; later it is gone."""

    def __init__(self, game: Game) -> None:
        self.game, self.identity, self.asked = game, _Identity(), 0

    def infer(self, x: np.ndarray, progress: object = None) -> np.ndarray:
        self.asked += 1
        if self.asked > 1:
            raise InputError("/dev/x: the board does not answer")
        answers = golden.evaluate(self.game.model, x)
        answers[0, 1] += 1
        return answers

    def bench(self, x: np.ndarray, **_: Any) -> Any:
        return type("Bench", (), {"latency": 55})


class _Identity:
    sequences, every_step, clock = False, False, 12_000_000


def test_a_board_that_is_wrong_or_gone(tmp_path: Path) -> None:
    root = make_small_core(tmp_path / "core")
    game = Game(root, read_manifest(root), None)
    game.board = _Liar(game)  # type: ignore[assignment]
    body = json.dumps([[1] * 8]).encode()
    answer = game.answer(game.values(body))
    assert (answer["equal"], answer["differing"]) == (False, 1)
    assert answer["answer"][1] == answer["golden"][1] + 1
    assert answer["cycles"]["counted"] == 55
    server = object.__new__(Playground)
    server.game = game
    status, answer = server.asked("values", body)
    assert (status, answer) == (502, {"error": "/dev/x: the board does not answer"})


def test_the_verb(capsys: pytest.CaptureFixture[str], tmp_path: Path, server: Playground) -> None:
    root = make_small_core(tmp_path / "core")
    taken = server.server_address[1]
    for options, message in (
        ([], "hdlgen play: give one of --port, --virtual and --golden"),
        (["--golden", "--virtual"], "hdlgen play: give one of --port, --virtual and --golden"),
        (["--golden", "--listen", "70000"], "--listen 70000: allowed are 0 to 65535 (ports)"),
        (["--golden", "--listen", str(taken)], f"port {taken} of 127.0.0.1: Address already in use"),
    ):
        with pytest.raises(SystemExit) as caught:
            main(["play", str(root), *options])
        assert caught.value.code == 2
        assert message in capsys.readouterr().err


def _idle(visit: Visit, answers: int | str) -> None:
    visit.page.locator(f'body[data-state="idle"][data-answers="{answers}"]').wait_for()


def test_drawing_on_a_simulated_board(chromium: Any, tmp_path: Path) -> None:
    """Eight by eight pixels; every answer is that of the Verilog, and the golden model's bit for bit."""
    network = make_mixed((path(16), dense(4, None)), inputs=64)
    compile_to(network, tmp_path / "core", lanes=4)
    with served(tmp_path / "core") as server:
        visit = Visit(chromium, server.url)
        page = visit.page
        box = page.locator("#pad").bounding_box()
        page.mouse.move(box["x"] + 60, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + 250, box["y"] + 60, steps=4)
        page.mouse.move(box["x"] + 120, box["y"] + 270, steps=4)
        page.mouse.up()
        page.locator('body[data-state="idle"][data-answers]').wait_for()
        assert page.locator("#verdict .good").inner_text() == "✓ equal to the golden model, bit for bit"
        latency = read_manifest(tmp_path / "core").latency_cycles
        assert f"{latency:,} cycles counted on the chip, {latency:,} predicted" in page.locator("#facts").inner_text()
        before = int(page.locator("body").get_attribute("data-answers"))
        page.locator("#samples button").nth(3).click()
        _idle(visit, before + 1)
        wanted = golden.evaluate(network, server.game.stored.x[3:4])[0]
        shown = page.locator("#bars div span:last-child").all_inner_texts()
        assert shown == [f"{value:,}" for value in wanted.tolist()]
        assert page.locator("#bars .most span").first.inner_text() == str(wanted.argmax())
        assert page.locator(".layers figure").count() == 1

        np.savez(tmp_path / "x.npz", x=server.game.stored.x[:5], labels=[0, 1, 2, 3, 0])
        page.locator("#file").set_input_files(str(tmp_path / "x.npz"))
        _idle(visit, before + 2)
        assert page.locator("#verdict .good").inner_text() == "✓ all 5 equal to the golden model, bit for bit"
        assert all(url.startswith(server.url) for url in visit.requests)
        assert visit.quiet(), (visit.complaints, visit.dialogs)
        page.close()


def test_a_sound(chromium: Any, tmp_path: Path) -> None:
    """What the page makes of a sound file are the features that the network was trained with."""
    network = load("digits-diag")
    compile_to(network, tmp_path / "core", lanes=4)
    time = np.arange(4000) / 8000
    samples = (12000 * np.sin(2 * np.pi * (400 + 500 * time) * time)).astype("<i2")
    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setparams((1, 2, 8000, len(samples), "NONE", ""))
        file.writeframes(samples.tobytes())
    with served(tmp_path / "core", board=False) as server:
        visit = Visit(chromium, server.url)
        with visit.page.expect_response(lambda answer: answer.url.endswith("/sound")) as caught:
            visit.page.locator("#file").set_input_files(str(tmp_path / "tone.wav"))
        answer = caught.value.json()
        steps = log_mel(samples.astype(np.int16), network.input)
        assert answer["input"] == steps.tolist()
        wanted = golden.evaluate(network, steps, np.array([len(steps)]))[0]
        assert answer["answer"] == wanted.tolist()
        _idle(visit, 1)
        assert visit.page.locator("#verdict .said").inner_text() == str(wanted.argmax())

        visit.page.locator("#record").click()
        visit.page.get_by_text("Stop", exact=True).wait_for()
        visit.page.wait_for_timeout(700)  # of sound
        with visit.page.expect_response(lambda answer: answer.url.endswith("/sound")) as caught:
            visit.page.locator("#record").click()
        spoken = np.array(caught.value.json()["input"])
        wanted = golden.evaluate(network, spoken, np.array([len(spoken)]))[0]
        assert caught.value.json()["answer"] == wanted.tolist()
        _idle(visit, 2)
        assert visit.page.locator("#record").inner_text() == "Speak"
        assert visit.quiet(), (visit.complaints, visit.dialogs)
        visit.page.close()


def test_numbers_and_hostile_files(chromium: Any, server: Playground, tmp_path: Path) -> None:
    visit = Visit(chromium, server.url, 390, 800, color_scheme="dark")
    visit.page.locator("[data-input]").nth(2).fill("200")
    _idle(visit, 1)
    x = np.zeros((1, 8), np.int64)
    x[0, 2] = 200
    shown = visit.page.locator("#bars div span:last-child").all_inner_texts()
    assert shown == [f"{value:,}" for value in golden.evaluate(server.game.model, x)[0].tolist()]
    name = tmp_path / "<img src=x onerror=alert(1)>.npy"
    name.write_bytes(b"nonsense")
    visit.page.locator("#file").set_input_files(str(name))
    visit.page.locator('body[data-answers="error"]').wait_for()
    assert "no .npy file" in visit.page.locator("#verdict .bad").inner_text()
    assert visit.page.evaluate("document.documentElement.scrollWidth") == 390
    assert [text for text in visit.complaints if "400" not in text] == []
    assert visit.dialogs == []
    visit.page.close()
