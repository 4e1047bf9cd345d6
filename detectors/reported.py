"""What another sensor reports as an attack: Zeek's notices, and alerts in Suricata's log of events.

Who runs such a sensor expects its verdicts beside ours, under the same host and in the same case. They are
taken at their word and said to be somebody else's: with less confidence than what was seen here. A notice of
Zeek is told by its name (`Scan::Port_Scan`), an alert of Suricata by its class of rules and its priority.
Notices of anything but attacks stay events.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Any, ClassVar, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.findings import Endpoint, Severity
from detectors.base import Draft
from detectors.sightings.detector import SECOND, SightingDetector, count

#: What a name of Zeek's, or a class of Suricata's rules, says of which kind of attack; the first that does.
_BY_NAME = {
    "scan": r"scan\b|_sweep|sweep_",
    "bruteforce": r"guess|brute_?forc",
    "dos": r"flood|ddos|denial_of_service|amplification",
    "c2": r"malware|botnet|trojan|cryptomin|command_and_control|beacon",
    "exploit": r"sql_injection|heartbleed|shellshock|log4|exploit|attack",
}
_BY_CLASS = {
    "scan": r"network scan|attempted information leak|large scale information leak",
    "bruteforce": r"attempt to login|attempted login",
    "dos": r"denial of service",
    "c2": r"trojan|command and control|c2|targeted malicious|crypto currency",
    "exploit": r"privilege gain|web application attack|executable code|exploit kit|credential theft",
}
_NAMES, _CLASSES = (
    {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in patterns.items()}
    for patterns in (_BY_NAME, _BY_CLASS)
)
#: By Suricata's priority. Zeek has none: its notices of attacks are few, and are meant.
_PRIORITIES = {0: Severity.MEDIUM, 1: Severity.MEDIUM, 2: Severity.LOW}
_CONFIDENCE = 0.5


class ReportedParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.reported]`."""

    window_s: Annotated[
        int, count("s", "Reports of the same about one host this close are one episode.", 1, 86400)
    ] = 3600


class _Report(NamedTuple):
    kind: str
    name: str
    message: str


class Reported(SightingDetector):
    """Attacks that other sensors report."""

    id: ClassVar[str] = "reported"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = tuple(_BY_NAME)
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1046", "Network Service Discovery", "TA0007", "Discovery"),
        ("T1110", "Brute Force", "TA0006", "Credential Access"),
        ("T1190", "Exploit Public-Facing Application", "TA0001", "Initial Access"),
        ("T1071", "Application Layer Protocol", "TA0011", "Command and Control"),
        ("T1498", "Network Denial of Service", "TA0040", "Impact"),
    )
    gb_class: ClassVar[str] = "attack"
    gb_subclass: ClassVar[str] = "其他网络攻击"
    axis: ClassVar[str] = "attack"
    Parameters: ClassVar[type[msgspec.Struct]] = ReportedParameters
    kernels: ClassVar[tuple[str, ...]] = ("detectors.sightings.kernels.share_events",)

    parameters: ReportedParameters

    def judge_notices(self, notices: NDArray[np.void]) -> list[Draft]:
        """Reports of attacks among notices."""
        drafts = []
        for row in notices:
            report = _read(row)
            if report is not None and (draft := self._draft(report, row)) is not None:
                drafts.append(draft)
        return drafts

    def _draft(self, report: _Report, row: Any) -> Draft | None:
        source, target = self._end(row, "src"), self._end(row, "dst")
        host = source or target
        if host is None:
            return None
        entity, time = self.name(host), int(row["time"])
        key = f"{report.kind}|{entity}|{report.name}"
        known = self._drafted.get(key) or self._said.get(key)
        began = time
        if known is not None and 0 <= time - known[0] < self.parameters.window_s * SECOND:
            began = known[0]
        self._drafted[key] = (began, 0, 0)
        observed = max(int(row["number"]), 1)
        # A side that is not named is no host: the network of all addresses stands there.
        anybody = Endpoint("::" if ":" in host.address else "0.0.0.0", prefix=0)  # noqa: S104
        evidence = msgspec.structs.replace(
            self._packet(row, ""), source=source or anybody, target=target or anybody
        )
        return Draft(
            kind=report.kind, about=report.name, entity=entity, time=time, began=began,
            severity=_PRIORITIES.get(int(row["code"]), Severity.INFORMATIONAL), confidence=_CONFIDENCE,
            score=float(observed), threshold=1.0, source=source, target=target,
            facts={
                "observed": observed, "threshold": 1, "seconds": round((time - began) / SECOND, 3),
                "notice": report.name, "message": report.message,
            },
            evidence=(evidence,),
        )  # fmt: skip

    def _end(self, row: Any, side: str) -> Endpoint | None:
        """A host, where the report names one."""
        high, low, port = (int(row[f"{side}_{part}"]) for part in ("hi", "lo", "port"))
        return self.places.endpoint(high, low, int(row["domain"]), port or None) if high or low else None


def _read(row: Any) -> _Report | None:
    """What a notice reports; None where that is no attack."""
    name, both = int(row["name_size"]), int(row["name_size"]) + int(row["rest_size"])
    text = row["text"].tobytes()
    return _report(text[:name], text[name:both], bool(row["code"]))


@lru_cache(maxsize=4096)
def _report(name: bytes, message: bytes, by_class: bool) -> _Report | None:
    called, told = (piece.decode("utf-8", "replace") for piece in (name, message))
    patterns, said = (_CLASSES, told) if by_class else (_NAMES, called)
    kind = next((kind for kind, pattern in patterns.items() if pattern.search(said)), None)
    return None if kind is None else _Report(kind, called, told)
