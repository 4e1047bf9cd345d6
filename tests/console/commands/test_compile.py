from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from citywall import kernelcache


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("CITYWALL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(kernelcache, "sources", list)  # one digest, whatever is edited meanwhile
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is compiled beside the sources of who tests."""
    from console.commands import compile as compiling

    monkeypatch.setattr(compiling.write_bytecode, "__defaults__", (tmp_path,))


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, cache: Path) -> list[list[str]]:
    """Stands in for the stream: what it was given, with every file's first bytes."""
    calls: list[list[str]] = []

    def run_paths(paths: list[Path], data: Path, settings: Any, observe: Any) -> None:
        calls.append([path.name for path in paths])
        assert all(path.stat().st_size for path in paths)

    module = ModuleType("stream.runner")
    module.run_paths = run_paths  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "stream.runner", module)
    return calls


def test_compiles_once(invoke: Any, runs: list[list[str]], cache: Path):
    first = invoke("compile", "--quiet")
    assert first.exit_code == 0
    assert first.stderr.startswith("compiling the kernels")
    assert first.stdout == ""
    again = invoke("compile", "--quiet")
    assert (again.exit_code, again.output) == (0, "")
    assert "compiled already" in invoke("compile").stderr
    assert len(runs) == 1
    assert {Path(name).suffix for name in runs[0]} == {".pcap", ".log", ".binetflow", ".json", ".dat"}


def test_a_failure_is_not_taken_for_compiled(
    invoke: Any, runs: list[list[str]], monkeypatch: pytest.MonkeyPatch
):
    def fails(*_: Any) -> None:
        raise RuntimeError("no space left")

    monkeypatch.setattr(sys.modules["stream.runner"], "run_paths", fails)
    assert invoke("compile").exit_code == 1
    assert invoke("compile").exit_code == 1


def test_the_flow_logs_are_of_known_kinds(tmp_path: Path):
    from console.commands import compile as compiling
    from ingest.flowlogs import registry

    texts = (("conn.log", compiling._ZEEK), ("x.binetflow", compiling._BINETFLOW), ("eve", compiling._EVE))
    texts = (*texts, *((f"{name}.log", text) for name, text in compiling._TOLD.items()))
    named = [(name, text.encode()) for name, text in texts]
    for name, content in (*named, ("v5.dat", compiling._NETFLOW), ("sflow.dat", compiling._SFLOW)):
        path = tmp_path / name
        path.write_bytes(content)
        assert registry.sniff(path) is not None


def test_bytecode_is_kept_where_python_may_not_write_it(tmp_path: Path):
    from console.commands.compile import write_bytecode

    module, broken = tmp_path / "console" / "deep" / "told.py", tmp_path / "rules" / "broken.py"
    for path, text in ((module, "print(__cached__)\n"), (broken, "def\n")):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    write_bytecode(tmp_path)
    kept = Path(importlib.util.cache_from_source(str(module)))
    before = kept.stat().st_mtime_ns
    write_bytecode(tmp_path)
    assert kept.stat().st_mtime_ns == before
    done = subprocess.run(
        [sys.executable, "-v", "-c", "import console.deep.told"], capture_output=True, text=True, check=True,
        cwd=tmp_path, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.stdout.strip() == str(kept)
    assert f"code object from {str(kept)!r}" in done.stderr


def test_every_room_that_commands_import_is_compiled():
    from console.commands.compile import _ROOMS

    rooms = {path.parent.name for path in kernelcache.ROOT.glob("*/__init__.py")}
    assert set(_ROOMS) == rooms - {"bench", "tests"}
