"""Long connections: one connection held for hours, through the cuts that a meter makes of it.

RITA reports connections from an hour on and grades them at four, eight and twelve. Services that are held
open by design are named, so that what is left is a shell, a tunnel or a tool that somebody forgot.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.batches import TCP, UDP
from citywall.findings import Severity
from detectors.base import Draft, shown
from detectors.relations.detector import SECOND, RelationDetector, among, crowd, protocol, seconds
from detectors.relations.tables import Related


def _hours(default_text: str) -> Any:
    return Meta(ge=0.1, le=240, extra={"unit": "h"}, description=default_text)


class LongConnectionParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.longconn]`."""

    hours: Annotated[float, _hours("From this on a connection is long.")] = 1.0
    long_hours: Annotated[float, _hours("From this on it is medium.")] = 12.0
    common: Annotated[
        int,
        Meta(ge=2, le=250, extra={"unit": "hosts"},
             description="A target that this many hosts come to is common: told softly."),
    ] = 10  # fmt: skip
    services: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65535)], ...],
        Meta(extra={"unit": "ports"}, description="Ports of services held open by design: told softly."),
    ] = (
        22, 53, 80, 88, 102, 123, 137, 138, 139, 179, 389, 443, 445, 500, 502, 514, 636, 853, 873, 993,
        995, 1194, 1433, 1521, 1812, 1883, 1911, 1962, 2049, 2404, 2455, 3260, 3268, 3306, 3389, 3478,
        4500, 4789, 4840, 4911, 5007, 5060, 5061, 5094, 5222, 5223, 5228, 5353, 5432, 5672, 6379, 6443,
        8009, 8080, 8443, 8883, 9000, 9092, 9200, 9300, 9600, 10050, 10051, 18245, 20000, 27017, 34980,
        44818, 47808, 51820,
    )  # fmt: skip


class LongConnection(RelationDetector):
    """A connection held for hours at a service that is not held open by design."""

    id: ClassVar[str] = "longconn"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("long_connection",)
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1571", "Non-Standard Port", "TA0011", "Command and Control"),
        ("T1572", "Protocol Tunneling", "TA0011", "Command and Control"),
    )
    gb_class: ClassVar[str] = "attack"
    gb_subclass: ClassVar[str] = "后门利用"
    axis: ClassVar[str] = "malware"
    Parameters: ClassVar[type[msgspec.Struct]] = LongConnectionParameters

    parameters: LongConnectionParameters

    def judge_relations(self, related: Related, reports: NDArray[np.void]) -> list[Draft]:
        """Predicates over pairs."""
        p, pairs = self.parameters, related.pairs
        held = pairs["held_last"] - pairs["held_began"]
        told = (held >= int(p.hours * 3600 * SECOND)) & among(pairs["proto"], (TCP, UDP))
        told &= (pairs["answered"] > 0) & ~among(pairs["port"], p.services)
        return [self._draft(pair, row) for pair, row in shown(pairs, related.pair_rows, reports, told)]

    def _draft(self, pair: Any, row: Any) -> Draft:
        p = self.parameters
        source, target = self.source(pair), self.service(pair)
        hours = (int(pair["held_last"]) - int(pair["held_began"])) / SECOND / 3600
        hosts = float(crowd(pair["unheard"]))
        severity = Severity.MEDIUM if hours >= p.long_hours else Severity.LOW
        if hosts >= p.common:
            severity = Severity.INFORMATIONAL
        return Draft(
            kind="long_connection", about="", entity=self.between(source, target),
            time=max(int(row["time"]), int(pair["held_began"])), began=int(pair["held_began"]),
            severity=severity,
            confidence=round(min(0.9, 0.4 + hours / 24), 3),
            score=round(hours, 3), threshold=p.hours,
            source=source, target=target,
            facts={
                "observed": round(hours, 3), "threshold": p.hours,
                "seconds": seconds(pair["held_began"], pair["held_last"]),
                "bytes_sent": int(pair["sent_bytes"]), "bytes_back": int(pair["back_bytes"]),
                "hosts_estimated": round(hosts), "protocol": protocol(pair),
            },
            evidence=self.evidence(pair, row),
        )  # fmt: skip
