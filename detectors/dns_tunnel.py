"""DNS tunnels, told by flows: questions too large and too many for names that people ask for.

Names in tunnels carry data, so that questions grow towards the 255 bytes a name may have, while ordinary
questions stay near 40 bytes of payload and rarely pass 70. Both are judged per asker and server over minutes;
the volume alone tells tunnels whose questions are short and whose answers carry the data.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.batches import UDP
from citywall.findings import Severity
from detectors.base import Draft, ratio, shown
from detectors.relations.detector import RelationDetector, protocol, seconds
from detectors.relations.tables import Related

_HEADERS_V4, _HEADERS_V6 = 28, 48


class DnsTunnelParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.dnstunnel]`."""

    packets: Annotated[
        int,
        Meta(ge=8, le=1 << 20, extra={"unit": "packets"},
             description="Packets between an asker and a server within the window before they are judged."),
    ] = 20  # fmt: skip
    question_bytes: Annotated[
        int,
        Meta(ge=32, le=512, extra={"unit": "bytes"}, description="Mean payload that is too much."),
    ] = 60  # fmt: skip
    sure_bytes: Annotated[
        int,
        Meta(ge=32, le=512, extra={"unit": "bytes"},
             description="Mean payload that even cookies and reverse names of IPv6 do not explain."),
    ] = 100  # fmt: skip
    sure_questions: Annotated[
        int,
        Meta(ge=4, le=1 << 20, extra={"unit": "packets"},
             description="Large questions within the window from which it is more than a hint."),
    ] = 100  # fmt: skip
    volume_bytes: Annotated[
        int,
        Meta(ge=1 << 12, le=1 << 40, extra={"unit": "bytes"},
             description="Bytes both ways within the window that are too much for any question."),
    ] = 4 << 20  # fmt: skip
    window_s: Annotated[
        int, Meta(ge=10, le=86400, extra={"unit": "s"}, description="Window of all relations' short counts.")
    ] = 300  # fmt: skip


class DnsTunnel(RelationDetector):
    """Data carried in questions and answers of DNS."""

    id: ClassVar[str] = "dnstunnel"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("large_questions", "volume")
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1071.004", "DNS", "TA0011", "Command and Control"),
        ("T1048", "Exfiltration Over Alternative Protocol", "TA0010", "Exfiltration"),
    )
    gb_class: ClassVar[str] = "data"
    gb_subclass: ClassVar[str] = "数据窃取"
    axis: ClassVar[str] = "leak"
    Parameters: ClassVar[type[msgspec.Struct]] = DnsTunnelParameters

    parameters: DnsTunnelParameters

    def judge_relations(self, related: Related, reports: NDArray[np.void]) -> list[Draft]:
        """Predicates over pairs of an asker and a name server."""
        p, pairs = self.parameters, related.pairs
        sent = pairs["now_sent"]
        told = (pairs["port"] == 53) & (pairs["proto"] == UDP)
        told &= sent + pairs["now_back"] >= p.packets
        if not told.any():
            return []
        headers = np.where(pairs["src_hi"] == 0, _HEADERS_V4, _HEADERS_V6)
        mean = ratio(pairs["now_sent_bytes"], sent) - headers
        volume = pairs["now_sent_bytes"] + pairs["now_back_bytes"]
        large = told & (mean >= p.question_bytes)
        much = told & ~large & (volume >= p.volume_bytes)
        which = np.flatnonzero(large | much)
        return [
            self._draft(pair, row, float(mean[i]), int(volume[i]), large=bool(large[i]))
            for i, (pair, row) in zip(which, shown(pairs, related.pair_rows, reports, which), strict=True)
        ]

    def _draft(self, pair: Any, row: Any, mean: float, volume: int, *, large: bool) -> Draft:
        p = self.parameters
        source, target = self.source(pair), self.target(pair, 53)
        sent = int(pair["now_sent"])
        observed, threshold = (round(mean, 1), p.question_bytes) if large else (volume, p.volume_bytes)
        # beyond ordinary names by how much, times how often: both must be there to be sure
        score = sent * mean / p.question_bytes if large else volume / p.volume_bytes
        least = p.packets / 2 if large else 1.0
        # names of directories and of content networks pass the bound a little: alone that is a remark
        sure = (sent >= p.sure_questions) + (mean >= p.sure_bytes)
        hint = (Severity.INFORMATIONAL, Severity.MEDIUM, Severity.HIGH)[sure]
        return Draft(
            kind="large_questions" if large else "volume", about="", entity=self.between(source, target),
            time=int(row["time"]), began=int(pair["window"]),
            severity=hint if large else Severity.MEDIUM,
            confidence=round(min(0.95, 0.5 + sent / (4 * p.sure_questions)), 3),
            score=round(max(score, least), 3), threshold=least,
            source=source, target=target,
            facts={
                "observed": observed, "threshold": threshold, "usual": 40,
                "seconds": seconds(pair["window"], row["time"]),
                "questions": sent, "answers": int(pair["now_back"]),
                "bytes_sent": int(pair["now_sent_bytes"]), "bytes_back": int(pair["now_back_bytes"]),
                "window_s": p.window_s, "protocol": protocol(pair),
            },
            evidence=self.evidence(pair, row),
        )  # fmt: skip
