"""Loads `tests_desk` (deskcase.py) and `tests_cases` (the alerts that cases are made of)."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from trust import accounts

_HERE = Path(__file__).parent
for name, path in (
    ("tests_desk", _HERE / "deskcase.py"),
    ("tests_cases", _HERE.parents[1] / "alerts" / "cases" / "alertdocs.py"),
):
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)


@pytest.fixture
def people(invoke: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A data folder with a root, li (analyst), chen (approver), wang and sun (liaisons of edu and tax)."""
    import tests_desk

    monkeypatch.setattr(accounts, "Passwords", tests_desk.quick_passwords)
    return tests_desk.People(invoke, tmp_path)


@pytest.fixture
def case_alert() -> Any:
    from tests_cases import alert

    return alert
