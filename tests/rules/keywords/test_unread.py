from __future__ import annotations

from tests.rules.keywords.reading import read


def test_rules_load_and_say_that_they_never_match():
    assert read("enip.status:5;", "enip").cannot == ["EtherNet/IP is not parsed"]
