"""Floods that finish their handshakes, and floods of segments that belong to no connection.

`flood` counts what is never answered. A flood of HTTP requests is answered every time: what shows is that one
service gets many more connections a second than it usually does (CUSUM beyond a decayed mean of its own). A
flood of ACK segments is answered by resets.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.findings import Severity
from detectors.base import Draft
from detectors.baselines.detector import BaselineDetector
from detectors.baselines.records import STRAY
from detectors.baselines.tables import Noted
from detectors.relations.detector import seconds
from detectors.sketches.estimates import distinct, heaviest

_MINUTE = 60_000_000_000


class RequestFloodParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.requests]`."""

    allowed: Annotated[
        int,
        Meta(ge=1, le=1 << 24, extra={"unit": "1/s"},
             description="Connections with a request that any service may get."),
    ] = 100  # fmt: skip
    alarm: Annotated[
        int,
        Meta(ge=1, le=1 << 30, extra={"unit": "count"},
             description="Connections beyond that, summed over seconds, that make a flood."),
    ] = 600  # fmt: skip
    factor: Annotated[
        float,
        Meta(ge=1, le=1000, extra={"unit": "times"},
             description="How many times its own usual rate a service may get, where that is more."),
    ] = 4.0  # fmt: skip
    learn_min: Annotated[
        float,
        Meta(ge=0, le=1440, extra={"unit": "min"},
             description="Until a service was known for so long its usual rate is not."),
    ] = 15.0  # fmt: skip
    each: Annotated[
        float,
        Meta(ge=1, le=100000, extra={"unit": "connections"},
             description="While that is so, mean connections of a source that make more than a hint."),
    ] = 12.0  # fmt: skip
    stray_allowed: Annotated[
        int,
        Meta(ge=1, le=1 << 24, extra={"unit": "1/s"},
             description="Flows that begin without a handshake and are reset, at any service."),
    ] = 50  # fmt: skip
    stray_alarm: Annotated[
        int,
        Meta(ge=1, le=1 << 30, extra={"unit": "count"},
             description="Such flows beyond that that make a flood."),
    ] = 400  # fmt: skip


class RequestFlood(BaselineDetector):
    """Too many requests, or too many stray segments, at one service."""

    id: ClassVar[str] = "requests"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("request_flood", "ack_flood")
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1499.002", "Service Exhaustion Flood", "TA0040", "Impact"),
        ("T1498.001", "Direct Network Flood", "TA0040", "Impact"),
    )
    gb_class: ClassVar[str] = "attack"
    gb_subclass: ClassVar[str] = "拒绝服务"
    axis: ClassVar[str] = "paralysis"
    Parameters: ClassVar[type[msgspec.Struct]] = RequestFloodParameters

    parameters: RequestFloodParameters

    def judge_baselines(self, noted: Noted, reports: NDArray[np.void]) -> list[Draft]:
        """Predicates over services whose sum went beyond the alarm."""
        p, services = self.parameters, noted.services
        alarm = np.where(services["channel"] == STRAY, p.stray_alarm, p.alarm)
        some = np.flatnonzero(services["peak"] >= alarm)
        if not len(some):
            return []
        sources = distinct(noted.askers[some])
        _, most = heaviest(noted.loud[some], noted.loudness[some])
        return [
            self._draft(services[i], reports[noted.service_rows[i]], float(sources[j]), int(most[j]))
            for j, i in enumerate(some.tolist())
        ]

    def _draft(self, service: Any, row: Any, sources: float, most: int) -> Draft:
        p = self.parameters
        stray = int(service["channel"]) == STRAY
        allowed, alarm = (p.stray_allowed, p.stray_alarm) if stray else (p.allowed, p.alarm)
        usual = int(service["usual"]) / 1000
        count, peak = int(service["count"]), int(service["peak"])
        target = self.host(service, int(service["port"]))
        # a source that all of it comes from can be named, and blocked
        single = most >= count and sources < 1.5
        source = self.places.endpoint(row["src_hi"], row["src_lo"], row["domain"]) if single else None
        young = int(row["time"]) - int(service["known"]) < p.learn_min * _MINUTE
        hint = young and not stray and count < p.each * sources  # perhaps it is always so busy
        severity = Severity.HIGH if peak >= 8 * alarm else Severity.MEDIUM
        return Draft(
            kind="ack_flood" if stray else "request_flood", about="",
            entity=f"{self.name(target)}:{target.port}",
            time=int(row["time"]), began=int(service["began"]),
            severity=Severity.INFORMATIONAL if hint else severity,
            confidence=round(min(0.95, 0.5 + peak / (12 * alarm)), 3),
            score=float(peak), threshold=float(alarm),
            source=source, target=target,
            facts={
                "observed": int(service["most"]), "usual": round(usual, 3),
                "allowed": max(allowed, round(usual * p.factor)), "threshold": alarm,
                "seconds": seconds(service["began"], service["last"]),
                "flows": count, "bytes": int(service["bytes"]), "sources_estimated": round(sources),
                "share_of_loudest_at_most": round(min(most / max(count, 1), 1.0), 3), "protocol": "tcp",
            },
            evidence=self.evidence(service, row),
        )  # fmt: skip
