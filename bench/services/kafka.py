"""Apache Kafka: one node, broker and controller in one process."""

from __future__ import annotations

import asyncio
import base64
import logging
import socket
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

from bench.errors import ServiceFailed
from bench.services.artefacts import Coordinate, Program
from bench.services.java import find_java
from bench.services.service import LOOPBACK, Service

VERSION = "4.1.2"
#: Kafka's own artefacts have no logging back end; without one a failed start says nothing.
PROGRAM = Program(
    f"kafka-{VERSION}",
    (
        Coordinate("org.apache.kafka", "kafka_2.13", VERSION),
        Coordinate("org.slf4j", "slf4j-simple", "1.7.36"),
    ),
)
JAVA = 17
#: Bytes: room for the largest batch the stream sends, with much to spare.
MESSAGE_BYTES = 16 << 20
LOGGING = {
    "defaultLogLevel": "warn",
    "showDateTime": "true",
    "dateTimeFormat": "yyyy-MM-dd HH:mm:ss.SSS",
}
FORMAT_LIMIT_S = 120.0
PROBE_S = 3.0

#: One node keeps one copy. Topics must be made by whoever needs them: one that appears by itself has the
#: wrong number of partitions. Sessions may be short, so that tests of failing members need not wait, and a
#: killed broker's own is (a restarted one is let in when it has ended). The default buffer of the log
#: cleaner (128 MiB) would be half the heap.
PROPERTIES = f"""\
process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
group.min.session.timeout.ms=1000
message.max.bytes={MESSAGE_BYTES}
replica.fetch.max.bytes={MESSAGE_BYTES}
replica.fetch.response.max.bytes={MESSAGE_BYTES}
log.index.size.max.bytes=1048576
log.cleaner.dedupe.buffer.size=16777216
log.cleaner.backoff.ms=1000
num.network.threads=2
num.io.threads=4
num.recovery.threads.per.data.dir=2
"""


class Kafka(Service):
    """Kafka with plain text on loopback."""

    name = "kafka"
    scheme = "kafka"
    least_heap_mib = 256

    @property
    def bootstrap(self) -> str:
        """What Kafka's own clients take: host and port."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def data(self) -> Path:
        """The folder of its log segments."""
        return self.folder / "data"

    def healthy(self) -> bool:
        """Whether the broker hands out metadata that names itself: then it is known to the controller."""
        try:
            with socket.create_connection((LOOPBACK, self.port), PROBE_S):
                pass
        except OSError:
            return False
        return asyncio.run(_has_metadata(self.bootstrap))

    def _prepare(self) -> tuple[list[str], Mapping[str, str]]:
        libraries = PROGRAM.obtain()
        java = [
            str(find_java(JAVA) / "bin" / "java"),
            f"-Xmx{self.heap_mib}m", *self._compiler, "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError",
            *(f"-Dorg.slf4j.simpleLogger.{key}={value}" for key, value in LOGGING.items()),
            "-cp", f"{libraries}/*",
        ]  # fmt: skip
        properties = self.folder / "server.properties"
        properties.write_text(self._properties(), "utf-8")
        if not (self.data / "meta.properties").is_file():
            self._format(java, properties)
        return [*java, "kafka.Kafka", str(properties)], {}

    def _properties(self) -> str:
        listeners = f"PLAINTEXT://{LOOPBACK}:{self.port}"
        controller = f"{LOOPBACK}:{self._second_port}"
        lines = {
            "listeners": f"{listeners},CONTROLLER://{controller}",
            "advertised.listeners": listeners,
            "controller.quorum.voters": f"1@{controller}",
            "log.dirs": str(self.data),
            **self.overrides,
        }
        return PROPERTIES + "".join(f"{key}={value}\n" for key, value in lines.items())

    def _format(self, java: list[str], properties: Path) -> None:
        name = uuid.uuid4().bytes
        name = bytes([name[0] & 0x7F]) + name[1:]  # must not begin with a dash: that would be an option
        cluster = base64.urlsafe_b64encode(name).decode("ascii").rstrip("=")
        done = subprocess.run(
            [*java, "kafka.tools.StorageTool", "format", "--cluster-id", cluster, "--config", properties,
             *self._format_options()],
            capture_output=True, text=True, check=False, timeout=FORMAT_LIMIT_S, cwd=self.folder,
        )  # fmt: skip
        if done.returncode != 0:
            raise ServiceFailed(f"kafka's data folder cannot be made:\n{(done.stdout + done.stderr)[-2000:]}")

    def _format_options(self) -> list[str]:
        """What a new data folder holds from the beginning on."""
        return []


async def _has_metadata(bootstrap: str) -> bool:
    from aiokafka.client import AIOKafkaClient
    from aiokafka.errors import KafkaError

    # A server that is not up yet is no news; the client would say so on standard error at every attempt.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=int(PROBE_S * 1000))
    try:
        # Each step ends with the client's own time limit; cancelled in the middle it would keep the socket.
        await client.bootstrap()
        return bool(client.cluster.brokers())
    except (TimeoutError, KafkaError, OSError):
        return False
    finally:
        await client.close()
