"""The run that does not end: it goes on from its checkpoints after a stop or a kill.

What it takes in is in :mod:`stream.intake`, on either transport.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from citywall import __version__
from citywall.errors import SettingsError
from citywall.settings import Settings, results_digest
from posture.attach import attach
from stream import codecs
from stream.assembly import Assembly, Document, assemble
from stream.data_folder import DataFolder
from stream.eventloop import stoppable
from stream.feeder import Feeder
from stream.health import ServiceHealth
from stream.inbox import Inbox
from stream.intake import Intake, forget_exports
from stream.letters import LetterBox
from stream.patience import Patience
from stream.probing import FOLDER as PORTALS
from stream.probing import RECORDS, forget
from stream.reporting import Observe
from stream.runner import Run, Stopped
from stream.scheduler import Job, Scheduler
from stream.tapping import of_interface

if TYPE_CHECKING:
    from stream.engine import Engine

log = logging.getLogger(__name__)

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

    A second signal leaves at once. Raises what `run_paths` does, InputError where an interface cannot be
    captured from, and SettingsError where it is in a network domain that `[domains]` does not name.
    """
    if settings.service.sensors and not settings.on_cluster:
        raise SettingsError("settings", "service.sensors", "sensors need transport=kafka://HOST:PORT")
    for interface in settings.service.interfaces:
        of_interface(interface, settings)
    settings = attach(replace(settings, rules=replace(settings.rules, by_version=False)))
    began, now = time.monotonic(), time.time_ns()
    folder = DataFolder(data)
    with contextlib.ExitStack() as stack:
        stack.enter_context(stoppable())
        stack.callback(folder.close)
        watch = Path(settings.service.watch).absolute() if settings.service.watch else None
        inbox = Inbox(data, watch, settings.service.settle_s)
        probed = Inbox(data / PORTALS, data / RECORDS, 0.0)
        shared = settings.on_cluster
        if not folder.begin(key_of(settings), settings.capture.block_bytes, shared=shared):
            for session, _ in inbox.left():  # the log that knew them is gone
                inbox.ended(session)
        company = stack.enter_context(beside())
        assembly = Patience()(assemble, settings, data, now, acknowledged=company.acknowledged)
        stack.callback(assembly.close)
        # Cases and playbooks begin with what is indexed here, also where workers could.
        assembly.roles = [replace(r, pinned=r.pinned or r.name == "index") for r in assembly.roles]
        kept = Kept(
            folder,
            inbox,
            assembly,
            settings.storage.retention_days,
            probed=probed,
            probed_days=settings.portals.keep_days,
        )
        scheduler = Scheduler([*company.jobs, Job("retention", kept.retain, cron=RETENTION)])
        stack.callback(scheduler.close)
        service = Service(
            [], settings, folder, assembly=assembly, observe=observe, began=began,
            inbox=inbox, scheduler=scheduler, probed=probed,
        )  # fmt: skip
        service.reporter.tell()
        with contextlib.suppress(Stopped):
            service.execute()


class Kept:
    """What is kept for so many days, and then goes."""

    def __init__(
        self,
        folder: DataFolder,
        inbox: Inbox,
        assembly: Assembly,
        days: int,
        *,
        probed: Inbox | None = None,
        probed_days: int = 0,
    ) -> None:
        self._folder, self._inbox, self._assembly, self._days = folder, inbox, assembly, days
        self._probed, self._probed_days = probed, probed_days

    def retain(self) -> None:
        """Let go of what was kept long enough."""
        now = time.time_ns()
        self._assembly.retain(now)
        self._folder.retain(self._days, now)
        LetterBox(self._folder.root).retain(self._days, now)
        self._inbox.retain(now - self._days * _DAY)
        if self._probed is not None:
            forget(self._folder.root, now - self._probed_days * _DAY)
            self._probed.retain(now - self._probed_days * _DAY)
        forget_exports(self._folder.root, now - self._days * _DAY, {name for name, _ in self._inbox.left()})


def key_of(settings: Settings) -> str:
    """Names the service's run: what its checkpoints fit. Other inputs are no other run."""
    parts = ["service", __version__, codecs.schema_digest(), settings.lane]
    parts += [results_digest(settings, lasting=True)]
    parts += [settings.store, settings.elasticsearch.index_prefix, str(settings.storage.archive_flows)]
    parts += [str(settings.storage.archive_events)]
    parts += [settings.transport, settings.kafka.prefix, str(settings.partitions)]
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


class Service(Run):
    """The run without an end."""

    def __init__(
        self, *args: Any, inbox: Inbox, scheduler: Scheduler, probed: Inbox | None = None, **more: Any
    ) -> None:
        super().__init__(*args, **more)
        self._inbox = inbox
        self._probed = probed
        self._scheduler = scheduler
        self._fed: Intake | None = None
        self._files: dict[str, int] = {}
        self.reporter.service = self._health

    def _prepare(self, engine: Engine) -> None:
        self._scheduler.attach(engine.app)

    def _awaited(self) -> tuple[str, ...]:
        return self.settings.service.sensors

    def _feeder(self, engine: Engine) -> Feeder:
        self._fed = Intake(
            self.sources, self.settings, self.folder, files=self.assembly.files, taken=self._taken,
            send=engine.send, moved=self.moved, inbox=self._inbox, probed=self._probed,
            arrived=engine.arrived,
        )  # fmt: skip
        self._fed.sensors = self._sensors
        return self._fed

    async def _feed(self, engine: Engine) -> None:
        await engine.ready.wait()
        fed = self.reporter.feeder = self._feeder(engine)
        await fed.run()
        self._fail(Stopped())

    def _interrupt(self, number: int) -> None:
        if self._fed is None:
            self._fail(Stopped())  # nothing was taken in yet: there is nothing to end in good order
        elif not self._fed.stop():
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
            chosen.collector,
            chosen.sensors,
        )
