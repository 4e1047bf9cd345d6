"""Alerts into Elasticsearch: our store beside the client's own bulk helpers."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bench import machine
from bench.errors import BenchError
from bench.harness import Benchmark, Context, Result, case_name
from bench.subjects import OURS

if TYPE_CHECKING:
    from alerts.elastic.store import ElasticStore

#: Alerts that our store is handed at once.
BATCH = 10_000
#: Written by each before the clock starts, so that the server's code is compiled.
WARM = 5_000
HEAP_MIB = 1024


class Writer(ABC):
    """Writes alerts into indices of its own, with our templates."""

    name: str
    does: str

    @abstractmethod
    def write(self, store: ElasticStore, count: int) -> None:
        """Write `count` alerts; on return the server has acknowledged all. `store` is fresh and set up."""


class Ours(Writer):
    """Our store, as the stream and `citywall store copy` use it."""

    name = OURS
    does = "alert store: upsert, tokens for Chinese beside each document"

    def write(self, store: ElasticStore, count: int) -> None:
        """In batches."""
        from bench.ours.alerts import documents

        left = documents(count)
        while batch := list(islice(left, BATCH)):
            store.upsert(batch)


class Bulk(Writer):
    """`elasticsearch.helpers.bulk` with the same documents."""

    name = "helpers.bulk"
    does = "the client's bulk helper: same documents, ids, index and mapping, without our tokens"

    def write(self, store: ElasticStore, count: int) -> None:
        """All at once."""
        from elasticsearch import Elasticsearch, helpers

        client = Elasticsearch(store.url, request_timeout=60)
        done, _ = helpers.bulk(client, _actions(store, count))
        client.close()
        _whole(self.name, done, count)


class ParallelBulk(Writer):
    """`elasticsearch.helpers.parallel_bulk` with the same documents."""

    name = "helpers.parallel_bulk"
    does = "the client's bulk helper in four threads: same documents, without our tokens"

    def write(self, store: ElasticStore, count: int) -> None:
        """All at once."""
        from elasticsearch import Elasticsearch, helpers

        client = Elasticsearch(store.url, request_timeout=60)
        done = sum(ok for ok, _ in helpers.parallel_bulk(client, _actions(store, count)))
        client.close()
        _whole(self.name, done, count)


class Index(Benchmark):
    """Seconds of wall clock an alert, on one server, alternating; every run into an index of its own."""

    name = "index"
    title = "alerts into Elasticsearch"

    def run(self, context: Context) -> Result:
        """Measure."""
        facts = machine.facts()
        with _server() as (url, version):
            return self._measure(context, facts, url, version)

    def _measure(self, context: Context, facts: dict[str, Any], url: str, version: str) -> Result:
        ours, peers = Ours(), (Bulk(), ParallelBulk())
        for writer in (ours, *peers):
            _timed(writer, url, min(WARM, context.alerts), "warm")
        runs: dict[str, list[float]] = {writer.name: [] for writer in (ours, *peers)}
        for repeat in range(context.repeats):
            for writer in (peers[0], ours, peers[1]):
                seconds = _timed(writer, url, context.alerts, f"r{repeat}")
                runs[writer.name].append(seconds)
                context.say(
                    f"{self.name} {case_name(context.alerts)}: {writer.name} {repeat + 1}/{context.repeats}: "
                    f"{context.alerts / seconds:,.0f} alerts a second"
                )
        return _result(context, facts, runs, peers, version)


@contextmanager
def _server() -> Iterator[tuple[str, str]]:
    """A server of our own, its compiler not held back."""
    from bench.services.elasticsearch import VERSION, Elasticsearch

    with (
        TemporaryDirectory(prefix="citywall-bench-") as folder,
        Elasticsearch(Path(folder) / "server", heap_mib=HEAP_MIB, quick=False) as server,
    ):
        yield server.url, VERSION


def _timed(writer: Writer, url: str, count: int, label: str) -> float:
    from alerts.elastic.store import ElasticStore
    from bench.ours.alerts import FINDABLE, documents
    from citywall.servers import ElasticsearchSettings

    prefix = f"b{label}_{''.join(c for c in writer.name if c.isalpha())}"
    store = ElasticStore(url, ElasticsearchSettings(index_prefix=prefix, replicas=0, request_timeout_s=60))
    try:
        store.prepare()
        first = next(documents(1))
        store.upsert([first])  # the index is there before the clock starts, for all alike
        began = time.perf_counter()
        writer.write(store, count)
        seconds = time.perf_counter() - began
        store.connection.ask("POST", f"/{store.names.all_alerts}/_refresh")
        found = store.count(FINDABLE)
        if found != count:
            raise BenchError(f"{writer.name} wrote {found:,} of {count:,} alerts")
        store.retain(1, 1 << 62)
    finally:
        store.close()
    return seconds


def _actions(store: ElasticStore, count: int) -> Iterator[dict[str, Any]]:
    from bench.ours.alerts import documents

    index = store.names.index("live", "2024-05-02")
    for document in documents(count):
        yield {"_op_type": "index", "_index": index, "_id": document["event"]["id"], "_source": document}


def _whole(name: str, done: int, count: int) -> None:
    if done != count:
        raise BenchError(f"{name} says that it wrote {done:,} of {count:,} alerts")


def _result(
    context: Context,
    facts: dict[str, Any],
    runs: dict[str, list[float]],
    peers: Sequence[Writer],
    version: str,
) -> Result:
    case = case_name(context.alerts)
    best = {writer: min(samples) / context.alerts for writer, samples in runs.items()}

    def each(values: dict[str, Any]) -> dict[str, Any]:
        return {"ours": {case: values[OURS]}, "peers": {p.name: {case: values[p.name]} for p in peers}}

    ratios = {peer.name: {case: _digits(best[peer.name] / best[OURS])} for peer in peers}
    cost = each({writer: _digits(seconds) for writer, seconds in best.items()})
    spread = {
        writer: {"least": _digits(min(s)), "most": _digits(max(s)), "relative": _digits(max(s) / min(s) - 1)}
        for writer, s in ((w, [t / context.alerts for t in samples]) for w, samples in runs.items())
    }
    nothing = {writer: {"wall": 0.0, "cpu": 0.0} for writer in runs}
    return {
        "name": Index.name,
        "unit": "wall seconds per alert",
        **cost,
        "ratios": ratios,
        "wall": {**cost, "ratios": ratios},
        "startup": each(nothing),
        "packets": each(dict.fromkeys(runs, context.alerts)),
        "spread": each({writer: {"cpu": s, "wall": s} for writer, s in spread.items()}),
        "repeats": context.repeats,
        "machine": facts,
        "versions": {
            OURS: machine.version("citywall"),
            "elasticsearch": version,
            "elasticsearch-py": machine.version("elasticsearch"),
        },
        "does": {writer.name: writer.does for writer in (Ours(), *peers)},
        "absent": {},
        "captures": {},
        "units": {},
        "rate": each({writer: round(1 / seconds) for writer, seconds in best.items()}),
        "bytes": _bytes(),
    }


def _bytes() -> int:
    from msgspec import json

    from bench.ours.alerts import documents

    sample = list(documents(200))
    return sum(len(json.encode(d)) for d in sample) // len(sample)


def _digits(value: float) -> float:
    return float(f"{value:.5g}")
