from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from citywall import sm3
from trust import chain
from trust.audit import AuditLog

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
