"""The commands; what verification finds is tested in tests/trust/test_verify.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from citywall.permissions import Identity, Target
from console.cli import cli
from trust import accounts as room
from trust.audit import AuditLog, entry
from trust.passwords import Passwords

SECOND = 1_000_000_000
DAY = 86400 * SECOND
START = 1_700_000_000 * SECOND


@pytest.fixture
def data(tmp_path: Path) -> Path:
    times = iter(range(START, START + 10 * DAY, DAY))
    with AuditLog(tmp_path / "audit", clock=lambda: next(times)) as log:
        for name, case in (("li", "7"), ("wang", "8"), ("li", "9")):
            log.append(entry(Identity(name, ("analyst",)), "cases.close", Target("case", case)))
        refused = entry(
            Identity("li", ("analyst",)), "playbooks.approve", Target("run", "\x1b[2J"), outcome="refused",
            reason="role",
        )  # fmt: skip
        log.append(refused)
    return tmp_path


def listed(invoke: Any, data: Path, *more: str) -> list[int]:
    done = invoke("audit", "list", "--data", str(data), "--json", *more)
    assert done.exit_code == 0, done.output
    return [json.loads(line)["n"] for line in done.stdout.splitlines()]


def test_verify(invoke: Any, data: Path) -> None:
    done = invoke("audit", "verify", "--data", str(data))
    assert done.exit_code == 0
    said, head = done.stdout.splitlines()
    assert said == "5 records in 1 files, 1 to 5, are as they were written."
    told = json.loads(invoke("audit", "verify", str(data / "audit"), "--json").stdout)
    assert (told["ok"], told["records"], told["problem"]) == (True, 5, None)
    assert head == f"Head: 5:{told['last']['sm3']}"
    assert invoke("audit", "verify", "--data", str(data), "--head", head[6:]).exit_code == 0
    assert invoke("audit", "verify", "--data", str(data), "--head", "x").exit_code == 2


def test_what_was_altered_is_named(invoke: Any, data: Path) -> None:
    (path,) = (data / "audit").glob("*.jsonl")
    path.write_bytes(path.read_bytes().replace(b"case:8", b"case:6"))
    done = invoke("audit", "verify", "--data", str(data))
    assert (done.exit_code, done.stdout) == (
        1, f"{path}, line 3: record 3 was altered: does not have the hashes it states\n",
    )  # fmt: skip
    assert "记录 3 被篡改" in invoke("audit", "verify", str(path), "--lang", "zh").stdout
    told = json.loads(invoke("audit", "verify", str(path), "--json").stdout)
    assert (told["ok"], told["problem"]["kind"], told["problem"]["line"]) == (False, "altered", 3)
    assert "1 lines are no records" in invoke("audit", "list", "--data", str(data)).stderr


def test_where_there_is_none(invoke: Any, tmp_path: Path) -> None:
    for command in ("verify", "list"):
        assert "holds no audit log" in invoke("audit", command, str(tmp_path)).stderr


def test_list_and_its_filters(invoke: Any, data: Path) -> None:
    lines = invoke("audit", "list", "--data", str(data)).stdout.splitlines()
    assert lines[0].split() == ["n", "time", "who", "action", "object", "outcome", "reason"]
    assert lines[2].split() == ["2", "2023-11-15T22:13:20Z", "li", "cases.close", "case:7", "done"]
    assert lines[5].split()[4:] == ["run:\\x1b[2J", "refused", "role"]
    assert listed(invoke, data) == [1, 2, 3, 4, 5]
    assert listed(invoke, data, "--limit", "2") == [4, 5]
    assert listed(invoke, data, "--who", "li") == [2, 4, 5]
    assert listed(invoke, data, "--action", "cases.", "--who", "li") == [2, 4]
    assert listed(invoke, data, "--object", "case:8") == [3]
    assert listed(invoke, data, "--outcome", "refused") == [5]
    assert listed(invoke, data, "--since", "2023-11-16", "--until", "2023-11-18") == [3, 4]
    assert "no records" in invoke("audit", "list", "--data", str(data), "--who", "nobody").stderr


def test_retention_is_the_auditors(invoke: Any, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "Passwords", lambda: Passwords(memory_kib=64, passes=1, lanes=1))

    def call(*arguments: str, typed: tuple[str, ...]) -> Any:
        lines = "".join(f"{line}\n" for line in typed)
        return invoke.runner.invoke(cli, (*arguments, "--data", str(data)), input=lines)

    call("accounts", "init", "root", typed=("Correct-Horse-9",))
    done = call("accounts", "add", "sun", "--role", "auditor", "--as", "root", "--json",
                typed=("Correct-Horse-9",))  # fmt: skip
    given = json.loads(done.stdout)["password"]
    call("accounts", "passwd", "sun", typed=(given, "Battery-Staple-8"))
    refused = call("audit", "retain", "--as", "root", typed=("Correct-Horse-9",))
    assert refused.exit_code == 1
    keeps = call("audit", "retain", "--as", "sun", "--json", typed=("Battery-Staple-8",))
    assert json.loads(keeps.stdout) == {"removed": ["000000000001-2023-11.jsonl"]}
    assert json.loads(invoke("audit", "verify", str(data), "--json").stdout)["first"] == 6
