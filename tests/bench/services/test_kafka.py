import asyncio
import uuid

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import UnknownTopicOrPartitionError

from bench.errors import ServiceFailed
from bench.services.kafka import MESSAGE_BYTES, Kafka

SENT = [b"%d" % i * 100 for i in range(200)]


async def make_topic(bootstrap, topic):
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 2, 1)])
    finally:
        await admin.close()


async def send(bootstrap, topic, values):
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_request_size=MESSAGE_BYTES)
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topic, value, partition=0)
    finally:
        await producer.stop()


async def receive(bootstrap, topic, count):
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        return [(await asyncio.wait_for(consumer.getone(), 20)).value for _ in range(count)]
    finally:
        await consumer.stop()


def test_a_killed_broker_keeps_what_it_acknowledged(own_kafka):
    topic = uuid.uuid4().hex
    asyncio.run(make_topic(own_kafka.bootstrap, topic))
    asyncio.run(send(own_kafka.bootstrap, topic, SENT))
    url = own_kafka.url
    own_kafka.kill()
    assert not own_kafka.running
    assert not own_kafka.healthy()
    assert own_kafka.restart() > 0
    assert own_kafka.url == url
    assert asyncio.run(receive(own_kafka.bootstrap, topic, len(SENT))) == SENT


def test_a_block_of_packets_fits_in_a_message(kafka_url):
    bootstrap = kafka_url.removeprefix("kafka://")
    topic = uuid.uuid4().hex
    block = bytes(MESSAGE_BYTES - 1000)
    asyncio.run(make_topic(bootstrap, topic))
    asyncio.run(send(bootstrap, topic, [block]))
    assert asyncio.run(receive(bootstrap, topic, 1)) == [block]


def test_topics_do_not_appear_by_themselves(kafka_url):
    async def partitions():
        producer = AIOKafkaProducer(bootstrap_servers=kafka_url.removeprefix("kafka://"))
        await producer.start()
        try:
            return await asyncio.wait_for(producer.partitions_for("nobody-made-this"), 2)
        finally:
            await producer.stop()

    with pytest.raises((asyncio.TimeoutError, UnknownTopicOrPartitionError)):
        asyncio.run(partitions())


def test_a_failed_start_quotes_the_log(tmp_path):
    kafka = Kafka(tmp_path, overrides={"num.io.threads": "none"})
    with pytest.raises(ServiceFailed, match=r"num\.io\.threads"), kafka:
        pass
    assert not kafka.running
