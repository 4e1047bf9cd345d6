"""Blocks come when their packets would have come."""

from __future__ import annotations

import asyncio

import pytest

from stream.pacing import Pace

SECOND = 1_000_000_000


def test_by_the_clock():
    now = [100.0]
    pace = Pace(10.0, lambda: now[0])
    assert pace.delay(50 * SECOND) == 0
    assert pace.delay(70 * SECOND) == pytest.approx(2.0)
    now[0] += 1.5
    assert pace.delay(70 * SECOND) == pytest.approx(0.5)
    now[0] += 3
    assert pace.delay(70 * SECOND) == 0
    assert pace.delay(10 * SECOND) == 0


def test_it_waits_as_long_as_that():
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def play() -> None:
        pace = Pace(0.5, lambda: 0.0, sleep)
        for newest in (0, SECOND, SECOND):
            await pace.keep(newest)

    asyncio.run(play())
    assert slept == [2.0, 2.0]


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
def test_no_speed(speed: float):
    with pytest.raises(ValueError, match="speed"):
        Pace(speed)
