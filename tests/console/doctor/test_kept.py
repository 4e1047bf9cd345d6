from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from citywall.permissions import Identity, Target
from console.doctor import kept
from trust.audit import AuditLog, entry
from trust.backup import journal
from trust.backup.manifest import Entry


def texts(check: Any, world: Any) -> list[str]:
    return [found.text for found in check(world)]


def test_databases(world: Any, tmp_path: Path):
    sqlite3.connect(tmp_path / "a.sqlite").execute("CREATE TABLE t (x)").connection.close()
    assert texts(kept.databases, world()) == ["databases"]
    (tmp_path / "b.sqlite").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    assert texts(kept.databases, world()) == ["database_damaged", "databases"]


def test_audit(world: Any, tmp_path: Path):
    assert texts(kept.audit, world()) == ["no_audit"]
    with AuditLog(tmp_path / "audit") as log:
        log.append(entry(Identity("li", ("analyst",)), "cases.close", Target("case", "7")))
    assert texts(kept.audit, world()) == ["audit"]
    (path,) = (tmp_path / "audit").glob("*.jsonl")
    path.write_bytes(path.read_bytes().replace(b"case:7", b"case:8"))
    assert texts(kept.audit, world()) == ["audit_altered"]
    path.unlink()
    assert texts(kept.audit, world()) == ["audit_failed"]


def test_accounts_and_service(world: Any, tmp_path: Path):
    assert texts(kept.accounts, world()) == ["no_accounts"]
    (tmp_path / "accounts.sqlite").touch()
    assert texts(kept.accounts, world()) == ["accounts"]
    assert texts(kept.service, world()) == ["service_rests"]


def test_register(world: Any, tmp_path: Path):
    assert texts(kept.register, world("register=")) == ["no_register"]
    assert texts(kept.register, world("register=example")) == ["register_example"]
    assert texts(kept.register, world(f"register={tmp_path / 'none.yaml'}")) == ["register_failed"]


def test_backups(world: Any, tmp_path: Path):
    assert texts(kept.backups, world()) == ["backup_never_made", "backup_never_tried"]
    journal.note(tmp_path, Entry("2026-11-29T00:00:00Z", "made", "b", "", 1, 1, sound=True))
    assert texts(kept.backups, world()) == ["backup_made", "backup_never_tried"]
    (tmp_path / "backups.jsonl").write_bytes(b"x\n{}\n")
    assert texts(kept.backups, world()) == ["journal_failed"]
