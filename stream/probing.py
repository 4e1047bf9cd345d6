"""Rounds of probing portals: who is due is visited, what differs is written down, what is known is kept.

The records of a round that tell of a drift are a file in `portals/records`, which the service takes in as it
does files of its watched folder, and `citywall run` replays: detection knows them alone. Every record is in
`portals/visits`, a file a day. What is known of a page is a document beside the cases: the round writes it,
and an analyst who accepts a page as it is. Records are on disk before what is known of them: a round that was
killed in between is told twice, never lost.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from alerts.desk import Form, Unfit, read
from alerts.documents import ABSENT, Documents, Reading
from citywall.errors import DataFolderError
from citywall.permissions import Target
from citywall.portals import Portal
from citywall.portalsettings import PortalSettings
from ingest.portals import comparing, records
from ingest.portals.fetching import Prober
from ingest.portals.visits import Drift, Known, Record, Visit

#: Where records are in the data folder: those with something to tell, and all of them by day.
FOLDER = "portals"
RECORDS, VISITS = f"{FOLDER}/records", f"{FOLDER}/visits"
#: Seconds that a round of the service begins new visits for; the others are due at the next.
ROUND_S = 30.0
_MINUTE = 60 * 10**9
_PAGE = 500


class Standing(msgspec.Struct, frozen=True):
    """A page as it stands: what is known of it, its drifts by what tells them apart, the last visit."""

    portal: str
    url: str
    known: Known = Known()
    open: dict[str, Drift] = {}
    visit: Visit | None = None
    address: str = ""  # where it was last reached

    @property
    def visited(self) -> int:
        """When it was last visited, 0 for never."""
        return self.visit.time if self.visit else 0


FORM = Form(
    kind="portal", type=Standing, at=lambda standing: standing.visited,
    refs=lambda standing: (f"portal:{standing.portal}",),
    target=lambda _, standing: Target("portal", standing.portal),
)  # fmt: skip


def id_of(portal: str, url: str) -> str:
    """The id of a page's document."""
    return f"{portal}-{hashlib.blake2b(url.encode(), digest_size=6).hexdigest()}"


def standings(documents: Reading) -> dict[str, Standing]:
    """Every page that was ever visited, by id. Raises StoreError."""
    found: dict[str, Standing] = {}
    after = None
    while docs := documents.page(FORM.kind, limit=_PAGE, after=after):
        found |= {doc.id: read(FORM, doc).body for doc in docs}
        after = (docs[-1].at, docs[-1].id)
    return found


class Rounds:
    """Probes the portals of a register, round after round, into a data folder and its documents."""

    def __init__(
        self,
        data: Path,
        settings: PortalSettings,
        documents: Documents,
        portals: Sequence[Portal],
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._data = data
        self._settings = settings
        self._documents = documents
        self._portals = tuple(portals)
        self._clock = clock
        self._visited: dict[str, int] | None = None  # when each page was last visited, by id

    def due(self) -> None:
        """Visit the pages that are due. A job of the service: raises StoreError, DataFolderError."""
        if self._visited is None:
            self._visited = {key: standing.visited for key, standing in standings(self._documents).items()}
        now = self._clock()
        pages = [
            (portal, url)
            for portal in self._portals
            for url in portal.urls
            if (was := self._visited.get(id_of(portal.id, url))) is None
            or not was <= now < was + portal.interval * _MINUTE
        ]
        if pages:
            self.probe(pages, ROUND_S)

    def probe(self, pages: Iterable[tuple[Portal, str]], most_s: float = 3600.0) -> list[Record]:
        """Visit pages now, and keep what was seen; beginning no more after `most_s`. The records in order."""
        visits = asyncio.run(self._visits(list(pages), most_s))
        return self._keep(sorted(visits, key=lambda visit: (visit.time, visit.portal, visit.url)))

    async def _visits(self, pages: list[tuple[Portal, str]], most_s: float) -> list[Visit]:
        prober = Prober(self._settings, self._clock)
        room = asyncio.Semaphore(self._settings.at_once)
        until = time.monotonic() + most_s
        by_portal: dict[str, list[tuple[Portal, str]]] = {}
        for portal, url in pages:
            by_portal.setdefault(portal.id, []).append((portal, url))

        async def of_portal(own: list[tuple[Portal, str]]) -> list[Visit]:
            found = []
            async with room:
                for at, (portal, url) in enumerate(own):
                    if time.monotonic() > until:
                        break
                    if at:
                        await asyncio.sleep(self._settings.pause_s)
                    found.append(await prober.visit(portal, url))
            return found

        together = await asyncio.gather(*(of_portal(own) for own in by_portal.values()))
        return [visit for some in together for visit in some]

    def _keep(self, visits: list[Visit]) -> list[Record]:
        """Compare, write down, keep; one transaction, so that what somebody accepted meanwhile is known."""
        portals = {portal.id: portal for portal in self._portals}
        found: list[Record] = []
        if not visits:
            return found
        with self._documents.writing() as writing:
            for visit in visits:
                doc = writing.get(FORM.kind, id_of(visit.portal, visit.url))
                before = read(FORM, doc).body if doc else Standing(visit.portal, visit.url)
                record, after = stepped(portals[visit.portal], before, visit, self._settings.learn)
                found.append(record)
                writing.put(FORM.doc(id_of(visit.portal, visit.url), after), doc.version if doc else ABSENT)
            write(self._data, found)
        if self._visited is not None:
            self._visited |= {id_of(visit.portal, visit.url): visit.time for visit in visits}
        return found


def stepped(portal: Portal, before: Standing, visit: Visit, learn: int) -> tuple[Record, Standing]:
    """The record of a visit, and how a page stands after it. Pure."""
    if not visit.address and before.address:  # no way to it today: it is about where it was
        visit = msgspec.structs.replace(visit, address=before.address)
    drifts = comparing.drifts(portal, before.known, visit, learn)
    now = comparing.followed(before.open, drifts, visit.time)
    known = comparing.learned(portal, before.known, visit, learn)
    record = records.record_of(visit, now.values(), known, before.visited)
    return record, Standing(portal.id, visit.url, known, now, visit, visit.address or before.address)


def accepted(standing: Standing | None, by: str, now: int, learn: int) -> Standing:
    """How a page stands once somebody said that its last visit is as it should be; raises Unfit."""
    if standing is None or standing.visit is None:
        raise Unfit("portal_not_visited")
    if standing.visit.answer.page is None or standing.visit.answer.status >= 400:
        raise Unfit("portal_without_page")
    known = comparing.accepted(standing.known, standing.visit, by, now, learn)
    return msgspec.structs.replace(standing, known=known, open={})


def write(data: Path, found: Sequence[Record]) -> None:
    """Write records down, on disk when this returns. Raises DataFolderError."""
    telling = [record for record in found if record.drifts]
    try:
        by_day: dict[str, list[Record]] = {}
        for record in found:
            by_day.setdefault(day_of(record.visited), []).append(record)
        for day, some in by_day.items():
            file = data / VISITS / f"{day}.jsonl"
            file.parent.mkdir(parents=True, exist_ok=True)
            _written(file, some, os.O_APPEND)
        if telling:
            digest = hashlib.blake2b(b"".join(map(records.line_of, telling)), digest_size=4).hexdigest()
            stamp = datetime.fromtimestamp(telling[0].visited // 10**9, UTC).strftime("%Y%m%dT%H%M%S")
            file = data / RECORDS / f"{stamp}-{digest}.jsonl"
            file.parent.mkdir(parents=True, exist_ok=True)
            part = file.with_suffix(".part")
            _written(part, telling, os.O_TRUNC)
            part.rename(file)
    except OSError as e:
        raise DataFolderError(f"{data / FOLDER}: {e.strerror or e}") from e


def forget(data: Path, before: int) -> None:
    """Remove files of records that were last written before a time (ns)."""
    for folder in (RECORDS, VISITS):
        for file in (data / folder).glob("*.jsonl"):
            if file.stat().st_mtime_ns < before:
                file.unlink(missing_ok=True)


def day_of(time_ns: int) -> str:
    """The day (UTC) that a record is kept under."""
    return datetime.fromtimestamp(time_ns // 10**9, UTC).strftime("%Y-%m-%d")


def _written(file: Path, found: Iterable[Record], how: int) -> None:
    place = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | how, 0o600)
    with os.fdopen(place, "wb") as out:
        out.writelines(map(records.line_of, found))
        out.flush()
        os.fsync(out.fileno())
