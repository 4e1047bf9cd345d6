"""Log-ins that fail, by what servers say: forms and passwords of the web, files, mail, directories.

Complements password guessing by flows, which knows no web log-ins and nothing of outcomes.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.batches import SERVICES
from citywall.findings import Severity
from detectors.base import Draft
from detectors.sightings import records
from detectors.sightings.detector import Note, SightingDetector, count
from detectors.sightings.tables import Told

#: Forms with fewer names and passwords are a machine's that logs in again and again.
_TRIED = 5
#: Three refusals by a mail server in ten seconds: Slips' threshold.
_QUICK_NS = 10 * 1_000_000_000


class LoginFailuresParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.loginfailures]`."""

    failures: Annotated[int, count("log-ins", "Log-ins refused by one server that are guessing.", 3)] = 12
    before: Annotated[
        int, count("log-ins", "Refusals after which one that works is suspicious.", 2, 1 << 16)
    ] = 8
    quick: Annotated[
        int,
        count("log-ins", "Refusals by a mail server within ten seconds, which no person types.", 2, 1 << 16),
    ] = 3
    forms: Annotated[int, count("log-ins", "Log-in forms handed in, or web passwords refused.", 5)] = 30
    window_s: Annotated[int, count("s", "Window of refusals.", 10, 86400)] = 300


class LoginFailures(SightingDetector):
    """Passwords tried until one works."""

    id: ClassVar[str] = "loginfailures"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("refused", "worked", "web_forms", "web_refused")
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1110", "Brute Force", "TA0006", "Credential Access"),
        ("T1110.001", "Password Guessing", "TA0006", "Credential Access"),
    )
    gb_class: ClassVar[str] = "attack"
    gb_subclass: ClassVar[str] = "凭据攻击"
    axis: ClassVar[str] = "attack"
    Parameters: ClassVar[type[msgspec.Struct]] = LoginFailuresParameters

    parameters: LoginFailuresParameters

    def judge_sightings(self, told: Told, events: NDArray[np.void]) -> list[Draft]:
        """Predicates over clients of log-in services and of web servers."""
        p, n, kinds = self.parameters, told.counts, told.subjects["kind"]
        paths, tried = told.distinct(0), told.distinct(1)
        logons = (kinds == records.LOGON) & (n[:, records.FAILURES] >= min(p.failures, p.before, p.quick))
        sites = (kinds == records.SITE) & (
            _guessed(n[:, records.FORMS], tried, p.forms) | (n[:, records.DENIED] >= p.forms)
        )
        drafts: list[Draft] = []
        for i in np.flatnonzero(logons | sites).tolist():
            subject, row = told.subjects[i], events[told.rows[i]]
            sets = float(paths[i]), float(tried[i])
            for note in self._logon(told, i) if logons[i] else self._site(told, i, *sets):
                client, server = self.client(subject), self.server(subject, int(subject["port"]) or None)
                drafts += self.draft(note, subject, row, self.between(client, server), (client, server))
        return drafts

    def _logon(self, told: Told, i: int) -> list[Note]:
        p, n = self.parameters, told.counts[i]
        refused, worked = int(n[records.FAILURES]), int(n[records.LATE_SUCCESSES])
        facts: dict[str, int | float | str] = {
            "refused": refused, "worked": worked, "window_s": p.window_s,
            "service": SERVICES[min(int(told.subjects["service"][i]), len(SERVICES) - 1)],
        }  # fmt: skip
        notes = []
        if refused >= p.failures:
            notes.append(Note("refused", Severity.MEDIUM, refused, refused, p.failures, facts))
        elif refused >= p.quick and facts["service"] == "smtp" and self._at_once(told, i):
            notes.append(Note("refused", Severity.LOW, refused, refused, p.quick, facts, confidence=0.6))
        if worked and refused >= p.before:
            notes.append(Note("worked", Severity.HIGH, refused, refused, p.before, facts, confidence=0.75))
        return notes

    @staticmethod
    def _at_once(told: Told, i: int) -> bool:
        return int(told.subjects["last"][i]) - int(told.subjects["began"][i]) <= _QUICK_NS

    def _site(self, told: Told, i: int, paths: float, tried: float) -> list[Note]:
        p, n = self.parameters, told.counts[i]
        forms, denied = int(n[records.FORMS]), int(n[records.DENIED])
        facts: dict[str, int | float | str] = {
            "forms": forms, "refused": denied, "requests": int(n[records.REQUESTS]), "service": "http",
        }  # fmt: skip
        notes = []
        if tried:
            facts["tried"] = round(tried)
        if _guessed(forms, tried, p.forms):
            notes.append(Note("web_forms", Severity.MEDIUM, forms, forms, p.forms, facts, confidence=0.7))
        if denied >= p.forms and paths <= max(3.0, denied / 8):
            notes.append(Note("web_refused", Severity.MEDIUM, denied, denied, p.forms, facts, confidence=0.7))
        return notes


def _guessed(forms: Any, tried: Any, least: int) -> Any:
    """Whether so many forms are guessing: by how many names and passwords in them, 0 where none is known."""
    return (forms >= least) & ((tried == 0) | (tried >= _TRIED))
