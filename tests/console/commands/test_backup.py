"""The commands; what a backup holds is tested in tests/trust/backup."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data" / "logs").mkdir(parents=True)
    (tmp_path / "data" / "sessions.json").write_text("{}")
    return tmp_path / "data"


def test_backup_and_its_note(invoke: Any, data: Path, tmp_path: Path):
    made = invoke("backup", str(tmp_path / "b.tar"), "--data", str(data), "--json")
    told = json.loads(made.stdout)
    assert (told["files"], told["bytes"], told["settled"], told["left_out"]) == (1, 2, True, ["logs"])
    assert json.loads((data / "backups.jsonl").read_bytes())["sha256"] == told["sha256"]
    said = invoke("backup", str(tmp_path / "c.tar"), "--data", str(data))
    assert "c.tar: 2 files" in said.stdout
    assert "left out: logs" in said.stderr
    assert invoke("backup", str(tmp_path / "c.tar"), "--data", str(tmp_path / "none")).exit_code == 1
