"""Which rows go to which set of detectors."""

from __future__ import annotations

import detector_scenes as scenes
import numpy as np
import pytest
import relation_scenes as related
import sighting_scenes as sighted

from citywall.batches import DNS_QUERY, EVENT, FLOW
from detectors.features.sharing import Sharing
from detectors.limits import limits_of, reach_of
from detectors.norms import norms_of
from detectors.prefixes import Prefixes
from detectors.registry import DETECTORS, sharing

PARTITIONS = 5
PARAMETERS = {name: d.Parameters() for name, d in DETECTORS.items()}


def shares(rows: np.ndarray) -> list[set[int]]:
    """The partitions that each row goes to, none of them of the sample that goes to all."""
    share = sharing({}, PARTITIONS)
    rows = rows.copy()
    if rows.dtype == FLOW:
        rows["flow_id"] = 1
    rows["offset"] = np.arange(len(rows))
    parts = share.flows([rows]) if rows.dtype == FLOW else share.events([rows])
    assert all(np.all(np.diff(part["offset"]) > 0) for part in parts)
    return [{p for p in range(PARTITIONS) if i in parts[p]["offset"]} for i in range(len(rows))]


@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_a_source_stays_in_one_place(six):
    rows = scenes.vertical(six).reports()
    assert set.intersection(*shares(rows))
    owners = sharing({}, PARTITIONS).sources(rows)
    assert all(owner in went for owner, went in zip(owners.tolist(), shares(rows), strict=True))
    assert len(set(owners.tolist())) == 1


def test_hosts_of_a_prefix_are_received_for_in_one_place():
    scene = scenes.Scene()
    for i in range(200):
        scene.tcp(i * 0.01, f"198.51.{i}.7", f"10.9.8.{i}", 443, "silent")
    went = shares(scene.reports())
    assert set.intersection(*went)
    assert set.union(*went) == set(range(PARTITIONS))
    assert all(len(places) <= 2 for places in went)


def test_a_relation_goes_to_its_source_and_to_the_prefix_of_its_target():
    rows = scenes.browsing().reports()
    talk = rows[(rows["proto"] == 6) & (rows["dst_payload"] > 0)]
    assert len(talk)
    went = shares(talk)
    assert all(1 <= len(places) <= 2 for places in went)
    assert set.intersection(*went)
    same = {}
    for row, places in zip(talk, went, strict=True):
        same.setdefault(int(row["dst_lo"]) >> 8, []).append(places)
    assert all(set.intersection(*of_one) for of_one in same.values())


def test_what_is_told_to_a_segment_goes_to_one_place():
    rows = related.leases().reports()
    assert set.intersection(*shares(rows))


@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_an_answer_goes_to_who_asked(six):
    scene = scenes.Scene()
    for i in range(20):
        asker, asked = scenes.address(i, six), scenes.address(i + 100, six)
        scene.arp(i, asker, asked, answered=True, mac=0x02BB00000001)
    events = scene.events()
    assert len(events) == 40
    went = shares(events)
    assert all(1 <= len(places) <= 3 for places in went)
    assert went[::2] == went[1::2]
    common = set.intersection(*went)  # of the segment, and of the card
    assert 1 <= len(common) <= 2
    assert len(set.union(*went) - common) > 1


def test_pieces_are_taken_together_and_one_partition_takes_all():
    rows = scenes.vertical().reports()
    (part,) = sharing({}, 1).flows([rows[:10], rows[10:]])
    assert np.array_equal(part, rows)
    assert [len(p) for p in sharing({}, 3).flows([])] == [0, 0, 0]
    assert [len(p) for p in sharing({}, 3).events([])] == [0, 0, 0]
    with pytest.raises(ValueError, match="different kinds"):
        sharing({}, 2).flows([np.zeros(1, EVENT), np.zeros(1, EVENT)])


def test_what_applications_say_goes_to_who_asks_and_who_answers():
    rows = sighted.names_of_people().events()
    went = shares(rows)
    asked = rows["kind"] == DNS_QUERY
    assert len({tuple(places) for places, q in zip(went, asked, strict=True) if q}) == 1  # one client
    assert set.intersection(*went)
    assert all(1 <= len(places) <= 2 for places in went)
    logons = sighted.many_sources().events()
    assert len({tuple(places) for places in shares(logons)}) == 1  # one account, wherever it comes from


def test_the_sample_that_clocks_go_by_is_for_everybody():
    """One flow in 32, the same whatever the partition, so that all of them sweep at the same rows."""
    share = (0, 5)
    norms = norms_of(PARAMETERS, Prefixes(()).words, share)
    rows = np.zeros(4000, FLOW)
    rows["flow_id"] = np.arange(4000, dtype="u8") * np.uint64(0x9E3779B97F4A7C15)
    rows["dst_lo"] = 0xFFFF_0A00_0000 + np.arange(4000) * 256
    parts = Sharing(limits_of(PARAMETERS, share), reach_of(PARAMETERS, share), norms).flows([rows])
    common = set.intersection(*(set(part["flow_id"].tolist()) for part in parts))
    assert 60 <= len(common) <= 190
    plain = Sharing(limits_of(PARAMETERS, share), reach_of(PARAMETERS, share)).flows([rows])
    assert not set.intersection(*(set(part["flow_id"].tolist()) for part in plain))
