from __future__ import annotations

import asyncio

import msgspec
import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from citywall.errors import StreamError
from stream.kafka.cluster import Cluster
from stream.kafka.topics import Wanted, drop, have


def test_topics_are_made_as_wanted_once_and_dropped_together(cluster: Cluster):
    prefix = cluster.settings.prefix
    wanted = [
        Wanted(f"{prefix}.a", 3), Wanted(f"{prefix}.b", kept=True), Wanted(f"{prefix}.c", compacted=True),
    ]  # fmt: skip

    async def work() -> None:
        admin = await cluster.reach()
        await have(admin, wanted, cluster.settings)
        await have(admin, wanted, cluster.settings)
        found = {
            t["topic"]: len(t["partitions"]) for t in await admin.describe_topics([w.name for w in wanted])
        }
        assert found == {f"{prefix}.a": 3, f"{prefix}.b": 1, f"{prefix}.c": 1}
        keys = dict.fromkeys(("max.message.bytes", "retention.ms", "cleanup.policy"), "")
        resources = [ConfigResource(ConfigResourceType.TOPIC, w.name, keys) for w in wanted]
        told = {}
        for response in await admin.describe_configs(resources):
            for _, _, _, name, entries, *_ in response.resources:
                told[name] = {entry[0]: entry[1] for entry in entries}
        largest = str(cluster.settings.message_bytes)
        assert {config["max.message.bytes"] for config in told.values()} == {largest}
        assert told[f"{prefix}.a"]["retention.ms"] == str(168 * 3_600_000)
        assert told[f"{prefix}.b"]["retention.ms"] == "-1"
        assert told[f"{prefix}.c"]["cleanup.policy"] == "compact"
        assert await drop(admin, f"{prefix}.") == sorted(w.name for w in wanted)
        await asyncio.sleep(0.5)
        assert await drop(admin, f"{prefix}.") == []
        await admin.close()

    asyncio.run(work())


def test_topics_that_are_there_and_do_not_fit_are_refused(cluster: Cluster):
    name = f"{cluster.settings.prefix}.a"
    larger = msgspec.structs.replace(cluster.settings, message_bytes=64 << 20)

    async def work() -> None:
        admin = await cluster.reach()
        try:
            await have(admin, [Wanted(name, 2)], cluster.settings)
            for wanted, kafka, said in (
                (Wanted(name, 3), cluster.settings, "has 2 partitions, not 3: delete it, or choose another"),
                (Wanted(name, 2), larger, "takes messages of 33554432 bytes, not kafka.message_bytes"),
                (Wanted(name, 2, compacted=True), cluster.settings, "has cleanup.policy delete, not compact"),
            ):
                with pytest.raises(StreamError, match=said):
                    await have(admin, [wanted], kafka)
            copies = msgspec.structs.replace(cluster.settings, replication=9)
            with pytest.raises(StreamError, match="cannot be made"):
                await have(admin, [Wanted(f"{name}.copies")], copies)
            await drop(admin, name)
        finally:
            await admin.close()

    asyncio.run(work())
