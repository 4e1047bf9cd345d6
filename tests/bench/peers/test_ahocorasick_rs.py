from __future__ import annotations

import pytest

from bench.ours.signatures import ITEMS
from bench.peers import ahocorasick_rs
from tests.bench.ours.test_signatures import given

__all__ = ["given"]


@pytest.mark.skipif(ahocorasick_rs.version() is None, reason=ahocorasick_rs.OBTAIN)
def test_it_finds_what_ours_finds(given):
    assert ahocorasick_rs.report(*given)["told"] == ITEMS // 2
