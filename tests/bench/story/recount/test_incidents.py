from __future__ import annotations

from bench.story.recount import incidents
from bench.story.recount.facts import Facts


def test_alerts_of_the_day_are_counted(facts: Facts):
    found = incidents.counted(facts)
    assert found["alerts_by_class"] == {
        "inputs": {"alerts": 3, "continued": 0}, "values": {"alerts": 3, "classes": 1},
        "rows": [{"class": "attack", "subclass": "x", "alerts": 3, "false_alarms": 1}],
    }  # fmt: skip
    assert found["alerts_by_hour"]["rows"][4] == {"hour": "04", "alerts": 3, "high": 1}
    assert found["alerts_by_level"]["values"] == {"ungraded": 3, "levels": {}}
    assert found["alerts_by_origin"]["values"] == {"outside": 2, "inside": 1, "several": 0}
    assert found["alert_fields"]["values"] == {"alerts": 3, "complete": 3, "permille": 1000}
    assert found["top_sources"]["rows"] == [
        {"source": "192.0.2.1", "unit": None, "alerts": 2, "high": 0},
        {"source": "10.0.0.9", "unit": None, "alerts": 1, "high": 1},
    ]
    assert found["top_targets"]["rows"][0]["unit"] == ["大数据局", "Data Bureau"]
    assert found["top_units"]["values"] == {"units": 1, "nobody": 0}
    assert found["important_systems"] == {
        "inputs": {"alerts": 3, "important": 1}, "values": {"alerts": 3, "systems": 1},
        "rows": [{"system": ["政务云", "Cloud"], "side": "target", "alerts": 3}],
    }  # fmt: skip


def test_a_day_without_alerts_has_no_foremost(facts: Facts):
    facts.alerts = []
    found = incidents.counted(facts)
    assert found["top_units"] == {"inputs": {}, "values": {}, "rows": []}
    assert found["alerts_by_class"]["values"] == {"alerts": 0, "classes": 0}
