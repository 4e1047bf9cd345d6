"""Loads `tests_cases` (alertdocs.py), and gives alerts to make cases of."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

if "tests_cases" not in sys.modules:
    spec = importlib.util.spec_from_file_location("tests_cases", Path(__file__).parent / "alertdocs.py")
    assert spec is not None
    assert spec.loader is not None
    tests_cases = importlib.util.module_from_spec(spec)
    sys.modules["tests_cases"] = tests_cases
    spec.loader.exec_module(tests_cases)

from tests_cases import alert


@pytest.fixture
def make() -> Any:
    return alert
