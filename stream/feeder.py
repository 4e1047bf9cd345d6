"""Puts inputs into the stream: paths become sessions, in the order given, one after another."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from citywall import __version__
from citywall.errors import InputError, UnsupportedInput
from citywall.sessions import Session, file_digest, session_id
from citywall.settings import Settings, results_digest
from stream import codecs
from stream.board import FEEDER as STAGE
from stream.codecs import Header, Kind, Opening, Tally
from stream.collecting import Collecting, collector_of
from stream.data_folder import DataFolder
from stream.files import CaptureFiles
from stream.pacing import Pace
from stream.reports import SessionReport
from stream.watching import Watching, watched_of

log = logging.getLogger(__name__)

#: References fed and not yet taken, at most.
AHEAD = 8
_AT_ONCE = 4
_OVER = -1  # what is taken of a session that has ended
#: The error of a session whose input could not be read to its end.
UNREADABLE = "input_unreadable"
#: Where collectors' datagrams are, in the data folder, by session.
EXPORTS = "exports"
#: What inputs can be: topics they go to, and part of the names of their sessions.
KINDS = ("capture", "flowlog")


class Source(msgspec.Struct):
    """One path of a run. `digest` is of its content; `refused` is why it cannot be read."""

    path: Path
    digest: str = ""
    size: int = 0
    refused: str | None = None
    same_as: str | None = None
    session: str = ""
    earlier: list[str] = []  # sessions before it, where a live sensor was started again
    kind: str = ""
    errors: dict[str, int] = {}


#: What the path of a source begins with that a sensor feeds; its name follows.
SENSOR = "sensor:"


def sensor_of(path: Path) -> str:
    """The name of the sensor that a path stands for, empty where it is a file."""
    return str(path).removeprefix(SENSOR) if str(path).startswith(SENSOR) else ""


def plan(paths: Sequence[Path]) -> list[Source]:
    """What each path holds, as far as it can be told without reading it all; never raises for one path."""
    sources: list[Source] = []
    first: dict[str, str] = {}
    for path in paths:
        source = Source(path)
        if sensor_of(path) or collector_of(path) or watched_of(path):
            sources.append(source)
            continue
        try:
            source.digest, source.size = _content(path)
        except InputError as e:
            source.refused = str(e)
        else:
            source.same_as = first.get(source.digest)
            first.setdefault(source.digest, str(path))
        sources.append(source)
    return sources


def _content(path: Path) -> tuple[str, int]:
    files = [path]
    if path.is_dir():
        from ingest.flowlogs.files import locate

        files = list(locate(path).logs)
    try:
        size = sum(f.stat().st_size for f in files)
    except OSError as e:
        raise InputError(str(path), e.strerror or str(e)) from e
    digests = [file_digest(f) for f in files]
    if len(digests) == 1:
        return digests[0], size
    return hashlib.blake2b(" ".join(digests).encode(), digest_size=16).hexdigest(), size


def inputs_of(sources: Sequence[Source], settings: Settings) -> dict[str, str]:
    """The path of each session that the sources are, or may turn out to be when they are read."""
    results = results_digest(settings)
    inputs: dict[str, str] = {}
    for source in sources:
        if source.digest:
            names = [session_id(kind, settings.lane, source.digest, results) for kind in KINDS]
        else:
            names = [source.session]  # a sensor's, known when it feeds; refused ones have none
        for name in filter(None, names):
            inputs.setdefault(name, str(source.path))
    return inputs


def run_key(sources: Sequence[Source], settings: Settings) -> str:
    """Names a run: the same inputs in the same order, under the same settings and version."""
    parts = [__version__, codecs.schema_digest(), settings.lane, results_digest(settings)]
    parts += [settings.store, settings.elasticsearch.index_prefix, str(settings.storage.archive_flows)]
    parts += [str(settings.storage.archive_events)]
    parts += [settings.transport, settings.kafka.prefix, str(settings.partitions)]
    parts += [f"{s.path}\0{s.digest}\0{s.refused or ''}" for s in sources]
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


class Feeder:
    """Feeds a run.

    Every partition of a topic gets every message. `taken(topic, session)` is what all of them have taken
    (see `Board.taken`); `send(topic, message)` puts a message into the log; `moved` is set when a stage took
    some. Captures keep to `pace` where there is one. What a station had taken before
    the run was cut off is fed again, and dropped there as known.
    """

    def __init__(
        self,
        sources: list[Source],
        settings: Settings,
        folder: DataFolder,
        *,
        files: CaptureFiles,
        taken: Callable[[str, str], int | None],
        send: Callable[[str, bytes], Awaitable[None]],
        moved: asyncio.Event,
        pace: Pace | None = None,
    ) -> None:
        self.sources = sources
        self.sensors: dict[str, list[str]] = {}  # sessions by the sensor that feeds them, oldest first
        self.current = 0  # 1-based index of the source being fed
        self._settings = settings
        self._folder = folder
        self._files = files
        self._taken = taken
        self._send = send
        self._moved = moved
        self._pace = pace
        self._endless: Collecting | Watching | None = None
        self._results = results_digest(settings)

    async def run(self) -> None:
        """Feed every source that is not done."""
        for source in list(self.sources):
            self.current = self.sources.index(source) + 1
            if source.refused is None and source.same_as is None:
                if sensor_of(source.path):
                    await self._await(source)
                elif collector_of(source.path):
                    await self._collect(source)
                elif folder := watched_of(source.path):
                    await self._watch(source, folder)
                else:
                    await self._feed(source)

    def stop(self) -> bool:
        """Ask the source being fed to end, where it has no end of its own; False where there is none."""
        return self._endless is not None and self._endless.stop()

    async def _watch(self, source: Source, folder: Path) -> None:
        """Feed the files of a folder as they come, each a source of its own, until told to stop."""
        self._endless = watching = Watching(folder, self._settings.collector.seconds)
        try:
            async for path in watching.files():
                (found,) = plan([path])
                known = (s for s in self.sources if s.digest and s.digest == found.digest)
                if first := next(known, None):
                    found.same_as = first.same_as or str(first.path)
                self.sources.append(found)
                self.current = len(self.sources)
                if found.refused is None and found.same_as is None:
                    await self._feed(found)
        except InputError as e:
            source.refused = str(e)
            return
        finally:
            self._endless = None
        self.current = len(self.sources) - 1
        self.sources.remove(source)  # its files stand for it

    async def _await(self, source: Source) -> None:
        """A sensor feeds this one: wait until all of it was taken."""
        sensor = sensor_of(source.path)
        source.kind = "sensor"
        while True:
            if sessions := self.sensors.get(sensor):
                *source.earlier, source.session = sessions
                if self._folder.ledger.finished.keys() >= set(sessions):
                    return
            self._moved.clear()
            await self._moved.wait()

    async def _collect(self, source: Source) -> None:
        """Exporters feed this one, until it is told to stop."""
        own = f"{source.path}\0{self._folder.ledger.id}"
        source.kind = "flowlog"
        source.session = session_id("flowlog", self._settings.lane, own, self._results)
        if source.session not in self._folder.ledger.finished:
            await self._collect_into(source)

    async def _collect_into(self, source: Source) -> None:
        """Feed what exporters send into the session of `source`, until told to stop."""
        from ingest.collectors.exports import of_capture

        taken = await self._begin("flowlog", source)
        if taken != _OVER:
            folder = self._folder.root / EXPORTS / source.session
            self._endless = collecting = Collecting(self._settings, folder, source.session)
            fed = 0
            try:
                async with contextlib.aclosing(collecting.references()) as references:
                    async for ref in references:
                        if fed >= (taken or 0):
                            if not await self._room("flowlog", source.session, fed):
                                break
                            body = codecs.pack(of_capture(ref))
                            await self._say("flowlog", source.session, Kind.DATA, fed, body)
                        fed += 1
            except InputError as e:
                log.warning("collecting stopped: %s", e)
                source.errors[UNREADABLE] = 1
            finally:
                self._endless = None
            await self._end("flowlog", source, fed)
        await self._finish("flowlog", source)

    async def _begin(self, topic: str, source: Source) -> int | None:
        """Open the session of a source, unless it is; what was taken of it."""
        session = Session(
            source.session, topic, str(source.path), source.size, self._settings.lane,
            self._folder.stamp(source.session, time.time_ns()),
        )  # fmt: skip
        taken = self._taken(topic, session.id)
        if taken is None:
            partitions = self._settings.partitions if topic == "capture" else 1
            opening = Opening(session, partitions)
            await self._say(topic, session.id, Kind.OPEN, 0, codecs.pack(opening))
        return taken

    async def _end(self, topic: str, source: Source, fed: int) -> None:
        await self._say(topic, source.session, Kind.END, fed, codecs.pack(Tally(errors=source.errors)))

    async def _finish(self, topic: str, source: Source) -> None:
        """Wait until all of it was taken: one at a time, their state is not small."""
        while self._taken(topic, source.session) != _OVER:
            self._moved.clear()
            await self._moved.wait()

    async def _feed(self, source: Source) -> None:
        loop = asyncio.get_running_loop()
        try:
            topic, references = await loop.run_in_executor(None, self._recognise, source)
        except InputError as e:
            log.warning("refused: %s", e)
            source.refused = str(e)
            return
        if source.session in self._folder.ledger.finished:
            self._files.close(str(source.path), STAGE)
            return
        taken = await self._begin(topic, source)
        if taken != _OVER:
            fed = await self._references(topic, source.session, references, taken or 0, source)
            await self._end(topic, source, fed)
        self._files.close(str(source.path), STAGE)
        await self._finish(topic, source)

    def _recognise(self, source: Source) -> tuple[str, Iterator[Any]]:
        """The topic a source goes to, and its references from the start; raises InputError."""
        from ingest.collectors.recognising import are_exports

        if source.path.is_dir():
            return self._flow_log(source)
        try:
            capture = self._files.get(str(source.path), STAGE)
        except UnsupportedInput:
            return self._flow_log(source)
        if self._settings.collector.captures and are_exports(capture):
            self._files.close(str(source.path), STAGE)
            return self._flow_log(source)
        source.size = capture.size
        source.session = self._name("capture", source)
        return "capture", capture.blocks(
            self._folder.ledger.block_bytes,
            session=source.session,
            max_record_bytes=self._settings.capture.max_record_bytes,
        )

    def _flow_log(self, source: Source) -> tuple[str, Iterator[Any]]:
        from ingest.flowlogs import registry

        parser = registry.sniff(source.path, self._settings.collector.mappings)
        if parser is None:
            raise UnsupportedInput(str(source.path), "is no capture or flow log of a known kind", offset=0)
        source.session = self._name("flowlog", source)
        return "flowlog", iter(registry.chunks(source.path, parser, session=source.session))

    def _name(self, kind: str, source: Source) -> str:
        source.kind = kind
        return session_id(kind, self._settings.lane, source.digest, self._results)

    async def _references(
        self, topic: str, session: str, references: Iterator[Any], taken: int, source: Source
    ) -> int:
        """Feed references from number `taken` on; returns how many there are, or where they were no news."""
        loop = asyncio.get_running_loop()
        fed, at_once = 0, 1
        while True:
            try:
                some = await loop.run_in_executor(None, _some, references, at_once)
            except InputError as e:
                log.warning("reading stopped: %s", e)
                source.errors[UNREADABLE] = 1
                return fed
            if not some:
                return fed
            at_once = _AT_ONCE
            for reference in some:
                if reference.index != fed:
                    raise AssertionError(f"reference {reference.index} came as number {fed}")
                if fed >= taken:
                    if self._pace is not None and topic == "capture":
                        await self._pace.keep(reference.newest)
                    if not await self._room(topic, session, fed):
                        return fed
                    await self._say(topic, session, Kind.DATA, fed, codecs.pack(reference))
                fed += 1

    async def _room(self, topic: str, session: str, fed: int) -> bool:
        """Wait until more may be fed; False where the session is over, with all that was to be fed.

        A log that is read again may hold its end, and be read faster than it is fed anew.
        """
        while (taken := self._taken(topic, session)) != _OVER:
            if fed - (taken or 0) < AHEAD:
                return True
            self._moved.clear()
            await self._moved.wait()
        return False

    async def _say(self, topic: str, session: str, kind: Kind, seq: int, body: bytes) -> None:
        count = int(kind is Kind.DATA)
        header = Header(session, STAGE, 0, kind, seq, count, 0, codecs.schema_digest())
        await self._send(topic, codecs.encode(header, body))


def _some(references: Iterator[Any], most: int) -> list[Any]:
    return list(itertools.islice(references, most))


def report_of(source: Source, finished: dict[str, Tally], by_path: dict[str, SessionReport]) -> SessionReport:
    """What is told of a source at the end of its run."""
    path = str(source.path)
    if source.refused is not None:
        return SessionReport(path, refused=source.refused)
    if source.same_as is not None:
        known = by_path[source.same_as]
        return msgspec.structs.replace(known, path=path, same_as=source.same_as)
    tally = Tally()
    for session in (*source.earlier, source.session):
        tally.add(finished[session])
    return SessionReport(
        path, source.session, tally.packets, tally.bytes, tally.flows, tally.events, tally.findings,
        tally.alerts, dict(sorted(tally.errors.items())), dict(sorted(tally.notes.items())),
        kind=source.kind, places=dict(sorted(tally.places.items())),
    )  # fmt: skip
