from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trust import chain
from trust.audit import AuditLog

TEXT = "version: 1\nid: tiny\nseconds: x\n"


def records(data: Path) -> list[Any]:
    return list(chain.records_after(chain.files_in(data / "audit"), 0))


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(TEXT, "utf-8")
    return path


def test_it_is_recorded_where_there_is_a_log_and_nobody_holds_it(invoke: Any, bad: Path, tmp_path: Path):
    command = ("drill", "plan", str(bad), "--data", str(tmp_path))
    assert invoke(*command).exit_code == 1
    assert not (tmp_path / "audit").exists()
    with AuditLog(tmp_path / "audit"):
        assert invoke(*command).exit_code == 1
    assert invoke(*command).exit_code == 1
    (told,) = (r for r in records(tmp_path) if r.action == "input.use")
    assert (told.outcome, told.reason, told.detail["command"]) == ("refused", "malformed", "drill-plan")
    faults = [(f["file"], f["line"], f["field"]) for f in told.detail["faults"]]
    assert (str(bad), 3, "seconds") in faults
    assert invoke("audit", "verify", "--data", str(tmp_path)).exit_code == 0
