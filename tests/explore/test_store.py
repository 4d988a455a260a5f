"""The file of an exploration: claims, several explorers, and files that are none."""

import sqlite3
import time
from pathlib import Path

import pytest

from hdlgen.errors import InputError
from hdlgen.explore import store as stores
from hdlgen.explore.store import Store

ROW = {"chosen": "{}", "command": "hdlgen", "network": "n"}


def filled(path: Path) -> Store:
    store = Store(path)
    store.add_network("n", "net", "net.safetensors", b"bytes")
    store.add_all("designs", {"one": ROW, "two": ROW})
    return store


def test_a_job_is_done_once(tmp_path: Path) -> None:
    with filled(tmp_path / "x.sqlite") as first, Store(tmp_path / "x.sqlite") as second:
        assert first.claim("designs", "one")
        assert not second.claim("designs", "one")
        assert second.claim("designs", "two")
        assert first.pending("designs", ["one", "two"]) == ["two"]
        first.finish("designs", "one", result="{}")
        assert not second.claim("designs", "one")
        assert second.claim("designs", "one", again=True)


def test_what_is_given_up_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(tmp_path / "x.sqlite") as second:
        first = filled(tmp_path / "x.sqlite")
        assert first.claim("designs", "one")
        first.close()  # in good order
        assert second.claim("designs", "one")
    first = Store(tmp_path / "x.sqlite")
    assert first.claim("designs", "one")
    with Store(tmp_path / "x.sqlite") as second:  # the first was killed: nothing is heard of it
        assert not second.claim("designs", "one")
        now = time.time()
        monkeypatch.setattr(stores.time, "time", lambda: now + 61)
        assert second.claim("designs", "one")
        monkeypatch.undo()
    first.close()


def test_what_is_impossible_is_final(tmp_path: Path) -> None:
    with filled(tmp_path / "x.sqlite") as store:
        store.claim("designs", "one")
        store.finish("designs", "one", error="no", final=1)
        store.claim("designs", "two")
        store.finish("designs", "two", error="hung", final=0)
        assert not store.claim("designs", "one")
        assert store.claim("designs", "two")


def test_everything_is_kept(tmp_path: Path) -> None:
    filled(tmp_path / "x.sqlite").close()
    with filled(tmp_path / "x.sqlite") as store:
        assert [row["key"] for row in store.jobs("designs")] == ["one", "two"]
        assert store.network("n")["content"] == b"bytes"


def test_other_files(tmp_path: Path) -> None:
    text, other = tmp_path / "text", tmp_path / "other.sqlite"
    text.write_text("no database, but longer than a header of one is" * 100)
    with pytest.raises(InputError, match="text: file is not a database; allowed: a new file, or one that"):
        Store(text)
    assert text.read_text().startswith("no database")
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE mine (x)")
    db.close()
    with pytest.raises(InputError, match=r"other\.sqlite: no exploration; allowed: a new file, or one of version 1"):
        Store(other)
    with pytest.raises(InputError, match="none: not found; `hdlgen explore NET -o "):
        Store(tmp_path / "none", new=False)
    with pytest.raises(InputError, match="cannot be written"):
        Store(tmp_path)
