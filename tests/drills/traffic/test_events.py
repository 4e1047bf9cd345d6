"""Events by the thousand."""

from __future__ import annotations

import numpy as np

from citywall.addresses import to_text
from citywall.batches import EVENT, NTLM_LOGON, TEXT
from drills.traffic.events import Events, digests, names
from drills.traffic.rows import SECOND, address


def test_columns_become_rows_in_order_of_time():
    events = Events(1000 * SECOND)
    events.add([3.0, 1.0], address("10.0.0.1"), [address("10.0.0.2"), address("10.0.0.3")], NTLM_LOGON,
               names("user%d", [7, 12]), b"city", type=6)  # fmt: skip
    events.add([2.0], 0, 0, 45, b"c$")
    rows = events.rows()
    assert rows.dtype == EVENT
    assert (rows["time"] // SECOND).tolist() == [1001, 1002, 1003]
    assert to_text(int(rows["dst_hi"][0]), int(rows["dst_lo"][0])) == "10.0.0.3"
    assert bytes(rows["text"][0])[:10] == b"user12city"
    assert rows[["name_size", "rest_size", "agent_size"]][0].item() == (6, 4, 0)
    assert rows["frame"].tolist() == [1, 2, 3]
    assert len(bytes(rows["text"][0])) == TEXT


def test_nothing_gives_nothing():
    events = Events(0)
    events.add([], 0, 0, NTLM_LOGON, b"x")
    assert len(events.rows()) == 0
    assert len(Events(0).rows()) == 0


def test_a_digest_is_that_of_the_text_however_it_comes():
    one, other = digests(b"user1", 3), digests(names("user%d", [1, 2, 10]), 3)
    assert one[0] == one[2] == other[0]
    assert len(np.unique(other)) == 3
