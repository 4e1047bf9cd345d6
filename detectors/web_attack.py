"""Attacks on web servers by what requests ask for.

Each request is looked through for what gives attacks away, escapes undone; a client's requests to one server
are then judged together: what no honest request has at once, what an odd one may have only as a burst.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.findings import Severity
from detectors.base import Draft
from detectors.sightings import records
from detectors.sightings.detector import Note, SightingDetector, count
from detectors.sightings.tables import Told

_SIGNS = ("injections", "scriptings", "traversals", "commands", "shells", "probes", "scans")


class WebAttackParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.webattack]`."""

    signs: Annotated[int, count("requests", "Requests with signs of attack that are a burst.", 2)] = 6
    probes: Annotated[int, count("requests", "Requests for what only scanners look for.", 2)] = 8
    tools: Annotated[int, count("requests", "Requests by a tool that says what it is.", 1)] = 5
    missing: Annotated[int, count("answers", "Answers that nothing is there.", 8)] = 60
    window_s: Annotated[int, count("s", "Window of all counts of web requests.", 10, 86400)] = 300


class WebAttack(SightingDetector):
    """Requests that attack a web server."""

    id: ClassVar[str] = "webattack"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("exploit", "web_shell", "burst", "scanner", "browsing")
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1190", "Exploit Public-Facing Application", "TA0001", "Initial Access"),
        ("T1505.003", "Web Shell", "TA0003", "Persistence"),
        ("T1595.002", "Vulnerability Scanning", "TA0043", "Reconnaissance"),
        ("T1595.003", "Wordlist Scanning", "TA0043", "Reconnaissance"),
    )
    gb_class: ClassVar[str] = "attack"
    gb_subclass: ClassVar[str] = "漏洞利用"
    axis: ClassVar[str] = "attack"
    Parameters: ClassVar[type[msgspec.Struct]] = WebAttackParameters

    parameters: WebAttackParameters

    def judge_sightings(self, told: Told, events: NDArray[np.void]) -> list[Draft]:
        """Predicates over clients of a web server."""
        drafts: list[Draft] = []
        p, n, paths = self.parameters, told.counts, told.distinct(0)
        hits = n[:, records.INJECTIONS : records.SHELLS + 1].sum(axis=1) >= p.signs
        hits |= (n[:, records.UNMISTAKABLES] > 0) | (n[:, records.SCANS] >= p.tools)
        hits |= (n[:, records.PROBES] >= p.probes) | (n[:, records.MISSING] >= p.missing)
        for i in np.flatnonzero(hits & (told.subjects["kind"] == records.SITE)).tolist():
            subject, row = told.subjects[i], events[told.rows[i]]
            for note in self._notes(told, i, float(paths[i])):
                client, server = self.client(subject), self.server(subject, int(subject["port"]))
                drafts += self.draft(note, subject, row, self.between(client, server), (client, server))
        return drafts

    def _notes(self, told: Told, i: int, paths: float) -> list[Note]:
        p, n = self.parameters, told.counts[i]
        signs = {name: int(n[records.INJECTIONS + j]) for j, name in enumerate(_SIGNS)}
        facts: dict[str, Any] = {k: v for k, v in signs.items() if v}
        facts |= {"requests": int(n[records.REQUESTS]), "window_s": p.window_s}
        facts |= {"example": text} if (text := told.words(i)) else {}
        attacks = sum(signs[name] for name in _SIGNS[:5])
        sure = int(n[records.UNMISTAKABLES])
        notes = []
        if sure:
            shell = signs["shells"] >= sure
            severity = Severity.HIGH if sure >= p.signs else Severity.MEDIUM
            kind = "web_shell" if shell else "exploit"
            notes.append(Note(kind, severity, sure, sure, 1, facts, confidence=0.85))
        elif attacks >= p.signs:
            classes = sum(signs[name] > 0 for name in _SIGNS[:5])
            severity = Severity.HIGH if attacks >= 4 * p.signs and classes > 1 else Severity.MEDIUM
            notes.append(Note("burst", severity, attacks, attacks, p.signs, facts, confidence=0.75))
        if signs["scans"] >= p.tools:
            notes.append(Note("scanner", Severity.MEDIUM, signs["scans"], signs["scans"], p.tools, facts))
        elif signs["probes"] >= p.probes:
            notes.append(Note("scanner", Severity.MEDIUM, signs["probes"], signs["probes"], p.probes, facts))
        missing = int(n[records.MISSING])
        if missing >= p.missing and paths >= p.missing / 2:
            facts = facts | {"missing": missing, "paths": round(paths, 1)}
            notes.append(Note("browsing", Severity.MEDIUM, missing, missing, p.missing, facts))
        return notes
