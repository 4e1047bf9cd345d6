"""Where addresses stand, against a slow search."""

from __future__ import annotations

import numpy as np

from citywall.addresses import to_words
from detectors.ground import Ground, Spot, Stretch, ZoneRule

OFFICE, SERVERS, HUB = Spot("office", "a", ""), Spot("servers", "b", "s1"), Spot("hub", "c", "x")


def number(text):
    hi, lo = to_words(text)
    return hi << 64 | lo


def stretches():
    return [
        Stretch(0, number("10.0.0.0"), number("10.0.0.255"), OFFICE),
        Stretch(0, number("10.0.1.0"), number("10.0.1.9"), SERVERS),
        Stretch(0, number("10.0.1.10"), number("10.0.1.10"), HUB),
        Stretch(12, number("10.0.0.0"), number("10.0.0.255"), SERVERS),
        Stretch(0, number("fd00::"), number("fd00::ffff"), OFFICE),
        Stretch(0, number("fd00:1::"), number("fd00:1:0:ffff:ffff:ffff:ffff:ffff"), SERVERS),
    ]


def find(ground, texts, domains):
    hi, lo = np.array([to_words(t) for t in texts], "u8").T
    return [ground.spots[i] for i in ground.find(hi, lo, np.array(domains, "u4"))]


def test_an_address_is_found_in_its_domain_and_nowhere_else():
    ground = Ground(stretches(), {})
    texts = [
        "10.0.0.7",
        "10.0.1.9",
        "10.0.1.10",
        "10.0.1.11",
        "10.0.0.7",
        "fd00::ffff",
        "fd00::1:0",
        "fd00:1::5",
    ]
    found = find(ground, texts, [0, 0, 0, 0, 12, 0, 0, 0])
    nowhere = Spot("", "", "")
    assert found == [OFFICE, SERVERS, HUB, nowhere, SERVERS, OFFICE, nowhere, SERVERS]


def test_many_addresses_are_found_as_a_slow_search_finds_them():
    dice = np.random.default_rng(1)
    edges = np.unique(dice.integers(0, 1 << 20, 80)).tolist()
    base = number("fd00::")
    parts = [
        Stretch(0, base + start, base + stop - 1, Spot(f"z{n % 5}", "", ""))
        for n, (start, stop) in enumerate(zip(edges[::2], edges[1::2], strict=False))
    ]
    asked = [base + n for n in dice.integers(0, 1 << 20, 500).tolist()]
    slow = [next((p.spot for p in parts if p.start <= a <= p.stop), Spot("", "", "")) for a in asked]
    ground = Ground(parts, {})
    hi = np.array([a >> 64 for a in asked], "u8")
    lo = np.array([a & (1 << 64) - 1 for a in asked], "u8")
    assert [ground.spots[i] for i in ground.find(hi, lo, np.zeros(500, "u4"))] == slow


def test_rules_of_zones():
    other = Spot("servers", "d", "s2")
    rules = {
        "office": ZoneRule(internet=False, reaches=frozenset({"hub"})), "hub": ZoneRule(exchange=True)
    }  # fmt: skip
    ground = Ground([*stretches(), Stretch(0, number("10.0.2.0"), number("10.0.2.9"), other)], rules)
    at = {spot: np.array([ground.spots.index(spot)]) for spot in (OFFICE, SERVERS, HUB, other)}
    assert ground.closed(at[OFFICE]).all()
    assert not ground.closed(at[SERVERS]).any()
    assert ground.barred(at[OFFICE], at[SERVERS]).all()
    for src, dst in ((OFFICE, HUB), (OFFICE, OFFICE), (SERVERS, OFFICE), (HUB, SERVERS)):
        assert not ground.barred(at[src], at[dst]).any()
    assert ground.apart(at[SERVERS], at[other]).all()  # two units' systems, past the hub
    for src, dst in ((SERVERS, HUB), (HUB, other), (OFFICE, SERVERS), (SERVERS, SERVERS)):
        assert not ground.apart(at[src], at[dst]).any()


def test_without_a_zone_of_exchange_no_units_are_apart():
    other = Spot("servers", "d", "s2")
    ground = Ground([*stretches(), Stretch(0, number("10.0.2.0"), number("10.0.2.9"), other)], {})
    here, there = np.array([ground.spots.index(SERVERS)]), np.array([ground.spots.index(other)])
    assert not ground.apart(here, there).any()


def test_ground_without_rules_binds_nobody():
    assert not Ground(stretches(), {})
    assert not Ground([], {})
    assert not Ground(stretches(), {"office": ZoneRule(internet=True)})
    assert Ground(stretches(), {"office": ZoneRule(internet=False)})
