"""A sensor: packets from where the run's workers cannot read, as blocks with their bytes.

Here those of a capture; those of an interface are sent by `stream.live`.

`citywall run sensor:NAME` waits for the sensor of that name. The session has the same id as a run over the
file itself, so the same alerts. A sensor that died begins again from the start: what was taken is known by
number.
"""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from citywall.errors import InputError, SettingsError
from citywall.sessions import Session, file_digest, session_id
from citywall.settings import Settings, results_digest
from ingest.capture import CaptureFile, open_capture
from ingest.decode.blocks import InlineBlock
from stream import codecs
from stream.board import FEEDER, Board
from stream.codecs import Header, Kind, Opening, Tally
from stream.feeder import SENSOR
from stream.kafka.backbone import KafkaBackbone
from stream.kafka.cards import RunCard, follow, settings_of
from stream.kafka.cluster import Cluster

log = logging.getLogger(__name__)

#: Bytes of a block.
BLOCK_BYTES = 1 << 20
#: Blocks that a sensor is ahead of the slowest worker of a capture: they wait on the cluster, and what is
#: taken is heard of a little later.
AHEAD_BLOCKS = 96


class Sent(msgspec.Struct):
    """What was sent, of one interface or capture."""

    session: str
    interface: str = ""
    packets: int = 0
    bytes: int = 0
    errors: dict[str, int] = {}
    unsent: int = 0  # packets captured that the cluster did not take before we had to leave


async def waiting(cluster: Cluster, name: str) -> RunCard:
    """The newest run that waits for the sensor `name`, now or later."""
    found: asyncio.Future[RunCard] = asyncio.get_running_loop().create_future()

    def seen(runs: dict[str, RunCard]) -> None:
        for_us = [card for card in runs.values() if name in card.sensors]
        if for_us and not found.done():
            found.set_result(for_us[-1])

    following = asyncio.ensure_future(follow(cluster, seen))
    try:
        either: set[asyncio.Future[Any]] = {found, following}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if following.done():
            following.result()
    finally:
        following.cancel()
        await asyncio.wait([following])
    return await found


def send(settings: Settings, capture: Path, name: str) -> Sent:
    """Send a capture to the run that waits for sensor `name`; returns when all of it was taken.

    Raises InputError where the file cannot be read, SettingsError where there is no cluster to send to,
    StreamError where the run ends or cannot be written to.
    """
    if not settings.transport.startswith("kafka://"):
        raise SettingsError("--to", "transport", "a sensor needs kafka://HOST:PORT")
    with open_capture(capture) as opened:
        return uvloop.run(_Sending(settings, opened, name).run())


class _Sending:
    def __init__(self, settings: Settings, capture: CaptureFile, name: str) -> None:
        self._settings = settings
        self._capture = capture
        self._name = name
        self._cluster = Cluster(settings)
        self._board = Board()
        self._moved = asyncio.Event()
        self._partitions = 1

    async def run(self) -> Sent:
        card = await waiting(self._cluster, self._name)
        settings = settings_of(card, self._settings)
        self._partitions = settings.partitions
        digest = file_digest(self._capture.path)
        name = session_id("capture", settings.lane, digest, results_digest(settings))
        session = Session(
            name, "sensor", f"{SENSOR}{self._name}:{self._capture.path.name}", self._capture.size,
            settings.lane, time.time_ns(),
        )  # fmt: skip
        backbone = KafkaBackbone(self._cluster, card.run, ())
        await backbone.attach()
        hearing = asyncio.ensure_future(backbone.listen(self._note, _nobody))
        sending = asyncio.ensure_future(self._send(backbone, session, settings))
        try:
            await asyncio.wait([hearing, sending], return_when=asyncio.FIRST_COMPLETED)
            if hearing.done():
                hearing.result()
            return await sending
        finally:
            for task in (hearing, sending):
                task.cancel()
            await asyncio.wait([hearing, sending])
            await backbone.close()

    def _note(self, status: Any) -> None:
        self._board.note(status)
        self._moved.set()

    def _taken(self, session: Session) -> int | None:
        return self._board.taken("capture", session.id, self._partitions)

    async def _send(self, backbone: KafkaBackbone, session: Session, settings: Settings) -> Sent:
        sent, fed = Sent(session.id), 0

        async def say(kind: Kind, body: bytes) -> None:
            header = Header(
                session.id, FEEDER, 0, kind, fed, int(kind is Kind.DATA), 0, codecs.schema_digest()
            )
            await backbone.send("capture", codecs.encode(header, body), self._partitions)

        await backbone.sense(self._name, session.id)
        await say(Kind.OPEN, codecs.pack(Opening(session, self._partitions)))
        blocks = self._capture.blocks(
            BLOCK_BYTES, session=session.id, max_record_bytes=settings.capture.max_record_bytes
        )
        while True:
            try:
                ref = await asyncio.to_thread(next, blocks, None)
            except InputError as e:
                log.warning("reading stopped: %s", e)
                sent.errors["input_unreadable"] = 1
                break
            if ref is None:
                break
            while fed - max(self._taken(session) or 0, 0) >= AHEAD_BLOCKS and self._taken(session) != -1:
                self._moved.clear()
                await self._moved.wait()
            data = self._capture.buffer[ref.offset : ref.offset + ref.length].data
            ref = msgspec.structs.replace(ref, path=session.path)
            await say(Kind.DATA, codecs.pack(InlineBlock(ref, data)))
            fed += 1
            sent.packets += ref.packets
            sent.bytes += ref.length
        await say(Kind.END, codecs.pack(Tally(errors=sent.errors)))
        await backbone.arrived()
        while self._taken(session) != -1:
            self._moved.clear()
            await self._moved.wait()
        return sent


async def _nobody(*_: Any) -> None:
    """The end of sessions is for the owner of the run."""
