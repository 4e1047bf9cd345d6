"""Findings, cards, sessions and documents to test with."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from alerts.correlate import Correlator
from alerts.embedded import EmbeddedStore
from alerts.store import AlertStore
from citywall.addresses import to_words
from citywall.batches import CLOSED, END, FLOW
from citywall.cards import DetectorCard
from citywall.findings import Endpoint, Evidence, Finding, Severity, derived_id
from citywall.servers import ElasticsearchSettings
from citywall.sessions import Session
from citywall.settings import CorrelateSettings

if TYPE_CHECKING:
    from alerts.elastic.store import ElasticStore

SECOND = 1_000_000_000
START = 1_714_564_800 * SECOND  # 2024-05-01T12:00:00Z

SCAN = DetectorCard(
    "scan", 1, "Network scan", "网络扫描", (("T1046", "Network Service Discovery", "TA0007", "Discovery"),),
    "attack", "网络扫描探测", "attack",
)  # fmt: skip
BRUTE = DetectorCard(
    "bruteforce", 2, "Brute force", "暴力破解",
    (("T1110.001", "Password Guessing", "TA0006", "Credential Access"),), "attack", "凭据攻击", "attack",
)  # fmt: skip
FLOOD = DetectorCard(
    "flood", 1, "Flood", "洪水攻击",
    (("T1498", "Network Denial of Service", "TA0040", "Impact"),), "attack", "拒绝服务", "paralysis",
)  # fmt: skip


@pytest.fixture(scope="session")
def cards() -> dict[str, DetectorCard]:
    return {c.id: c for c in (SCAN, BRUTE, FLOOD)}


def _session(name: str = "5e55", lane: str = "live", received_at: int = START + 86400 * SECOND) -> Session:
    return Session(name, "capture", "/captures/scan.pcap", 1000, lane, received_at)


@pytest.fixture(scope="session")
def make_session() -> Callable[..., Session]:
    return _session


def _finding(seconds: float = 0, **changes: Any) -> Finding:
    time = START + round(seconds * SECOND)
    fields: dict[str, Any] = {
        "detector": "scan",
        "version": 1,
        "kind": "wide",  # the catalogue has no name for it
        "session": "5e55",
        "lane": "live",
        "time": time,
        "began": time - 5 * SECOND,
        "severity": Severity.MEDIUM,
        "confidence": 0.9,
        "score": 25.0,
        "threshold": 20.0,
        "entity": "0/10.0.0.5",
        "source": Endpoint("10.0.0.5"),
        "facts": {"targets": 25, "usual": 2.5, "port": "22"},
    }
    fields.update(changes)
    fields.setdefault(
        "id", derived_id(*(fields[k] for k in ("detector", "kind", "entity", "time")), fields["severity"])
    )
    return Finding(**fields)


@pytest.fixture(scope="session")
def make_finding() -> Callable[..., Finding]:
    return _finding


def _evidence(seconds: float, number: int, target: str = "10.0.1.7") -> Evidence:
    return Evidence(
        "flow", Endpoint("10.0.0.5", 0, 40000 + number), Endpoint(target, 0, 22), "tcp",
        START + round(seconds * SECOND), flow_id=0xABC0 + number, offset=24 + 100 * number, frame=number + 1,
        community_id=f"1:{number}",
    )  # fmt: skip


@pytest.fixture(scope="session")
def make_evidence() -> Callable[..., Evidence]:
    return _evidence


@pytest.fixture(scope="session")
def make_document(cards: dict[str, DetectorCard]) -> Callable[..., dict[str, Any]]:
    """A document of one finding; `session` and `lane` and the finding's fields may be given."""

    def make(seconds: float = 0, *, session: Session | None = None, **changes: Any) -> dict[str, Any]:
        session = session or _session()
        finding = _finding(seconds, session=session.id, lane=session.lane, **changes)
        (document,) = Correlator(CorrelateSettings(), cards).add([finding], session)
        return document

    return make


@pytest.fixture(scope="session")
def make_flows() -> Callable[..., tuple[Any, Any, Any]]:
    """`make(rows)`: END reports, statistics and Community IDs; `src` and `dst` are texts."""

    def make(rows: list[dict[str, Any]]) -> tuple[Any, Any, Any]:
        reports, closed = np.zeros(len(rows), FLOW), np.zeros(len(rows), CLOSED)
        for i, row in enumerate(rows):
            fields = {
                "kind": END,
                "flow_id": i + 1,
                "first": START,
                "last": START + SECOND,
                "proto": 6,
                **row,
            }
            for side in ("src", "dst"):
                hi, lo = to_words(fields.pop(side, "10.0.0.1"))
                reports[i][f"{side}_hi"], reports[i][f"{side}_lo"] = hi, lo
            for name, value in fields.items():
                reports[i][name] = value
            closed[i]["flow_id"] = fields["flow_id"]
            closed[i]["both_size_mean"] = 60.5
            closed[i]["src_mac"] = 0x0200_0000_0001
        return reports, closed, np.array([f"1:{i:027}=" for i in range(len(rows))], "S30")

    return make


@pytest.fixture(scope="session")
def elastic_stores(elasticsearch_url: str) -> Iterator[Callable[..., ElasticStore]]:
    """Makes stores with indices of their own, which go when the tests are over."""
    from alerts.elastic.connection import Connection

    made: list[str] = []

    def make(prefix: str | None = None, *, read_only: bool = False, **more: Any) -> ElasticStore:
        from alerts.elastic.store import ElasticStore

        prefix = prefix or f"t{uuid.uuid4().hex[:12]}"
        made.append(prefix)
        settings = ElasticsearchSettings(index_prefix=prefix, **more)
        return ElasticStore(elasticsearch_url, settings, read_only=read_only)

    yield make
    connection = Connection(elasticsearch_url, ElasticsearchSettings())
    for prefix in set(made):
        names = connection.ask("GET", f"/{prefix}-*/_settings", filter_path="*.settings.index.uuid") or {}
        for name in names:
            connection.ask("DELETE", f"/{name}")
        for lane in ("live", "drill", "test"):
            connection.ask("DELETE", f"/_index_template/{prefix}-alerts-{lane}", absent=None)
        for name in ("settings", "alert-fields"):
            connection.ask("DELETE", f"/_component_template/{prefix}-{name}", absent=None)
    connection.close()


STORES = ["sqlite", "elasticsearch"]


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AlertStore]:
    """An empty store of each kind."""
    if request.param == "sqlite":
        opened: AlertStore = EmbeddedStore(tmp_path / "alerts")
    else:
        opened = request.getfixturevalue("elastic_stores")()
    yield opened
    opened.close()
