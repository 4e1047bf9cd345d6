from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citywall.addresses import is_private, to_words
from posture.spans import host, private, span

NETWORKS = st.one_of(
    st.ip_addresses(v=4).flatmap(lambda a: st.integers(0, 32).map(lambda n: f"{a}/{n}")),
    st.ip_addresses(v=6).flatmap(lambda a: st.integers(0, 128).map(lambda n: f"{a}/{n}")),
    st.sampled_from(["10.0.0.0/8", "100.64.0.0/10", "fc00::/7", "172.16.0.0/12", "172.16.0.0/11", "::/0"]),
)


@given(NETWORKS)
def test_the_same_as_ipaddress(text: str):
    net = ipaddress.ip_network(text, strict=False)
    if isinstance(net, ipaddress.IPv6Network) and net.network_address.ipv4_mapped:
        return
    found = span(str(net))
    ends = (net.network_address, net.broadcast_address)
    assert found == (net.version, *map(int, ends))
    for end in ends:
        assert private(net.version, int(end)) == is_private(*to_words(str(end)))
        if not (end.version == 6 and end.ipv4_mapped):
            assert host(str(end)) == (net.version, int(end))


def test_private():
    for text, expected in (
        ("10.0.0.0/8", True), ("10.0.0.0/7", False), ("172.16.0.0/12", True), ("172.0.0.0/11", False),
        ("fd00::/8", True), ("fc00::/6", False), ("0.0.0.0/0", False), ("2001:db8::/32", False),
    ):  # fmt: skip
        assert span(text).private is expected


def test_mapped_addresses_are_of_version_4():
    assert host("::ffff:10.0.0.1") == host("10.0.0.1") == (4, 0x0A00_0001)
    assert host("::1") == (6, 1)


@pytest.mark.parametrize(
    "text", ["", "x", "10.0.0", "10.0.0.1.2", "::g", "fe80::1%eth0", "10.0.0.1 ", "\ud800", "1\0"]
)
def test_what_is_no_address(text: str):
    with pytest.raises(ValueError, match="is no address"):
        host(text)


@pytest.mark.parametrize(
    "text",
    ["10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/٣", "10.0.0.1/8", "::1/127", "::/129"],
)
def test_what_is_no_prefix(text: str):
    with pytest.raises(ValueError, match=r"prefix|mask"):
        span(text)
