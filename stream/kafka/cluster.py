"""How a Kafka cluster is reached: addresses, TLS, credentials, limits, patience."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import ssl
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest

from citywall.errors import SettingsError
from citywall.settings import Settings
from stream.kafka.link import Link, hush
from stream.kafka.refusals import refusal

log = logging.getLogger(__name__)

PASSWORD = "CITYWALL_KAFKA_PASSWORD"  # noqa: S105 (the variable's name)
_STOP_S = 5.0
#: Bytes of small messages that travel as one batch.
_BATCH_BYTES = 256 << 10
#: An idle broker answers a fetch after so long: a partition drained meanwhile waits for it.
_FETCH_WAIT_MS = 40
#: One that reads a single partition is answered as soon as something is there.
_ALONE_WAIT_MS = 500


class Cluster:
    """What `transport` and `[kafka]` say. Raises SettingsError naming the key that cannot be used."""

    def __init__(self, settings: Settings, environment: Mapping[str, str] | None = None) -> None:
        hush()
        self.settings = settings.kafka
        self.url = settings.transport
        self.servers = _servers(settings.transport)
        self._security = _security(settings, os.environ if environment is None else environment)
        self._reached = False
        self.link = Link(self.url, self.knock)

    def _common(self) -> dict[str, Any]:
        return {"bootstrap_servers": self.servers, "request_timeout_ms": self._answer_ms, **self._security}

    @property
    def _answer_ms(self) -> int:
        return int(self.settings.answer_s * 1000)

    def producer_settings(self) -> dict[str, Any]:
        """For a producer that never gives up, never reorders and never doubles while it lives."""
        return self._common() | {
            "enable_idempotence": True,
            "acks": "all",
            "max_request_size": self.settings.request_bytes,
            "max_batch_size": _BATCH_BYTES,
        }

    def producer(self) -> AIOKafkaProducer:
        """A producer, not started."""
        return AIOKafkaProducer(**self.producer_settings())

    def reader(self) -> AIOKafkaConsumer:
        """A consumer of no group, not started: it reads what it is told to, from the oldest on."""
        return AIOKafkaConsumer(
            **self._common(), auto_offset_reset="earliest", enable_auto_commit=False,
            max_partition_fetch_bytes=self.settings.fetch_bytes, fetch_max_wait_ms=_ALONE_WAIT_MS,
            fetch_max_bytes=2 * self.settings.fetch_bytes,
        )  # fmt: skip

    def member(self, group: str, assignor: Any) -> AIOKafkaConsumer:
        """A member of a group, not started."""
        kafka = self.settings
        return AIOKafkaConsumer(
            **self._common(), group_id=group, auto_offset_reset="earliest", enable_auto_commit=False,
            partition_assignment_strategy=[assignor],
            session_timeout_ms=int(kafka.session_timeout_s * 1000),
            heartbeat_interval_ms=int(kafka.heartbeat_s * 1000),
            rebalance_timeout_ms=int(kafka.rebalance_timeout_s * 1000),
            check_crcs=False,  # records have a seal of ours
            consumer_timeout_ms=1,  # fetch what is drained, whatever else still waits to be taken
            max_poll_interval_ms=86_400_000,  # a full stage may rest as long as it must: see the watchdog
            max_partition_fetch_bytes=kafka.fetch_bytes,
            fetch_max_bytes=2 * kafka.fetch_bytes,
            fetch_max_wait_ms=_FETCH_WAIT_MS,
        )  # fmt: skip

    async def reach(self, within_s: float | None = None) -> AIOKafkaAdminClient:
        """A client for administration, started; waits for a cluster that is away.

        Not for longer than `within_s`: by default `kafka.patience_s` at first, and as long as it takes once
        it was reached. Raises StreamError after that, SettingsError where we are not let in.
        """
        if within_s is None:
            within_s = math.inf if self._reached else self.settings.patience_s
        admin = AIOKafkaAdminClient(**self._common())
        try:
            await self.link(admin.start, within_s)
        except BaseException:
            await admin.close()
            raise
        self._reached = True
        return admin

    async def knock(self) -> str:
        """See whether one of the brokers we know by name lets us in; why not, or empty where one does.

        Raises SettingsError, naming what is at fault, where one is there and refuses us.
        """
        refused: SettingsError | None = None
        why = ""
        for host, port, _ in collect_hosts(self.servers):
            try:
                connection = await create_conn(
                    host, port, request_timeout_ms=self._answer_ms, **self._security
                )
            except (KafkaError, OSError, TimeoutError) as e:
                refused = refused or refusal(e, self.url, self.settings)
                why = str(e) or type(e).__name__
            else:
                try:
                    await connection.send(MetadataRequest([]))  # the first that needs a user, where one does
                except (KafkaError, TimeoutError) as e:
                    why = str(e) or type(e).__name__
                else:
                    return ""
                finally:
                    connection.close()
        if refused is not None:
            raise refused
        return why


async def let_go(client: Any) -> None:
    """Stop a consumer or producer; what waits for its cluster is cut off after a while."""
    if await _ended(client.stop()):
        return
    if isinstance(client, AIOKafkaProducer):
        await _ended(client._sender.close())  # noqa: SLF001 (it would try for ever)
        await _ended(client.client.close())
    else:
        await _ended(client._client.close())  # noqa: SLF001 (stopping ends before that where a fetch waits)


async def _ended(work: Coroutine[Any, Any, None]) -> bool:
    """Whether it came to its end within a few seconds; it is cancelled where not."""
    task = asyncio.ensure_future(work)
    await asyncio.wait({task}, timeout=_STOP_S)
    if task.cancel() or task.cancelled():
        return False
    if (error := task.exception()) is not None:
        log.debug("not let go of in good order: %s", error)
    return True


def _servers(url: str) -> list[str]:
    names = url.removeprefix("kafka://").split(",")
    servers = []
    for name in names:
        host, colon, port = name.strip().rpartition(":")
        if not colon or not host or not port.isdigit() or not 0 < int(port) < 1 << 16:
            raise SettingsError("settings", "transport", f"{name!r} is not HOST:PORT")
        servers.append(f"{host}:{port}")
    return servers


def _security(settings: Settings, environment: Mapping[str, str]) -> dict[str, Any]:
    kafka = settings.kafka
    encrypted = kafka.tls or bool(kafka.ca)
    found: dict[str, Any] = {"security_protocol": "PLAINTEXT"}
    if encrypted:
        found["security_protocol"] = "SSL"
        found["ssl_context"] = _context(settings)
    elif kafka.certificate:
        raise SettingsError("settings", "kafka.certificate", "needs kafka.tls or kafka.ca")
    if kafka.mechanism:
        if kafka.mechanism == "PLAIN" and not encrypted:
            log.warning("kafka.mechanism PLAIN without TLS: the password travels in clear text")
        found["security_protocol"] = "SASL_SSL" if encrypted else "SASL_PLAINTEXT"
        found["sasl_mechanism"] = kafka.mechanism
        found["sasl_plain_username"] = kafka.user
        found["sasl_plain_password"] = _password(settings, environment)
    return found


def _context(settings: Settings) -> ssl.SSLContext:
    kafka = settings.kafka
    try:
        context = ssl.create_default_context(cafile=kafka.ca or None)
    except (OSError, ssl.SSLError) as e:
        raise SettingsError("settings", "kafka.ca", f"{kafka.ca} cannot be used: {e}") from e
    if kafka.certificate:
        try:
            context.load_cert_chain(kafka.certificate, kafka.key)
        except (OSError, ssl.SSLError) as e:
            raise SettingsError("settings", "kafka.certificate", f"cannot be used: {e}") from e
    return context


def _password(settings: Settings, environment: Mapping[str, str]) -> str:
    file = settings.kafka.password_file
    if not file:
        if PASSWORD not in environment:
            raise SettingsError("settings", "kafka.password_file", f"must be given, or ${PASSWORD} be set")
        return environment[PASSWORD]
    try:
        return Path(file).read_text("utf-8").partition("\n")[0]
    except (OSError, UnicodeDecodeError) as e:
        raise SettingsError("settings", "kafka.password_file", f"{file} cannot be read: {e}") from e
