"""An interface of this machine, taken in by the process that runs the stream: a live session without an end.

Its blocks carry their bytes, as those of `stream.live`, but go into the log next door. A session is what one
process captured; one that was killed is ended by its successor.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import uuid
from collections.abc import Awaitable, Callable

import msgspec

from citywall.domains import Domains
from citywall.errors import InputError, SettingsError
from citywall.sessions import LIVE, Session, session_id
from citywall.settings import Settings, results_digest
from ingest.decode.blocks import InlineBlock
from ingest.live.sealing import LiveCapture
from ingest.live.segments import Segments
from stream import codecs
from stream.board import FEEDER
from stream.board import PACKETS as PASSING
from stream.codecs import Header, Kind, Opening, Tally
from stream.outbox import Outbox

log = logging.getLogger(__name__)

#: What the path of a live session of this machine begins with; the interface follows.
INTERFACE = "interface:"
#: The error that a session counts whose process was killed.
CUT_OFF = "sensor_cut_off"
UNREADABLE = "input_unreadable"
#: Where the packets of interfaces are kept, in the data folder.
PACKETS = "packets"
#: Blocks that rules may be behind: they wait in the log.
RULES_BEHIND = 256
Send = Callable[[str, bytes], Awaitable[None]]
Taken = Callable[[str, str], int | None]


#: Makes where packets of a link type are kept as evidence.
Keep = Callable[[int], Segments]


def new_session(
    path: str, settings: Settings, received: int, kind: str = LIVE, *, interface: str = ""
) -> Session:
    """A session of a source without an end that no other process ever had; `interface`: whose it is.

    Raises SettingsError where the interface is in a network domain that `[domains]` does not name.
    """
    lane, vlans = of_interface(interface, settings) if interface else (settings.lane, {})
    own = f"{path}\0{received}\0{uuid.uuid4().hex}"
    name = session_id(kind, lane, own, results_digest(settings))
    return Session(name, kind, path, 0, lane, received, vlans)


def of_interface(interface: str, settings: Settings) -> tuple[str, dict[str, str]]:
    """The lane and the network domains of an interface's packets, by VLAN. Raises SettingsError."""
    said = settings.sensor.interfaces.get(interface)
    if said is None:
        return settings.lane, {}
    vlans = ({"0": said.domain} if said.domain else {}) | said.vlans
    known = Domains(settings.domains).names
    if unknown := sorted(set(vlans.values()) - set(known)):
        key = f"sensor.interfaces.{interface}"
        raise SettingsError("settings", key, f"network domain {unknown[0]!r} is not in domains.names")
    return said.lane or settings.lane, vlans


class Tap:
    """Feeds what passes one interface, from `open` on until `stop` is set. Raises what `LiveCapture` does.

    `keep` makes where packets are kept as evidence. `taken` and `send` are the feeder's; `moved` waits until
    a stage took something. Made in any thread.
    """

    def __init__(
        self, interface: str, settings: Settings, session: Session, *, taken: Taken, send: Send,
        moved: Callable[[], Awaitable[object]], stop: asyncio.Event, loop: asyncio.AbstractEventLoop,
        keep: Keep | None = None,
    ) -> None:  # fmt: skip
        self.session = session
        self._settings = settings
        self._taken = taken
        self._send = send
        self._moved = moved
        self._stop = stop
        self._halt = threading.Event()
        self._news = asyncio.Event()
        self._fed = 0

        def wake() -> None:
            loop.call_soon_threadsafe(self._news.set)

        self._outbox = Outbox(settings.sensor.buffer_mib << 20, wake)
        self._live = LiveCapture(
            interface, settings.sensor.of(interface), path=session.path, session=session.id
        )
        self._kept = keep(self._live.link) if keep is not None else None

    async def run(self) -> None:
        """Open, capture and feed, end."""
        await self._say(Kind.OPEN, codecs.pack(Opening(self.session, self._settings.partitions)))
        log.info("capturing from %s as session %s", self.session.path, self.session.id)
        capturing = asyncio.ensure_future(asyncio.to_thread(self._capture))
        halting = asyncio.ensure_future(self._halt_when_stopped())
        errors: dict[str, int] = {}
        try:
            while (block := await self._next()) is not None:
                await self._give(block)
            await capturing
        except InputError as e:
            log.warning("capturing from %s stopped: %s", self.session.path, e)
            errors[UNREADABLE] = 1
        finally:
            halting.cancel()
            self._halt.set()
            self._outbox.close()
            await asyncio.wait([capturing])
        await self._say(Kind.END, codecs.pack(Tally(errors=errors)))

    def _capture(self) -> None:
        """In a thread of its own: block after block, until told to halt."""
        try:
            for block in self._live.blocks(self._halt):
                self._keep_packets(block)
                if not self._outbox.put(block):
                    return
        finally:
            self._live.close()
            if self._kept is not None:
                self._kept.close()
            self._outbox.finish()

    def _keep_packets(self, block: InlineBlock) -> None:
        """What cannot be kept is told of, and detected in all the same."""
        if self._kept is not None and block.data:
            try:
                self._kept.room(len(block.data))
                self._kept.append(block.data)
            except InputError as e:
                log.error("packets of %s are not kept as evidence any more: %s", self.session.path, e)  # noqa: TRY400 (the reason says it)
                self._kept = None

    async def _halt_when_stopped(self) -> None:
        await self._stop.wait()
        self._halt.set()

    async def _next(self) -> InlineBlock | None:
        while True:
            self._news.clear()
            over = self._outbox.finished
            block = self._outbox.take()
            if block is not None or over:
                return block
            await self._news.wait()

    async def _give(self, block: InlineBlock) -> None:
        ahead = self._settings.sensor.ahead_blocks
        while self._fed - (self._taken("capture", self.session.id) or 0) >= ahead or self._rules_behind():
            await self._moved()
        ref = msgspec.structs.replace(block.block, index=self._fed)
        await self._say(Kind.DATA, codecs.pack(InlineBlock(ref, block.data)))
        self._fed += 1

    def _rules_behind(self) -> bool:
        return rules_behind(self._fed, self._taken(PASSING, self.session.id))

    async def _say(self, kind: Kind, body: bytes) -> None:
        await say(self._send, self.session.id, kind, body, self._fed)


def rules_behind(fed: int, matched: int | None) -> bool:
    """Whether rules are so far behind what was fed that no more is to be taken in; without rules never.

    What the sensor cannot hold meanwhile its kernel drops, which is counted.
    """
    return matched is not None and matched >= 0 and fed - matched >= RULES_BEHIND


async def say(
    send: Send, session: str, kind: Kind, body: bytes, seq: int = 0, *, topic: str = "capture"
) -> None:
    """Put a message of a live session into the stream."""
    header = Header(session, FEEDER, 0, kind, seq, int(kind is Kind.DATA), 0, codecs.schema_digest())
    await send(topic, codecs.encode(header, body))


async def end_earlier(send: Send, settings: Settings, session: str, path: str) -> None:
    """End the session of a process that was killed; one that has ended takes no notice.

    It is opened first, for it may never have been; its end has number 0, for we do not know its last.
    """
    log.warning("%s was cut off: ending session %s", path, session)
    capture = path.startswith(INTERFACE)
    topic, kind, partitions = ("capture", LIVE, settings.partitions) if capture else ("flowlog", "flowlog", 1)
    known = Session(session, kind, path, 0, settings.lane, time.time_ns())
    await say(send, session, Kind.OPEN, codecs.pack(Opening(known, partitions)), topic=topic)
    await say(send, session, Kind.END, codecs.pack(Tally(errors={CUT_OFF: 1})), topic=topic)
