"""Scans: as many targets as they say, answered only by who is there."""

from __future__ import annotations

import pytest

from drills.stage import SYN
from drills.traffic import scans


def play(make_stage, attack, **stage_options):
    stage = make_stage(**stage_options)
    with stage.labelled(1):
        ends = attack(stage, stage.start)
    assert all(put.label == 1 for put in stage.frames)
    return stage, ends


@pytest.mark.parametrize(
    ("attack", "targets", "ports", "answered"),
    [(scans.horizontal, 508, {445}, 12), (scans.ipv6, 255, {22}, 12)],
)
def test_one_port_of_many_hosts(make_stage, conversations, attack, targets, ports, answered):
    stage, ends = play(make_stage, attack)
    talks = conversations(stage)
    assert {src for src, *_ in talks} == set(ends.sources)
    assert len({dst for _, dst, *_ in talks}) == targets
    assert {port for *_, port in talks} == ports
    assert sum(len(talk) > 1 for talk in talks.values()) == answered
    assert all(int(talk[0][1]["TCP"].flags) == SYN for talk in talks.values())


def test_many_ports_of_one_host(make_stage, conversations):
    stage, ends = play(make_stage, scans.vertical)
    talks = conversations(stage)
    assert len({port for *_, port in talks}) > 390
    assert {dst for _, dst, *_ in talks} == {"10.20.1.10"} == set(ends.targets)
    lengths = sorted(len(talk) for talk in talks.values())
    assert lengths[-2:] == [3, 3]  # 80 and 443 are open
    assert set(lengths[:-2]) == {2}


def test_pings_and_questions(make_stage):
    stage, _ = play(make_stage, scans.icmp_sweep)
    asked = [put for put in stage.frames if put.frame[34] == 8]
    assert (len(asked), len(stage.frames) - len(asked)) == (254, 12)
    stage, ends = play(make_stage, scans.arp_sweep)
    asked = [put for put in stage.frames if put.frame[21] == 1]
    assert (len(asked), len(stage.frames) - len(asked)) == (254, 18)
    assert ends.sources == ("10.20.30.99",)


@pytest.mark.parametrize(
    "attack", [scans.horizontal, scans.vertical, scans.ipv6, scans.icmp_sweep, scans.arp_sweep]
)
def test_short_scenes_have_short_attacks(make_stage, attack):
    stage, _ = play(make_stage, attack, span=60.0, scale=0.1)
    assert max(put.time for put in stage.frames) - stage.start < 7 * 10**9
