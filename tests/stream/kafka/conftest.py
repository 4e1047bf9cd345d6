"""A cluster for tests, and names that no other test uses."""

from __future__ import annotations

import uuid

import pytest

from citywall.settings import Settings, load
from stream.kafka.cluster import Cluster


@pytest.fixture
def on_kafka(kafka_url: str) -> Settings:
    return load(
        None, {}, [f"transport={kafka_url}", f"kafka.prefix=t{uuid.uuid4().hex[:8]}", "kafka.patience_s=20"]
    )


@pytest.fixture
def cluster(on_kafka: Settings) -> Cluster:
    return Cluster(on_kafka)
