"""Stand-ins that the console's tests share: a run without the stream."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from console.cli import cli
from stream.reports import Progress, RunReport, SessionReport


def snapshot_(**more: Any) -> Progress:
    """Half of the first of two sessions."""
    usual: dict[str, Any] = {
        "session": 1, "sessions": 2, "path": "captures/office.pcap", "bytes_done": 6_150_000,
        "bytes_total": 12_300_000, "packets": 41_000, "flows": 900, "events": 12, "findings": 7, "alerts": 1,
        "stages": {"capture": 1_250_000.0, "detect": 98_000.0}, "seconds": 2.0,
    }  # fmt: skip
    return Progress(**{**usual, **more})


def session_(path: str = "captures/office.pcap", **more: Any) -> SessionReport:
    """A session read whole."""
    usual = {"id": "s1", "packets": 41_000, "bytes": 12_300_000, "flows": 900, "alerts": 2}
    return SessionReport(path, **{**usual, **more})


def report_(*sessions: SessionReport, **more: Any) -> RunReport:
    """A run over `sessions`."""
    usual: dict[str, Any] = {
        "events": 24, "findings": 14, "peak_memory_bytes": 321_000_000,
        "seconds": {"capture": 0.5, "detect": 0.25, "total": 2.0},
    }  # fmt: skip
    result = RunReport()
    for session in sessions:
        result.add(session)
    for name, value in {**usual, **more}.items():
        setattr(result, name, value)
    return result


def alert(number: int = 1, severity: int = 4, rule: str = "scan", **more: Any) -> dict[str, Any]:
    """An alert's document in the form of `alerts.ecs`."""
    return {
        "@timestamp": "2024-05-01T12:00:03.000000000Z",
        "event": {
            "id": f"{number:032x}", "kind": "alert", "severity": severity,
            "risk_score": 61.5, "action": "unnamed",
            "start": "2024-05-01T12:00:01.000000000Z", "end": "2024-05-01T12:00:09.000000000Z",
            "ingested": "2024-06-01T00:00:00.000000000Z",
        },
        "rule": {"id": rule, "name": "Port scan"},
        "message": "Port scan by 10.0.0.5",
        "source": {"address": "10.0.0.5", "ip": "10.0.0.5"},
        "destination": {"address": "10.0.1.0/24"},
        "citywall": {
            "rule_name_zh": "端口扫描", "message_zh": "端口扫描：10.0.0.5", "session": "s1", "lane": "live",
            "entity": "10.0.0.5", "detector": {"name": rule},
            "source": {"domain": "default"}, "destination": {"domain": "default", "network": "10.0.1.0/24"},
            "dedup": {"count": 3, "first_seen": "2024-05-01T12:00:03.000000000Z",
                      "last_seen": "2024-05-01T12:00:09.000000000Z"},
        },
        **more,
    }  # fmt: skip


class Invoke:
    """Runs a command line in this process; English and no colours unless asked."""

    def __init__(self) -> None:
        self.runner = CliRunner()

    def __call__(self, *arguments: str, env: dict[str, str] | None = None) -> Any:
        return self.runner.invoke(cli, arguments, env={"LC_ALL": "C.UTF-8", **(env or {})})


@pytest.fixture
def invoke() -> Invoke:
    return Invoke()


@pytest.fixture
def snapshot() -> Any:
    return snapshot_


@pytest.fixture
def make_alert() -> Any:
    return alert


@pytest.fixture
def report() -> Any:
    return report_


@pytest.fixture
def session() -> Any:
    return session_


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Replaces `stream.runner`: `stand_in(report, snapshots)` returns the calls it gets."""

    def install(result: Any, snapshots: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        calls: list[tuple[Any, ...]] = []

        def run_paths(paths: Any, data: Path, settings: Any, observe: Any) -> Any:
            calls.append((list(paths), data, settings))
            for progress in snapshots:
                observe(progress)
            if isinstance(result, BaseException):
                raise result
            return result

        module = ModuleType("stream.runner")
        module.run_paths = run_paths  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "stream.runner", module)
        return calls

    return install


START = 1_714_564_800_000_000_000  # 2024-05-01T12:00:00Z


@pytest.fixture
def real_alerts() -> Any:
    """`real_alerts(12)`: documents as the stream writes them, of scans, a second apart."""
    from alerts.correlate import Correlator
    from citywall.cards import DetectorCard
    from citywall.findings import Endpoint, Evidence, Finding, Severity, derived_id
    from citywall.sessions import Session
    from citywall.settings import CorrelateSettings
    from posture import reading
    from posture.table import Table

    card = DetectorCard(
        "scan", 1, "Network scan", "网络扫描",
        (("T1046", "Network Service Discovery", "TA0007", "Discovery"),), "attack", "网络扫描探测", "attack",
    )  # fmt: skip
    session = Session("5e55", "capture", "/captures/scan.pcap", 1000, "live", START + 86_400_000_000_000)
    locate = Table(reading.read([Path("example")])).locate

    def finding(n: int, first: int) -> Finding:
        time = START + (first + n) * 1_000_000_000
        network, host = divmod(first + n, 250)
        address = f"198.18.{network}.{host + 1}" if network else f"192.0.2.{host + 1}"
        source, target = Endpoint(address), Endpoint("10.20.1.10", 0, 22)
        evidence = Evidence(
            "flow",
            source,
            target,
            "tcp",
            time,
            flow_id=n + 1,
            offset=24,
            frame=n + 1,
            community_id=f"1:{n:027}=",
        )
        return Finding(
            id=derived_id("scan", "horizontal", first + n), detector="scan", version=1, kind="horizontal",
            session="5e55", lane="live", time=time, began=time - 1_000_000_000,
            severity=Severity((first + n) % 5 + 1), confidence=0.9, score=25.0, threshold=20.0,
            entity=f"0/{source.address}", source=source, target=target, evidence=(evidence,),
            facts={"failures": 25, "port": "22"},
        )  # fmt: skip

    def make(count: int, first: int = 0) -> list[dict[str, Any]]:
        correlator = Correlator(CorrelateSettings(), {"scan": card}, locate=locate)
        return correlator.add([finding(n, first) for n in range(count)], session)

    return make


@pytest.fixture
def real_flows() -> Any:
    """`real_flows(data, 6)` archives that many flows, from 192.0.2.1 on to 10.20.1.10."""
    import numpy as np

    from alerts.archive import FlowArchive
    from citywall.addresses import to_words
    from citywall.batches import CLOSED, END, FLOW
    from citywall.sessions import Session

    def make(data: Path, count: int) -> None:
        session = Session("5e55", "capture", "/captures/scan.pcap", 1000, "live", START + 86_400_000_000_000)
        reports, closed = np.zeros(count, FLOW), np.zeros(count, CLOSED)
        for n in range(count):
            reports[n]["kind"], reports[n]["flow_id"], reports[n]["proto"] = END, n + 1, 6
            reports[n]["first"], reports[n]["last"] = START + n * 10**9, START + (n + 1) * 10**9
            for side, host in (("src", f"192.0.2.{n + 1}"), ("dst", "10.20.1.10")):
                reports[n][f"{side}_hi"], reports[n][f"{side}_lo"] = to_words(host)
            reports[n]["dst_port"] = 22
            closed[n]["flow_id"] = n + 1
        ids = np.array([f"1:{n:027}=" for n in range(count)], "S30")
        FlowArchive(data).write(reports, closed, ids, session, 0)

    return make
