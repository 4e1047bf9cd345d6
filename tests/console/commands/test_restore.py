"""The commands; what is checked is tested in tests/trust/backup."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from trust.backup.making import make


def test_tried_then_restored(invoke: Any, tmp_path: Path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "sessions.json").write_text("{}")
    make(data, tmp_path / "b.tar")
    tried = invoke("restore", str(tmp_path / "b.tar"), "--check", "--data", str(data), "--json")
    told = json.loads(tried.stdout)
    assert (told["restored"], told["files"], told["databases"], told["records"]) == (False, 1, 0, 0)
    assert json.loads((data / "backups.jsonl").read_bytes())["what"] == "tried"
    said = invoke("restore", str(tmp_path / "b.tar"), "--data", str(tmp_path / "new"))
    assert f"It is in {tmp_path / 'new'} now." in said.stdout
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["backups.jsonl", "sessions.json"]
    again = invoke("restore", str(tmp_path / "b.tar"), "--data", str(tmp_path / "new"))
    assert (again.exit_code, "is not empty" in again.stderr) == (1, True)
    (tmp_path / "b.tar").write_bytes(b"x")
    bad = invoke("restore", str(tmp_path / "b.tar"), "--check", "--data", str(data))
    assert (bad.exit_code, "is no backup" in bad.stderr) == (1, True)
