"""What the service does by itself, for the scheduler."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from citywall.errors import InputError
from citywall.permissions import OURSELVES
from citywall.settings import Settings
from console.caller import Office
from stream.scheduler import Job

if TYPE_CHECKING:
    from playbooks.triggers import Triggers

#: Seconds between two looks whether a playbook is to be begun or goes on.
PLAYBOOKS_S = 0.5
HEARTBEAT_S = 10.0
#: Seconds between two looks whether a portal is to be visited.
PORTALS_S = 15.0
_HOUR = 3600 * 10**9


def of(office: Office, triggers: Triggers) -> list[Job]:
    """The jobs of a service."""
    settings = office.settings
    minutes = (settings.report.day_begins_hour * 60 + settings.service.report_minute) % 1440
    zone = ZoneInfo(settings.report.time_zone)

    def playbooks() -> None:
        triggers.begin(office.playbooks)
        office.playbooks.tick()

    jobs = [
        Job("playbooks", playbooks, every_s=PLAYBOOKS_S),
        Job("heartbeat", heartbeat, every_s=HEARTBEAT_S),
        Job("report", lambda: report(office), cron=f"{minutes % 60} {minutes // 60} * * *", zone=zone),
    ]
    if settings.register:
        jobs.append(Job("posture", lambda: posture(office), cron="0 * * * *", zone=zone))
        jobs += portals(office)
    return jobs


def portals(office: Office) -> list[Job]:
    """The probe of the portals that the register has, if it has any."""
    from alerts.documents import documents_of
    from posture import reading
    from stream.probing import Rounds

    settings = office.settings
    found = reading.read([Path(settings.register)]).portals
    if not found or not settings.portals.probe:
        return []
    rounds = Rounds(office.data, settings.portals, documents_of(office.data, settings), found)
    return [Job("portals", rounds.due, every_s=PORTALS_S)]


def case_of(data: Path, settings: Settings, alert: str) -> str:
    """The case that an alert is in; empty where it is in none."""
    from alerts.cases.casebook import Casebook
    from alerts.documents import documents_of

    book = Casebook(documents_of(data, settings), settings.cases)
    return next((view.case.id for view in book.views() if any(m.id == alert for m in view.case.members)), "")


def heartbeat() -> None:
    """Tell systemd that the stream's loop turns, where it asked for that (sd_notify(3))."""
    if place := os.environ.get("NOTIFY_SOCKET"):
        if place.startswith("@"):
            place = "\0" + place[1:]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.sendto(b"READY=1\nWATCHDOG=1", place)


def report(office: Office) -> None:
    """Make the report of the last whole day, unless it is there or the installation is younger."""
    from citywall.i18n import LANGUAGES
    from reports import pack
    from reports.day import last_whole
    from reports.making import make

    settings = office.settings
    day = last_whole(time.time_ns(), settings.report.time_zone, settings.report.day_begins_hour)
    folder = office.data / "reports" / day.date
    if day.until <= _installed(office) or (folder / pack.MANIFEST).exists():
        return
    make(
        settings, office.data, day, LANGUAGES, folder, by=OURSELVES,
        record=lambda entry: office.accounts.log.append(entry).n,
    )  # fmt: skip


def _installed(office: Office) -> int:
    """When the audit log was begun (ns)."""
    from alerts.times import from_iso
    from trust import chain

    try:
        first = next(iter(chain.records_after(chain.files_in(office.accounts.log.folder), 0)), None)
    except InputError:
        first = None
    return time.time_ns() if first is None else from_iso(first.time)


def posture(office: Office) -> None:
    """Keep the index as it is at the hour, `<data>/posture/DATE.jsonl`, a line an hour."""
    import msgspec

    from posture import index, telling
    from reports import reading

    settings = office.settings
    until = time.time_ns() // _HOUR * _HOUR
    begin = until - settings.posture.window_hours * _HOUR
    register = reading.register_of(settings)
    if register is None:
        return
    watched = reading.watch(settings, office.data, register, begin, until)
    found = index.posture(register, watched.alerts, watched.sensors(), begin, until)
    told = telling.told(found, telling.chosen(found, None, None), register, explain=False)
    at = told["until"]
    path = office.data / "posture" / f"{at[:10]}.jsonl"
    path.parent.mkdir(exist_ok=True)
    lines = path.read_bytes().splitlines() if path.exists() else []
    if any(line.endswith(b"}") and msgspec.json.decode(line).get("until") == at for line in lines):
        return
    with path.open("ab") as file:
        file.write(msgspec.json.encode(told, order="deterministic") + b"\n")
