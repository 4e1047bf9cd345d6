"""Guessing spread over services, or by many sources."""

from __future__ import annotations

import relation_scenes as related
from relation_scenes import Scene, inside, outside

from citywall.settings import PRIVATE
from detectors.registry import build


def judge(scene, **parameters):
    found = build({"spray": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in found if f.detector == "spray"]


def logins(sources, targets, tries, port=22, form="login", scale=1.0):
    scene, at = Scene(), 0.0
    for _ in range(tries):
        for s in range(sources):
            for t in range(targets):
                at += 0.5
                scene.tcp(at, outside(s), inside(t, net=2), port, form, greets=b"SSH-2.0-", scale=scale)
    return scene


def test_the_sum_is_told_where_no_pair_is():
    spray, crowd = judge(related.spray()), judge(related.crowd())
    assert {f.kind for f in spray} == {"spray"}
    assert spray[-1].source.address == outside(9)
    assert {f.kind for f in crowd} == {"distributed"}
    assert crowd[-1].source is None
    assert crowd[-1].target.port == 22


def test_few_or_long_or_only_probed_is_none():
    assert judge(logins(1, 12, 3)) == []
    assert judge(logins(12, 1, 8)) == []
    assert judge(logins(1, 40, 1, scale=30)) == []
    assert judge(logins(1, 40, 1, form="half_open")) == []


def test_crowds_of_mail_and_of_the_web_are_usual():
    assert judge(logins(60, 1, 3, port=443)) == []
    assert judge(logins(60, 1, 3, port=445)) == []
    assert judge(logins(60, 1, 3, port=25)) == []


def test_few_sources_that_guess_much_are_plain_guessing():
    assert judge(logins(2, 1, 90), sources=4) == []
