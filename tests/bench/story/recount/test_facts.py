from __future__ import annotations

from bench.story.recount.facts import Facts, date, local, seconds, utc_day


def test_the_day_is_that_of_the_reports_zone():
    assert date("2026-11-29T16:00:00Z") == "2026-11-30"
    assert date("2026-11-29T15:59:59.9Z") == "2026-11-29"
    assert local(seconds("2026-11-29T20:00:00.123456789Z")) == "2026-11-30 04:00:00"
    assert utc_day(seconds("2026-11-29T23:59:59Z")) == "2026-11-29"


def test_what_belongs_to_the_day(facts: Facts):
    assert [a["event"]["id"] for a in facts.alerts] == ["a", "b", "c"]
    assert len(facts.stored) == 4
    assert facts.until - facts.since == 86_400
    assert facts.status_of(facts.alerts[1]) == "false_alarm"
    assert [r["n"] for r in facts.audit] == [1, 2, 3]
    assert all(r["size"] > 50 for r in facts.audit)
