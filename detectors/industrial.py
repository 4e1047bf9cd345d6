"""Industrial protocols: who drives machinery that did not before, and who tries what it may not.

Masters of a controller are few and stay the same, so a stranger after an hour of learning is told. A master
that is refused again and again, or asks with ever other function codes, does not know the controller: it is
looking around (ICS recon). Writes are told softly, once: they are what an operator wants a record of.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.batches import TCP
from citywall.findings import Severity
from detectors.base import Draft, shown
from detectors.relations.detector import SECOND, RelationDetector, among, protocol, seconds
from detectors.relations.tables import Related

_MODBUS = 502


class IndustrialParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.ics]`."""

    refusals: Annotated[
        int,
        Meta(ge=1, le=1000, extra={"unit": "connections"},
             description="Connections whose first question a controller refuses, from one master."),
    ] = 3  # fmt: skip
    functions: Annotated[
        int,
        Meta(ge=2, le=32, extra={"unit": "codes"},
             description="Function codes that connections of one master begin with."),
    ] = 8  # fmt: skip
    learn_s: Annotated[
        int, Meta(ge=60, le=1 << 22, extra={"unit": "s"}, description="How long masters are learnt.")
    ] = 3600  # fmt: skip
    learn_flows: Annotated[
        int, Meta(ge=1, le=1 << 20, extra={"unit": "flows"}, description="And from how many connections.")
    ] = 10  # fmt: skip
    ports: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65535)], ...],
        Meta(extra={"unit": "ports"}, description="TCP ports of industrial protocols."),
    ] = (102, 502, 2404, 4840, 20000, 44818)  # fmt: skip


class Industrial(RelationDetector):
    """Strange masters of machinery, and masters that look around."""

    id: ClassVar[str] = "ics"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("strange_master", "recon", "writes")
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T0846", "Remote System Discovery", "TA0102", "Discovery"),
        ("T0855", "Unauthorized Command Message", "TA0106", "Impair Process Control"),
        ("T0848", "Rogue Master", "TA0108", "Initial Access"),
    )
    gb_class: ClassVar[str] = "attack"
    gb_subclass: ClassVar[str] = "工业控制攻击"
    axis: ClassVar[str] = "attack"
    Parameters: ClassVar[type[msgspec.Struct]] = IndustrialParameters

    parameters: IndustrialParameters

    def judge_relations(self, related: Related, reports: NDArray[np.void]) -> list[Draft]:
        """Predicates over pairs and services of industrial protocols."""
        p, pairs, services = self.parameters, related.pairs, related.services
        modbus = (pairs["port"] == _MODBUS) & (pairs["proto"] == TCP)
        codes = np.bitwise_count(pairs["functions"])
        recon = modbus & ((pairs["errors"] >= p.refusals) | (codes >= p.functions))
        writes = modbus & (pairs["writes"] > 0)
        drafts = [
            self._pair(kind, pair, row, pair["functions"].bit_count())
            for kind, hits in (("recon", recon), ("writes", writes))
            for pair, row in shown(pairs, related.pair_rows, reports, hits)
        ]
        learnt = services["last"] - services["began"] >= p.learn_s * SECOND
        learnt &= (services["newcomer"] == 1) & (services["flows"] > p.learn_flows)
        strange = np.flatnonzero(learnt & among(services["port"], p.ports))
        return drafts + [
            self._strange(service, row)
            for service, row in shown(services, related.service_rows, reports, strange)
        ]

    def _pair(self, kind: str, pair: Any, row: Any, codes: int) -> Draft:
        p = self.parameters
        source, target = self.source(pair), self.service(pair)
        errors, writes = int(pair["errors"]), int(pair["writes"])
        score = max(errors / p.refusals, codes / p.functions) if kind == "recon" else 1.0
        return Draft(
            kind=kind, about="", entity=self.between(source, target),
            time=int(row["time"]), began=int(pair["began"]),
            severity=Severity.MEDIUM if kind == "recon" else Severity.INFORMATIONAL,
            confidence=round(min(0.9, 0.4 + score / 10), 3) if kind == "recon" else 0.3,
            score=round(score, 3), threshold=1.0,
            source=source, target=target,
            facts={
                "observed": errors if kind == "recon" else writes,
                "threshold": p.refusals if kind == "recon" else 1,
                "seconds": seconds(pair["began"], row["time"]),
                "refusals": errors, "function_codes": codes, "writes": writes,
                "connections": int(pair["flows"]), "protocol": protocol(pair),
            },
            evidence=self.evidence(pair, row),
        )  # fmt: skip

    def _strange(self, service: Any, row: Any) -> Draft:
        source = self.places.endpoint(row["src_hi"], row["src_lo"], row["domain"])
        port = int(service["port"])
        target = self.places.endpoint(service["hi"], service["lo"], service["domain"], port)
        return Draft(
            kind="strange_master", about="", entity=self.between(source, target),
            time=int(service["last"]), began=int(row["first"]),
            severity=Severity.MEDIUM, confidence=0.6, score=1.0, threshold=1.0,
            source=source, target=target,
            facts={
                "observed": int(service["strangers"]), "threshold": 1, "usual": 0,
                "seconds": seconds(row["first"], service["last"]),
                "masters_known": int(service["known"]), "connections": int(service["flows"]),
                "protocol": protocol(service),
            },
            evidence=self.evidence(service, row),
        )  # fmt: skip
