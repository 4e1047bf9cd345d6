"""What Citywall speaks to: the transport, the store."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

from citywall.errors import CitywallError
from console import units
from console.doctor.check import Found, World, broken, good

_WAIT_S = 5.0
_KAFKA_PORT = 9092


def transport(world: World) -> Iterator[Found]:
    """The embedded log, or the brokers: each that is named answers."""
    url = world.settings.transport
    if not url.startswith("kafka"):
        yield good("transport_embedded")
        return
    for broker in urlsplit(url).netloc.split(","):
        host, _, port = broker.rpartition(":") if ":" in broker.rpartition("]")[2] else (broker, "", "")
        try:
            socket.create_connection((host.strip("[]"), int(port or _KAFKA_PORT)), _WAIT_S).close()
        except (OSError, ValueError) as e:
            yield broken("no_answer", what=broker, reason=getattr(e, "strerror", None) or e)
        else:
            yield good("answers", what=broker)


def store(world: World) -> Iterator[Found]:
    """The store: it opens, and says how much it has."""
    from alerts.store import open_store

    try:
        url, elastic = world.settings.store, world.settings.elasticsearch
        with closing(open_store(url, world.data, read_only=True, elasticsearch=elastic)) as opened:
            told = opened.status()
    except CitywallError as e:
        yield broken("store_failed", reason=e)
    else:
        count = units.count(sum(part.documents for part in told.parts))
        yield good("store", place=told.place, count=count)
