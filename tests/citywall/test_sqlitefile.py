from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from citywall.errors import StoreError
from citywall.sqlitefile import AUDITED, Audited, SqliteFile

TABLES = ("CREATE TABLE things (name TEXT PRIMARY KEY, doc BLOB)", AUDITED)
KILLED = """
import os, signal, sys
from pathlib import Path
from citywall.sqlitefile import SqliteFile
with SqliteFile(Path(sys.argv[1]), 1, ()).writing() as connection:
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("UPDATE things SET doc = 'changed'")
    for i in range(2000):  # more than the cache holds: pages of the file are overwritten
        connection.execute("INSERT INTO things VALUES (?, ?)", (f"other {i}", "x" * 500))
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def file(tmp_path: Path) -> SqliteFile:
    return SqliteFile(tmp_path / "folder" / "things.sqlite", 1, TABLES)


def names(file: SqliteFile) -> list[str] | None:
    with file.reading() as connection:
        if connection is None:
            return None
        return [name for (name,) in connection.execute("SELECT name FROM things ORDER BY name")]


def add(file: SqliteFile, name: str) -> None:
    with file.writing() as connection:
        connection.execute("INSERT INTO things VALUES (?, 'first')", (name,))


def fail(file: SqliteFile, statement: str) -> None:
    """Raise after a change."""
    with file.writing() as connection:
        connection.execute(statement)
        raise ZeroDivisionError


def test_what_was_written_is_read(file: SqliteFile):
    assert names(file) is None
    add(file, "a")
    add(file, "b")
    assert names(file) == ["a", "b"]
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_a_transaction_that_fails_leaves_nothing(file: SqliteFile):
    with pytest.raises(ZeroDivisionError):
        fail(file, "INSERT INTO things VALUES ('a', 'b')")
    assert names(file) is None
    add(file, "a")
    with pytest.raises(StoreError, match=r"things\.sqlite: UNIQUE constraint failed"):
        add(file, "a")
    assert names(file) == ["a"]


def test_whoever_reads_after_a_kill_reads_what_was_committed(file: SqliteFile):
    """The file is half overwritten then; to read it is to undo that, which a read-only connection cannot."""
    add(file, "a")
    subprocess.run([sys.executable, "-c", KILLED, str(file.path)], check=False)
    journal = file.path.with_name(f"{file.path.name}-journal")
    assert journal.stat().st_size > 0
    assert names(file) == ["a"]
    with file.reading() as connection:
        assert connection is not None
        assert connection.execute("SELECT doc FROM things").fetchall() == [("first",)]


def test_another_schema_and_damage_are_refused_by_name(file: SqliteFile):
    add(file, "a")
    with pytest.raises(StoreError, match=r"things\.sqlite: has schema 1, this version of Citywall reads 2"):
        names(SqliteFile(file.path, 2, TABLES))
    with pytest.raises(StoreError, match=r"things\.sqlite: is damaged"), file.reading():
        msgspec.json.decode(b"{")
    file.path.write_bytes(b"no database at all, by far" * 100)
    with pytest.raises(StoreError, match=r"things\.sqlite: file is not a database"):
        names(file)
    blocked = file.path.parent / "file"
    blocked.write_text("x")
    with pytest.raises(StoreError, match=r"things\.sqlite: "):
        add(SqliteFile(blocked / "things.sqlite", 1, TABLES), "a")


def test_the_last_audited_record_is_part_of_the_transaction(file: SqliteFile):
    with file.writing() as connection:
        assert Audited(connection).audited is None
        Audited(connection).audited = 7
    with pytest.raises(ZeroDivisionError):
        fail(file, "INSERT OR REPLACE INTO audited VALUES (1, 8)")
    with file.writing() as connection:
        assert Audited(connection).audited == 7


def test_a_file_that_may_only_be_read_is_read(file: SqliteFile):
    add(file, "a")
    file.path.chmod(0o400)
    assert names(file) == ["a"]
