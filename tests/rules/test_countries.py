from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.addresses import to_words
from citywall.errors import InputError
from rules import countries
from rules.language.parser import Parser
from rules.match.engine import Engine
from stream.matching import over_capture
from tests.rules.conftest import tcp, udp

SAID = {
    "1.0.0.0/24": "AU", "1.0.1.0/24": "CN", "10.0.0.0/9": "CN", "192.168.1.10/32": "FR",
    "203.0.113.0/24": "DE", "2001:db8::/32": "JP", "2001:db9::1/128": "CN", "255.255.255.255/32": "US",
}  # fmt: skip


def database(path: Path, networks: dict[str, str]) -> Path:
    """A file of MaxMind's form, as its specification has it: a tree of records of 32 bits, data, metadata."""
    strings: list[bytes] = []
    places: dict[str, int] = {}
    size = 0
    for code in sorted(set(networks.values())):
        entry = text_map({"country": text_map({"iso_code": text(code)})})
        places[code] = size
        strings.append(entry)
        size += len(entry)
    nodes: list[list[object]] = [[None, None]]
    for network, code in networks.items():
        net = ipaddress.ip_network(network)
        bits = f"{int(net.network_address):0{net.max_prefixlen}b}"[: net.prefixlen]
        if net.version == 4:
            bits = "0" * 96 + bits
        at = 0
        for bit in bits[:-1]:
            if nodes[at][int(bit)] is None:
                nodes.append([None, None])
                nodes[at][int(bit)] = len(nodes) - 1
            at = nodes[at][int(bit)]  # type: ignore[assignment]
        nodes[at][int(bits[-1])] = code
    count = len(nodes)
    tree = b"".join(
        (
            count if side is None else side if isinstance(side, int) else count + 16 + places[str(side)]
        ).to_bytes(4, "big")
        for node in nodes
        for side in node
    )
    about = {
        "node_count": number(count, 4), "record_size": number(32), "ip_version": number(6),
        "database_type": text("Test"), "languages": b"\x00\x04", "binary_format_major_version": number(2),
        "binary_format_minor_version": number(0), "build_epoch": b"\x01\x02\x01", "description": b"\xe0",
    }  # fmt: skip
    path.write_bytes(tree + bytes(16) + b"".join(strings) + b"\xab\xcd\xefMaxMind.com" + text_map(about))
    return path


def text(word: str) -> bytes:
    data = word.encode()
    return (bytes((2 << 5 | len(data),)) if len(data) < 29 else bytes((2 << 5 | 29, len(data) - 29))) + data


def number(value: int, size: int = 2) -> bytes:
    return bytes(((4 + size // 2) << 5 | size,)) + value.to_bytes(size, "big")


def text_map(entries: dict[str, bytes]) -> bytes:
    return bytes((7 << 5 | len(entries),)) + b"".join(text(key) + value for key, value in entries.items())


@pytest.fixture
def known(tmp_path: Path) -> countries.Countries:
    return countries.read(database(tmp_path / "c.mmdb", SAID))


def of(known: countries.Countries, addresses: Iterable[str]) -> list[str]:
    words = np.array([to_words(each) for each in addresses], np.uint64).reshape(-1, 2)
    return [known.codes[i] for i in known.of(words[:, 0], words[:, 1])]


def test_addresses_have_the_country_of_their_network(known: countries.Countries):
    assert of(known, ["1.0.0.255", "1.0.1.0", "1.0.2.0", "10.127.0.1", "10.128.0.1", "255.255.255.255"]) == [
        "AU", "CN", "", "CN", "", "US",
    ]  # fmt: skip
    assert of(known, ["2001:db8::", "2001:db8:ffff::1", "2001:db9::1", "2001:db9::2", "::1"]) == [
        "JP", "JP", "CN", "", "",
    ]  # fmt: skip
    assert of(known, []) == []


NETWORKS = [ipaddress.ip_network(each) for each in SAID]


@settings(max_examples=60)
@given(st.lists(st.one_of(st.ip_addresses(), st.sampled_from([n[0] for n in NETWORKS])), max_size=20))
def test_it_is_what_a_walk_over_all_networks_says(addresses):
    made = countries.Countries([(n, SAID[str(n)]) for n in NETWORKS])
    expected = [
        next((SAID[str(n)] for n in NETWORKS if n.version == a.version and a in n), "") for a in addresses
    ]
    assert of(made, map(str, addresses)) == expected


@pytest.mark.parametrize(
    ("asked", "times"),
    [
        ("src,FR", 1), ("dst,FR", 0), ("dst,DE", 1), ("any,FR", 1), ("FR,DE", 1), ("both,FR", 0),
        ("both,FR,DE", 1), ("src,!FR", 0), ("dst,!FR", 1), ("any,!CN", 1), ("src,CN", 0),
    ],
)  # fmt: skip
def test_rules_ask_for_sides(known: countries.Countries, tmp_path: Path, asked: str, times: int):
    from scapy.utils import wrpcap

    wrpcap(str(tmp_path / "a.pcap"), [udp(b"x")])
    rules = [Parser().rule(f"alert udp any any -> any any (geoip:{asked}; sid:1;)")]
    assert not over_capture(tmp_path / "a.pcap", Engine(rules))
    engine = Engine(countries.applied(rules, known), countries=known)
    assert len(over_capture(tmp_path / "a.pcap", engine)) == times


def test_a_content_of_a_stream_stays_one(known: countries.Countries, tmp_path: Path):
    from scapy.utils import wrpcap

    wrpcap(str(tmp_path / "a.pcap"), tcp([(0, b"one tw"), (0, b"o three")]))
    texts = ['(content:"two"; geoip:dst,DE; sid:1;)', '(content:"two"; geoip:src,DE; sid:2;)']
    rules = [Parser().rule(f"alert tcp any any -> any any {text}") for text in texts]
    engine = Engine(countries.applied(rules, known), countries=known)
    assert [alert.rule.sid for alert in over_capture(tmp_path / "a.pcap", engine)] == [1]


def test_only_rules_that_ask_are_other_ones(known: countries.Countries):
    plain, asking = (Parser().rule(f"alert ip any any -> any any ({o}sid:1;)") for o in ("", "geoip:CN;"))
    assert countries.asked([asking])
    assert not countries.asked([plain])
    assert countries.applied([plain, asking], None) == [plain, asking]
    made = countries.applied([plain, asking], known)
    assert made[0] is plain
    assert (asking.cannot, made[1].cannot) == ([countries.NO_DATABASE], [])


def test_what_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "no").write_bytes(b"nonsense")
    for path in (tmp_path / "no", tmp_path / "missing"):
        with pytest.raises(InputError, match="no database of countries"):
            countries.read(path)
    monkeypatch.setitem(sys.modules, "maxminddb", None)
    with pytest.raises(InputError, match="maxminddb is not installed"):
        countries.read(tmp_path / "no")
