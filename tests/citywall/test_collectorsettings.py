"""Settings of flow exports are settings like others."""

from __future__ import annotations

import pytest

from citywall.errors import SettingsError
from citywall.settings import load


def test_they_are_read_and_checked():
    settings = load(
        environment={}, assignments=["collector.listen=127.0.0.1:2055", "collector.captures=false"]
    )
    assert settings.collector.listen == ("127.0.0.1:2055",)
    assert not settings.collector.captures
    with pytest.raises(SettingsError, match=r"collector\.receive_mib"):
        load(environment={}, assignments=["collector.receive_mib=0"])
