"""The scheduler: what the service does by itself, by Faust's timers and crontab.

A job runs in a thread, never beside itself. One that fails is told of and comes again: it must be one that
may be done twice.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import tzinfo
from typing import Any

import msgspec

from stream.health import JobHealth

log = logging.getLogger(__name__)


class Job(msgspec.Struct, frozen=True):
    """What is done every so many seconds, or at the times of `cron` (five fields) in a time `zone`.

    One of a cron is also done at the start: it sees for itself what was missed.
    """

    name: str
    work: Callable[[], object]
    every_s: float = 0.0
    cron: str = ""
    zone: tzinfo | None = None


class Scheduler:
    """Runs `jobs` as long as an application runs."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = tuple(jobs)
        self._pool = ThreadPoolExecutor(max(len(self._jobs), 1), thread_name_prefix="citywall-job")
        self._running: set[str] = set()
        self._health = {job.name: JobHealth(job.name) for job in jobs}

    def attach(self, app: Any) -> None:
        """Give the jobs to an application that has not started."""
        # Faust warns of a timer whose work took longer than its interval: ours are never beside themselves.
        logging.getLogger("mode.timers").setLevel(logging.ERROR)
        for job in self._jobs:
            if job.cron:
                app.task(self._doing(job))
                app.crontab(job.cron, timezone=job.zone)(self._doing(job))
            else:
                app.timer(interval=job.every_s)(self._doing(job))

    def _doing(self, job: Job) -> Callable[[], Any]:
        async def do() -> None:
            await self.do(job)

        do.__name__ = do.__qualname__ = f"job_{job.name}"
        return do

    async def do(self, job: Job) -> None:
        """Do a job now, unless it is being done."""
        if job.name in self._running:
            return
        self._running.add(job.name)
        health, began = self._health[job.name], time.monotonic()
        try:
            await asyncio.get_running_loop().run_in_executor(self._pool, job.work)
        except Exception as e:  # a job must not stop the stream, nor the other jobs
            if str(e) != health.failing:
                log.exception("job %s failed", job.name)
            health.failing = str(e) or type(e).__name__
        else:
            health.failing = ""
        finally:
            self._running.discard(job.name)
        health.at, health.took_s = time.time_ns(), time.monotonic() - began
        health.runs += 1

    def health(self) -> list[JobHealth]:
        """How the jobs fare."""
        return [self._health[job.name] for job in self._jobs]

    def close(self) -> None:
        """Wait for what is being done; nothing more is begun."""
        self._pool.shutdown(cancel_futures=True)
