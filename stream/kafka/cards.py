"""What workers must know of a run: a card in the topic of runs, there from its beginning to its end."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from citywall import __version__
from citywall.errors import StreamError
from citywall.settings import Settings
from stream import codecs

#: Settings that each process has for itself, or must not tell.
OWN = frozenset({"transport", "store", "language", "workers", "kafka"})


class RunCard(msgspec.Struct, frozen=True):
    """A run under way: who may join, and under which settings. `began`: wall-clock ns."""

    run: str
    version: str
    schema: str
    settings: dict[str, Any]
    began: int
    pinned: tuple[str, ...] = ()


def card_of(run: str, settings: Settings) -> RunCard:
    """The card of a run of ours."""
    plain = msgspec.to_builtins(settings)
    shared = {key: value for key, value in plain.items() if key not in OWN}
    return RunCard(run, __version__, codecs.schema_digest(), shared, time.time_ns())


def settings_of(card: RunCard, own: Settings) -> Settings:
    """The settings to work a run with: the run's, but for what is our own.

    Raises StreamError where the run is of another version.
    """
    if (card.version, card.schema) != (__version__, codecs.schema_digest()):
        raise StreamError(
            f"run {card.run} is of version {card.version} (rows {card.schema}); this is {__version__}"
            f" (rows {codecs.schema_digest()})"
        )
    mine = {name: getattr(own, name) for name in OWN}
    try:
        return msgspec.structs.replace(msgspec.convert(card.settings, Settings), **mine)
    except msgspec.ValidationError as e:
        raise StreamError(f"run {card.run} has settings that this version cannot use: {e}") from e


class Cards:
    """Follows the topic of runs: those under way, by id, in the order in which they began."""

    def __init__(self, reader: AIOKafkaConsumer, topic: str) -> None:
        self._reader = reader
        self._tp = TopicPartition(topic, 0)
        self._runs: dict[str, RunCard] = {}
        self._caught_up = False

    async def follow(self, wait_ms: int = 500) -> AsyncIterator[dict[str, RunCard]]:
        """The runs under way, each time they may have changed."""
        reader, tp = self._reader, self._tp
        reader.assign([tp])
        await reader.seek_to_beginning(tp)
        end = (await reader.end_offsets([tp]))[tp]
        while True:
            for record in (await reader.getmany(tp, timeout_ms=wait_ms)).get(tp, ()):
                run = record.key.decode()
                self._runs.pop(run, None)
                if record.value is not None:
                    self._runs[run] = codecs.unpack(record.value, RunCard)
            if await reader.position(tp) >= end:
                yield dict(self._runs)
