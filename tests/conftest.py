"""What every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Machines are noisy and kernels compile on their first call: no test may fail for being slow.
settings.register_profile("citywall", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("citywall")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real captures beside the project; skips where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder of real captures (../shared/data) is not here")
    return folder
