from __future__ import annotations

from pathlib import Path

import pytest

from alerts.embedded import EmbeddedStore
from alerts.store import AlertStore, open_store
from citywall.errors import StoreError


def test_the_embedded_store_keeps_the_contract(tmp_path: Path) -> None:
    store: AlertStore = open_store("sqlite://", tmp_path)
    assert isinstance(store, EmbeddedStore)
    assert store.folder == tmp_path / "alerts"
    store.close()


def test_other_stores_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="mysql"):
        open_store("mysql://x", tmp_path)
