"""Lateral movement: one of our hosts that administers others as none did before.

Three signs, none of which needs the content: a source that reaches many hosts on ports of administration
within half an hour; files put on a share and procedures called on the same host within minutes, which is how
remote execution over SMB and DCOM looks (Zeek's BZAR names the calls themselves); and procedures called again
and again at a rate that only an attack on authentication has.
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
from detectors.brute_force import LOGINS
from detectors.places import common_prefix
from detectors.relations import records
from detectors.relations.detector import RelationDetector, among, crowd, estimate, protocol, seconds
from detectors.relations.tables import Related

_ADMIN = (135, 139, 445, 3389, 5985, 5986, 22, 23, 5900, 1433)


class LateralParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.lateral]`."""

    targets: Annotated[
        int,
        Meta(ge=4, le=100000, extra={"unit": "hosts"},
             description="Hosts of ours that one source reaches at one such port in the window."),
    ] = 15  # fmt: skip
    window_s: Annotated[
        int, Meta(ge=60, le=86400, extra={"unit": "s"}, description="Window they are counted in.")
    ] = 1800  # fmt: skip
    edge_s: Annotated[
        int,
        Meta(ge=5, le=3600, extra={"unit": "s"},
             description="Within this the files and the calls to one host belong together."),
    ] = 120  # fmt: skip
    share_bytes: Annotated[
        int,
        Meta(ge=1024, le=1 << 30, extra={"unit": "bytes"},
             description="Bytes put on a share that may be a program."),
    ] = 50_000  # fmt: skip
    rpc_bytes: Annotated[
        int,
        Meta(ge=512, le=1 << 30, extra={"unit": "bytes"},
             description="Bytes of calls that are more than a look-up."),
    ] = 4096  # fmt: skip
    common: Annotated[
        int,
        Meta(ge=2, le=250, extra={"unit": "hosts"},
             description="A target that this many hosts come to is a server that all call: told softly."),
    ] = 10  # fmt: skip
    calls: Annotated[
        int,
        Meta(ge=8, le=65535, extra={"unit": "connections"},
             description="Connections for procedures to one service within five minutes that are an attack."),
    ] = 200  # fmt: skip
    ports: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65535)], ...],
        Meta(extra={"unit": "ports"}, description="TCP ports of administration."),
    ] = _ADMIN


class Lateral(RelationDetector):
    """New ways of administration between our hosts."""

    id: ClassVar[str] = "lateral"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("fan_out", "remote_execution", "remote_calls", "call_burst")
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1021", "Remote Services", "TA0008", "Lateral Movement"),
        ("T1570", "Lateral Tool Transfer", "TA0008", "Lateral Movement"),
        ("T1047", "Windows Management Instrumentation", "TA0002", "Execution"),
        ("T1210", "Exploitation of Remote Services", "TA0008", "Lateral Movement"),
    )
    gb_class: ClassVar[str] = "attack"
    gb_subclass: ClassVar[str] = "内网渗透"
    axis: ClassVar[str] = "attack"
    Parameters: ClassVar[type[msgspec.Struct]] = LateralParameters

    parameters: LateralParameters

    def judge_relations(self, related: Related, reports: NDArray[np.void]) -> list[Draft]:
        """Predicates over spreads, edges and pairs."""
        return [
            *self._fans(related, reports), *self._edges(related, reports), *self._bursts(related, reports),
        ]  # fmt: skip

    def _fans(self, related: Related, reports: NDArray[np.void]) -> list[Draft]:
        p, spreads = self.parameters, related.spreads
        # what is nearly all short log-ins is spraying, and told as that
        tries = among(spreads["port"], LOGINS) & (10 * spreads["attempts"] >= 8 * spreads["flows"])
        told = np.flatnonzero(among(spreads["port"], p.ports) & ~tries)
        if not len(told):
            return []
        hosts = estimate(related.reached[told])
        told, hosts = told[hosts >= p.targets], hosts[hosts >= p.targets]
        return [
            self._fan(spread, row, n)
            for n, (spread, row) in zip(
                hosts.tolist(), shown(spreads, related.spread_rows, reports, told), strict=True
            )
            if self.places.is_home(row["dst_hi"], row["dst_lo"])
        ]

    def _fan(self, spread: Any, row: Any, hosts: float) -> Draft:
        p = self.parameters
        source = self.places.endpoint(spread["src_hi"], spread["src_lo"], spread["domain"])
        base, differing = (spread["base_hi"], spread["base_lo"]), (spread["spread_hi"], spread["spread_lo"])
        address, length = common_prefix(base, differing)
        inside = self.places.endpoint(*base, row["domain"])
        port = int(spread["port"])
        target = msgspec.structs.replace(inside, address=address, prefix=length, port=port)
        return Draft(
            kind="fan_out", about=f"tcp/{port}", entity=self.name(source),
            time=int(spread["last"]), began=int(spread["window"]),
            severity=Severity.HIGH if hosts >= 2 * p.targets else Severity.MEDIUM,
            confidence=round(min(0.95, 0.4 + hosts / (5 * p.targets)), 3),
            score=round(hosts, 1), threshold=float(p.targets),
            source=source, target=target,
            facts={
                "observed": round(hosts), "threshold": p.targets, "usual": 3,
                "seconds": seconds(spread["window"], spread["last"]), "window_s": p.window_s,
                "connections": int(spread["flows"]), "target_port": port, "protocol": protocol(spread),
            },
            evidence=self.evidence(spread, row),
        )  # fmt: skip

    def _edges(self, related: Related, reports: NDArray[np.void]) -> list[Draft]:
        p, edges = self.parameters, related.edges
        if not len(edges):
            return []
        # clients of a directory put files and call there all day: only far more is told
        least = np.where(edges["ever"] & records.DIRECTORY != 0, 16 * p.share_bytes, p.share_bytes)
        put = (edges["share_bytes"] >= least) & (edges["ways"] & records.SHARE != 0)
        called = (edges["rpc_bytes"] >= p.rpc_bytes) & (edges["ways"] & records.MAPPER != 0)
        called &= (edges["ever"] & records.DIRECTORY == 0) & (crowd(edges["unheard"]) < p.common)
        which = np.flatnonzero((put | called) & self.places.are_home(edges["dst_hi"], edges["dst_lo"]))
        return [
            self._edge(edge, row, put=bool(put[i]))
            for i, (edge, row) in zip(which, shown(edges, related.edge_rows, reports, which), strict=True)
        ]

    def _edge(self, edge: Any, row: Any, *, put: bool) -> Draft:
        p = self.parameters
        source, target = self.source(edge), self.target(edge)
        hosts = float(crowd(edge["unheard"]))
        observed, threshold = (
            (int(edge["share_bytes"]), p.share_bytes) if put else (int(edge["rpc_bytes"]), p.rpc_bytes)
        )
        return Draft(
            kind="remote_execution" if put else "remote_calls", about="",
            entity=self.between(source, target),
            time=int(row["time"]), began=int(edge["window"]),
            severity=_edge_severity(put=put, common=hosts >= p.common),
            confidence=0.6 if put else 0.4,
            score=round(observed / threshold, 3), threshold=1.0,
            source=source, target=target,
            facts={
                "observed": observed, "threshold": threshold,
                "seconds": seconds(edge["window"], row["time"]),
                "share_bytes": int(edge["share_bytes"]), "call_bytes": int(edge["rpc_bytes"]),
                "hosts_estimated": round(hosts), "protocol": "tcp",
            },
            evidence=self.evidence(edge, row),
        )  # fmt: skip

    def _bursts(self, related: Related, reports: NDArray[np.void]) -> list[Draft]:
        p, pairs = self.parameters, related.pairs
        told = (pairs["asks"] & records.RPC != 0) & (pairs["now_flows"] >= p.calls) & (pairs["proto"] == TCP)
        if not told.any():
            return []
        drafts = []
        for pair, row in shown(pairs, related.pair_rows, reports, told):
            source, target = self.source(pair), self.service(pair)
            calls = int(pair["now_flows"])
            drafts.append(
                Draft(
                    kind="call_burst", about="", entity=self.between(source, target),
                    time=int(row["time"]), began=int(pair["window"]),
                    severity=Severity.HIGH, confidence=round(min(0.9, 0.5 + calls / (8 * p.calls)), 3),
                    score=float(calls), threshold=float(p.calls),
                    source=source, target=target,
                    facts={
                        "observed": calls, "threshold": p.calls, "usual": 5,
                        "seconds": seconds(pair["window"], row["time"]),
                        "bytes_sent": int(pair["now_sent_bytes"]), "protocol": protocol(pair),
                    },
                    evidence=self.evidence(pair, row),
                )
            )  # fmt: skip
        return drafts


def _edge_severity(*, put: bool, common: bool) -> Severity:
    """A server that many come to is administered and written to by right."""
    if common:
        return Severity.INFORMATIONAL
    return Severity.MEDIUM if put else Severity.LOW
