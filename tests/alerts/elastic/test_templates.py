from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from alerts.correlate import Correlator
from alerts.elastic.templates import (
    SEARCH,
    VERSION,
    Names,
    alert_mappings,
    component_templates,
    index_settings,
    index_templates,
    policy,
)
from alerts.fields import FIELDS, Type
from citywall.findings import Endpoint, Severity
from citywall.servers import ElasticsearchSettings
from citywall.settings import CorrelateSettings
from detectors import registry

ENDPOINTS = (
    None,
    Endpoint("10.0.0.9", 3, 22, "aa:bb:cc:dd:ee:0f"),
    Endpoint("2001:db8::1"),
    Endpoint("10.0.0.0", prefix=8),
    Endpoint("2001:db8::", prefix=48, domain=2),
)


def leaves(mappings: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, body in mappings["properties"].items():
        if "properties" in body:
            yield from leaves(body, f"{prefix}{name}.")
        else:
            yield prefix + name, body


@pytest.fixture(scope="module")
def documents(
    make_finding: Callable[..., Any], make_evidence: Callable[..., Any], make_session: Callable[..., Any]
) -> list[dict[str, Any]]:
    """Alerts of every detector, every kind of source and target, with and without evidence, some risen."""
    cards = registry.cards()
    found: list[dict[str, Any]] = []
    for detector in cards:
        for n, source in enumerate(ENDPOINTS):
            for m, target in enumerate(ENDPOINTS):
                evidence = tuple(make_evidence(n, k, f"10.0.1.{k}") for k in range((n + m) % 3 * 7))
                session = make_session(f"{n}{m}", ("live", "drill", "test")[n % 3])
                findings = [
                    make_finding(
                        s, detector=detector, source=source, target=target, evidence=evidence,
                        session=session.id, lane=session.lane, severity=Severity(1 + s),
                        facts={"n": n, "ratio": 0.5, "text": "网络", "a.b": "", "big": 1 << 60},
                    )
                    for s in range(1 + m % 3)
                ]  # fmt: skip
                found += Correlator(CorrelateSettings(), cards).add(findings, session)
    return found


def test_every_field_is_mapped_by_its_type() -> None:
    mapped = dict(leaves(alert_mappings()))
    own = {name for name in mapped if name.startswith(SEARCH)}
    assert mapped.keys() - own == FIELDS.keys()
    types = {Type.FLOAT: "double"}
    for name, kind in FIELDS.items():
        assert mapped[name]["type"] == types.get(kind, kind.value), name
    assert {mapped[n]["type"] for n, k in FIELDS.items() if k is Type.DATE} == {"date_nanos"}


def test_every_document_is_taken_and_adds_no_field(
    documents: list[dict[str, Any]], elastic_stores: Callable[..., Any]
) -> None:
    store = elastic_stores()
    store.upsert(documents)
    assert {d["event"]["id"]: d for d in store.scan()} == {d["event"]["id"]: d for d in documents}
    assert store.count() == len({d["event"]["id"] for d in documents}) >= 25 * len(registry.cards())
    told = store.connection.ask("GET", f"/{store.names.all_alerts}/_mapping")
    wanted = {name: body["type"] for name, body in leaves(alert_mappings())}
    for body in told.values():
        assert {name: leaf["type"] for name, leaf in leaves(body["mappings"])} == wanted
        assert body["mappings"]["dynamic"] == "strict"
        assert body["mappings"]["_meta"] == {"version": VERSION}
    assert {names for index in told for names in [store.names.parse(index)[0]]} == {"live", "drill", "test"}


def test_indices_stand_behind_their_aliases(elastic_stores: Callable[..., Any], make_document: Any) -> None:
    store = elastic_stores(shards=2, replicas=0)
    store.upsert([make_document(0)])
    (name,) = store.connection.ask("GET", f"/{store.names.alias('live')}/_settings")
    assert name == f"{store.names.prefix}-alerts-live-2024.05.02"
    told = store.connection.ask("GET", f"/{name}/_settings")[name]["settings"]["index"]
    assert told["number_of_shards"] == "2"
    assert told["auto_expand_replicas"] == "0-0"
    assert "lifecycle" not in told


def test_names() -> None:
    names = Names("city")
    assert names.index("live", "2026-11-22") == "city-alerts-live-2026.11.22"
    assert names.parse("city-alerts-live-2026.11.22") == ("live", "2026-11-22")
    for other in ("city-alerts-none-2026.11.22", "citx-alerts-live-2026.11.22", "city-alerts-live-2026.11",
                  names.moving("city-alerts-live-2026.11.22")):  # fmt: skip
        assert names.parse(other) is None
    assert names.moving("city-alerts-live-2026.11.22") == "city-moving-alerts-live-2026.11.22"


def test_lifecycle_only_where_there_is_one() -> None:
    names, settings = Names("city"), ElasticsearchSettings(replicas=2)
    assert index_settings(settings, None) == {"number_of_shards": 1, "auto_expand_replicas": "0-2"}
    with_policy = component_templates(names, settings, names.policy)[names.settings]
    assert with_policy["template"]["settings"]["index"]["lifecycle"] == {"name": "city-alerts"}
    assert policy(190)["policy"]["phases"]["delete"]["min_age"] == "191d"
    assert set(index_templates(names)) == {f"city-alerts-{lane}" for lane in ("live", "drill", "test")}
