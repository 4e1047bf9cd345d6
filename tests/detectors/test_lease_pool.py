"""DHCP out of hand."""

from __future__ import annotations

import identity_scenes as scenes
import pytest
from identity_scenes import MAC, Scene, dhcp

from citywall.batches import OTHER_SENDER
from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build


def judge(scene, **parameters):
    found = build({"leasepool": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in found if f.detector == "leasepool"]


def asks(n, every=0.1, **more):
    scene = Scene()
    for i in range(n):
        dhcp(scene, i * every, 1, MAC + i, **more)
    return scene


@pytest.mark.parametrize(
    ("n", "flags", "worst"),
    [(60, 0, None), (250, 0, Severity.MEDIUM), (15, OTHER_SENDER, None), (30, OTHER_SENDER, Severity.MEDIUM),
     (300, OTHER_SENDER, Severity.HIGH)],
)  # fmt: skip
@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_new_clients_and_those_that_others_ask_for(n, flags, worst, six):
    found = judge(asks(n, flags=flags, six=six))
    assert max((f.severity for f in found), default=None) == worst
    assert {f.entity for f in found} <= {"segment"}


def test_the_window_ends():
    assert judge(asks(300, every=1.0)) == []


def test_a_second_server_leads_elsewhere():
    (first, *_) = judge(scenes.second_server())
    assert (first.kind, first.source.address, first.facts["usual"]) == (
        "second_server",
        "10.0.0.66",
        "10.0.0.1",
    )
    assert first.severity == Severity.MEDIUM


def test_servers_that_agree_change_or_stand_behind_other_relays_are_none():
    agree = scenes.second_server()
    changes = scenes.second_server()
    relayed = scenes.second_server()
    for row in agree.resolution:
        row["answers"] = 7
    for row in changes.resolution:
        row["src_lo"] = changes.resolution[0]["src_lo"]
    for row in relayed.resolution[6:]:
        row["number"] = 0x0A000101
    assert judge(agree) == judge(changes) == judge(relayed) == []
    assert judge(scenes.second_server(), learned=9) == []


def test_what_a_server_does_not_speak_of_does_not_differ():
    """Answers have what a client asked for: routers, name servers, or both."""
    scene = scenes.second_server()
    for i, row in enumerate(scene.resolution):
        row["answers"] = (5 << 32, 7, 5 << 32 | 7)[i % 3]
    assert judge(scene) == []
    scene.resolution[-1]["answers"] = 6 << 32
    assert len(judge(scene)) == 1
