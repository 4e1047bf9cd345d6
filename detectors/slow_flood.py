"""Slow floods: connections that are held open and never finish what they ask, until no place is left.

Slowloris sends a request's head a line at a time, a slow POST its body, slow reading takes the answer a few
bytes at a time: each connection is cheap and looks patient, and a server that keeps a place for each has
soon none. What shows is their number: a browser holds six connections to a server at most, and servers
answer requests. So connections that are old and carry next to nothing are counted, by source and service
those of any kind, by service those whose question nobody answered.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.findings import Severity
from detectors.base import Draft, plain
from detectors.holding.records import LINES, SERVICE
from detectors.holding.tables import Held
from detectors.relations.detector import RelationDetector, seconds
from detectors.sketches.estimates import counted


class SlowFloodParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.slowflood]`."""

    unfinished: Annotated[
        int,
        Meta(ge=4, le=400, extra={"unit": "connections"},
             description="Unanswered old connections of one source to one service within the window."),
    ] = 30  # fmt: skip
    held: Annotated[
        int,
        Meta(ge=4, le=400, extra={"unit": "connections"},
             description="Old connections of one source to one service that carry next to nothing."),
    ] = 100  # fmt: skip
    together: Annotated[
        int,
        Meta(ge=4, le=400, extra={"unit": "connections"},
             description="Unanswered old connections of all sources to one service within the window."),
    ] = 200  # fmt: skip
    age_s: Annotated[
        int, Meta(ge=5, le=3600, extra={"unit": "s"}, description="From this age on a connection is old.")
    ] = 30  # fmt: skip
    few_bytes: Annotated[
        int,
        Meta(ge=64, le=1 << 20, extra={"unit": "bytes"},
             description="Payload of both directions that is next to nothing; a TLS handshake takes 5,000."),
    ] = 8192  # fmt: skip
    rate: Annotated[
        int,
        Meta(ge=0, le=100_000, extra={"unit": "bytes/s"},
             description="And so much more for each second of the connection's age."),
    ] = 64  # fmt: skip
    window_s: Annotated[
        int, Meta(ge=30, le=3600, extra={"unit": "s"}, description="Window they are counted in.")
    ] = 180  # fmt: skip
    held_open: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65535)], ...],
        Meta(extra={"unit": "ports"}, description="Services held open by design; so is any port from 32768."),
    ] = (
        22, 23, 53, 88, 102, 135, 139, 143, 179, 389, 445, 502, 514, 636, 873, 993, 1194, 1433, 1521, 1883,
        2049, 2404, 3260, 3268, 3306, 3389, 5060, 5061, 5222, 5223, 5228, 5432, 5672, 5900, 6379, 8883, 9092,
        9300, 10050, 10051, 20000, 27017,
    )  # fmt: skip


class SlowFlood(RelationDetector):
    """A service whose places are taken by connections that ask for nothing."""

    id: ClassVar[str] = "slowflood"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("unfinished", "held")
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1499.002", "Service Exhaustion Flood", "TA0040", "Impact"),
        ("T1499.003", "Application Exhaustion Flood", "TA0040", "Impact"),
    )
    gb_class: ClassVar[str] = "attack"
    gb_subclass: ClassVar[str] = "拒绝服务"
    axis: ClassVar[str] = "paralysis"
    kernels: ClassVar[tuple[str, ...]] = ("detectors.holding.kernels.observe_flows",)
    oracle: ClassVar[str] = "tests.detectors.holding.oracle.Oracle"
    Parameters: ClassVar[type[msgspec.Struct]] = SlowFloodParameters

    parameters: SlowFloodParameters

    def judge_held(self, held: Held, reports: NDArray[np.void]) -> list[Draft]:
        """Predicates over what sources hold open, and over services."""
        p, records = self.parameters, held.held
        one, every = records["level"] == LINES, records["level"] == SERVICE
        if not (one | every).any():
            return []
        ours = self.places.are_home(records["dst_hi"], records["dst_lo"])
        lines, mute = counted(held.lines), counted(held.mute)
        told = {
            "unfinished": ours & ((one & (mute >= p.unfinished)) | (every & (mute >= p.together))),
            "held": ours & one & (lines >= p.held) & (mute < p.unfinished),
        }
        drafts = []
        for kind, hits in told.items():
            which = np.flatnonzero(hits)
            shown = plain(records, which), plain(reports, held.rows[which])
            for i, record, row in zip(which.tolist(), *shown, strict=True):
                drafts.append(self._draft(kind, record, row, float(lines[i]), float(mute[i])))
        return drafts

    def _draft(self, kind: str, record: Any, row: Any, lines: float, mute: float) -> Draft:
        p, alone = self.parameters, int(record["level"]) == LINES
        source, target = self.source(record) if alone else None, self.target(record, int(record["port"]))
        observed, threshold = (
            (lines, p.held) if kind == "held" else (mute, p.unfinished if alone else p.together)
        )
        severity = Severity.HIGH if observed >= 4 * threshold else Severity.MEDIUM
        # a proxy of ours keeps idle connections to what it stands before
        pool = kind == "held" and alone and self.places.is_home(record["src_hi"], record["src_lo"])
        return Draft(
            kind=kind, about=self.name(source) if source else "", entity=f"{self.name(target)}:{target.port}",
            time=int(row["time"]), began=int(record["window"]),
            severity=Severity.INFORMATIONAL if pool else severity,
            confidence=round(min(0.95, 0.5 + observed / (8 * threshold)), 3),
            score=round(observed, 1), threshold=float(threshold),
            source=source, target=target,
            facts={
                "observed": round(observed), "usual": 6 if alone else 0, "threshold": threshold,
                "seconds": seconds(record["window"], row["time"]), "window_s": p.window_s,
                "connections": round(lines), "unanswered": round(mute),
                "bytes_sent": int(row["src_payload"]), "bytes_back": int(row["dst_payload"]),
                "protocol": "tcp",
            },
            evidence=self.evidence(record, row),
        )  # fmt: skip
