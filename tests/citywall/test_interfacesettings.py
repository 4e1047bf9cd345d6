from __future__ import annotations

import pytest

from citywall.errors import SettingsError
from citywall.settings import load


def test_what_an_interface_does_not_say_is_as_for_all():
    given = [
        "sensor.filter=tcp",
        "sensor.interfaces.eth1.filter=udp port 53",
        "sensor.interfaces.eth1.snaplen=96",
    ]
    sensor = load(None, {}, given).sensor
    one, other = sensor.of("eth1"), sensor.of("eth2")
    assert (one.filter, one.snaplen, one.ring_mib) == ("udp port 53", 96, sensor.ring_mib)
    assert other == sensor


def test_a_filter_may_be_taken_away():
    sensor = load(None, {}, ["sensor.filter=tcp", 'sensor.interfaces.eth1.filter=""']).sensor
    assert sensor.of("eth1").filter == ""


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ('sensor.interfaces.eth1.vlans={"5000"="x"}', r"interfaces\.eth1\.vlans\.5000"),
        ("sensor.interfaces.eth1.lane=real", r"interfaces"),
        ("sensor.interfaces.eth1.speed=3", r"interfaces"),
        ("sensor.interfaces.eth1.snaplen=3", r"interfaces"),
    ],
)
def test_what_is_wrong_is_named(given: str, key: str):
    with pytest.raises(SettingsError, match=key):
        load(None, {}, [given])
