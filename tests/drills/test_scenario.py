"""Texts of scenarios fall back to Chinese."""

from __future__ import annotations

from drills.scenario import Scenario, Words


def test_words():
    assert Words("中", "en").text("en") == "en"
    assert Words("中", "en").text("zh") == "中"
    assert Words("中").text("en") == "中"


def test_recorded():
    words = Words("x")
    assert Scenario("a", words, words, words, capture="x.pcap").recorded
    assert not Scenario("a", words, words, words).recorded
