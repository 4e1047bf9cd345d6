"""How far a run on Kafka is, as its consumer group tells: what is committed stands behind a checkpoint."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from pathlib import Path

#: Seconds a broker gets to answer.
ANSWER_S = 3.0
#: The topic that the owner of a run feeds: it moves only while the owner is there.
FED = ".capture"
Place = tuple[str, int]  # topic, partition


@dataclass(frozen=True)
class Progress:
    """Committed offsets of a run, and the ends of the same partitions."""

    run: str
    committed: dict[Place, int]
    ends: dict[Place, int]

    @property
    def due(self) -> dict[Place, int]:
        """Those that must move before the whole run goes on: where something waits, and where it is fed."""
        fed = {place: at for place, at in self.committed.items() if place[0].endswith(FED)}
        return self.waiting | fed

    @property
    def waiting(self) -> dict[Place, int]:
        """Committed offsets of the partitions that have something behind them."""
        return {place: at for place, at in self.committed.items() if self.ends.get(place, 0) > at}

    def beyond(self, earlier: Progress) -> bool:
        """Whether every partition that was due then is further on now."""
        if self.run != earlier.run:
            return True
        if not earlier.due:
            return self.committed != earlier.committed
        return all(self.committed.get(place, 0) > at for place, at in earlier.due.items())


def look(bootstrap: str, prefix: str, data: Path) -> Progress | None:
    """How far the run of the data folder is; None where there is none, or the broker does not answer."""
    try:
        run = json.loads((data / "sessions.json").read_bytes())["stream"]
    except FileNotFoundError:
        return None
    return asyncio.run(_look(bootstrap, f"{prefix}.{run}", run)) if run else None


async def _look(bootstrap: str, group: str, run: str) -> Progress | None:
    from aiokafka import AIOKafkaConsumer
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=int(ANSWER_S * 1000))
    reader = AIOKafkaConsumer(bootstrap_servers=bootstrap, request_timeout_ms=int(ANSWER_S * 1000))
    try:
        async with asyncio.timeout(ANSWER_S):
            await admin.start()
            await reader.start()
            committed = await admin.list_consumer_group_offsets(group)
            ends = await reader.end_offsets(list(committed)) if committed else {}
    except (KafkaError, OSError, TimeoutError):
        return None
    finally:
        await reader.stop()
        await admin.close()
    return Progress(
        run,
        {(tp.topic, tp.partition): known.offset for tp, known in committed.items() if known.offset >= 0},
        {(tp.topic, tp.partition): end for tp, end in ends.items()},
    )
