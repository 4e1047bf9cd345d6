"""Names of hosts and networks."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citywall.addresses import to_words
from citywall.domains import NAMED, Domains, DomainSettings
from citywall.findings import Evidence
from detectors.places import Places, common_prefix, distinct


def test_home_is_what_the_settings_say():
    places = Places(("10.0.0.0/8", "fd00::/8"))
    assert places.is_home(*to_words("10.1.2.3"))
    assert places.is_home(*to_words("fd12::1"))
    assert all(places.is_home(*to_words(a)) for a in ("127.0.0.1", "::1", "169.254.1.1", "fe80::1"))
    assert not places.is_home(*to_words("11.0.0.1"))
    assert not places.is_home(*to_words("2001:db8::1"))


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        (0, "10.0.0.5"),
        (12, "vlan 12/10.0.0.5"),
        (100 << 12 | 7, "vlan 100.7/10.0.0.5"),
        (NAMED + 1, "domain 1/10.0.0.5"),
        (1 << 31 | 5000, "vni 5000/10.0.0.5"),
    ],
)
def test_a_domain_is_part_of_the_name(domain, name):
    assert Places(()).name(domain, "10.0.0.5") == name


def test_named_domains_have_their_names():
    places = Places((), Domains(DomainSettings(vlans={"12": "tax", "13": "police"})))
    assert places.name(NAMED, "10.0.0.5") == "police/10.0.0.5"


def test_public_addresses_have_no_domain():
    assert Places(()).endpoint(*to_words("8.8.8.8"), 12).domain == 0
    assert Places(()).endpoint(*to_words("10.0.0.5"), 12, 22).domain == 12


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=5), st.booleans())
def test_the_common_prefix_holds_all_and_is_the_smallest(values, six):
    kind = ipaddress.IPv6Address if six else ipaddress.IPv4Address
    words = [to_words(str(kind(v))) for v in values]
    spread = (0, 0)
    for hi, lo in words:
        spread = (spread[0] | hi ^ words[0][0], spread[1] | lo ^ words[0][1])
    address, length = common_prefix(words[0], spread)
    network = ipaddress.ip_network(f"{address}/{length}")
    assert all(kind(v) in network for v in values)
    if len(set(values)) == 1:
        assert length == kind(0).max_prefixlen
    else:
        assert not all(any(kind(v) in half for v in values) is False for half in network.subnets())
        assert not any(all(kind(v) in half for v in values) for half in network.subnets())


def test_evidence_is_named_once():
    here = Places(()).endpoint(*to_words("10.0.0.5"), 0)
    one = Evidence("flow", here, here, "tcp", 1, flow_id=7)
    assert distinct([one, one, Evidence("flow", here, here, "tcp", 2, flow_id=8)]) == (
        one, Evidence("flow", here, here, "tcp", 2, flow_id=8),
    )  # fmt: skip
