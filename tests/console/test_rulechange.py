from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from citywall import settings
from citywall.errors import Refused
from citywall.settings import Settings
from console import caller, rulechange
from trust import accounts as room
from trust import chain

RULE = 'alert tcp any any -> any any (msg:"m"; sid:%d;)\n'


def recorded(data: Path) -> list[tuple[Any, ...]]:
    """Changes of rules in the audit log: who, object, outcome and step."""
    lines = [
        line
        for file in sorted((data / chain.FOLDER).glob("*.jsonl"))
        for line in file.read_text().splitlines()
    ]
    records = [json.loads(line) for line in lines if line.startswith("{")]
    return [
        (r["who"], r["object"], r["outcome"], r["detail"].get("step"), bool(r["before"]), bool(r["after"]))
        for r in records
        if r["action"] == "rules.change"
    ]


def test_before_there_are_accounts_the_folders_owner_does(invoke: Any, tmp_path: Path):
    (tmp_path / "a.rules").write_text(RULE % 1)
    data = tmp_path / "data"
    command = ("rules", "update", str(tmp_path / "a.rules"), "--data", str(data))
    assert invoke(*command).exit_code == 0
    [(_, *rest)] = recorded(data)
    assert rest == ["rules:1", "done", "update", False, True]
    with room.opened(data, Settings()):  # as a service would
        busy = invoke(*command)
    assert (busy.exit_code, "--as USER" in busy.stderr) == (2, True)
    assert len(recorded(data)) == 1


def test_the_service_reads_files_for_its_own_user_only(tmp_path: Path):
    def calling(trusted: bool, folder: str = "") -> caller.Caller:
        nobody: Any = None
        own = caller.Office(tmp_path, settings.load(assignments=[f"rules.folder={folder}"]), nobody, nobody)
        return caller.Caller(own, nobody, nobody, str, "socket", tmp_path, trusted=trusted)

    assert not rulechange.missed()
    with caller.serving(calling(True, "somewhere")):
        assert not rulechange.missed()
    with caller.serving(calling(True)):
        assert rulechange.readable("a.rules") == tmp_path / "a.rules"
        assert rulechange.missed()  # rules.folder=none
    with caller.serving(calling(False)), pytest.raises(Refused):
        rulechange.readable("a.rules")
