"""Abuse of a segment."""

from __future__ import annotations

import pytest
import relation_scenes as related
from relation_scenes import Scene, inside

from citywall.batches import ARP_REPLY
from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build


def judge(scene, **parameters):
    found = build({"segment": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in found if f.detector == "segment"]


def test_the_card_is_named():
    (first, *_) = judge(related.claimed())
    assert first.source.mac == "02:cc:00:00:00:02"
    assert first.source.address == inside(1, net=1)
    assert first.target.address == inside(9, net=1)
    assert first.evidence[0].proto == "arp"


def test_an_answer_that_was_asked_for_is_none():
    scene = Scene()
    for i in range(6):
        scene.arp(i * 20.0, inside(9), inside(i + 1), answered=True)
    assert judge(scene) == []


def test_one_change_of_hands_is_none():
    assert judge(related.changing_hands()) == []
    assert judge(related.contended(), flips=50) == []


def test_segments_are_told_apart():
    scene = Scene()
    for vlan in (7, 8):
        for i in range(30):
            scene.flow(
                i * 0.1, "0.0.0.0", "255.255.255.255", 17, 68, 67, 2, 0, 500, 0, 0.05, vlan=vlan
            )  # fmt: skip
    assert judge(scene) == []
    found = judge(scene, requests=50)
    assert {f.entity for f in found} == {"vlan 7", "vlan 8"}


def test_learning_comes_first():
    assert [f.kind for f in judge(related.strange_dhcp())] == ["strange_dhcp"]
    assert judge(related.strange_dhcp(), learn_s=10_000) == []
    assert judge(related.strange_router(), learn_flows=1000) == []


def test_a_broadcast_announcement_is_no_answer():
    scene = Scene().arp(0, inside(66), inside(9), mac=0x02CC00000002)
    scene._event(9.0, inside(67), inside(67), ARP_REPLY, 0x02CC00000002, 0xFFFFFFFFFFFF, 0)
    assert judge(scene) == []


@pytest.mark.parametrize("card", [0x02AA00000001, 0xFFFFFFFFFFFF])
def test_who_is_told_is_seen_by_its_address_too(card):
    """Tools that forge answers leave all cards as the one that is told."""
    scene = Scene().arp(0, inside(66), inside(9), mac=0x02CC00000002)
    scene._event(9.0, inside(67), inside(9), ARP_REPLY, 0x02CC00000002, card, 0)
    (found,) = judge(scene)
    assert (found.kind, found.target.address) == ("address_claimed", inside(9))


def test_who_sent_what_another_card_claims():
    (found,) = judge(related.other_sender())
    assert (found.kind, found.source.mac, found.facts["mac"]) == (
        "other_sender", "02:cc:00:00:00:02", "02:bb:00:00:00:01",
    )  # fmt: skip
    assert found.severity == Severity.LOW
    assert found.source.address == inside(1)
    (found,) = judge(related.other_sender(net="10.1.0"))  # as bridges of wireless networks do
    assert found.severity == Severity.INFORMATIONAL
