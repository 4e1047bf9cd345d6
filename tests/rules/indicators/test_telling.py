from __future__ import annotations

from citywall.batches import DNS_ANSWER, DNS_QUERY
from citywall.domains import Domains, DomainSettings
from citywall.findings import Severity
from citywall.i18n import catalogue
from rules.indicators import matching, telling
from rules.indicators.model import Indicator
from rules.indicators.tables import Table
from rules.indicators.telling import Run
from tests.rules.indicators.rows import events, flow, flows

RUN = Run("s", "live", Domains(DomainSettings()))


def test_a_hit_says_which_list_knows_the_value_and_how_sure_it_is():
    table = Table(
        [
            Indicator("address", "203.0.113.1", "feed", 0.9, Severity.HIGH, 0, 0, "C2", "/x/l.csv", "line 3"),
            Indicator("address", "203.0.113.1", "other", 0.4, Severity.LOW),
        ]
    )  # fmt: skip
    rows = flows(
        flow("10.0.0.5", "203.0.113.1", time=5, first=4, flow_id=7, offset=24, frame=1, dst_port=443)
    )
    (found,) = telling.findings(table, matching.in_flows(table, rows), rows, RUN)
    assert (found.detector, found.kind, found.severity, found.confidence) == (
        "indicator_address", "outgoing", Severity.HIGH, 0.9,
    )  # fmt: skip
    assert found.entity == "10.0.0.5>203.0.113.1"
    assert found.facts == {
        "value": "203.0.113.1", "type": "address", "where": "target", "list": "l.csv", "list_place": "line 3",
        "list_source": "feed, other", "list_confidence": 0.9, "list_title": "C2",
    }  # fmt: skip
    assert found.evidence[0].flow_id == 7


def test_what_has_expired_says_nothing():
    table = Table([Indicator("domain", "evil.example", "feed", 0.9, Severity.HIGH, 0, 100)])
    rows = events((DNS_QUERY, [b"evil.example"], {"time": 99}), (DNS_QUERY, [b"evil.example"], {"time": 100}))
    (found,) = telling.findings(table, matching.in_events(table, rows), rows, RUN)
    assert found.time == 99


def test_an_answer_is_about_who_asked():
    table = Table([Indicator("address", "203.0.113.1", "feed", 0.9, Severity.HIGH)])
    rows = events(
        (DNS_ANSWER, [b"a.example"], {"source": "10.0.0.53", "target": "10.0.0.5", "answer": "203.0.113.1"})
    )
    (found,) = telling.findings(table, matching.in_events(table, rows), rows, RUN)
    assert found.source is not None
    assert (found.source.address, found.entity, found.kind) == ("10.0.0.5", "10.0.0.5>203.0.113.1", "answer")


def test_every_kind_has_a_card_and_texts():
    for name, card in telling.cards().items():
        assert card.id == name
        assert card.attck
    kinds = {"address": ("incoming", "outgoing", "answer"), "domain": ("query", "server_name", "host")}
    for kind, of in kinds.items():
        assert all(f"detector_indicator_{kind}.kind_{each}" in catalogue() for each in of)
