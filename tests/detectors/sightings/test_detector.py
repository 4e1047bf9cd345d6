"""What detectors of sightings have in common."""

from __future__ import annotations

import sighting_scenes as scenes

from citywall.batches import CLEAR_PASSWORD, LOGIN_NAME
from citywall.settings import PRIVATE
from detectors.registry import build


def only(scene):
    (found,) = build({}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return found


def test_evidence_is_the_packets_that_began_and_brought_it():
    found = build({}, PRIVATE).process(scenes.refused().reports(), scenes.refused().events(), "s", "live")[0]
    first, last = found.evidence
    assert (first.frame, first.offset, first.kind) == (0, 0, "packet")
    assert (last.frame, last.time) == (11, found.time)
    assert (first.source.port, first.target.port, first.proto) == (445, 40000, "tcp")


def test_what_comes_from_a_log_has_no_place_in_a_capture():
    found = only(scenes.at_night())
    assert [(e.frame, e.offset) for e in found.evidence] == [(None, None)]
    assert found.evidence[0].source.port is None


def test_hosts_are_told_apart_by_their_domain():
    more = {"type": 1, "flags": CLEAR_PASSWORD, "ports": (40000, 21), "domain": 12, "vlan": 12}
    found = only(scenes.say(scenes.Scene(), 0, LOGIN_NAME, "10.1.0.9", "10.2.0.3", "wangwei", **more))
    assert found.entity == "vlan 12/10.1.0.9>vlan 12/10.2.0.3:21"
    assert found.target.domain == 12
