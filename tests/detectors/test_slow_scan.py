"""Scans over hours and of many sources."""

from __future__ import annotations

import baseline_scenes as usual
import pytest
from baseline_scenes import Scene, inside, outside

from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build


def judge(scene, **parameters):
    found = build({"slowscan": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in found if f.detector == "slowscan"]


@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_a_host_every_ten_minutes_is_a_scan_after_hours(six):
    (found,) = judge(usual.slow_hosts(six))
    assert (found.kind, found.severity) == ("slow_hosts", Severity.MEDIUM)
    assert found.source.address == inside(9, six, 17)
    assert found.target.prefix is not None
    assert 25 <= found.facts["failures"] <= 35


def test_a_fast_scan_is_left_to_those_who_look_at_minutes():
    scene = Scene()
    for i in range(200):
        scene.tcp(i * 1.0, inside(9, net=17), inside(i, net=18), 445, "silent")
    assert judge(scene) == []
    assert judge(scene, least_h=0)


def test_who_finds_most_of_what_it_asks_for_scans_nothing():
    scene = usual.slow_hosts()
    for i in range(70):
        scene.tcp(i * 300.0 + 7, inside(9, net=17), inside(i, net=19), 443, "talk")
    assert judge(scene) == []


def test_peers_that_left_are_no_scan():
    """Each at a port of its own: a scan asks for few ports, or at few hosts."""
    scene = Scene()
    for i in range(120):
        scene.tcp(i * 300.0, inside(9, net=17), outside(i), 20_000 + i * 97 % 30_000, "silent")
    assert judge(scene) == []


def test_icmp_and_udp_count_too():
    scene = Scene()
    for i in range(50):
        scene.ping(i * 600.0, inside(9, net=17), inside(i, net=18), back=0)
        scene.udp(i * 600.0, inside(8, net=17), inside(i, net=18), 161, back=0)
    assert {f.source.address for f in judge(scene)} == {inside(9, net=17), inside(8, net=17)}


@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_sources_that_share_the_work_are_seen_together(six):
    (found,) = judge(usual.shared_hosts(six))
    assert (found.kind, found.source) == ("shared_hosts", None)
    assert found.target.port == 3306
    assert abs(found.facts["sources_estimated"] - 50) <= 5


def test_one_source_among_strangers_scans_alone():
    """Half of the contacts are one source's: it is told, and nobody with it."""
    scene = Scene()
    for i in range(300):
        source = outside(9) if i % 2 else outside(i % 60)
        scene.tcp(i * 20.0, source, inside(7, net=18), 1000 + 37 * i, "silent")
    assert {(f.kind, f.entity) for f in judge(scene)} == {("slow_ports", outside(9))}


def test_a_flood_of_forged_sources_is_no_scan():
    scene = Scene()
    for i in range(2000):
        scene.tcp(i * 0.01, outside(i % 500), inside(7, net=18), 1 + 31 * i % 60_000, "silent")
    assert judge(scene) == []


def test_a_window_that_is_over_is_forgotten():
    scene = Scene()
    for i in range(40):
        scene.tcp(i * 3600.0, inside(9, net=17), inside(i, net=18), 445, "silent")
    assert judge(scene) == []
    assert judge(scene, window_h=48.0)
