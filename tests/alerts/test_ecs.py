from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alerts.correlate import Correlator
from alerts.ecs import endpoint_text
from alerts.times import to_iso
from citywall.cards import DetectorCard
from citywall.findings import Endpoint, Severity
from citywall.i18n import tr
from citywall.sessions import LIVE
from citywall.settings import CorrelateSettings

GOLDEN = Path(__file__).parent / "golden" / "scan.json"
Make = Callable[..., Any]


def test_golden_document(
    cards: dict[str, DetectorCard], make_finding: Make, make_evidence: Make, make_session: Make
) -> None:
    """Set REWRITE_GOLDEN=1 to write the file anew after a wanted change, and read the difference."""
    findings = [
        make_finding(0, evidence=(make_evidence(-2, 1), make_evidence(-1, 2, "10.0.1.8"))),
        make_finding(30, severity=Severity.HIGH, score=80.0, evidence=(make_evidence(30, 3, "10.0.1.9"),)),
    ]
    (document,) = Correlator(CorrelateSettings(), cards).add(findings, make_session())
    text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    if os.environ.get("REWRITE_GOLDEN"):
        GOLDEN.write_text(text, "utf-8")
    assert text == GOLDEN.read_text("utf-8")


@pytest.mark.parametrize(
    ("source", "target", "en", "zh"),
    [
        (
            "10.0.0.5",
            "10.0.0.9",
            "Network scan: 10.0.0.5 against 10.0.0.9:22",
            "网络扫描：10.0.0.5 针对 10.0.0.9:22",
        ),
        ("10.0.0.5", None, "Network scan: by 10.0.0.5", "网络扫描：来自 10.0.0.5"),
        (None, "2001:db8::1", "Network scan: against [2001:db8::1]:22", "网络扫描：针对 [2001:db8::1]:22"),
        (None, None, "Network scan: 0/10.0.0.5", "网络扫描：0/10.0.0.5"),
    ],
)
def test_messages(make_document: Make, source: str | None, target: str | None, en: str, zh: str) -> None:
    document = make_document(source=source and Endpoint(source), target=target and Endpoint(target, port=22))
    assert document["message"] == en
    assert document["citywall"]["message_zh"] == zh


def test_messages_count_the_other_side(make_document: Make, make_evidence: Make) -> None:
    document = make_document(evidence=tuple(make_evidence(0, k, f"10.0.1.{k}") for k in range(7)))
    assert document["message"] == "Network scan: 10.0.0.5 against 7 hosts"
    document = make_document(evidence=(make_evidence(0, 1),))
    assert document["message"] == "Network scan: 10.0.0.5 against 10.0.1.7"
    network = Endpoint("10.0.1.0", prefix=24)
    document = make_document(source=None, target=network, evidence=(make_evidence(0, 1),))
    assert document["message"] == "Network scan: 10.0.0.5 against 10.0.1.0/24"
    assert document["destination"] == {"address": "10.0.1.0/24"}
    assert document["citywall"]["destination"] == {"domain": "default", "network": "10.0.1.0/24"}
    assert document["related"]["ip"] == ["10.0.0.5", "10.0.1.7"]


def test_messages_name_the_kind(make_document: Make) -> None:
    for language, field in (("en", "message"), ("zh", "message_zh")):
        kind = tr("detector_scan.kind_horizontal", language)
        document = make_document(kind="horizontal")
        message = {**document, **document["citywall"]}[field]
        assert f" – {kind}" in message


def test_sub_techniques_name_their_technique(make_document: Make) -> None:
    threat = make_document(detector="bruteforce")["threat"]
    assert threat["technique"]["id"] == ["T1110"]
    assert threat["technique"]["subtechnique"]["id"] == ["T1110.001"]
    assert threat["technique"]["subtechnique"]["reference"] == [
        "https://attack.mitre.org/techniques/T1110/001/"
    ]
    assert threat["tactic"]["name"] == ["Credential Access"]


def test_only_ingested_is_wall_clock(make_document: Make, make_session: Make) -> None:
    document = make_document(0.25)
    assert document["@timestamp"] == document["event"]["created"] == "2024-05-01T12:00:00.250000000Z"
    assert document["event"]["start"] == "2024-05-01T11:59:55.250000000Z"
    assert document["event"]["duration"] == 5_000_000_000
    assert document["event"]["ingested"].startswith("2024-05-02")


def test_endpoint_text() -> None:
    assert endpoint_text(None) == ""
    assert endpoint_text(Endpoint("10.0.0.5", port=0)) == "10.0.0.5:0"
    assert endpoint_text(Endpoint("fe80::", prefix=10)) == "fe80::/10"


def test_live_traffic_is_received_when_it_passes(
    cards: dict[str, DetectorCard], make_finding: Make, make_session: Make
) -> None:
    """A live session goes on for weeks: its alerts must not all be kept under the day it began."""
    usual = make_session()
    for received_at in (1, 1 << 62):
        session = msgspec.structs.replace(usual, kind=LIVE, received_at=received_at)
        (document,) = Correlator(CorrelateSettings(), cards).add([make_finding(0)], session)
        expected = max(received_at, make_finding(0).time)
        assert document["event"]["ingested"] == to_iso(expected)
