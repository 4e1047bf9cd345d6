"""The service of the benchmark says why it does not start."""

from __future__ import annotations

import pytest

from bench.errors import BenchError
from bench.live import service


def test_a_service_without_an_interface_is_told(tmp_path):
    service.prepare(tmp_path / "data")
    with pytest.raises(BenchError, match="does not capture"):
        service.Service(tmp_path / "data", "cwnone")
