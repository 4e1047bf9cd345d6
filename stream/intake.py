"""What the service takes in: files of a watched folder, one after another, and beside them what has no end.

A file that was taken in is done for good; one that was under way goes on where it stood. So does a collector
of flow exports, whose datagrams are on disk before anybody hears of them. A live session of an interface ends
when the service is asked to stop, and is ended by the successor of a service that was killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from citywall.sessions import Session
from ingest.live.rolling import Budget
from ingest.live.segments import Segments
from stream import feeder
from stream.collecting import COLLECTOR, check
from stream.feeder import EXPORTS, Feeder, Source
from stream.folders import Look
from stream.inbox import Inbox
from stream.letters import LetterBox
from stream.tapping import INTERFACE, PACKETS, Keep, Tap, end_earlier, new_session

log = logging.getLogger(__name__)

#: Seconds between two looks into the watched folder.
LOOK_S = 0.5
#: Sources that are still told of, the newest last.
_TOLD = 64
#: Seconds that live sessions get to be worked to their end when the service is asked to stop.
_WIND_UP_S = 20.0
_RETRY_S = 1.0
#: Bytes after which a new file of packets kept as evidence is begun.
SEGMENT_BYTES = 32 << 20


def forget_exports(data: Path, before: int, live: set[str]) -> None:
    """Remove the datagrams of collectors' sessions, but for `live` ones, that came before a time (ns)."""
    for folder in (data / EXPORTS).glob("*"):
        newest = max((path.stat().st_mtime_ns for path in folder.iterdir()), default=0)
        if folder.name not in live and newest < before:
            shutil.rmtree(folder, ignore_errors=True)


class Intake(Feeder):
    """Feeds files as they come, and what has no end, until told to stop.

    `probed` has files of our own making, which wait for no others. `arrived` waits until what was sent is
    safe from a kill.
    """

    def __init__(
        self,
        *args: Any,
        inbox: Inbox,
        arrived: Callable[[], Awaitable[None]],
        probed: Inbox | None = None,
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self._probed = probed
        self._arrived = arrived
        self._inbox = inbox
        self._stop = asyncio.Event()
        self._letters = LetterBox(self._folder.root)
        self._budget: Budget | None = None  # of packets kept as evidence

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stop.is_set()

    def stop(self) -> bool:
        """Ask to end in good order; False where that was asked before."""
        asked = self._stop.is_set()
        self._stop.set()
        super().stop()
        return not asked

    async def run(self) -> None:
        """Feed until told to stop; then files wait for the next start, and live sessions end."""
        service = self._settings.service
        earlier = [asyncio.ensure_future(self._over(session)) for session in await self._end_earlier()]
        taps = [asyncio.ensure_future(self._tap(name)) for name in service.interfaces]
        if service.collector:
            taps.append(asyncio.ensure_future(self._gather(f"{COLLECTOR}{service.collector}")))
        distant = [asyncio.ensure_future(self._hear(name)) for name in service.sensors]
        folders = filter(None, (self._inbox, self._probed))
        files = {asyncio.ensure_future(self._take_files(inbox)) for inbox in folders}
        stopping = asyncio.ensure_future(self._stop.wait())
        everything = {*earlier, *taps, *distant, *files, stopping}
        try:
            under_way = everything
            while not self.stopping:
                done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            for taking in files:
                taking.cancel()
            if ending := {*earlier, *taps}:
                done, _ = await asyncio.wait(ending, timeout=_WIND_UP_S)
                for task in done:
                    task.result()
        finally:
            for task in everything:
                task.cancel()
            await asyncio.wait(everything)

    async def _end_earlier(self) -> list[str]:
        """End what a killed process left; sessions that are still to be worked to their end.

        Nothing waits for them: what passes meanwhile comes once only.
        """
        own, ended = f"{COLLECTOR}{self._settings.service.collector}", []
        for session, path in await asyncio.to_thread(self._inbox.left):
            if session in self._folder.ledger.finished:
                await self._over(session)
            elif path != own:  # that one goes on
                await end_earlier(self._send, self._settings, session, path)
                ended.append(session)
        return ended

    async def _over(self, session: str) -> None:
        """A session without an end of its own was ended: wait until it is worked, and let go of it.

        The ledger goes last: the successor of a process killed before the inbox knows would wait for ever for
        a session of which nothing is told any more.
        """
        await self._finished(session)
        await asyncio.to_thread(self._inbox.ended, session)
        await self._done(session)

    async def _gather(self, path: str) -> None:
        """A collector, until told to stop; the session of a process that was killed goes on."""
        await asyncio.to_thread(check, self._settings)
        left = {own: session for session, own in await asyncio.to_thread(self._inbox.left)}
        session = left.get(path) or new_session(path, self._settings, time.time_ns(), "flowlog").id
        await asyncio.to_thread(self._inbox.began, session, path)
        source = Source(Path(path), session=session, kind="flowlog")
        self._tell_of(source)
        await self._collect_into(source)
        await self._over(session)

    async def _hear(self, sensor: str) -> None:
        """A sensor elsewhere, session after session: what is finished is let go."""
        while True:
            for session in self.sensors.get(sensor, ()):
                if session in self._folder.ledger.finished:
                    await self._done(session)
            await self._wait()

    async def _tap(self, interface: str) -> None:
        """One interface, session after session where capturing fails, until told to stop."""
        while not self._stop.is_set():
            path = f"{INTERFACE}{interface}"
            session = new_session(path, self._settings, time.time_ns(), interface=interface)
            tap = await asyncio.to_thread(self._tapped, interface, session, asyncio.get_running_loop())
            await tap.run()
            await self._over(session.id)
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

    def _keeping(self, interface: str) -> Keep | None:
        """Where an interface's packets are kept, within what all of them share."""
        service = self._settings.service
        most = int(service.packets_gib * (1 << 30))
        if not most:
            return None
        packets = self._folder.root / PACKETS
        budget = self._budget = self._budget or Budget(most, lambda: packets.glob("*/*.pcap"))
        size = min(SEGMENT_BYTES, most // (4 * len(service.interfaces)))
        return lambda link: Segments(
            packets / interface, link=link, segment_bytes=size, budget=budget, durable=False
        )

    async def _send_live(self, topic: str, message: bytes) -> None:
        """What comes once only."""
        await self._send(topic, message)
        await self._arrived()

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

    async def _take_files(self, inbox: Inbox) -> None:
        while True:
            look = await asyncio.to_thread(inbox.next)
            if look is None:
                await asyncio.sleep(LOOK_S)
            else:
                await self._take(look, inbox)

    async def _take(self, look: Look, inbox: Inbox) -> None:
        """Take a file in, unless its content was before."""
        [source] = await asyncio.to_thread(feeder.plan, [look.path])
        if source.refused is not None:
            await asyncio.to_thread(inbox.note, look, "", "refused", source.refused)
            return
        if await asyncio.to_thread(inbox.taken_before, source.digest):
            log.info("%s: was taken in before under this or another name", look.path)
            await asyncio.to_thread(inbox.note, look, source.digest, "same")
            return
        await asyncio.to_thread(inbox.note, look, source.digest, "taking")
        self._tell_of(source)
        await self._feed(source)
        if reason := _refusal(source):
            await asyncio.to_thread(inbox.note, look, source.digest, "refused", reason)
            return
        await self._finished(source.session)
        reason = feeder.UNREADABLE if source.errors else ""
        await asyncio.to_thread(inbox.note, look, source.digest, "done", reason)
        await self._done(source.session)

    def _tell_of(self, source: Source) -> None:
        sources: Any = self.sources
        sources.append(source)
        del sources[:-_TOLD]
        self.current = len(sources)


def _refusal(source: Source) -> str:
    """Why a source was refused while it was fed; empty where it was not."""
    return source.refused or ""
