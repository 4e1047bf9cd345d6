"""Rules of the house."""

from __future__ import annotations

import ipaddress

import pytest
import relation_scenes as related
from relation_scenes import Scene, inside, outside

from citywall.errors import SettingsError
from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.ground import Ground, Spot, Stretch, ZoneRule
from detectors.registry import build


def judge(scene, **parameters):
    found = build({"policy": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in found if f.detector == "policy"]


@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_an_isolated_network_may_not_reach_outside(six):
    scene = Scene().tcp(0, inside(9, six, 1), outside(7, six), 443, "talk")
    scene.tcp(1, inside(9, six, 1), inside(7, six, 2), 443, "talk").tcp(
        2, outside(1, six), inside(9, six, 1), 22
    )
    rule = ["fd10:1::/64"] if six else ["10.1.0.0/16"]
    (found,) = judge(scene, isolated=rule)
    assert (found.kind, found.severity) == ("outreach", Severity.HIGH)
    assert judge(scene) == []


def test_networks_meet_through_the_exchange_only():
    scene = Scene().tcp(0, inside(9, net=1), inside(7, net=2), 1521, "talk")
    scene.tcp(1, inside(9, net=1), inside(7, net=3), 1521, "talk")
    scene.tcp(2, inside(7, net=3), inside(7, net=2), 1521, "talk")
    forbidden = ["10.1.0.0/16>10.2.0.0/16", "10.1.0.0/16>10.3.0.0/16", "10.3.0.0/16>10.2.0.0/16"]
    (found,) = judge(scene, forbidden=forbidden, exchange=["10.3.0.0/16"])
    assert found.kind == "crossing"
    assert found.entity == "10.1.0.9>10.2.0.7:1521"


def test_a_refused_contact_is_none():
    scene = Scene().tcp(0, inside(9, net=1), outside(7), 443, "refused")
    assert judge(scene, isolated=["10.1.0.0/16"]) == []


def test_what_only_the_owner_can_judge_is_informational():
    found = judge(related.remote_control()) + judge(related.telnet())
    assert {f.severity for f in found} == {Severity.INFORMATIONAL}
    assert [f.facts["observed"] for f in found] == ["TeamViewer", "443", "telnet", "ftp"]


@pytest.mark.parametrize(
    "given", [{"isolated": ["10.1"]}, {"forbidden": ["10.1.0.0/16"]}, {"forbidden": ["x>10.2.0.0/16"]}]
)
def test_rules_that_cannot_be_read_are_refused(given):
    with pytest.raises(SettingsError, match=f"detectors.policy.{next(iter(given))}"):
        build({"policy": given}, PRIVATE)


def stretch(network, *spot):
    net = ipaddress.ip_network(network)
    above = 0xFFFF << 32 if net.version == 4 else 0
    return Stretch(0, above | int(net[0]), above | int(net[-1]), Spot(*spot))


def by_register(scene, six=False):
    """An office that may reach the hub only, servers of two units, and the hub that units meet through."""
    nets = [f"fd10:{n}::/64" if six else f"10.{n}.0.0/16" for n in range(1, 5)]
    spots = ("office", "a", ""), ("servers", "a", "s1"), ("servers", "b", "s2"), ("hub", "c", "x")
    rules = {"office": ZoneRule(internet=False, reaches=frozenset({"hub"})), "hub": ZoneRule(exchange=True)}
    ground = Ground([stretch(net, *spot) for net, spot in zip(nets, spots, strict=True)], rules)
    found = build({}, PRIVATE, ground=ground).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in found if f.detector == "policy"]


@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_zones_of_the_register_are_kept_apart(six):
    scene = Scene().tcp(0, inside(9, six, 1), outside(7, six), 443, "talk")
    scene.tcp(1, inside(9, six, 1), inside(7, six, 2), 1521, "talk")
    scene.tcp(2, inside(9, six, 1), inside(7, six, 4), 443, "talk")  # to the hub: allowed
    scene.tcp(3, inside(7, six, 2), outside(7, six), 443, "talk")  # nothing is said of servers
    found = by_register(scene, six)
    assert [(f.kind, f.severity) for f in found] == [("outreach", Severity.HIGH), ("crossing", Severity.HIGH)]
    assert {f.source.address for f in found} == {inside(9, six, 1)}
    assert found[1].facts["source_zone"] == "office"
    assert (found[1].facts["target_zone"], found[1].facts["target_unit"]) == ("servers", "a")


@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_systems_of_two_units_meet_through_the_exchange_only(six):
    scene = Scene().tcp(0, inside(7, six, 2), inside(7, six, 3), 5432, "talk")
    scene.tcp(1, inside(7, six, 2), inside(7, six, 4), 443, "talk")
    scene.tcp(2, inside(7, six, 4), inside(7, six, 3), 443, "talk")
    scene.tcp(3, inside(7, six, 2), inside(8, six, 2), 443, "talk")
    (found,) = by_register(scene, six)
    assert (found.kind, found.severity) == ("bypass", Severity.HIGH)
    assert (found.facts["source_unit"], found.facts["target_unit"]) == ("a", "b")


def test_who_is_refused_has_crossed_nothing():
    scene = Scene().tcp(0, inside(9, net=1), inside(7, net=2), 1521, "refused")
    assert by_register(scene) == []
