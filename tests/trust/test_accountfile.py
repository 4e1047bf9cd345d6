from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from citywall.errors import StoreError
from trust.account import Account, Attempts, Stored
from trust.accountfile import AccountFile

LI = Account("li", ("analyst",), "$h", 1, 1)
WANG = Account("wang", ("viewer",), "$h", 1, 1)


def test_reading_makes_no_file(tmp_path: Path) -> None:
    file = AccountFile(tmp_path / "data")
    assert file.get("li") is None
    assert file.everyone() == []
    assert not (tmp_path / "data").exists()


def test_versions_count_changes(tmp_path: Path) -> None:
    file = AccountFile(tmp_path)
    with file.writing() as transaction:
        assert transaction.audited is None
        assert transaction.put(WANG) == Stored(WANG, 1)
        assert transaction.put(LI).version == 1
        assert transaction.put(LI).version == 2
        transaction.audited = 7
        transaction.audited = 8
    assert file.get("li") == Stored(LI, 2)
    assert [stored.account.name for stored in file.everyone()] == ["li", "wang"]
    with file.writing() as transaction:
        assert (transaction.count(), transaction.audited) == (2, 8)
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_all_or_nothing(tmp_path: Path) -> None:
    file = AccountFile(tmp_path)
    nothing: dict[Stored, int] = {}
    with pytest.raises(KeyError), file.writing() as transaction:
        nothing[transaction.put(LI)] += 1
    assert file.everyone() == []


def test_attempts(tmp_path: Path) -> None:
    file = AccountFile(tmp_path)
    with file.writing() as transaction:
        assert transaction.attempts("li") == Attempts()
        transaction.set_attempts("li", Attempts((1, 2), 3))
    with file.writing() as transaction:
        assert transaction.attempts("li") == Attempts((1, 2), 3)
        transaction.set_attempts("li", Attempts())
        assert transaction.attempts("li") == Attempts()


def test_damage_and_other_layouts_are_said(tmp_path: Path) -> None:
    file = AccountFile(tmp_path)
    with file.writing() as transaction:
        transaction.put(LI)
    connection = sqlite3.connect(file.path)
    connection.execute("UPDATE accounts SET doc = '{'")
    connection.commit()
    with pytest.raises(StoreError, match="is damaged"):
        file.get("li")
    connection.execute("PRAGMA user_version = 7")
    connection.close()
    with pytest.raises(StoreError, match="has schema 7"):
        file.everyone()
    file.path.write_bytes(b"no database" * 100)
    with pytest.raises(StoreError, match="not a database"):
        file.get("li")
    with pytest.raises(StoreError, match="/proc/none"), AccountFile(Path("/proc/none")).writing():
        pass
