"""Facts of the probe of portals: visits of the pages that the register declares, in a day."""

from __future__ import annotations

from pathlib import Path

import msgspec

from citywall.errors import DataFolderError
from posture.records import Register
from reports.day import Day
from reports.rooms import PortalFact
from stream.probing import VISITS, day_of

_DAY = 86_400 * 10**9


class _Drift(msgspec.Struct, frozen=True):
    kind: str


class _Visit(msgspec.Struct, frozen=True):
    portal: str
    url: str
    visited: int
    status: int = 0
    error: str = ""
    drifts: tuple[_Drift, ...] = ()


def read(data: Path, register: Register | None, day: Day) -> tuple[PortalFact, ...]:
    """A fact a declared page, as the register has them. Raises DataFolderError where files are damaged."""
    declared = [(p, url) for p in (register.portals if register else ()) for url in p.urls]
    if not declared:
        return ()
    visits: dict[tuple[str, str], list[_Visit]] = {}
    for at in range(day.since // _DAY, (day.until - 1) // _DAY + 1):
        for visit in _of(data / VISITS / f"{day_of(at * _DAY)}.jsonl"):
            if day.since <= visit.visited < day.until:
                visits.setdefault((visit.portal, visit.url), []).append(visit)
    found = []
    for portal, url in declared:
        own = sorted(visits.get((portal.id, url), ()), key=lambda visit: visit.visited)
        last = own[-1] if own else None
        found.append(
            PortalFact(
                portal.id, (portal.name, portal.name_en or portal.name), url, len(own),
                sum(bool(v.error) or v.status >= 500 for v in own), sum(bool(v.drifts) for v in own),
                tuple(dict.fromkeys(d.kind for d in last.drifts)) if last else (),
            )
        )  # fmt: skip
    return tuple(found)


def _of(file: Path) -> list[_Visit]:
    try:
        with file.open("rb") as lines:
            return [msgspec.json.decode(line, type=_Visit) for line in lines if line.endswith(b"\n")]
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError) as e:
        raise DataFolderError(f"{file}: {e}") from e
