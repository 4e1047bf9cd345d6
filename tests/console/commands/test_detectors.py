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
