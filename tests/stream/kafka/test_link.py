from __future__ import annotations

import asyncio
import logging

import pytest
from aiokafka.errors import (
    IllegalStateError,
    KafkaConnectionError,
    KafkaTimeoutError,
    NodeNotReadyError,
    TopicAuthorizationFailedError,
)

from citywall.errors import SettingsError, StreamError
from stream.kafka import link as module
from stream.kafka.link import Link, Sparing, hush


async def let_in() -> str:
    """A broker that lets us in, although it has not answered."""
    return ""


async def refuse() -> str:
    raise SettingsError("settings", "kafka.ca", "is another's")


class Calls:
    """Answers in turn; an exception is raised."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)

    async def __call__(self) -> object:
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "FIRST_S", 0.001)
    monkeypatch.setattr(module, "LONGEST_S", 0.002)


def said(caplog) -> list[str]:
    return [r.message for r in caplog.records if r.name == module.__name__]


def test_what_is_not_answered_is_asked_again_and_told_once(caplog):
    away = (KafkaConnectionError("gone"), KafkaTimeoutError(), NodeNotReadyError(), OSError(), TimeoutError())
    link = Link("kafka://x:1", let_in)
    assert asyncio.run(link(Calls(*away, 7))) == 7
    first, last = said(caplog)
    assert "kafka://x:1: the cluster is away" in first
    assert "gone" in first
    assert "the cluster is back after" in last
    assert link.outages == 1


def test_the_reason_is_what_hinders_a_new_connection(caplog):
    async def nobody() -> str:
        return "connection refused"

    assert asyncio.run(Link("kafka://x:1", nobody)(Calls(TimeoutError(), 1))) == 1
    assert "is away (connection refused)" in said(caplog)[0]


def test_several_that_wait_make_one_outage(caplog):
    link = Link("kafka://x:1", let_in)

    async def work() -> None:
        gone = KafkaConnectionError("gone")
        await asyncio.gather(*(link(Calls(*[gone] * n, n)) for n in (3, 9, 6)))
        assert await link(Calls(1)) == 1

    asyncio.run(work())
    assert [("away" in m, "back" in m) for m in said(caplog)] == [(True, False), (False, True)]
    assert link.outages == 1


def test_one_that_gives_up_waiting_ends_the_outage_without_a_word(caplog):
    link = Link("kafka://x:1", let_in)

    async def work() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await link(Calls(*[OSError("gone")] * 10_000))
        await link(Calls(OSError("gone"), 1))

    asyncio.run(work())
    assert link.outages == 2
    assert ["back" in m for m in said(caplog)] == [False, False, True]


def test_what_is_hopeless_is_raised():
    link = Link("kafka://x:1", let_in)
    with pytest.raises(StreamError, match=r"kafka://x:1: .*TopicAuthorizationFailed"):
        asyncio.run(link(Calls(TopicAuthorizationFailedError("t"))))
    with pytest.raises(IllegalStateError):
        asyncio.run(link(Calls(IllegalStateError("not assigned"))))
    with pytest.raises(StreamError, match=r"no broker answers \(gone\)"):
        asyncio.run(link(Calls(OSError("gone")), 0.0))


def test_who_is_not_let_in_does_not_wait():
    link = Link("kafka://x:1", refuse)
    with pytest.raises(SettingsError, match=r"kafka\.ca: is another's"):
        asyncio.run(link(Calls(KafkaConnectionError("closed"), 1)))
    assert asyncio.run(Link("kafka://x:1", refuse)(Calls(1))) == 1


def test_the_clients_own_words_come_once_a_while(monkeypatch):
    logger = logging.getLogger("aiokafka")
    monkeypatch.setattr(logger, "level", logging.WARNING)

    def record(text: str, at: float, error: bool = False) -> logging.LogRecord:
        made = logging.LogRecord("aiokafka", logging.ERROR, "", 0, text, (), None)
        made.created = at
        made.exc_info = (ValueError, ValueError(), None) if error else None
        return made

    sparing = Sparing()
    assert [sparing.filter(record("no node %s", at)) for at in (0, 1, 59, 60, 61)] == [
        True, False, False, True, False,
    ]  # fmt: skip
    assert sparing.filter(record("another", 62))
    assert all(sparing.filter(record("crashed", at, error=True)) for at in (62, 63))
    monkeypatch.setattr(logger, "level", logging.DEBUG)
    assert sparing.filter(record("no node %s", 62))


def test_hushing_twice_hushes_once():
    hush()
    hush()
    assert sum(isinstance(f, Sparing) for f in logging.getLogger("aiokafka.conn").filters) == 1
