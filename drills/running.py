"""Runs a drill: its capture through the real stream, in the drill lane, at a chosen speed.

The stream's own files are in the drill's folder, so that a live run on the same data folder is not in the
way; alerts go into the data folder's store, lane `drill`, under a session that only this drill has. A run
that was cut off goes on when it is called again; one that has ended is not run again, for what people made of
its alerts stands beside them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from alerts.documents import documents_of
from alerts.query import parse
from alerts.store import AlertStore, open_store
from alerts.workflow import Workflow
from citywall import __version__
from citywall.errors import DrillError
from citywall.sessions import file_digest, session_id
from citywall.settings import Settings, results_digest
from drills import folder as drills
from drills import journal
from drills.folder import Planned
from playbooks.runs import runs_of
from posture.attach import attach
from stream.local.folder import replace_file
from stream.local.lock import FolderLock

if TYPE_CHECKING:
    from stream.reporting import Observe
    from stream.reports import Progress, RunReport

LANE = "drill"
_RUN, _STREAM = "run.json", "stream"
#: Blocks of a capture that is replayed by the clock: small, so that packets come when they would have come.
_LEAST_BLOCK, _MOST_BLOCKS = 16_384, 20_000
Document = dict[str, Any]


class Attempt(msgspec.Struct, frozen=True):
    """A run was begun, or gone on with: when (ns), and how many times as fast as the clock (0: no limit)."""

    at: int
    speed: float


class Run(msgspec.Struct, frozen=True):
    """What became of a drill. `ended` is 0 until it has; `results` is of the settings that change results.

    `detectors` are those that looked, with the techniques they speak of: a score needs no other version.
    """

    session: str
    version: str
    results: str
    detectors: dict[str, tuple[str, ...]]
    attempts: tuple[Attempt, ...]
    ended: int = 0
    packets: int = 0
    alerts: int = 0

    @property
    def began(self) -> int:
        """When it was begun first (ns)."""
        return self.attempts[0].at


class Started(msgspec.Struct, frozen=True):
    """A playbook run that was asked for about alerts, when (ns). `playbook` is its short name, or its id."""

    playbook: tuple[str, str]
    at: int
    alerts: frozenset[str]


class Observed(msgspec.Struct, frozen=True):
    """What is known of a drill's run: alerts oldest first, when each was there, what people made of it.

    `playbooks` are None where the data folder has no records of playbook runs.
    """

    run: Run | None = None
    alerts: tuple[Document, ...] = ()
    seen: dict[str, int] = {}
    workflows: dict[str, Workflow] = {}
    playbooks: tuple[Started, ...] | None = None


def settings_of(planned: Planned, settings: Settings, speed: float) -> Settings:
    """The settings that a drill runs under: its register, its lane, an identity of its own.

    Raises FaultyInput and SettingsError as `posture.attach` does.
    """
    capture = settings.capture
    if speed:
        size = planned.drill.part(drills.CAPTURE).bytes
        block = max(_LEAST_BLOCK, size // _MOST_BLOCKS)
        capture = msgspec.structs.replace(capture, block_bytes=min(block, capture.block_bytes))
    return attach(
        msgspec.structs.replace(
            settings, lane=LANE, drill=planned.drill.id, register=str(planned.register), registered="",
            capture=capture, metrics="",
        )
    )  # fmt: skip


def run(
    planned: Planned,
    data: Path,
    settings: Settings,
    *,
    speed: float = 0.0,
    observe: Observe | None = None,
    now: Callable[[], int] = time.time_ns,
) -> tuple[Run, RunReport]:
    """Run a drill to its end, or go on with one that was cut off, into the store of `data`.

    `speed`: event time passes so many times as fast as the clock; 0 is as fast as can be. Raises DrillError,
    DataFolderBusy where another drill of the data folder runs, and what `stream.runner.run_paths` does.
    """
    lock = FolderLock(drills.root_of(data))
    try:
        drills.check(planned.folder, planned.drill)
        settings = settings_of(planned, settings, speed)
        begun = _begin(planned, settings, Attempt(now(), speed))
        with journal.Journal(planned.folder) as seen, _store(data, settings, read_only=False) as store:
            # What was indexed when it was cut off is seen at the latest now.
            seen.note(map(_id, alerts_of(store, begun.session)), now())
            report = _replay(planned, data, settings, speed, _watching(seen, observe, now))
            found = list(alerts_of(store, begun.session))
            seen.note(map(_id, found), now())
        session = report.sessions[0]
        if session.refused is not None:
            raise DrillError("refused", name=planned.drill.name, reason=session.refused)
        ended = msgspec.structs.replace(begun, ended=now(), packets=session.packets, alerts=len(found))
        _write(planned.folder, ended)
        return ended, report
    finally:
        lock.release()


def _begin(planned: Planned, settings: Settings, attempt: Attempt) -> Run:
    from detectors import registry

    known, results = run_of(planned.folder), results_digest(settings)
    if known is None:
        session = session_id("capture", LANE, file_digest(planned.capture), results)
        cards = registry.cards() if settings.use_detectors else {}
        looking = {name: tuple(t for t, *_ in card.attck) for name, card in cards.items()}
        begun = Run(session, __version__, results, looking, (attempt,))
    elif known.ended:
        raise DrillError("ended", name=planned.drill.name)
    elif (known.version, known.results) != (__version__, results):
        raise DrillError("other_settings", name=planned.drill.name)
    else:
        begun = msgspec.structs.replace(known, attempts=(*known.attempts, attempt))
    _write(planned.folder, begun)
    return begun


def _replay(planned: Planned, data: Path, settings: Settings, speed: float, observe: Observe) -> RunReport:
    from stream.assembly import assemble
    from stream.pacing import Pace
    from stream.runner import run_paths

    return run_paths(
        [planned.capture], planned.folder / _STREAM, settings, observe,
        assemble=partial(assemble, store_at=data), pace=Pace(speed) if speed else None,
    )  # fmt: skip


def _watching(seen: journal.Journal, observe: Observe | None, now: Callable[[], int]) -> Observe:
    """Notes alerts as they are indexed, and passes on what is told."""

    def watch(progress: Progress) -> None:
        seen.note(map(_id, progress.new_alerts), now())
        if observe is not None:
            observe(progress)

    return watch


def run_of(folder: Path) -> Run | None:
    """What became of the drill of a folder; None where it was not run. Raises DrillError."""
    try:
        return msgspec.json.decode((folder / _RUN).read_bytes(), type=Run)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as e:
        raise DrillError("damaged", name=folder.name, file=_RUN) from e


def observed(planned: Planned, data: Path, settings: Settings) -> Observed:
    """Everything that is known of a drill's run, from its folder and the store of `data`."""
    found = run_of(planned.folder)
    if found is None:
        return Observed()
    with _store(data, settings, read_only=True) as store:
        alerts = tuple(sorted(alerts_of(store, found.session), key=lambda a: (a["@timestamp"], _id(a))))
        workflows = {_id(alert): store.workflow(_id(alert)).workflow for alert in alerts}
    started = _started(data, settings, frozenset(workflows), found.began)
    return Observed(found, alerts, journal.read(planned.folder), workflows, started)


def _started(
    data: Path, settings: Settings, alerts: frozenset[str], since: int
) -> tuple[Started, ...] | None:
    """Playbook runs about alerts, or about cases that these are in, oldest first."""
    file = runs_of(data, settings)
    if not file.there:
        return None
    refs = [f"alert:{alert}" for alert in alerts]
    cases = {
        doc.id: alerts & {ref.removeprefix("alert:") for ref in doc.refs}
        for doc in documents_of(data, settings).find("case", refs)
    }
    runs = sorted((s.run for s in file.everything(since=since)), key=lambda r: (r.requested, r.id))
    about = [(run, (alerts & {run.trigger}) | cases.get(run.case, frozenset())) for run in runs]
    return tuple(Started((run.name, run.playbook), run.requested, own) for run, own in about if own)


def alerts_of(store: AlertStore, session: str) -> Iterator[Document]:
    """The alerts of a drill's session."""
    return store.scan(parse(f'session:"{session}"'), lane=LANE)


@contextmanager
def _store(data: Path, settings: Settings, *, read_only: bool) -> Iterator[AlertStore]:
    store = open_store(settings.store, data, read_only=read_only, elasticsearch=settings.elasticsearch)
    try:
        yield store
    finally:
        store.close()


def _id(alert: Document) -> str:
    return str(alert["event"]["id"])


def _write(folder: Path, run: Run) -> None:
    replace_file(
        folder / _RUN, msgspec.json.format(msgspec.json.encode(run, order="deterministic"), indent=1) + b"\n"
    )
