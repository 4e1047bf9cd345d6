"""Alerts to index: whole documents as the stream writes them, about five kilobytes each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alerts import times
from alerts.correlate import Correlator
from alerts.query import parse
from citywall.findings import Endpoint, Evidence, Finding, Severity, derived_id
from citywall.sessions import Session
from citywall.settings import CorrelateSettings
from detectors import registry

Document = dict[str, Any]
START = 1_714_564_800 * times.SECOND
#: What is found in every document, to see that all arrived.
FINDABLE = parse("axis:*")
_KINDS = 400
_EVIDENCE = 10
_SESSION = Session("5e55", "capture", "/captures/city.pcap", 1 << 30, "live", START + times.DAY)


def documents(count: int) -> Iterator[Document]:
    """`count` alerts, each with an id, a time and an entity of its own.

    What they say of evidence and hosts comes from a few hundred that the correlator made: making each anew
    would cost more than indexing it.
    """
    patterns = _patterns()
    for n in range(count):
        base = patterns[n % len(patterns)]
        time = times.to_iso(START + n * times.SECOND // 10)
        own = base["citywall"]
        yield {
            **base,
            "@timestamp": time,
            "event": {**base["event"], "id": f"{n:032x}", "created": time, "start": time, "end": time},
            "citywall": {
                **own,
                "entity": f"0/10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}",
                "dedup": {**own["dedup"], "first_seen": time, "last_seen": time},
            },
        }


def _patterns() -> list[Document]:
    cards = registry.cards()
    detectors = sorted(cards)
    findings = [_finding(n, detectors[n % len(detectors)]) for n in range(_KINDS)]
    return Correlator(CorrelateSettings(), cards).add(findings, _SESSION)


def _finding(n: int, detector: str) -> Finding:
    source = Endpoint(f"10.0.{n >> 8}.{n & 255}")
    time = START + n * times.SECOND
    evidence = tuple(
        Evidence(
            "flow", Endpoint(source.address, 0, 40_000 + k), Endpoint(f"10.1.{n & 255}.{k + 1}", 0, 22),
            "tcp", time + k, flow_id=(n << 16) + k, offset=24 + 100 * k, frame=100 * n + k,
            community_id=f"1:{n:08x}{k:016x}AA=",
        )
        for k in range(_EVIDENCE)
    )  # fmt: skip
    return Finding(
        id=derived_id(detector, n), detector=detector, version=1, kind="wide", session=_SESSION.id,
        lane=_SESSION.lane, time=time, began=time - times.SECOND, severity=Severity(n % 5 + 1),
        confidence=0.9, score=25.0 + n, threshold=20.0, entity=f"0/{source.address}",
        source=source, evidence=evidence,
        facts={"targets": 25 + n, "answered": 3, "ports": 22, "unanswered_share": 0.88},
    )  # fmt: skip
