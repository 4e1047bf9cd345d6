"""What workers must know of a run: a card in the topic of runs, there from its beginning to its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec
from aiokafka import TopicPartition

from citywall import __version__
from citywall.errors import StreamError
from citywall.settings import Settings
from stream import codecs
from stream.kafka.cluster import Cluster, let_go
from stream.kafka.topics import Wanted, have

#: The topic where runs are announced, behind the prefix.
RUNS = "runs"
_WAIT_MS = 500

#: Settings that each process has for itself, or must not tell.
OWN = frozenset({
    "transport", "store", "language", "workers", "kafka", "sensor",
    "accounts", "audit", "playbooks", "report", "service",
})  # fmt: skip


class RunCard(msgspec.Struct, frozen=True):
    """A run under way: who may join, and under which settings. `began`: wall-clock ns."""

    run: str
    version: str
    schema: str
    settings: dict[str, Any]
    began: int
    sensors: tuple[str, ...] = ()  # those it waits for
    pinned: tuple[str, ...] = ()  # roles that its owner plays alone


def card_of(
    run: str, settings: Settings, sensors: tuple[str, ...] = (), pinned: tuple[str, ...] = ()
) -> RunCard:
    """The card of a run of ours."""
    plain = msgspec.to_builtins(settings)
    shared = {key: value for key, value in plain.items() if key not in OWN}
    return RunCard(run, __version__, codecs.schema_digest(), shared, time.time_ns(), sensors, pinned)


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


async def follow(cluster: Cluster, seen: Callable[[dict[str, RunCard]], None]) -> None:
    """Tell the runs under way, in the order in which they were announced, as often as they may have changed.

    Makes the topic of runs where it is missing. Ends only by being cancelled; raises StreamError.
    """
    topic = f"{cluster.settings.prefix}.{RUNS}"
    admin = await cluster.reach()
    try:
        await cluster.link(lambda: have(admin, [Wanted(topic, compacted=True)], cluster.settings))
    finally:
        await admin.close()
    reader, tp = cluster.reader(), TopicPartition(topic, 0)
    try:
        await cluster.link(reader.start)
        reader.assign([tp])
        await reader.seek_to_beginning(tp)
        end = (await cluster.link(lambda: reader.end_offsets([tp])))[tp]
        runs: dict[str, RunCard] = {}
        while True:
            for record in (await reader.getmany(tp, timeout_ms=_WAIT_MS)).get(tp, ()):
                run = record.key.decode()
                runs.pop(run, None)
                if record.value is not None:
                    runs[run] = codecs.unpack(record.value, RunCard)
            if await reader.position(tp) >= end:
                seen(dict(runs))
    finally:
        await let_go(reader)
