from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alerts.store import open_store
from citywall.errors import UsageError
from citywall.settings import load
from console import hostcard
from console.display.sheet import layout, plain
from console.sources import Sources


@pytest.fixture
def data(tmp_path: Path, real_alerts: Any, real_flows: Any) -> Path:
    store = open_store("sqlite://", tmp_path)
    store.upsert(real_alerts(4))
    store.close()
    real_flows(tmp_path, 3)
    return tmp_path


def card(data: Path, address: str, *assignments: str) -> hostcard.HostCard:
    return hostcard.gather(Sources(data, load(None, environment={}, assignments=assignments)), address)


def test_a_registered_host(data: Path):
    found = card(data, "10.20.1.10", "register=example")
    assert (found.total, len(found.alerts), len(found.flows)) == (4, 4, 3)
    said = "\n".join(plain(layout(hostcard.whole(found, "zh", unit=True), 110)))
    for words in ("门户网站服务器", "公众门户", "涉及的告警 (4)", "192.0.2.1"):
        assert words in said


def test_a_host_that_nobody_knows(data: Path):
    assert card(data, "198.51.100.1").places is None
    found = card(data, "198.51.100.1", "register=example")
    assert (found.places, found.total, found.alerts, found.flows) == ([], 0, [], [])
    said = "\n".join(plain(layout(hostcard.whole(found, "en", unit=False), 80)))
    assert "The register does not know it." in said
    assert said.count("Nothing found.") == 2


def test_addresses():
    assert hostcard.address_of(" FD20::0A ", "en") == "fd20::a"
    with pytest.raises(UsageError):
        hostcard.address_of("portal", "en")
