"""Beacons: connections to one service that come as regularly and as alike as a machine makes them.

The score is RITA's (Active Countermeasures, version 5; re-implemented from its published formulas): the mean
of the regularity of gaps, the regularity of sizes and, once six hours are seen, of how much of the day it
goes on and how long without a break. Regularity is Bowley's skewness and the median absolute deviation, which
jitter of a fifth hardly moves. Other than in RITA, which looks at days, gaps are not rounded to seconds and a
spread of half the median counts however short it is: else chance makes beacons of a few quick calls.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.batches import TCP, UDP
from citywall.findings import Severity
from citywall.rows import take
from detectors.base import Draft, shown
from detectors.relations import records
from detectors.relations.detector import SECOND, RelationDetector, among, crowd, protocol, seconds
from detectors.relations.records import STARTS
from detectors.relations.tables import Related

_MOST = np.iinfo(np.int64).max
#: RITA asks for skewness from a spread of ten on, whatever the unit.
_WIDE_MS, _WIDE_BYTES = 10_000, 10


class BeaconParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.beacon]`."""

    flows: Annotated[
        int, Meta(ge=4, le=STARTS, extra={"unit": "connections"}, description="Connections to judge it by.")
    ] = 8  # fmt: skip
    sure_flows: Annotated[
        int,
        Meta(ge=4, le=65535, extra={"unit": "connections"}, description="How many make it more than a hint."),
    ] = 24
    score: Annotated[
        float, Meta(ge=0, le=1, extra={"unit": "ratio"}, description="Least score of a beacon.")
    ] = 0.9  # fmt: skip
    least_gap_s: Annotated[
        float,
        Meta(ge=0.5, le=3600, extra={"unit": "s"},
             description="Gaps below this are a conversation rather than a beacon."),
    ] = 2.0  # fmt: skip
    least_span_s: Annotated[
        float, Meta(ge=1, le=86400, extra={"unit": "s"}, description="It goes on for this long at least.")
    ] = 45.0  # fmt: skip
    common: Annotated[
        int,
        Meta(ge=2, le=250, extra={"unit": "hosts"},
             description="A service that this many hosts come to is common: its beacons are informational."),
    ] = 5  # fmt: skip
    everywhere: Annotated[
        int,
        Meta(ge=2, le=250, extra={"unit": "hosts"},
             description="What this many hosts come to is the house's own business: nothing is told."),
    ] = 20  # fmt: skip
    services: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65535)], ...],
        Meta(extra={"unit": "ports"}, description="Ports of services that are polled regularly by design."),
    ] = (
        22, 23, 53, 67, 68, 88, 102, 111, 123, 135, 137, 138, 139, 161, 162, 179, 389, 445, 464,
        500, 502, 514, 546, 547, 623, 636, 853, 1812, 1813, 1900, 2049, 2404, 3268, 3478, 4500,
        4789, 5353, 5355, 6343, 9100, 9990, 10050, 10051, 20000, 34962, 34964, 44818, 47808,
    )  # fmt: skip
    inside_services: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65535)], ...],
        Meta(extra={"unit": "ports"},
             description="Ports from 1024 on that are polled at our own hosts: web, databases, queues, "
             "machinery, neighbours' updates."),
    ] = (
        1080, 1089, 1090, 1091, 1433, 1434, 1521, 1883, 1911, 1962, 2181, 2375, 2376, 2379, 2380, 2455,
        3000, 3128, 3260, 3306, 3389, 4369, 4840, 4911, 5000, 5007, 5060, 5094, 5222, 5432, 5601, 5671,
        5672, 5900, 5984, 5985, 5986, 6379, 6443, 7001, 7077, 7680, 8000, 8001, 8008, 8009, 8080, 8081,
        8086, 8088, 8090, 8161, 8200, 8443, 8500, 8529, 8883, 8888, 9000, 9042, 9080, 9090, 9091, 9092,
        9093, 9200, 9300, 9418, 9443, 9600, 10000, 10250, 11211, 11740, 15672, 18245, 20547, 27017, 34980,
        50000, 61616,
    )  # fmt: skip


class Beacon(RelationDetector):
    """Regular, alike connections to one service: a controlled host that reports."""

    id: ClassVar[str] = "beacon"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("beacon",)
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1071", "Application Layer Protocol", "TA0011", "Command and Control"),
        ("T1029", "Scheduled Transfer", "TA0010", "Exfiltration"),
    )
    gb_class: ClassVar[str] = "malware"
    gb_subclass: ClassVar[str] = "僵尸网络"
    axis: ClassVar[str] = "malware"
    Parameters: ClassVar[type[msgspec.Struct]] = BeaconParameters

    parameters: BeaconParameters

    def judge_relations(self, related: Related, reports: NDArray[np.void]) -> list[Draft]:
        """Predicates over pairs with enough connections."""
        p, pairs = self.parameters, related.pairs
        told = (pairs["flows"] >= p.flows) & (2 * pairs["answered"].astype(np.int64) > pairs["flows"])
        told &= reports["report"][related.pair_rows] == 0
        which = np.flatnonzero(told & _milestones(pairs["flows"]))
        if not len(which):
            return []
        pairs = take(pairs, which)
        inside = self.places.are_home(pairs["dst_hi"], pairs["dst_lo"])
        told = among(pairs["proto"], (TCP, UDP)) & ~among(pairs["port"], p.services)
        told &= ~inside | ((pairs["port"] >= 1024) & ~among(pairs["port"], p.inside_services))
        told &= (pairs["asks"] | pairs["says"]) & records.SSH == 0  # guessing is regular too
        told &= pairs["last"] - pairs["began"] >= int(p.least_span_s * SECOND)
        told &= crowd(pairs["unheard"]) < p.everywhere
        pairs, which, inside = take(pairs, told), which[told], inside[told]
        hopeful = self._hopeful(pairs, related.starts[which])
        pairs, which, inside = take(pairs, hopeful), which[hopeful], inside[hopeful]
        scores = scores_of(pairs, related.starts[which], related.sizes[which])
        hits = np.flatnonzero((scores.gap_s >= p.least_gap_s) & (scores.score >= p.score))
        parts = [dict(zip(Scores._fields, values, strict=True))
                 for values in np.column_stack(scores)[hits].tolist()]  # fmt: skip
        rows = related.pair_rows[which]
        return [
            self._draft(pair, row, part, inside=bool(ours))
            for ours, part, (pair, row) in zip(
                inside[hits], parts, shown(pairs, rows, reports, hits), strict=True
            )
        ]

    def _hopeful(self, pairs: NDArray[Any], starts: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Whose gaps are long and regular enough that sizes and hours could make them a beacon."""
        _, gap, _, regular = _gaps(pairs, starts)
        # the most that the other parts of the mean can be is one each
        best = np.where(_old(pairs), (regular + 1 + 1) / 3, (regular + 1) / 2)
        return (gap >= self.parameters.least_gap_s) & (best >= self.parameters.score)

    def _draft(self, pair: Any, row: Any, parts: dict[str, float], *, inside: bool) -> Draft:
        p = self.parameters
        source, target = self.source(pair), self.service(pair)
        hosts = float(crowd(pair["unheard"]))
        flows = int(pair["flows"])
        severity = Severity.MEDIUM if flows >= p.sure_flows and not inside else Severity.LOW
        if hosts >= p.common:
            severity = Severity.INFORMATIONAL
        return Draft(
            kind="beacon", about="", entity=self.between(source, target),
            time=int(row["time"]), began=int(pair["began"]),
            severity=severity,
            confidence=round(min(0.95, parts["score"] * min(1.0, 0.5 + flows / (2 * p.sure_flows))), 3),
            score=round(parts["score"], 3), threshold=p.score,
            source=source, target=target,
            facts={
                "observed": round(parts["score"], 3), "threshold": p.score,
                "seconds": seconds(pair["began"], row["time"]),
                "connections": flows,
                "gap_seconds": round(parts["gap_s"], 3),
                "gap_deviation_seconds": round(parts["gap_mad_s"], 3),
                "time_score": round(parts["time"], 3), "size_score": round(parts["size"], 3),
                "hours_score": round(parts["hours"], 3),
                "typical_bytes": int(parts["bytes"]), "hosts_estimated": round(hosts),
                "protocol": protocol(pair),
            },
            evidence=self.evidence(pair, row),
        )  # fmt: skip


class Scores(NamedTuple):
    """RITA's scores of pairs, with their parts; gaps in seconds. All f8[pairs]."""

    score: NDArray[np.float64]
    time: NDArray[np.float64]
    size: NDArray[np.float64]
    hours: NDArray[np.float64]
    gap_s: NDArray[np.float64]
    gap_mad_s: NDArray[np.float64]
    bytes: NDArray[np.float64]


def scores_of(pairs: NDArray[Any], starts: NDArray[np.uint32], sizes: NDArray[np.uint32]) -> Scores:
    """Score the latest connections of each pair."""
    held = np.arange(STARTS) < np.minimum(pairs["flows"], STARTS).astype(np.int64)[:, None]
    rises, gap, deviation, regular = _gaps(pairs, starts)
    size, _, alike = regularity(sizes.astype(np.int64), held, 0.0, _WIDE_BYTES)
    hours = pairs["hours"].astype(np.int64)
    old = _old(pairs)
    lasting = np.zeros(len(pairs))
    for i in np.flatnonzero(old):
        h = int(hours[i])
        lasting[i] = max(h.bit_count() / 24, min(1.0, _longest_run(h) / 12))
    score = np.where(old, (regular + alike + lasting) / 3, (regular + alike) / 2)
    score = np.where(rises < 3, 0.0, score)
    return Scores(score, regular, alike, lasting, gap, deviation, size)


def _old(pairs: NDArray[Any]) -> NDArray[np.bool_]:
    """Of which pairs there is enough to judge the hours by."""
    return np.asarray(pairs["last"] - pairs["began"] >= 6 * 3600 * SECOND, bool)


def _gaps(
    pairs: NDArray[Any], starts: NDArray[np.uint32]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """How many gaps each pair has, and their `regularity`, in seconds."""
    held = np.arange(STARTS) < np.minimum(pairs["flows"], STARTS).astype(np.int64)[:, None]
    times = np.sort(np.where(held, starts.astype(np.int64), _MOST), axis=1)
    # As in RITA, what begins in one second is one contact.
    again = np.zeros(times.shape, bool)
    again[:, 1:] = np.diff(times // 1000, axis=1) == 0
    if again.any():
        times = np.sort(np.where(again, _MOST, times), axis=1)
    gaps = np.diff(times, axis=1)
    valid = times[:, 1:] < _MOST
    gap, deviation, regular = regularity(gaps, valid, 1.0, _WIDE_MS)
    return valid.sum(axis=1), gap / 1000, deviation / 1000, regular


def regularity(
    values: NDArray[np.int64], valid: NDArray[np.bool_], small: float, wide: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(median, median absolute deviation, score) of the valid values of each row.

    Bowley's skewness and the deviation, as RITA takes them; quartiles are values that occur. They are
    asked for skewness where they are `wide` apart, or half the median. `small` is the evenness of a median
    that is none.
    """
    n = np.maximum(valid.sum(axis=1), 1)
    ordered = np.sort(np.where(valid, values, _MOST), axis=1)
    none = ~valid.any(axis=1)  # calls of one second have no gap
    ordered[none] = 0
    low, middle, high = (_quantile(ordered, n, q) for q in (0.25, 0.5, 0.75))
    spread = high - low
    skewed = (spread >= np.minimum(wide, middle / 2)) & (middle != low) & (middle != high)
    skew = np.where(skewed, (low + high - 2 * middle) / np.maximum(spread, 1), 0.0)
    apart = np.sort(np.where(valid, np.abs(values - middle[:, None].astype(np.int64)), _MOST), axis=1)
    apart[none] = 0
    deviation = _quantile(apart, n, 0.5)
    even = np.where(middle < 1, small, np.maximum(middle - deviation, 0) / np.maximum(middle, 1))
    return middle, deviation, (1 - np.abs(skew) + even) / 2


def _quantile(ordered: NDArray[np.int64], n: NDArray[np.int64], q: float) -> NDArray[np.float64]:
    """The value at a share of each row's `n` least, halves rounded to the even place."""
    at = np.rint((n - 1) * q).astype(np.int64)
    return np.take_along_axis(ordered, at[:, None], axis=1)[:, 0].astype(np.float64)


def _milestones(flows: NDArray[Any]) -> NDArray[np.bool_]:
    """Which counts are powers of two, or half as much again: when the kernel shows a pair to be scored."""
    count = np.maximum(flows.astype(np.int64), 1)
    odd = count // (count & -count)
    return np.asarray((odd == 1) | (odd == 3), bool)


def _longest_run(bits: int) -> int:
    """The longest run of set bits."""
    longest = 0
    while bits:
        bits &= bits << 1
        longest += 1
    return longest
