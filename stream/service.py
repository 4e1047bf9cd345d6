"""The run that does not end: files of a watched folder, one after another, and interfaces beside them.

It goes on from its checkpoints after a stop or a kill. A file that was taken in is done for good; one that
was under way goes on where it stood. Live sessions end when the service is asked to stop, and are ended by
its successor where it was killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citywall import __version__
from citywall.errors import SettingsError
from citywall.sessions import Session
from citywall.settings import Settings, results_digest
from ingest.live.keeping import Keeping
from posture.attach import attach
from stream import codecs, feeder
from stream.assembly import Assembly, Document, assemble
from stream.data_folder import DataFolder
from stream.feeder import Feeder, Source
from stream.health import ServiceHealth
from stream.inbox import Inbox, Look
from stream.letters import LetterBox
from stream.patience import Patience
from stream.reporting import Observe
from stream.runner import Run, Stopped
from stream.scheduler import Job, Scheduler
from stream.tapping import PACKETS, Tap, end_earlier, new_session

if TYPE_CHECKING:
    from stream.engine import Engine

log = logging.getLogger(__name__)

#: Seconds between two looks into the watched folder.
LOOK_S = 0.5
#: Sources that are still told of, the newest last.
_TOLD = 64
#: Seconds that live sessions get to be worked to their end when the service is asked to stop.
_WIND_UP_S = 20.0
_RETRY_S = 1.0
_DAY = 86_400 * 10**9
#: When what was kept long enough goes: early in the morning, UTC, and at the start.
RETENTION = "30 19 * * *"
#: Given jobs and what is told of acknowledged alerts, as long as the service runs.
Beside = Callable[[], AbstractContextManager["Company"]]


class Company:
    """Who works beside the stream: `jobs` for the scheduler; `acknowledged` gets alerts the store has."""

    def __init__(
        self, jobs: Sequence[Job] = (), acknowledged: Callable[[list[Document]], object] = lambda _: None
    ) -> None:
        self.jobs = tuple(jobs)
        self.acknowledged = acknowledged


@contextlib.contextmanager
def alone() -> Iterator[Company]:
    """Nobody works beside the stream."""
    yield Company()


def serve(data: Path, settings: Settings, observe: Observe | None = None, *, beside: Beside = alone) -> None:
    """Run until a signal says stop, and everything is saved; `beside` is entered with the data folder held.

    A second signal leaves at once. Raises what `run_paths` does, and InputError where an interface cannot be
    captured from.
    """
    if settings.on_cluster:
        raise SettingsError("settings", "transport", "the service runs on the data folder's log (local://)")
    settings = attach(settings)
    began, now = time.monotonic(), time.time_ns()
    folder = DataFolder(data)
    with contextlib.ExitStack() as stack:
        stack.callback(folder.close)
        watch = Path(settings.service.watch).absolute() if settings.service.watch else None
        inbox = Inbox(data, watch, settings.service.settle_s)
        if not folder.begin(key_of(settings), settings.capture.block_bytes):
            for session, _ in inbox.left():  # the log that knew them is gone
                inbox.ended(session)
        company = stack.enter_context(beside())
        assembly = Patience()(assemble, settings, data, now, acknowledged=company.acknowledged)
        stack.callback(assembly.close)
        kept = Kept(folder, inbox, assembly, settings.storage.retention_days)
        scheduler = Scheduler([*company.jobs, Job("retention", kept.retain, cron=RETENTION)])
        stack.callback(scheduler.close)
        service = Service(
            [], settings, folder, assembly=assembly, observe=observe, began=began,
            inbox=inbox, scheduler=scheduler,
        )  # fmt: skip
        service.reporter.tell()
        with contextlib.suppress(Stopped):
            service.execute()


class Kept:
    """What is kept for so many days, and then goes."""

    def __init__(self, folder: DataFolder, inbox: Inbox, assembly: Assembly, days: int) -> None:
        self._folder, self._inbox, self._assembly, self._days = folder, inbox, assembly, days

    def retain(self) -> None:
        """Let go of what was kept long enough."""
        now = time.time_ns()
        self._assembly.retain(now)
        self._folder.retain(self._days, now)
        LetterBox(self._folder.root).retain(self._days, now)
        self._inbox.retain(now - self._days * _DAY)


def key_of(settings: Settings) -> str:
    """Names the service's run: what its checkpoints fit. Other inputs are no other run."""
    parts = ["service", __version__, codecs.schema_digest(), settings.lane, results_digest(settings)]
    parts += [settings.store, settings.elasticsearch.index_prefix, str(settings.storage.archive_flows)]
    parts.append(str(settings.partitions))
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


class Service(Run):
    """The run without an end."""

    def __init__(self, *args: Any, inbox: Inbox, scheduler: Scheduler, **more: Any) -> None:
        super().__init__(*args, **more)
        self._inbox = inbox
        self._scheduler = scheduler
        self._fed: Intake | None = None
        self._files: dict[str, int] = {}
        self.reporter.service = self._health

    def _prepare(self, engine: Engine) -> None:
        self._scheduler.attach(engine.app)

    def _feeder(self, engine: Engine) -> Feeder:
        from stream.app import log_of

        self._fed = Intake(
            self.sources, self.settings, self.folder, files=self.assembly.files, taken=self._taken,
            send=engine.send, moved=self.moved, inbox=self._inbox, write=log_of(engine.app).write,
        )  # fmt: skip
        return self._fed

    async def _feed(self, engine: Engine) -> None:
        await engine.ready.wait()
        fed = self.reporter.feeder = self._feeder(engine)
        await fed.run()
        self._fail(Stopped())

    def _interrupt(self, number: int) -> None:
        if self._fed is None or not self._fed.stop():
            super()._interrupt(number)

    def _health(self) -> ServiceHealth:
        with contextlib.suppress(Exception):
            self._files = self._inbox.counts()
        chosen = self.settings.service
        stopping = self._fed is not None and self._fed.stopping
        return ServiceHealth(
            chosen.watch,
            chosen.interfaces,
            self._files,
            self._scheduler.health(),
            self._inbox.waiting,
            stopping,
        )


class Intake(Feeder):
    """Feeds files as they come, and interfaces, until told to stop.

    `write` hands what the log has to the operating system, where it is safe from a kill.
    """

    def __init__(self, *args: Any, inbox: Inbox, write: Callable[[], None], **more: Any) -> None:
        super().__init__(*args, **more)
        self._write = write
        self._inbox = inbox
        self._stop = asyncio.Event()
        self._letters = LetterBox(self._folder.root)

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stop.is_set()

    def stop(self) -> bool:
        """Ask to end in good order; False where that was asked before."""
        asked = self._stop.is_set()
        self._stop.set()
        return not asked

    async def run(self) -> None:
        """Feed until told to stop; then files wait for the next start, and live sessions end."""
        await self._end_earlier()
        taps = [asyncio.ensure_future(self._tap(name)) for name in self._settings.service.interfaces]
        files = asyncio.ensure_future(self._take_files())
        stopping = asyncio.ensure_future(self._stop.wait())
        try:
            while not self.stopping:
                done, _ = await asyncio.wait({*taps, files, stopping}, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            files.cancel()
            if taps:
                late = (await asyncio.wait(taps, timeout=_WIND_UP_S))[1]
                for task in taps:
                    if task not in late:
                        task.result()
        finally:
            for task in (*taps, files, stopping):
                task.cancel()
            await asyncio.wait({*taps, files, stopping})

    async def _end_earlier(self) -> None:
        for session, path in await asyncio.to_thread(self._inbox.left):
            if session not in self._folder.ledger.finished:
                await end_earlier(self._send, self._settings, session, path)
                await self._finished(session)
            await self._done(session)
            await asyncio.to_thread(self._inbox.ended, session)

    async def _tap(self, interface: str) -> None:
        """One interface, session after session where capturing fails, until told to stop."""
        while not self._stop.is_set():
            session = new_session(interface, self._settings, time.time_ns())
            tap = await asyncio.to_thread(self._tapped, interface, session, asyncio.get_running_loop())
            await tap.run()
            await self._finished(session.id)
            await self._done(session.id)
            await asyncio.to_thread(self._inbox.ended, session.id)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), _RETRY_S)

    def _tapped(self, interface: str, session: Session, loop: asyncio.AbstractEventLoop) -> Tap:
        tap = Tap(
            interface, self._settings, session, taken=self._taken, send=self._send_live, moved=self._wait,
            stop=self._stop, loop=loop, keep=self._keeping(interface),
        )  # fmt: skip
        self._folder.stamp(session.id, session.received_at)
        self._inbox.began(session.id, session.path)
        return tap

    def _keeping(self, interface: str) -> Keeping | None:
        most = int(self._settings.service.packets_gib * (1 << 30))
        return Keeping(self._folder.root / PACKETS / interface, most) if most else None

    async def _send_live(self, topic: str, message: bytes) -> None:
        """What comes once only."""
        await self._send(topic, message)
        self._write()

    async def _wait(self) -> None:
        """Until something was taken or finished."""
        self._moved.clear()
        await self._moved.wait()

    async def _finished(self, session: str) -> None:
        while session not in self._folder.ledger.finished:
            await self._wait()

    async def _done(self, session: str) -> None:
        """A session is finished: its dead letters of earlier runs are healed, and the ledger lets it go."""
        tally = self._folder.ledger.finished[session]
        if feeder.UNREADABLE not in tally.errors:
            await asyncio.to_thread(self._letters.heal, [session], self._folder.ledger.id, time.time_ns())
        self._folder.let_go(session)

    async def _take_files(self) -> None:
        while True:
            look = await asyncio.to_thread(self._inbox.next)
            if look is None:
                await asyncio.sleep(LOOK_S)
            else:
                await self._take(look)

    async def _take(self, look: Look) -> None:
        """Take a file in, unless its content was before."""
        [source] = await asyncio.to_thread(feeder.plan, [look.path])
        if source.refused is not None:
            await asyncio.to_thread(self._inbox.note, look, "", "refused", source.refused)
            return
        if await asyncio.to_thread(self._inbox.taken_before, source.digest):
            log.info("%s: was taken in before under this or another name", look.path)
            await asyncio.to_thread(self._inbox.note, look, source.digest, "same")
            return
        await asyncio.to_thread(self._inbox.note, look, source.digest, "taking")
        self._tell_of(source)
        await self._feed(source)
        if reason := _refusal(source):
            await asyncio.to_thread(self._inbox.note, look, source.digest, "refused", reason)
            return
        await self._finished(source.session)
        reason = feeder.UNREADABLE if source.errors else ""
        await asyncio.to_thread(self._inbox.note, look, source.digest, "done", reason)
        await self._done(source.session)

    def _tell_of(self, source: Source) -> None:
        sources: Any = self.sources
        sources.append(source)
        del sources[:-_TOLD]
        self.current = len(sources)


def _refusal(source: Source) -> str:
    """Why a source was refused while it was fed; empty where it was not."""
    return source.refused or ""
