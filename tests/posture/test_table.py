from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.addresses import is_private, to_words
from citywall.places import Place
from posture import reading
from posture.entries import read
from posture.linking import link
from posture.records import Asset, Prefix, Register, System, Unit, Zone
from posture.table import Table

UNITS = tuple(Unit(f"u{i}", f"Unit {i}") for i in range(3))
ZONES = tuple(Zone(f"z{i}", f"Zone {i}") for i in range(2))
SYSTEMS = (
    System("s0", "System 0", "u0", 5, zone="z0", mlps_level=3, cii=True),
    System("s1", "System 1", "u1", 2),
    System("s2", "System 2", "u2", 3, zone="z1", mlps_level=2),
)


def oracle(register: Register, domain: str, address: str) -> Place | None:
    """From the longest prefix outwards, each field from the first that says it."""
    ip: Any = ipaddress.ip_address(address)
    if ip.version == 6 and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    if not is_private(*to_words(str(ip))):
        domain = "default"
    covering: list[tuple[int, bool, Any]] = []
    for prefix in register.prefixes:
        net = ipaddress.ip_network(prefix.prefix)
        if prefix.domain == domain and ip.version == net.version and ip in net:
            covering.append((net.prefixlen, False, prefix))
    for asset in register.assets:
        for text in asset.addresses:
            net = ipaddress.ip_network(text)
            if asset.domain == domain and ip.version == net.version and ip in net:
                covering.append((net.prefixlen, True, asset))
    if not covering:
        return None
    found: dict[str, Any] = {}
    graded = False

    def say(name: str, value: Any) -> None:
        if value not in {"", None} and name not in found:
            found[name] = value

    for _, is_asset, entry in sorted(covering, key=lambda c: c[:2], reverse=True):
        system = next((s for s in register.systems if s.id == entry.system), None)
        say("unit", entry.unit)
        say("zone", entry.zone)
        if is_asset:
            say("asset", entry.id)
            say("asset_name", entry.name)
            if not graded:
                for name in ("importance", "mlps_level", "cii"):
                    say(name, getattr(entry, name))
        if system:
            say("unit", system.unit)
            say("zone", system.zone)
            if not graded:
                found |= {"system": system.id, "system_name": system.name}
                for name in ("importance", "mlps_level", "cii"):
                    say(name, getattr(system, name))
        graded = graded or bool(system or entry.unit)
    for unit in register.units:
        if found.get("unit") == unit.id:
            found["unit_name"] = unit.name
    for zone in register.zones:
        if found.get("zone") == zone.id:
            found["zone_name"] = zone.name
    return Place(**found)


BASES = [("10.0.0.0", 24), ("fd00::", 120), ("8.8.8.0", 24), ("::", 0), ("0.0.0.0", 0)]


@st.composite
def networks(draw: st.DrawFn) -> str:
    base, least = draw(st.sampled_from(BASES))
    most = ipaddress.ip_address(base).max_prefixlen
    length = draw(st.sampled_from([least, least + 1, least + 4, most - 2, most - 1, most]))
    start = ipaddress.ip_address(base) + (draw(st.integers(0, 255)) if least else 0)
    return str(ipaddress.ip_network(f"{start}/{length}", strict=False))


@st.composite
def registers(draw: st.DrawFn) -> Register:
    domains = st.sampled_from(["default", "vlan 1"])
    unit, zone = (st.sampled_from(["", "", *ids]) for ids in (["u0", "u1", "u2"], ["z0", "z1"]))
    system = st.sampled_from(["", "s0", "s1", "s2"])
    taken: set[tuple[str, str, str]] = set()
    prefixes, assets = [], []
    for text, domain in draw(st.lists(st.tuples(networks(), domains), max_size=8)):
        if ("p", domain, text) not in taken:
            taken.add(("p", domain, text))
            prefixes.append(Prefix(text, domain, "", draw(system), draw(unit), draw(zone)))
    for at, (texts, domain) in enumerate(
        draw(st.lists(st.tuples(st.lists(networks(), min_size=1, max_size=3), domains), max_size=6))
    ):
        mine = tuple(t for t in dict.fromkeys(texts) if ("a", domain, t) not in taken)
        taken |= {("a", domain, t) for t in mine}
        grade = st.sampled_from([None, 1, 5])
        belongs = (draw(system), draw(unit), draw(zone))
        grades = (draw(grade), draw(grade), draw(st.sampled_from([None, True, False])))
        assets.append(Asset(f"a{at}", f"Asset {at}", mine, "", domain, *belongs, *grades))
    return Register(UNITS, ZONES, SYSTEMS, tuple(assets), tuple(prefixes))


def near(register: Register) -> list[str]:
    """Addresses in, at the edges of, and beside everything that is in a register."""
    usual = ("10.0.0.7", "fd00::7", "8.8.8.8", "1.2.3.4", "2001:db8::1", "::1", "::ffff:10.0.0.7")
    found = {ipaddress.ip_address(a) for a in usual}
    texts = [p.prefix for p in register.prefixes] + [t for a in register.assets for t in a.addresses]
    for text in texts:
        net = ipaddress.ip_network(text)
        for edge in (net.network_address, net.broadcast_address):
            found.add(edge)
            for step in (-1, 1):
                if 0 <= int(edge) + step < 1 << edge.max_prefixlen:
                    found.add(edge + step)
    return [str(address) for address in found]


@settings(max_examples=150)
@given(registers())
def test_longest_prefix_equals_the_oracle(register: Register):
    table = Table(register)
    for address in near(register):
        for domain in ("default", "vlan 1", "nowhere"):
            assert table.locate(domain, address) == oracle(register, domain, address), (domain, address)
    for asset in register.assets:
        assert len(table.assets.get(asset.id, [])) == len(asset.addresses)


def test_what_the_small_register_says(small: str, write: Any):
    locate = Table(reading.read([write(small)])).locate
    web = locate("default", "10.0.0.5")
    assert web == Place(
        "web", "门户服务器", "portal", "门户", "data", "大数据局", "edge", "互联网区", 4, 3, True
    )
    assert locate("default", "fd00::5") == web
    # The same private address in another network is another host.
    other = locate("vlan 7", "10.0.0.5")
    assert other is not None
    assert (other.asset, other.unit, other.zone, other.importance) == ("other", "civil", "", 2)
    assert locate("vlan 8", "10.0.0.5") is None
    # An asset's own importance wins; the zone is that of the prefix around it, and nobody graded its system.
    assert locate("default", "10.0.0.6") == Place(
        "mail", "邮件", "oa", "协同办公", "data", "大数据局", "public", "公共业务区", 5, None, False
    )
    assert locate("default", "10.0.0.200") == Place(
        unit="civil", unit_name="民政局", zone="public", zone_name="公共业务区"
    )
    assert locate("default", "10.0.1.0") is None
    assert locate("default", "fd00::6") is None


def test_public_addresses_are_one_host_wherever_they_are_seen():
    register = Register(UNITS, prefixes=(Prefix("8.8.8.0/24", unit="u1"),))
    locate = Table(register).locate
    assert locate("vlan 3", "8.8.8.8") == locate("default", "8.8.8.8") == Place(unit="u1", unit_name="Unit 1")


@pytest.mark.parametrize("register", [Register(), Register(UNITS)])
def test_an_empty_register_knows_nothing(register: Register):
    assert Table(register).locate("default", "10.0.0.1") is None


def test_a_portal_is_where_its_asset_its_system_or_its_unit_is(small: str):
    more = """\
portals:
  - {id: a, name: A, urls: ["http://a.cn/"], asset: web}
  - {id: s, name: S, urls: ["http://s.cn/"], system: oa}
  - {id: u, name: U, urls: ["http://u.cn/"], system: oa, unit: civil}
"""
    register = link(read(small + more, "x.yaml"))
    assert register is not None
    table = Table(register)
    assert table.portal("a") == table.locate("default", "10.0.0.5")
    assert table.portal("s") == Place("", "", "oa", "协同办公", "data", "大数据局", importance=3, cii=False)
    found = table.portal("u")
    assert found is not None
    assert (found.unit, found.unit_name, found.system) == ("civil", "民政局", "oa")
    assert table.portal("nothing") is None
