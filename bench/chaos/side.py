"""One Citywall on given servers: a data folder, topics and indices of its own, an owner and a worker."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from bench.chaos import alerts, progress
from bench.chaos.programs import Program
from bench.services.elasticsearch import Elasticsearch
from bench.services.kafka import Kafka

#: Small blocks and a checkpoint at every chance, for many moments to die in. Members of the group
#: are missed soon, and a consumer that sticks is seen before anybody loses patience.
CUT = (
    "partitions=2", "capture.block_bytes=131072", "checkpoint.interval_s=0.5", "checkpoint.cost_factor=4",
    "kafka.session_timeout_s=3", "kafka.heartbeat_s=0.5", "kafka.patience_s=120", "kafka.stuck_s=30",
)  # fmt: skip
#: What two reports of the same input have in common.
COUNTS = ("packets", "bytes", "flows", "events", "findings", "alerts", "decode_errors")


class Side:
    """`with Side(…) as side`: nothing runs yet inside; both programs are killed outside."""

    def __init__(
        self,
        folder: Path,
        capture: Path,
        kafka: Kafka,
        elasticsearch: Elasticsearch,
        settings: Sequence[str] = (),
    ) -> None:
        self.prefix = f"c{uuid.uuid4().hex[:10]}"
        self.data = folder / "data"
        self._kafka = kafka
        self._elasticsearch = elasticsearch
        shared = [f"transport={kafka.url}", f"kafka.prefix={self.prefix}", f"store={elasticsearch.url}",
                  f"elasticsearch.index_prefix={self.prefix}", "elasticsearch.replicas=0"]  # fmt: skip
        options = [part for setting in (*shared, *CUT, *settings) for part in ("--set", setting)]
        self.owner = Program(
            folder / "owner", ["run", str(capture), "--data", str(self.data), "--json", *options]
        )
        self.worker = Program(folder / "worker", ["worker", *options])

    def progress(self) -> progress.Progress | None:
        """How far the run is; None where nobody can tell."""
        return progress.look(self._kafka.bootstrap, self.prefix, self.data)

    def alerts(self) -> list[alerts.Document]:
        """What stands in the store."""
        return alerts.read(self._elasticsearch.url, self.prefix)

    def counts(self) -> dict[str, Any]:
        """What the owner reported at its end, as far as it must not depend on what happened meanwhile."""
        told = self.owner.told() or {}
        return {name: told.get(name) for name in COUNTS}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.owner.kill()
        self.worker.kill()
