from __future__ import annotations

import asyncio
import threading
from typing import Any
from zoneinfo import ZoneInfo

from stream.scheduler import Job, Scheduler


class App:
    """What Faust is asked for."""

    def __init__(self) -> None:
        self.timers: list[tuple[float, Any]] = []
        self.crontabs: list[tuple[str, Any, Any]] = []
        self.tasks: list[Any] = []

    def task(self, work: Any) -> Any:
        self.tasks.append(work)
        return work

    def timer(self, interval: float) -> Any:
        return lambda work: self.timers.append((interval, work))

    def crontab(self, cron: str, timezone: Any) -> Any:
        return lambda work: self.crontabs.append((cron, timezone, work))


def test_jobs_are_done_by_timers_and_by_the_clock_and_at_the_start():
    done: list[str] = []
    zone = ZoneInfo("Asia/Shanghai")
    scheduler = Scheduler([
        Job("often", lambda: done.append("often"), every_s=0.5),
        Job("nightly", lambda: done.append("nightly"), cron="15 0 * * *", zone=zone),
    ])  # fmt: skip
    app = App()
    scheduler.attach(app)
    [(interval, often)] = app.timers
    [(cron, given, nightly)] = app.crontabs
    assert (interval, cron, given) == (0.5, "15 0 * * *", zone)
    asyncio.run(often())
    asyncio.run(app.tasks[0]())
    asyncio.run(nightly())
    assert done == ["often", "nightly", "nightly"]
    assert [(h.name, h.runs, h.failing) for h in scheduler.health()] == [("often", 1, ""), ("nightly", 2, "")]
    scheduler.close()


def test_one_that_fails_is_told_of_and_comes_again():
    answers = iter([ValueError("no disk"), None])

    def work() -> None:
        if error := next(answers):
            raise error

    job = Job("fails", work, every_s=1)
    scheduler = Scheduler([job])
    asyncio.run(scheduler.do(job))
    assert scheduler.health()[0].failing == "no disk"
    asyncio.run(scheduler.do(job))
    assert (scheduler.health()[0].failing, scheduler.health()[0].runs) == ("", 2)
    scheduler.close()


def test_never_beside_itself():
    go, began = threading.Event(), []

    def work() -> None:
        began.append(1)
        go.wait(10)

    job = Job("slow", work, every_s=1)
    scheduler = Scheduler([job])

    async def twice() -> None:
        first = asyncio.ensure_future(scheduler.do(job))
        await asyncio.sleep(0)
        await scheduler.do(job)
        go.set()
        await first

    asyncio.run(twice())
    assert began == [1]
    scheduler.close()
