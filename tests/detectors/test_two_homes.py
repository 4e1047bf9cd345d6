"""One machine in two networks."""

from __future__ import annotations

import identity_scenes as scenes
import pytest
from identity_scenes import MAC, Scene, dhcp

from citywall.domains import NAMED
from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.ground import Ground, Spot, Stretch
from detectors.registry import build


def judge(scene, ground=None, **parameters):
    detectors = build({"twohomes": parameters}, PRIVATE, ground=ground)
    return [
        f for f in detectors.process(scene.reports(), scene.events(), "s", "live") if f.detector == "twohomes"
    ]


def turns(n=8, domains=(NAMED, NAMED + 1), cards=(MAC,), name="", every=300.0):
    scene = Scene()
    for i in range(n):
        dhcp(
            scene,
            i * every,
            3,
            cards[i % len(cards)],
            address=f"10.{i % 2}.0.9",
            domain=domains[i % 2],
            name=name,
        )
    return scene


def resolves(n=12, every=300.0, askers=1, mac=MAC):
    scene = Scene()
    for i in range(n):
        place = i % 2
        scene._event(
            i * every, f"10.{place}.0.9", f"10.{place}.0.{20 + i % askers}", 2, mac, 1, NAMED + place
        )
    return scene


def test_turns_are_told_and_a_move_is_told_softly():
    (found, *_) = judge(turns())
    assert (found.kind, found.severity) == ("in_both", Severity.MEDIUM)
    assert found.entity == "3c:52:82:00:00:09"
    assert {found.source.address, found.target.address} == {"10.0.0.9", "10.1.0.9"}
    assert {f.severity for f in judge(scenes.carried())} == {Severity.LOW}


def test_between_networks_that_nobody_named_it_is_a_remark():
    assert {f.severity for f in judge(turns(domains=(12, 13)))} == {Severity.INFORMATIONAL}
    assert judge(turns(domains=(NAMED, NAMED))) == []
    assert judge(turns(n=3)) == []


def test_zones_of_the_register_are_networks():
    def mapped(*ip):
        return int.from_bytes(b"\0" * 10 + b"\xff\xff" + bytes(ip))

    ground = Ground(
        [Stretch(0, mapped(10, i, 0, 0), mapped(10, i, 0, 255), Spot(zone, "", "")) for i, zone in
         enumerate(("office", "police"))], {}
    )  # fmt: skip
    (found, *_) = judge(turns(domains=(0, 0)), ground)
    assert (found.severity, found.facts["observed"]) == (Severity.MEDIUM, "office, police")


def test_a_host_name_alone_is_a_hint():
    found = judge(turns(cards=(MAC, MAC + 1), name="desk-0042"))
    assert {(f.facts["known_by"], f.severity) for f in found} == {("host name", Severity.LOW)}
    assert judge(turns(cards=(MAC, MAC + 1), name="localhost")) == []


def test_address_resolution_tells_after_a_while_and_of_no_router():
    (found, *_) = judge(resolves())
    assert (found.facts["known_by"], found.severity) == ("card", Severity.MEDIUM)
    assert judge(resolves(every=60.0)) == []
    assert judge(resolves(n=80, every=60.0, askers=14)) == []
    for mac in (0x00005E000101, 0x020000000009, 0x0007B4000101):  # shared by routers, made up
        assert judge(resolves(mac=mac)) == []


@pytest.mark.parametrize("networks", [3, 4])
def test_who_is_in_more_than_two_networks_is_infrastructure(networks):
    scene = Scene()
    for i in range(networks):
        for j in range(3):
            dhcp(scene, i + j * 0.1, 3, MAC, address=f"10.{i}.0.9", domain=NAMED + i)
    assert {f.facts["seen_there"] for f in judge(scene)} <= {2, 3}  # until the third is seen
    assert all(f.kind == "carried_over" for f in judge(scene))
