from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.dayfile import APPLICATION_ID, SCHEMA, DayFile
from alerts.query import parse
from alerts.sqlfilter import Filter, compiled
from citywall.errors import StoreError
from citywall.findings import Endpoint, Severity

Make = Callable[..., Any]
ALL = Filter("1", (), exact=True)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[DayFile]:
    opened = DayFile(tmp_path / "2024-05-02.sqlite", read_only=False)
    yield opened
    opened.close()


def table(file: DayFile, name: str) -> list[Any]:
    connection = sqlite3.connect(file.path)
    rows = connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() if name != "words" else (
        connection.execute("SELECT rowid, body FROM words ORDER BY 1").fetchall())  # fmt: skip
    connection.close()
    return rows


def test_the_file_says_what_it_is(file: DayFile) -> None:
    connection = sqlite3.connect(file.path)
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_writing_again_changes_nothing(file: DayFile, make_document: Make) -> None:
    documents = [make_document(i, entity=f"e{i}", target=Endpoint(f"10.0.0.{i}")) for i in range(20)]
    file.upsert(documents)
    before = {name: table(file, name) for name in ("alerts", "addresses", "minutes", "words")}
    file.upsert(documents[::-1])
    assert {name: table(file, name) for name in before} == before
    assert before["minutes"] == [(1_714_564_800 * 10**9, 3, 20)]


def test_together_or_one_by_one_is_the_same(file: DayFile, tmp_path: Path, make_document: Make) -> None:
    documents = [
        make_document(i % 7, entity=f"e{i % 7}", target=Endpoint(f"10.0.{i}.1"), severity=Severity(1 + i % 5))
        for i in range(20)
    ]
    file.upsert(documents)
    other = DayFile(tmp_path / "2024-05-03.sqlite", read_only=False)
    for document in documents:
        other.upsert([document])
    for name in ("alerts", "addresses", "words"):
        assert table(file, name) == table(other, name)
    assert file.minutes(0, 1 << 62) == other.minutes(0, 1 << 62)
    other.close()


def test_a_changed_alert_leaves_nothing_of_the_old(file: DayFile, make_document: Make) -> None:
    old = make_document(0, target=Endpoint("10.9.9.9"))
    new = make_document(0, target=Endpoint("10.8.8.8"), severity=Severity.HIGH)
    assert old["event"]["id"] == new["event"]["id"]
    file.upsert([old])
    file.upsert([new])
    assert file.count(compiled(parse("10.9.9.9").node)) == 0
    assert file.count(compiled(parse('"10.9.9.9"').node)) == 0
    assert file.count(compiled(parse("10.8.8.8 sev:high").node)) == 1
    assert [r[1:] for r in table(file, "minutes") if r[2]] == [(4, 1)]


def test_a_bad_document_spoils_no_others(file: DayFile, make_document: Make) -> None:
    bad = make_document(1)
    del bad["event"]["severity"]
    with pytest.raises(StoreError, match="lacks severity"):
        file.upsert([make_document(0), bad])
    assert file.count(ALL) == 0
    file.upsert([make_document(0)])
    assert file.count(ALL) == 1


def test_deleting_a_session_leaves_nothing_of_it(
    file: DayFile, make_document: Make, make_session: Make
) -> None:
    file.upsert([make_document(i, session=make_session("A")) for i in range(5)])
    keep = [make_document(i, session=make_session("B"), entity=f"e{i}") for i in range(3)]
    file.upsert(keep)
    assert file.delete_session("A") == 5
    assert file.delete_session("A") == 0
    assert len(table(file, "alerts")) == len(table(file, "words")) == 3
    assert {r[0] for r in table(file, "addresses")} == {r[0] for r in table(file, "alerts")}
    assert [r[2] for r in table(file, "minutes")] == [3]


@pytest.mark.parametrize("read_only", [True, False])
def test_a_damaged_file_is_named(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "2024-05-02.sqlite"
    path.write_bytes(b"this is no database " * 400)
    with pytest.raises(StoreError, match=r"2024-05-02\.sqlite: is damaged .*move the file aside"):
        DayFile(path, read_only=read_only)


def test_damage_inside_is_named(file: DayFile, make_document: Make) -> None:
    file.upsert([make_document(i, entity=f"e{i}") for i in range(200)])
    file.close()
    raw = bytearray(file.path.read_bytes())
    raw[4096:] = b"\xa5" * (len(raw) - 4096)
    file.path.write_bytes(raw)
    hurt = DayFile(file.path, read_only=True)
    with pytest.raises(StoreError, match="is damaged"):
        hurt.rows(ALL, None, 10)
    hurt.close()


def test_another_schema_is_refused(file: DayFile) -> None:
    connection = sqlite3.connect(file.path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    for read_only in (True, False):
        with pytest.raises(StoreError, match="schema 99"):
            DayFile(file.path, read_only=read_only)


def test_a_file_killed_at_birth_is_empty(tmp_path: Path, make_document: Make) -> None:
    path = tmp_path / "2024-05-02.sqlite"
    path.touch()
    reader = DayFile(path, read_only=True)
    assert reader.empty
    reader.close()
    writer = DayFile(path, read_only=False)
    writer.upsert([make_document(0)])
    writer.close()


def test_times_use_the_index(file: DayFile) -> None:
    connection = sqlite3.connect(file.path)
    plan = connection.execute(
        "EXPLAIN QUERY PLAN SELECT time, id, doc FROM alerts WHERE 1 ORDER BY time DESC, id DESC"
    ).fetchall()
    connection.close()
    assert "alerts_time" in str(plan)
    assert "TEMP B-TREE" not in str(plan)


def test_a_folder_that_may_not_be_written_can_be_read(
    file: DayFile, make_document: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.upsert([make_document(0)])
    file.close()
    assert not file.path.with_name(file.path.name + "-wal").exists()
    monkeypatch.setattr(os, "access", lambda *_: False)
    reader = DayFile(file.path, read_only=True)
    assert reader.count(ALL) == 1
    assert [p.name for p in file.path.parent.iterdir()] == [file.path.name]
    reader.close()


def test_documents_of_any_form_are_stored_alike(file: DayFile, tmp_path: Path, make_document: Make) -> None:
    documents = [make_document(i, entity=f"e{i}", target=Endpoint(f"10.0.0.{i}")) for i in range(8)]
    other = DayFile(tmp_path / "2024-05-03.sqlite", read_only=False)
    file.upsert(documents)
    # A list of objects where one stands: not the form of ours, and it says the same.
    other.upsert([d | {"threat": [d["threat"]], "related": [d["related"]]} for d in documents])
    for name in ("addresses", "minutes", "words"):
        assert table(file, name) == table(other, name)
    assert [row[:-1] for row in table(file, "alerts")] == [row[:-1] for row in table(other, "alerts")]
    other.close()
