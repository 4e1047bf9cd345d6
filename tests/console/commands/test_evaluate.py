from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from alerts.store import open_store
from stream.reports import RunReport, SessionReport

HEADER = "file,class,attacker,victim,expected_detection,ground_truth_basis,format\n"
ROWS = """\
scan.pcap,scan,10.0.0.5,10.0.1.0/24,port scan,upstream-test,pcap dl1
elsewhere.pcap,scan,10.0.0.99,-,port scan,upstream-test,pcap dl1
flood.pcap,dos,"37,623 spoofed sources",-,SYN flood,inspected-by-us,pcap dl1
web.pcap,phishing,10.0.0.5,-,fragments,name-or-readme,pcap dl1
quiet.pcap,benign,-,-,no high-severity alert,name-or-readme,pcap dl1
loud.pcap,benign,-,-,no high-severity alert,name-or-readme,pcap dl1
broken.pcap,scan,10.0.0.5,-,port scan,name-or-readme,pcap dl1
list.txt,dga,-,-,DGA,source-labelled,domain list
"""


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "MANIFEST.csv"
    path.write_text(HEADER + ROWS, "utf-8")
    for row in ROWS.splitlines():
        (tmp_path / row.split(",")[0]).touch()
    return path


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, make_alert: Any) -> list[list[str]]:
    """Stands in for the stream: writes alerts into the store as the real one would; what it was given."""
    alerts = {
        "scan.pcap": ["scan"],
        "elsewhere.pcap": ["scan"],
        "flood.pcap": ["flood"],
        "loud.pcap": ["scan"],
    }
    calls: list[list[str]] = []

    def run_paths(paths: list[Path], data: Path, settings: Any, observe: Any) -> RunReport:
        calls.append([path.name for path in paths])
        report, number = RunReport(), 0
        store = open_store(settings.store, data)
        for path in paths:
            refused = f"{path}: is no capture" if path.name == "broken.pcap" else None
            report.add(SessionReport(str(path), "" if refused else f"id-{path.stem}", refused=refused))
            for rule in alerts.get(path.name, []):
                number += 1
                document = make_alert(number, 4, rule)
                document["citywall"]["session"] = f"id-{path.stem}"
                store.upsert([document])
        store.close()
        return report

    module = ModuleType("stream.runner")
    module.run_paths = run_paths  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "stream.runner", module)
    return calls


def test_json(invoke: Any, manifest: Path, runs: list[list[str]]):
    done = invoke("evaluate", str(manifest), "--json")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert len(runs) == 1  # all captures are sessions of one run
    assert runs[0] == [row.split(",")[0] for row in ROWS.splitlines()[:-1]]
    assert told["recall"] == 0.5
    assert told["benign_alerts"] == 1
    assert told["by_class"] == {
        "scan": {"captures": 2, "found": 1}, "dos": {"captures": 1, "found": 1},
        "phishing": {"captures": 1, "found": 0},
    }  # fmt: skip
    reasons = {c["file"]: (c["found"], c["reason"]) for c in told["captures"]}
    assert reasons == {
        "scan.pcap": (True, "scan at 10.0.0.5, 10.0.1.0/24, severity high"),
        "elsewhere.pcap": (False, "scan, but at other hosts: 10.0.0.5, 10.0.1.0/24"),
        "flood.pcap": (True, "flood, severity high (no host is named, judged by class)"),
        "web.pcap": (False, "no detector for class phishing in this version"),
        "quiet.pcap": (False, "quiet, as it should be"),
        "loud.pcap": (False, "1 false alerts: scan"),
    }
    assert set(told["captures"][0]["alerts"][0]) == {"rule", "severity", "source", "target", "first"}
    assert [(n["file"], n["reason"].partition(":")[0]) for n in told["not_evaluated"]] == [
        ("broken.pcap", "could not be read"),
        ("list.txt", "not traffic (dga)"),
    ]


def test_a_table(invoke: Any, manifest: Path, runs: list[list[str]]):
    done = invoke("evaluate", str(manifest))
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert "scan.pcap       scan      yes    scan at 10.0.0.5, 10.0.1.0/24, severity high" in lines
    assert any(line.split() == ["phishing", "1", "0"] for line in lines)
    assert (
        lines[-2] == "recall 50% (2 of 4 attack captures); alerts above informational on benign captures: 1"
    )
    assert lines[-1] == "Of the classes that a detector or a rule speaks of: 67%; without web.pcap"
    assert "召回率 50%" in invoke("evaluate", str(manifest), "--lang", "zh").stdout


def test_only_some_classes(invoke: Any, manifest: Path, runs: list[list[str]]):
    told = json.loads(invoke("evaluate", str(manifest), "--only", "dos", "--only", "benign", "--json").stdout)
    assert runs == [["flood.pcap", "quiet.pcap", "loud.pcap"]]
    assert told["recall"] == 1.0
    unknown = invoke("evaluate", str(manifest), "--only", "nosuch")
    assert unknown.exit_code == 2
    assert "no rows of class nosuch" in unknown.stderr


def test_nothing_that_can_be_run(invoke: Any, manifest: Path, runs: list[list[str]]):
    told = json.loads(invoke("evaluate", str(manifest), "--only", "dga", "--json").stdout)
    assert runs == []
    assert told["recall"] is None


def test_data_may_be_kept(invoke: Any, manifest: Path, runs: list[list[str]], tmp_path: Path):
    invoke("evaluate", str(manifest), "--data", str(tmp_path / "kept"), "--quiet")
    shown = invoke("alerts", "--data", str(tmp_path / "kept"), "--json").stdout
    assert len(shown.splitlines()) == 4


def test_bad_use(invoke: Any, manifest: Path, tmp_path: Path):
    assert invoke("evaluate", str(manifest), "--rules", "x.rules").exit_code == 1  # no such file
    assert invoke("evaluate", str(tmp_path / "absent.csv")).exit_code == 1
