from __future__ import annotations

import pytest

from bench.peers import hyperscan
from tests.bench.ours.test_signatures import given

__all__ = ["given"]


@pytest.mark.skipif(hyperscan.version() is None, reason=hyperscan.OBTAIN)
def test_it_finds_what_ours_finds(given):
    told = hyperscan.report(*given)
    assert told["literals"] == 2
    assert told["told"] > 0
    assert told["bytes"] == 12_000_000
