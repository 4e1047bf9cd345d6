"""What a case keeps of an alert, and which hosts it touches.

An alert touches the host it comes from and, unless it only looks around (reconnaissance, discovery), those it
is aimed at: who scans a portal has nothing to do with who breaks into it, but a host that was broken into
and then attacks others is one story. A flood touches its target only: its sources are many, and often forged.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from alerts import times
from citywall.errors import StoreError

T = TypeVar("T")
#: Stages of an attack, in order. Tactics of ATT&CK v15 by their ids.
RECONNAISSANCE, INTRUSION, CONTROL, SPREAD, EFFECT = 1, 2, 3, 4, 5
_STAGES = {
    **dict.fromkeys(("TA0043", "TA0042", "TA0007"), RECONNAISSANCE),
    **dict.fromkeys(("TA0001", "TA0002", "TA0003", "TA0004", "TA0005", "TA0006"), INTRUSION),
    "TA0011": CONTROL,
    "TA0008": SPREAD,
    **dict.fromkeys(("TA0009", "TA0010", "TA0040"), EFFECT),
}
#: An alert aimed at more hosts than this is about who sends it.
MAX_TARGETS = 8
#: Risk points of an alert by severity (1 to 5), before confidence and importance: after Slips' threat levels.
_POINTS = {1: 0, 2: 20, 3: 50, 4: 80, 5: 100}


class Rise(msgspec.Struct, frozen=True):
    """A rise in severity within an alert, at an event time (ns)."""

    time: int
    rose_from: int
    rose_to: int


class Asset(msgspec.Struct, frozen=True):
    """What the register said of the asset an alert is about; empty where it said nothing."""

    id: str = ""
    name: str = ""
    system: str = ""
    system_name: str = ""
    unit: str = ""
    unit_name: str = ""
    importance: int = 0
    mlps_level: int = 0
    cii: bool = False


class Member(msgspec.Struct, frozen=True):
    """An alert as its case knows it. Times are event times in ns; `hosts` are `domain/address`.

    `stage` is the earliest that its tactics allow, 0 where they say none. `points` is its risk: by severity,
    confidence in percent, and importance of the asset.
    """

    id: str
    lane: str
    start: int  # of detection: the first finding
    began: int  # of the evidence
    last: int
    severity: int
    stage: int
    points: int
    rule: str
    kind: str
    title_en: str
    title_zh: str
    message_en: str
    message_zh: str
    hosts: tuple[str, ...]
    source: str = ""
    targets: tuple[str, ...] = ()
    tactics: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    gb_class: str = ""
    gb_subclass: str = ""
    count: int = 1
    rises: tuple[Rise, ...] = ()
    first_severity: int = 0
    asset: Asset = Asset()
    session: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """What links it to others: its hosts, in its lane."""
        return _keys(self.lane, self.hosts)

    @property
    def importance(self) -> int:
        """Of the asset it is about, 0 where the register says none."""
        return self.asset.importance

    @property
    def repeats(self) -> tuple[str, str, str]:
        """What another alert must be the same in, to tell nothing new."""
        return self.rule, self.kind, self.source or (self.hosts[0] if self.hosts else "")


@lru_cache(maxsize=8192)
def _keys(lane: str, hosts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"host:{lane}:{host}" for host in hosts)


def newer(one: Member, other: Member) -> Member:
    """Of two states of one alert the later: alerts only grow."""
    return max(one, other, key=lambda m: (m.last, m.count, m.severity, msgspec.json.encode(m)))


@lru_cache(maxsize=4096)
def _shared(value: T) -> T:
    """A value that many alerts have: kept once, since cases are remembered."""
    return value


@lru_cache(maxsize=1024)
def stage_of(tactics: tuple[str, ...]) -> int:
    """The earliest stage that any of the tactics stands for; 0 where none is known."""
    return min((_STAGES[t] for t in tactics if t in _STAGES), default=0)


def of(document: Mapping[str, Any]) -> Member:
    """Read an alert's document (as :mod:`alerts.ecs` writes it); raises StoreError where it is none."""
    try:
        return _read(document)
    except (KeyError, TypeError, ValueError) as e:
        name = document.get("event", {}).get("id", "?")
        raise StoreError(f"alert {name}: is no alert that a case can be made of ({e!r})") from e


def _read(document: Mapping[str, Any]) -> Member:
    event, own = document["event"], document["citywall"]
    dedup, asset = own["dedup"], _asset(own, document.get("organization", {}))
    threat = document.get("threat", {})
    tactics = tuple(threat.get("tactic", {}).get("id", ()))
    technique = threat.get("technique", {})
    techniques = (*technique.get("id", ()), *technique.get("subtechnique", {}).get("id", ()))
    stage, severity = stage_of(tactics), int(event["severity"])
    source, targets = _source(document), _targets(document)
    aimed = targets if stage != RECONNAISSANCE or not source else ()
    rises = tuple(
        Rise(times.from_iso(b["time"]), int(b["from"]), int(b["to"])) for b in dedup.get("breakouts", ())
    )
    confidence = round(100 * min(1.0, max(0.0, own["detector"].get("confidence", 1.0))))
    return Member(
        id=event["id"], lane=_shared(own["lane"]),
        start=times.from_iso(document["@timestamp"]), began=times.from_iso(event["start"]),
        last=times.from_iso(dedup["last_seen"]),
        severity=severity, stage=stage,
        points=_POINTS[severity] * confidence * (2 + max(asset.importance - 3, 0)) // 200,
        rule=_shared(document["rule"]["id"]), kind=_shared(event.get("action", "")),
        title_en=_shared(document["rule"]["name"]),
        title_zh=_shared(own.get("rule_name_zh", document["rule"]["name"])),
        message_en=document["message"], message_zh=own.get("message_zh", document["message"]),
        hosts=tuple(dict.fromkeys([*([source] if source else ()), *aimed])),
        source=source, targets=targets, tactics=_shared(tactics), techniques=_shared(techniques),
        gb_class=_shared(own.get("gb20986", {}).get("class") or ""),
        gb_subclass=_shared(own.get("gb20986", {}).get("subclass") or ""),
        count=int(dedup.get("count", 1)), rises=rises,
        first_severity=rises[0].rose_from if rises else severity,
        asset=_shared(asset), session=_shared(own.get("session", "")),
    )  # fmt: skip


def _source(document: Mapping[str, Any]) -> str:
    """The one host an alert comes from, if there is one."""
    own = document["citywall"]
    if ip := document.get("source", {}).get("ip"):
        return f"{own.get('source', {}).get('domain', own['domain'])}/{ip}"
    sources = own.get("sources", {})
    if "source" not in document and sources.get("count") == 1 and sources["sample"]:
        return f"{own['domain']}/{sources['sample'][0]}"
    return ""


def _targets(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The hosts an alert is aimed at, where they are few enough to name."""
    own = document["citywall"]
    domain = own.get("destination", {}).get("domain", own["domain"])
    if ip := document.get("destination", {}).get("ip"):
        return (f"{domain}/{ip}",)
    targets = own.get("targets", {})
    if not 0 < targets.get("count", 0) <= MAX_TARGETS:
        return ()
    return tuple(f"{domain}/{ip}" for ip in sorted(targets["sample"]))


_UNKNOWN = Asset()


def _asset(own: Mapping[str, Any], organization: Mapping[str, Any]) -> Asset:
    said = own.get("asset", {})
    if not said and not organization:
        return _UNKNOWN
    return Asset(
        id=said.get("id", ""), name=said.get("name", ""),
        system=said.get("system_id", ""), system_name=said.get("system", ""),
        unit=organization.get("id", ""), unit_name=organization.get("name", ""),
        importance=said.get("importance") or 0, mlps_level=said.get("mlps_level") or 0,
        cii=bool(said.get("cii", False)),
    )  # fmt: skip
