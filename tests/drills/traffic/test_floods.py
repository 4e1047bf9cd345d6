"""Floods: enough packets, from whom they should be, at one target."""

from __future__ import annotations

import ipaddress

from drills.traffic import floods


def test_syn(make_stage, conversations):
    stage = make_stage(scale=0.1)
    ends = floods.syn(stage, stage.start)
    talks = conversations(stage)
    assert len(talks) == 2100
    sources = {src for src, *_ in talks}
    assert len(sources) > 2050
    assert all(ipaddress.ip_address(a).is_global for a in sources)
    assert {dst for _, dst, *_ in talks} == set(ends.targets)
    assert 256 < sum(len(talk) == 2 for talk in talks.values()) < 500
    assert ends.spoofed


def test_reflection(make_stage, conversations):
    stage = make_stage(scale=0.1)
    ends = floods.reflection(stage, stage.start)
    talks = conversations(stage)
    assert {(sport, dst) for _, dst, _, sport, _ in talks} == {(123, "10.20.1.10")}
    assert {src for src, *_ in talks} == set(ends.sources)
    assert len(stage.frames) == 1320


def test_udp_over_ipv6(make_stage, conversations):
    stage = make_stage(scale=0.1)
    ends = floods.udp6(stage, stage.start)
    talks = conversations(stage)
    assert {dst for _, dst, proto, *_ in talks if proto == "UDP"} == {"fd20:0:1::a"} == set(ends.targets)
    assert {port for _, _, proto, _, port in talks if proto == "UDP"} == {443}
    assert {src for src, _, proto, *_ in talks if proto == "UDP"} == set(ends.sources)
    assert not ends.spoofed


def test_short_scenes_keep_six_seconds_of_flood(make_stage):
    stage = make_stage(span=60.0, scale=0.1)
    floods.udp6(stage, stage.start)
    assert 5.5 < (max(p.time for p in stage.frames) - stage.start) / 10**9 < 6.5


def test_carpet_bombing_spreads_over_a_prefix(make_stage, conversations):
    stage = make_stage()
    ends = floods.carpet(stage, stage.start, network="10.20.1.0/24", rate=200, seconds=10)
    talks = conversations(stage)
    targets = {dst for _, dst, *_ in talks}
    net = ipaddress.ip_network("10.20.1.0/24")
    assert len(stage.frames) == 2000
    assert len(targets) > 240
    assert all(ipaddress.ip_address(a) in net for a in targets)
    assert {sport for *_, sport, _ in talks} == {389}
    assert ends.targets == ("10.20.1.0/24",)
    assert ends.spoofed
