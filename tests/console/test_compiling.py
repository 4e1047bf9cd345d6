"""What is run so that every kernel is compiled. That nothing is left to be is seen by whoever runs after."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from console import compiling
from ingest.flowlogs import registry

LOGS = {".log", ".binetflow", ".json", ".dat"}


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """Stands in for the stream: the kinds of files that it was given."""
    calls: list[set[str]] = []

    def run_paths(paths: list[Path], data: Path, settings: Any, observe: Any) -> None:
        assert all(path.stat().st_size for path in paths)
        assert settings.partitions > 1
        calls.append({path.suffix for path in paths})

    module = ModuleType("stream.runner")
    module.run_paths = run_paths  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "stream.runner", module)
    return calls


def test_side_by_side_where_there_is_room(runs: list[set[str]], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(compiling, "content", os.getpid)  # whatever another process knows by its name
    compiling.every_kernel()
    assert runs == [LOGS, LOGS | {".pcap"}]


def test_a_failure_beside_is_one(runs: list[set[str]], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(compiling, "content", os.fspath)  # which wants something
    with pytest.raises(TypeError):
        compiling.every_kernel()
    assert runs == [LOGS]


def test_one_after_another_where_there_is_none(runs: list[set[str]], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    monkeypatch.setattr(compiling, "content", lambda: runs.append({"content"}))
    compiling.every_kernel()
    assert runs == [{"content"}, LOGS | {".pcap"}]


def test_the_flow_logs_are_of_known_kinds(tmp_path: Path):
    texts = {"conn.log": compiling.ZEEK, "x.binetflow": compiling.BINETFLOW, "eve": compiling.EVE}
    texts |= {f"{name}.log": text for name, text in compiling.TOLD.items()}
    raw = {name: text.encode() for name, text in texts.items()}
    raw |= {"v5.dat": compiling.NETFLOW, "sflow.dat": compiling.SFLOW}
    for name, content in raw.items():
        path = tmp_path / name
        path.write_bytes(content)
        assert registry.sniff(path) is not None
