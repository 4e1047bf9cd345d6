from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from alerts.correlate import Correlator
from alerts.query import parse
from citywall.domains import Domains, DomainSettings
from citywall.findings import Endpoint, Evidence
from citywall.places import Place
from citywall.settings import CorrelateSettings

Make = Callable[..., Any]
START = 1_714_564_800 * 1_000_000_000

OFFICE = Place("", "", "", "", "office", "办公室", "inside", "内部区")
WEB = Place("web", "门户服务器", "portal", "门户", "data", "大数据局", "edge", "互联网区", 4, 3, True)
OA = Place("oa", "协同", "oa", "协同办公", "data", "大数据局", "inside", "内部区", 2, None, False)
ZONE = Place(zone="edge", zone_name="互联网区")
KNOWN = {
    ("default", "10.0.0.5"): OFFICE,
    ("default", "10.0.1.1"): WEB,
    ("default", "10.0.1.2"): OA,
    ("default", "10.0.1.9"): ZONE,
    ("vlan 7", "10.0.1.1"): OA,
}


def locate(domain: str, address: str) -> Place | None:
    return KNOWN.get((domain, address))


@pytest.fixture
def enriched(cards: Any, make_finding: Make, make_session: Make) -> Make:
    def make(**changes: Any) -> dict[str, Any]:
        correlator = Correlator(CorrelateSettings(), cards, Domains(DomainSettings()), locate=locate)
        (document,) = correlator.add([make_finding(**changes)], make_session())
        return document

    return make


def seen(source: str, target: str, domain: int = 0) -> Evidence:
    return Evidence("flow", Endpoint(source, domain), Endpoint(target, domain), "tcp", START)


def test_both_sides_and_the_asset_it_is_about(enriched: Make) -> None:
    document = enriched(source=Endpoint("10.0.0.5"), target=Endpoint("10.0.1.1", port=443))
    assert document["organization"] == {"id": "data", "name": "大数据局"}
    own = document["citywall"]
    web = {
        "id": "web", "name": "门户服务器", "system_id": "portal", "system": "门户", "unit_id": "data",
        "owner": "大数据局", "zone_id": "edge", "importance": 4, "mlps_level": 3, "cii": True,
    }  # fmt: skip
    office = {"unit_id": "office", "owner": "办公室", "zone_id": "inside"}
    assert own["asset"] == {"side": "dst", **web, "src": [office], "dst": [web]}
    assert own["zone"] == {"src": ["内部区"], "dst": ["互联网区"]}


def test_what_nobody_entered_adds_nothing_and_severity_stays(
    enriched: Make, make_finding: Make, cards: Any, make_session: Make
) -> None:
    (plain,) = Correlator(CorrelateSettings(), cards).add([make_finding()], make_session())
    document = enriched(source=Endpoint("10.0.0.5"), target=Endpoint("10.0.1.1"))
    for name in ("severity", "risk_score", "id"):
        assert document["event"][name] == plain["event"][name]
    unknown = enriched(source=Endpoint("192.0.2.1"))
    assert "organization" not in unknown
    assert not {"asset", "zone"} & unknown["citywall"].keys()


def test_the_side_it_came_from_where_the_other_is_not_ours(enriched: Make) -> None:
    document = enriched(source=Endpoint("10.0.0.5"), target=Endpoint("192.0.2.1"))
    assert document["citywall"]["asset"]["side"] == "src"
    assert document["organization"]["id"] == "office"
    assert document["citywall"]["zone"] == {"src": ["内部区"]}


def test_a_zone_without_a_unit_is_told(enriched: Make) -> None:
    document = enriched(source=Endpoint("192.0.2.1"), target=Endpoint("10.0.1.9"))
    assert document["citywall"]["zone"] == {"dst": ["互联网区"]}
    assert "organization" not in document


def test_several_hosts_are_found_in_the_sample_each_place_once(enriched: Make) -> None:
    evidence = tuple(seen("192.0.2.1", f"10.0.1.{i}") for i in (2, 1, 2, 7, 9))
    document = enriched(source=Endpoint("192.0.2.1"), target=None, evidence=evidence)
    asset = document["citywall"]["asset"]
    assert [found["id"] for found in asset["dst"]] == ["oa", "web"]
    assert (asset["side"], asset["id"]) == ("dst", "web")  # the most important of them
    assert document["citywall"]["zone"]["dst"] == ["内部区", "互联网区"]
    prefix = enriched(source=None, target=Endpoint("10.0.1.0", prefix=24), evidence=evidence)
    assert prefix["citywall"]["asset"]["dst"] == asset["dst"]


def test_a_sample_knows_its_network_domain(enriched: Make) -> None:
    # The attacker is public and so in no domain of its own; what it attacks is.
    document = enriched(source=Endpoint("192.0.2.1"), evidence=(seen("192.0.2.1", "10.0.1.1", 7),))
    assert document["citywall"]["asset"]["id"] == "oa"


def test_queries_find_what_the_register_said(enriched: Make) -> None:
    document = enriched(source=Endpoint("10.0.0.5"), target=Endpoint("10.0.1.1"))
    for query in (
        "unit:data", "unit:大数据局", "asset:web", "system:门户", "system:portal", "zone:互联网区",
        "zone:inside", "importance>=4", "mlps:3", "cii:true", "门户服务器", "互联网区", "办公室",
        "citywall.asset.unit_id:data", "citywall.asset.src.unit_id:office", "citywall.zone.dst:互联网区",
    ):  # fmt: skip
        assert parse(query).matches(document), query
    for query in ("unit:office", "asset:oa", "importance>4", "cii:false", "citywall.zone.dst:内部区"):
        assert not parse(query).matches(document), query


def test_the_sample_survives_a_checkpoint(cards: Any, make_finding: Make, make_session: Make) -> None:
    def correlator() -> Correlator:
        return Correlator(CorrelateSettings(), cards, Domains(DomainSettings()), locate=locate)

    first = make_finding(0, target=None, evidence=(seen("192.0.2.1", "10.0.1.1", 7),))
    second = make_finding(5, target=None, evidence=(seen("192.0.2.1", "10.0.1.2"),))
    whole, before, after = correlator(), correlator(), correlator()
    whole.add([first], make_session())
    before.add([first], make_session())
    after.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(before.snapshot())))
    assert after.add([second], make_session()) == whole.add([second], make_session())


def test_an_alert_about_a_portal_belongs_where_the_portal_does(
    cards: Any, make_finding: Make, make_session: Make
) -> None:
    def document(target: str, portal: str) -> dict[str, Any]:
        correlator = Correlator(CorrelateSettings(), cards, locate=locate, portals={"www": OA}.get)
        found = make_finding(source=None, target=Endpoint(target), evidence=(), facts={"portal": portal})
        return correlator.add([found], make_session())[0]

    elsewhere = document("198.51.100.7", "www")  # at somebody else's servers
    assert elsewhere["organization"]["id"] == "data"
    assert elsewhere["citywall"]["asset"]["system_id"] == "oa"
    assert [a["system_id"] for a in document("10.0.1.1", "www")["citywall"]["asset"]["dst"]] == [
        "oa",
        "portal",
    ]
    assert "organization" not in document("198.51.100.7", "other")
