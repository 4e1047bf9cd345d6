"""The kernels beside obvious oracles."""

from __future__ import annotations

import ipaddress

import numpy as np
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from citywall.addresses import to_words
from citywall.findings import Severity
from rules.indicators import kernels, matching
from rules.indicators.model import Indicator
from rules.indicators.tables import Table
from tests.rules.indicators.rows import events

V4 = st.integers(0, 7).map(lambda n: ipaddress.ip_address(0x0A00_0000 | n << 20 | n))
V6 = st.integers(0, 7).map(lambda n: ipaddress.ip_address((0x2001_0DB8 << 96) | n << 64 | n))
ADDRESSES = V4 | V6
PREFIXES = st.tuples(ADDRESSES, st.sampled_from([8, 12, 16, 31, 32, 48, 64, 65, 127, 128])).map(
    lambda pair: ipaddress.ip_network((pair[0], min(pair[1], pair[0].max_prefixlen)), strict=False)
)


def listed(kind: str, *values: str) -> Table:
    return Table([Indicator(kind, value, "s", 0.5, Severity.LOW) for value in values])


def text_of(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    return str(network) if network.prefixlen < network.max_prefixlen else str(network.network_address)


@hypothesis_settings(max_examples=60)
@given(st.lists(PREFIXES, max_size=6, unique=True), st.lists(ADDRESSES, min_size=1, max_size=6))
def test_addresses(networks, asked):
    table = listed("address", *map(text_of, networks))
    words = np.array([to_words(str(a)) for a in asked], np.uint64)
    pairs = table.addresses.find(words[:, 0].copy(), words[:, 1].copy()).tolist()
    wanted = {(i, j) for i, a in enumerate(asked) for j, n in enumerate(networks) if a in n}
    assert {(i, j) for i, j in pairs} == wanted
    assert len(pairs) == len(wanted)


LABELS = st.lists(st.sampled_from(["a", "b", "ab", "evil", "x-1"]), min_size=1, max_size=4)
HOSTS = LABELS.map(lambda labels: ".".join([*labels, "example"]))


@hypothesis_settings(max_examples=60)
@given(st.lists(HOSTS, max_size=6, unique=True), st.lists(HOSTS, min_size=1, max_size=6))
def test_domains(domains, asked):
    table = listed("domain", *domains)
    rows = events(
        *((16, [name.upper().encode() if i % 2 else name.encode()], {}) for i, name in enumerate(asked))
    )
    hits = matching.in_events(table, rows)
    wanted = {
        (i, j)
        for i, name in enumerate(asked)
        for j, domain in enumerate(domains)
        if name == domain or name.endswith(f".{domain}")
    }
    assert {(hit.row, hit.number) for hit in hits} == wanted


def test_longest_name_and_no_name():
    table = listed("domain", "evil.example")
    rows = events((16, [b"a." * 115 + b"evil.example"], {}), (16, [b""], {}), (16, [b"."], {}))
    assert [hit.row for hit in matching.in_events(table, rows)] == [0]


def test_more_pairs_than_room_are_counted():
    table = listed("address", *(f"10.0.0.0/{n}" for n in range(8, 32)))
    words = np.array([to_words("10.0.0.0")] * 40, np.uint64)
    assert len(table.addresses.find(words[:, 0].copy(), words[:, 1].copy())) == 40 * 24


def test_an_empty_table_finds_nothing():
    out = np.empty((4, 2), np.int64)
    table = listed("domain", "evil.example").addresses
    one = np.ones(1, np.uint64)
    assert (
        kernels.addresses(one, one, table.lengths, table.slots, table.high, table.low, table.length, out) == 0
    )
