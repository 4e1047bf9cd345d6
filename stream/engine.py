"""The engine: the application on a backbone, with the desks of the roles that this process plays."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, cast

from faust.types import TP

from citywall.errors import Interrupted, StreamError
from citywall.settings import Settings
from stream.board import Board
from stream.sending import Sending
from stream.stages import Role

if TYPE_CHECKING:
    from stream.backbone import Backbone
    from stream.desk import Hooks

log = logging.getLogger(__name__)

Place = tuple[str, int]  # topic as the transport has it, partition
#: Seconds the application gets to stop.
PATIENCE = 10.0
#: Least and most seconds to save what there is when somebody asks to stop: a cluster may be away just then.
_LAST_S = (5.0, 30.0)


class Engine:
    """Desks for `roles`, of all the `cast` of a run. `ready` is set when partitions were first given out.

    `last_s` bounds what is done at the end, where the transport may be away.
    """

    def __init__(
        self,
        backbone: Backbone,
        roles: Sequence[Role],
        settings: Settings,
        *,
        cast: Sequence[Role],
        pool: Executor,
        board: Board,
        hooks: Hooks,
    ) -> None:
        from stream.app import Worker, raw_topic, topics_of
        from stream.desk import Desk

        loop = asyncio.get_running_loop()
        self.ready = asyncio.Event()
        least, most = _LAST_S
        self.last_s = min(max(settings.kafka.patience_s, least), most) if backbone.shared else None
        self._backbone = backbone
        self._hooks = hooks
        self._revoked_at = 0.0
        self._sending = Sending()
        self._one = asyncio.Lock()  # several sources send, and what is under way is in one order
        self.app = backbone.app(loop)
        handover = backbone.handover()
        self._partitions = topics_of(cast)
        self._topics = {name: raw_topic(self.app, backbone.full(name)) for name in self._partitions}
        self.desks = [
            Desk(
                self.app, role, naming=backbone, pool=pool, keeper=backbone.keeper,
                settings=settings.checkpoint, topics=self._topics, board=board, hooks=hooks,
                handover=handover,
            )
            for role in roles
        ]  # fmt: skip
        self.app.on_partitions_revoked.connect(self._revoked)
        self.app.on_partitions_assigned.connect(self._assigned)
        self._worker = Worker(self.app, loop)

    async def start(self) -> None:
        """Start the application."""
        await self._worker.start()
        for desk in self.desks:
            self.add(desk.take_handed())
        # What is loaded by now stays: collections that walk it cost a tenth of the run.
        gc.freeze()

    def add(self, work: Any) -> None:
        """Run a coroutine as long as the application runs."""
        self._worker.add_future(self._guard(work))

    async def _guard(self, work: Any) -> None:
        try:
            await work
        except Exception as e:  # noqa: BLE001 (handed on)
            self._hooks.failed(e)

    async def send(self, topic: str, message: bytes) -> None:
        """Put a message into every partition of a topic; raises what became of earlier ones."""
        async with self._one:
            for partition in range(self._partitions[topic]):
                sent = await self._topics[topic].send(value=message, partition=partition)
                await self._sending.add(sent, len(message))

    async def arrived(self) -> None:
        """Wait until all that was sent is safe from a kill of this process; raises what became of it."""
        async with self._one:
            await self._sending.arrived()
            self._backbone.write()

    async def _revoked(self, _app: Any, revoked: set[Any], **_: Any) -> None:
        self._revoked_at = time.monotonic()
        if not revoked:
            return
        for result in await asyncio.gather(*(desk.revoke() for desk in self.desks), return_exceptions=True):
            if isinstance(result, BaseException):  # what was not saved is restored, here or elsewhere
                log.warning("partitions were taken before their state was saved: %s", result)

    async def _assigned(self, app: Any, assigned: set[Any], **_: Any) -> None:
        given = {(tp.topic, tp.partition) for tp in assigned}
        began = time.monotonic()
        try:
            restored, held = 0, []
            # Readers first: who writes may hand something over as soon as it is given its partitions.
            for desk in reversed(self.desks):
                names = [self._backbone.full(name) for name in desk.role.inputs]
                mine = {p for p in range(desk.role.partitions) if all((n, p) in given for n in names)}
                restored += await desk.assign(mine, app.consumer_generation_id)
                held += [f"{desk.role.name}/{p}" for p in sorted(mine)]
            await self._see_that_all_is_kept()
        except Exception as e:  # noqa: BLE001 (handed on)
            self._hooks.failed(e)
            return
        self.ready.set()
        now = time.monotonic()
        if self._backbone.shared:
            log.info(
                "partitions given out: %s; %d restored in %.2f s; paused for %.2f s",
                " ".join(held) or "none", restored, now - began, now - (self._revoked_at or began),
            )  # fmt: skip

    async def _see_that_all_is_kept(self) -> None:
        """Raise StreamError where brokers have deleted what our stations have not worked."""
        if not self._backbone.shared:
            return  # an own log keeps what it must
        due = {
            TP(self._backbone.full(topic), partition): station.offsets.get(topic, {}).get(partition, 0)
            for desk in self.desks
            for partition, station in desk.stations.items()
            for topic in desk.role.inputs
        }
        oldest = await cast("Any", self.app.consumer).earliest_offsets(*due)
        for tp, first in oldest.items():
            if first > due[tp]:
                raise StreamError(
                    f"{tp.topic}/{tp.partition}: the brokers have deleted records {due[tp]} to {first - 1}"
                    " before they were worked: the run was at rest for longer than kafka.retention_hours;"
                    " start it afresh in another data folder"
                )

    def check(self) -> None:
        """Raise StreamError where the application has died; Interrupted where it can be started anew."""
        if self.app.crashed:
            error = Interrupted if self._backbone.shared else StreamError
            raise error(f"the stream engine stopped: {self.app.crash_reason!r}")

    def waiting(self) -> dict[Place, int]:
        """The next offset of every partition that rests here: not of those that are being worked."""
        return {
            (self._backbone.full(topic), partition): offset
            for desk in self.desks
            if not desk.busy
            for partition, station in desk.stations.items()
            for topic in desk.role.inputs
            for offset in [station.offsets.get(topic, {}).get(partition, 0)]
        }

    async def settle(self, *, save: bool) -> None:
        """Take nothing more; save what there is, if so told, and where that does not take too long.

        A shared transport that is away would let it wait for ever.
        """
        try:
            async with asyncio.timeout(self.last_s):
                for desk in self.desks:
                    await (desk.close() if save else desk.pause())
        except TimeoutError:
            log.warning("not everything could be saved: it is done again from the last checkpoint")

    async def stop(self) -> None:
        """Stop the application and let go of the backbone."""

        async def stop() -> None:
            for desk in self.desks:
                await desk.stop()
            await self._worker.stop()

        _, late = await asyncio.wait({asyncio.ensure_future(stop())}, timeout=PATIENCE)
        if late:
            log.warning("the stream engine did not stop in %.0f s and is left", PATIENCE)
        await self._backbone.close()
