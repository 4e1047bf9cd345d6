from __future__ import annotations

import json

from posture.facts import AlertFact, Touched
from posture.index import AXES, SensorFacts, posture
from posture.records import Register, System, Unit
from posture.telling import chosen, formula, told

REGISTER = Register(
    units=(Unit("civil", "民政局"), Unit("data", "大数据局", "Data Bureau")),
    systems=(System("oa", "协同办公", "data", 3), System("portal", "门户", "data", 5, "Portal")),
)
ALERT = AlertFact(
    "a", 10, 10, 10, 4, "scan", "", "", "attack", "attack", "", touched=(Touched("target", "portal", "data"),)
)
FOUND = posture(REGISTER, [ALERT], SensorFacts(frozenset(AXES), frozenset({("portal", "data")})), 0, 100)


def test_what_is_asked_about():
    assert [(r.kind, r.id) for r in chosen(FOUND, None, None)] == [
        ("city", ""),
        ("unit", "civil"),
        ("unit", "data"),
    ]
    assert [r.id for r in chosen(FOUND, "data", None)] == ["data", "oa", "portal"]
    assert [r.id for r in chosen(FOUND, None, "portal")] == ["portal"]
    assert chosen(FOUND, "ghost", None) == chosen(FOUND, None, "ghost") == []


def test_the_explanation_names_the_alerts():
    found = told(FOUND, chosen(FOUND, None, "portal"), REGISTER, explain=True)
    json.dumps(found)
    attack = found["rows"][0]["axes"]["attack"]
    assert (attack["index"], attack["points"], attack["observation"]) == (87.0, 15.0, "observed")
    assert attack["taken"][0] | {"time": ""} == {
        "alert": "a", "time": "", "rule": "scan", "severity": 4, "side": "target", "status": "new",
        "points": 15.0, "loss": 13.0,
    }  # fmt: skip
    assert found["formula"] == formula()


def test_explaining_the_city_brings_the_observed_systems_along():
    rows = told(FOUND, chosen(FOUND, None, None), REGISTER, explain=True)["rows"]
    assert [(r["kind"], r["id"]) for r in rows] == [
        ("city", ""),
        ("unit", "civil"),
        ("unit", "data"),
        ("system", "portal"),
    ]
    assert "taken" not in rows[0]["axes"]["attack"]
    plain = told(FOUND, chosen(FOUND, None, None), REGISTER, explain=False)["rows"]
    assert plain[1]["axes"]["attack"]["index"] is None
    assert plain[2]["name_en"] == "Data Bureau"
