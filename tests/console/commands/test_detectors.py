from __future__ import annotations

import json
from typing import Any

import pytest

from detectors.registry import DETECTORS


def test_list(invoke: Any):
    lines = invoke("detectors", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["id", *DETECTORS]
    assert any("T1110.001" in line for line in lines)
    told = json.loads(invoke("detectors", "list", "--json").stdout)
    assert [entry["id"] for entry in told] == list(DETECTORS)


@pytest.mark.parametrize("id_", list(DETECTORS))
@pytest.mark.parametrize("language", ["en", "zh"])
def test_show_tells_everything(invoke: Any, id_: str, language: str):
    shown = invoke("detectors", "show", id_, "--lang", language).stdout
    flat = "".join(shown.split())
    detector = DETECTORS[id_]
    for name in ("title", "reasoning", "false_positives", "remediation"):
        assert "".join(detector.text(name, language).split()) in flat
    for parameter in detector.parameter_list():
        assert f"{parameter.name} = " in shown
    for technique, *_ in detector.attck:
        assert technique in shown


def test_show_json(invoke: Any):
    told = json.loads(invoke("detectors", "show", "scan", "--json").stdout)
    assert {"id", "version", "title", "reasoning", "parameters", "attck", "axis"} <= set(told)


def test_ranges_and_units(invoke: Any):
    from console.commands.detectors import _bounds

    assert _bounds({"low": 1, "high": 3600, "unit": "s"}) == "[1 .. 3600 s]"
    assert _bounds({"low": 0.5, "high": None, "unit": ""}) == "[0.5 .. ]"
    assert _bounds({"low": None, "high": None, "unit": ""}) == ""


def test_unknown(invoke: Any):
    done = invoke("detectors", "show", "nosuch")
    assert done.exit_code == 2
    assert "no such detector: nosuch (there are: scan" in done.stderr
    assert invoke("detectors", "nosuch").exit_code == 2


def test_a_trial_of_made_up_attacks(invoke: Any):
    told = json.loads(invoke("detectors", "test", "ics", "--json").stdout)
    assert [trial["attack"] for trial in told] == ["reconnaissance of a plant"]
    assert "高强度" in invoke("detectors", "test", "ics", "--lang", "zh").stdout
    assert invoke("detectors", "test", "nosuch").exit_code == 2


def test_tuning_says_what_changes(invoke: Any, monkeypatch: Any, tmp_path: Any):
    from console import tuning

    one = {"kind": "horizontal", "entity": "10.0.0.1", "severity": 3, "score": 30.0, "threshold": 10.0}
    counts = {"informational": 0, "low": 0, "medium": 1, "high": 0, "critical": 0}
    found = {"detector": "scan", "before": counts, "after": counts, "gone": [one], "new": [], "changed": []}
    monkeypatch.setattr(tuning, "compare", lambda *_: found)
    shown = invoke("detectors", "tune", "scan", "--data", str(tmp_path), "--set", "detectors.scan.targets=9")
    assert "would not be raised: horizontal 10.0.0.1 (medium)" in shown.stdout
    told = invoke("detectors", "tune", "scan", "--data", str(tmp_path), "--json")
    assert json.loads(told.stdout) == found
