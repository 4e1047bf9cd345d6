"""The package, where it is installed, reads every record."""

from __future__ import annotations

import pytest

from bench.ours import netflow as ours
from bench.peers import netflow


@pytest.mark.skipif(netflow.version() is None, reason="netflow is not installed")
def test_it_reads_every_record():
    for version in (9, 10):
        assert netflow.read(ours.datagrams(version, 48))[0] == 48


def test_where_it_is_not(nothing_installed):
    assert netflow.version() is None
