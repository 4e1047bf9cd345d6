"""Office traffic: no host of it looks like an attacker."""

from __future__ import annotations

import pytest

from drills.stage import RST, SYN
from drills.traffic import BENIGN, offices


def failures(talks) -> dict[str, set]:
    """TCP targets that did not answer or refused, by who tried."""
    found: dict[str, set] = {}
    for (src, dst, proto, _, port), talk in talks.items():
        if proto == "TCP" and not any(int(p["TCP"].flags) & (SYN | 16) == SYN | 16 for _, p in talk):
            found.setdefault(src, set()).add((dst, port))
    return found


def test_failures_of_benign_hosts_are_few(make_stage, conversations):
    stage = make_stage()
    offices.mistakes(stage)
    failed = failures(conversations(stage))
    assert failed
    assert max(map(len, failed.values())) <= 3
    assert ("10.20.30.200", 9100) in failed["10.20.30.14"]


@pytest.mark.parametrize("play", BENIGN, ids=lambda p: p.__name__)
def test_only_mistakes_fail(make_stage, conversations, play):
    stage = make_stage(120.0)
    play(stage)
    assert stage.frames
    talks = conversations(stage)
    if play is not offices.mistakes:
        assert failures(talks) == {}
    for (_, _, proto, _, _), talk in talks.items():
        if proto == "UDP":
            assert len({packet.src for _, packet in talk}) == 2  # every question has its answer
    assert all(put.label == 0 for put in stage.frames)
    assert all(put.time >= stage.start for put in stage.frames)


def test_web_speaks_both_versions_after_a_look_up(make_stage, conversations):
    stage = make_stage(90.0)
    offices.web(stage)
    talks = conversations(stage)
    versions = {":" in src for src, _, proto, _, _ in talks if proto == "TCP"}
    assert versions == {False, True}
    names = [talk for (_, _, proto, _, port), talk in talks.items() if proto == "UDP" and port == 53]
    assert len(names) == sum(proto == "TCP" for _, _, proto, _, _ in talks)
    assert all(len(talk) == 2 for talk in names)


def test_an_oa_session_lasts(make_stage, conversations):
    stage = make_stage()
    offices.oa(stage)
    for talk in conversations(stage).values():
        assert talk[-1][0].time - talk[0][0].time > 500 * 10**9
        assert not any(int(p["TCP"].flags) & RST for _, p in talk)
