"""A collector of flow exports as a source of a run: `collector:NAME`, until a signal or its time is over.

References go into the log as they are made. One that was cut off goes on with the same session: what it had
told of is in its folder, and is told again where no station has taken it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING

from citywall.errors import InputError
from citywall.settings import Settings

if TYPE_CHECKING:
    from ingest.collectors.collector import Collector
    from ingest.decode.blocks import BlockRef

log = logging.getLogger(__name__)

#: What the path of a source begins with that is a collector; its name follows.
COLLECTOR = "collector:"


def collector_of(path: Path) -> str:
    """The name of the collector that a path stands for, empty where it is none."""
    return str(path).removeprefix(COLLECTOR) if str(path).startswith(COLLECTOR) else ""


def check(settings: Settings) -> None:
    """See that exporters can be listened to; raises what `Sockets` does."""
    from ingest.collectors.sockets import Sockets

    Sockets(settings.collector.listen, settings.collector.receive_mib << 20).close()


class Collecting:
    """One collector at work for a session, its datagrams in `folder`. `stop` asks it to end in good order."""

    def __init__(self, settings: Settings, folder: Path, session: str) -> None:
        self.ports: tuple[int, ...] = ()
        self._settings = settings.collector
        self._folder = folder
        self._session = session
        self._halt = threading.Event()

    def stop(self) -> bool:
        """Ask to end; False where that was asked before."""
        first = not self._halt.is_set()
        self._halt.set()
        return first

    async def references(self) -> AsyncGenerator[BlockRef]:
        """Those of before, then new ones as they come, until stopped. Raises what `Collector` does."""
        from ingest.collectors.collector import Collector

        loop = asyncio.get_running_loop()
        collector = await loop.run_in_executor(None, Collector, self._settings, self._folder, self._session)
        self.ports = collector.ports
        log.info("collecting on ports %s as session %s", ", ".join(map(str, self.ports)), self._session)
        came: asyncio.Queue[BlockRef | None] = asyncio.Queue()  # references only: what they are of is on disk
        working = asyncio.ensure_future(asyncio.to_thread(self._work, collector, loop, came))
        timer = loop.call_later(self._settings.seconds, self._halt.set) if self._settings.seconds else None
        try:
            for ref in collector.earlier:
                yield ref
            while (new := await came.get()) is not None:
                yield new
            await working
        finally:
            self._halt.set()
            if timer is not None:
                timer.cancel()
            with contextlib.suppress(InputError):
                await working

    def _work(
        self, collector: Collector, loop: asyncio.AbstractEventLoop, came: asyncio.Queue[BlockRef | None]
    ) -> None:
        """In a thread of its own: reference after reference, until told to halt."""
        try:
            for ref in collector.blocks(self._halt):
                loop.call_soon_threadsafe(came.put_nowait, ref)
        finally:
            collector.close()
            loop.call_soon_threadsafe(came.put_nowait, None)
