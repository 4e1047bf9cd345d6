"""Scans that stay below every window of minutes: slow ones, ones of many sources, and ones of prefixes.

A source that fails at a target every few minutes never meets the thresholds of `scan`, whose suspicion is
forgotten after five minutes of silence; over a day its failing targets add up, while those of a host that
knows its services stay few. Many sources that share one target's ports, or one prefix's hosts, show none of
them as a scanner: what shows is that together they ask for everything once and for nothing twice, which
sources that do not know of each other would not (birthday paradox). Distinct hosts are estimated by
HyperLogLog and linear counting, who asks most by Space-Saving.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.batches import PROTOCOL_NAMES
from citywall.findings import Endpoint, Severity
from detectors.base import Draft
from detectors.baselines.detector import BaselineDetector
from detectors.baselines.tables import Noted
from detectors.places import common_prefix
from detectors.relations.detector import seconds
from detectors.sketches.estimates import counted, distinct, heaviest


class SlowScanParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.slowscan]`."""

    targets: Annotated[
        int,
        Meta(ge=8, le=100000, extra={"unit": "hosts"},
             description="Distinct failing targets of one source within its window."),
    ] = 30  # fmt: skip
    ports: Annotated[
        int,
        Meta(ge=8, le=65535, extra={"unit": "ports"},
             description="Distinct failing ports of one source at few targets within its window."),
    ] = 30  # fmt: skip
    prefixes: Annotated[
        int,
        Meta(ge=4, le=100000, extra={"unit": "prefixes"},
             description="Prefixes (IPv6 /64, IPv4 /24) in each of which a source asks for a host or two."),
    ] = 24  # fmt: skip
    failing_share: Annotated[
        float,
        Meta(ge=0.05, le=1, extra={"unit": "ratio"},
             description="Least share of failing targets among those that a source asked for."),
    ] = 0.5  # fmt: skip
    least_h: Annotated[
        float,
        Meta(ge=0, le=24, extra={"unit": "h"},
             description="A source's failures last for this long at least; what is faster is for `scan`."),
    ] = 1.0  # fmt: skip
    window_h: Annotated[
        float, Meta(ge=0.1, le=168, extra={"unit": "h"}, description="Window of one source.")
    ] = 24.0  # fmt: skip
    contacts: Annotated[
        int,
        Meta(ge=40, le=1 << 20, extra={"unit": "contacts"},
             description="Failing contacts of many sources at one host or prefix within their window."),
    ] = 120  # fmt: skip
    sources: Annotated[
        int, Meta(ge=3, le=100000, extra={"unit": "hosts"}, description="How many sources they come from.")
    ] = 12  # fmt: skip
    fresh: Annotated[
        float,
        Meta(ge=0.1, le=1, extra={"unit": "ratio"},
             description="Least share of contacts that asked for something new: unconnected sources repeat."),
    ] = 0.88  # fmt: skip
    most_share: Annotated[
        float,
        Meta(ge=0.05, le=1, extra={"unit": "ratio"},
             description="A source with a greater share of the contacts scans alone."),
    ] = 0.34  # fmt: skip
    shared_window_h: Annotated[
        float, Meta(ge=0.05, le=168, extra={"unit": "h"}, description="Window of one host or prefix.")
    ] = 4.0  # fmt: skip
    flood_rate: Annotated[
        float,
        Meta(ge=0.1, le=100000, extra={"unit": "1/s"},
             description="More contacts a second on the whole are a flood, not a scan."),
    ] = 20.0  # fmt: skip


class SlowScan(BaselineDetector):
    """One source over hours, or many sources together, looking for hosts, ports or prefixes."""

    id: ClassVar[str] = "slowscan"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = (
        "slow_hosts", "slow_ports", "prefix_sweep", "shared_ports", "shared_hosts",
    )  # fmt: skip
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1046", "Network Service Discovery", "TA0007", "Discovery"),
        ("T1018", "Remote System Discovery", "TA0007", "Discovery"),
        ("T1595.001", "Scanning IP Blocks", "TA0043", "Reconnaissance"),
    )
    gb_class: ClassVar[str] = "attack"
    gb_subclass: ClassVar[str] = "网络扫描探测"
    axis: ClassVar[str] = "attack"
    Parameters: ClassVar[type[msgspec.Struct]] = SlowScanParameters

    parameters: SlowScanParameters

    def judge_baselines(self, noted: Noted, reports: NDArray[np.void]) -> list[Draft]:
        """Predicates over sources whose contacts fail, and over what is asked for in vain."""
        return [*self._alone(noted, reports), *self._together(noted, reports)]

    def _alone(self, noted: Noted, reports: NDArray[np.void]) -> list[Draft]:
        p, probers = self.parameters, noted.probers
        old = np.flatnonzero(probers["last"] - probers["window"] >= int(p.least_h * 3600e9))
        if not len(old):
            return []
        failing, ports = distinct(noted.failing[old]), distinct(noted.ports[old])
        nets, answering = distinct(noted.nets[old]), distinct(noted.answering[old])
        blind = failing >= p.failing_share * (failing + answering)
        apart = (nets >= p.prefixes) & (failing <= 2 * nets)
        kinds = {
            "prefix_sweep": (apart & blind & (2 * ports <= failing), nets, p.prefixes),
            "slow_hosts": (
                (failing >= p.targets) & blind & (2 * ports <= failing) & ~apart, failing, p.targets,
            ),
            # one target may answer at some ports, so its failures are weighed against answers of itself
            "slow_ports": (
                (ports >= p.ports) & (4 * failing <= ports)
                & (probers["failures"][old] >= p.failing_share * (
                    probers["failures"][old] + probers["answers"][old].astype(np.float64))),
                ports, p.ports,
            ),
        }  # fmt: skip
        drafts = []
        for kind, (told, score, need) in kinds.items():
            for j in np.flatnonzero(told).tolist():
                prober = probers[old[j]]
                more = {
                    "failing_targets": round(float(failing[j])),
                    "answering_targets": round(float(answering[j])),
                    "failing_ports": round(float(ports[j])), "failing_prefixes": round(float(nets[j])),
                }  # fmt: skip
                row = reports[noted.prober_rows[old[j]]]
                drafts.append(self._prober(kind, prober, row, (float(score[j]), need), more))
        return drafts

    def _prober(
        self, kind: str, prober: Any, row: Any, scored: tuple[float, int], more: dict[str, int]
    ) -> Draft:
        score, need = scored
        source = self.host(prober)
        address, length = common_prefix(
            (prober["base_hi"], prober["base_lo"]), (prober["spread_hi"], prober["spread_lo"])
        )
        around = self.places.endpoint(prober["base_hi"], prober["base_lo"], row["domain"])
        alone = not int(prober["spread_hi"]) and not int(prober["spread_lo"])
        target = around if alone else Endpoint(address, around.domain, prefix=length)
        failures, answers = int(prober["failures"]), int(prober["answers"])
        return Draft(
            kind=kind, about="", entity=self.name(source),
            time=int(row["time"]), began=int(prober["window"]),
            severity=Severity.MEDIUM, confidence=round(min(0.95, 0.45 + score / (6 * need)), 3),
            score=round(score, 1), threshold=float(need),
            source=source, target=target,
            facts={
                "observed": round(score), "threshold": need, "usual": 3,
                "seconds": seconds(prober["window"], prober["last"]),
                "failures": failures, "answers": answers, **more,
                "protocol": PROTOCOL_NAMES.get(int(row["proto"]), str(int(row["proto"]))),
            },
            evidence=self.evidence(prober, row),
        )  # fmt: skip

    def _together(self, noted: Noted, reports: NDArray[np.void]) -> list[Draft]:
        p, aims = self.parameters, noted.aims
        contacts = aims["contacts"].astype(np.float64)
        lasted = (aims["last"] - aims["window"]) / 1e9
        slow = (contacts >= p.contacts) & (contacts <= p.flood_rate * np.maximum(lasted, 1))
        some = np.flatnonzero(slow)
        if not len(some):
            return []
        marks, comers = counted(noted.marks[some]), counted(noted.comers[some])
        _, most = heaviest(noted.aimers[some], noted.aimed[some])
        contacts = contacts[some]
        told = (comers >= p.sources) & (marks >= p.fresh * contacts) & (most <= p.most_share * contacts)
        return [
            self._aim(aims[some[j]], reports[noted.aim_rows[some[j]]], float(marks[j]), float(comers[j]))
            for j in np.flatnonzero(told)
        ]

    def _aim(self, aim: Any, row: Any, marks: float, comers: float) -> Draft:
        p = self.parameters
        prefix, proto = int(aim["prefix"]), int(aim["proto"])
        called = PROTOCOL_NAMES.get(proto, str(proto))
        place = self.host(aim, int(aim["port"]) if prefix else None)
        target = msgspec.structs.replace(place, prefix=prefix) if prefix else place
        entity = self.name(place) + (f"/{prefix}" if prefix else "")
        contacts = int(aim["contacts"])
        return Draft(
            kind="shared_hosts" if prefix else "shared_ports", about=f"{called}/{int(aim['port'])}",
            entity=entity, time=int(row["time"]), began=int(aim["window"]),
            severity=Severity.MEDIUM, confidence=round(min(0.9, 0.4 + comers / (8 * p.sources)), 3),
            score=round(float(contacts), 1), threshold=float(p.contacts),
            source=None, target=target,
            facts={
                "observed": contacts, "threshold": p.contacts,
                "seconds": seconds(aim["window"], aim["last"]),
                "sources_estimated": round(comers),
                "hosts_estimated" if prefix else "ports_estimated": round(marks),
                "protocol": called,
            },
            evidence=self.evidence(aim, row),
        )  # fmt: skip
