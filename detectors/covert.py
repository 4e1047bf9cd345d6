"""Covert channels over ICMP: echoes that carry data.

An ordinary ping sends one packet of 32 to 64 bytes a second and gets the same back. Whoever tunnels sends
packets of many sizes, larger on the whole, and for long; what goes out and what comes back differ, since an
answer is no copy. Judged per pair over minutes, so that a size test of a path or one large ping is no tunnel.
Who types commands sends little: there it is enough that as many answers as questions came back and are no
copies by their sizes. (Some public servers copy no more than 64 bytes; ICMPv6 carries neighbours' talk.)
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.batches import ICMP, ICMPV6
from citywall.findings import Severity
from detectors.base import Draft, ratio, shown
from detectors.relations.detector import RelationDetector, among, protocol, seconds
from detectors.relations.tables import Related

_HEADERS_V4, _HEADERS_V6 = 28, 48
#: Echoes are answered one by one if the numbers differ by no more than this share.
_ONE_BY_ONE = 0.05
#: What a server copies at the least of an echo.
_COPIED = 64


class CovertParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.covert]`."""

    packets: Annotated[
        int,
        Meta(ge=8, le=1 << 20, extra={"unit": "packets"},
             description="ICMP packets between two hosts within the window before they are judged."),
    ] = 40  # fmt: skip
    mean_bytes: Annotated[
        int,
        Meta(ge=16, le=1500, extra={"unit": "bytes"}, description="Mean payload that carries data."),
    ] = 80  # fmt: skip
    uneven: Annotated[
        float,
        Meta(ge=0, le=1, extra={"unit": "ratio"},
             description="Least difference of packets or of mean sizes between the ways: echoes mirror."),
    ] = 0.02  # fmt: skip
    volume_bytes: Annotated[
        int,
        Meta(ge=1 << 10, le=1 << 40, extra={"unit": "bytes"},
             description="Bytes both ways within the window that make it more than a hint."),
    ] = 16384  # fmt: skip
    no_copy: Annotated[
        float,
        Meta(ge=0.01, le=1, extra={"unit": "ratio"},
             description="Difference in mean size of echoes and as many answers, which are no copies then."),
    ] = 0.2  # fmt: skip
    no_copy_bytes: Annotated[
        int,
        Meta(ge=1, le=1 << 30, extra={"unit": "bytes"}, description="And by how many bytes in all."),
    ] = 512  # fmt: skip


class Covert(RelationDetector):
    """Data in ICMP echoes."""

    id: ClassVar[str] = "covert"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("icmp_tunnel",)
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1095", "Non-Application Layer Protocol", "TA0011", "Command and Control"),
    )
    gb_class: ClassVar[str] = "data"
    gb_subclass: ClassVar[str] = "数据窃取"
    axis: ClassVar[str] = "leak"
    Parameters: ClassVar[type[msgspec.Struct]] = CovertParameters

    parameters: CovertParameters

    def judge_relations(self, related: Related, reports: NDArray[np.void]) -> list[Draft]:
        """Predicates over pairs that exchange ICMP both ways."""
        p, pairs = self.parameters, related.pairs
        sent, back = pairs["now_sent"], pairs["now_back"]
        told = among(pairs["proto"], (ICMP, ICMPV6)) & (sent + back >= p.packets)
        told &= (np.minimum(sent, back) * 8 >= np.maximum(sent, back)) & (np.minimum(sent, back) >= 4)
        if not told.any():
            return []
        headers = np.where(pairs["src_hi"] == 0, _HEADERS_V4, _HEADERS_V6)
        out = ratio(pairs["now_sent_bytes"], sent) - headers
        home = ratio(pairs["now_back_bytes"], back) - headers
        mean = np.maximum(out, home)
        sizes, numbers = _apart(out, home), _apart(sent, back)
        uneven = np.maximum(sizes, numbers)
        one_by_one = (pairs["proto"] == ICMP) & (numbers <= _ONE_BY_ONE)
        no_copies = one_by_one & (sizes >= p.no_copy) & ((home > out) | (out <= _COPIED))
        no_copies &= np.abs(out - home) * sent >= p.no_copy_bytes
        large = (mean >= p.mean_bytes) & (uneven >= p.uneven)
        told &= large | no_copies
        which = np.flatnonzero(told)
        return [
            self._draft(
                pair,
                row,
                float(mean[i]),
                float(uneven[i]),
                large=bool(large[i]),
                no_copies=bool(no_copies[i]),
            )
            for i, (pair, row) in zip(which, shown(pairs, related.pair_rows, reports, which), strict=True)
        ]

    def _draft(
        self, pair: Any, row: Any, mean: float, uneven: float, *, large: bool, no_copies: bool
    ) -> Draft:  # fmt: skip
        p = self.parameters
        observed, threshold, usual = (mean, p.mean_bytes, 56) if large else (uneven, p.no_copy, 0)
        source, target = self.source(pair), self.target(pair)
        packets = int(pair["now_sent"]) + int(pair["now_back"])
        volume = int(pair["now_sent_bytes"]) + int(pair["now_back_bytes"])
        score = packets / p.packets
        return Draft(
            kind="icmp_tunnel", about="", entity=self.between(source, target),
            time=int(row["time"]), began=int(pair["window"]),
            severity=Severity.MEDIUM if no_copies or volume >= p.volume_bytes else Severity.LOW,
            confidence=round(min(0.9, 0.5 + volume / (8 * p.volume_bytes)), 3),
            score=round(score, 3), threshold=1.0,
            source=source, target=target,
            facts={
                "observed": round(observed, 1 if large else 3), "threshold": threshold, "usual": usual,
                "seconds": seconds(pair["window"], row["time"]),
                "packets": packets, "uneven_ratio": round(uneven, 3),
                "bytes_sent": int(pair["now_sent_bytes"]), "bytes_back": int(pair["now_back_bytes"]),
                "protocol": protocol(pair),
            },
            evidence=self.evidence(pair, row),
        )  # fmt: skip


def _apart(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.float64]:
    """How far two amounts are apart, as a share of the larger."""
    larger = np.maximum(np.abs(one), np.abs(other)).astype(np.float64)
    return ratio(np.abs(one - other), larger)
