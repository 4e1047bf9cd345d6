from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from citywall import kernelcache
from console import compiling


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Stands in for the compiler: how often it was asked."""
    calls: list[str] = []
    monkeypatch.setenv("CITYWALL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(kernelcache, "sources", list)  # one digest, whatever is edited meanwhile
    monkeypatch.setattr(compiling, "every_kernel", lambda: calls.append("all"))
    monkeypatch.setattr(compiling, "bytecode", lambda: None)  # nothing beside the sources of who tests
    return calls


def test_compiles_once(invoke: Any, runs: list[str]):
    first = invoke("compile", "--quiet")
    assert first.exit_code == 0
    assert first.stderr.startswith("compiling the kernels")
    assert first.stdout == ""
    again = invoke("compile", "--quiet")
    assert (again.exit_code, again.output) == (0, "")
    assert "compiled already" in invoke("compile").stderr
    assert runs == ["all"]


def test_a_failure_is_not_taken_for_compiled(invoke: Any, runs: list[str], monkeypatch: pytest.MonkeyPatch):
    def fails() -> None:
        raise RuntimeError("no space left")

    monkeypatch.setattr(compiling, "every_kernel", fails)
    assert invoke("compile").exit_code == 1
    assert invoke("compile").exit_code == 1
