from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from citywall.permissions import Identity, Target
from trust.audit import AuditLog, entry


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with a bit of everything."""
    data = tmp_path / "data"
    for name, text in {
        "sessions.json": "{}", "flows/live/a.parquet": "PAR1", "logs/citywall.log": "x", "log/0/0.log": "x",
        "checkpoints/1": "x", "status.json": "{}", "packets/lan/1.pcap": "p", "LOCK": "",
        "drills/one/report.pdf": "%PDF",
    }.items():  # fmt: skip
        path = data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (data / "alerts" / "live").mkdir(parents=True)
    for name in ("desk.sqlite", "alerts/live/2026-11-29.sqlite"):
        connection = sqlite3.connect(data / name)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (x)")
        connection.executemany("INSERT INTO t VALUES (?)", [(name * 30,)] * 100)
        connection.commit()
        connection.close()
    with AuditLog(data / "audit") as log:
        log.append(entry(Identity("li", ("analyst",)), "cases.close", Target("case", "7")))
    (data / "link").symlink_to("/etc/passwd")
    return data
