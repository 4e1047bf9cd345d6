"""Shares the capture writer and reader of the capture tests."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

_path = Path(__file__).parent.parent / "capture" / "conftest.py"
_spec = importlib.util.spec_from_file_location("citywall_test_capture_conftest", _path)
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = _module
_spec.loader.exec_module(_module)
writing = _module.writing
read_all = _module.read_all


@pytest.fixture(scope="session")
def datagrams():
    return _module.load(Path(__file__).with_name("datagrams.py"))
