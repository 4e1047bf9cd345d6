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
