"""Names are Suricata's, and each stands for one event."""

from __future__ import annotations

from citywall.batches import REASONS
from ingest.anomalies.names import CUT_LINK, NAMES, NUMBER, OF_FRAGMENT, OF_REASON


def test_every_name_is_there_once():
    assert len(set(NAMES)) == len(NAMES) == len(NUMBER)
    assert all("." in name for name in NAMES[1:])


def test_what_stands_for_events_are_events():
    told = {*OF_REASON.values(), *CUT_LINK.values(), *OF_FRAGMENT.values()}
    assert 0 not in told
    assert max(told) < len(NAMES)
    assert set(OF_REASON) < set(range(len(REASONS)))
