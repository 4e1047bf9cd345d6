from __future__ import annotations

from alerts.embedded import EmbeddedStore
from bench.ours.console import fill


def test_whole_alerts_are_written(tmp_path):
    fill(tmp_path, 12)
    store = EmbeddedStore(tmp_path / "alerts", read_only=True)
    documents = list(store.scan())
    assert len(documents) == 12
    assert all(len(d["citywall"]["evidence"]) == 1 for d in documents)
