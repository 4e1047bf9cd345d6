from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from alerts.cases.casebook import Casebook
from alerts.docfile import DocFile
from alerts.store import open_store
from citywall import sm3
from citywall.settings import load
from console import signin
from console.responding import Responding
from console.workdesk import Desk
from trust import accounts, chain
from trust.audit import AuditLog
from trust.passwords import Passwords

ON = ("report", "nightly", "--set", "register=example", "--date", "2024-05-01")


def test_files_of_both_languages_and_the_same_again(invoke: Any, tmp_path: Path):
    done = invoke(*ON, "--data", str(tmp_path))
    folder = tmp_path / "reports" / "2024-05-01"
    made = {p.name: p.read_bytes() for p in folder.iterdir()}
    assert len(made) == 6
    assert done.stdout == f"{folder}: 6 files; manifest SM3 {sm3.hexdigest(made['manifest.json'])}\n"
    assert invoke(*ON, "--data", str(tmp_path), "--out", str(tmp_path / "again")).exit_code == 0
    assert {p.name: p.read_bytes() for p in (tmp_path / "again").iterdir()} == made


def test_one_language_and_json(invoke: Any, tmp_path: Path):
    done = invoke(*ON, "--data", str(tmp_path), "--out", str(tmp_path / "out"), "--lang", "zh", "--json")
    told = json.loads(done.stdout)
    assert told["files"] == [
        "nightly-2024-05-01.json", "nightly-2024-05-01.zh.html", "nightly-2024-05-01.zh.pdf", "manifest.json",
    ]  # fmt: skip
    assert told["folder"] == str(tmp_path / "out")
    (record,) = chain.search(chain.files_at(tmp_path), lambda r: r.action == "reports.make", 0).records
    assert record.n == told["audit_record"]
    assert record.after == f"sm3:{sm3.hexdigest((tmp_path / 'out' / 'manifest.json').read_bytes())}"
    assert told["verdicts"]["evidence_present"] == 0  # nothing was ever seen
    assert told["figures"]["alerts_by_class"]["state"] == "not_observable"


def test_a_log_that_another_process_holds(invoke: Any, tmp_path: Path):
    with AuditLog(tmp_path / "audit"):
        done = invoke(*ON, "--data", str(tmp_path), "--lang", "en", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["audit_record"] is None
    assert "not recorded" in done.stderr


def test_the_last_whole_day_is_the_default(invoke: Any, tmp_path: Path):
    done = invoke("report", "nightly", "--data", str(tmp_path), "--lang", "en", "--json")
    assert json.loads(done.stdout)["day"]["zone"] == "Asia/Shanghai"
    assert "not over" not in done.stderr


def test_bad_use(invoke: Any, tmp_path: Path):
    assert invoke("report", "nightly", "--data", str(tmp_path), "--date", "tomorrow").exit_code == 2
    assert (
        invoke("report", "nightly", "--data", str(tmp_path), "--set", "report.time_zone=Mars").exit_code == 2
    )
    assert invoke("report", "nightly", "--data", str(tmp_path / "none")).exit_code == 1


def test_a_day_with_everything_is_the_same_twice_and_counts_what_the_folder_has(
    invoke: Any, tmp_path: Path, real_alerts: Any, real_flows: Any, monkeypatch: pytest.MonkeyPatch
):
    """Figures are recounted here from documents, files and rows, by other means than the report's queries."""
    monkeypatch.setattr(accounts, "Passwords", lambda: Passwords(memory_kib=64, passes=1, lanes=1))
    settings = load(None, environment={}, assignments=("register=example",))
    found = real_alerts(40)
    store = open_store("sqlite://", tmp_path)
    store.upsert(found)
    real_flows(tmp_path, 6)
    Casebook(DocFile(tmp_path), settings.cases).take(found)
    with accounts.opened(tmp_path, settings) as opened:
        opened.init(signin.local(), "root", "Correct-Horse-9")
        _, given = opened.add(opened.login("root", "Correct-Horse-9", ""), "li", ["analyst"])
        opened.passwd("li", given, "Battery-Staple-8", "")
    desk = Desk(tmp_path, settings)
    desk.log_in("li", "Battery-Staple-8", "")
    false = found[3]["event"]["id"]
    desk.change(false, "", status="false_alarm", note="ours")
    Responding(desk, tmp_path, settings).request("contain-scan", live=False, alert=false)

    made = []
    for name in ("one", "two"):
        out = tmp_path / name
        done = invoke(
            *ON, "--set", "report.time_zone=UTC", "--data", str(tmp_path), "--out", str(out), "--json"
        )
        assert done.exit_code == 0, done.stderr
        made.append({p.name: p.read_bytes() for p in out.iterdir()})
    assert made[0] == made[1]
    figures = json.loads(made[0]["nightly-2024-05-01.json"])["figures"]

    def rows(name: str, key: str, value: str = "alerts") -> dict[Any, int]:
        return {_plain(row[key]): row[value] for row in figures[name]["rows"] if row[value]}

    day = [a for a in store.scan() if a["@timestamp"].startswith("2024-05-01")]
    store.close()
    high = [a for a in day if a["event"]["severity"] >= 4]

    def counted(path: str, among: list[Any] = day) -> dict[Any, int]:
        def at(document: Any) -> Any:
            for part in path.split("."):
                document = document[part]
            return document

        return dict(Counter(map(at, among)))

    assert rows("alerts_by_class", "subclass") == counted("citywall.gb20986.subclass")
    assert rows("alerts_by_class", "subclass", "false_alarms") == {"网络扫描探测": 1}
    assert rows("alerts_by_hour", "hour") == dict(Counter(a["@timestamp"][11:13] for a in day))
    assert rows("alerts_by_hour", "hour", "high") == {"12": len(high)}
    assert rows("alerts_by_level", "severity") == counted("event.severity")
    assert rows("alerts_by_origin", "origin") == {"outside": len(day)}
    assert rows("alert_handling", "status") == {"new": len(day) - 1, "false_alarm": 1}
    assert figures["alert_handling"]["values"]["open_high"] == sum(a["event"]["id"] != false for a in high)
    assert figures["top_sources"]["values"]["distinct"] == len(counted("source.ip"))
    assert rows("top_sources", "source").items() <= counted("source.ip").items()
    assert rows("top_targets", "target") == counted("destination.ip")
    assert rows("top_targets", "target", "high") == counted("destination.ip", high)
    assert rows("top_units", "unit") == counted("organization.name")
    assert rows("important_systems", "system") == {"公众门户": len(day)}
    assert rows("detectors_on", "detector") == {"网络扫描探测": len(day)}
    with closing(sqlite3.connect(tmp_path / "desk.sqlite")) as desk_file:
        bodies = [
            json.loads(b) for (b,) in desk_file.execute("SELECT body FROM documents WHERE kind = 'case'")
        ]
    assert figures["cases"]["values"]["cases"] == sum(bool(body["opened_by"]) for body in bodies)
    kept = {row["log"]: row for row in figures["log_retention"]["rows"]}
    assert kept["alerts"]["records"] == len(found)
    archived = (tmp_path / "flows").rglob("*.parquet")
    assert kept["flows"]["bytes"] == sum(path.stat().st_size for path in archived)
    assert rows("role_separation", "role", "accounts") == {"administrator": 1, "analyst": 1}
    assert figures["playbooks"]["values"]["runs"] == 0  # it was asked for on another day


def _plain(value: Any) -> Any:
    return value[0] if isinstance(value, list) else value
