"""What the exports of the benchmark hold."""

from __future__ import annotations

from bench.ours import netflow


def test_every_record_is_read_and_conversations_are_joined():
    for version in (9, 10):
        payloads = netflow.datagrams(version, 100)
        assert len(payloads) == 5
        assert netflow.decode(payloads)[0] == 100
        assert netflow.read(payloads)[0] == 100
