"""A page on this machine on which one draws a digit, speaks a word or drops a file, and sees what a board answers.

The board is a real one, the simulated one, or none: then the golden model answers alone. Every answer of a board is compared
with the golden model's, bit for bit. The server listens on 127.0.0.1 only; its address holds a random token that every
request must name, and the Host must be this one, so that no other page or user of the machine can ask it.
"""

import hmac
import json
import os
import secrets
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from hdlgen import golden
from hdlgen import network as networks
from hdlgen.emit.manifest import Manifest, check_sources, read_manifest
from hdlgen.errors import Doubtful, InputError, Refused
from hdlgen.flow.inputs import ask, read_inputs
from hdlgen.flow.report import picture_shape
from hdlgen.flow.run import connected
from hdlgen.host import Bench, Board
from hdlgen.network import Network, sound_inputs
from hdlgen.schema import line, parse_json
from hdlgen.view.graph import Graph
from hdlgen.view.pages import Arrays, render_page

__all__ = ["Game", "Playground", "playground"]

MAX_BYTES = 1 << 23
"""Of what a page sends."""
_SECONDS = 20.0
"""Within which a request must have come."""
_STORED = 24
"""Inputs of the folder that the page offers."""
_MOST = 256
"""Inputs of a file that are asked; steps of a sequence."""
_STEPS = 4096
_NUMBERS = 1 << 16
"""Values of a layer that the page shows."""

Values = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Given:
    """Inputs, as of :class:`hdlgen.golden.Inputs`, of which the first ones are asked; ``total``: how many there were."""

    x: np.ndarray
    lengths: np.ndarray
    labels: np.ndarray | None
    total: int


class Game:
    """What can be asked, of a board or of the golden model alone.

    Parameters
    ----------
    board : or None.
    loaded : the file with the network that the board computes, if that is not the design's own.
    """

    def __init__(self, root: Path, manifest: Manifest, board: Board | None, loaded: Path | None = None) -> None:
        self.manifest, self.board = manifest, board
        self.model: Network = networks.load(loaded or root / manifest.network.file)
        self.ranges = self.model.ranges()
        self.levels = Graph.of(self.model, most=1).levels
        self.stored = read_inputs(root, manifest, None, None, _STORED, network_file=loaded)
        self.lock = threading.Lock()
        self.bench: Bench | None = None

    # ----------------------------------------------------------------------------------------------------- what is given

    def values(self, body: bytes) -> Given:
        """Numbers of one input as JSON: a list for each step."""
        steps = parse_json(body, "values")
        rows = steps if isinstance(steps, list) else [steps]
        width = self.model.input.width
        if not 0 < len(rows) <= _STEPS or any(not isinstance(row, list) or len(row) != width for row in rows):
            raise InputError(f"values: allowed are lists of {width} integers, one for each of up to {_STEPS} steps")
        if any(type(value) is not int or abs(value) >= 1 << 31 for row in rows for value in row):
            raise InputError("values: allowed are integers")
        return self._given(np.array(rows, np.int64), "values")

    def sound(self, body: bytes) -> Given:
        """Samples of one channel at the rate of the network's features, int16, little endian."""
        if self.model.input.features is None:
            raise InputError("sound: the network's input has no features; allowed: values")
        if not len(body) or len(body) % 2:
            raise InputError("sound: allowed are samples of 16 bits, at least one")
        steps = sound_inputs(np.frombuffer(body, "<i2").astype(np.int16), self.model.input)
        if not len(steps):
            raise InputError("sound: the filter bank hears nothing in it; allowed: something louder")
        return self._given(steps, "sound")

    def file(self, body: bytes) -> Given:
        """The content of a file of inputs, .npy or .npz."""
        suffix = ".npz" if body.startswith(b"PK") else ".npy"
        with tempfile.TemporaryDirectory(prefix="hdlgen-play.") as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore", Doubtful)
            path = Path(folder) / f"file{suffix}"
            path.write_bytes(body)
            try:
                found = golden.read_inputs(self.model, path)
            except InputError as error:
                raise InputError(str(error).replace(f"{folder}{os.sep}", "")) from None
        lengths = np.ones(len(found.x), np.int64) if found.lengths is None else found.lengths
        if not len(lengths):
            raise InputError("file: holds no input; allowed is at least one")
        kept = lengths[:_MOST]
        labels = None if found.labels is None else found.labels[:_MOST]
        return Given(x=found.x[: int(kept.sum())], lengths=kept, labels=labels, total=len(lengths))

    def _given(self, rows: np.ndarray, where: str) -> Given:
        if not self.model.sequential and len(rows) != 1:
            raise InputError(f"{where}: {len(rows)} steps; allowed: one, the network knows no sequences")
        x = golden.check_input(self.model, rows[:_STEPS], where)
        return Given(x=x, lengths=np.array([len(x)]), labels=None, total=1)

    # ------------------------------------------------------------------------------------------------------- the answer

    def answer(self, given: Given) -> Values:
        """What the board says, what the golden model says, whether that is the same, and how it comes about."""
        sequential, every = self.model.sequential, self.manifest.every_step
        if sequential:
            wanted = golden.evaluate(self.model, given.x, given.lengths, every_step=every)
        else:
            wanted = golden.evaluate(self.model, given.x)
        found, seconds = wanted, 0.0
        if self.board is not None:
            rows = np.split(given.x, np.cumsum(given.lengths)[:-1])
            with self.lock:
                begun = time.monotonic()
                found = ask(self.board, rows)
                seconds = time.monotonic() - begun
                if self.bench is None:
                    pause = self.manifest.weights.refill_cycles
                    self.bench = self.board.bench(given.x[0], frames=2, pause=pause)
        same = (found == wanted).all(axis=1)
        ends = np.cumsum(given.lengths) - 1 if every else np.arange(len(given.lengths))
        owner = np.repeat(np.arange(len(given.lengths)), given.lengths if every else 1)
        differing = len(np.unique(owner[~same]))
        first = given.x[: int(given.lengths[0])]
        values = golden.activations(self.model, first, given.lengths[:1] if sequential else None)
        said = found[ends].argmax(axis=1)
        right = None if given.labels is None else int(np.count_nonzero(said == given.labels))
        return {
            "inputs": len(given.lengths),
            "total": given.total,
            "equal": None if self.board is None else differing == 0,
            "differing": differing,
            "right": right,
            "label": None if given.labels is None else int(given.labels[0]),
            "input": first.tolist(),
            "answer": found[ends[0]].tolist(),
            "golden": wanted[ends[0]].tolist(),
            "said": int(said[0]),
            "layers": [self._layer(number, values[number][-1]) for number in range(1, len(values) - 1)],
            "seconds": round(seconds, 4),
            "cycles": self._cycles(len(first)),
        }

    def _layer(self, number: int, values: np.ndarray) -> Values:
        low, high = self.model.layer(number).format or (int(values.min()), int(values.max()))
        return {"values": values[:_NUMBERS].tolist(), "low": low, "high": high}

    def _cycles(self, steps: int) -> Values:
        manifest, board = self.manifest, self.board
        cycles = manifest.latency_cycles + (steps - 1) * manifest.interval_cycles
        counted = None if self.bench is None else self.bench.latency
        clock = None if board is None else board.identity.clock
        return {
            "counted": counted,
            "predicted": manifest.latency_cycles,
            "interval": manifest.interval_cycles,
            "steps": steps,
            "microseconds": None if clock is None else round(1e6 * cycles / float(clock), 3),
        }

    # --------------------------------------------------------------------------------------------------------- the page

    def page(self, backend: str) -> str:
        source, arrays, features = self.model.input, Arrays(), self.model.input.features
        low, high = source.clamp or (source.low, source.high)
        outputs = self.model.widths[-1]
        image = picture_shape(self.model)
        alike = image is not None and outputs == self.model.input.width
        last = self.model.layers[-1].format or (self.ranges[-1].low, self.ranges[-1].high)
        levels = [{"called": level.called, "width": level.width, "shape": level.shape} for level in self.levels[1:-1]]
        samples = [arrays.add(row) for row in self.stored.rows]
        data = {
            "width": source.width,
            "low": low,
            "high": high,
            "image": image,
            "sequential": self.model.sequential,
            "rate": None if features is None else features.rate,
            "outputs": outputs,
            "names": self.model.output_names,
            "outputImage": image if alike else None,
            "outputLow": max(last[0], -(1 << 52)),
            "outputHigh": min(last[1], 1 << 52),
            "levels": levels,
            "samples": samples,
            "labels": None if self.stored.labels is None else self.stored.labels.tolist(),
            "arrays": arrays.packed,
        }
        return render_page(
            "play.html.jinja",
            ("page.js", "play.js"),
            data,
            connects=True,
            manifest=self.manifest,
            backend=backend,
            board=None if self.board is None else self.board.identity,
            image=image,
            features=features,
            sequential=self.model.sequential,
            sliders=not self.model.sequential and image is None and source.width <= 32,
            width=source.width,
            names=source.names or range(source.width),
            low=low,
            high=high,
            levels=levels,
        )


class _Handler(BaseHTTPRequestHandler):
    """Three addresses below the token: the page, and questions of three kinds."""

    server: "Playground"
    server_version, sys_version = "hdlgen", ""
    protocol_version = "HTTP/1.1"
    timeout = _SECONDS

    def do_GET(self) -> None:
        if self._path("GET") == "":
            self._send(HTTPStatus.OK, "text/html; charset=utf-8", self.server.page.encode())

    def do_POST(self) -> None:
        path = self._path("POST")
        if path is None:
            return
        kind = "application/json" if path == "values" else "application/octet-stream"
        origin, length = self.headers.get("Origin"), self.headers.get("Content-Length", "")
        said = (
            length.isascii() and length.isdecimal() and len(length) < 10 and "Transfer-Encoding" not in self.headers
        )
        if origin is not None and origin.removeprefix("http://") not in self.server.hosts:
            self._refuse(HTTPStatus.FORBIDDEN, "another page asks; allowed: the one at this address")
        elif self.headers.get("Content-Type") != kind:
            self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"allowed: {kind}")
        elif not said:
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "allowed: a body whose length is said")
        elif int(length) > MAX_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{length} bytes; allowed: up to {MAX_BYTES}")
        elif len(body := self.rfile.read(int(length))) == int(length):
            status, answer = self.server.asked(path, body)
            self._send(status, "application/json", json.dumps(answer).encode())

    def _path(self, method: str) -> str | None:
        """What is asked for behind the token; None if that is refused, which is said."""
        token, _, rest = self.path.removeprefix("/").partition("/")
        allowed = {"/": "GET", "/values": "POST", "/sound": "POST", "/file": "POST"}.get(self.path[1 + len(token) :])
        if self.headers.get("Host", "") not in self.server.hosts:
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, "another host")
        elif not hmac.compare_digest(token.encode(errors="replace"), self.server.token.encode()) or allowed is None:
            self._refuse(HTTPStatus.NOT_FOUND, "no such page")
        elif allowed != method:
            self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, f"allowed: {allowed}")
        else:
            return rest
        return None

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self.close_connection = True  # what is left of the request is not read
        self._send(status, "application/json", json.dumps({"error": why}).encode())

    def _send(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(content)),
            "Cache-Control": "no-store",
            "Content-Security-Policy": "frame-ancestors 'none'",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            **({"Connection": "close"} if self.close_connection else {}),
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: an address holds the token."""


class Playground(ThreadingHTTPServer):
    """The server of a `Game`; ``url`` is its address, with the token. `serve_forever` works until `shutdown`."""

    daemon_threads = True

    def __init__(self, game: Game, backend: str, port: int = 0) -> None:
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise InputError(f"port {port} of 127.0.0.1: {error.strerror or error}; name another one") from None
        number = self.server_address[1]
        self.game, self.page = game, game.page(backend)
        self.token = secrets.token_urlsafe(24)
        self.hosts = (f"127.0.0.1:{number}", f"localhost:{number}")
        self.url = f"http://127.0.0.1:{number}/{self.token}/"

    def asked(self, kind: str, body: bytes) -> tuple[HTTPStatus, Values]:
        """The answer to a question of a ``kind``, or why there is none."""
        try:
            given = {"values": self.game.values, "sound": self.game.sound, "file": self.game.file}[kind](body)
        except InputError as error:
            return HTTPStatus.BAD_REQUEST, {"error": line(error)}
        try:
            return HTTPStatus.OK, self.game.answer(given)
        except (InputError, Refused) as error:  # of the board
            return HTTPStatus.BAD_GATEWAY, {"error": line(error)}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away is no error."""


@contextmanager
def playground(
    directory: str | os.PathLike[str],
    *,
    port: str | None = None,
    board: bool = True,
    baud: int | None = None,
    timeout: float = 2.0,
    listen: int = 0,
    progress: bool = False,
    tool_overrides: Mapping[str, str] | None = None,
) -> Iterator[Playground]:
    """A server whose page asks a board that computes the network in ``directory``.

    Parameters
    ----------
    port : str or None
        Serial port of the board; None for a simulated one, which is built first.
    board : bool
        False: none at all, the golden model answers.
    listen : int
        Port on 127.0.0.1; 0: any that is free.

    Others as of :func:`hdlgen.flow.run.run`.

    Raises
    ------
    InputError
        If the folder is unusable, the board does not answer, or the port is taken.
    Refused
        If the board computes another network.
    """
    root = Path(directory)
    manifest = read_manifest(root)
    check_sources(root, manifest)
    with ExitStack() as stack:
        game = Game(root, manifest, None)
        if board:
            way = connected(
                root,
                manifest,
                port=port,
                baud=baud,
                timeout=timeout,
                progress=progress,
                tool_overrides=tool_overrides,
            )
            found = stack.enter_context(way)
            game = Game(root, manifest, found.board, found.loaded)
        backend = "golden model" if not board else "simulated board" if port is None else "board"
        yield stack.enter_context(Playground(game, backend, listen))
