from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from alerts import times
from alerts.correlate import Correlator
from alerts.fields import FIELDS, Type, type_of
from citywall.cards import DetectorCard
from citywall.findings import Endpoint, Severity
from citywall.places import Place
from citywall.settings import CorrelateSettings


def leaves(document: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if (
        isinstance(document, dict)
        and type_of(name) is not Type.FLATTENED
        and FIELDS.get(name) is not Type.FLATTENED
    ):
        for key, value in document.items():
            yield from leaves(value, f"{name}.{key}" if name else key)
    elif isinstance(document, list):
        for value in document:
            yield from leaves(value, name)
    elif document is not None:
        yield name, document
    else:
        assert name in FIELDS


def fits(value: Any, kind: Type) -> bool:
    match kind:
        case Type.KEYWORD | Type.TEXT:
            return isinstance(value, str)
        case Type.IP:
            return str(ipaddress.ip_address(value)) == value
        case Type.NETWORK:
            return str(ipaddress.ip_network(value)) == value
        case Type.LONG:
            return type(value) is int
        case Type.FLOAT:
            return isinstance(value, float | int)
        case Type.DATE:
            return times.to_iso(times.from_iso(value)) == value
        case Type.BOOLEAN:
            return isinstance(value, bool)
        case Type.FLATTENED:
            return all(isinstance(v, int | float | str) for v in value.values())


@pytest.fixture(scope="module")
def documents(
    cards: dict[str, DetectorCard],
    make_finding: Callable[..., Any],
    make_evidence: Callable[..., Any],
    make_session: Callable[..., Any],
) -> list[dict[str, Any]]:
    prefix = Endpoint("2001:db8::", prefix=64)
    host = Endpoint("10.0.0.9", 3, 22, "aa:bb:cc:dd:ee:0f")
    findings = [
        make_finding(0, source=None, facts={}),
        make_finding(1, kind="a", source=prefix, target=host, evidence=(make_evidence(1, 1),)),
        make_finding(1, kind="c", source=host),
        make_finding(2, kind="b", detector="bruteforce", source=None, target=prefix),
        make_finding(3, kind="b", detector="bruteforce", source=None, target=prefix, severity=Severity.HIGH),
    ]
    whole = Place("a", "资产", "s", "系统", "u", "单位", "z", "区域", 4, 3, True)
    correlator = Correlator(CorrelateSettings(), cards, locate=lambda _domain, _address: whole)
    return correlator.add(findings, make_session())


def test_every_field_is_declared_and_of_its_type(documents: list[dict[str, Any]]) -> None:
    seen = set()
    for document in documents:
        for name, value in leaves(document):
            kind = FIELDS.get(name)
            assert kind is not None, f"{name} is not declared"
            assert fits(value, kind), f"{name} = {value!r} is no {kind}"
            seen.add(name)
    unwritten = set(FIELDS) - seen
    # The code and level of GB/T 20986 stay null.
    expected = {"citywall.gb20986.code", "citywall.gb20986.level"}
    assert unwritten == expected


def test_ecs_fields_keep_ecs_forms(documents: list[dict[str, Any]]) -> None:
    for document in documents:
        assert document["event"]["kind"] == "alert"
        assert document["event"]["type"] == ["info"]
        assert set(document["event"]["category"]) <= {"network", "intrusion_detection", "malware"}
        assert 1 <= document["event"]["severity"] <= 5
        assert 0 <= document["event"]["risk_score"] <= 100
        for side in ("source", "destination"):
            if mac := document.get(side, {}).get("mac"):
                assert re.fullmatch(r"[0-9A-F]{2}(-[0-9A-F]{2}){5}", mac)


def test_names_below_a_flattened_field() -> None:
    assert type_of("citywall.detector.facts.targets") is Type.FLATTENED
    assert type_of("citywall.detector.facts.") is None
    assert type_of("citywall.detector.facts") is None
    assert type_of("event.nothing") is None
