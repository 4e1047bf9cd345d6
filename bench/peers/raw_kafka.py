"""The plain Kafka client moving the blocks that a sensor would send: one process produces, one consumes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import uuid

from bench import process
from bench.captures import Capture
from bench.machine import version
from bench.subjects import PIP, Command

#: Bytes of a block: what our sensor sends.
BLOCK_BYTES = 1 << 20
#: Blocks on their way that nobody has waited for: as many as our sensor keeps ahead.
AHEAD = 24
REQUEST_BYTES = 33 << 20
CONSUMER = "import sys; from bench.peers.raw_kafka import consume; consume(*sys.argv[1:])"


class RawClient(Command):
    """aiokafka, blocks cut without looking at them, counted and dropped at the other end."""

    name = "aiokafka"
    does = "the plain client: the same bytes in blocks of 1 MiB, produced, consumed, dropped"
    obtain = PIP

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap

    def version(self) -> str | None:
        """The client's version."""
        return version("aiokafka")

    def usage(self, capture: Capture) -> process.Usage:
        """Produce on the measuring core until the consumer has all."""
        return process.run([sys.executable, "-m", "bench.worker", "report", "peers.raw_kafka",
                            self._bootstrap, str(capture.path)])  # fmt: skip


def report(bootstrap: str, path: str) -> dict[str, float]:
    """Move the file; `bytes` moved."""
    size = os.stat(path).st_size  # noqa: PTH116
    topic = f"raw-{uuid.uuid4().hex}"
    asyncio.run(_make(bootstrap, topic))
    consumer = subprocess.Popen(
        [sys.executable, "-c", CONSUMER, bootstrap, topic, str(size)],
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        asyncio.run(_produce(bootstrap, topic, path))
        if consumer.wait() != 0:
            raise RuntimeError("the consumer failed")
    finally:
        consumer.kill()
        consumer.wait()
        asyncio.run(_drop(bootstrap, topic))
    return {"bytes": size}


def consume(bootstrap: str, topic: str, size: str) -> None:
    """Read `size` bytes of the topic, on any core: so does the run that takes our blocks."""
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    asyncio.run(_consume(bootstrap, topic, int(size)))


async def _make(bootstrap: str, topic: str) -> None:
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()


async def _drop(bootstrap: str, topic: str) -> None:
    from aiokafka.admin import AIOKafkaAdminClient

    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.delete_topics([topic])
    await admin.close()


async def _produce(bootstrap: str, topic: str, path: str) -> None:
    from aiokafka import AIOKafkaProducer

    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        max_request_size=REQUEST_BYTES,
        max_batch_size=2 * BLOCK_BYTES,
    ) as producer:
        sent: list[asyncio.Future[object]] = []
        with open(path, "rb", buffering=0) as file:  # noqa: ASYNC230, PTH123 (in the page cache)
            while block := file.read(BLOCK_BYTES):
                sent.append(await producer.send(topic, block, partition=0))
                if len(sent) > AHEAD:
                    await sent.pop(0)
        for future in sent:
            await future


async def _consume(bootstrap: str, topic: str, size: int) -> None:
    from aiokafka import AIOKafkaConsumer, TopicPartition

    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False,
        max_partition_fetch_bytes=REQUEST_BYTES, fetch_max_bytes=2 * REQUEST_BYTES,
    )  # fmt: skip
    await consumer.start()
    consumer.assign([TopicPartition(topic, 0)])
    while size > 0:
        for records in (await consumer.getmany(timeout_ms=1000)).values():
            size -= sum(len(record.value) for record in records)
    await consumer.stop()
