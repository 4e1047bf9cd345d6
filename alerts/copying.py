"""Copying everything from one store into another, and seeing that it arrived.

What arrived is compared by count and by a digest of contents in which the order does not matter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import msgspec

from alerts.store import LANES, AlertStore, Document
from citywall.errors import StoreError

#: Documents written at a time.
BATCH = 500
_WRAP = (1 << 128) - 1
_encode = msgspec.json.Encoder(order="deterministic").encode


@dataclass
class Copied:
    """What was copied. `kept` are ids whose workflow was left as the target had it, since it differed."""

    documents: int = 0
    workflows: int = 0
    digest: str = ""
    kept: list[str] = field(default_factory=list)


class Digest:
    """Digest of a set of things: the sum of their hashes, so that order does not matter."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add(self, value: Any) -> None:
        """Take one thing in."""
        self.count += 1
        self._sum = (
            self._sum + int.from_bytes(hashlib.blake2b(_encode(value), digest_size=16).digest())
        ) & _WRAP

    def __str__(self) -> str:
        return f"{self._sum:032x}"


def copy(source: AlertStore, target: AlertStore, told: Callable[[int], None] = lambda _: None) -> Copied:
    """Copy all alerts and workflows; `told` hears how many alerts are written.

    What the target has besides stays. About 100 bytes of memory an alert. Raises StoreError where something
    did not arrive as it was.
    """
    result = Copied()
    target.prepare()
    seen: set[int] = set()
    sent = Digest()
    for lane in LANES:
        documents = source.scan(lane=lane)
        while batch := list(islice(documents, BATCH)):
            for document in batch:
                seen.add(_name(document))
                sent.add(document)
            target.upsert(batch)
            told(sent.count)
    arrived = Digest()
    for document in target.scan():
        if _name(document) in seen:
            arrived.add(document)
    if (sent.count, str(sent)) != (arrived.count, str(arrived)):
        raise StoreError(
            f"the copy is not what was copied: {sent.count} alerts were sent (digest {sent}), "
            f"{arrived.count} arrived ({arrived})"
        )
    result.documents, result.digest = sent.count, str(sent)
    _copy_workflows(source, target, result)
    return result


def _copy_workflows(source: AlertStore, target: AlertStore, result: Copied) -> None:
    items = source.workflows()
    while batch := list(islice(items, BATCH)):
        kept = target.adopt_workflows(batch)
        result.kept += kept
        result.workflows += len(batch) - len(kept)
        for alert_id, workflow in batch:
            if alert_id not in kept and target.workflow(alert_id).workflow != workflow:
                raise StoreError(f"what people made of alert {alert_id} did not arrive as it was")


def _name(document: Document) -> int:
    """A number for lane, day of receipt and id."""
    key = (document["citywall"]["lane"], document["event"]["ingested"][:10], document["event"]["id"])
    return int.from_bytes(hashlib.blake2b(_encode(key), digest_size=8).digest())
