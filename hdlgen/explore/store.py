"""The file of an exploration: SQLite, with every network, every result, and the command that repeats it.

Several explorers may work on one file. Whoever begins a job claims it, and says every few seconds that it is still there;
a claim of which nothing was heard for a minute is nobody's.
"""

import json
import os
import socket
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hdlgen.errors import InputError
from hdlgen.files import check_writable

__all__ = ["Store"]

_VERSION = 1
_MARK = 0x68646C67  # "hdlg": what SQLite calls the application's id
_BEAT, _DEAD = 10.0, 60.0
"""Seconds between signs of life, and without one until a claim is nobody's."""

_TABLES = """
CREATE TABLE networks (sha256 TEXT PRIMARY KEY, name TEXT NOT NULL, source TEXT NOT NULL, content BLOB NOT NULL,
    accuracy REAL, accuracy_of TEXT);
CREATE TABLE trainings (key TEXT PRIMARY KEY, chosen TEXT NOT NULL, command TEXT NOT NULL, network TEXT, result TEXT,
    error TEXT, final INTEGER NOT NULL DEFAULT 0, owner TEXT, beat REAL, seconds REAL);
CREATE TABLE designs (key TEXT PRIMARY KEY, network TEXT NOT NULL REFERENCES networks, chosen TEXT NOT NULL,
    command TEXT NOT NULL, estimate TEXT, result TEXT, error TEXT, final INTEGER NOT NULL DEFAULT 0, owner TEXT, beat REAL,
    seconds REAL);
"""


class Store:
    """An open file.

    Raises
    ------
    InputError
        If the file is no exploration, of another version, or cannot be opened or written.
    """

    def __init__(self, path: str | os.PathLike[str], *, new: bool = True):
        self.path = Path(path)
        if not new and not self.path.is_file():
            raise InputError(f"{self.path}: not found; `hdlgen explore NET -o {self.path}` makes it")
        check_writable(self.path)
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
        try:
            self._db = self._open()
            with self.writing() as db:
                mark = db.execute("PRAGMA application_id").fetchone()[0]
                version = db.execute("PRAGMA user_version").fetchone()[0]
                empty = not db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
                if empty and not mark:
                    for statement in _TABLES.split(";\n"):
                        db.execute(statement)
                    db.execute(f"PRAGMA application_id={_MARK}")
                    db.execute(f"PRAGMA user_version={_VERSION}")
                elif mark != _MARK or version != _VERSION:
                    what = "no exploration" if mark != _MARK else f"an exploration of version {version}"
                    raise InputError(f"{self.path}: {what}; allowed: a new file, or one of version {_VERSION}")
        except sqlite3.DatabaseError as error:
            raise InputError(
                f"{self.path}: {error}; allowed: a new file, or one that `hdlgen explore` made"
            ) from None
        self._ended = threading.Event()
        self._beating: threading.Thread | None = None

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=60, isolation_level=None)
        db.row_factory = sqlite3.Row
        return db

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction of its own: all of it is written, or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give up what is claimed, and the file."""
        self._ended.set()
        if self._beating is not None:
            self._beating.join()
        with suppress(sqlite3.Error):
            for table in ("trainings", "designs"):
                self._db.execute(f"UPDATE {table} SET owner=NULL, beat=NULL WHERE owner=?", (self.owner,))
        self._db.close()

    def _beat(self) -> None:
        db = self._open()
        while not self._ended.wait(_BEAT):
            with suppress(sqlite3.OperationalError):  # busy: the next time
                for table in ("trainings", "designs"):
                    db.execute(f"UPDATE {table} SET beat=? WHERE owner=?", (time.time(), self.owner))
        db.close()

    # -------------------------------------------------------------------------------------------------------- networks

    def add_network(self, sha256: str, name: str, source: str, content: bytes) -> None:
        """``source`` is what `hdlgen` calls it: a file, a shipped one, or a command that makes it."""
        with self.writing() as db:
            db.execute(
                "INSERT OR IGNORE INTO networks (sha256, name, source, content) VALUES (?, ?, ?, ?)",
                (sha256, name, source, content),
            )

    def rate_network(self, sha256: str, accuracy: float, of: str) -> None:
        """Its accuracy in percent, and of which inputs."""
        with self.writing() as db:
            db.execute("UPDATE networks SET accuracy=?, accuracy_of=? WHERE sha256=?", (accuracy, of, sha256))

    def network(self, sha256: str) -> sqlite3.Row:
        """Raises :class:`InputError` if there is none whose hash begins so, or there are several."""
        found = self._db.execute(
            "SELECT * FROM networks WHERE substr(sha256, 1, ?)=?", (len(sha256), sha256)
        ).fetchall()
        if len(found) != 1:
            raise InputError(
                f"{self.path}: {len(found)} networks whose SHA-256 begins with {sha256!r}; allowed: of one"
            )
        return found[0]

    # ------------------------------------------------------------------------------------------------------------ jobs

    def add_all(self, table: str, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Jobs by their keys, in one transaction."""
        with self.writing() as db:
            for key, columns in rows.items():
                names, marks = ", ".join(columns), ", ".join("?" * len(columns))
                db.execute(
                    f"INSERT OR IGNORE INTO {table} (key, {names}) VALUES (?, {marks})", (key, *columns.values())
                )

    def claim(self, table: str, key: str, *, again: bool = False) -> bool:
        """Whether the job is ours now: it is not done, and nobody works on it. ``again``: also if it is done."""
        if self._beating is None:
            self._beating = threading.Thread(target=self._beat, daemon=True)
            self._beating.start()
        now = time.time()
        with self.writing() as db:
            return bool(
                db.execute(
                    f"UPDATE {table} SET owner=?, beat=? WHERE key=? AND (? OR (result IS NULL AND NOT final))"
                    " AND (owner IS NULL OR beat<?)",
                    (self.owner, now, key, again, now - _DEAD),
                ).rowcount
            )

    def finish(self, table: str, key: str, **columns: Any) -> None:
        """Write what became of a job of ours; it is claimed by nobody any more."""
        names = ", ".join(f"{name}=?" for name in columns)
        with self.writing() as db:
            db.execute(f"UPDATE {table} SET {names}, owner=NULL, beat=NULL WHERE key=?", (*columns.values(), key))

    def update(self, table: str, key: str, **columns: Any) -> None:
        """Write something of a job that nobody needs to claim."""
        names = ", ".join(f"{name}=?" for name in columns)
        with self.writing() as db:
            db.execute(f"UPDATE {table} SET {names} WHERE key=?", (*columns.values(), key))

    def jobs(self, table: str) -> list[sqlite3.Row]:
        """All of them, by their keys' order of entry."""
        return self._db.execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall()

    def job(self, table: str, key: str) -> sqlite3.Row:
        return self._db.execute(f"SELECT * FROM {table} WHERE key=?", (key,)).fetchone()

    def pending(self, table: str, keys: list[str]) -> list[str]:
        """Those that somebody else works on."""
        alive = time.time() - _DEAD
        found = []
        for key in keys:
            row = self.job(table, key)
            if row["owner"] not in (None, self.owner) and row["beat"] >= alive and row["result"] is None:
                found.append(key)
        return found


def loads(text: str | None) -> Any:
    """What a column holds."""
    return None if text is None else json.loads(text)
