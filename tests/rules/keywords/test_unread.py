from __future__ import annotations

from tests.rules.keywords.reading import read


def test_rules_load_and_say_that_they_never_match():
    assert read("luaxform:a.lua;", "http").cannot == ["scripts are not run"]
