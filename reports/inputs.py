"""The facts that a report is made of: everything that was read, nothing that was concluded."""

from __future__ import annotations

import msgspec

from citywall.i18n import tr
from posture.facts import AlertFact
from posture.index import Posture
from posture.records import Register
from reports.day import Day
from reports.rooms import (
    BackupFact,
    CaseFact,
    ClockFact,
    DrillFact,
    ModelFact,
    NoticeFact,
    PortalFact,
    RunFact,
)


class Stream(msgspec.Struct, frozen=True):
    """A kind of log that is kept: `alerts`, `flows` or `audit`.

    It is told as it stood at the end of the day `to` (UTC). `days` are UTC days of receipt that hold records,
    in order; `records` None where nobody counts them; `configured` days they are kept, None for ever. `bytes`
    is None where a server keeps them: what its indices take is another number each time it is asked.
    """

    name: str
    days: tuple[str, ...]
    bytes: int | None
    records: int | None
    configured: int | None
    to: str


class Sensor(msgspec.Struct, frozen=True):
    """A live sensor as the run last told of it. `behind` is in seconds."""

    name: str
    packets: int
    dropped: int
    behind: int
    ended: bool


class Run(msgspec.Struct, frozen=True):
    """The last run into the data folder: `began` and `at` (its last word) are wall clock, ns."""

    state: str
    began: int
    at: int
    packets: int
    dead_letters: int
    sensors: tuple[Sensor, ...] = ()
    silent: tuple[str, ...] = ()


class DetectorFact(msgspec.Struct, frozen=True):
    """A detector that is on."""

    id: str
    version: int
    name: str
    name_zh: str
    axis: str
    gb_class: str


class Audit(msgspec.Struct, frozen=True):
    """The audit log: whether the whole chain is sound, and of the day its records by (action, outcome).

    `head` is the last record before the day's end, as `N:SM3`.
    """

    sound: bool
    problem: str = ""
    records: int = 0
    head: str = ""
    actions: dict[str, int] = {}
    refused: int = 0


class Service(msgspec.Struct, frozen=True):
    """A clear-text management service that a host of the register answered on."""

    host: str
    port: int
    system: str
    unit: str
    flows: int


class Inputs(msgspec.Struct, frozen=True):
    """Facts of one report day. None is what could not be read.

    `alerts` are those of the lane `live` of which some part lies in the day, in order of time and id.
    `cases`, `clocks`, `notices`, `playbooks` and `drills` are facts of these rooms; `unclocked` are
    cases that must be reported while nobody said whose clock runs.
    """

    day: Day
    alerts: tuple[AlertFact, ...] = ()
    register: Register | None = None
    posture: Posture | None = None
    detectors: tuple[DetectorFact, ...] = ()
    streams: tuple[Stream, ...] = ()
    required_days: int = 190
    run: Run | None = None
    flows: int = 0
    flow_files: int = 0
    hosts: int = 0
    seen: frozenset[tuple[str, str]] = frozenset()
    services: tuple[Service, ...] = ()
    audit: Audit | None = None
    accounts: tuple[tuple[str, ...], ...] | None = None  # roles of each active account
    cases: tuple[CaseFact, ...] | None = None
    clocks: tuple[ClockFact, ...] | None = None
    unclocked: int = 0
    notices: tuple[NoticeFact, ...] | None = None
    playbooks: tuple[RunFact, ...] | None = None
    drills: tuple[DrillFact, ...] | None = None
    damaged_drills: tuple[str, ...] = ()
    models: tuple[ModelFact, ...] = ()
    backups: tuple[BackupFact, ...] = ()
    portals: tuple[PortalFact, ...] = ()
    backup_days: int = 7
    top: int = 10
    store: str = "sqlite"
    version: str = ""

    @property
    def begun(self) -> tuple[AlertFact, ...]:
        """Alerts that began in the day: each alert is counted on one day only."""
        return tuple(a for a in self.alerts if self.day.since <= a.time < self.day.until)

    def unit_name(self, unit: str) -> list[str]:
        """`[Chinese, English]` of a unit; its id where the register does not know it."""
        for known in self.register.units if self.register else ():
            if known.id == unit:
                return [known.name, known.name_en or known.name]
        return [unit, unit]

    def system_name(self, system: str, unit: str = "") -> list[str]:
        """`[Chinese, English]` of a system; its id where the register does not know it.

        Without one, other hosts of `unit`.
        """
        if not system:
            names = self.unit_name(unit)
            return [tr("posture.others", "zh", unit=names[0]), tr("posture.others", "en", unit=names[1])]
        for known in self.register.systems if self.register else ():
            if known.id == system:
                return [known.name, known.name_en or known.name]
        return [system, system]
