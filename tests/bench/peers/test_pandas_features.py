"""Features by pandas, where it is installed."""

from __future__ import annotations

import pytest

from bench.ours.detectors import flows
from bench.peers import pandas_features


def test_it_measures_where_it_is():
    pytest.importorskip("pandas")
    assert pandas_features.installed()
    assert pandas_features.measure(flows(10, 300, 1)) > 0
