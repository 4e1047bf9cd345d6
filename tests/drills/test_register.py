"""The example extranet is consistent."""

from __future__ import annotations

import ipaddress

import pytest

from citywall.addresses import is_private, to_words
from drills.register import Host, addresses, example


def test_hosts_are_who_they_are():
    register = example()
    hosts = list(register.hosts.values())
    assert len({h.v4 for h in hosts}) == len(hosts)
    assert len({h.v6 for h in hosts if h.v6}) == len([h for h in hosts if h.v6])
    for system in register.systems:
        assert all(name in register.hosts for name in system.hosts)
        assert system.unit in {unit.name for unit in register.units}
    with pytest.raises(ValueError, match="already"):
        register.add(Host("portal", "10.0.0.1"))


def test_home_is_private_and_the_rest_is_for_documentation():
    inside = [ipaddress.ip_network(p) for unit in example().units for p in unit.prefixes]
    for host in example().hosts.values():
        for address in filter(None, (host.v4, host.v6)):
            ours = any(ipaddress.ip_address(address) in net for net in inside)
            assert ours == is_private(*to_words(address))


def test_looking_up():
    register = example()
    assert register.owner("10.20.1.10") is register["portal"]
    assert register.owner("fd20:0:1::a") is register["portal"]
    assert register.owner("10.20.1.11") is None
    assert [h.name for h in register.group("admin-")] == ["admin-0", "admin-1"]
    assert register["portal"].address(6) == "fd20:0:1::a"
    assert addresses([register["dns"], register["portal"]]) == [
        "10.20.1.10",
        "10.20.1.53",
        "fd20:0:1::a",
        "fd20:0:1::35",
    ]
