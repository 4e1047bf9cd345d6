"""What detectors of what is usual have in common."""

from __future__ import annotations

import baseline_scenes as usual

from citywall.settings import PRIVATE
from detectors.registry import build


def test_evidence_is_the_first_flow_and_the_latest_one_of_the_episode():
    found = build({}, PRIVATE).process(usual.slow_hosts().reports(), usual.slow_hosts().events(), "s", "test")
    (finding,) = [f for f in found if f.detector == "slowscan"]
    first, last = finding.evidence
    assert first.target.address == "10.18.0.0"
    assert first.time < last.time
    assert finding.began <= finding.time


def test_what_did_not_come_has_the_evidence_of_what_came_before():
    scene = usual.missed_backup()
    found = build({}, PRIVATE).process(scene.reports(), scene.events(), "s", "test")
    (finding,) = [f for f in found if f.detector == "jobs"]
    assert [e.target.port for e in finding.evidence] == [10_000]
