"""How far a run is."""

from __future__ import annotations

import asyncio
import json
import uuid

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench.chaos.progress import Progress, look

THEN = Progress("r", {("a", 0): 3, ("a", 1): 7, ("b", 0): 5}, {("a", 0): 9, ("a", 1): 7, ("b", 0): 6})


def test_further_on_is_where_all_that_waited_was_taken_from():
    assert THEN.waiting == {("a", 0): 3, ("b", 0): 5}
    assert not THEN.beyond(THEN)
    assert not Progress("r", {("a", 0): 4, ("b", 0): 5}, {}).beyond(THEN)
    assert not Progress("r", {("a", 1): 8, ("b", 0): 6}, {}).beyond(THEN)
    assert Progress("r", {("a", 0): 4, ("a", 1): 7, ("b", 0): 6}, {}).beyond(THEN)
    assert Progress("another", {}, {}).beyond(THEN)


def test_what_is_fed_must_move_too():
    fed = Progress("r", {("c.capture", 0): 4, ("a", 0): 3}, {("c.capture", 0): 4, ("a", 0): 5})
    assert fed.due == {("c.capture", 0): 4, ("a", 0): 3}
    assert not Progress("r", {("c.capture", 0): 4, ("a", 0): 5}, {}).beyond(fed)
    assert Progress("r", {("c.capture", 0): 5, ("a", 0): 5}, {}).beyond(fed)


def test_where_nothing_waited_any_commit_will_do():
    nothing = Progress("r", {("a", 0): 3}, {("a", 0): 3})
    assert not nothing.beyond(nothing)
    assert Progress("r", {("a", 0): 4}, {("a", 0): 4}).beyond(nothing)


def test_nobody_can_tell(tmp_path):
    assert look("127.0.0.1:9", "p", tmp_path) is None
    (tmp_path / "sessions.json").write_text(json.dumps({"stream": ""}))
    assert look("127.0.0.1:9", "p", tmp_path) is None
    (tmp_path / "sessions.json").write_text(json.dumps({"stream": "gone"}))
    assert look("127.0.0.1:9", "p", tmp_path) is None


def test_what_the_group_committed(kafka_url, tmp_path):
    bootstrap, prefix = kafka_url.removeprefix("kafka://"), f"p{uuid.uuid4().hex[:8]}"
    (tmp_path / "sessions.json").write_text(json.dumps({"stream": "run"}))
    topic = f"{prefix}.run.flows"

    async def commit() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
        member = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, group_id=f"{prefix}.run", enable_auto_commit=False
        )
        await admin.start()
        await admin.create_topics([NewTopic(topic, 1, 1)])
        await producer.start()
        for _ in range(3):
            await producer.send_and_wait(topic, b"x", partition=0)
        await member.start()
        member.assign([TopicPartition(topic, 0)])
        await member.commit({TopicPartition(topic, 0): 2})
        for client in (member, producer):
            await client.stop()
        await admin.close()

    asyncio.run(commit())
    assert look(bootstrap, prefix, tmp_path) == Progress("run", {(topic, 0): 2}, {(topic, 0): 3})
    (tmp_path / "sessions.json").write_text(json.dumps({"stream": "other"}))
    assert look(bootstrap, prefix, tmp_path) == Progress("other", {}, {})
