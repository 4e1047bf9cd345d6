"""Misuse of accounts, from log-in and database audit logs: guessed, shared, used at night, emptied."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.errors import SettingsError
from citywall.findings import Severity
from detectors.base import Draft
from detectors.sightings import records
from detectors.sightings.detector import Note, SightingDetector, count
from detectors.sightings.tables import Told


class AccountParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.account]`."""

    failures: Annotated[int, count("log-ins", "Log-ins of one account that failed.", 3)] = 15
    sources: Annotated[int, count("hosts", "Hosts that one account works from.", 2, 250)] = 6
    rows: Annotated[int, count("rows", "Rows that an account takes out of a database.", 10)] = 50_000
    night: Annotated[
        tuple[int, int],
        Meta(extra={"unit": "hours"}, description="Hours of local time between which nobody should log in."),
    ] = (1, 5)
    utc_offset_h: Annotated[
        int, Meta(ge=-12, le=14, extra={"unit": "h"}, description="What local time is ahead of UTC.")
    ] = 8
    window_s: Annotated[int, count("s", "Window of all counts of accounts.", 60, 7 * 86400)] = 3600

    def __post_init__(self) -> None:
        if not 0 <= self.night[0] <= self.night[1] <= 24:
            raise SettingsError("settings", "detectors.account.night", "must be two hours, the earlier first")


class Account(SightingDetector):
    """Accounts used otherwise than by their owners."""

    id: ClassVar[str] = "account"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("guessed", "worked", "many_sources", "at_night", "mass_export")
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1078", "Valid Accounts", "TA0001", "Initial Access"),
        ("T1110", "Brute Force", "TA0006", "Credential Access"),
        ("T1213", "Data from Information Repositories", "TA0009", "Collection"),
    )
    gb_class: ClassVar[str] = "violation"
    gb_subclass: ClassVar[str] = "权限滥用"
    axis: ClassVar[str] = "leak"
    Parameters: ClassVar[type[msgspec.Struct]] = AccountParameters

    parameters: AccountParameters

    def judge_sightings(self, told: Told, events: NDArray[np.void]) -> list[Draft]:
        """Predicates over accounts."""
        drafts: list[Draft] = []
        sources = told.distinct(0)
        for i in np.flatnonzero(told.subjects["kind"] == records.ACCOUNT).tolist():
            subject, row = told.subjects[i], events[told.rows[i]]
            text, split = told.words(i), int(subject["service"])
            account, service = text[:split], text[split:]
            source = self.client(subject) if subject["src_hi"] or subject["src_lo"] else None
            target = self.server(subject) if subject["dst_hi"] or subject["dst_lo"] else None
            entity = f"{account}@{service}" if service else account
            about: dict[str, int | float | str] = {"account": account, "service": service}
            for said in self._notes(told, i, float(sources[i])):
                note = msgspec.structs.replace(said, facts=said.facts | about)
                drafts += self.draft(note, subject, row, entity, (source or target, target))
        return drafts

    def _notes(self, told: Told, i: int, sources: float) -> list[Note]:
        p, n = self.parameters, told.counts[i]
        failed, late, night = (
            int(n[j]) for j in (records.FAILURES, records.LATE_SUCCESSES, records.AT_NIGHT)
        )
        exported = int(n[records.EXPORTS])
        facts: dict[str, int | float | str] = {
            "failed": failed, "succeeded": int(n[records.SUCCESSES]), "sources": round(sources, 1),
            "window_s": p.window_s,
        }  # fmt: skip
        notes = []
        if failed >= p.failures:
            notes.append(Note("guessed", Severity.MEDIUM, failed, failed, p.failures, facts))
        if late and failed >= (before := max(1, p.failures // 2)):
            notes.append(Note("worked", Severity.HIGH, failed, failed, before, facts))
        if sources >= p.sources:
            notes.append(Note("many_sources", Severity.MEDIUM, round(sources, 1), sources, p.sources, facts))
        if night:
            notes.append(Note("at_night", Severity.LOW, night, night, 1, facts, confidence=0.5))
        if exported >= p.rows:
            notes.append(Note("mass_export", Severity.HIGH, exported, exported, p.rows, facts))
        return notes
