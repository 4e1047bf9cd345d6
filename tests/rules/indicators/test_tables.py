from __future__ import annotations

from citywall.findings import Severity
from rules.indicators.model import Indicator
from rules.indicators.tables import Table


def made(kind: str, value: str, source: str = "s", confidence: float = 0.5, ends: int = 0) -> Indicator:
    return Indicator(kind, value, source, confidence, Severity.LOW, 0, ends)


def test_what_holds_of_a_value_the_surest_first():
    table = Table(
        [
            made("domain", "a.example", "x"),
            made("domain", "a.example", "y", 0.9, 100),
            made("domain", "b.example"),
        ]
    )
    assert [i.source for i in table.holders("domain", 0, 50)] == ["y", "x"]
    assert [i.source for i in table.holders("domain", 0, 100)] == ["x"]
    assert table.of_value("domain", "c.example", 0) == []


def test_where_indicators_are_looked_for():
    assert Table([made("address", "203.0.113.1")]).in_rows
    assert not Table([made("address", "203.0.113.1")]).beyond
    assert Table([made("md5", "a" * 32)]).beyond
    assert not Table([])


def test_urls_that_show_the_same_are_one():
    long = "/" + "a" * 200
    table = Table(
        [
            made("url", f"a.example:8080{long}x"),
            made("url", f"a.example:8080{long}y"),
            made("url", "a.example:81/z"),
        ]
    )
    assert len(table.holders("url", 0, 0)) == 2
    assert table.ports.tolist() == [8080, 81]
