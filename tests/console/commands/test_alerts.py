from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alerts.store import open_store


@pytest.fixture
def data(tmp_path: Path, make_alert: Any) -> Path:
    """A data folder with three alerts, severities 2 to 4."""
    store = open_store("sqlite://", tmp_path)
    store.upsert([make_alert(n, n) for n in (2, 3, 4)])
    store.close()
    return tmp_path


def test_json_lines(invoke: Any, data: Path):
    done = invoke("alerts", "--data", str(data), "--json")
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 0
    assert sorted(d["event"]["severity"] for d in documents) == [2, 3, 4]
    assert done.stderr == ""


def test_a_table(invoke: Any, data: Path):
    lines = invoke("alerts", "--data", str(data)).stdout.splitlines()
    assert lines[0].split() == ["time", "sev.", "title", "source", "target", "findings", "id"]
    assert len(lines) == 4
    assert "2024-05-01 12:00:03  MED   Port scan  10.0.0.5  10.0.1.0/24         3  " + f"{3:032x}" in lines


def test_whose_it_is_where_there_is_a_register(invoke: Any, tmp_path: Path, make_alert: Any):
    store = open_store("sqlite://", tmp_path)
    store.upsert([make_alert(1, organization={"id": "data", "name": "大数据局"})])
    store.close()
    lines = invoke("alerts", "--data", str(tmp_path), "--set", "register=example").stdout.splitlines()
    assert lines[0].split() == ["time", "sev.", "title", "source", "target", "unit", "findings", "id"]
    assert "大数据局" in lines[1]


def test_chinese(invoke: Any, data: Path):
    lines = invoke("alerts", "--data", str(data), "--lang", "zh").stdout.splitlines()
    assert "端口扫描" in lines[1]
    assert lines[0].split() == ["时间", "级别", "标题", "来源", "目标", "次数", "标识"]


def test_where_since_and_limit(invoke: Any, data: Path):
    def ids(*arguments: str) -> list[int]:
        done = invoke("alerts", "--data", str(data), "--json", *arguments)
        assert done.exit_code == 0
        return sorted(int(json.loads(line)["event"]["id"], 16) for line in done.stdout.splitlines())

    assert ids("--where", "severity>=high") == [4]
    assert ids("--where", "src:10.0.0.0/8 severity<3") == [2]
    assert ids("--since", "2024-05-01T12:00") == [2, 3, 4]
    assert ids("--since", "2024-05-02") == []
    assert ids("--since", "1h") == []
    assert len(ids("--limit", "2")) == 2
    assert len(ids("--limit", "0")) == 3


def test_more_than_the_limit_is_said(invoke: Any, data: Path):
    done = invoke("alerts", "--data", str(data), "--limit", "2")
    assert done.stderr == "(2 shown; --limit 0 for all)\n"
    assert invoke("alerts", "--data", str(data), "--limit", "3").stderr == ""


def test_nothing_found(invoke: Any, data: Path):
    done = invoke("alerts", "--data", str(data), "--where", "severity>critical")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "nothing found\n")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--where", "severity>=("], 2, "query, column"),
        (["--where", "no_such_field:1"], 2, "no_such_field"),
        (["--since", "yesterday"], 2, "--since: 'yesterday' is neither"),
        (["--limit", "-1"], 2, "-1"),
    ],
)
def test_bad_use(invoke: Any, data: Path, arguments: list[str], code: int, said: str):
    done = invoke("alerts", "--data", str(data), *arguments)
    assert done.exit_code == code
    assert said in done.stderr
    assert done.stdout == ""


def test_no_data_yet(invoke: Any, tmp_path: Path):
    done = invoke("alerts", "--data", str(tmp_path / "absent"))
    assert done.exit_code == 1
    assert "there is no data in" in done.stderr
    assert not (tmp_path / "absent").exists()


def test_drills_are_not_taken_for_what_is_real(invoke: Any, data: Path, make_alert: Any):
    store = open_store("sqlite://", data)
    drill = make_alert(9, 4)
    drill["citywall"] = drill["citywall"] | {"lane": "drill"}
    store.upsert([drill])
    store.close()

    def count(*arguments: str) -> int:
        return len(invoke("alerts", "--data", str(data), "--json", *arguments).stdout.splitlines())

    assert count() == 3
    assert count("--set", "lane=drill") == count("--where", "lane:drill") == 1
