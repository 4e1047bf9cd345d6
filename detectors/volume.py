"""Volumes that a host does not have at this hour of the week.

What each host of ours sends and receives in bulk is kept by hour for four weeks, in eighths of an octave. An
hour is judged against the same hour of the days before: the median, and so many median absolute deviations
above it. The same day of the week counts threefold, so that few weeks lean on the other days (shrinkage) and
many stand by themselves; workdays and weekends are apart. Until a working week is known nothing is said.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.findings import Severity
from detectors.base import Draft
from detectors.baselines.detector import HOUR, BaselineDetector
from detectors.baselines.records import SERVER
from detectors.baselines.tables import Noted


class VolumeParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.volume]`."""

    megabytes: Annotated[
        int,
        Meta(ge=1, le=1 << 20, extra={"unit": "MB"}, description="An hour with less is no finding."),
    ] = 500  # fmt: skip
    deviations: Annotated[
        float,
        Meta(ge=1, le=100, extra={"unit": "MAD"},
             description="Deviations above the usual, of the logarithm, scaled to a normal's."),
    ] = 6.0  # fmt: skip
    times: Annotated[
        float,
        Meta(ge=1.1, le=1000, extra={"unit": "times"}, description="And at least so many times the usual."),
    ] = 8.0  # fmt: skip
    beyond: Annotated[
        float,
        Meta(ge=1, le=1000, extra={"unit": "times"},
             description="So many times the most of any hour make it more than a hint."),
    ] = 3.0  # fmt: skip
    days: Annotated[
        int,
        Meta(ge=2, le=20, extra={"unit": "days"},
             description="Days of the same kind (workday, weekend) that must be known."),
    ] = 5  # fmt: skip
    zone_h: Annotated[
        float,
        Meta(ge=-14, le=14, extra={"unit": "h"},
             description="The house's clock ahead of UTC: where its hours and weekends begin."),
    ] = 8.0  # fmt: skip


class Volume(BaselineDetector):
    """Much more sent or received in an hour than this host does at this hour of the week."""

    id: ClassVar[str] = "volume"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("sent", "received")
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1020", "Automated Exfiltration", "TA0010", "Exfiltration"),
        ("T1074", "Data Staged", "TA0009", "Collection"),
    )
    gb_class: ClassVar[str] = "anomaly"
    gb_subclass: ClassVar[str] = "流量异常"
    axis: ClassVar[str] = "leak"
    Parameters: ClassVar[type[msgspec.Struct]] = VolumeParameters

    parameters: VolumeParameters

    def judge_baselines(self, noted: Noted, reports: NDArray[np.void]) -> list[Draft]:
        """Predicates over hosts whose hour went beyond its limit."""
        hosts = noted.hosts
        drafts = []
        for kind in self.kinds:
            over = (hosts[f"{kind}_limit"] > 0) & (hosts[kind] >= hosts[f"{kind}_limit"])
            drafts += [self._draft(kind, hosts[i], reports[noted.host_rows[i]]) for i in np.flatnonzero(over)]
        return drafts

    def _draft(self, kind: str, host: Any, row: Any) -> Draft:
        p = self.parameters
        place = self.host(host)
        volume, limit = int(host[kind]), int(host[f"{kind}_limit"])
        most, usual = int(host[f"{kind}_most"]), int(host[f"{kind}_usual"])
        began = int(host["hour"]) * HOUR - int(p.zone_h * HOUR)
        new = volume >= p.beyond * max(most, 1)
        leaves = kind == "sent"
        other = "dst" if int(host["role"]) != SERVER else "src"
        far = self.places.endpoint(row[f"{other}_hi"], row[f"{other}_lo"], row["domain"])
        role = "server" if int(host["role"]) == SERVER else "client"
        # between two hosts of ours the client speaks for both
        echo = role == "server" and self.places.is_home(int(row["src_hi"]), int(row["src_lo"]))
        return Draft(
            kind=kind, about=role, entity=self.name(place),
            time=int(row["time"]), began=min(began, int(row["time"])),
            severity=Severity.MEDIUM if new and not echo else Severity.INFORMATIONAL,
            confidence=round(min(0.9, 0.4 + volume / (20 * limit) + int(host["known"]) / 100), 3),
            score=round(volume / limit, 3), threshold=1.0,
            source=place if leaves else far, target=far if leaves else place,
            facts={
                "observed": volume, "usual": usual, "threshold": limit, "most_before": most,
                "seconds": round((int(row["time"]) - began) / 1e9, 3),
                "days_known": int(host["known"]), "role": role,
            },
            evidence=self.evidence(host, row),
        )  # fmt: skip
