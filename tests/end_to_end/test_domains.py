"""Departments' private networks overlap: the VLAN tells their hosts apart."""

from __future__ import annotations

from pathlib import Path

from drills import packets

from .conftest import START, Citywall, syn_scan


def overlapping(path: Path) -> Path:
    frames: list[packets.Frame] = []
    for vlan in (12, 13):
        targets = [f"10.0.1.{i}" for i in range(2, 60)]
        frames += syn_scan(START + vlan, "10.0.0.5", targets, 445, vlans=(vlan,))
    frames.sort()
    packets.write_pcap(path, frames)
    return path


def test_two_vlans_two_hosts_two_alerts(citywall: Citywall, tmp_path: Path):
    citywall.run(overlapping(tmp_path / "vlans.pcap"))
    alerts = list(citywall.alerts().values())
    assert [a["source"]["ip"] for a in alerts] == ["10.0.0.5", "10.0.0.5"]
    assert len({a["citywall"]["entity"] for a in alerts}) == 2


def test_one_domain_where_the_settings_say_so(citywall: Citywall, tmp_path: Path):
    citywall.run(overlapping(tmp_path / "vlans.pcap"), "--set", "domains.by_vlan=false")
    assert len({a["citywall"]["entity"] for a in citywall.alerts().values()}) == 1
