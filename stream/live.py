"""A live sensor: packets of interfaces into the run that waits for it.

A session is what one process of the sensor saw of one interface: nobody can say what a killed one had taken
and not sent, so one that is started again begins a session of its own and ends that of the one before. What
passed in between is lost. It knows its predecessors from the run's control topic, which it has read to the
end when it hears itself; one that hears a successor stops. A sensor of several interfaces goes by its name
and theirs (`gate/eth1`), and the run that waits for `gate` hears them all.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Coroutine, Sequence
from glob import escape
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from citywall.errors import InputError, SettingsError, StreamError
from citywall.sessions import Session
from citywall.settings import Settings
from ingest.decode.blocks import InlineBlock
from ingest.live.rolling import Budget
from ingest.live.sealing import LiveCapture
from ingest.live.segments import Segments
from stream import codecs
from stream.board import FEEDER, PACKETS, Board, Status
from stream.codecs import Header, Kind, Opening, Tally
from stream.eventloop import run_loop
from stream.feeder import SENSOR
from stream.kafka.backbone import KafkaBackbone
from stream.kafka.cards import RunCard, follow, settings_of
from stream.kafka.cluster import Cluster
from stream.outbox import Outbox
from stream.sensor import Sent, waiting
from stream.tapping import CUT_OFF, Keep, new_session, rules_behind

log = logging.getLogger(__name__)

#: Seconds between two words to the run that we are here: its control topic keeps them for so long only.
_SENSE_S = 60.0
_RETRY_S = 1.0
T = TypeVar("T")


class Bounds(msgspec.Struct, frozen=True):
    """When to stop by oneself: after so many seconds, or packets of an interface, whichever comes first."""

    seconds: float | None = None
    packets: int | None = None


def sense(
    settings: Settings, interfaces: Sequence[str], name: str, bounds: Bounds | None = None
) -> list[Sent]:
    """Send what passes interfaces to the run that waits for sensor `name`, until a signal or `bounds`.

    The first signal ends the sessions in good order, a second leaves at once. Raises InputError where an
    interface cannot be captured from, SettingsError where there is no cluster to send to, StreamError where
    the run ends or cannot be written to.
    """
    if not settings.transport.startswith("kafka://"):
        raise SettingsError("--to", "transport", "a sensor needs kafka://HOST:PORT")
    for interface in interfaces:  # said before anybody waits for anything
        LiveCapture(interface, settings.sensor.of(interface), path="", session="").close()
    sensing = Sensing(settings, interfaces, name, bounds or Bounds())
    run_loop(sensing.main(), sensing.interrupt)
    if sensing.failure is not None:
        raise sensing.failure
    return sensing.sent


class Sensing:
    """A live sensor at work: what holds for the process. Each interface feeds the run by a `_Feeding`."""

    def __init__(self, settings: Settings, interfaces: Sequence[str], name: str, bounds: Bounds) -> None:
        self.sent = [Sent("", interface) for interface in interfaces]
        self.failure: BaseException | None = None
        self._settings = settings
        self._name = name
        self._bounds = bounds
        self._cluster = Cluster(settings)
        self._stop = asyncio.Event()
        self._leave = asyncio.Event()
        self._together = asyncio.Barrier(len(self.sent))
        own = settings.sensor
        self._budget = Budget(
            int(own.evidence_gib * (1 << 30)), lambda: Path(own.evidence).glob(f"{escape(name)}-*.pcap")
        )

    def interrupt(self, _: int) -> None:
        """A signal asks to stop; a second one at once."""
        if self._stop.is_set():
            self._leave.set()
        self._stop.set()

    async def main(self) -> None:
        """Wait for a run and feed it until told to stop."""
        try:
            card = await _unless(self._stop, waiting(self._cluster, self._name))
            if card is not None:
                settings = settings_of(card, self._settings)
                async with asyncio.TaskGroup() as group:
                    for sent in self.sent:
                        group.create_task(self._feed(card, settings, sent))
        except* Exception as e:  # noqa: BLE001 (raised by `sense`)
            first = _first(e)
            if self._leave.is_set():  # what was sent, and what not, is to be told all the same
                log.warning("leaving: %r", first)
            else:
                self.failure = first

    async def _feed(self, card: RunCard, settings: Settings, sent: Sent) -> None:
        interface, several = sent.interface, len(self.sent) > 1
        path = f"{SENSOR}{self._name}:{interface}"
        session = new_session(path, settings, time.time_ns(), interface=interface)
        sent.session = session.id
        ours = KafkaBackbone(self._cluster, card.run, ())
        others = KafkaBackbone(self._cluster, card.run, ())  # it hears what we say, too
        await ours.attach()
        feeding = _Feeding(
            settings, ours, session, name=f"{self._name}/{interface}" if several else self._name,
            bounds=self._bounds, stop=self._stop, sent=sent, together=self._together,
            keep=self._keep(f"{self._name}-{interface}" if several else self._name),
        )  # fmt: skip
        tasks = [
            asyncio.ensure_future(work)
            for work in (
                feeding.run(), others.listen(feeding.note, _nobody, feeding.sensed), feeding.remind(),
                _over(self._cluster, card, self._name), self._leave.wait(),
            )
        ]  # fmt: skip
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            sent.unsent = await feeding.close()
            # A reader whose brokers are away ends in a cancellation of its own.
            await asyncio.gather(ours.close(), others.close(), return_exceptions=True)

    def _keep(self, name: str) -> Keep | None:
        """Where what passes is kept as evidence, if anywhere, within what all interfaces share."""
        own = self._settings.sensor
        if not own.evidence:
            return None
        most = int(own.evidence_gib * (1 << 30)) // (2 * len(self.sent))
        size = max(min(own.segment_mib << 20, most), 1)
        return lambda link: Segments(
            Path(own.evidence), name, link=link, segment_bytes=size, budget=self._budget, durable=False
        )


class _Feeding:
    """One session, from its opening to its end."""

    def __init__(
        self, settings: Settings, backbone: KafkaBackbone, session: Session, *,
        name: str, bounds: Bounds, stop: asyncio.Event, sent: Sent, together: asyncio.Barrier,
        keep: Keep | None = None,
    ) -> None:  # fmt: skip
        loop = asyncio.get_running_loop()
        self._settings = settings.sensor
        self._partitions = settings.partitions
        self._backbone = backbone
        self._session = session
        self._name = name
        self._interface = sent.interface
        self._bounds = bounds
        self._stop = stop
        self._sent = sent
        self._together = together
        self._keep = keep
        self._board = Board()
        self._moved = asyncio.Event()  # the run took something
        self._news = asyncio.Event()  # something was captured, or all was

        def wake() -> None:
            loop.call_soon_threadsafe(self._news.set)

        self._outbox = Outbox(self._settings.buffer_mib << 20, wake)
        self._halt = threading.Event()  # what `stop` is to the capturing thread
        self._capturing: asyncio.Future[None] | None = None
        self._earlier: list[str] = []  # sessions of sensors of our name
        self._heard = asyncio.Event()  # our own word in the control topic
        self._successor = ""
        self._fed = 0
        self._live: LiveCapture | None = None

    def note(self, status: Status) -> None:
        """A worker tells how far it is."""
        self._board.note(status)
        self._moved.set()

    def sensed(self, sensor: str, session: str) -> None:
        """A sensor begins to feed, or still does: ourselves, one before us or one after."""
        if sensor != self._name or session in self._earlier:
            return
        if session == self._session.id:
            self._heard.set()
        elif not self._heard.is_set():
            self._earlier.append(session)
        elif not self._successor:
            log.error("another sensor %s has begun (session %s): leaving it the name", sensor, session)
            self._successor = session
            self._stop.set()

    async def remind(self) -> None:
        """Tell the run that we are here, again and again."""
        while True:
            await self._backbone.sense(self._name, self._session.id)
            await asyncio.sleep(_SENSE_S)

    async def run(self) -> None:
        """Open, capture, send, end."""
        await self._heard.wait()
        await self._together.wait()  # the run has heard of every interface before one can end
        for earlier in self._earlier:
            await self._end_earlier(earlier)
        live = self._live = await asyncio.to_thread(
            LiveCapture, self._interface, self._settings.of(self._interface), path=self._session.path,
            session=self._session.id, most=self._bounds.packets,
        )  # fmt: skip
        await self._say(self._session, Kind.OPEN, codecs.pack(Opening(self._session, self._partitions)))
        log.info("capturing from %s as session %s", self._interface, self._session.id)
        self._capturing = asyncio.ensure_future(asyncio.to_thread(self._capture, live))
        halting = asyncio.ensure_future(self._halt_in_time())
        try:
            while (block := await self._next()) is not None:
                await self._give(block)
        finally:
            halting.cancel()
        errors: dict[str, int] = {}
        try:
            await self._capturing
        except InputError as e:
            log.warning("capturing stopped: %s", e)
            errors["input_unreadable"] = 1
            self._sent.errors |= errors
        await self._persist(Kind.END, codecs.pack(Tally(errors=errors)))
        if self._successor:
            raise StreamError(f"another sensor {self._name} took over")

    async def _halt_in_time(self) -> None:
        try:
            async with asyncio.timeout(self._bounds.seconds):
                await self._stop.wait()
        except TimeoutError:
            pass
        self._halt.set()

    def _capture(self, live: LiveCapture) -> None:
        """In a thread of its own: block after block, until told to halt."""
        segments = self._keep(live.link) if self._keep is not None else None
        try:
            for block in live.blocks(self._halt):
                if segments is not None and block.data:
                    segments.room(len(block.data))
                    segments.append(block.data)
                if not self._outbox.put(block):
                    return
        finally:
            live.close()
            if segments is not None:
                segments.close()
            self._outbox.finish()

    async def _next(self) -> InlineBlock | None:
        """The next block; None when all was taken and no more will come."""
        while True:
            self._news.clear()
            over = self._outbox.finished  # asked first: what came before it is there by now
            block = self._outbox.take()
            if block is not None or over:
                return block
            await self._news.wait()

    async def _give(self, block: InlineBlock) -> None:
        """Send a block, numbered anew, when the run is not too far behind."""
        board, session = self._board, self._session.id
        while self._fed - (board.taken("capture", session, self._partitions) or 0) >= (
            self._settings.ahead_blocks
        ) or rules_behind(self._fed, board.taken(PACKETS, session, 1)):
            self._moved.clear()
            await self._moved.wait()
        ref = msgspec.structs.replace(block.block, index=self._fed)
        await self._persist(Kind.DATA, codecs.pack(InlineBlock(ref, block.data)))
        self._fed += 1
        self._sent.packets += ref.packets
        self._sent.bytes += ref.length
        for reason, n in ref.errors.items():
            self._sent.errors[reason] = self._sent.errors.get(reason, 0) + n

    async def _end_earlier(self, session: str) -> None:
        """End the session of a sensor that was cut off; one that has ended takes no notice."""
        log.warning("the sensor was cut off before: ending session %s", session)
        known = msgspec.structs.replace(self._session, id=session)
        await self._say(known, Kind.OPEN, codecs.pack(Opening(known, self._partitions)))
        await self._say(known, Kind.END, codecs.pack(Tally(errors={CUT_OFF: 1})))

    async def _say(self, session: Session, kind: Kind, body: bytes) -> None:
        # The end of another's session has number 0: we do not know its last, and the number is not looked at.
        seq = self._fed if session is self._session else 0
        header = Header(session.id, FEEDER, 0, kind, seq, int(kind is Kind.DATA), 0, codecs.schema_digest())
        await self._backbone.send("capture", codecs.encode(header, body), self._partitions)
        await self._backbone.arrived()  # what is only under way would be lost with us

    async def _persist(self, kind: Kind, body: bytes) -> None:
        """Say it until it is said: what came to some partitions before is known there by its number."""
        while True:
            try:
                await self._say(self._session, kind, body)
            except StreamError as e:
                log.warning("%s; trying again", e)
                await asyncio.sleep(_RETRY_S)
            else:
                return

    async def close(self) -> int:
        """Stop capturing; returns packets that were captured and not sent."""
        self._halt.set()
        self._outbox.close()
        if self._capturing is not None:
            await asyncio.wait([self._capturing])
        return self._live.packets - self._sent.packets if self._live else 0


async def _over(cluster: Cluster, card: RunCard, name: str) -> None:
    """Raise StreamError when the run is over."""
    over = asyncio.Event()

    def seen(runs: dict[str, RunCard]) -> None:
        if card.run not in runs:
            over.set()

    await _unless(over, follow(cluster, seen))
    raise StreamError(f"run {card.run} is over, and waits for the sensor {name} no more")


async def _unless(event: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """The result of `work`, None where the event comes first."""
    task, stop = asyncio.ensure_future(work), asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        task.cancel()
        stop.cancel()
        await asyncio.wait({task, stop})


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first that went wrong."""
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found


async def _nobody(*_: Any) -> None:
    """The end of sessions is for the owner of the run."""
