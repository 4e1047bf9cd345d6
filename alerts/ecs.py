"""An alert as a document of the Elastic Common Schema, 9.4.

`@timestamp` and `event.created` are the event time of detection (the first finding), `event.start` and
`event.end` that of the evidence; only `event.ingested` comes from a wall clock: when the session was
received; of live traffic, whose times are times of receipt, that of the alert's first finding. So the same
input gives the same document but for that one field.

`event.kind` is `alert` (`signal` is reserved for Elastic's own rules). `event.severity` is 1 to 5,
five the worst; `event.risk_score` is 0 to 100: twenty a grade, within the grade by confidence.
GB/T 20986-2023 codes (its Annex B) are not public, and its level needs the importance of the object and
the loss: both stay null here. What the register says of the hosts is put in by :mod:`alerts.enrich`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import citywall
from alerts import times
from alerts.fields import ECS_VERSION
from alerts.ongoing import Distinct, OngoingAlert, endpoint_name
from citywall.cards import DetectorCard
from citywall.findings import Endpoint, Evidence
from citywall.i18n import known, tr
from citywall.sessions import LIVE, Session

Document = dict[str, Any]
#: What a domain number is called.
DomainNames = Callable[[int], str]

_ATTCK = "https://attack.mitre.org"
_IANA = {"icmp": "1", "tcp": "6", "udp": "17", "gre": "47", "esp": "50", "ah": "51", "ipv6-icmp": "58",
         "sctp": "132"}  # fmt: skip
_CATEGORIES = {
    "malware": ["malware", "network"],
    "violation": ["network"],
    "weakness": ["network"],
    "anomaly": ["network"],
}


def document(
    alert: OngoingAlert, card: DetectorCard, session: Session, window_s: int, domain_name: DomainNames
) -> Document:
    """The ECS document of an alert as it stands."""
    peak = alert.peak
    source, target = peak.source, peak.target
    either = source or target
    return {
        "@timestamp": times.to_iso(alert.start),
        "message": message(alert, card, "en"),
        "ecs": {"version": ECS_VERSION},
        "event": _event(alert, card, session),
        "rule": {
            "id": card.id,
            "name": card.title_en,
            "version": str(peak.version),
            "ruleset": "citywall",
            "category": card.gb_class,
        },
        "threat": _threat(card),
        **({"source": _endpoint(source)} if source else {}),
        **({"destination": _endpoint(target)} if target else {}),
        **_network(alert),
        "observer": {
            "vendor": "Citywall",
            "product": "Citywall",
            "type": "ids",
            "version": citywall.__version__,
        },
        "related": {"ip": _related(alert)},
        "citywall": {
            "message_zh": message(alert, card, "zh"),
            "rule_name_zh": card.title_zh,
            "axis": card.axis,
            "gb20986": {"class": card.gb_class, "subclass": card.gb_subclass, "code": None, "level": None},
            "session": session.id,
            "lane": alert.key[0],
            "entity": peak.entity,
            "domain": domain_name(either.domain if either else 0),
            **({"source": _own_endpoint(source, domain_name)} if source else {}),
            **({"destination": _own_endpoint(target, domain_name)} if target else {}),
            "detector": {
                "name": peak.detector,
                "version": str(peak.version),
                "score": peak.score,
                "threshold": peak.threshold,
                "confidence": peak.confidence,
                "facts": dict(sorted(peak.facts.items())),
            },
            "dedup": _dedup(alert, window_s),
            "sources": _distinct(alert.sources),
            "targets": _distinct(alert.targets),
            "evidence": [_evidence(e, session) for e in alert.evidence()],
            "evidence_count": alert.evidence_count,
        },
    }


def message(alert: OngoingAlert, card: DetectorCard, language: str) -> str:
    """One line for people: who against whom, and how many."""
    title = _title(alert, card, language)
    source, target = endpoint_text(alert.peak.source), endpoint_text(alert.peak.target)
    # A side that the finding leaves open may still be one host, or so many.
    source = source or _only(alert.sources)
    target = target or _only(alert.targets)
    form, count = "neither", 0
    if source and target:
        form = "both"
    elif source:
        form, count = ("targets", alert.targets.count) if alert.targets.count else ("source", 0)
    elif target:
        form, count = ("sources", alert.sources.count) if alert.sources.count else ("target", 0)
    text = tr(f"alerts.message_{form}", language, title=title, source=source, target=target,
              entity=alert.peak.entity, count=count)  # fmt: skip
    if not alert.breakouts:
        return text
    before, after = alert.breakouts[0].rose_from, alert.severity
    return tr("alerts.message_risen", language, text=text,
              before=tr(f"alerts_severity.{before}", language),
              after=tr(f"alerts_severity.{after}", language))  # fmt: skip


def _title(alert: OngoingAlert, card: DetectorCard, language: str) -> str:
    title = card.title_zh if language == "zh" else card.title_en
    return _titled(title, f"detector_{card.id}.kind_{alert.peak.kind}", language)


@lru_cache(maxsize=1024)
def _titled(title: str, kind: str, language: str) -> str:
    """The detector's title, and the kind of finding where the catalogue has a name for it."""
    if not known(kind):
        return title
    return tr("alerts.titled", language, title=title, kind=tr(kind, language))


def _only(distinct: Distinct) -> str:
    return distinct.sample[0] if distinct.count == 1 else ""


def endpoint_text(endpoint: Endpoint | None) -> str:
    """`10.0.0.5`, `10.0.0.5:22`, `[2001:db8::1]:22`, `10.0.0.0/24`, or nothing."""
    if endpoint is None:
        return ""
    name = endpoint_name(endpoint)
    if endpoint.port is None:
        return name
    return f"[{name}]:{endpoint.port}" if ":" in name else f"{name}:{endpoint.port}"


def _event(alert: OngoingAlert, card: DetectorCard, session: Session) -> Document:
    within = min(1.0, max(0.0, alert.peak.confidence))
    return {
        "id": alert.id,
        "kind": "alert",
        "category": _CATEGORIES.get(card.gb_class, ["network", "intrusion_detection"]),
        "type": ["info"],
        "action": alert.peak.kind,
        "code": f"{alert.peak.detector}.{alert.peak.kind}",
        "dataset": "citywall.alert",
        "module": "citywall",
        "provider": alert.peak.detector,
        "severity": alert.severity,
        "risk_score": round((alert.severity - 1 + within) * 20, 3),
        "created": times.to_iso(alert.start),
        "start": times.to_iso(alert.began),
        "end": times.to_iso(alert.last),
        "duration": alert.last - alert.began,
        "ingested": times.to_iso(_received(alert, session)),
    }


def _received(alert: OngoingAlert, session: Session) -> int:
    return max(session.received_at, alert.start) if session.kind == LIVE else session.received_at


@lru_cache(maxsize=1024)
def _threat(card: DetectorCard) -> Document:
    """What the card says of tactics and techniques: one object for all its alerts, not to be changed."""
    tactics = {tactic: name for _, _, tactic, name in card.attck}
    whole = {t: n for t, n, _, _ in card.attck if "." not in t}
    parts = {t: n for t, n, _, _ in card.attck if "." in t}
    parents = {t.partition(".")[0] for t in parts} - set(whole)
    techniques = sorted({*whole, *parents})
    technique: Document = {
        "id": techniques,
        "reference": [f"{_ATTCK}/techniques/{t}/" for t in techniques],
    }
    if whole:
        technique["name"] = [whole[t] for t in techniques if t in whole]
    if parts:
        technique["subtechnique"] = {
            "id": list(parts),
            "name": list(parts.values()),
            "reference": [f"{_ATTCK}/techniques/{t.replace('.', '/')}/" for t in parts],
        }
    return {
        "framework": "MITRE ATT&CK",
        "tactic": {
            "id": list(tactics),
            "name": list(tactics.values()),
            "reference": [f"{_ATTCK}/tactics/{t}/" for t in tactics],
        },
        "technique": technique,
    }


def _endpoint(endpoint: Endpoint) -> Document:
    found: Document = {"address": endpoint_name(endpoint)}
    if endpoint.prefix is None:
        found["ip"] = endpoint.address
    if endpoint.port is not None:
        found["port"] = endpoint.port
    if endpoint.mac is not None:
        found["mac"] = endpoint.mac.upper().replace(":", "-")  # ECS asks for the form of RFC 7042
    return found


def _own_endpoint(endpoint: Endpoint, domain_name: DomainNames) -> Document:
    found: Document = {"domain": domain_name(endpoint.domain)}
    if endpoint.prefix is not None:
        found["network"] = endpoint_name(endpoint)
    return found


def _network(alert: OngoingAlert) -> Document:
    evidence = alert.evidence()
    if not evidence:
        return {}
    first = evidence[0]
    found: Document = {
        "transport": first.proto,
        "type": "ipv6" if ":" in first.source.address else "ipv4",
    }
    if first.proto in _IANA:
        found["iana_number"] = _IANA[first.proto]
    if communities := _once(e.community_id for e in evidence if e.community_id is not None):
        found["community_id"] = communities
    return {"network": found}


def _related(alert: OngoingAlert) -> list[str]:
    ends = [e for e in (alert.peak.source, alert.peak.target) if e is not None and e.prefix is None]
    return _once([*(e.address for e in ends), *alert.sources.sample, *alert.targets.sample])


def _once(names: Any) -> list[str]:
    return list(dict.fromkeys(names))


def _distinct(distinct: Distinct) -> Document:
    return {"count": distinct.count, "exact": distinct.exact, "sample": list(distinct.sample)}


def _dedup(alert: OngoingAlert, window_s: int) -> Document:
    return {
        "key": "/".join(alert.key),
        "count": alert.count,
        "first_seen": times.to_iso(alert.start),
        "last_seen": times.to_iso(alert.last),
        "window_s": window_s,
        "max_severity": alert.severity,
        "breakouts": [
            {"time": times.to_iso(b.time), "from": b.rose_from, "to": b.rose_to} for b in alert.breakouts
        ],
    }


def _evidence(evidence: Evidence, session: Session) -> Document:
    found: Document = {
        "kind": evidence.kind,
        "time": times.to_iso(evidence.time),
        "transport": evidence.proto,
        "source": _address_and_port(evidence.source),
        "destination": _address_and_port(evidence.target),
        "path": session.path,
    }
    if evidence.flow_id is not None:
        found["flow_id"] = f"{evidence.flow_id:016x}"
    for name in ("community_id", "frame", "offset"):
        if (value := getattr(evidence, name)) is not None:
            found[name] = value
    return found


def _address_and_port(endpoint: Endpoint) -> Document:
    found: Document = {"ip": endpoint.address}
    if endpoint.port is not None:
        found["port"] = endpoint.port
    return found
