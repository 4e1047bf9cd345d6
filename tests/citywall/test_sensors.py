from __future__ import annotations

import pytest

from citywall.errors import SettingsError
from citywall.sensors import SensorSettings
from citywall.settings import load, results_digest


def test_they_are_settings_like_others_and_change_no_result():
    settings = load(environment={}, assignments=["sensor.ring_mib=4", "sensor.promiscuous=false"])
    assert settings.sensor == SensorSettings(ring_mib=4, promiscuous=False)
    assert results_digest(settings) == results_digest(load(environment={}))
    with pytest.raises(SettingsError, match=r"sensor\.snaplen: .*>= 64"):
        load(environment={}, assignments=["sensor.snaplen=10"])
