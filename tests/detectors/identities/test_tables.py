"""State of identities: bounded, kept through a crash, and told where machines are."""

from __future__ import annotations

import identity_scenes as scenes
import numpy as np
import pytest

from citywall.addresses import to_words
from citywall.batches import DHCP_MESSAGE, EVENT
from detectors.bounds import bounds_of
from detectors.features.tables import CHUNK
from detectors.ground import Ground, Spot, Stretch
from detectors.identities.tables import ZONE, Identities, IdentityParameters, concerned
from detectors.places import Places
from detectors.registry import DETECTORS

BOUNDS = bounds_of({name: d.Parameters() for name, d in DETECTORS.items()})


def state(subjects=32, ground=None):
    return Identities(IdentityParameters(subjects=subjects), BOUNDS, Places((), ground=ground))


def test_a_snapshot_is_what_is_used_and_comes_back():
    events = scenes.roasting().events()
    one, two = state(), state()
    one.observe(events[:4])
    two.observe(scenes.machines().events())
    kept = {name: np.array(part) for name, part in one.snapshot().items()}
    two.restore(kept)
    assert two.used == one.used
    first, second = one.observe(events[4:]), two.observe(events[4:])
    assert len(first.subjects)
    assert np.array_equal(first.subjects, second.subjects)
    assert np.array_equal(first.seen, second.seen)
    with pytest.raises(ValueError, match="subjects"):
        two.restore(kept | {"subjects": kept["subjects"][:-1]})


def test_tables_stay_within_their_sizes():
    full = state(16)
    reserved = full.nbytes
    full.observe(scenes.domain_life().events())
    assert (full.used, full.nbytes) == (16, reserved)
    assert full.evicted > 0
    with pytest.raises(ValueError, match="rows at a time"):
        full.observe(np.zeros(CHUNK + 1, EVENT))


def test_only_rows_of_identities_are_taken():
    rows = np.zeros(5, EVENT)
    rows["kind"] = (1, 5, 20, DHCP_MESSAGE, 42)
    assert concerned(rows)["kind"].tolist() == [1, DHCP_MESSAGE, 42]
    assert len(concerned(rows[:0])) == 0


def test_a_zone_of_the_register_goes_before_a_domain():
    first, last = (
        int.from_bytes(b"\0" * 10 + b"\xff\xff" + bytes(ip)) for ip in ((10, 1, 0, 0), (10, 1, 0, 9))
    )
    ground = Ground([Stretch(7, first, last, Spot("police", "", ""))], {})
    rows = np.zeros(3, EVENT)
    rows["kind"], rows["domain"] = (2, DHCP_MESSAGE, 2), 7
    rows["src_lo"][0] = rows["answer_lo"][1] = to_words("10.1.0.5")[1]
    rows["src_lo"][2] = to_words("10.2.0.5")[1]
    assert state(ground=ground).networks(rows).tolist() == [ZONE | 1, ZONE | 1, 7]
    assert state().networks(rows).tolist() == [7, 7, 7]
