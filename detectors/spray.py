"""Password spraying and distributed guessing: many short log-ins that no pair of hosts shows.

One source that tries few passwords at many services, or many sources that try few at one (Javed and Paxson,
"Detecting Stealthy, Distributed SSH Brute-Forcing", CCS 2013): the pair stays below every threshold, the sum
does not. Distinct hosts are counted by HyperLogLog within a window.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.findings import Severity
from detectors.base import Draft, shown
from detectors.brute_force import LOGINS, PORTS
from detectors.features.kernels import SERVICES
from detectors.places import common_prefix
from detectors.relations.detector import RelationDetector, among, estimate, protocol, seconds
from detectors.relations.tables import Related


class SprayParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.spray]`."""

    services: Annotated[
        int,
        Meta(ge=4, le=100000, extra={"unit": "hosts"},
             description="Hosts at whose log-in service one source tries within the window."),
    ] = 20  # fmt: skip
    sources: Annotated[
        int,
        Meta(ge=4, le=100000, extra={"unit": "hosts"},
             description="Sources that try at one log-in service within the window."),
    ] = 25  # fmt: skip
    attempts: Annotated[
        int,
        Meta(ge=4, le=1 << 30, extra={"unit": "connections"},
             description="Short connections to one service within the window, from all of them."),
    ] = 75  # fmt: skip
    window_s: Annotated[
        int, Meta(ge=60, le=86400, extra={"unit": "s"}, description="Window at one service.")
    ] = 1800  # fmt: skip
    short_share: Annotated[
        float,
        Meta(ge=0, le=1, extra={"unit": "ratio"}, description="Least share of short ones among them."),
    ] = 0.8  # fmt: skip


class Spray(RelationDetector):
    """Guessing spread over many services, or by many sources at one."""

    id: ClassVar[str] = "spray"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("spray", "distributed")
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1110.003", "Password Spraying", "TA0006", "Credential Access"),
        ("T1110.001", "Password Guessing", "TA0006", "Credential Access"),
    )
    gb_class: ClassVar[str] = "attack"
    gb_subclass: ClassVar[str] = "凭据攻击"
    axis: ClassVar[str] = "attack"
    Parameters: ClassVar[type[msgspec.Struct]] = SprayParameters

    parameters: SprayParameters

    def judge_relations(self, related: Related, reports: NDArray[np.void]) -> list[Draft]:
        """Predicates over spreads and services."""
        return [*self._sprays(related, reports), *self._crowds(related, reports)]

    def _sprays(self, related: Related, reports: NDArray[np.void]) -> list[Draft]:
        p, spreads = self.parameters, related.spreads
        short = spreads["attempts"] >= p.short_share * spreads["flows"]
        told = np.flatnonzero(short & among(spreads["port"], LOGINS) & (spreads["attempts"] >= p.services))
        if not len(told):
            return []
        hosts_of = estimate(related.reached[told])
        many = hosts_of >= p.services
        drafts = []
        for hosts, (spread, row) in zip(
            hosts_of[many].tolist(), shown(spreads, related.spread_rows, reports, told[many]), strict=True
        ):
            source = self.places.endpoint(spread["src_hi"], spread["src_lo"], spread["domain"])
            base = (spread["base_hi"], spread["base_lo"])
            address, length = common_prefix(base, (spread["spread_hi"], spread["spread_lo"]))
            inside = self.places.endpoint(*base, row["domain"])
            port = int(spread["port"])
            drafts.append(
                Draft(
                    kind="spray", about=f"tcp/{port}", entity=self.name(source),
                    time=int(spread["last"]), began=int(spread["window"]),
                    severity=Severity.MEDIUM, confidence=round(min(0.9, 0.4 + hosts / (5 * p.services)), 3),
                    score=round(float(hosts), 1), threshold=float(p.services),
                    source=source,
                    target=msgspec.structs.replace(inside, address=address, prefix=length, port=port),
                    facts={
                        "observed": round(float(hosts)), "threshold": p.services, "usual": 3,
                        "seconds": seconds(spread["window"], spread["last"]),
                        "attempts": int(spread["attempts"]), "connections": int(spread["flows"]),
                        "service": SERVICES[PORTS[port]], "protocol": protocol(spread),
                    },
                    evidence=self.evidence(spread, row),
                )
            )  # fmt: skip
        return drafts

    def _crowds(self, related: Related, reports: NDArray[np.void]) -> list[Draft]:
        p, services = self.parameters, related.services
        told = np.flatnonzero((services["attempts"] >= p.attempts) & among(services["port"], LOGINS))
        if not len(told):
            return []
        hosts_of = estimate(related.comers[told])
        # few guess much: that is plain guessing
        many = (hosts_of >= p.sources) & (services["attempts"][told] <= 40 * hosts_of)
        return [
            self._crowd(service, row, hosts)
            for hosts, (service, row) in zip(
                hosts_of[many].tolist(),
                shown(services, related.service_rows, reports, told[many]),
                strict=True,
            )
        ]

    def _crowd(self, service: Any, row: Any, hosts: float) -> Draft:
        p = self.parameters
        port = int(service["port"])
        target = self.places.endpoint(service["hi"], service["lo"], service["domain"], port)
        return Draft(
            kind="distributed", about="", entity=f"{self.name(target)}:{port}",
            time=int(service["last"]), began=int(service["window"]),
            severity=Severity.MEDIUM, confidence=round(min(0.9, 0.4 + hosts / (5 * p.sources)), 3),
            score=round(hosts, 1), threshold=float(p.sources),
            source=None, target=target,
            facts={
                "observed": round(hosts), "threshold": p.sources, "usual": 3,
                "seconds": seconds(service["window"], service["last"]), "window_s": p.window_s,
                "attempts": int(service["attempts"]), "service": SERVICES[PORTS[port]],
                "protocol": protocol(service),
            },
            evidence=self.evidence(service, row),
        )  # fmt: skip
