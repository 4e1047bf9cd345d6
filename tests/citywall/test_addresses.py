"""Addresses as words, against the standard library."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citywall.addresses import is_private, mac_to_text, to_text, to_words

V4 = st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address)
V6 = st.integers(0, 2**128 - 1).map(ipaddress.IPv6Address)
OURS = [
    ipaddress.ip_network(n)
    for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16",
              "fc00::/7", "fe80::/10")
]  # fmt: skip


@given(V4 | V6)
def test_words_and_text_agree_with_the_standard_library(ip: ipaddress.IPv4Address | ipaddress.IPv6Address):
    text = to_text(*to_words(str(ip)))
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    assert text == str(mapped or ip)


@given(V4 | V6)
def test_private_is_what_may_be_used_twice(ip: ipaddress.IPv4Address | ipaddress.IPv6Address):
    expected = any(ip in n for n in OURS if n.version == ip.version)
    assert is_private(*to_words(str(ip))) == expected


@pytest.mark.parametrize("network", OURS, ids=str)
def test_private_at_the_edges(network: ipaddress.IPv4Network | ipaddress.IPv6Network):
    for edge, expected in ((network[0], True), (network[-1], True), (network[0] - 1, False)):
        assert is_private(*to_words(str(edge))) == expected


def test_not_an_address():
    with pytest.raises(ValueError):
        to_words("10.0.0")


def test_mac():
    assert mac_to_text(0x001122AABBFF) == "00:11:22:aa:bb:ff"
