"""What is particular to the file; the contract is tested in tests/alerts/test_store.py."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from alerts.workfile import WorkFile
from alerts.workflow import UNCHANGED, Step, Workflow
from citywall.errors import StoreError

FRESH = Workflow(received="2024-05-02")


def test_reading_makes_no_file(tmp_path: Path) -> None:
    work = WorkFile(tmp_path / "alerts")
    assert work.get("a").version == UNCHANGED
    assert list(work.everything()) == []
    assert work.count() == 0
    work.forget_before("2024-05-03")
    assert not (tmp_path / "alerts").exists()


def test_versions_count_changes(tmp_path: Path) -> None:
    work = WorkFile(tmp_path)
    first = work.change("a", Step(1, "li", note="x"), UNCHANGED, FRESH)
    assert [first.version, work.change("a", Step(2, "li", note="y"), "1", FRESH).version] == ["1", "2"]
    work.forget_before("2024-05-02")
    assert work.count() == 1
    work.forget_before("2024-05-03")
    assert work.get("a").version == UNCHANGED


def test_damage_and_other_layouts_are_said(tmp_path: Path) -> None:
    work = WorkFile(tmp_path)
    work.change("a", Step(1, "li", note="x"), UNCHANGED, FRESH)
    connection = sqlite3.connect(tmp_path / "workflow.sqlite")
    connection.execute("UPDATE workflows SET doc = '{'")
    connection.commit()
    with pytest.raises(StoreError, match="is damaged"):
        work.get("a")
    connection.execute("PRAGMA user_version = 7")
    connection.close()
    with pytest.raises(StoreError, match="has schema 7"):
        work.get("a")
    (tmp_path / "workflow.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(StoreError, match="not a database"):
        work.get("a")
