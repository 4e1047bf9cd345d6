"""Channels of control: what a connection begins with that no honest service begins with.

A shell that greets or is told `id`, a script or a program sent over a bare connection, a mining pool's JSON,
a web request at a port that no web server has, a session at the port that attack tools listen on. Told by the
first eight bytes of either side, so it holds at any port; where a log has no content it is silent.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.batches import TCP
from citywall.findings import Severity
from citywall.rows import take
from detectors.base import Draft, shown
from detectors.relations import records
from detectors.relations.detector import RelationDetector, among, protocol, seconds
from detectors.relations.tables import Related


class _Grade(NamedTuple):
    severity: Severity
    confidence: float


_GRADES = {
    "raw_shell": _Grade(Severity.HIGH, 0.85),
    "raw_program": _Grade(Severity.HIGH, 0.8),
    "raw_script": _Grade(Severity.MEDIUM, 0.6),
    "mining": _Grade(Severity.MEDIUM, 0.85),
    "tool_port": _Grade(Severity.LOW, 0.5),
    "odd_web_port": _Grade(Severity.LOW, 0.4),
}


#: What either side may begin with that is told wherever it is heard.
_TOLD = records.SHELL | records.EXECUTABLE | records.SCRIPT | records.JSON_RPC
#: From where servers of FTP bring what was asked for (RFC 959, 3.2). Anybody may send from there, so that it
#: is told, and the control connection is another pair's.
_FTP_DATA = 20
_BROUGHT = _Grade(Severity.INFORMATIONAL, 0.3)


class ChannelParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.channel]`."""

    web_ports: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65535)], ...],
        Meta(extra={"unit": "ports"}, description="Ports below 10000 of web servers outside."),
    ] = (
        80, 81, 82, 88, 280, 443, 591, 593, 631, 800, 808, 880, 888, 1080, 2052, 2082, 2086, 2095, 2375, 2379,
        2869, 3000, 3128, 4000, 5000, 5357, 5601, 5985, 6080, 7001, 7547, 8000, 8001, 8008, 8009, 8010,
        8069, 8080, 8081, 8082, 8083, 8086, 8088, 8090, 8096, 8118, 8123, 8180, 8181, 8200, 8222, 8333, 8443,
        8500, 8530, 8800, 8880, 8888, 8983, 9000, 9001, 9080, 9090, 9091, 9100, 9200, 9443, 9999,
    )  # fmt: skip
    tool_ports: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65535)], ...],
        Meta(extra={"unit": "ports"}, description="Ports that attack tools listen on unless told otherwise."),
    ] = (1337, 4444, 4445, 5554, 6666, 6667, 9996, 12345, 27374, 31337, 54321)  # fmt: skip


class Channel(RelationDetector):
    """Connections whose first bytes are a shell, a program, a pool of miners, or the web where none is."""

    id: ClassVar[str] = "channel"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = tuple(_GRADES)
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1571", "Non-Standard Port", "TA0011", "Command and Control"),
        ("T1059", "Command and Scripting Interpreter", "TA0002", "Execution"),
        ("T1105", "Ingress Tool Transfer", "TA0011", "Command and Control"),
        ("T1496", "Resource Hijacking", "TA0040", "Impact"),
    )
    gb_class: ClassVar[str] = "malware"
    gb_subclass: ClassVar[str] = "木马"
    axis: ClassVar[str] = "malware"
    Parameters: ClassVar[type[msgspec.Struct]] = ChannelParameters

    parameters: ChannelParameters

    def judge_relations(self, related: Related, reports: NDArray[np.void]) -> list[Draft]:
        """Predicates over what either side of a pair began with."""
        p, pairs = self.parameters, related.pairs
        worth = (pairs["asks"] | pairs["says"]) & _TOLD != 0
        worth |= (pairs["asks"] & records.HTTP_REQUEST != 0) & ~among(pairs["port"], p.web_ports)
        worth |= among(pairs["port"], p.tool_ports)
        rows = np.flatnonzero(worth & (pairs["proto"] == TCP) & (pairs["answered"] > 0))
        if not len(rows):
            return []
        pairs, pair_rows = take(pairs, rows), related.pair_rows[rows]
        asks, says, port = pairs["asks"], pairs["says"], pairs["port"]
        either = asks | says
        outside = ~self.places.are_home(pairs["dst_hi"], pairs["dst_lo"])
        unserved = ~among(port, (20, 21, 23, 25, 80, 110, 143, 443)) & (asks & records.TRANSFER == 0)
        web = (asks & records.HTTP_REQUEST != 0) & outside & (port < 10000) & ~among(port, p.web_ports)
        tool = among(port, p.tool_ports) & (pairs["sent_bytes"] >= records.SAID)
        tool &= either & (records.HTTP_REQUEST | records.HTTP_RESPONSE | records.JSON_RPC) == 0
        told = {
            "raw_shell": (either & records.SHELL != 0) & unserved,
            "raw_program": (either & records.EXECUTABLE != 0) & unserved,
            "raw_script": (asks & records.SCRIPT != 0) & unserved,
            "mining": (asks & says & records.JSON_RPC != 0) & outside,
            "tool_port": tool,
            "odd_web_port": web,
        }
        return [
            self._draft(kind, pair, row)
            for kind, hits in told.items()
            for pair, row in shown(pairs, pair_rows, reports, hits)
        ]

    def _draft(self, kind: str, pair: Any, row: Any) -> Draft:
        source, target = self.source(pair), self.service(pair)
        brought = kind in ("raw_program", "raw_script") and pair["first_far_port"] == _FTP_DATA
        grade = _BROUGHT if brought else _GRADES[kind]
        return Draft(
            kind=kind, about="", entity=self.between(source, target),
            time=int(row["time"]), began=int(pair["began"]),
            severity=grade.severity, confidence=grade.confidence, score=1.0, threshold=1.0,
            source=source, target=target,
            facts={
                "observed": _words(int(pair["asks"]) | int(pair["says"])), "threshold": 1,
                "seconds": seconds(pair["began"], row["time"]),
                "source_begins": _text(row["src_head"]), "target_begins": _text(row["dst_head"]),
                "connections": int(pair["flows"]),
                "bytes_sent": int(pair["sent_bytes"]), "bytes_back": int(pair["back_bytes"]),
                "protocol": protocol(pair),
            },
            evidence=self.evidence(pair, row),
        )  # fmt: skip


_NAMES = ("http request", "http response", "tls", "ssh", "script", "program", "json-rpc", "shell", "rpc")


def _words(bits: int) -> str:
    """What bits of first bytes mean."""
    return ", ".join(name for n, name in enumerate(_NAMES) if bits >> n & 1) or "unknown"


def _text(head: Any) -> str:
    """First bytes as text, with dots for what is not printable ASCII."""
    raw = int(head).to_bytes(8, "big").rstrip(b"\0")
    return "".join(chr(b) if 32 <= b < 127 else "." for b in raw)
