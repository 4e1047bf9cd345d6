"""Floods: who receives more than it asked for.

Non-parametric CUSUM per target (Wang, Zhang and Shin, "Detecting SYN Flooding Attacks", INFOCOM 2002) over
what comes one-way in each second of event time, with the entropy of sources and ports (Feinstein et al.,
DISCEX 2003) to tell floods from scans. Only traffic without an answer of its own counts, so that busy
services, calls and downloads are never in the sum.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.batches import PROTOCOL_NAMES
from citywall.findings import Endpoint, Evidence, Severity
from detectors.base import Detector, Draft, ratio, shown
from detectors.features import kernels
from detectors.features.tables import Seen
from detectors.places import distinct

_NEVER = 1 << 40
_SECOND = 1_000_000_000
_ONE_SOURCE = 1.5  # an estimate below this stands for a single source: one register in 32 is set


def _rate(description: str) -> Any:
    return Meta(ge=1, le=1 << 30, extra={"unit": "1/s"}, description=description)


def _sum(description: str) -> Any:
    return Meta(ge=1, le=1 << 30, extra={"unit": "count"}, description=description)


def _share(description: str) -> Any:
    return Meta(ge=0, le=1, extra={"unit": "ratio"}, description=description)


class FloodParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.flood]`. `*_allowed` is CUSUM's a, the upper bound of normal; `*_alarm` its h."""

    syn_allowed: Annotated[int, _rate("SYN packets a host may get without a handshake being finished.")] = 50
    syn_alarm: Annotated[int, _sum("SYN packets beyond that, summed over seconds, that make a flood.")] = 40
    udp_allowed: Annotated[
        int, _rate("UDP packets a host may get without answering: streams are one-way.")
    ] = 3000
    udp_alarm: Annotated[int, _sum("UDP packets beyond that that make a flood.")] = 3000
    udp_flows_allowed: Annotated[int, _rate("New UDP flows a host may get without answering.")] = 100
    udp_flows_alarm: Annotated[int, _sum("New UDP flows beyond that that make a flood.")] = 400
    icmp_allowed: Annotated[int, _rate("ICMP packets a host may get.")] = 50
    icmp_alarm: Annotated[int, _sum("ICMP packets beyond that that make a flood.")] = 400
    reflected_allowed: Annotated[
        int, _rate("Packets from ports of known amplifiers a host may get without having asked.")
    ] = 20
    reflected_alarm: Annotated[int, _sum("Such packets beyond that that make an amplification attack.")] = 100
    unasked_allowed: Annotated[int, _rate("SYN-ACK and RST packets a host may get without having asked.")] = (
        50
    )
    unasked_alarm: Annotated[int, _sum("Such packets beyond that that make a reflection attack.")] = 100
    other_allowed: Annotated[
        int, _rate("Other flows a host may get without answering: stray TCP segments, other protocols.")
    ] = 200
    other_alarm: Annotated[int, _sum("Such flows beyond that that make a flood.")] = 800
    reflectors: Annotated[int, _sum("Distinct sources, estimated, that make a reflection attack.")] = 10
    scattered: Annotated[
        float, _share("Entropy of sources, as a share of its maximum, above which they are many.")
    ] = 0.6
    aimed: Annotated[float, _share("Entropy of target ports below which they are few.")] = 0.5
    prefix_factor: Annotated[
        int, Meta(ge=1, le=1000, extra={"unit": "times"}, description="How much more a whole prefix may get.")
    ] = 4
    prefix_v4: Annotated[
        int,
        Meta(
            ge=8, le=31, extra={"unit": "bits"}, description="Length of IPv4 prefixes under carpet bombing."
        ),
    ] = 24
    prefix_v6: Annotated[
        int, Meta(ge=16, le=64, extra={"unit": "bits"}, description="The same for IPv6; 64 is a subnet.")
    ] = 64
    amplifiers: Annotated[
        tuple[Annotated[int, Meta(ge=0, le=65535)], ...],
        Meta(extra={"unit": "ports"}, description="UDP source ports of services known to amplify."),
    ] = (
        7, 17, 19, 53, 69, 111, 123, 137, 138, 161, 177, 389, 427, 500, 520, 523, 623, 1434, 1604, 1900, 2049,
        2362, 3283, 3389, 3702, 4500, 5060, 5093, 5351, 5353, 5683, 10001, 10074, 11211, 17185, 20800, 27005,
        27015, 27960, 30120, 30718, 32410, 32414, 33848, 37810, 41794, 47808,
    )  # fmt: skip

    def limits(self) -> NDArray[np.int64]:
        """CUSUM's a and h for packets and flows, by level (host, prefix) and channel."""
        table = np.full((2, kernels.CHANNELS, 4), _NEVER, np.int64)
        host = table[0]
        host[kernels.SYN_HALF_OPEN, :2] = self.syn_allowed, self.syn_alarm
        host[kernels.UDP_ONE_WAY] = (
            self.udp_allowed, self.udp_alarm, self.udp_flows_allowed, self.udp_flows_alarm,
        )  # fmt: skip
        host[kernels.ICMP_ANY, :2] = self.icmp_allowed, self.icmp_alarm
        host[kernels.UDP_REFLECTED, :2] = self.reflected_allowed, self.reflected_alarm
        host[kernels.TCP_REFLECTED, :2] = self.unasked_allowed, self.unasked_alarm
        host[kernels.OTHER_ONE_WAY, 2:] = self.other_allowed, self.other_alarm
        table[1] = np.where(host == _NEVER, _NEVER, host * self.prefix_factor)
        return table


_KINDS = {
    kernels.SYN_HALF_OPEN: "syn_flood",
    kernels.UDP_ONE_WAY: "udp_flood",
    kernels.ICMP_ANY: "icmp_flood",
    kernels.UDP_REFLECTED: "udp_reflection",
    kernels.TCP_REFLECTED: "tcp_reflection",
    kernels.OTHER_ONE_WAY: "packet_flood",
}


class _Shape(NamedTuple):
    """How a target's episode looks: score, and entropies of its sources and of what they aim at."""

    score: float
    of_flows: bool
    sources: float
    spread: float
    hosts: float  # distinct sources, estimated


class Flood(Detector):
    """SYN, UDP, ICMP and other floods and reflection, on one host or spread over a prefix."""

    id: ClassVar[str] = "flood"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = (*_KINDS.values(), "carpet_bombing")
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1498", "Network Denial of Service", "TA0040", "Impact"),
        ("T1498.001", "Direct Network Flood", "TA0040", "Impact"),
        ("T1498.002", "Reflection Amplification", "TA0040", "Impact"),
    )
    gb_class: ClassVar[str] = "attack"
    gb_subclass: ClassVar[str] = "拒绝服务"
    axis: ClassVar[str] = "paralysis"
    Parameters: ClassVar[type[msgspec.Struct]] = FloodParameters
    kernels: ClassVar[tuple[str, ...]] = ("detectors.features.kernels.observe_flows",)
    oracle: ClassVar[str] = "tests.detectors.features.oracle.Oracle"

    parameters: FloodParameters

    def judge_flows(self, seen: Seen, reports: NDArray[np.void]) -> list[Draft]:
        """Predicates over the records of targets."""
        p, targets = self.parameters, seen.targets
        if not len(targets):
            return []
        channel, level = targets["channel"], (targets["prefix"] > 0).astype(np.int64)
        limits = p.limits()[level, channel]
        by_packets = targets["packets_peak"] / limits[:, kernels.ALARM_PACKETS]
        by_flows = targets["flows_peak"] / limits[:, kernels.ALARM_FLOWS]
        sources = entropy(seen.source_bins)
        spread = entropy(seen.spread_bins)
        hosts = distinct_sources(seen.registers)
        many = sources >= p.scattered
        packets = targets["packets"]
        aimed = (spread <= p.aimed) | (ratio(targets["dport_votes"], packets) >= 0.5)
        reflected = (channel == kernels.UDP_REFLECTED) | (channel == kernels.TCP_REFLECTED)
        # Few sources asking many ports of one host are a scan at any rate; a bare mass of packets is not.
        shaped = many | aimed
        by_flows = np.where(shaped, by_flows, 0.0)
        by_packets = np.where((channel == kernels.SYN_HALF_OPEN) & ~shaped, 0.0, by_packets)
        few_reflectors = reflected & (hosts < p.reflectors)
        by_packets = np.where(few_reflectors, by_packets / 10, by_packets)
        # A prefix speaks only for what no host in it receives alone, from many sources.
        carpet = (
            many & (spread >= p.aimed) & (ratio(targets["host_votes"], packets) < 0.5)
        )  # fmt: skip
        score = np.maximum(by_packets, by_flows)
        hit = (score >= 1) & ((level == 0) | carpet)
        which = np.flatnonzero(hit)
        shape = zip(score, by_flows > by_packets, sources, spread, hosts, strict=True)
        shapes = [_Shape(*(v.item() for v in values)) for values in shape]
        return [
            self._draft(target, row, limits[i], shapes[i])
            for i, (target, row) in zip(which, shown(targets, seen.target_rows, reports, which), strict=True)
        ]

    def _draft(self, target: Any, row: Any, limits: NDArray[np.int64], shape: _Shape) -> Draft:
        prefix = int(target["prefix"])
        place = self.places.endpoint(target["hi"], target["lo"], target["domain"])
        sport, dport = _usual_port(target, "sport"), _usual_port(target, "dport")
        kind = self._kind(target, shape, sport)
        facts = self._facts(target, limits, shape)
        facts["protocol"] = PROTOCOL_NAMES.get(int(row["proto"]), str(int(row["proto"])))
        if sport is not None:
            facts["source_port"] = sport
        if prefix:
            facts["flood"], kind = kind, "carpet_bombing"
            place = Endpoint(place.address, place.domain, prefix=prefix)
        elif dport is not None:
            facts["target_port"] = dport
            place = Endpoint(place.address, place.domain, dport)
        name = f"{place.address}/{prefix}" if prefix else place.address
        return Draft(
            kind=kind,
            about=str(target["channel"]) if prefix else "",
            entity=self.places.name(place.domain, name),
            time=int(target["last"]),
            began=int(target["began"]),
            severity=Severity.HIGH,
            confidence=round(1 - 0.5 / max(shape.score, 1.0), 3),
            score=round(shape.score, 3),
            threshold=1.0,
            source=self._only_source(row, place) if shape.hosts < _ONE_SOURCE else None,
            target=place,
            facts=facts,
            evidence=self._evidence(target, row),
        )

    def _kind(self, target: Any, shape: _Shape, sport: int | None) -> str:
        """A service's port on one side of many sources' packets is reflection, listed or not."""
        kind, p = _KINDS[int(target["channel"])], self.parameters
        served = sport is not None and sport < 1024
        if kind == "udp_flood" and served and shape.sources >= p.scattered and shape.hosts >= p.reflectors:
            return "udp_reflection"
        return kind

    def _only_source(self, row: Any, target: Endpoint) -> Endpoint:
        source = self.places.endpoint(row["src_hi"], row["src_lo"], row["domain"])
        if (source.address, source.domain) != (target.address, target.domain):
            return source
        return self.places.endpoint(row["dst_hi"], row["dst_lo"], row["domain"])

    def _evidence(self, target: Any, row: Any) -> tuple[Evidence, ...]:
        """The first flow of the episode, the one before this, and this."""
        kept = [
            self.places.flow(
                target,
                which,
                (target[f"{which}_src_hi"], target[f"{which}_src_lo"]),
                (target[f"{which}_dst_hi"], target[f"{which}_dst_lo"]),
            )
            for which in ("first", "late")
            if target[f"{which}_frame"] or target[f"{which}_flow_id"]
        ]
        return distinct([*kept, self.places.report(row)])

    def _facts(self, target: Any, limits: NDArray[np.int64], shape: _Shape) -> dict[str, int | float | str]:
        what = "flows" if shape.of_flows else "packets"
        allowed = kernels.ALLOWED_FLOWS if shape.of_flows else kernels.ALLOWED_PACKETS
        lasted = max(int(target["last"]) - int(target["began"]), 0)
        packets, replies = int(target["packets"]), int(target["replies"])
        return {
            "observed": int(target[f"{what}_peak"]),
            "threshold": int(limits[allowed + 1]),
            "counted": what,
            "allowed_per_second": int(limits[allowed]),
            "most_per_second": int(target[f"most_{what}"]),
            "packets": packets,
            "bytes": int(target["bytes"]),
            "flows": int(target["flows"]),
            "reply_ratio": round(replies / packets, 4) if packets else 0.0,
            "sources_estimated": round(shape.hosts),
            "source_entropy": round(shape.sources, 3),
            "spread_entropy": round(shape.spread, 3),
            "seconds": round(lasted / _SECOND, 3),
        }


def _usual_port(target: Any, side: str) -> int | None:
    """The port of most packets, if there is one."""
    ported = int(target["channel"]) not in (kernels.ICMP_ANY, kernels.OTHER_ONE_WAY)
    usual = ported and 2 * int(target[f"{side}_votes"]) >= int(target["packets"])
    return int(target[side]) if usual else None


def entropy(bins: NDArray[Any]) -> NDArray[np.float64]:
    """Shannon entropy of each row of a histogram, as a share of its maximum: f8[rows] in 0..1."""
    counts = bins.astype(np.float64)
    total = counts.sum(axis=1, keepdims=True)
    p = np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)
    log = np.log2(p, out=np.zeros_like(p), where=p > 0)
    return np.asarray(np.abs((p * log).sum(axis=1)) / np.log2(bins.shape[1]), np.float64)


def distinct_sources(registers: NDArray[np.uint8]) -> NDArray[np.float64]:
    """HyperLogLog's estimate for each row of registers (Flajolet et al. 2007): f8[rows]."""
    m = registers.shape[1]
    raw = 0.697 * m * m / (2.0 ** -registers.astype(np.float64)).sum(axis=1)
    empty = (registers == 0).sum(axis=1)
    small = m * np.log(m / np.maximum(empty, 1))
    return np.asarray(np.where((raw <= 2.5 * m) & (empty > 0), small, raw), np.float64)
