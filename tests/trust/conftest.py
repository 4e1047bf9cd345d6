"""Loads `trust_logs` (logs.py), and gives logs to work on."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from trust.audit import AuditLog

if "trust_logs" not in sys.modules:
    spec = importlib.util.spec_from_file_location("trust_logs", Path(__file__).parent / "logs.py")
    assert spec is not None
    assert spec.loader is not None
    trust_logs = importlib.util.module_from_spec(spec)
    sys.modules["trust_logs"] = trust_logs
    spec.loader.exec_module(trust_logs)

from trust_logs import Clock, closing


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "audit"


@pytest.fixture
def write(folder: Path, clock: Clock) -> Callable[..., list[Path]]:
    """`write(count, file_bytes=…)` appends that many records; returns the files."""

    def run(count: int, *, file_bytes: int = 1 << 20) -> list[Path]:
        with AuditLog(folder, file_bytes=file_bytes, clock=clock) as log:
            for case in range(count):
                log.append(closing(case))
        return sorted(folder.glob("*.jsonl"))

    return run
