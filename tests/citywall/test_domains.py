"""Network domains tell two hosts with one address apart."""

from __future__ import annotations

import pytest

from citywall.addresses import to_words
from citywall.domains import NAMED, Domains, DomainSettings, of_host, vlan_number


def test_each_vlan_is_a_domain_by_default():
    domains = Domains(DomainSettings())
    assert domains.of_vlan(0) == 0
    assert domains.of_vlan(12) != domains.of_vlan(13)
    assert domains.name(12) == "vlan 12"
    assert domains.name(vlan_number("100.12")) == "vlan 100.12"
    assert domains.name(0) == "default"


def test_vlans_can_share_a_named_domain():
    domains = Domains(DomainSettings(by_vlan=False, vlans={"12": "health", "13": "health", "7": "taxes"}))
    assert domains.of_vlan(12) == domains.of_vlan(13) >= NAMED
    assert domains.of_vlan(7) != domains.of_vlan(12)
    assert domains.name(domains.of_vlan(7)) == "taxes"
    assert domains.of_vlan(99) == 0


def test_virtual_networks_are_domains_too():
    domains = Domains(DomainSettings(vlans={"vni:5000": "health"}))
    assert domains.name(domains.of_vlan(vlan_number("vni:5000"))) == "health"
    other = vlan_number("vni:12")
    assert domains.of_vlan(other) not in {domains.of_vlan(12), NAMED}
    assert domains.name(domains.of_vlan(other)) == "vni 12"
    with pytest.raises(ValueError, match="virtual networks"):
        vlan_number("vni:16777216")


def test_only_private_addresses_are_told_apart():
    assert of_host(12, *to_words("10.0.0.5")) == 12
    assert of_host(12, *to_words("fd00::5")) == 12
    assert of_host(12, *to_words("8.8.8.8")) == 0


def test_vlan_numbers():
    assert vlan_number("4095") == 4095
    assert vlan_number("2.3") == 2 << 12 | 3
    for wrong in ("4096", "x", "1.5000"):
        with pytest.raises(ValueError):
            vlan_number(wrong)


def test_a_session_has_domains_of_its_own_and_numbers_stay():
    domains = Domains(DomainSettings(vlans={"12": "health"}, names=("police",)))
    assert domains.of_session({}) is domains
    own = domains.of_session({"0": "police", "13": "health"})
    assert own.names == domains.names == ["police", "health"]
    assert [own.name(own.of_vlan(vlan)) for vlan in (0, 12, 13, 14)] == [
        "police", "health", "health", "vlan 14",
    ]  # fmt: skip
    assert domains.of_vlan(0) == 0
