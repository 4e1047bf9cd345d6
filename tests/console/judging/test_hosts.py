from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from console.judging.hosts import Hosts, named


@pytest.mark.parametrize(
    ("text", "networks", "macs"),
    [
        ("192.168.1.247 (50:ed:3c:39:bc:d9)", {"192.168.1.247/32"}, {"50:ed:3c:39:bc:d9"}),
        ("37,623 spoofed sources", set(), set()),
        ("4,276 reflectors, src port 161", set(), set()),
        ("ff02::1 / local link", {"ff02::1/128"}, set()),
        ("ff02::1 (spoofed)", {"ff02::1/128"}, set()),
        ("46.166.151.160, 216.73.23.146", {"46.166.151.160/32", "216.73.23.146/32"}, set()),
        ("147.32.80.0/21", {"147.32.80.0/21"}, set()),
        ("128.2.0.0/16 (anonymised)", {"128.2.0.0/16"}, set()),
        ("10.10.10.10:25565", {"10.10.10.10/32"}, set()),
        ("172.16.238.1 / 172.16.238.11", {"172.16.238.1/32", "172.16.238.11/32"}, set()),
        (
            "192.168.1.105:4444 (65 packets), 192.168.1.104:139",
            {"192.168.1.105/32", "192.168.1.104/32"},
            set(),
        ),
        ("91.143.93.242 etc", {"91.143.93.242/32"}, set()),
        ("2001:db8:1::2", {"2001:db8:1::2/128"}, set()),
        ("[2001:db8::1]:443, ::1.", {"2001:db8::1/128", "::1/128"}, set()),
        ("2001:db8::/32", {"2001:db8::/32"}, set()),
        ("00:25:b3:bf:91:ee", set(), {"00:25:b3:bf:91:ee"}),
        ("00-25-B3-BF-91-EE", set(), {"00:25:b3:bf:91:ee"}),
        ("host 10.0.0.1.", {"10.0.0.1/32"}, set()),
        ("-", set(), set()),
        ("", set(), set()),
        ("version 1.2.3.4.5 at 12:30:45, 300.1.1.1, 10.0.0.0/33", set(), set()),
    ],
)
def test_named(text: str, networks: set[str], macs: set[str]):
    found = named(text)
    assert {str(n) for n in found.networks} == networks
    assert found.macs == macs
    assert bool(found) == bool(networks or macs)


@given(st.ip_addresses(), st.sampled_from(["{}", "{} (victim)", "a {}, b", "{} / x", "{}."]))
@settings(max_examples=200)
def test_every_address_is_found_in_any_sentence(address: object, sentence: str):
    assume(str(address) != "::")  # two colons alone are punctuation
    found = named(sentence.format(address))
    assert {str(n.network_address) for n in found.networks} == {str(address)}


@given(st.text(max_size=60))
@settings(max_examples=300)
def test_any_text_can_be_read(text: str):
    named(text)


def test_covers():
    hosts = named("147.32.80.0/21") | named("192.168.1.247 (50:ed:3c:39:bc:d9)") | named("2001:db8::/64")
    assert hosts.covers("147.32.85.3")
    assert hosts.covers("147.32.80.0/24")
    assert hosts.covers("192.168.1.247")
    assert hosts.covers("50-ED-3C-39-BC-D9")
    assert hosts.covers("2001:db8::7")
    assert not hosts.covers("147.32.0.0/16")  # wider than what is named: which host is not told
    assert not hosts.covers("192.168.1.0/24")
    assert not hosts.covers("192.168.1.248")
    assert not hosts.covers("")
    assert not Hosts().covers("10.0.0.1")
