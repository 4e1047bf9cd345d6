"""Hostile fragments: bytes that say otherwise, fragments too small or too large to be honest, floods of them.

Fragments that overlap with other bytes are read in one way by a guard and in another by the host behind it
(Ptacek and Newsham 1998); RFC 5722 forbids them, and no stack sends any. No network needs fragments as small
as those that hide a TCP header (RFC 1858), and a datagram beyond 65,535 bytes is the ping of death. Datagrams
that are never completed fill the memory of whoever waits for the rest.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.findings import Evidence, Severity
from detectors.base import Detector, Draft
from detectors.fragments.records import Fragmented
from detectors.places import distinct

_SECOND = 1_000_000_000


def _count(description: str) -> Any:
    return Meta(ge=1, le=1 << 20, extra={"unit": "count"}, description=description)


class EvasionParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.evasion]`."""

    overlaps: Annotated[int, _count("Fragments that contradict others, to one host within the window.")] = 1
    tiny: Annotated[
        int, _count("Fragments of less than 48 bytes that others follow, to one host within the window.")
    ] = 2
    oversized: Annotated[int, _count("Fragments that reach beyond 65,535 bytes, likewise.")] = 1
    abandoned: Annotated[
        int, _count("Datagrams of which fragments are missing, to one host within the window.")
    ] = 500
    window_s: Annotated[
        int, Meta(ge=1, le=86400, extra={"unit": "s"}, description="Window that they are counted in.")
    ] = 60


#: What is counted, and how it is called.
_KINDS = {
    "overlap": "overlaps",
    "tiny_fragments": "tiny",
    "oversized_datagram": "oversized",
    "fragment_flood": "abandoned",
}


class Evasion(Detector):
    """Overlapping, tiny and oversized fragments, and floods of datagrams that stay incomplete."""

    id: ClassVar[str] = "evasion"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = tuple(_KINDS)
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1599", "Network Boundary Bridging", "TA0005", "Defense Evasion"),
        ("T1499.001", "OS Exhaustion Flood", "TA0040", "Impact"),
    )
    gb_class: ClassVar[str] = "attack"
    gb_subclass: ClassVar[str] = "其他网络攻击"
    axis: ClassVar[str] = "attack"
    Parameters: ClassVar[type[msgspec.Struct]] = EvasionParameters
    kernels: ClassVar[tuple[str, ...]] = ("detectors.fragments.kernels.observe_events",)
    oracle: ClassVar[str] = "tests.detectors.fragments.oracle.Oracle"

    parameters: EvasionParameters

    def judge_fragments(self, fragmented: Fragmented, events: NDArray[np.void]) -> list[Draft]:
        """Predicates over what fragments come to each host."""
        p, records = self.parameters, fragmented.records
        return [
            self._draft(kind, field, records[i], events[fragmented.rows[i]])
            for kind, field in _KINDS.items()
            for i in np.flatnonzero(records[field] >= getattr(p, field))
        ]

    def _draft(self, kind: str, field: str, record: Any, row: Any) -> Draft:
        observed, threshold = int(record[field]), int(getattr(self.parameters, field))
        domain = int(record["domain"])
        target = self.places.endpoint(record["hi"], record["lo"], domain)
        source = None
        if not record["several"]:
            source = self.places.endpoint(record["src_hi"], record["src_lo"], domain)
        flood = kind == "fragment_flood"
        return Draft(
            kind=kind, about="", entity=self.places.name(target.domain, target.address),
            time=int(record["last"]), began=int(record["began"]),
            severity=Severity.HIGH if observed >= 10 * threshold else Severity.MEDIUM,
            confidence=round(min(0.95, (0.5 if flood else 0.8) + observed / (40 * threshold)), 3),
            score=float(observed), threshold=float(threshold),
            source=source, target=target,
            facts={
                "observed": observed, "threshold": threshold, "usual": 0,
                "seconds": round(max(int(record["last"] - record["began"]), 0) / _SECOND, 3),
                "window_s": self.parameters.window_s, "several_sources": int(record["several"]),
            },
            evidence=distinct([
                self._packet(record, "first_", target.address, domain),
                self._packet(row, "", target.address, domain),
            ]),
        )  # fmt: skip

    def _packet(self, record: Any, prefix: str, target: str, domain: int) -> Evidence:
        frame = int(record[f"{prefix}frame"])
        source = self.places.endpoint(record[f"{prefix}src_hi"], record[f"{prefix}src_lo"], domain)
        return Evidence(
            kind="packet", source=source,
            target=msgspec.structs.replace(source, address=target), proto="ip",
            time=int(record[f"{prefix}time"]),
            offset=int(record[f"{prefix}offset"]) if frame >= 0 else None,
            frame=frame if frame >= 0 else None,
        )  # fmt: skip
