"""What is run so that every kernel is compiled. That nothing is left to be is seen by whoever runs after."""

from __future__ import annotations

import importlib.util
import os
import subprocess
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
    monkeypatch.setattr(compiling, "others", lambda: compiling.stream(packets=False))
    return calls


def test_side_by_side_where_there_is_room(runs: list[set[str]], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(compiling, "content", os.getpid)  # whatever another process knows by its name
    compiling.every_kernel()
    assert runs == [LOGS, LOGS | {".pcap", ".pcapng"}]


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
    assert runs == [{"content"}, LOGS, LOGS | {".pcap", ".pcapng"}]


def test_the_flow_logs_are_of_known_kinds(tmp_path: Path):
    texts = {"conn.log": compiling.ZEEK, "x.binetflow": compiling.BINETFLOW, "eve": compiling.EVE}
    texts |= {f"{name}.log": text for name, text in compiling.TOLD.items()}
    raw = {name: text.encode() for name, text in texts.items()}
    raw |= {"v5.dat": compiling.NETFLOW, "sflow.dat": compiling.SFLOW}
    for name, content in raw.items():
        path = tmp_path / name
        path.write_bytes(content)
        assert registry.sniff(path) is not None


def test_bytecode_is_kept_where_python_may_not_write_it(tmp_path: Path):
    room, other, bench = (tmp_path / name for name in ("console", "rules", "bench"))
    module, broken, left = room / "deep" / "told.py", other / "broken.py", bench / "a.py"
    for path, text in ((module, "print(__cached__)\n"), (broken, "def\n"), (left, "")):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    for each in (room, other, bench):
        (each / "__init__.py").touch()
    compiling.bytecode(tmp_path)
    kept = Path(importlib.util.cache_from_source(str(module)))
    before = kept.stat().st_mtime_ns
    compiling.bytecode(tmp_path)
    assert kept.stat().st_mtime_ns == before
    assert not Path(importlib.util.cache_from_source(str(left))).exists()
    done = subprocess.run(
        [sys.executable, "-v", "-c", "import console.deep.told"], capture_output=True, text=True, check=True,
        cwd=tmp_path, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.stdout.strip() == str(kept)
    assert f"code object from {str(kept)!r}" in done.stderr
