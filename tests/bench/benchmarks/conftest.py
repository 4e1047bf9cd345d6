"""Stand-ins for measuring."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.captures import Capture
from bench.harness import Context


class FakeCaptures:
    """Names captures and makes none."""

    def get(self, packets: int, profile: str = "extranet") -> Capture:
        return Capture(Path(f"{profile}-{packets}.pcap"), packets)


@pytest.fixture
def compared():
    """Stands for the comparison: a packet of a larger capture costs more."""

    def compare(name, context, ours, peers):
        cases = {f"{n // 1_000_000}M": n / 1e15 for n in context.sizes}
        return {"name": name, "ours": cases, "units": {}, "peers": {peer.name: {} for peer in peers}}

    return compare


@pytest.fixture
def context():
    return Context((2_000_000, 20_000_000), 1, FakeCaptures(), lambda _: None)
