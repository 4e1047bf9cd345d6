"""The broker's properties of the compose file, on a real broker."""

import asyncio
import re
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError
from aiokafka.helpers import create_ssl_context

from bench.services import certificates
from bench.services.kafka import Kafka
from bench.services.service import free_port

PROPERTIES = Path(__file__).resolve().parents[2] / "deploy" / "compose" / "kafka.properties"
PASSWORDS = {"worker": "w-secret", "sensor": "s-secret"}


def properties(text):
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def test_larger_than_any_message():
    """The broker takes what a worker's default settings send (`kafka.message_bytes`, 32 MiB)."""
    assert int(properties(PROPERTIES.read_text("utf-8"))["message.max.bytes"]) > 32 << 20


@pytest.fixture(scope="module")
def broker(tmp_path_factory, started):
    folder = tmp_path_factory.mktemp("compose")
    secrets = folder / "secrets"
    made = certificates.make(secrets)
    (secrets / "kafka_pem").write_bytes(made.key.read_bytes() + made.server.read_bytes())
    for user, password in PASSWORDS.items():
        (secrets / f"kafka_{user}_password").write_text(password)
    clients, controller, local = free_port(), free_port(), free_port()
    text = PROPERTIES.read_text("utf-8").replace("/run/secrets", str(secrets))
    text = text.replace("/var/lib/kafka/data", str(folder / "kafka" / "data"))
    for old, port in ((9093, clients), (9094, controller), (9095, local)):
        text = re.sub(rf"(0\.0\.0\.0|localhost|kafka):{old}", f"127.0.0.1:{port}", text)
    with started(Kafka(folder / "kafka", port=local, overrides=properties(text))):
        yield f"127.0.0.1:{clients}", made


def client(broker, user, password):
    address, made = broker
    return {
        "bootstrap_servers": address,
        "security_protocol": "SASL_SSL",
        "ssl_context": create_ssl_context(cafile=made.authority),
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": user,
        "sasl_plain_password": password,
    }


async def send(options):
    admin = AIOKafkaAdminClient(**options)
    try:
        await admin.start()
        await admin.create_topics([NewTopic(options["sasl_plain_username"], 1, 1)])
    finally:
        await admin.close()
    async with AIOKafkaProducer(**options, max_request_size=33 << 20) as producer:
        return await producer.send_and_wait(options["sasl_plain_username"], bytes(32 << 20))


@pytest.mark.parametrize(("user", "password"), PASSWORDS.items())
def test_who_has_the_password_may_send_large_messages(broker, user, password):
    assert asyncio.run(send(client(broker, user, password))).offset == 0


@pytest.mark.parametrize(("user", "password"), [("worker", "s-secret"), ("nobody", ""), ("worker", "")])
def test_who_has_not_may_not_connect(broker, user, password):
    with pytest.raises(KafkaConnectionError):
        asyncio.run(send(client(broker, user, password)))


def test_plain_text_is_not_spoken(broker):
    with pytest.raises(KafkaConnectionError):
        asyncio.run(send({"bootstrap_servers": broker[0], "request_timeout_ms": 3000}))
