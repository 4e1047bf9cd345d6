"""Signs of passed hashes and tickets: log-ins that prove an account whose password nobody typed.

Who has a password's hash can log in by NTLM, or ask for Kerberos tickets with it (RC4 is keyed by that
hash). Neither is wrong by itself. What shows is what does not fit: a log-in by NTLM that names no
workstation, another one than that host always names, or an account that the host never got a ticket for
while it got tickets for others, and on the same server a share of administration, services, tasks, the
registry or objects at a distance are opened; an account that always proved itself with AES and now with
RC4; tickets sealed with RC4 for service after service, which are taken home to guess passwords from.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.findings import Severity
from detectors.base import Draft
from detectors.identities import records
from detectors.identities.detector import IdentityDetector, pieces
from detectors.sightings.detector import Note, count
from detectors.sightings.tables import Told

_WAYS = ("share", "services", "tasks", "registry", "objects")


class PassTheHashParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.passhash]`."""

    machines: Annotated[int, count("hosts", "Hosts that log in as one account by NTLM.", 3, 250)] = 8
    aes: Annotated[int, count("log-ins", "Log-ins with AES that make it an account's habit.", 1, 1000)] = 3
    tickets: Annotated[
        int, count("services", "Services with tickets sealed with RC4, where others are with AES.", 2, 200)
    ] = 5
    old_tickets: Annotated[
        int, count("services", "The same where a client gets no others.", 2, 250)
    ] = 15  # fmt: skip
    window_s: Annotated[int, count("s", "Window of log-ins and tickets of services.", 60, 86400)] = 900
    habit_h: Annotated[int, count("h", "How long an account's ciphers are remembered.", 1, 720)] = 72
    host_h: Annotated[int, count("h", "How long it is remembered who is at home on a host.", 1, 720)] = 8


class PassTheHash(IdentityDetector):
    """Hashes and tickets used in place of passwords."""

    id: ClassVar[str] = "passhash"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("odd_entry", "many_machines", "weak_proof", "roasting")
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1550.002", "Pass the Hash", "TA0008", "Lateral Movement"),
        ("T1550.003", "Pass the Ticket", "TA0008", "Lateral Movement"),
        ("T1558.003", "Kerberoasting", "TA0006", "Credential Access"),
    )
    gb_class: ClassVar[str] = "attack"
    gb_subclass: ClassVar[str] = "内网渗透"
    axis: ClassVar[str] = "attack"
    Parameters: ClassVar[type[msgspec.Struct]] = PassTheHashParameters

    parameters: PassTheHashParameters

    def judge_identities(self, told: Told, events: NDArray[np.void]) -> list[Draft]:
        """Predicates over log-ins by NTLM, proofs of accounts, and tickets."""
        judges = {
            records.ENTRY: self._entry, records.BEARER: self._bearer,
            records.PROOF: self._proof, records.ROAST: self._roast,
        }  # fmt: skip
        drafts: list[Draft] = []
        kinds = told.subjects["kind"]
        for i in np.flatnonzero(np.isin(kinds, list(judges))).tolist():
            drafts += judges[int(kinds[i])](told, i, events[told.rows[i]])
        return drafts

    def _entry(self, told: Told, i: int, row: np.void) -> list[Draft]:
        n, subject = told.counts[i], told.subjects[i]
        signs = [int(n[j]) for j in (records.NAMELESS, records.STRANGERS, records.RENAMED)]
        odd = sum(sign > 0 for sign in signs)
        if not odd or not n[records.ADMIN]:
            return []
        station = bool(signs[0] or signs[2])
        # an administrator's second account is a stranger too: that alone is told softly
        severity = Severity.LOW if not station else Severity.HIGH if signs[1] else Severity.MEDIUM
        if station and n[records.TICKETS]:
            severity = Severity(severity + 1)
        account, realm, workstation = pieces(told, i)
        flags = int(subject["flags"])
        note = Note(
            "odd_entry", severity, odd, odd, 1,
            {"account": account, "account_domain": realm, "workstation": workstation,
             "no_workstation": signs[0], "strange_account": signs[1], "other_workstation": signs[2],
             "administered": ", ".join(name for j, name in enumerate(_WAYS) if flags >> j & 1),
             "window_s": self.parameters.window_s},
            confidence=round(min(0.9, 0.35 + 0.2 * odd), 2), about=account,
        )  # fmt: skip
        ends = self.client(subject), self.server(subject)
        return self.draft(note, subject, row, self.between(*ends), ends)

    def _bearer(self, told: Told, i: int, row: np.void) -> list[Draft]:
        p, hosts = self.parameters, int(told.counts[i, records.HOSTS])
        if hosts < p.machines:
            return []
        subject, account = told.subjects[i], told.words(i)
        severity = Severity.LOW if hosts >= 4 * p.machines else Severity.INFORMATIONAL
        note = Note(
            "many_machines", severity, hosts, hosts, p.machines,
            {"account": account, "window_s": p.window_s}, confidence=0.4,
        )  # fmt: skip
        return self.draft(note, subject, row, account, (self.client(subject), self.server(subject)))

    def _proof(self, told: Told, i: int, row: np.void) -> list[Draft]:
        p, n = self.parameters, told.counts[i]
        weak, strong = int(n[records.RC4]), int(n[records.AES])
        if not weak or strong < p.aes or weak * 4 > strong:
            return []
        subject, account = told.subjects[i], told.words(i)
        only = int(subject["flags"]) & records.ONLY_RC4 != 0
        note = Note(
            "weak_proof", Severity.HIGH if only else Severity.MEDIUM, "rc4", 1, 1,
            {"account": account, "usual": "aes", "with_aes": strong, "with_rc4": weak,
             "offers_nothing_else": int(only)},
            confidence=0.75 if only else 0.5,
        )  # fmt: skip
        return self.draft(note, subject, row, account, (self.client(subject), self.server(subject, 88)))

    def _roast(self, told: Told, i: int, row: np.void) -> list[Draft]:
        p, n = self.parameters, told.counts[i]
        weak, strong = int(n[records.WEAK]), int(n[records.STRONG])
        least = p.tickets if strong else p.old_tickets
        if weak < least:
            return []
        subject = told.subjects[i]
        text, split = told.words(i), int(subject["service"])
        note = Note(
            "roasting", Severity.HIGH if weak >= 2 * least else Severity.MEDIUM, weak, weak, least,
            {"account": text[:split], "service": text[split:], "with_aes": strong, "window_s": p.window_s},
            confidence=round(min(0.9, 0.5 + weak / (8 * least)), 2),
        )  # fmt: skip
        ends = self.client(subject), self.server(subject, 88)
        return self.draft(note, subject, row, self.name(ends[0]), ends)
