"""Network domains whose flows stop, or are seen by halves: a sensor that is down, cut off or loses packets.

Of each domain a sample of flows is followed, the same in every partition. It is silent once no flow came for
several times its longest silence of the last weeks. It is lossy where a share of its connections shows one
direction only, and never did: packets are lost on the way to the sensor, or one path is no longer mirrored.
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
from detectors.baselines.records import SILENT
from detectors.baselines.tables import Noted
from detectors.relations.detector import seconds


class SilenceParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.sensors]`."""

    silence_min: Annotated[
        float,
        Meta(ge=1, le=10080, extra={"unit": "min"}, description="A shorter silence is none."),
    ] = 30.0  # fmt: skip
    factor: Annotated[
        float,
        Meta(ge=1.1, le=100, extra={"unit": "times"}, description="Times the longest silence before."),
    ] = 3.0  # fmt: skip
    learn_h: Annotated[
        float,
        Meta(ge=1, le=720, extra={"unit": "h"}, description="How long a domain must have been heard."),
    ] = 24.0  # fmt: skip
    flows: Annotated[
        int,
        Meta(ge=10, le=1 << 30, extra={"unit": "flows"},
             description="Sampled reports (one flow in 32) that must have been heard."),
    ] = 100  # fmt: skip
    half_flows: Annotated[
        int,
        Meta(ge=10, le=1 << 30, extra={"unit": "flows"},
             description="Sampled TCP flows with data in an hour that its loss is judged by."),
    ] = 40  # fmt: skip
    half_share: Annotated[
        float,
        Meta(ge=0.01, le=1, extra={"unit": "ratio"},
             description="Least share of them with one direction only, and thrice the usual."),
    ] = 0.3  # fmt: skip


class Silence(BaselineDetector):
    """A source of flows that went silent or lossy."""

    id: ClassVar[str] = "sensors"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("silent", "lossy")
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1562", "Impair Defenses", "TA0005", "Defense Evasion"),
    )
    gb_class: ClassVar[str] = "anomaly"
    gb_subclass: ClassVar[str] = "其他异常行为"
    axis: ClassVar[str] = "paralysis"
    Parameters: ClassVar[type[msgspec.Struct]] = SilenceParameters

    parameters: SilenceParameters

    def judge_baselines(self, noted: Noted, reports: NDArray[np.void]) -> list[Draft]:
        """Domains that the kernel found silent or lossy."""
        return [
            self._draft(segment, reports[row])
            for segment, row in zip(noted.segments, noted.segment_rows.tolist(), strict=True)
        ]

    def _draft(self, segment: Any, row: Any) -> Draft:
        p = self.parameters
        silent = int(segment["state"]) == SILENT
        place = self.places.domain(int(segment["domain"])) or "default"
        usual = max(int(segment["gap"]), int(segment["gap_before"]))
        whole, halves = int(segment["whole"]), int(segment["halves"])
        if silent:
            observed = seconds(segment["last"], row["time"])
            threshold = max(p.silence_min * 60, round(usual * p.factor / 1e9, 3))
            normal = round(usual / 1e9, 3)
        else:
            observed, threshold, normal = round(halves / whole, 3), p.half_share, int(segment["share"]) / 1000
        first = self.places.first(segment)
        return Draft(
            kind="silent" if silent else "lossy", about="", entity=place,
            time=int(row["time"]), began=int(segment["last"] if silent else segment["hour"] * HOUR),
            severity=Severity.MEDIUM, confidence=0.7 if silent else 0.5,
            score=round(float(observed / threshold), 3), threshold=1.0,
            source=first.source, target=None,
            facts={
                "observed": observed, "usual": normal, "threshold": threshold,
                "seconds": seconds(segment["last"], row["time"]),
                "reports_sampled": int(segment["rows"]), "flows_sampled": whole, "one_sided": halves,
            },
            evidence=self.evidence(segment, row, same=False),
        )  # fmt: skip
