from __future__ import annotations

from citywall.faults import Fault


def test_place_field_and_reason():
    fault = Fault("a.yaml", 7, "zones.b.name", "register_fault.too_long", {"most": "200"})
    assert fault.text("en") == "a.yaml, line 7: zones.b.name: is longer than 200 characters"
    assert fault.text("zh") == "a.yaml，第 7 行：zones.b.name：超过 200 个字符"
    assert fault.reason("zh") == "超过 200 个字符"


def test_without_line_or_field():
    fault = Fault("a.yaml", 0, "", "register_fault.not_utf8")
    assert fault.text("en") == "a.yaml: is not UTF-8 text"
