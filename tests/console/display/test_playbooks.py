"""Runs as they are shown are read in tests/console/commands/test_playbooks.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from console.display import playbooks
from console.terminal import Terminal
from playbooks.library import examine


def test_faults_and_warnings(capsys: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("id: x\n", "utf-8")
    playbooks.lint(examine(path), Terminal("zh", plain=True))
    told = capsys.readouterr()
    assert "name：缺少此字段" in told.out
    assert "拒绝使用" in told.err
    playbooks.runs([], Terminal("en", plain=True))
    assert capsys.readouterr().err
