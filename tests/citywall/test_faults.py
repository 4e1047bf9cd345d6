from __future__ import annotations

from citywall.faults import Fault, audited


def test_place_field_and_reason():
    fault = Fault("a.yaml", 7, "zones.b.name", "register_fault.too_long", {"most": "200"})
    assert fault.text("en") == "a.yaml, line 7: zones.b.name: is longer than 200 characters"
    assert fault.text("zh") == "a.yaml，第 7 行：zones.b.name：超过 200 个字符"
    assert fault.reason("zh") == "超过 200 个字符"


def test_without_line_or_field():
    fault = Fault("a.yaml", 0, "", "register_fault.not_utf8")
    assert fault.text("en") == "a.yaml: is not UTF-8 text"


def test_what_a_record_holds_is_bounded():
    fault = Fault("a" * 999, 7, "b" * 999, "register_fault.too_long", {"most": "9" * 999})
    told = audited([fault] * 50)
    assert told["count"] == 50
    assert len(told["faults"]) == 20
    assert told["faults"][0]["line"] == 7
    assert max(len(str(value)) for value in told["faults"][0].values()) == 300
