from __future__ import annotations

import asyncio

import pytest
from aiokafka.errors import KafkaConnectionError

from citywall.errors import Interrupted
from stream.kafka import link, watchdog
from stream.kafka.link import Link
from stream.kafka.watchdog import Watchdog, watch

A, B = ("t", 0), ("t", 1)


def test_only_what_rests_with_something_behind_it_counts():
    dog = Watchdog(10.0)
    dog.look({A: 5, B: 7}, {A: 5, B: 9}, 0.0)
    dog.look({A: 5, B: 8}, {A: 5, B: 9}, 9.0)  # B moved
    dog.look({A: 5, B: 8}, {A: 6, B: 9}, 18.0)
    dog.look({A: 5}, {A: 6, B: 9}, 20.0)  # B is being worked
    dog.look({A: 5, B: 8}, {A: 6, B: 9}, 27.0)
    with pytest.raises(Interrupted, match="t/0 stands at record 5 for 10 s although 1 more wait"):
        dog.look({A: 5, B: 8}, {A: 6, B: 9}, 28.0)


def test_a_cluster_that_is_away_starts_the_clock_anew():
    dog = Watchdog(10.0)
    dog.look({A: 5}, {A: 6}, 0.0)
    dog.forget()
    dog.look({A: 5}, {A: 6}, 11.0)
    with pytest.raises(Interrupted):
        dog.look({A: 5}, {A: 6}, 21.0)


def test_what_stands_still_while_the_cluster_is_away_is_not_stuck(monkeypatch):
    monkeypatch.setattr(watchdog, "_LOOK_S", 0.001)
    asked: list[int] = []

    class Reader:
        async def end_offsets(self, places):
            asked.append(len(asked))
            if len(asked) in (2, 3, 4):
                raise KafkaConnectionError("gone")
            return dict.fromkeys(places, 9)

    async def open_door() -> str:
        return ""

    monkeypatch.setattr(link, "FIRST_S", 0.2)
    with pytest.raises(Interrupted):
        asyncio.run(watch(Link("kafka://x:1", open_door), Reader(), 0.15, lambda: {A: 5}))
    assert len(asked) > 6  # the clock began anew after the outage
