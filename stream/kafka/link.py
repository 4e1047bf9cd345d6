"""Calls to a cluster that may go away in the middle of a run: tried again until they are answered.

That the cluster is away is told once, and that it is back once, when every call that waited was answered. A
cluster that is there but does not let us in is not waited for.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.errors import IllegalStateError, KafkaError, KafkaTimeoutError

from citywall.errors import StreamError
from stream.kafka.seals import seal

log = logging.getLogger(__name__)

#: Seconds of the first and of the longest wait before a new try; each is twice the one before.
FIRST_S, LONGEST_S = 0.1, 2.0
#: A wait is shorter by up to this share, so that not everybody comes back at once.
JITTER = 0.5
#: The client says the same thing about ten times a second while its cluster is away.
REPEAT_S = 60.0
_TALKERS = (
    "aiokafka", "aiokafka.conn", "aiokafka.consumer.fetcher", "aiokafka.consumer.group_coordinator",
    "aiokafka.producer.sender",
)  # fmt: skip
T = TypeVar("T")


def is_away(error: BaseException) -> bool:
    """Whether the same call may be answered later."""
    if isinstance(error, KafkaError):
        return bool(error.retriable) or isinstance(error, KafkaTimeoutError)
    return isinstance(error, (OSError, TimeoutError))


class Link:
    """What all clients of a process know of the cluster called `name`.

    `knock` gives the reason where no broker answers, and raises a CitywallError where one is there and
    refuses us. `outages` counts how often the
    cluster went away.
    """

    def __init__(self, name: str, knock: Callable[[], Awaitable[str]]) -> None:
        self.outages = 0
        self._name = name
        self._knock = knock
        self._waiting = 0  # calls that have failed and are tried again
        self._since = 0.0

    async def __call__(self, call: Callable[[], Awaitable[T]], within_s: float = math.inf) -> T:
        """Call until it is answered.

        Raises StreamError where that is hopeless or `within_s` are over, and what `knock` raises.
        IllegalStateError is about our own side, and goes through.
        """
        began, delay, waits = time.monotonic(), FIRST_S, False
        try:
            while True:
                try:
                    answer = await call()
                except IllegalStateError:
                    raise
                except (KafkaError, OSError, TimeoutError) as e:
                    if not is_away(e):
                        raise StreamError(f"{self._name}: {e}") from e
                    self._waiting += not waits
                    waits = True
                    why = await self._knock() or str(e) or type(e).__name__
                    if time.monotonic() - began >= within_s:
                        raise StreamError(
                            f"{self._name}: no broker answers ({why}); are address, TLS and user right?"
                        ) from e
                    self._lost(why)
                else:
                    if waits:
                        self._answered()
                    return answer
                await asyncio.sleep(delay * (1 - JITTER * random.random()))  # noqa: S311 (not a secret)
                delay = min(2 * delay, LONGEST_S)
        finally:
            self._waiting -= waits
            if not self._waiting:
                self._since = 0.0

    async def send(
        self, producer: AIOKafkaProducer, topic: str, value: bytes | None, key: bytes | None, partition: int
    ) -> asyncio.Future[Any]:
        """Hand a message to a producer, whose future tells when it is there: in order, and only once."""
        future: asyncio.Future[Any] = await self(
            lambda: producer.send(topic, value, key, partition, headers=seal(value))
        )
        return future

    def _lost(self, why: str) -> None:
        if not self._since:
            self._since = time.monotonic()
            self.outages += 1
            log.warning("%s: the cluster is away (%s); waiting for it", self._name, why)

    def _answered(self) -> None:
        if self._since and self._waiting == 1:
            away = time.monotonic() - self._since
            log.warning("%s: the cluster is back after %.1f s", self._name, away)


class Sparing(logging.Filter):
    """Lets a message of the client's through once in `REPEAT_S`; all of them where more detail is wanted."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is said."""
        if record.exc_info or logging.getLogger("aiokafka").level < logging.WARNING:
            return True
        before = self._said.get(record.msg)
        if before is not None and record.created - before < REPEAT_S:
            return False
        self._said[record.msg] = record.created
        return True


def hush() -> None:
    """Have the client say in the log what is worth it: every join, fetch and retry is not."""
    for name in ("aiokafka", "kafka"):
        if logging.getLogger(name).level == logging.NOTSET:
            logging.getLogger(name).setLevel(logging.WARNING)
    for name in _TALKERS:
        logger = logging.getLogger(name)
        if not any(isinstance(known, Sparing) for known in logger.filters):
            logger.addFilter(Sparing())
