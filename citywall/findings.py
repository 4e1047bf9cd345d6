"""What a detector says: a finding, its entities and its evidence.

Findings are facts with ids derived from what they say, so that saying one twice changes nothing. They hold no
cycles, so the collector of garbage need not walk them: with thousands alive that was a fifth of their cost.
"""

from __future__ import annotations

import hashlib
from enum import IntEnum

import msgspec


class Severity(IntEnum):
    """Five grades; 1 is informational and never wakes anyone."""

    INFORMATIONAL = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5


class Endpoint(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A host, optionally with a port, in its network domain. `prefix` when it stands for a network."""

    address: str
    domain: int = 0
    port: int | None = None
    mac: str | None = None
    prefix: int | None = None


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One flow or packet that supports the finding. `offset` and `frame` are of its first packet."""

    kind: str  # "flow" or "packet"
    source: Endpoint
    target: Endpoint
    proto: str
    time: int
    flow_id: int | None = None
    offset: int | None = None
    frame: int | None = None
    community_id: str | None = None


class Finding(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One observation by one detector at one moment of event time.

    `entity` names what the finding is about (the key of deduplication together with detector and
    kind); `facts` holds what was observed beside what is usual, in units the detector documents.
    """

    id: str
    detector: str
    version: int
    kind: str
    session: str
    lane: str
    time: int  # ns, event time at which the threshold was crossed
    began: int  # ns, event time of the first evidence in the window
    severity: Severity
    confidence: float  # 0..1
    score: float
    threshold: float
    entity: str
    source: Endpoint | None = None
    target: Endpoint | None = None
    facts: dict[str, int | float | str] = {}
    evidence: tuple[Evidence, ...] = ()


def derived_id(*parts: object) -> str:
    """A stable 128-bit id in hex from the text of `parts`."""
    text = "\x1f".join(str(p) for p in parts)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def event_order(finding: Finding) -> tuple[int, str, str, str, int, float, str]:
    """Key that orders findings by event time, then by what they say.

    Ids come last: they name the session, and the same packets in another file must give the same order.
    """
    return (
        finding.time, finding.detector, finding.kind, finding.entity,
        int(finding.severity), finding.score, finding.id,
    )  # fmt: skip
