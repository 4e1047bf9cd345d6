"""Exfiltration: a host that hands out far more than it takes in, to one place outside.

The producer-consumer ratio (Bullard and Gerth, "PCR: A New Flow Metric", FloCon 2014) is (out-in)/(out+in):
browsing is near -1, calls near 0, uploads near +1. With a floor of volume a day it names who gives data away.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.batches import TCP, UDP
from citywall.findings import Severity
from detectors.base import Draft, ratio, shown
from detectors.relations.detector import RelationDetector, among, crowd, protocol, seconds
from detectors.relations.tables import Related


class ExfiltrationParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.exfiltration]`."""

    megabytes: Annotated[
        int,
        Meta(ge=1, le=1 << 20, extra={"unit": "MB"},
             description="Sent to one place outside within a day; less is no finding."),
    ] = 200  # fmt: skip
    sure_megabytes: Annotated[
        int, Meta(ge=1, le=1 << 20, extra={"unit": "MB"}, description="From this on it is high.")
    ] = 2000  # fmt: skip
    ratio: Annotated[
        float,
        Meta(ge=-1, le=1, extra={"unit": "ratio"}, description="Least producer-consumer ratio."),
    ] = 0.8  # fmt: skip
    common: Annotated[
        int,
        Meta(ge=2, le=250, extra={"unit": "hosts"},
             description="A place that this many hosts come to is common: told softly."),
    ] = 10  # fmt: skip


class Exfiltration(RelationDetector):
    """Much more sent to one place outside than taken from it."""

    id: ClassVar[str] = "exfiltration"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("upload",)
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1048", "Exfiltration Over Alternative Protocol", "TA0010", "Exfiltration"),
        ("T1567", "Exfiltration Over Web Service", "TA0010", "Exfiltration"),
    )
    gb_class: ClassVar[str] = "data"
    gb_subclass: ClassVar[str] = "数据窃取"
    axis: ClassVar[str] = "leak"
    Parameters: ClassVar[type[msgspec.Struct]] = ExfiltrationParameters

    parameters: ExfiltrationParameters

    def judge_relations(self, related: Related, reports: NDArray[np.void]) -> list[Draft]:
        """Predicates over pairs whose source is ours and whose target is not."""
        p, pairs = self.parameters, related.pairs
        out, back = pairs["sent_bytes"], pairs["back_bytes"]
        told = (out >= p.megabytes * 1_000_000) & among(pairs["proto"], (TCP, UDP))
        told &= ratio(out - back, out + back) >= p.ratio
        if told.any():
            told &= self.places.are_home(pairs["src_hi"], pairs["src_lo"])
            told &= ~self.places.are_home(pairs["dst_hi"], pairs["dst_lo"])
        return [self._draft(pair, row) for pair, row in shown(pairs, related.pair_rows, reports, told)]

    def _draft(self, pair: Any, row: Any) -> Draft:
        p = self.parameters
        source, target = self.source(pair), self.service(pair)
        out, back = int(pair["sent_bytes"]), int(pair["back_bytes"])
        hosts = float(crowd(pair["unheard"]))
        score = out / (p.megabytes * 1_000_000)
        severity = Severity.HIGH if out >= p.sure_megabytes * 1_000_000 else Severity.MEDIUM
        if hosts >= p.common:
            severity = Severity.INFORMATIONAL
        return Draft(
            kind="upload", about="", entity=self.between(source, target),
            time=int(row["time"]), began=int(pair["day"]),
            severity=severity,
            confidence=round(min(0.95, 0.5 + score / 20), 3),
            score=round(score, 3), threshold=1.0,
            source=source, target=target,
            facts={
                "observed": out, "threshold": p.megabytes * 1_000_000,
                "seconds": seconds(pair["day"], row["time"]),
                "bytes_back": back, "producer_consumer_ratio": round((out - back) / (out + back), 3),
                "hosts_estimated": round(hosts), "protocol": protocol(pair),
            },
            evidence=self.evidence(pair, row),
        )  # fmt: skip
