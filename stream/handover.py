"""Handing bulk over in one process: records of the embedded log that need not stand on disk.

Reports and closed flows are most of what the stream writes, and who reads them mostly has them worked before
anything is committed. They are kept in memory meanwhile (`PartitionLog.hold`), and what was worked before it
was written never is. So that nothing is lost, a desk that writes such topics

1. writes what its readers have not worked yet,
2. has the readers commit what they have,
3. and commits itself only then.

Killed in between, it stands where it stood before, says it all again, and is known by its ordinals.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from stream.local.folder import LogFolder
from stream.local.partition import PartitionLog
from stream.stages import Role

#: What is handed over so: much by the byte, and read by stages of this process.
BULK = ("flows", "closed", "said")


class Reader(Protocol):
    """A desk that may read what others hold."""

    role: Role

    async def catch_up(self) -> bool:
        """Save what was worked, between two batches."""
        ...


class Handover:
    """Between the desks of one process. Every desk joins before anything runs."""

    def __init__(self, log: LogFolder, group: str) -> None:
        self._log = log
        self._group = group
        self._readers: list[Reader] = []
        log.hold(BULK)

    def join(self, desk: Reader) -> None:
        """A desk of this process."""
        self._readers.append(desk)

    async def give(self, _work: object, _topic: str, _partition: int, _message: bytes) -> bool:
        """Everything goes through the log, which keeps it in memory."""
        return False

    def sent(self, _work: object, _topic: str, _partition: int, _future: object) -> None:
        """The log knows what is in it."""

    def worked(self, offsets: dict[str, dict[int, int]]) -> None:
        """Everything before these offsets, by topic and partition, has been worked."""
        for topic, known in offsets.items():
            for partition, offset in known.items():
                self._log.logs[topic, partition].release(offset)

    def covered(self, role: Role, _: Any = None) -> bool:
        """Whether the readers of `role`'s outputs have committed all that will never be written."""
        return all(self._passed(topic, partition, log) for topic, partition, log in self._outputs(role))

    async def cover(self, role: Role, _: Any = None) -> bool:
        """Write what is not worked yet, have the readers save what is; whether they have."""
        await self._log.sync([topic for topic in role.outputs if topic in BULK])
        missing = {t for t, partition, log in self._outputs(role) if not self._passed(t, partition, log)}
        for reader in self._readers:
            if missing.intersection(reader.role.inputs):
                await reader.catch_up()
        return self.covered(role)

    def _outputs(self, role: Role) -> Iterator[tuple[str, int, PartitionLog]]:
        for (topic, partition), log in self._log.logs.items():
            if topic in role.outputs and topic in BULK:
                yield topic, partition, log

    def _passed(self, topic: str, partition: int, log: PartitionLog) -> bool:
        return log.forgone <= (self._log.committed(self._group, topic, partition) or 0)
