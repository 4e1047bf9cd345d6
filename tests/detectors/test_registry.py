"""Building a set of detectors from settings."""

from __future__ import annotations

import detector_scenes as scenes
import numpy as np
import pytest

from citywall.batches import EVENT
from citywall.domains import Domains, DomainSettings
from citywall.errors import SettingsError
from citywall.settings import PRIVATE
from detectors.choosing import size_parameters
from detectors.registry import DETECTORS, build, cards

NO_EVENTS = np.empty(0, EVENT)


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"scam": {}}, "detectors.scam"),
        ({"scan": 5}, "detectors.scan"),
        ({"scan": {"enabled": "perhaps"}}, "detectors.scan.enabled"),
        ({"flood": {"syn_alarm": -1}}, "detectors.flood.syn_alarm"),
        ({"flood": {"amplifiers": [70000]}}, "detectors.flood.amplifiers[0]"),
        ({"bruteforce": {"ports": ["ssh"]}}, "detectors.bruteforce.ports[0]"),
        ({"features": {"contacts": 1}}, "detectors.features.contacts"),
        ({"features": {"enabled": False}}, "detectors.features.enabled"),
    ],
)
def test_wrong_settings_name_their_key(given, key):
    with pytest.raises(SettingsError) as error:
        build(given, PRIVATE)
    assert error.value.key == key
    assert key in str(error.value)


def test_detectors_can_be_left_out():
    found = build({"scan": {"enabled": False}}, PRIVATE).process(
        scenes.vertical().reports(), NO_EVENTS, "s", "live"
    )
    assert {f.detector for f in found} == set()


def test_parameters_are_heard():
    rows = scenes.vertical().reports()
    assert build({"scan": {"ports": 60000, "weak": 60000, "answered_ports": 60000}}, PRIVATE).process(
        rows, NO_EVENTS, "s", "live"
    ) == []  # fmt: skip


def test_there_is_a_card_for_each():
    assert set(cards()) == set(DETECTORS)
    assert {p.name for p in size_parameters()["features"]} == {"contacts", "groups", "targets", "logins"}


def test_two_domains_with_one_address_are_two_hosts():
    scene = scenes.Scene()
    for vlan in (12, 13):
        for i in range(200):
            scene.tcp(i * 0.02, "10.0.0.5", "10.0.0.9", 1 + i, "refused", vlan=vlan)
    domains = Domains(DomainSettings(vlans={"13": "police"}))
    for row in scene.rows:
        row["domain"] = domains.of_vlan(row["vlan"])
    found = build({}, PRIVATE, domains).process(scene.reports(), NO_EVENTS, "s", "live")
    assert {f.entity for f in found} == {"vlan 12/10.0.0.5", "police/10.0.0.5"}
    assert {f.target.domain for f in found} == {12, 1 << 24}


def test_counts_tell_what_is_held_and_what_was_given_up():
    detectors = build({"features": {"contacts": 100}}, PRIVATE)
    detectors.process(scenes.vertical().reports(), NO_EVENTS, "s", "live")
    counts = detectors.counts()
    assert counts["contacts_held"] == 100
    assert counts["contacts_evicted"] > 300
    assert counts["targets_evicted"] == 0


def test_a_checkpoint_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="cannot be read"):
        build({}, PRIVATE).restore({"session": b"\xc1"})
    with pytest.raises(ValueError, match="schema"):
        build({}, PRIVATE).restore({"session": b"\x92\x63\xa0"})
