from __future__ import annotations

import asyncio

import pytest
from aiokafka.errors import KafkaConnectionError

from citywall.errors import Interrupted
from stream.kafka import watchdog
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


def test_it_says_when_the_cluster_goes_and_comes(monkeypatch, caplog):
    monkeypatch.setattr(watchdog, "_LOOK_S", 0.001)
    answers = [KafkaConnectionError("gone"), KafkaConnectionError("gone"), {A: 9}, {A: 9}]

    class Reader:
        async def end_offsets(self, places):
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return {place: answer[place[0], place[1]] for place in places}

    with pytest.raises(Interrupted):
        asyncio.run(watch(Reader(), 0.0, lambda: {A: 5}))
    said = [record.message for record in caplog.records]
    assert len(said) == 2
    assert "does not answer" in said[0]
    assert said[1] == "the cluster answers again"
