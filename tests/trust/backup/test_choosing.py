from __future__ import annotations

import socket
from pathlib import Path

import pytest

from citywall.errors import DataFolderError
from trust.backup.choosing import choose


def test_what_is_taken_and_what_is_left_out(data: Path):
    (data / "desk.sqlite-wal").touch()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(data / "citywall.sock"))
        chosen = choose(data, "audit", packets=False)
    assert chosen.root == ["desk.sqlite"]
    assert chosen.databases == ["alerts/live/2026-11-29.sqlite"]
    assert [name.split("/")[0] for name in chosen.audit] == ["audit"]
    assert chosen.files == ["drills/one/report.pdf", "flows/live/a.parquet", "sessions.json"]
    assert chosen.left_out == ["checkpoints", "link", "log", "logs", "packets", "status.json"]
    assert "packets/lan/1.pcap" in choose(data, "audit", packets=True).files


def test_no_folder(tmp_path: Path):
    with pytest.raises(DataFolderError, match="cannot be read"):
        choose(tmp_path / "none", "audit", packets=False)
