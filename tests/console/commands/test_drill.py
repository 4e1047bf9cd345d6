"""`citywall drill`, without the stream: plan, brief, score, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drills import library

TEXT = """\
version: 1
id: tiny
title: 小
title_en: Tiny
purpose: 检验
briefing: 值守
storyline: 扫描
seconds: 12
background: [clocks]
attacks:
  - {id: ports, kind: vertical-scan, at: 2, options: {source: 192.0.2.9, ports: 30, seconds: 5}}
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(TEXT, "utf-8")
    return path


def test_scenarios(invoke):
    told = [json.loads(line) for line in invoke("drill", "scenarios", "--json").stdout.splitlines()]
    assert [s["id"] for s in told] == list(library.SHIPPED)
    assert "北门演练" in invoke("drill", "scenarios", "--lang", "zh").stdout


def test_check(invoke, tiny: Path):
    assert invoke("drill", "check", str(tiny), "north-gate").exit_code == 0
    tiny.write_text(TEXT.replace("vertical-scan", "teapot").replace("seconds: 12", "seconds: x"), "utf-8")
    done = invoke("drill", "check", str(tiny))
    assert done.exit_code == 1
    assert f"{tiny}, line 8: seconds" in done.stdout
    assert f"{tiny}, line 11: attacks[1].kind" in done.stdout
    told = json.loads(invoke("drill", "check", str(tiny), "--json").stdout)
    assert told["accepted"] is False
    assert [(f["line"], f["field"]) for f in told["faults"]] == [(8, "seconds"), (11, "attacks[1].kind")]
    planned = invoke("drill", "plan", str(tiny), "--data", str(tiny.parent / "d"))
    assert planned.exit_code == 1
    assert "line 11" in planned.stderr


def test_from_plan_to_score(invoke, tiny: Path, tmp_path: Path):
    data = ("--data", str(tmp_path / "data"))
    assert invoke("drill", "list", *data).stderr
    made = json.loads(invoke("drill", "plan", str(tiny), "--name", "one", "--json", *data).stdout)
    assert (made["name"], made["scenario"], made["seed"], made["attacks"]) == ("one", "tiny", 1, 1)
    assert made["digest"].startswith("sm3:")
    other = json.loads(invoke("drill", "plan", str(tiny), "--seed", "2", "--json", *data).stdout)
    assert other["digest"] != made["digest"]
    assert other["name"].startswith("tiny-2")
    listed = [json.loads(line) for line in invoke("drill", "list", "--json", *data).stdout.splitlines()]
    assert {(d["name"], d["state"]) for d in listed} == {("one", "not_run"), (other["name"], "not_run")}
    assert "Tiny" in invoke("drill", "list", *data).stdout

    trainees = invoke("drill", "brief", "one", *data)
    assert trainees.exit_code == 0
    assert "192.0.2.9" not in trainees.stdout
    assert "192.0.2.9" in invoke("drill", "brief", "one", "--trainer", "--lang", "zh", *data).stdout
    assert json.loads(invoke("drill", "brief", "one", "--json", *data).stdout)["text"].startswith("# ")

    told = json.loads(invoke("drill", "score", "one", "--json", *data).stdout)
    assert {k: told[k] for k in told["reasons"]} == dict.fromkeys(
        ("coverage", "precision", "time_to_detect", "time_to_acknowledge", "time_to_respond")
    )
    assert "not run" in invoke("drill", "score", "one", *data).stdout
    refused = invoke("drill", "report", "one", "--lang", "zh", *data)
    assert refused.exit_code == 1
    assert "尚未执行" in refused.stderr
    capture = made["folder"] + "/capture.pcap"
    again = json.loads(
        invoke("drill", "plan", "--from-capture", capture, "--name", "rec", "--json", *data).stdout
    )
    assert (again["name"], again["title"], again["packets"], again["attacks"]) == (
        "rec",
        "rec",
        made["packets"],
        1,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan",),
        ("plan", "north-gate", "--from-capture", "x.pcap"),
        ("plan", "north-gate", "--truth", "x.yaml"),
        ("plan", "--from-capture", "x.pcap", "--seed", "3"),
        ("run", "x", "--speed", "fast"),
        ("run", "x", "--speed", "0"),
    ],
)
def test_bad_use(invoke, tmp_path: Path, arguments):
    done = invoke("drill", *arguments, "--data", str(tmp_path))
    assert done.exit_code == 2
    assert done.stderr


def test_unknown_drill(invoke, tmp_path: Path):
    for command in ("brief", "run", "score", "report"):
        done = invoke("drill", command, "nothing", "--data", str(tmp_path))
        assert done.exit_code == 1
        assert "no drill 'nothing'" in done.stderr
