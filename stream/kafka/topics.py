"""Topics are ours to make: with the right partitions, retention and limits, before anything starts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from citywall.errors import StreamError
from citywall.servers import KafkaSettings
from stream.kafka.link import is_away

_PATIENCE_S = 30.0


class Wanted(msgspec.Struct, frozen=True):
    """A topic as it must be. `kept`: messages go only when told; `compacted`: the last of each key stays."""

    name: str
    partitions: int = 1
    kept: bool = False
    compacted: bool = False

    def config(self, kafka: KafkaSettings) -> dict[str, str]:
        """The topic's own settings on the cluster."""
        config = {
            "cleanup.policy": "compact" if self.compacted else "delete",
            "max.message.bytes": str(kafka.message_bytes),
        }
        if self.kept:
            config |= {"retention.ms": "-1", "retention.bytes": "-1", "segment.bytes": str(64 << 20)}
        elif not self.compacted:
            config["retention.ms"] = str(kafka.retention_hours * 3_600_000)
        return config


async def have(admin: AIOKafkaAdminClient, wanted: Sequence[Wanted], kafka: KafkaSettings) -> None:
    """Make the topics that are missing; raises StreamError where one that is there does not fit.

    What the client raises where the cluster goes away meanwhile is for the caller: it can be done again.
    """
    there = set(await admin.list_topics())
    missing = [topic for topic in wanted if topic.name not in there]
    if missing:
        new = [
            NewTopic(t.name, t.partitions, kafka.replication, topic_configs=t.config(kafka)) for t in missing
        ]
        try:
            response = await admin.create_topics(new)
        except KafkaError as e:
            if is_away(e):
                raise
            raise StreamError(f"topics cannot be made: {e}") from e
        for name, code, *reason in response.topic_errors:
            if code and code != TopicAlreadyExistsError.errno:
                raise StreamError(f"topic {name} cannot be made: {_words(code, reason)}")
    await _led(admin, [topic.name for topic in wanted])
    await _check(admin, wanted, kafka)


def _words(code: int, reason: Sequence[Any]) -> str:
    kind: type[Exception] = for_code(code)
    return str(reason[0]) if reason and reason[0] else kind.__name__


async def _led(admin: AIOKafkaAdminClient, names: Sequence[str]) -> None:
    """Wait until every partition has a leader."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        found = await admin.describe_topics(list(names))
        lacking = [
            t["topic"] for t in found
            if t["error_code"] or not t["partitions"] or any(p["leader"] < 0 for p in t["partitions"])
        ]  # fmt: skip
        if not lacking:
            return
        if time.monotonic() > deadline:
            raise StreamError(
                f"topics without a leader after {_PATIENCE_S:.0f} s: {' '.join(sorted(lacking))}"
            )
        await asyncio.sleep(0.05)


async def _check(admin: AIOKafkaAdminClient, wanted: Sequence[Wanted], kafka: KafkaSettings) -> None:
    found = {t["topic"]: t for t in await admin.describe_topics([t.name for t in wanted])}
    for topic in wanted:
        partitions = len(found[topic.name]["partitions"])
        if partitions != topic.partitions:
            raise StreamError(
                f"topic {topic.name} has {partitions} partitions, not {topic.partitions}: delete it, or"
                " choose another kafka.prefix"
            )
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, t.name, {"max.message.bytes": "", "cleanup.policy": ""})
        for t in wanted
    ]
    configs: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(resources):
        for code, reason, _, name, entries, *_ in response.resources:
            if code:
                raise StreamError(f"topic {name} cannot be described: {_words(code, [reason])}")
            configs[name] = {entry[0]: entry[1] for entry in entries}
    for topic in wanted:
        config = topic.config(kafka)
        largest, policy = int(configs[topic.name]["max.message.bytes"]), configs[topic.name]["cleanup.policy"]
        if largest < kafka.message_bytes:
            raise StreamError(
                f"topic {topic.name} takes messages of {largest} bytes, not kafka.message_bytes"
                f" ({kafka.message_bytes})"
            )
        if policy != config["cleanup.policy"]:
            raise StreamError(
                f"topic {topic.name} has cleanup.policy {policy}, not {config['cleanup.policy']}"
            )


async def drop(admin: AIOKafkaAdminClient, prefix: str) -> list[str]:
    """Delete every topic whose name begins with `prefix`; returns their names. Raises StreamError."""
    names = sorted(name for name in await admin.list_topics() if name.startswith(prefix))
    if names:
        response = await admin.delete_topics(names)
        for name, code, *reason in _results(response):
            if code and code != UnknownTopicOrPartitionError.errno:
                raise StreamError(f"topic {name} cannot be deleted: {_words(code, reason)}")
    return names


def _results(response: Any) -> Iterable[tuple[Any, ...]]:
    found: Iterable[tuple[Any, ...]] = response.topic_error_codes
    return found
