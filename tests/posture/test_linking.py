from __future__ import annotations

import pytest

from posture.entries import read
from posture.linking import link

UNIT = "units:\n  - {id: u, name: U, persons: [{name: N}]}\n"


def told(text: str) -> list[tuple[int, str, str]]:
    reading = read(text, "x.yaml")
    register = link(reading)
    assert (register is None) == bool(reading.faults)
    return [(f.line, f.field, f.key.removeprefix("register_fault.")) for f in reading.faults]


def test_what_fits_together(small: str):
    reading = read(small, "x.yaml")
    register = link(reading)
    assert register is not None
    assert not reading.faults
    assert [u.id for u in register.units] == ["civil", "data"]
    assert [a.id for a in register.assets] == ["mail", "other", "web"]
    assert register.assets[2].addresses == ("10.0.0.5/32", "fd00::5/128")
    assert [p.prefix for p in register.prefixes] == ["10.0.0.0/24", "10.0.0.128/25"]
    assert register.domains == ("default", "vlan 7")


def asset(more: str, id_: str = "a") -> str:
    return f"  - {{id: {id_}, name: A, unit: u, {more}}}\n"


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("zones:\n  - {id: a, name: A}\n  - {id: a, name: B}\n", [(5, "zones.a.id", "same_id")]),
        ("zones:\n  - {id: a, name: A}\nsystems:\n  - {id: a, name: B, unit: u, importance: 1}\n", []),
        ("zones:\n  - {id: a, name: A, reaches: [a, b]}\n", [(4, "zones.a.reaches", "no_such_zone")]),
        ("systems:\n  - {id: s, name: S, unit: v, importance: 1}\n", [(4, "systems.s.unit", "no_such_unit")]),
        (
            "systems:\n  - {id: s, name: S, unit: u, operator: x, zone: y, importance: 1}\n",
            [(4, "systems.s.operator", "no_such_unit"), (4, "systems.s.zone", "no_such_zone")],
        ),
        ("prefixes:\n  - {prefix: 10.0.0.0/8, system: s}\n", [(4, "prefixes[1].system", "no_such_system")]),
        ("prefixes:\n  - {prefix: 10.0.0.0/8}\n", [(4, "prefixes[1]", "says_nothing")]),
        ("assets:\n" + asset("addresses: []"), [(4, "assets.a.addresses", "no_address")]),
        (
            "assets:\n" + asset("addresses: [10.0.0.1, 10.0.0.1/32]"),
            [(4, "assets.a.addresses", "same_prefix")],
        ),
        (
            "assets:\n" + asset("addresses: [10.0.0.1]") + asset("addresses: [10.0.0.1]", "b"),
            [(5, "assets.b.addresses", "same_prefix")],
        ),
        (
            "assets:\n" + asset("addresses: [10.0.0.1]") + asset("addresses: [10.0.0.1], domain: d", "b"),
            [],
        ),
        (
            "assets:\n" + asset("addresses: [10.0.0.1]") + "prefixes:\n  - {prefix: 10.0.0.1, unit: u}\n",
            [],
        ),
        (
            "assets:\n" + asset("addresses: [8.8.8.8, 10.0.0.1], domain: vlan 2"),
            [(4, "assets.a.domain", "public_domain")],
        ),
        ("prefixes:\n  - {prefix: 0.0.0.0/0, unit: u, domain: d}\n",
         [(4, "prefixes[1].domain", "public_domain")]),
        ("prefixes:\n  - {prefix: 'fc00::/7', unit: u, domain: d}\n", []),
        ("assets:\n  - {id: a, name: A, addresses: [10.0.0.1]}\n", [(4, "assets.a", "no_owner")]),
        (
            (
                "assets:\n  - {id: a, name: A, addresses: [10.0.0.1, 10.1.0.1]}\n"
                "prefixes:\n  - {prefix: 10.0.0.0/16, unit: u}\n"
            ),
            [(4, "assets.a", "no_owner")],
        ),
        ("portals:\n  - {id: p, name: P, urls: ['http://a.cn/']}\n", [(4, "portals.p", "no_owner")]),
        ("portals:\n  - {id: p, name: P, urls: [], unit: u}\n", [(4, "portals.p.urls", "no_url")]),
        ("portals:\n  - {id: p, name: P, urls: ['http://a.cn/'], asset: x}\n",
         [(4, "portals.p.asset", "no_such_asset")]),
        ("portals:\n  - {id: p, name: P, urls: ['http://a.cn/'], unit: u, ignore: [.a]}\n", []),
        # Faults of fields and faults between entries are told together.
        (
            "zones:\n  - {id: a, name: A}\n  - {id: a, name: ''}\nassets:\n"
            + asset("addresses: [x], zone: z"),
            [
                (5, "zones.a.name", "empty"),
                (7, "assets.a.addresses[1]", "not_prefix"),
                (5, "zones.a.id", "same_id"),
                (7, "assets.a.zone", "no_such_zone"),
            ],
        ),
        # What a broken entry may be called is not missed.
        ("zones:\n  - {name: A}\nassets:\n" + asset("addresses: [10.0.0.1], zone: z"),
         [(4, "zones[1].id", "missing")]),
    ],
)  # fmt: skip
def test_faults_between_entries(text: str, faults: list[tuple[int, str, str]]):
    assert told(UNIT + text) == faults


def test_nobody_and_circles():
    text = (
        "units:\n"
        "  - {id: a, name: A, parent: b, persons: [{name: N}]}\n"
        "  - {id: b, name: B, parent: a, persons: []}\n"
        "  - {id: c, name: C, parent: a, persons: [{name: N}]}\n"
        "  - {id: d, name: D, parent: d, persons: [{name: N}]}\n"
    )
    assert told(text) == [
        (2, "units.a.parent", "circle"),
        (3, "units.b.parent", "circle"),
        (5, "units.d.parent", "circle"),
        (3, "units.b.persons", "nobody"),
    ]


def test_zones_say_whom_they_reach_or_nothing():
    first, second = (
        "{id: a, name: A, internet: false, reaches: [b, a, b]}",
        "{id: b, name: B, exchange: true}",
    )
    register = link(read(f"zones:\n  - {first}\n  - {second}\n", "x.yaml"))
    assert register is not None
    a, b = register.zones
    assert (a.internet, a.reaches, a.exchange) == (False, ("a", "b"), False)
    assert (b.internet, b.reaches, b.exchange) == (None, None, True)
    (closed,) = link(read("zones:\n  - {id: a, name: A, reaches: []}\n", "x.yaml")).zones
    assert closed.reaches == ()
