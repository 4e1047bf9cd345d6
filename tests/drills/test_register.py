"""The example extranet is consistent."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from citywall.addresses import is_private, to_words
from drills.register import CAST, Host, Miscast, addresses, example, mac_of, of
from posture.reading import EXAMPLE, read
from posture.table import Table


def test_hosts_are_who_they_are():
    register = example()
    hosts = list(register.hosts.values())
    assert len({h.v4 for h in hosts}) == len(hosts)
    assert len({h.v6 for h in hosts if h.v6}) == len([h for h in hosts if h.v6])
    with pytest.raises(ValueError, match="already"):
        register.add(Host("portal", "10.0.0.1"))


def test_home_is_private_and_the_rest_is_for_documentation():
    inside = [ipaddress.ip_network(p) for p in ("10.20.0.0/16", "fd20::/32")]
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


def test_every_part_is_somebody_in_the_example_register():
    table = Table(read([Path(EXAMPLE)]))
    register = example()
    for part, (name, *_) in CAST.items():
        if part in register.hosts:
            place = table.locate("default", register[part].v4)
            assert place is not None
            assert place.asset == name
            assert place.unit
    for host in register.group("client-"):
        place = table.locate("default", host.v6)
        assert place is not None
        assert place.unit == "finance"


def test_another_cast():
    shipped = read([Path(EXAMPLE)])
    register = of(shipped, {"portal": ("mobile-app-1",), "clients": ("10.20.120.0/24", "fd20:0:100::/64")})
    assert register["portal"].v4 == "10.20.100.25"
    assert register["portal"].ports == (80, 443)
    assert register["client-00"].v4 == "10.20.120.11"
    assert register.gateway.v4 == "10.20.120.1"
    with pytest.raises(Miscast) as caught:
        of(shipped, {"portal": ("nobody",), "dns": ("cameras",), "admins": ("10.99.0.0/24",)})
    assert [(part, key) for part, key, _ in caught.value.faults] == [
        ("portal", "no_such_asset"), ("dns", "no_host_address"), ("admins", "no_such_prefix"),
        ("admins", "prefix_small"),
    ]  # fmt: skip


def test_macs():
    assert mac_of("10.20.30.66") == "02:20:30:00:00:42"
    assert mac_of("fd20:0:30::bad") == "02:20:30:00:0b:ad"
    assert mac_of("10.20.200.1") == "02:20:c8:00:00:01"
