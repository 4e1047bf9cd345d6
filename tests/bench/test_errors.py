"""Exit codes of what can go wrong."""

from __future__ import annotations

import pytest

from bench.errors import BenchError, BenchUsageError
from citywall.errors import CitywallError


@pytest.mark.parametrize(("error", "code"), [(BenchError, 1), (BenchUsageError, 2)])
def test_errors_are_the_projects_and_have_exit_codes(error, code):
    assert issubclass(error, CitywallError)
    assert error("why").exit_code == code
    assert str(error("why")) == "why"
