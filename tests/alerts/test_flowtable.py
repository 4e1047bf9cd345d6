from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from alerts.flowtable import STATISTICS, table
from citywall.batches import END_IDLE, FLOW, OPEN

Make = Callable[..., Any]


def test_only_flows_that_ended_are_rows(make_flows: Make) -> None:
    reports, closed, ids = make_flows(
        [{"src": "10.0.0.1", "dst": "2001:db8::1", "reason": END_IDLE}, {"proto": 200}]
    )
    opened = np.zeros(3, FLOW)
    opened["kind"] = OPEN
    mixed = np.concatenate([opened[:1], reports[:1], opened[1:], reports[1:]])
    rows = table(mixed, closed, ids)
    assert rows.num_rows == 2
    assert rows["src"].to_pylist() == ["10.0.0.1", "10.0.0.1"]
    assert rows["dst"].to_pylist() == ["2001:db8::1", "10.0.0.1"]
    assert rows["dst_address"].to_pylist()[0] == bytes.fromhex("20010db8" + "0" * 23 + "1")
    assert rows["src_address"].to_pylist()[0] == bytes.fromhex("0" * 20 + "ffff0a000001")
    assert rows["proto"].to_pylist() == ["tcp", "200"]
    assert rows["reason"].to_pylist() == ["idle", "none"]
    assert rows["community_id"].to_pylist() == ids
    assert rows.schema.field("last").type == pa.timestamp("ns", tz="UTC")
    assert set(STATISTICS) <= set(rows.column_names)


def test_no_rows(make_flows: Make) -> None:
    assert table(*make_flows([])).num_rows == 0


@pytest.mark.parametrize("fault", ["ids", "closed", "order"])
def test_what_does_not_align_is_refused(make_flows: Make, fault: str) -> None:
    reports, closed, ids = make_flows([{}, {}])
    if fault == "ids":
        ids = ids[:1]
    elif fault == "closed":
        closed = closed[:1]
    else:
        closed = closed[::-1]
    with pytest.raises(ValueError, match=r"flows ended|belong"):
        table(reports, closed, ids)
