"""Backups that did not run, or moved next to nothing.

A pair of hosts and a service that move much at a pause of whole days have a rhythm once some runs are known.
A run that does not come, later than any pause before, is told at the next sweep of the clock; one that moves
a small part of the usual when it is over. Pauses of a weekend are learnt from the first one.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.batches import PROTOCOL_NAMES
from citywall.findings import Severity
from detectors.base import Draft
from detectors.baselines.detector import BaselineDetector
from detectors.baselines.records import MISSED
from detectors.baselines.tables import Noted
from detectors.relations.detector import seconds


class JobsParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.jobs]`."""

    megabytes: Annotated[
        int, Meta(ge=1, le=1 << 20, extra={"unit": "MB"}, description="A run moves so much at least.")
    ] = 200  # fmt: skip
    runs: Annotated[
        int,
        Meta(ge=3, le=8, extra={"unit": "runs"},
             description="Runs at pauses of whole days, give or take two hours, that make a rhythm."),
    ] = 4  # fmt: skip
    pause_h: Annotated[
        float,
        Meta(ge=0.1, le=12, extra={"unit": "h"}, description="Silence after which a run is over."),
    ] = 1.0  # fmt: skip
    late_h: Annotated[
        float,
        Meta(ge=0.5, le=48, extra={"unit": "h"}, description="How late a run may be before it is missed."),
    ] = 4.0  # fmt: skip
    share: Annotated[
        float,
        Meta(ge=0.001, le=0.9, extra={"unit": "ratio"},
             description="A run with a smaller share of the usual bytes shrank."),
    ] = 0.2  # fmt: skip


class Jobs(BaselineDetector):
    """A regular bulk job that was missed or shrank."""

    id: ClassVar[str] = "jobs"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("missed", "shrunken")
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1490", "Inhibit System Recovery", "TA0040", "Impact"),
    )
    gb_class: ClassVar[str] = "anomaly"
    gb_subclass: ClassVar[str] = "其他异常行为"
    axis: ClassVar[str] = "paralysis"
    Parameters: ClassVar[type[msgspec.Struct]] = JobsParameters

    parameters: JobsParameters

    def judge_baselines(self, noted: Noted, reports: NDArray[np.void]) -> list[Draft]:
        """Jobs that the kernel found missed or shrunken."""
        return [
            self._draft(job, reports[row])
            for job, row in zip(noted.jobs, noted.job_rows.tolist(), strict=True)
        ]

    def _draft(self, job: Any, row: Any) -> Draft:
        p = self.parameters
        missed = int(job["state"]) == MISSED
        source = self.places.endpoint(job["src_hi"], job["src_lo"], job["src_domain"])
        target = self.places.endpoint(job["dst_hi"], job["dst_lo"], job["dst_domain"], int(job["port"]))
        proto = int(job["proto"])
        moved = 0 if missed else int(job["bytes"])
        began = int(job["due"]) if missed else int(job["began"])
        least = round(int(job["usual"]) * p.share)
        return Draft(
            kind="missed" if missed else "shrunken", about="",
            entity=f"{self.name(source)}>{self.name(target)}:{target.port}",
            time=int(row["time"]), began=min(began, int(row["time"])),
            severity=Severity.MEDIUM, confidence=round(min(0.9, 0.4 + int(job["runs"]) / 16), 3),
            score=1.0, threshold=1.0, source=source, target=target,
            facts={
                "observed": moved, "usual": int(job["usual"]), "threshold": least,
                "seconds": seconds(job["began"], row["time"]), "runs_known": int(job["runs"]),
                "protocol": PROTOCOL_NAMES.get(proto, str(proto)),
            },
            evidence=self.evidence(job, row, same=False),
        )  # fmt: skip
