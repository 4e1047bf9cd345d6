"""Brute force: many short, similar connections from one source to one login service, and what comes after.

The idea is SSHCure's (Hellemons et al., AIMS 2012): guessing looks alike from attempt to attempt; a
connection after it that is clearly longer or larger may be a log-in that worked. A service is known by
what it says first, so that SSH is seen wherever it listens, or by its port where a log has no content.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.findings import Severity
from detectors.base import Detector, Draft, ratio, shown
from detectors.features import kernels
from detectors.features.tables import Seen
from detectors.places import distinct

_SECOND = 1_000_000_000

#: Services whose honest clients connect often, briefly and alike.
MAIL = (kernels.SMTP, kernels.POP3, kernels.IMAP)
#: Login services by port. Web and databases are left out: their clients connect often and briefly.
PORTS = {
    21: kernels.FTP, 22: kernels.SSH, 23: kernels.TELNET, 25: kernels.SMTP, 110: kernels.POP3,
    143: kernels.IMAP, 445: kernels.SMB, 465: kernels.SMTP, 587: kernels.SMTP, 990: kernels.FTP,
    992: kernels.TELNET, 993: kernels.IMAP, 995: kernels.POP3, 2222: kernels.SSH, 2323: kernels.TELNET,
    3389: kernels.RDP, 5900: kernels.VNC, 5901: kernels.VNC,
}  # fmt: skip
#: Ports of log-in services whose honest clients are no crowd: mail and file sharing have crowds by design.
LOGINS = tuple(port for port, service in PORTS.items() if service not in (*MAIL, kernels.SMB))


class BruteForceParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.bruteforce]`."""

    attempts: Annotated[
        int,
        Meta(ge=3, le=65535, extra={"unit": "connections"},
             description="Short connections to one login service within the window that are guessing."),
    ] = 10  # fmt: skip
    weak: Annotated[
        int,
        Meta(ge=3, le=65535, extra={"unit": "connections"},
             description="How many of them are worth an informational finding."),
    ] = 6  # fmt: skip
    mail_factor: Annotated[
        int,
        Meta(ge=1, le=100, extra={"unit": "times"},
             description="Mail clients and relays connect again and again: for SMTP, POP3 and IMAP both "
             "thresholds are this many times as high."),
    ] = 6  # fmt: skip
    window_s: Annotated[
        int, Meta(ge=10, le=86400, extra={"unit": "s"}, description="Window they are counted in.")
    ] = 300  # fmt: skip
    attempt_s: Annotated[
        int, Meta(ge=1, le=3600, extra={"unit": "s"}, description="A longer connection is no attempt.")
    ] = 60  # fmt: skip
    attempt_bytes: Annotated[
        int,
        Meta(ge=256, le=1 << 24, extra={"unit": "bytes"},
             description="A connection with more payload in both directions is no attempt."),
    ] = 16384  # fmt: skip
    similar_share: Annotated[
        float,
        Meta(ge=0, le=1, extra={"unit": "ratio"},
             description="Share of attempts whose payload is within a quarter of the usual."),
    ] = 0.5  # fmt: skip
    ports: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65535)], ...],
        Meta(extra={"unit": "ports"}, description="Further TCP ports that are login services."),
    ] = ()  # fmt: skip

    def services(self) -> NDArray[np.uint8]:
        """Login service by TCP port: u1[65536]."""
        table = np.zeros(65536, np.uint8)
        table[list(self.ports)] = kernels.LOGIN_PORT
        for port, service in PORTS.items():
            table[port] = service
        return table


class BruteForce(Detector):
    """Password guessing by one source against one login service, with suspected success."""

    id: ClassVar[str] = "bruteforce"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("guessing",)
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1110.001", "Password Guessing", "TA0006", "Credential Access"),
    )
    gb_class: ClassVar[str] = "attack"
    gb_subclass: ClassVar[str] = "凭据攻击"
    axis: ClassVar[str] = "attack"
    Parameters: ClassVar[type[msgspec.Struct]] = BruteForceParameters
    kernels: ClassVar[tuple[str, ...]] = ("detectors.features.kernels.observe_flows",)
    oracle: ClassVar[str] = "tests.detectors.features.oracle.Oracle"

    parameters: BruteForceParameters

    def judge_flows(self, seen: Seen, reports: NDArray[np.void]) -> list[Draft]:
        """Predicates over the records of login services."""
        p, logins = self.parameters, seen.logins
        if not len(logins):
            return []
        window = p.window_s * _SECOND
        attempts = logins["attempts"].astype(np.int64)
        left = np.maximum(window - (logins["last"] - logins["window"]), 0)
        # (before * left) / window in integers; left is at most a day, before at most 2^32
        recent = logins["now"].astype(np.int64) + (logins["before"] * (left / window)).astype(np.int64)
        alike = ratio(logins["similar"], attempts) >= p.similar_share
        factor = np.where(np.isin(logins["service"], MAIL), p.mail_factor, 1)
        guessing = alike & (recent >= p.weak * factor)
        # a success is handed out only after the threshold was reached
        success = (logins["successes"] > 0) & alike & (attempts >= p.attempts * factor)
        which = np.flatnonzero(guessing | success)
        return [
            self._draft(login, row, int(recent[i]), bool(success[i]), int(factor[i]))
            for i, (login, row) in zip(which, shown(logins, seen.login_rows, reports, which), strict=True)
        ]

    def _draft(self, login: Any, row: Any, recent: int, success: bool, factor: int) -> Draft:
        p = self.parameters
        threshold = p.attempts * factor
        source = self.places.endpoint(login["src_hi"], login["src_lo"], login["src_domain"])
        target = self.places.endpoint(login["dst_hi"], login["dst_lo"], login["dst_domain"], login["port"])
        attempts = int(login["attempts"])
        # the kernel remembers the plain threshold; a higher one is reached by as many attempts in all
        reached = recent >= threshold or (login["reached"] != kernels.FAR_FUTURE and attempts >= threshold)
        severity = Severity.CRITICAL if success else Severity.MEDIUM if reached else Severity.INFORMATIONAL
        score = attempts if reached else min(recent, threshold - 1)
        name = self.places.name(target.domain, target.address)
        entity = f"{self.places.name(source.domain, source.address)}>{name}:{target.port}"
        lasted = max(int(login["last"]) - int(login["began"]), 0)
        facts: dict[str, int | float | str] = {
            "observed": recent,
            "threshold": threshold,
            "window_s": p.window_s,
            "attempts": attempts,
            "similar_ratio": round(int(login["similar"]) / attempts, 3) if attempts else 0.0,
            "typical_bytes": int(login["typical"]),
            "largest_bytes": int(login["largest"]),
            "longest_seconds": round(int(login["longest"]) / _SECOND, 3),
            "seconds": round(lasted / _SECOND, 3),
            "service": kernels.SERVICES[int(login["service"])],
            "suspected_success": int(success),
        }
        if success:
            facts["success_bytes"] = int(login["success_bytes"])
            facts["success_seconds"] = round(int(login["success_ns"]) / _SECOND, 3)
        src, dst = (login["src_hi"], login["src_lo"]), (login["dst_hi"], login["dst_lo"])
        kept = [
            self.places.flow(login, which, src, dst) for which in ("first", "late") if login[f"{which}_proto"]
        ]
        return Draft(
            kind="guessing", about="", entity=entity,
            time=max(int(login["last"]), int(row["time"])), began=int(login["began"]),
            severity=severity,
            confidence=round(min(0.99, 0.5 + attempts / (4 * threshold)), 3),
            score=float(score), threshold=float(threshold),
            source=source, target=target, facts=facts, evidence=distinct([*kept, self.places.report(row)]),
        )  # fmt: skip
