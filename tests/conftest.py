"""What every test may use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import bench.live.wire
from bench.errors import ServiceUnavailable
from bench.services.elasticsearch import Elasticsearch
from bench.services.kafka import Kafka
from bench.services.service import Service

# Machines are noisy and kernels compile on their first call: no test may fail for being slow.
settings.register_profile("citywall", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("citywall")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real captures beside the project; skips where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder of real captures (../shared/data) is not here")
    return folder


# Tests that need servers: ask for `kafka_url` or `elasticsearch_url`, one server each for a worker's session,
# and use topics and indices of your own; or for `own_kafka` or `own_elasticsearch`, healthy servers that the
# test may kill, stop and restart. They skip where servers cannot be had (no Java, no Maven, no network), or
# fail where CITYWALL_REQUIRE_SERVICES=1 says that they must be. CITYWALL_KAFKA_URL and
# CITYWALL_ELASTICSEARCH_URL name servers that run already (`make services` prints them).
SHARED = {"kafka_url", "elasticsearch_url"}
OWN = {"own_kafka", "own_elasticsearch", "started"}
# What a fixture with parameters asks for by itself where its parameter says so.
ASKED_BY_PARAMETER = {"elasticsearch": "elasticsearch_url", "kafka": "kafka_url"}


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in a hook of the same name, and only once
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses a server, so that `-m "not services"` leaves it out.

    What shares servers is for one worker, which then starts each once: one costs as much as many tests.
    Servers of a test's own are for any.
    """
    for item in items:
        asked = set(getattr(item, "fixturenames", ()))
        if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            asked |= {ASKED_BY_PARAMETER.get(str(p), "") for p in item.callspec.params.values()}
        if asked & (SHARED | OWN):
            item.add_marker(pytest.mark.services)
        if asked & SHARED:
            item.add_marker(pytest.mark.xdist_group("servers"))


@pytest.fixture(scope="session")
def started() -> Callable[[Service], AbstractContextManager[Service]]:
    """`with started(service)`: healthy inside, stopped outside; for servers with settings of their own."""
    return _started


@contextmanager
def _started(service: Service) -> Iterator[Service]:
    """The service, healthy; skips the test where this machine cannot have it and need not."""
    try:
        service.start()
    except ServiceUnavailable as e:
        if os.environ.get("CITYWALL_REQUIRE_SERVICES") == "1":
            raise
        pytest.skip(str(e))
    try:
        service.wait_healthy()
        yield service
    finally:
        service.stop()


@pytest.fixture(scope="session")
def kafka_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Kafka for the session, `kafka://HOST:PORT`; topics are not made by themselves."""
    if given := os.environ.get("CITYWALL_KAFKA_URL"):
        yield given
    else:
        with _started(Kafka(tmp_path_factory.mktemp("kafka"))) as service:
            yield service.url


@pytest.fixture(scope="session")
def elasticsearch_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An Elasticsearch without security for the session, `http://HOST:PORT`."""
    if given := os.environ.get("CITYWALL_ELASTICSEARCH_URL"):
        yield given
    else:
        with _started(Elasticsearch(tmp_path_factory.mktemp("elasticsearch"))) as service:
            yield service.url


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[Service]:
    """A Kafka of the test's own."""
    with _started(Kafka(tmp_path / "kafka")) as service:
        yield service


@pytest.fixture
def own_elasticsearch(tmp_path: Path) -> Iterator[Service]:
    """An Elasticsearch of the test's own."""
    with _started(Elasticsearch(tmp_path / "elasticsearch")) as service:
        yield service


@pytest.fixture(scope="session")
def wires() -> ModuleType:
    """Live traffic (`bench/live/wire.py`); skips where no network namespace can be made."""
    if reason := bench.live.wire.refusal():
        pytest.skip(reason)
    return bench.live.wire


@pytest.fixture
def wire(wires: ModuleType) -> Iterator[Any]:
    """A wire of the test's own."""
    made = wires.Wire()
    yield made
    made.close()
