from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from citywall.settings import load
from console.doctor.check import World


@pytest.fixture
def world(tmp_path: Path) -> Callable[..., World]:
    """A world in an empty folder, with settings."""
    return lambda *assignments: World(tmp_path, load(None, assignments=assignments))
