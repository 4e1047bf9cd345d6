"""Scans: who looks for hosts and services that are not there.

Jung, Paxson, Berger and Balakrishnan, "Fast Portscan Detection Using Sequential Hypothesis Testing" (IEEE
S&P 2004), run as Page's test so that it has no memory of better days, beside counts of distinct targets.
The walk is kept for each source and port and for each source and target, because a host that talks to
many peers on many ports (peer to peer) fails often but never with a plan.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.addresses import mac_to_text
from citywall.batches import PROTOCOL_NAMES
from citywall.findings import Endpoint, Evidence, Severity
from citywall.rows import take
from detectors.base import Detector, Draft, milli, ratio, shown
from detectors.features.kernels import BY_ASKER, BY_PORT, BY_SOURCE, BY_TARGET, ICMP, ICMPV6, UDP
from detectors.features.tables import Seen
from detectors.places import common_prefix, distinct

#: Every client talks to these, and a broken path makes its failures come in bursts.
COMMON_PORTS = (80, 443)
_SECOND = 1_000_000_000

Facts = dict[str, int | float | str]


class _Subject(NamedTuple):
    """A record of the kernel, and the row as of which it was copied."""

    group: Any  # GROUP
    row: Any  # FLOW or EVENT


class ScanParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.scan]`."""

    targets: Annotated[
        int,
        Meta(ge=3, le=65535, extra={"unit": "hosts"},
             description="Distinct failing targets on one TCP port that make a horizontal scan."),
    ] = 10  # fmt: skip
    common_targets: Annotated[
        int,
        Meta(ge=3, le=65535, extra={"unit": "hosts"},
             description="The same for UDP and for TCP ports 80 and 443, where single failures mean less."),
    ] = 25  # fmt: skip
    ports: Annotated[
        int,
        Meta(ge=3, le=65535, extra={"unit": "ports"},
             description="Distinct failing TCP ports of one target that make a vertical scan."),
    ] = 10  # fmt: skip
    udp_ports: Annotated[
        int,
        Meta(ge=3, le=65535, extra={"unit": "ports"},
             description="The same for UDP, where silence is often an answer."),
    ] = 20  # fmt: skip
    icmp_targets: Annotated[
        int,
        Meta(ge=3, le=65535, extra={"unit": "hosts"},
             description="Distinct hosts asked by ICMP that make a sweep, if some do not answer."),
    ] = 10  # fmt: skip
    icmp_failures: Annotated[
        int,
        Meta(ge=1, le=65535, extra={"unit": "hosts"},
             description="How many of them must not answer: monitoring asks hosts that are there."),
    ] = 3  # fmt: skip
    block_contacts: Annotated[
        int,
        Meta(ge=10, le=1 << 20, extra={"unit": "contacts"},
             description="Failing contacts that make a block scan, over at least 3 targets and 3 ports."),
    ] = 60  # fmt: skip
    answered_ports: Annotated[
        int,
        Meta(ge=3, le=65535, extra={"unit": "ports"},
             description="Distinct ports of one target, failing or opened and shut without a word."),
    ] = 20  # fmt: skip
    answered_targets: Annotated[
        int,
        Meta(ge=3, le=65535, extra={"unit": "hosts"},
             description="Distinct targets on one port, opened and shut without a word."),
    ] = 50  # fmt: skip
    arp_targets: Annotated[
        int,
        Meta(ge=3, le=65535, extra={"unit": "hosts"},
             description="Distinct silent addresses asked for by ARP or neighbour solicitation."),
    ] = 25  # fmt: skip
    arp_pace_s: Annotated[
        float,
        Meta(ge=0.001, le=3600, extra={"unit": "s"},
             description="Askers slower than this an address on average are gateways whose hosts are gone."),
    ] = 4.0  # fmt: skip
    odd_flows: Annotated[
        int,
        Meta(ge=1, le=65535, extra={"unit": "flows"},
             description="Flows begun with TCP flags that no stack begins with."),
    ] = 3  # fmt: skip
    weak: Annotated[
        int,
        Meta(ge=3, le=65535, extra={"unit": "contacts"},
             description="Failures that are worth an informational finding once the test accepts a scan."),
    ] = 5  # fmt: skip
    failing_share: Annotated[
        float,
        Meta(ge=0.01, le=1, extra={"unit": "ratio"},
             description="Failures among first contacts that make a scan without the test's consent."),
    ] = 0.2  # fmt: skip
    benign_success: Annotated[
        float,
        Meta(gt=0.5, lt=1, extra={"unit": "probability"},
             description="θ0: how often a benign source's first contact succeeds."),
    ] = 0.9  # fmt: skip
    scanner_success: Annotated[
        float,
        Meta(gt=0, lt=0.9, extra={"unit": "probability"},
             description="θ1: how often a scanner's first contact succeeds. Both together set the least "
             "share of failures that is seen: 27 % with the defaults."),
    ] = 0.5  # fmt: skip
    detection: Annotated[
        float,
        Meta(gt=0.5, lt=1, extra={"unit": "probability"}, description="P_D: wanted rate of detection."),
    ] = 0.99  # fmt: skip
    false_alarm: Annotated[
        float,
        Meta(gt=0, lt=0.1, extra={"unit": "probability"}, description="P_F: tolerated rate of false alarms."),
    ] = 0.0001  # fmt: skip
    window_s: Annotated[
        int,
        Meta(ge=10, le=86400, extra={"unit": "s"},
             description="Silence after which a source's suspicion is forgotten; slower scans stay unseen."),
    ] = 300  # fmt: skip
    arp_window_s: Annotated[
        int,
        Meta(ge=1, le=86400, extra={"unit": "s"}, description="The same for address resolution."),
    ] = 60  # fmt: skip

    @property
    def accept(self) -> float:
        """η1 = ln(P_D / P_F): where the test accepts a scan."""
        return math.log(self.detection / self.false_alarm)

    @property
    def step_failure(self) -> float:
        """What a failure adds to the walk."""
        return math.log((1 - self.scanner_success) / (1 - self.benign_success))

    @property
    def step_success(self) -> float:
        """What a success takes from it."""
        return math.log(self.benign_success / self.scanner_success)


class Scan(Detector):
    """Horizontal, vertical, block, ICMP and address-resolution scans, of IPv4 and IPv6 alike."""

    id: ClassVar[str] = "scan"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = (
        "horizontal", "vertical", "block", "icmp_sweep", "arp_sweep", "neighbour_sweep", "odd_flags",
    )  # fmt: skip
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1046", "Network Service Discovery", "TA0007", "Discovery"),
        ("T1018", "Remote System Discovery", "TA0007", "Discovery"),
        ("T1595.001", "Scanning IP Blocks", "TA0043", "Reconnaissance"),
    )
    gb_class: ClassVar[str] = "attack"
    gb_subclass: ClassVar[str] = "网络扫描探测"
    axis: ClassVar[str] = "attack"
    Parameters: ClassVar[type[msgspec.Struct]] = ScanParameters
    kernels: ClassVar[tuple[str, ...]] = (
        "detectors.features.kernels.observe_flows", "detectors.features.kernels.observe_events",
    )  # fmt: skip
    oracle: ClassVar[str] = "tests.detectors.features.oracle.Oracle"

    parameters: ScanParameters

    def judge_flows(self, seen: Seen, reports: NDArray[np.void]) -> list[Draft]:
        """Predicates over the groups of sources."""
        p, worth = self.parameters, self._worth(seen.groups)
        if not len(worth):
            return []
        groups, group_rows = take(seen.groups, worth), seen.group_rows[worth]
        kind, proto = groups["kind"], groups["proto"]
        failures, contacts = groups["failures"].astype(np.int64), groups["contacts"].astype(np.int64)
        empties = groups["empties"].astype(np.int64)
        udp, icmp = proto == UDP, (proto == ICMP) | (proto == ICMPV6)
        accepted = groups["peak"] >= milli(p.accept)
        share = ratio(failures, contacts)
        likely = accepted | (share >= p.failing_share)
        by_port, by_target, by_source = kind == BY_PORT, kind == BY_TARGET, kind == BY_SOURCE

        common = udp | np.isin(groups["port"], COMMON_PORTS)
        need = np.where(common, p.common_targets, p.targets)
        horizontal = by_port & ~icmp & ((failures >= need) & likely | (failures >= p.weak) & accepted)
        need_ports = np.where(udp, p.udp_ports, p.ports)
        vertical = by_target & ((failures >= need_ports) & likely | (failures >= p.weak) & accepted)
        silent_target = by_target & ~vertical & (failures + empties >= p.answered_ports)
        silent_port = by_port & ~icmp & ~horizontal & (empties >= p.answered_targets)
        sweep = (
            by_port & icmp & (contacts >= p.icmp_targets) & (failures >= p.icmp_failures)
            & (share >= p.failing_share)
        )  # fmt: skip
        block = (
            by_source & (failures >= p.block_contacts) & accepted & (share >= 0.5)
            & (groups["targets"] >= 3) & (groups["ports"] >= 3) & (failures >= 3 * groups["targets"])
        )  # fmt: skip
        odd = by_source & (groups["odd"] >= p.odd_flows)

        drafts: list[Draft] = []
        hit = horizontal | vertical | silent_target | silent_port | sweep | block | odd
        which = np.flatnonzero(hit)
        for i, (group, row) in zip(which, shown(groups, group_rows, reports, which), strict=True):
            of = _Subject(group, row)
            n, e = int(failures[i]), int(empties[i])
            if horizontal[i]:
                drafts.append(self._horizontal(of, n, int(need[i])))
            if vertical[i]:
                drafts.append(self._vertical(of, n, int(need_ports[i])))
            if silent_target[i]:
                drafts.append(self._vertical(of, n + e, p.answered_ports))
            if silent_port[i]:
                drafts.append(self._horizontal(of, e, p.answered_targets, Severity.LOW))
            if sweep[i]:
                network = self._network(of.group)
                drafts.append(self._draft("icmp_sweep", of, int(contacts[i]), p.icmp_targets, target=network))
            if block[i]:
                drafts.append(self._draft("block", of, n, p.block_contacts))
            if odd[i]:
                count = int(of.group["odd"])
                drafts.append(self._draft("odd_flags", of, count, p.odd_flows, at_most=Severity.LOW))
        return drafts

    def _worth(self, groups: NDArray[Any]) -> NDArray[np.int64]:
        """Which groups any predicate may hold of: nearly always none."""
        p = self.parameters
        least = min(
            p.targets, p.common_targets, p.ports, p.udp_ports, p.weak, p.answered_ports, p.answered_targets,
            p.block_contacts,
        )  # fmt: skip
        worth = groups["failures"].astype(np.int64) + groups["empties"] >= least
        worth |= (groups["contacts"] >= p.icmp_targets) & (groups["failures"] >= p.icmp_failures)
        return np.flatnonzero(worth | (groups["odd"] >= p.odd_flows))

    def judge_events(self, seen: Seen, events: NDArray[np.void]) -> list[Draft]:
        """Predicates over those who ask for hardware addresses."""
        p, groups = self.parameters, seen.groups
        failures, contacts = groups["failures"].astype(np.int64), groups["contacts"].astype(np.int64)
        silent = (groups["kind"] == BY_ASKER) & (failures >= p.arp_targets) & (2 * failures >= contacts)
        silent &= groups["last"] - groups["began"] <= failures * round(p.arp_pace_s * 1e9)
        return [
            self._resolution(group, row, int(group["failures"]))
            for group, row in shown(groups, seen.group_rows, events, silent)
        ]

    def _severity(self, group: Any, score: int, threshold: int) -> Severity:
        if score < threshold:
            return Severity.INFORMATIONAL
        inside = self.places.is_home(int(group["src_hi"]), int(group["src_lo"]))
        return Severity.HIGH if inside and score >= 4 * threshold else Severity.MEDIUM

    def _horizontal(
        self, of: _Subject, score: int, need: int, at_most: Severity = Severity.CRITICAL
    ) -> Draft:
        proto, port = int(of.group["proto"]), int(of.group["port"])
        about, target = f"{PROTOCOL_NAMES.get(proto, str(proto))}/{port}", self._network(of.group)
        return self._draft(
            "horizontal", of, score, need, about=about, target=target, more={"port": port}, at_most=at_most
        )

    def _vertical(self, of: _Subject, score: int, need: int) -> Draft:
        group = of.group
        target = self.places.endpoint(group["dst_hi"], group["dst_lo"], group["dst_domain"])
        about = f"{self.places.name(target.domain, target.address)}/{int(group['proto'])}"
        more: Facts = {"lowest_port": int(group["low"]), "highest_port": int(group["high"])}
        return self._draft("vertical", of, score, need, about=about, target=target, more=more)

    def _resolution(self, group: Any, row: Any, score: int) -> Draft:
        arp = int(group["proto"]) == 1
        proto = "arp" if arp else "ipv6-icmp"
        mac = int(group["mac"])
        return self._draft(
            "arp_sweep" if arp else "neighbour_sweep",
            _Subject(group, row),
            score,
            self.parameters.arp_targets,
            target=self._network(group),
            mac=mac_to_text(mac),
            more={"window_s": self.parameters.arp_window_s, "protocol": proto},
            evidence=[
                self.places.packet(_first_packet(group), mac, proto),
                self.places.packet(row, mac, proto),
            ],
        )

    def _draft(
        self,
        kind: str,
        of: _Subject,
        score: int,
        need: int,
        *,
        about: str = "",
        target: Endpoint | None = None,
        mac: str | None = None,
        more: Facts | None = None,
        evidence: list[Evidence] | None = None,
        at_most: Severity = Severity.CRITICAL,
    ) -> Draft:
        group = of.group
        place = self.places.endpoint(group["src_hi"], group["src_lo"], group["domain"])
        source = Endpoint(place.address, place.domain, mac=mac)
        nobody = place.address in ("0.0.0.0", "::")  # noqa: S104  (an asker without an address)
        doubt = math.exp(-max(int(group["peak"]), 1000) / 1000 / 4)
        return Draft(
            kind=kind,
            about=about,
            entity=self.places.name(place.domain, (mac or "") if nobody else place.address),
            time=int(group["last"]),
            began=int(group["began"]),
            severity=min(self._severity(group, score, need), at_most),
            confidence=round(1 - doubt, 3),
            score=float(score),
            threshold=float(need),
            source=source,
            target=target,
            facts=self._facts(group, score, need) | (more or {}),
            evidence=distinct(self._flows(of) if evidence is None else evidence),
        )

    def _flows(self, of: _Subject) -> list[Evidence]:
        """The first failing flow of the episode, the one before this, and this."""
        group = of.group
        src = (int(group["src_hi"]), int(group["src_lo"]))
        kept = [
            self.places.flow(group, which, src, (group[f"{which}_dst_hi"], group[f"{which}_dst_lo"]))
            for which in ("first", "late")
            if group[f"{which}_proto"]
        ]
        return [*kept, self.places.report(of.row)]

    def _facts(self, group: Any, observed: int, threshold: int) -> Facts:
        contacts, failures = int(group["contacts"]), int(group["failures"])
        lasted = max(int(group["last"]) - int(group["began"]), 0)
        facts: Facts = {
            "observed": observed,
            "threshold": threshold,
            "window_s": self.parameters.window_s,
            "first_contacts": contacts,
            "failures": failures,
            "refused": int(group["refused"]),
            "answered_without_payload": int(group["empties"]),
            "failure_ratio": round(failures / contacts, 3) if contacts else 0.0,
            "walk": round(int(group["peak"]) / 1000, 3),
            "walk_accepts_at": round(self.parameters.accept, 3),
            "seconds": round(lasted / _SECOND, 3),
            "protocol": PROTOCOL_NAMES.get(int(group["proto"]), "any"),
        }
        if int(group["kind"]) == BY_SOURCE:
            facts["failing_targets"], facts["failing_ports"] = int(group["targets"]), int(group["ports"])
        return facts

    def _network(self, group: Any) -> Endpoint:
        base, spread = (group["base_hi"], group["base_lo"]), (group["spread_hi"], group["spread_lo"])
        address, length = common_prefix(base, spread)
        inside = self.places.endpoint(*base, group["domain"])
        if not int(spread[0]) and not int(spread[1]):
            return inside
        return Endpoint(address, inside.domain, prefix=length)


def _first_packet(group: Any) -> dict[str, Any]:
    """The first packet kept in a group, with the names of an EVENT row."""
    kept = {
        name: group[f"first_{name}"] for name in ("frame", "offset", "time", "dst_hi", "dst_lo", "domain")
    }
    return {**kept, "src_hi": group["src_hi"], "src_lo": group["src_lo"]}
