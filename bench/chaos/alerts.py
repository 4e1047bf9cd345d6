"""What stands in the store after a run, read with nothing of ours in between, and what is wrong with it."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.errors import BenchError

Document = dict[str, Any]
#: Hits that Elasticsearch gives for one request.
MOST = 10_000
ANSWER_S = 60.0


@dataclass(frozen=True)
class Difference:
    """Ids of alerts that are missing, that stand there more than once or for nothing, that differ."""

    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    different: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.lost or self.doubled or self.different)


def read(url: str, prefix: str) -> list[Document]:
    """Every alert document of the indices of `prefix`. Raises BenchError where they are too many."""
    indices = f"{url}/{prefix}-alerts-*"
    _post(f"{indices}/_refresh")
    told = _post(
        f"{indices}/_search",
        {"size": MOST, "track_total_hits": True, "_source": {"excludes": ["citywall_search"]}},
    )["hits"]
    if told["total"]["value"] > MOST:
        raise BenchError(f"{told['total']['value']:,} alerts are more than {MOST:,}: take a shorter scene")
    return [hit["_source"] for hit in told["hits"]]


def by_id(documents: Sequence[Document]) -> dict[str, Document]:
    """Documents by alert id, without the one field that is of the wall clock."""
    return {document["event"]["id"]: _timeless(document) for document in documents}


def compare(expected: Mapping[str, Document], found: Sequence[Document]) -> Difference:
    """What is wrong with the alerts found; an id that was not expected counts as doubled."""
    times = Counter(document["event"]["id"] for document in found)
    known = by_id(found)
    return Difference(
        tuple(sorted(expected.keys() - times.keys())),
        tuple(sorted(name for name, n in times.items() if n > 1 or name not in expected)),
        tuple(sorted(name for name, d in known.items() if name in expected and d != expected[name])),
    )


def _timeless(document: Document) -> Document:
    return {**document, "event": {k: v for k, v in document["event"].items() if k != "ingested"}}


def _post(url: str, body: Document | None = None) -> Document:
    request = urllib.request.Request(  # noqa: S310 (our own server, on loopback)
        url, json.dumps(body).encode() if body else b"", {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=ANSWER_S) as reply:  # noqa: S310
        told: Document = json.load(reply)
    return told
