"""Sees partitions that do not move although something waits in them.

Consumers are known to die or to stick after a rebalance (faust issues 175, 523, 532, 629). What rests for too
long with records behind it is started anew, from its checkpoints.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from aiokafka import AIOKafkaConsumer, TopicPartition

from citywall.errors import Interrupted
from stream.kafka.link import Link

_LOOK_S = 2.0
_ANSWER_S = 10.0
Place = tuple[str, int]  # topic, partition


class Watchdog:
    """Remembers since when each partition has rested with something behind it."""

    def __init__(self, limit_s: float) -> None:
        self._limit = limit_s
        self._since: dict[Place, tuple[int, float]] = {}

    def look(self, waiting: Mapping[Place, int], ends: Mapping[Place, int], now: float) -> None:
        """Take note of next offsets and ends as of `now`; raises Interrupted where one rests too long."""
        resting = {place: at for place, at in waiting.items() if ends.get(place, 0) > at}
        self._since = {
            place: known if (known := self._since.get(place)) and known[0] == at else (at, now)
            for place, at in resting.items()
        }
        for (topic, partition), (at, since) in self._since.items():
            if now - since >= self._limit:
                raise Interrupted(
                    f"{topic}/{partition} stands at record {at} for {now - since:.0f} s although"
                    f" {ends[topic, partition] - at} more wait: its consumer is stuck"
                )

    def forget(self) -> None:
        """The cluster was away: nothing could move."""
        self._since.clear()


async def watch(
    link: Link, reader: AIOKafkaConsumer, limit_s: float, waiting: Callable[[], Mapping[Place, int]]
) -> None:
    """Look every other second, as long as the run goes on. Raises Interrupted."""
    dog = Watchdog(limit_s)
    while True:
        await asyncio.sleep(_LOOK_S)
        before, places = link.outages, waiting()
        found = await link(partial(_ends, reader, places))
        if link.outages != before:
            dog.forget()
        else:
            dog.look(places, found, time.monotonic())


async def _ends(reader: AIOKafkaConsumer, places: Iterable[Place]) -> dict[Place, int]:
    async with asyncio.timeout(_ANSWER_S):
        found = await reader.end_offsets([TopicPartition(*place) for place in places])
    return {(tp.topic, tp.partition): end for tp, end in found.items()}
