"""What the report needs to know of cases, notices, runs, drills and backups: facts, whoever keeps them.

Times are wall clock in ns, 0 where there is none yet. Names are `[Chinese, English]`.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class CaseFact(msgspec.Struct, frozen=True):
    """A case (事件). `level` is of GB/T 20986-2023, empty where nobody graded it.

    `opened` is event time. `whole`: cause, evidence and what was learnt are on file (GB/T 22239-2019
    8.1.10.12 c): evidence was named and the summary report made, or there turned out to be no incident.
    """

    id: str
    name: tuple[str, str]
    unit: str
    severity: int
    level: str
    opened: int
    acknowledged: int = 0
    closed: int = 0
    whole: bool = False


class ClockFact(msgspec.Struct, frozen=True):
    """A duty to report: which report, until when, and when it was made."""

    case: str
    report: Literal["first", "summary"]
    since: int
    due: int
    done: int = 0


class NoticeFact(msgspec.Struct, frozen=True):
    """A notice (通报) to a unit. `due` is until when the unit is to put things right."""

    id: str
    unit: str
    issued: int
    receipt_due: int
    due: int
    received: int = 0
    rectified: int = 0
    closed: int = 0


class ModelFact(msgspec.Struct, frozen=True):
    """A learned model in use. `state` is fine, stale, drifting or refused.

    `serves`: it judges the stream as it passes. `worst` are features whose spread changed most, with
    population stability in thousandths.
    """

    kind: str
    id: str
    state: str
    age_days: int
    rows: int = 0
    worst: tuple[tuple[str, int], ...] = ()
    serves: bool = False


class RunFact(msgspec.Struct, frozen=True):
    """A playbook run; `live` where it was no dry run."""

    id: str
    playbook: tuple[str, str]
    status: str
    requested: int
    live: bool = False


class DrillFact(msgspec.Struct, frozen=True):
    """A drill (演练) that was held. Shares in thousandths, times in seconds; None where not observed."""

    id: str
    scenario: tuple[str, str]
    held: int
    coverage: int | None = None
    precision: int | None = None
    detect: int | None = None
    acknowledge: int | None = None
    respond: int | None = None


class BackupFact(msgspec.Struct, frozen=True):
    """A backup that was `made`, `tried` or `restored`. `sound`: as of one moment, or as it was backed up."""

    time: int
    what: str
    file: str
    files: int
    bytes: int
    sound: bool


class PortalFact(msgspec.Struct, frozen=True):
    """A page of a portal in a day: `visits` to it, those in vain, those that showed a drift.

    `last` are the kinds of drift that the last visit of the day showed.
    """

    portal: str
    name: tuple[str, str]
    url: str
    visits: int
    failed: int = 0
    drifting: int = 0
    last: tuple[str, ...] = ()
